//! Requests that change something: each leaves a note in the journal, and a POST with an
//! `Idempotency-Key` is carried out once however often it is sent.

use super::{
    body::{self, MAX_BYTES},
    document::Operation,
    problem::Failure,
    session::Session,
};
use crate::{
    domain::{
        self,
        audit::Entry,
        idempotency::{self, Answer, Verdict},
        keys::Principal,
        time,
    },
    store::{self, journal},
};
use futures::FutureExt;
use poem::{
    Body, Request, Response,
    error::{ReadBodyError, ResponseError},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};
use std::panic::AssertUnwindSafe;

/// The headers of an answer that are the answer's own; the others are made anew for each request.
const KEPT_HEADERS: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::ETAG,
    header::LOCATION,
    header::CONTENT_LOCATION,
    HeaderName::from_static("preference-applied"),
];

/// A request that changes something, and what is known of it.
pub struct Change {
    /// What it is about to do.
    pub operation: &'static Operation,
    /// Who sends it.
    pub principal: Principal,
    /// The rest.
    pub session: Session,
    /// Its id.
    pub request_id: String,
}

impl Change {
    fn entry(&self) -> Entry {
        let mut segments = self.session.path.trim_start_matches('/').split('/');
        let owner = match (segments.next(), segments.next().and_then(|s| s.parse().ok())) {
            (Some("customers"), Some(customer)) => customer,
            _ => self.principal.customer,
        };
        Entry {
            id: uuid::Uuid::now_v7().to_string(),
            customer: owner,
            actor: self.principal.customer,
            key: self.principal.key.clone(),
            portal_user: self.principal.portal_user.clone(),
            operation: self.operation.id.clone(),
            target: self.session.path.clone(),
            request: self.request_id.clone(),
            created: time::now(),
        }
    }

    /// Carries the request out, or repeats the answer to the one it repeats.
    ///
    /// # Errors
    /// What carrying it out answers; a key that is none, or that came with another content.
    pub async fn run<F, R>(self, mut request: Request, carry_out: F) -> Result<Response, Failure>
    where
        F: FnOnce(Request) -> R + Send + 'static,
        R: Future<Output = Result<Response, Failure>> + Send + 'static,
    {
        let key = if *request.method() == Method::POST { key(&request)? } else { None };
        let Some(key) = key else {
            return journal::scope(journal::Note::new(self.entry(), None), carry_out(request)).await;
        };
        let fingerprint = self.fingerprint(&mut request).await?;
        if let Some(answer) = self.known(&key, &fingerprint).await? {
            return Ok(replayed(&answer));
        }
        // Whoever asks again wants the answer, so it is made and kept also when nobody waits for it any more.
        let app = self.session.app.clone();
        let task = app.under_way.spawn(async move { self.once(&key, &fingerprint, carry_out(request)).await });
        task.await.unwrap_or(Err(Failure::Internal))
    }

    /// The fingerprint of a request; its body is read and put back.
    async fn fingerprint(&self, request: &mut Request) -> Result<String, Failure> {
        // What is too large isn't asked for.
        if body::announced(request) > MAX_BYTES {
            return Err(Failure::TooLarge(MAX_BYTES));
        }
        let bytes = match request.take_body().into_bytes_limit(MAX_BYTES).await {
            Ok(bytes) => bytes,
            Err(ReadBodyError::PayloadTooLarge) => return Err(Failure::TooLarge(MAX_BYTES)),
            Err(_) => return Err(Failure::invalid("", "The body ended before it was complete: send it again.")),
        };
        let target = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let fingerprint = idempotency::fingerprint(&self.session.app.secrets, target, &bytes);
        request.set_body(bytes);
        Ok(fingerprint)
    }

    /// Carries out what nobody has with this key, and keeps the answer.
    async fn once(
        &self,
        key: &str,
        fingerprint: &str,
        request: impl Future<Output = Result<Response, Failure>>,
    ) -> Result<Response, Failure> {
        let note = journal::Note::new(self.entry(), Some((key.to_owned(), fingerprint.to_owned())));
        let carried_out = journal::scope(note.clone(), async {
            let response = request.await?;
            if !note.is_claimed() {
                idempotency::take(&self.session.app.db).await?;
            }
            Ok(response)
        });
        let answered = match AssertUnwindSafe(carried_out).catch_unwind().await.unwrap_or(Err(Failure::Internal)) {
            Err(Failure::Domain(domain::Error::Store(store::Error::Repeated))) => {
                // The one that was faster may have failed since, and have freed the key.
                let answer = self.known(key, fingerprint).await?.ok_or(Failure::UnderWay)?;
                return Ok(replayed(&answer));
            }
            Ok(response) => self.keep(key, response).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &answered
            && note.is_claimed()
        {
            self.settle(key, note.entry.created, failure).await;
        }
        answered
    }

    /// Ends the claim that a request made at `claimed` before it failed. What was refused may be sent again; where the
    /// server failed, nobody knows what it did, so that its answer is lost.
    async fn settle(&self, key: &str, claimed: i64, failure: &Failure) {
        let (db, customer) = (&self.session.app.db, self.principal.customer);
        let settled = if failure.status().is_server_error() {
            idempotency::lose(db, customer, key, claimed).await
        } else {
            idempotency::release(db, customer, key, claimed).await
        };
        if let Err(error) = settled {
            tracing::warn!(request_id = %self.request_id, %error, "the key of a request that failed stays taken");
        }
    }

    /// The answer to the first request with this key, if it was carried out.
    async fn known(&self, key: &str, fingerprint: &str) -> Result<Option<Answer>, Failure> {
        let app = &self.session.app;
        match idempotency::judge(&app.db, &app.secrets, self.principal.customer, key, fingerprint).await? {
            Verdict::CarryOut => Ok(None),
            Verdict::Replay(answer) => Ok(Some(answer)),
            Verdict::Differs => Err(Failure::KeyReused(
                "The Idempotency-Key came with another content before: use a new key for a new request.",
            )),
            Verdict::UnderWay => Err(Failure::UnderWay),
            Verdict::Lost => Err(Failure::KeyReused(
                "The request was carried out, but its answer is lost: look up what it made, and use a new key.",
            )),
        }
    }

    /// Keeps the answer for repeats. It is given also where it can't be kept: what it tells was done.
    async fn keep(&self, key: &str, mut response: Response) -> Result<Response, Failure> {
        let body = response.take_body().into_string().await.map_err(|_| Failure::Internal)?;
        let headers = KEPT_HEADERS
            .iter()
            .filter_map(|name| Some((name.to_string(), response.headers().get(name)?.to_str().ok()?.to_owned())))
            .collect();
        let answer = Answer { status: response.status().as_u16(), headers, body };
        let app = &self.session.app;
        if let Err(error) = idempotency::keep(&app.db, &app.secrets, self.principal.customer, key, &answer).await {
            tracing::warn!(request_id = %self.request_id, %error, "an answer could not be kept for repeats");
        }
        response.set_body(Body::from_string(answer.body));
        Ok(response)
    }
}

/// The key of a request, if it has one.
fn key(request: &Request) -> Result<Option<String>, Failure> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let detail = "The header `Idempotency-Key` must have printable ASCII characters only.";
    value.to_str().map(|key| Some(key.to_owned())).map_err(|_| Failure::invalid("Idempotency-Key", detail))
}

fn replayed(answer: &Answer) -> Response {
    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .body(Body::from_string(answer.body.clone()));
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
