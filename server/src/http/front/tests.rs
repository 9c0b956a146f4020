use super::*;
use crate::{
    domain::{idempotency, policies::Policies, register::Rules},
    http::{Profile, body::MAX_BYTES},
    ingest::{Engine, fetch::Limits},
    objects::Objects,
    secrets::Secrets,
    store::{self, Db},
};
use base64::Engine as _;
use poem::endpoint::make;
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{Barrier, Notify};

fn app(directory: &Path) -> App {
    let db = Db::sqlite(&directory.join("db")).unwrap();
    let objects = Objects::open(directory.join("objects").to_str().unwrap()).unwrap();
    let rules = Rules { allowed: std::iter::empty().collect(), policies: Policies::new(&[]) };
    let secrets = Secrets::at(directory, None).unwrap();
    let (scratch, limits) = (directory.join("scratch"), Limits::default());
    let engine = Engine::new(db.clone(), objects.clone(), secrets.clone(), rules, limits, scratch, 0).unwrap();
    App {
        db,
        objects,
        engine: Arc::new(engine),
        secrets,
        profile: Profile::Seed,
        base: Default::default(),
        rates: super::super::rate::Rates::new(1),
        under_way: Default::default(),
    }
}

#[test]
fn plain_json_is_for_those_who_ask_for_nothing_else() {
    let plain = |accept: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        plain_json(&headers)
    };
    assert!(plain(&["application/json"]) && plain(&["text/html, APPLICATION/JSON;q=0.5"]));
    assert!(plain(&["application/ld+json;q=0, application/json"]));
    assert!(!plain(&["application/ld+json;q=0.3", "application/json; q=0.8"]));
    for linked in ["", "*/*", "application/*", "application/jsonx", "application/json;q=0", "application/json;q=x"] {
        assert!(!plain(&[linked]), "{linked}");
    }
    assert!(!plain(&["application/json, application/ld+json"]));
}

#[tokio::test]
async fn a_panic_is_a_problem_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let handler = make(|_: Request| async { panic!("a secret of the inside") as poem::Result<Response> });
    let front = Front(Arc::new(app(directory.path()))).transform(handler);
    for _ in 0..2 {
        let request = Request::builder().uri_str("/vocab").header("host", "api.example.org").finish();
        let mut response = front.call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = response.header("x-request-id").unwrap().to_owned();
        assert!(response.header("link").is_some());
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        let body = response.take_body().into_string().await.unwrap();
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&problem["status"], &problem["requestId"]), (&500.into(), &id.into()));
        assert_eq!(problem["type"], "http://api.example.org/vocab#problems/internal");
        assert_eq!(problem["instance"], "http://api.example.org/vocab");
        assert!(!body.contains("secret"), "{body}");
    }
}

/// An application whose administrator's key is known.
async fn founded(directory: &Path) -> Arc<App> {
    let app = Arc::new(app(directory));
    customers::found(&app.db, Some("key".to_owned()), Some("secret".to_owned())).await.unwrap();
    app
}

/// A request of the administrator, always with the same `Idempotency-Key`.
fn keyed() -> Request {
    let authorization = format!("Basic {}", BASE64_STANDARD.encode("key:secret"));
    let request = Request::builder().method(Method::POST).uri_str("/customers/1/spaces");
    request.header("authorization", authorization).header("idempotency-key", "k").body("{}")
}

#[tokio::test]
async fn a_keyed_request_is_carried_out_though_nobody_waits() {
    let directory = tempfile::tempdir().unwrap();
    let app = founded(directory.path()).await;
    let (begun, count, goes_on) = (Arc::<Notify>::default(), Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
    let inside = (begun.clone(), count.clone(), goes_on.clone());
    let handler = make(move |_: Request| {
        let (begun, count, goes_on) = inside.clone();
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            begun.notify_one();
            goes_on.notified().await;
            Ok::<_, poem::Error>(Response::builder().status(StatusCode::CREATED).body("made"))
        }
    });
    let front = Front(app.clone()).transform(handler);
    tokio::select! {
        _ = front.call(keyed()) => panic!("answered while it is held"),
        () = begun.notified() => {}
    }
    goes_on.notify_one();
    app.under_way.close();
    app.under_way.wait().await;
    let mut again = front.call(keyed()).await.unwrap();
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.take_body().into_string().await.unwrap(), "made");
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn only_what_was_refused_is_carried_out_again() {
    type Fails = fn() -> Failure;
    let refused: Fails = || Failure::Domain(domain::Error::Missing("It is gone.".to_owned()));
    let away: Fails = || Failure::Domain(domain::Error::Store(store::Error::Silent));
    let panics: Fails = || panic!("after it changed something");
    for (fails, statuses, times) in [(refused, [404, 404], 2), (away, [503, 422], 1), (panics, [500, 422], 1)] {
        let directory = tempfile::tempdir().unwrap();
        let app = founded(directory.path()).await;
        let count = Arc::<AtomicUsize>::default();
        let inside = (app.clone(), count.clone());
        let handler = make(move |_: Request| {
            let (app, count) = inside.clone();
            async move {
                count.fetch_add(1, Ordering::Relaxed);
                idempotency::take(&app.db).await.map_err(Failure::from)?;
                Err::<Response, poem::Error>(fails().into())
            }
        });
        let front = Front(app).transform(handler);
        let answers = [front.call(keyed()).await.unwrap(), front.call(keyed()).await.unwrap()];
        assert_eq!(answers.map(|answer| answer.status().as_u16()), statuses);
        assert_eq!(count.load(Ordering::Relaxed), times, "{statuses:?}");
    }
}

#[tokio::test]
async fn whoever_lost_to_a_request_that_failed_may_ask_again() {
    let directory = tempfile::tempdir().unwrap();
    let app = founded(directory.path()).await;
    let (count, both, taken, lost) =
        (Arc::<AtomicUsize>::default(), Arc::new(Barrier::new(2)), Arc::<Notify>::default(), Arc::<Notify>::default());
    let inside = app.clone();
    let handler = make(move |_: Request| {
        let (app, count, both, taken, lost) =
            (inside.clone(), count.clone(), both.clone(), taken.clone(), lost.clone());
        async move {
            let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
            both.wait().await;
            if is_first {
                idempotency::take(&app.db).await.map_err(Failure::from)?;
                taken.notify_one();
                lost.notified().await;
                return Err::<Response, poem::Error>(Failure::invalid("", "It is wrong.").into());
            }
            taken.notified().await;
            let late = idempotency::take(&app.db).await.unwrap_err();
            lost.notify_one();
            Err(Failure::from(late).into())
        }
    });
    let front = Front(app).transform(handler);
    let (one, other) = tokio::join!(front.call(keyed()), front.call(keyed()));
    let answers = [one.unwrap(), other.unwrap()];
    let mut statuses = answers.each_ref().map(|answer| answer.status().as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [400, 503]);
    assert_eq!(answers.iter().filter(|answer| answer.header("retry-after") == Some("1")).count(), 1);
}

#[tokio::test]
async fn a_keyed_body_is_not_read_when_it_is_announced_to_be_too_large() {
    let directory = tempfile::tempdir().unwrap();
    let handler =
        make(|_: Request| async { Ok::<_, poem::Error>(Response::builder().status(StatusCode::CREATED).finish()) });
    let front = Front(founded(directory.path()).await).transform(handler);
    for (length, status) in [(MAX_BYTES + 1, StatusCode::PAYLOAD_TOO_LARGE), (MAX_BYTES, StatusCode::CREATED)] {
        let mut request = keyed();
        request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        assert_eq!(front.call(request).await.unwrap().status(), status, "{length}");
    }
}
