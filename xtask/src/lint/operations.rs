//! Rules about operations, their parameters, bodies and responses.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ACCOUNT, Report, is_empty};
use crate::pointer::{Operation, escape, items, members, operations};

pub(super) fn lint(report: &mut Report<'_>) {
    let document = report.document();
    let tags: BTreeSet<&str> = items(&document["tags"]).filter_map(|tag| tag["name"].as_str()).collect();
    for (index, tag) in items(&document["tags"]).enumerate() {
        if is_empty(&tag["description"]) {
            report.find(&format!("/tags/{index}"), format!("the tag {} has no description", tag["name"]));
        }
    }
    for (index, server) in items(&document["servers"]).enumerate() {
        if is_empty(&server["description"]) {
            report.find(&format!("/servers/{index}"), "the server has no description");
        }
    }
    for (name, scheme) in members(&document["components"]["securitySchemes"]) {
        if is_empty(&scheme["description"]) {
            let place = format!("/components/securitySchemes/{}", escape(name));
            report.find(&place, format!("the security scheme `{name}` has no description"));
        }
    }
    for operation in operations(document) {
        names(report, &operation, &tags);
        let pointer = operation.pointer();
        let shared = pointer.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        for (index, parameter) in items(&operation.item["parameters"]).enumerate() {
            self::parameter(report, parameter, &format!("{shared}/parameters/{index}"));
        }
        for (index, parameter) in items(&operation.value["parameters"]).enumerate() {
            self::parameter(report, parameter, &format!("{pointer}/parameters/{index}"));
        }
        if let Some(body) = operation.value.get("requestBody") {
            let (body, at) = report.resolve(body, &format!("{pointer}/requestBody"));
            content(report, &body["content"], &at, "the request body");
        }
        responses(report, &operation);
    }
}

fn names(report: &mut Report<'_>, operation: &Operation<'_>, tags: &BTreeSet<&str>) {
    let pointer = operation.pointer();
    let id = operation.id();
    let stem = report.sources.stem(&pointer).to_owned();
    let words = id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if operation.value["operationId"].as_str().is_none_or(|id| !words || !starts(id, &stem)) {
        report.find(
            &format!("{pointer}/operationId"),
            format!("operationId must be `{}_<verb>` in snake case, not `{id}`", singular(&stem)),
        );
    }
    for text in ["summary", "description"] {
        if is_empty(&operation.value[text]) {
            report.find(&pointer, format!("{id} has no {text}"));
        }
    }
    match operation.value["tags"].as_array().map(Vec::as_slice) {
        Some([tag]) if tag.as_str().is_some_and(|tag| tags.contains(tag)) => {}
        Some([tag]) => {
            report.find(&format!("{pointer}/tags"), format!("{id} has the tag {tag}, which is not declared"));
        }
        _ => report.find(&pointer, format!("{id} must have exactly one tag")),
    }
}

/// Whether an operation id belongs in the file of this stem: it starts with the stem's singular.
fn starts(id: &str, stem: &str) -> bool {
    [stem, singular(stem).as_str()]
        .iter()
        .any(|word| id.strip_prefix(word).is_some_and(|verb| verb.len() > 1 && verb.starts_with('_')))
}

fn singular(stem: &str) -> String {
    match stem.strip_suffix("ies") {
        Some(start) => format!("{start}y"),
        None if stem.ends_with("ches") || stem.ends_with("sses") => stem.trim_end_matches("es").to_owned(),
        None => stem.strip_suffix('s').unwrap_or(stem).to_owned(),
    }
}

fn parameter(report: &mut Report<'_>, parameter: &Value, pointer: &str) {
    let found = report.document().pointer(pointer).unwrap_or(parameter);
    let (parameter, at) = report.resolve(found, pointer);
    let name = parameter["name"].as_str().unwrap_or("?");
    if is_empty(&parameter["description"]) {
        report.find(&at, format!("the parameter `{name}` has no description"));
    }
    let exemplified = ["example", "examples"].iter().any(|key| parameter.get(*key).is_some())
        || parameter["schema"].get("example").is_some();
    if !exemplified {
        report.find(&at, format!("the parameter `{name}` has no example"));
    }
}

fn content(report: &mut Report<'_>, content: &Value, pointer: &str, what: &str) {
    for (name, media) in members(content) {
        if media.get("example").is_none() && media.get("examples").is_none() {
            report.find(&format!("{pointer}/content/{}", escape(name)), format!("{what} as {name} has no example"));
        }
    }
}

fn responses(report: &mut Report<'_>, operation: &Operation<'_>) {
    let pointer = operation.pointer();
    let id = operation.id();
    let account = items(&operation.value["tags"]).any(|tag| tag == ACCOUNT);
    let all = &operation.value["responses"];
    if !members(all).any(|(status, _)| status.starts_with(['2', '3'])) {
        report.find(&pointer, format!("{id} has no response for success"));
    }
    let Some(all) = report.document().pointer(&format!("{pointer}/responses")) else {
        return;
    };
    for (status, response) in members(all) {
        let here = format!("{pointer}/responses/{}", escape(status));
        let (response, at) = report.resolve(response, &here);
        if status.len() != 3 || !status.chars().all(|digit| digit.is_ascii_digit()) {
            report.find(&here, format!("{id} answers `{status}`; statuses are explicit"));
        }
        if is_empty(&response["description"]) {
            report.find(&at, format!("the response {status} of {id} has no description"));
        }
        for (name, header) in members(&response["headers"]) {
            if let Some(target) = header["$ref"].as_str().filter(|target| !letters(target).ends_with(&letters(name))) {
                let place = format!("{at}/headers/{}", escape(name));
                report.find(&place, format!("the header {name} refers to `{target}`, which is not named after it"));
            }
            let (header, at) = report.resolve(header, &format!("{at}/headers/{}", escape(name)));
            if is_empty(&header["description"]) {
                report.find(&at, format!("the header {name} has no description"));
            }
        }
        match status.as_str() {
            "204" | "205" | "304" if response.get("content").is_some() => {
                report.find(&at, format!("a {status} has no content"));
            }
            status if status.starts_with(['4', '5']) => {
                failure(report, response, &at, status, account);
            }
            status if status.starts_with('2') => {
                let json: serde_json::Map<String, Value> = members(&response["content"])
                    .filter(|(name, _)| name.contains("json"))
                    .map(|(name, media)| (name.clone(), media.clone()))
                    .collect();
                content(report, &Value::Object(json), &at, &format!("the {status} of {id}"));
            }
            _ => {}
        }
    }
}

/// The letters and digits of a name, which words may stand before.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn failure(report: &mut Report<'_>, response: &Value, at: &str, status: &str, account: bool) {
    let names: Vec<&str> = members(&response["content"]).map(|(name, _)| name.as_str()).collect();
    let problem = names == ["application/problem+json"]
        && response["content"]["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem";
    let own = account
        && names == ["application/json"]
        && response["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/AccountError";
    if !problem && !own {
        report.find(at, format!("a {status} must be application/problem+json with the schema Problem"));
    }
    if status == "401" && !members(&response["headers"]).any(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
    {
        report.find(at, "a 401 must have the header WWW-Authenticate");
    }
    for (name, media) in members(&response["content"]) {
        let told = ["status", "statusCode"].map(|member| &media["example"][member]);
        let other = told.into_iter().find(|told| told.is_number() && told.as_u64() != status.parse().ok());
        if let Some(other) = other {
            let place = format!("{at}/content/{}/example", escape(name));
            report.find(&place, format!("the example of a {status} says that it is a {other}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_belong_to_files() {
        for (id, stem) in [
            ("space_list", "spaces"),
            ("named_query_view", "named_queries"),
            ("batch_images", "batches"),
            ("queue_view", "queue"),
            ("policy_list_storage", "policies"),
            ("storage_view_space", "storage"),
            ("entry_point_view", "entry_point"),
            ("account_view", "account"),
            ("origin_strategy_list", "origin_strategies"),
            ("auth_service_view", "auth_services"),
            ("role_view", "roles"),
        ] {
            assert!(starts(id, stem), "{id} in {stem}");
        }
        for (id, stem) in
            [("space", "spaces"), ("space_", "spaces"), ("view_space", "spaces"), ("image_view", "spaces")]
        {
            assert!(!starts(id, stem), "{id} in {stem}");
        }
    }
}
