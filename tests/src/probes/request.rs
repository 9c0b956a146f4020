//! The requests that probes consist of.

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::http::{QUERY, SEGMENT, form};

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular.
    Nobody,
    /// Whoever sends the example of the operation.
    Usual,
    /// A customer whose key opens nothing of the usual caller's.
    Stranger,
    /// An administrator.
    Administrator,
    /// Somebody with a secret that is none.
    Impostor,
}

/// How a caller shows a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP Basic.
    Basic,
    /// A header that holds the key and its secret, with a dot between.
    Header(String),
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// There is none.
    Absent,
    /// JSON.
    Json(Value),
    /// The members of an object as a form.
    Form(Value),
    /// Anything.
    Text(String),
    /// So many bytes that never come.
    Announced(u64),
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The template of its path.
    pub template: String,
    /// Values of the variables of the path.
    pub path: Vec<(String, String)>,
    /// The query.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Who sends it.
    pub caller: Caller,
    /// How the caller shows a key.
    pub scheme: Scheme,
    /// Members of the body whose text is to be another one each time.
    pub fresh: Vec<String>,
}

impl Request {
    /// The path and the query, as they go over the wire.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = self.template.clone();
        for (name, value) in &self.path {
            target = target.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, &SEGMENT).to_string());
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            let (name, value) = (utf8_percent_encode(name, &QUERY), utf8_percent_encode(value, &QUERY));
            target += &format!("{}{name}={value}", if index == 0 { '?' } else { '&' });
        }
        target
    }

    /// Sets a variable of the path.
    #[must_use]
    pub fn with_path(mut self, name: &str, value: &str) -> Self {
        for (_, known) in self.path.iter_mut().filter(|(known, _)| known == name) {
            value.clone_into(known);
        }
        self
    }

    /// Sets a parameter of the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a parameter of the query out.
    #[must_use]
    pub fn without_query(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self = self.without_header(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Sets the body, which is a form where the request has one.
    #[must_use]
    pub fn with_value(mut self, value: Value) -> Self {
        self.body = if matches!(self.body, Body::Form(_)) { Body::Form(value) } else { Body::Json(value) };
        self
    }

    /// Sets the body to a text.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.body = Body::Text(text.to_owned());
        self
    }

    /// Sets who sends it.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// The body as a value.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) | Body::Form(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes of the body; `count` makes fresh texts another one each time.
    pub(super) fn bytes(&self, count: usize) -> Vec<u8> {
        let freshened = |value: &Value| {
            let mut value = value.clone();
            for name in &self.fresh {
                if let Some(Value::String(text)) = value.get_mut(name) {
                    *text = format!("{text}-{count}");
                }
            }
            value
        };
        match &self.body {
            Body::Absent | Body::Announced(_) => Vec::new(),
            Body::Json(value) => freshened(value).to_string().into_bytes(),
            Body::Form(value) => form(&freshened(value)).into_bytes(),
            Body::Text(text) => text.clone().into_bytes(),
        }
    }
}
