use super::*;

const SPACE: &str = "/customers/1/spaces/5";
const NOT_FOUND: &str = r#"{"title":"Not found"}"#;

fn verdict(method: &str, path: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
    let document = Document::parse(sample::DOCUMENT).unwrap();
    let headers =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>();
    Validator::new(&document).check(&Exchange {
        method: &method.parse().unwrap(),
        path,
        status,
        headers: &headers,
        body: body.as_bytes(),
    })
}

fn faults(method: &str, path: &str, status: u16, headers: &[(&str, &str)], body: &str) -> usize {
    verdict(method, path, status, headers, body).violations.len()
}

#[test]
fn documented_answers_pass_and_are_observed() {
    let headers = [("content-type", "application/json; charset=utf-8"), ("etag", "\"1\"")];
    let verdict = verdict("GET", SPACE, 200, &headers, r#"{"name":"a"}"#);
    assert_eq!(verdict.violations, [""; 0]);
    assert_eq!(verdict.observed, Some(("space_view".to_owned(), 200)));
    assert_eq!(faults("HEAD", SPACE, 200, &headers, ""), 0);
    assert_eq!(faults("DELETE", SPACE, 205, &[("content-length", "0")], ""), 0);
}

#[test]
fn whatever_is_not_documented_is_found() {
    let json = ("content-type", "application/json");
    let tag = ("etag", "\"1\"");
    let body = r#"{"name":"a"}"#;
    assert_eq!(faults("GET", SPACE, 202, &[json, tag], body), 1, "status");
    assert_eq!(faults("GET", SPACE, 200, &[json, tag, ("server", "x")], body), 1, "header");
    assert_eq!(faults("GET", SPACE, 200, &[json], body), 1, "missing header");
    assert_eq!(faults("GET", SPACE, 200, &[json, ("etag", "1")], body), 1, "header value");
    assert_eq!(faults("GET", SPACE, 200, &[("content-type", "text/html"), tag], body), 1, "media type");
    assert_eq!(faults("GET", SPACE, 200, &[json, tag], r#"{"name":"a","b":1}"#), 1, "member");
    assert_eq!(faults("GET", SPACE, 200, &[json, tag], ""), 1, "no body");
    assert_eq!(faults("HEAD", SPACE, 200, &[json, tag], body), 1, "body of HEAD");
    assert_eq!(faults("DELETE", SPACE, 205, &[], ""), 1, "length of 205");
    assert_eq!(faults("GET", SPACE, 500, &[], ""), 2, "500");
}

#[test]
fn other_methods_are_refused_with_allow() {
    let problem = ("content-type", "application/problem+json");
    let allow = ("allow", "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(faults("POST", SPACE, 405, &[problem, allow], NOT_FOUND), 0);
    assert_eq!(faults("POST", SPACE, 405, &[problem], NOT_FOUND), 1);
    assert_eq!(faults("POST", SPACE, 404, &[problem], NOT_FOUND), 0);
    assert_eq!(faults("POST", SPACE, 401, &[problem], NOT_FOUND), 1);
    assert_eq!(faults("OPTIONS", SPACE, 204, &[allow], ""), 0);
    assert_eq!(faults("OPTIONS", SPACE, 204, &[("allow", "GET")], ""), 1);
}

#[test]
fn unknown_paths_are_not_found() {
    let problem = ("content-type", "application/problem+json");
    assert_eq!(faults("GET", "/nothing", 404, &[problem], NOT_FOUND), 0);
    assert_eq!(faults("GET", "/nothing", 404, &[], "Not found"), 1);
    assert_eq!(faults("GET", "/nothing", 200, &[problem], NOT_FOUND), 1);
    assert_eq!(faults("GET", "/customers/2/nothing", 403, &[problem], NOT_FOUND), 0);
    assert_eq!(faults("GET", "/docs/index.html", 200, &[("server", "x")], "<html>"), 0);
    assert_eq!(faults("GET", "/docs/index.html", 503, &[], ""), 1);
}

#[test]
fn the_rate_is_told_wherever_fastlys_clients_change_something() {
    let (json, missing) = (("content-type", "application/json"), r#"{"msg":"Not found"}"#);
    let (left, reset) = (("fastly-ratelimit-remaining", "9"), ("fastly-ratelimit-reset", "3600"));
    assert_eq!(faults("GET", "/customer/a/b", 404, &[json], missing), 0);
    assert_eq!(faults("GET", "/customer/a/b", 404, &[json, left], missing), 1);
    assert_eq!(faults("PUT", "/customer/a/b", 404, &[json, left, reset], missing), 0);
    assert_eq!(faults("PUT", "/customer/a/b", 404, &[json, reset], missing), 1);
    assert_eq!(faults("PUT", "/customer/a/b", 404, &[json, reset, ("fastly-ratelimit-remaining", "-1")], missing), 1);
    assert_eq!(faults("PUT", "/customer/a/b", 401, &[json, ("www-authenticate", "Basic")], missing), 0);
    assert_eq!(faults("PUT", "/nothing", 404, &[json, left, reset], missing), 3);
}
