//! Why a call failed, in one sentence.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// Why a call failed. It prints the server's own sentence where the server gave one.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server refused, and said why.
    #[error("{status}: {sentence}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What the server says about it.
        sentence: String,
        /// The whole answer: a problem (RFC 9457), or what came in its place.
        body: Value,
    },
    /// The server did not answer.
    #[error("the server did not answer: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The server's answer is not what its document says.
    #[error("the server's answer can't be read: {0}")]
    Unreadable(String),
    /// The call can't be made with these arguments.
    #[error("the request can't be made: {0}")]
    Invalid(String),
    /// A link of an answer leads to another server than the one asked, which must not get the key.
    #[error("`{link}` leads to another server than {asked}")]
    Elsewhere {
        /// The link.
        link: String,
        /// The server asked.
        asked: String,
    },
    /// The deadline passed.
    #[error("not done within {} s", .0.as_secs_f32())]
    Late(Duration),
}

impl Failure {
    /// The status the server answered, if it did.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable(error) => !error.is_builder(),
            _ => false,
        }
    }

    pub(crate) fn refused(status: StatusCode, body: Value) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let sentence = match (text("detail"), text("title").or_else(|| text("msg"))) {
            (Some(detail), _) => detail.to_owned(),
            (None, Some(title)) => title.to_owned(),
            (None, None) => "no reason given".to_owned(),
        };
        Self::Refused { status, sentence, body }
    }
}

/// Whatever type an operation's failures have: `Problem`, or that of the `account` operations.
impl<E: Serialize> From<Error<E>> for Failure {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::ErrorResponse(answer) => {
                let status = answer.status();
                Self::refused(status, serde_json::to_value(answer.into_inner()).unwrap_or_default())
            }
            Error::CommunicationError(error) | Error::InvalidUpgrade(error) | Error::ResponseBodyError(error) => {
                Self::Unreachable(error)
            }
            Error::InvalidResponsePayload(_, error) => Self::Unreadable(error.to_string()),
            Error::UnexpectedResponse(answer) => Self::Refused {
                status: answer.status(),
                sentence: "the operation's document doesn't list this status".into(),
                body: Value::Null,
            },
            Error::InvalidRequest(what) | Error::Custom(what) => Self::Invalid(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prints_the_servers_sentence() {
        let failure =
            Failure::refused(StatusCode::NOT_FOUND, json!({ "title": "Not Found", "detail": "There is no space 9." }));
        assert_eq!(failure.to_string(), "404 Not Found: There is no space 9.");
        let failure = Failure::refused(StatusCode::BAD_REQUEST, json!({ "msg": "Bad request", "detail": "" }));
        assert_eq!(failure.to_string(), "400 Bad Request: Bad request");
    }
}
