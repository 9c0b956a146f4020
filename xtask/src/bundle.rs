//! Makes one document of the many files of `openapi/`.
//!
//! The root file is `openapi.yaml`; `resources/<r>.yaml` hold path items and components. A
//! reference into another file becomes one into `#/components`, path items are put in place, and
//! the headers of `x-every-response` are added to every response of every operation.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{
    finding::{Finding, Findings},
    pointer::{METHODS, escape, members},
    shape,
    yaml::{self, Parsed},
};

/// The kinds of components a file can hold, in the order the specification lists them.
pub const KINDS: &[&str] =
    &["schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes"];

/// Members whose content is names chosen by the author, so that `example` or `value` in it is not
/// the keyword.
const NAMES: &[&str] = &[
    "properties",
    "patternProperties",
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "securitySchemes",
    "content",
    "paths",
    "encoding",
    "variables",
];

/// Members whose content is data: a `$ref` in it is nobody's business.
const DATA: &[&str] = &["example", "value", "default", "enum", "x-every-response"];

/// The files of the document, by their path relative to the directory of the root file.
pub type Files = BTreeMap<String, String>;

/// The bundled document, and where its parts came from.
#[derive(Debug, Default)]
pub struct Bundle {
    /// The document, self-contained.
    pub document: Value,
    /// Where the parts came from.
    pub sources: Sources,
}

/// Finds the file, line and column of a node of the bundle.
#[derive(Debug, Default)]
pub struct Sources {
    /// What is put before the files' names in reports.
    prefix: String,
    /// The file of what has no other origin.
    root: String,
    files: BTreeMap<String, Parsed>,
    /// Bundle pointer → file and pointer in it, for the parts that moved.
    origins: BTreeMap<String, (String, String)>,
}

impl Sources {
    /// Where the node at `pointer` of the bundle was written: `openapi/resources/x.yaml:3:5`.
    #[must_use]
    pub fn place(&self, pointer: &str) -> String {
        let mut above = pointer;
        loop {
            if let Some((file, inside)) = self.origins.get(above) {
                return self.mark(file, &format!("{inside}{}", &pointer[above.len()..]));
            }
            match above.rsplit_once('/') {
                Some((shorter, _)) => above = shorter,
                None => return self.mark(&self.root, pointer),
            }
        }
    }

    /// The stem of the file the node at `pointer` was written in: `spaces`.
    #[must_use]
    pub fn stem(&self, pointer: &str) -> &str {
        let mut above = pointer;
        loop {
            if let Some((file, _)) = self.origins.get(above) {
                return Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
            }
            match above.rsplit_once('/') {
                Some((shorter, _)) => above = shorter,
                None => return "openapi",
            }
        }
    }

    fn mark(&self, file: &str, pointer: &str) -> String {
        let position = self.files.get(file).map(|parsed| parsed.position(pointer));
        match position {
            Some(position) => format!("{}{file}:{position}", self.prefix),
            None => format!("{}{file}", self.prefix),
        }
    }
}

const ROOT: &str = "openapi.yaml";

/// Reads `openapi.yaml` and `resources/*.yaml` under `directory`.
///
/// # Errors
/// What the file system says.
pub fn read(directory: &Path) -> anyhow::Result<Files> {
    use anyhow::Context as _;
    let mut files = Files::new();
    let mut take = |path: PathBuf, name: String| -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        files.insert(name, text);
        Ok(())
    };
    take(directory.join(ROOT), ROOT.into())?;
    let resources = directory.join("resources");
    for entry in std::fs::read_dir(&resources).with_context(|| resources.display().to_string())? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".yaml")) {
            take(resources.join(name), format!("resources/{name}"))?;
        }
    }
    Ok(files)
}

/// Bundles the files.
///
/// # Errors
/// Everything that keeps the files from being one OpenAPI 3.0 document, each with its place: not
/// YAML, not 3.0, a reference to nothing, siblings of a reference, a circle of path items, two
/// operations of one id, parameters that don't fit their path, two components of one name.
pub fn bundle(files: &Files, prefix: &str) -> Result<Bundle, Findings> {
    let mut bundler = Bundler {
        sources: Sources { prefix: prefix.into(), root: ROOT.into(), ..Sources::default() },
        ..Bundler::default()
    };
    for (name, text) in files {
        match yaml::parse(text) {
            Ok(parsed) => {
                bundler.sources.files.insert(name.clone(), parsed);
            }
            Err(error) => bundler.findings.push(Finding::new(
                format!("{prefix}{name}:{}", error.at),
                format!("not readable as YAML: {}", error.what),
            )),
        }
    }
    bundler.stop()?;
    bundler.root()?;
    let document = bundler.document();
    // What only follows from what is told already is not told beside it.
    bundler.stop()?;
    shape::check(&document, &bundler.sources, &mut bundler.findings);
    bundler.stop()?;
    Ok(Bundle { document, sources: bundler.sources })
}

/// Takes a document of one file as it is written, of either edition.
///
/// # Errors
/// As [`bundle`]; a reference out of the file is one to nothing.
pub fn single(name: &str, text: &str) -> Result<Bundle, Findings> {
    let refused = |place: String, what: String| Findings(vec![Finding::new(place, what)]);
    let parsed = yaml::parse(text)
        .map_err(|error| refused(format!("{name}:{}", error.at), format!("not readable as YAML: {}", error.what)))?;
    let document = parsed.value.clone();
    let sources = Sources { root: name.into(), files: [(name.to_owned(), parsed)].into(), ..Sources::default() };
    let version = document["openapi"].as_str().unwrap_or_default();
    if !["3.0.", "3.1."].iter().any(|known| version.starts_with(known)) {
        let what = format!("the document must be OpenAPI 3.0.x or 3.1.x, not `{}`", document["openapi"]);
        return Err(refused(sources.place("/openapi"), what));
    }
    let mut findings = Vec::new();
    shape::check(&document, &sources, &mut findings);
    for pointer in shape::dangling(&document) {
        let reference = document.pointer(&pointer).map_or(&Value::Null, |node| &node["$ref"]);
        let place = sources.place(&format!("{pointer}/$ref"));
        findings.push(Finding::new(place, format!("{reference} leads nowhere")));
    }
    if findings.is_empty() { Ok(Bundle { document, sources }) } else { Err(Findings(findings)) }
}

#[derive(Default)]
struct Bundler {
    sources: Sources,
    findings: Vec<Finding>,
    components: BTreeMap<&'static str, BTreeMap<String, Value>>,
    paths: Map<String, Value>,
    /// The path items being put in place, as (file, pointer).
    active: Vec<(String, String)>,
    mounted: BTreeSet<(String, String)>,
}

/// The kind of the component a pointer of a file leads to, and its name; of what is in a component,
/// the way to it after the name.
fn component<'a>(file: &str, inside: &'a str) -> Option<(&'a str, &'a str)> {
    let inside = if file == ROOT { inside.strip_prefix("/components")? } else { inside };
    inside.strip_prefix('/')?.split_once('/').filter(|(kind, _)| KINDS.contains(kind))
}

/// Where in which file the walk stands, and where in the bundle that will be.
struct Here<'a> {
    file: &'a str,
    pointer: String,
    names: bool,
}

impl Bundler {
    fn stop(&mut self) -> Result<(), Findings> {
        if self.findings.is_empty() {
            return Ok(());
        }
        let mut findings = std::mem::take(&mut self.findings);
        findings.dedup();
        Err(Findings(findings))
    }

    fn find(&mut self, file: &str, pointer: &str, what: impl Into<String>) {
        let place = self.sources.mark(file, pointer);
        self.findings.push(Finding::new(place, what));
    }

    fn content(&self, file: &str, pointer: &str) -> Option<Value> {
        self.sources.files.get(file)?.value.pointer(pointer).cloned()
    }

    fn root(&mut self) -> Result<(), Findings> {
        let Some(root) = self.content(ROOT, "") else {
            return Err(Findings(vec![Finding::new(
                format!("{}{ROOT}", self.sources.prefix),
                "there is no such file",
            )]));
        };
        let version = root["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.0.") {
            self.find(ROOT, "/openapi", format!("the document must be OpenAPI 3.0.x, not `{}`", root["openapi"]));
            return self.stop();
        }
        let names: Vec<String> = self.sources.files.keys().cloned().collect();
        for file in &names {
            let within = if file == ROOT { "/components" } else { "" };
            self.define(file, within);
        }
        for (path, item) in members(&root["paths"]) {
            let pointer = format!("/paths/{}", escape(path));
            let bundled = self.item(ROOT, &pointer, item, &pointer);
            self.paths.insert(path.clone(), bundled);
        }
        self.unmounted(&names);
        Ok(())
    }

    /// Hoists the components a file defines.
    fn define(&mut self, file: &str, within: &str) {
        let Some(all) = self.content(file, within) else {
            return;
        };
        for (kind, named) in members(&all) {
            let pointer = format!("{within}/{}", escape(kind));
            let Some(kind) = KINDS.iter().copied().find(|known| known == kind) else {
                if kind != "paths" && !kind.starts_with("x-") {
                    self.find(file, &pointer, format!("`{kind}` is no kind of component"));
                }
                continue;
            };
            for (name, value) in members(named) {
                let pointer = format!("{pointer}/{}", escape(name));
                let target = format!("/components/{kind}/{}", escape(name));
                if let Some((earlier, inside)) = self.sources.origins.get(&target) {
                    let first = self.sources.mark(earlier, inside);
                    self.find(file, &pointer, format!("{kind} `{name}` is defined twice, first at {first}"));
                    continue;
                }
                self.sources.origins.insert(target, (file.to_owned(), pointer.clone()));
                let value = self.walk(value, &Here { file, pointer, names: false });
                self.components.entry(kind).or_default().insert(name.clone(), value);
            }
        }
    }

    /// A path item, put in place: `target` is its pointer in the bundle.
    fn item(&mut self, file: &str, pointer: &str, item: &Value, target: &str) -> Value {
        self.sources.origins.insert(target.to_owned(), (file.to_owned(), pointer.to_owned()));
        let Some(reference) = item.get("$ref").and_then(Value::as_str) else {
            return self.walk(item, &Here { file, pointer: pointer.to_owned(), names: false });
        };
        self.alone(item, file, pointer, reference);
        let to = self.target(file, reference);
        let found = to.as_ref().and_then(|(file, pointer)| self.content(file, pointer));
        let (Some(to), Some(value)) = (to, found) else {
            self.find(file, &format!("{pointer}/$ref"), format!("`{reference}` leads nowhere"));
            return Value::Null;
        };
        if self.active.contains(&to) {
            self.find(file, &format!("{pointer}/$ref"), format!("`{reference}` leads back to itself"));
            return Value::Null;
        }
        self.mounted.insert(to.clone());
        self.active.push(to.clone());
        let value = self.item(&to.0, &to.1, &value, target);
        self.active.pop();
        value
    }

    fn walk(&mut self, value: &Value, here: &Here<'_>) -> Value {
        match value {
            Value::Object(map) => {
                if !here.names
                    && let Some(reference) = map.get("$ref").and_then(Value::as_str)
                {
                    self.alone(value, here.file, &here.pointer, reference);
                    return self.reference(here.file, &here.pointer, reference);
                }
                let mut out = Map::with_capacity(map.len());
                for (key, value) in map {
                    let data = !here.names && DATA.contains(&key.as_str());
                    let pointer = format!("{}/{}", here.pointer, escape(key));
                    let inner = Here { file: here.file, pointer, names: !here.names && NAMES.contains(&key.as_str()) };
                    let value = if data { value.clone() } else { self.walk(value, &inner) };
                    out.insert(key.clone(), value);
                }
                Value::Object(out)
            }
            Value::Array(items) => {
                let walked = items.iter().enumerate().map(|(index, item)| {
                    let pointer = format!("{}/{index}", here.pointer);
                    self.walk(item, &Here { file: here.file, pointer, names: false })
                });
                Value::Array(walked.collect())
            }
            other => other.clone(),
        }
    }

    /// A reference, as the bundle writes it.
    fn reference(&mut self, file: &str, pointer: &str, reference: &str) -> Value {
        let target = self.target(file, reference).filter(|(file, inside)| self.content(file, inside).is_some());
        let what = match target.as_ref().map(|(file, inside)| component(file, inside)) {
            Some(Some((kind, name))) if !name.contains('/') => {
                return json!({ "$ref": format!("#/components/{kind}/{name}") });
            }
            Some(Some(_)) => "leads into a component; only whole components can be referred to",
            Some(None) => "leads to no component",
            None => "leads nowhere",
        };
        self.find(file, &format!("{pointer}/$ref"), format!("`{reference}` {what}"));
        Value::Null
    }

    /// The file and the pointer a reference names; none when there is no such file.
    fn target(&self, file: &str, reference: &str) -> Option<(String, String)> {
        let (to, pointer) = reference.split_once('#')?;
        if to.is_empty() {
            return Some((file.to_owned(), pointer.to_owned()));
        }
        let mut parts: Vec<&str> = file.split('/').collect();
        parts.pop();
        for part in to.split('/') {
            match part {
                "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let file = parts.join("/");
        self.sources.files.contains_key(&file).then(|| (file, pointer.to_owned()))
    }

    fn alone(&mut self, value: &Value, file: &str, pointer: &str, reference: &str) {
        if value.as_object().is_some_and(|map| map.len() > 1) {
            self.find(file, pointer, format!("OpenAPI 3.0 ignores what stands beside a $ref, here `{reference}`"));
        }
    }

    fn unmounted(&mut self, names: &[String]) {
        for file in names.iter().filter(|file| *file != ROOT) {
            let Some(paths) = self.content(file, "/paths") else {
                continue;
            };
            for (name, _) in members(&paths) {
                let pointer = format!("/paths/{}", escape(name));
                if !self.mounted.contains(&(file.clone(), pointer.clone())) {
                    self.find(file, &pointer, format!("no path of {ROOT} leads to `{name}`"));
                }
            }
        }
    }

    fn document(&mut self) -> Value {
        let root = self.content(ROOT, "").unwrap_or_default();
        let mut out = Map::new();
        for (key, value) in members(&root) {
            match key.as_str() {
                "paths" if value.is_object() => out.insert(key.clone(), Value::Object(std::mem::take(&mut self.paths))),
                "components" | "x-every-response" => None,
                _ => out.insert(key.clone(), value.clone()),
            };
        }
        let mut components = Map::new();
        for kind in KINDS {
            if let Some(named) = self.components.remove(kind) {
                components.insert((*kind).to_owned(), Value::Object(named.into_iter().collect()));
            }
        }
        out.insert("components".into(), Value::Object(components));
        let mut document = Value::Object(out);
        self.every_response(&root, &mut document);
        document
    }

    /// Adds the headers of `x-every-response`, at the top of the file or in `components`.
    fn every_response(&mut self, root: &Value, document: &mut Value) {
        let (pointer, every) = match root.get("x-every-response") {
            Some(every) => ("/x-every-response", every),
            None => ("/components/x-every-response", &root["components"]["x-every-response"]),
        };
        let here = Here { file: ROOT, pointer: format!("{pointer}/headers"), names: true };
        let headers = self.walk(&every["headers"], &here);
        let Value::Object(headers) = headers else {
            return;
        };
        let add = |response: &mut Value| {
            if let Some(response) = response.as_object_mut().filter(|response| !response.contains_key("$ref")) {
                let own = response.entry("headers").or_insert_with(|| json!({}));
                for (name, header) in &headers {
                    if let Some(own) = own.as_object_mut()
                        && !own.keys().any(|known| known.eq_ignore_ascii_case(name))
                    {
                        own.insert(name.clone(), header.clone());
                    }
                }
            }
        };
        if let Some(shared) = document.pointer_mut("/components/responses").and_then(Value::as_object_mut) {
            shared.values_mut().for_each(add);
        }
        let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
        for (_, item) in paths {
            for method in METHODS {
                let responses = item.get_mut(*method).and_then(|operation| operation.get_mut("responses"));
                responses.and_then(Value::as_object_mut).into_iter().flatten().for_each(|(_, response)| add(response));
            }
        }
    }
}

#[cfg(test)]
mod tests;
