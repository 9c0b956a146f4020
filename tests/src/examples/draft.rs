//! A request put together from the examples of the document.

use std::collections::BTreeMap;

use customer_client::Credentials;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::node::{self, Media};
use super::scenes::Sent;
use super::words::Words;
use crate::document::{Document, Operation};
use crate::http::{Answer, FORM, QUERY, RawRequest, SEGMENT, form};
use crate::places::{Access, access};
use crate::server::TestServer;

/// Who may send requests.
pub(crate) type Callers = BTreeMap<String, Credentials>;

/// A server, what it says in place of the words of the document, and the keys of its customers.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) words: Words,
    pub(crate) callers: Callers,
}

/// A request in the words of the document.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) method: String,
    pub(super) template: String,
    /// Values of the parameters of the path.
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    /// So many spaces in place of a body.
    pub(super) spaces: Option<usize>,
    /// Who sends it; nobody in particular without.
    pub(super) caller: Option<String>,
    /// The pointers of the examples it is made of.
    pub(super) examples: Vec<String>,
}

impl Draft {
    /// The request example of an operation: all examples of its path and body, and those of its query that it
    /// can't do without.
    pub(super) fn of(document: &Document, operation: &Operation, body: Option<&Media<'_>>, caller: &str) -> Self {
        let mut draft = Self {
            method: operation.method.clone(),
            template: operation.template.clone(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            spaces: None,
            caller: (access(operation) == Access::Required).then(|| caller.to_owned()),
            examples: Vec::new(),
        };
        for parameter in node::parameters(document, operation) {
            let (name, value) = named(parameter.value);
            match parameter.value["in"].as_str() {
                Some("path") => draft.path.push((name, value)),
                Some("query") if parameter.value["required"] == true => draft.query.push((name, value)),
                _ => continue,
            }
            draft.examples.push(parameter.pointer);
        }
        if let Some(media) = body {
            draft.header("Content-Type", &media.name);
            draft.body = Some(media.node.value["example"].clone());
            draft.examples.push(media.node.pointer.clone());
        }
        draft
    }

    /// A request that is no example; method and path stand in one text.
    pub(super) fn plain(line: &str, caller: &str) -> Self {
        let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
        Self {
            method: method.to_owned(),
            template: path.to_owned(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            spaces: None,
            caller: Some(caller.to_owned()),
            examples: Vec::new(),
        }
    }

    /// A request of the fixtures.
    pub(super) fn sent(sent: &Sent, caller: &str) -> Self {
        let mut draft = Self::plain(&sent.send, sent.caller.as_deref().unwrap_or(caller));
        if let Some(body) = &sent.body {
            draft.header("Content-Type", "application/json");
            draft.body = Some(body.clone());
        }
        draft
    }

    /// Sets a header, in place of one that is there.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Adds the example of a parameter of a header or of the query.
    pub(super) fn with(mut self, parameter: &node::Node<'_>) -> Self {
        let (name, value) = named(parameter.value);
        match parameter.value["in"].as_str() {
            Some("query") => self.query.push((name, value)),
            _ => self.header(&name, &value),
        }
        self.examples.push(parameter.pointer.clone());
        self
    }

    /// Sends it to a server.
    pub(super) async fn send(&self, stage: &Stage) -> Answer {
        let mut request = self.request(stage);
        if let Some(size) = self.spaces {
            request = request.body(vec![b' '; size]);
        } else if let Some(body) = &self.body {
            let body = stage.words.value_to_server(body);
            let is_form = self.headers.iter().any(|(name, value)| name == "Content-Type" && value == FORM);
            request = request.body(if is_form { form(&body) } else { body.to_string() });
        }
        request.send().await
    }

    /// Everything but its body, which the caller adds.
    pub(super) fn request(&self, stage: &Stage) -> RawRequest {
        let mut path = self.template.clone();
        for (name, value) in &self.path {
            let value = stage.words.to_server(value);
            path = path.replace(&format!("{{{name}}}"), &utf8_percent_encode(&value, &SEGMENT).to_string());
        }
        path = stage.words.to_server(&path);
        for (index, (name, value)) in self.query.iter().enumerate() {
            let value = stage.words.to_server(value);
            path += &format!("{}{name}={}", if index == 0 { '?' } else { '&' }, utf8_percent_encode(&value, &QUERY));
        }
        let mut request = stage.server.request(&self.method, &path);
        for (name, value) in &self.headers {
            request = request.header(name, &stage.words.to_server(value));
        }
        match self.caller.as_deref().map(|caller| (caller, stage.callers.get(caller))) {
            Some((_, Some(credentials))) => request.auth(credentials),
            Some((caller, None)) => panic!("the scene keeps no key of `{caller}`"),
            None => request,
        }
    }
}

/// The name of a parameter and its example as text.
fn named(parameter: &Value) -> (String, String) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let value = match &parameter["example"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (name, value)
}
