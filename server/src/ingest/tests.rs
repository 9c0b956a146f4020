use super::*;
use crate::domain::{
    customers,
    policies::Policies,
    queue,
    register::{PRIORITY_NORMAL, Registration},
    spaces,
};

/// An engine on a database of its own, with one image on the queue.
async fn engine(data: &Path) -> Engine {
    let db = Db::sqlite(&data.join("db")).unwrap();
    customers::found(&db, None, None).await.unwrap();
    let named = spaces::Settings {
        name: "plans".to_owned(),
        default_tags: Vec::new(),
        default_roles: None,
        max_unauthorised: spaces::UNLIMITED,
    };
    spaces::create(&db, 1, named).await.unwrap();
    let rules = Rules { allowed: address::Allowed::default(), policies: Policies::new(&[]) };
    let origin = "https://masters.example.org/a.jpg".to_owned();
    let image = Registration { id: Some("a".to_owned()), space: 1, origin, ..Registration::default() };
    queue::submit(&db, &rules, 1, vec![image], PRIORITY_NORMAL).await.unwrap();
    let objects = Objects::open(data.join("objects").to_str().unwrap()).unwrap();
    let secrets = Secrets::at(data, None).unwrap();
    Engine::new(db, objects, secrets, rules, fetch::Limits::default(), data.join("scratch"), 1).unwrap()
}

/// Claims the image as a server does that starts again after it was killed.
async fn again(engine: &Engine) -> Image {
    ingest::release_all(&engine.db).await.unwrap();
    ingest::claim(&engine.db, 1, Engine::lease()).await.unwrap().remove(0)
}

#[tokio::test]
async fn only_deaths_while_an_image_was_decoded_count() {
    let data = tempfile::tempdir().unwrap();
    let engine = engine(data.path()).await;
    assert_eq!(again(&engine).await.attempts, 0, "nobody died yet");
    for _ in 0..20 {
        assert_eq!(again(&engine).await.attempts, 1, "it was not decoded yet");
    }
    for decoded in 1..=MAX_ATTEMPTS {
        let claim = again(&engine).await;
        assert_eq!(claim.attempts, decoded);
        // As it is decoded; then the server dies.
        ingest::attempt(&engine.db, &claim).await.unwrap();
    }
    let engine = Arc::new(engine);
    let claim = again(&engine).await;
    let at = claim.at.clone();
    engine.ingest(claim).await.unwrap();
    let image = images::get(&engine.db, &at).await.unwrap();
    assert!(image.error.starts_with("The server stopped 5 times while it decoded this image"), "{}", image.error);
    assert!(!image.ingesting);
}

#[tokio::test]
async fn what_is_handed_back_leaves_no_files_but_those_of_another_worker() {
    let data = tempfile::tempdir().unwrap();
    let engine = Arc::new(engine(data.path()).await);
    let claim = again(&engine).await;
    let prefix = image_prefix(1, 1, "a", claim.generation);
    let original = format!("{prefix}/original");
    engine.objects.put(&original, "half of it".into()).await.unwrap();
    engine.end(Instant::now()).await;
    engine.ingest(claim.clone()).await.unwrap();
    assert!(engine.objects.get(&original).await.unwrap().is_none());
    let image = images::get(&engine.db, &claim.at).await.unwrap();
    assert_eq!((image.ingesting, image.lease), (true, 0));

    let claim = again(&engine).await;
    engine.objects.put(&original, "all of it".into()).await.unwrap();
    // Another worker has taken the claim since, and is at it.
    let old = Image { dequeued: claim.dequeued.map(|at| at - 1), ..claim.clone() };
    engine.ingest(old).await.unwrap();
    assert!(engine.objects.get(&original).await.unwrap().is_some());
    assert!(images::get(&engine.db, &claim.at).await.unwrap().lease > 0);

    let stored = Outcome::Stored(Stored::default());
    ingest::finish(&engine.db, &engine.rules.policies, &claim, stored).await.unwrap();
    engine.ingest(claim).await.unwrap();
    assert!(engine.objects.get(&original).await.unwrap().is_some());
}
