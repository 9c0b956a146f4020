//! The pages about the API, most of them used as a person would: in a browser.

use contract_tests::browser::Browser;
use contract_tests::{Options, TestServer, contract_test};
use serde_json::json;

/// How the block of an operation is found.
fn block(operation: &str) -> String {
    format!("[id$='-{operation}']")
}

/// In the opened operation, fills in the numbers of its path, executes, and returns the status shown.
async fn execute(browser: &Browser, operation: &str, path: &[(&str, &str)]) -> String {
    let block = block(operation);
    for (name, value) in path {
        let field = format!("{block} tr[data-param-name='{name}'] input");
        browser.element(&field).await.clear().await.unwrap();
        browser.fill(&field, value).await;
    }
    browser.click(&format!("{block} .btn.execute")).await;
    // The head of the table has such a cell too, and appears first.
    let status = format!("{block} .live-responses-table tbody .response-col_status");
    browser.element(&status).await.text().await.unwrap()
}

/// Opens an operation and executes it.
async fn open_and_execute(browser: &Browser, operation: &str, path: &[(&str, &str)]) -> String {
    browser.click(&format!("{} .opblock-summary-control", block(operation))).await;
    execute(browser, operation, path).await
}

contract_test!(only_what_may_change_is_asked_for_again, only sqlite, async |server: &mut TestServer| {
    let kept = "public, max-age=86400";
    let files = [
        ("/openapi.json", "application/json", "no-cache"),
        ("/docs/", "text/html", "no-cache"),
        ("/docs/index.html", "text/html", "no-cache"),
        ("/docs/swagger-initializer.js", "text/javascript", "no-cache"),
        ("/docs/swagger-ui.css", "text/css", kept),
    ];
    for (path, content_type, cache) in files {
        let file = server.get(path).send().await.expect(200);
        assert_eq!((file.must_header("content-type"), file.must_header("cache-control")), (content_type, cache), "{path}");
        let again = server.get(path).header("if-none-match", file.must_header("etag")).send().await.expect(304);
        assert!(again.body.is_empty());
    }
    // The page is started by a script of ours.
    let script = server.get("/docs/swagger-initializer.js").send().await.expect(200).text();
    assert!(script.contains("requestInterceptor: omitting") && script.contains("SwaggerUIBundle({"), "{script}");
    let style = server.get("/docs/swagger-ui.css").send().await.expect(200).text();
    assert!(!style.contains("omitting"));
    assert_eq!(server.get("/docs").send().await.expect(308).must_header("location"), "/docs/");
    server.get("/docs/nothing").send().await.expect_problem(404, "/not-found");
});

/// Authorizes with a key by HTTP Basic.
async fn authorize(browser: &Browser, key: &str, secret: &str) {
    browser.click(".auth-wrapper .btn.authorize").await;
    // A scheme more than Basic may be offered: the one with a password is meant.
    browser.fill(".auth-container input[name='username']", key).await;
    browser.fill(".auth-container input[name='password']", secret).await;
    browser.click(".auth-container:has(input[name='password']) .btn.authorize").await;
    browser.click(".modal-ux .btn-done").await;
}

contract_test!(
    swagger_ui_authorizes_executes_and_remembers,
    only sqlite,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let admin = server.admin();
        let browser = Browser::start().await.unwrap();
        browser.client.goto(&format!("{}/docs/", server.base_url())).await.unwrap();

        authorize(&browser, &admin.key, &admin.secret).await;
        let customer = [("customer", "1")];
        assert!(open_and_execute(&browser, "customer_view", &customer).await.starts_with("200"));

        // The address names the operation, so that it is open again afterwards.
        browser.client.refresh().await.unwrap();
        browser.element(".auth-wrapper .btn.authorize.locked").await;
        browser.element(&format!("{}.is-open", block("customer_view"))).await;
        assert!(execute(&browser, "customer_view", &customer).await.starts_with("200"));
        browser.close().await.unwrap();
    }
);

contract_test!(
    swagger_ui_executes_operations_as_they_come_and_shows_refusals,
    only sqlite,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let admin = server.admin();
        let space = server.post("/customers/1/spaces").auth(&admin).json(&json!({ "name": "plans" })).send().await;
        space.expect(201);
        let browser = Browser::start().await.unwrap();
        browser.client.goto(&format!("{}/docs/", server.base_url())).await.unwrap();
        let customer = [("customer", "1")];
        assert!(open_and_execute(&browser, "customer_view", &customer).await.starts_with("401"));
        authorize(&browser, &admin.key, &admin.secret).await;
        for operation in ["space_list", "key_list", "batch_list"] {
            assert!(open_and_execute(&browser, operation, &customer).await.starts_with("200"), "{operation}");
        }
        assert!(open_and_execute(&browser, "customer_list", &[]).await.starts_with("200"));
        let space = [("customer", "1"), ("space", "1")];
        assert!(open_and_execute(&browser, "image_list", &space).await.starts_with("200"));
        assert!(open_and_execute(&browser, "space_delete", &space).await.starts_with("205"));
        browser.close().await.unwrap();
    }
);
