//! The parameters of a request, held against what the document says of them: the one place that does so, before
//! anything is looked up.

use super::{
    document::{decoded, resolve},
    problem::Failure,
    validate::{Schema, Schemas},
};
use crate::domain::{Error, Fault};
use poem::http::{HeaderMap, Method};
use serde_json::Value;

/// The customer that everything below `/customers` belongs to.
const CUSTOMER: &str = "customer";

#[derive(Debug)]
enum Place {
    /// A segment of the path.
    Path(usize),
    Query,
    Header,
}

#[derive(Debug)]
struct Argument {
    name: String,
    place: Place,
    required: bool,
    schema: Schema,
}

/// The parameters of an operation.
#[derive(Debug)]
pub struct Arguments(Vec<Argument>);

impl Arguments {
    /// Those of an operation and of its path.
    pub(super) fn read(document: &Value, path: &str, item: &Value, operation: &Value) -> Self {
        let all = [&item["parameters"], &operation["parameters"]];
        let all = all.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
        Self(all.filter_map(|parameter| Argument::read(path, resolve(document, parameter))).collect())
    }

    /// Whether the document lists a request header of this name.
    pub fn has_header(&self, name: &str) -> bool {
        self.0.iter().any(|a| matches!(a.place, Place::Header) && a.name.eq_ignore_ascii_case(name))
    }

    /// What is wrong with the number of a customer, if the path names one.
    pub fn customer(&self, schemas: &Schemas, path: &str) -> Option<Fault> {
        self.of_path(schemas, path).into_iter().find(|fault| fault.pointer == CUSTOMER)
    }

    /// Checks the path. One that can't name anything names nothing; what can't be created is invalid.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_path(&self, schemas: &Schemas, method: &Method, path: &str) -> Result<(), Failure> {
        let faults = self.of_path(schemas, path);
        match faults.first() {
            None => Ok(()),
            Some(fault) if fault.pointer == CUSTOMER || !matches!(*method, Method::PUT | Method::POST) => {
                Err(Error::Missing(fault.detail.clone()).into())
            }
            Some(_) => Err(Error::Invalid(faults).into()),
        }
    }

    /// Checks the names and the values of a query.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check_query(&self, schemas: &Schemas, query: &[(String, String)]) -> Result<(), Failure> {
        let known = || self.0.iter().filter(|a| matches!(a.place, Place::Query));
        let mut faults: Vec<Fault> = query
            .iter()
            .filter(|(name, _)| !known().any(|a| a.name == *name))
            .map(|(name, _)| unknown(name, &known().map(|a| a.name.as_str()).collect::<Vec<_>>()))
            .collect();
        if !faults.is_empty() {
            // What looks missing may be what is misspelt.
            return invalid(faults);
        }
        for argument in known() {
            // An empty value is as good as none.
            let given = query.iter().find(|(name, _)| *name == argument.name).map(|(_, value)| value.as_str());
            match given.filter(|value| !value.is_empty()) {
                Some(value) => argument.check(schemas, value, &mut faults),
                None if argument.required => {
                    let detail = format!("The query parameter `{}` is missing.", argument.name);
                    faults.push(Fault::new(argument.name.clone(), detail));
                }
                None => {}
            }
        }
        invalid(faults)
    }

    /// Checks the values of the headers that the document lists.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn check_headers(&self, schemas: &Schemas, headers: &HeaderMap) -> Result<(), Failure> {
        let mut faults = Vec::new();
        for argument in self.0.iter().filter(|a| matches!(a.place, Place::Header)) {
            if let Some(value) = headers.get(&argument.name) {
                argument.check(schemas, &String::from_utf8_lossy(value.as_bytes()), &mut faults);
            }
        }
        invalid(faults)
    }

    fn of_path(&self, schemas: &Schemas, path: &str) -> Vec<Fault> {
        let segments = decoded(path);
        let mut faults = Vec::new();
        for argument in &self.0 {
            if let Place::Path(at) = argument.place
                && let Some(text) = segments.get(at)
            {
                argument.check(schemas, text, &mut faults);
            }
        }
        faults
    }
}

impl Argument {
    fn read(path: &str, parameter: &Value) -> Option<Self> {
        let name = parameter["name"].as_str()?;
        let variable = format!("{{{name}}}");
        let place = match parameter["in"].as_str()? {
            "path" => Place::Path(path.trim_start_matches('/').split('/').position(|s| s == variable)?),
            "query" => Place::Query,
            "header" => Place::Header,
            _ => return None,
        };
        let required = parameter["required"] == true;
        Some(Self { name: name.to_owned(), place, required, schema: Schema::read(&parameter["schema"]) })
    }

    fn check(&self, schemas: &Schemas, text: &str, faults: &mut Vec<Fault>) {
        schemas.check_text(&self.schema, text, &self.name, faults);
    }
}

fn unknown(name: &str, known: &[&str]) -> Fault {
    let instead = if known.is_empty() { "leave it out".to_owned() } else { format!("use {}", known.join(", ")) };
    Fault::new(name, format!("There is no query parameter `{name}` here: {instead}."))
}

fn invalid(faults: Vec<Fault>) -> Result<(), Failure> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments() -> Arguments {
        let integer = json!({ "type": "integer", "minimum": 1 });
        let item = json!({ "parameters": [{ "name": "space", "in": "path", "required": true, "schema": integer }] });
        let operation = json!({ "parameters": [
            { "name": "page", "in": "query", "schema": { "type": "integer" } },
            { "name": "deep", "in": "query", "schema": { "type": "boolean" } },
            { "name": "field", "in": "query", "required": true, "schema": { "type": "string", "enum": ["a"] } },
            { "name": "Key", "in": "header", "schema": { "type": "string", "minLength": 1, "maxLength": 2 } },
        ] });
        Arguments::read(&json!({}), "/spaces/{space}", &item, &operation)
    }

    fn pointers(result: Result<(), Failure>) -> Vec<String> {
        match result {
            Err(Failure::Domain(Error::Invalid(faults))) => faults.into_iter().map(|f| f.pointer).collect(),
            Err(Failure::Domain(Error::Missing(detail))) => vec![detail],
            other => vec![format!("{other:?}")],
        }
    }

    fn query(text: &[(&str, &str)]) -> Vec<String> {
        let query: Vec<_> = text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        pointers(arguments().check_query(&Schemas::default(), &query))
    }

    #[test]
    fn every_fault_of_a_query_is_named() {
        assert_eq!(query(&[("field", "a"), ("page", " 7"), ("deep", "TRUE")]), ["Ok(())"]);
        assert_eq!(query(&[("field", "a"), ("page", "")]), ["Ok(())"]);
        assert_eq!(query(&[("page", "x"), ("deep", "1")]), ["page", "deep", "field"]);
        assert_eq!(query(&[("page", "x"), ("more", "1"), ("most", "1")]), ["more", "most"]);
        assert_eq!(query(&[("field", "")]), ["field"]);
        assert_eq!(query(&[("field", "b")]), ["field"]);
    }

    #[test]
    fn a_path_is_missing_or_invalid() {
        let check = |method, path| pointers(arguments().check_path(&Schemas::default(), &method, path));
        assert_eq!(check(Method::GET, "/spaces/1"), ["Ok(())"]);
        assert_eq!(check(Method::GET, "/spaces/0"), ["`space` is 0, but must be at least 1."]);
        assert_eq!(check(Method::PUT, "/spaces/0"), ["space"]);
    }

    #[test]
    fn headers_have_lengths() {
        let check = |value: &str| {
            let headers = HeaderMap::from_iter([(poem::http::HeaderName::from_static("key"), value.parse().unwrap())]);
            pointers(arguments().check_headers(&Schemas::default(), &headers))
        };
        assert_eq!(
            (check("ab"), check("abc"), check("")),
            (vec!["Ok(())".into()], vec!["Key".into()], vec!["Key".into()])
        );
        assert!(arguments().has_header("key") && !arguments().has_header("page"));
    }
}
