//! A database that is away, and comes back; one that is far away, and wants encryption.

use std::time::Duration;

use contract_tests::document::Operation;
use contract_tests::places::is_general;
use contract_tests::{Cut, Document, FreshDatabase, Options, Places, TestServer, eventually};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use test_cluster::Cluster;

use crate::start;

/// What every operation says while the database is away. Destructive ones are not carried out.
async fn unavailable(server: &TestServer, places: &Places, address: &str, operation: &Operation) {
    let answer = places.allowed(server, operation, &[]).send().await;
    let after: u64 = answer.must_header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&after));
    let id = answer.must_header("x-request-id").to_owned();
    eventually(Duration::from_secs(5), "the log knows more", async || {
        server.log().lines().any(|line| line.contains("request failed") && line.contains(&id)).then_some(())
    })
    .await;
    let problem = answer.expect_problem(503, "/unavailable");
    let said = problem.to_string();
    assert!(!said.contains("Connection") && !said.contains(address), "{said}");
}

/// What is stored, as far as it shows.
async fn shown(server: &TestServer, places: &Places) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for link in ["", "/spaces", "/allImages", "/keys", "/queue", "/storage"] {
        let answer = places.tenant.request(server, "GET", link).send().await;
        if answer.status != 200 {
            return None;
        }
        all.push(answer.json());
    }
    Some(all)
}

#[test]
fn a_database_that_is_away_is_503_until_it_is_back() {
    // PostgreSQL only: the embedded database can't be away.
    contract_tests::run(Options { workers: 0, ..Options::default() }, async |server| {
        let database = FreshDatabase::create().await.unwrap();
        let (cut, url) = Cut::to_database(&database.url).await.unwrap();
        let address = format!("127.0.0.1:{}", url::Url::parse(&url).unwrap().port().unwrap());
        server.restart_with(|options| options.arguments = vec!["--database".to_owned(), url]).await;
        let places = Places::make(server, "harbour").await;
        let before = shown(server, &places).await.unwrap();
        let all: Vec<&Operation> =
            Document::committed().operations().filter(|operation| is_general(&operation.template)).collect();
        let documented = || all.iter().filter(|operation| operation.responses.contains_key(&503));
        for again in [false, true] {
            cut.cut();
            for operation in documented() {
                unavailable(server, &places, &address, operation).await;
            }
            // What needs no database goes on.
            for path in ["/", "/vocab", "/contexts/Space.jsonld", "/docs/"] {
                server.get(path).send().await.expect(200);
            }
            cut.mend();
            let after = eventually(Duration::from_secs(20), "the server finds its database", async || {
                shown(server, &places).await
            })
            .await;
            assert_eq!(after, before, "the second time: {again}");
        }
        assert!(documented().count() > all.len() / 2);
        server.kill().await;
        database.remove().await.unwrap();
    });
}

/// A certificate of `localhost`, its key, and the certificate of who vouches for it.
fn certificates() -> Result<[String; 3], rcgen::Error> {
    let (voucher_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut voucher = CertificateParams::default();
    voucher.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let vouching = voucher.self_signed(&voucher_key)?.pem();
    let issuer = Issuer::new(voucher, voucher_key);
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    Ok([certificate.pem(), key.serialize_pem(), vouching])
}

#[test]
fn what_is_said_to_the_database_is_encrypted_where_its_url_says_so() {
    // PostgreSQL only: nothing is said to the embedded database.
    contract_tests::run(Options { workers: 0, ..Options::default() }, async |server| {
        let [certificate, key, vouching] = certificates().unwrap();
        let cluster =
            tokio::task::spawn_blocking(move || Cluster::start_encrypted(&certificate, &key)).await.unwrap().unwrap();
        let place = tempfile::tempdir().unwrap();
        let roots = place.path().join("roots.pem");
        std::fs::write(&roots, vouching).unwrap();
        let by_number = cluster.url("postgres");
        let by_name = by_number.replace("127.0.0.1", "localhost");
        let trusted = |url: &str| format!("{url}?sslmode=verify-full&sslrootcert={}", roots.display());
        for (url, part) in [
            (by_name.clone(), "no encryption"),
            (format!("{by_name}?sslmode=disable"), "no encryption"),
            (format!("{by_name}?sslmode=require"), "sslrootcert"),
            (trusted(&by_number), "the host as its certificate does"),
            (format!("{by_name}?sslmode=prefer"), "sslmode"),
            (format!("{by_name}?sslmode=require&sslrootcert=none.pem"), "none.pem"),
        ] {
            let mut command = start::server();
            command.current_dir(place.path()).args(["serve", "--listen", "127.0.0.1:0", "--database", &url]);
            let line = start::refused(&mut command).await;
            assert!(line.contains(part), "{url}: {line}");
        }
        // It takes nothing else, so what is answered was asked encrypted.
        server.restart_with(|options| options.arguments = vec!["--database".to_owned(), trusted(&by_name)]).await;
        let places = Places::make(server, "harbour").await;
        assert!(shown(server, &places).await.is_some());
        server.kill().await;
    });
}
