//! The pages about the API, used as a person would: in a browser.

use contract_tests::browser::Browser;
use contract_tests::{Options, TestServer, contract_test};

const VIEW: &str = "[id$='-customer_view']";

/// In the opened operation, fills in customer 1, executes, and returns the status shown.
async fn execute(browser: &Browser) -> String {
    let field = format!("{VIEW} tr[data-param-name='customer'] input");
    browser.element(&field).await.clear().await.unwrap();
    browser.fill(&field, "1").await;
    browser.click(&format!("{VIEW} .btn.execute")).await;
    // The head of the table has such a cell too, and appears first.
    let status = format!("{VIEW} .live-responses-table tbody .response-col_status");
    browser.element(&status).await.text().await.unwrap()
}

contract_test!(
    swagger_ui_authorizes_executes_and_remembers,
    only sqlite,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let admin = server.admin();
        let browser = Browser::start().await.unwrap();
        browser.client.goto(&format!("{}/docs/", server.base_url())).await.unwrap();

        browser.click(".auth-wrapper .btn.authorize").await;
        // A scheme more than Basic may be offered: the one with a password is meant.
        browser.fill(".auth-container input[name='username']", &admin.key).await;
        browser.fill(".auth-container input[name='password']", &admin.secret).await;
        browser.click(".auth-container:has(input[name='password']) .btn.authorize").await;
        browser.click(".modal-ux .btn-done").await;
        browser
            .click(&format!("{VIEW} .opblock-summary-control"))
            .await;
        assert!(execute(&browser).await.starts_with("200"));

        // The address names the operation, so that it is open again afterwards.
        browser.client.refresh().await.unwrap();
        browser.element(".auth-wrapper .btn.authorize.locked").await;
        browser.element(&format!("{VIEW}.is-open")).await;
        assert!(execute(&browser).await.starts_with("200"));
        browser.close().await.unwrap();
    }
);
