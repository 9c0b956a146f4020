//! The bundler: what it makes, and where it points when it refuses.

use serde_json::json;

use super::*;

const SPACES: &str = "\
paths:
  spaces:
    parameters:
      - $ref: ../openapi.yaml#/components/parameters/Customer
    get:
      operationId: space_list
      responses:
        '200':
          description: Spaces.
          content:
            application/json:
              schema: { $ref: '#/schemas/Space' }
              example: { $ref: kept }
        '404': { $ref: ../openapi.yaml#/components/responses/NotFound }
schemas:
  Space:
    type: object
    properties:
      example: { $ref: images.yaml#/schemas/Image }
";

const IMAGES: &str = "schemas:\n  Image: { type: object }\n";

const ROOT_FILE: &str = "\
openapi: 3.0.3
info: { title: A, version: '1' }
x-every-response:
  headers:
    Link: { $ref: '#/components/headers/Link' }
paths:
  /customers/{customer}/spaces: { $ref: resources/spaces.yaml#/paths/spaces }
components:
  parameters:
    Customer: { name: customer, in: path, required: true, schema: { type: integer } }
  responses:
    NotFound: { description: Nothing there. }
  headers:
    Link: { schema: { type: string } }
";

fn files(root: &str, spaces: &str) -> Files {
    [("openapi.yaml", root), ("resources/spaces.yaml", spaces), ("resources/images.yaml", IMAGES)]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into()
}

fn refused(root: &str, spaces: &str) -> String {
    bundle(&files(root, spaces), "openapi/").unwrap_err().to_string()
}

#[test]
fn makes_one_document() {
    let bundle = bundle(&files(ROOT_FILE, SPACES), "openapi/").unwrap();
    let link = json!({ "$ref": "#/components/headers/Link" });
    assert_eq!(
        bundle.document,
        json!({
            "openapi": "3.0.3", "info": { "title": "A", "version": "1" },
            "paths": { "/customers/{customer}/spaces": {
                "parameters": [{ "$ref": "#/components/parameters/Customer" }],
                "get": { "operationId": "space_list", "responses": {
                    "200": { "description": "Spaces.", "headers": { "Link": link }, "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Space" }, "example": { "$ref": "kept" } } } },
                    "404": { "$ref": "#/components/responses/NotFound" } } } } },
            "components": {
                "schemas": { "Image": { "type": "object" }, "Space": { "type": "object", "properties": { "example": { "$ref": "#/components/schemas/Image" } } } },
                "responses": { "NotFound": { "description": "Nothing there.", "headers": { "Link": link } } },
                "parameters": { "Customer": { "name": "customer", "in": "path", "required": true, "schema": { "type": "integer" } } },
                "headers": { "Link": { "schema": { "type": "string" } } } }
        })
    );
    assert_eq!(
        bundle.sources.place("/paths/~1customers~1{customer}~1spaces/get/operationId"),
        "openapi/resources/spaces.yaml:6:7"
    );
    assert_eq!(bundle.sources.place("/components/schemas/Image/type"), "openapi/resources/images.yaml:2:12");
    assert_eq!(bundle.sources.place("/info/title"), "openapi/openapi.yaml:2:9");
    assert_eq!(bundle.sources.stem("/paths/~1customers~1{customer}~1spaces/get"), "spaces");
}

/// Holds each text that was said against what is expected of it.
fn each_says_one_line(cases: &[(String, &str)]) {
    for (said, expected) in cases {
        assert!(said.contains(expected), "expected {expected}, got:\n{said}");
        assert_eq!(said.lines().count(), 1, "one line each:\n{said}");
    }
}

fn with(from: &str, to: &str) -> String {
    refused(ROOT_FILE, &SPACES.replacen(from, to, 1))
}

#[test]
fn names_the_place_of_what_is_no_openapi_document() {
    let get_is = |what: &str| {
        let (before, rest) = SPACES.split_once("    get:\n").unwrap();
        let (_, after) = rest.split_once("schemas:\n").unwrap();
        refused(ROOT_FILE, &format!("{before}    get: {what}\nschemas:\n{after}"))
    };
    let mounted = "{ $ref: resources/spaces.yaml#/paths/spaces }";
    each_says_one_line(&[
        (with("get:", "get: ["), "openapi/resources/spaces.yaml:7:16: not readable as YAML"),
        (
            refused(&ROOT_FILE.replace("openapi: 3.0.3\n", ""), SPACES),
            "openapi/openapi.yaml:1:1: the document must be OpenAPI 3.0.x",
        ),
        (
            refused(&ROOT_FILE.replace("3.0.3", "3.1.0"), SPACES),
            "openapi/openapi.yaml:1:1: the document must be OpenAPI 3.0.x",
        ),
        (get_is("TODO"), "openapi/resources/spaces.yaml:5:5: an operation must be a mapping"),
        (get_is("[]"), "openapi/resources/spaces.yaml:5:5: an operation must be a mapping"),
        (get_is(""), "openapi/resources/spaces.yaml:5:5: an operation must be a mapping"),
        (
            refused(&ROOT_FILE.replace(mounted, "5"), "schemas: {}\n"),
            "openapi/openapi.yaml:7:3: a path item must be a mapping",
        ),
        (
            refused(
                &ROOT_FILE.replace("paths:\n  /customers/{customer}/spaces: ", "paths: ").replace(mounted, "5"),
                "{}",
            ),
            "openapi/openapi.yaml:6:1: `paths` must be a mapping",
        ),
    ]);
}

#[test]
fn an_operation_without_responses_gets_none() {
    let spaces = "paths:\n  spaces:\n    parameters:\n      - $ref: ../openapi.yaml#/components/parameters/Customer\n    get: { operationId: space_list }\n";
    let bundle = bundle(&files(ROOT_FILE, spaces), "openapi/").unwrap();
    assert_eq!(bundle.document["paths"]["/customers/{customer}/spaces"]["get"], json!({ "operationId": "space_list" }));
}

#[test]
fn names_the_place_of_a_reference_it_refuses() {
    each_says_one_line(&[
        (
            with("  Space:\n", "  One: { $ref: '#/schemas/Two' }\n  Two: { $ref: '#/schemas/One' }\n  Space:\n"),
            "openapi/resources/spaces.yaml:16:10: `One` leads back to itself",
        ),
        (
            with("'#/schemas/Space'", "'#/schemas/Spade'"),
            "openapi/resources/spaces.yaml:12:25: `#/schemas/Spade` leads nowhere",
        ),
        (
            with("'#/schemas/Space'", "'#/schemas/Space/properties'"),
            "openapi/resources/spaces.yaml:12:25: `#/schemas/Space/properties` leads into a component; only whole",
        ),
        (
            with("'#/schemas/Space'", "'#/paths/spaces'"),
            "openapi/resources/spaces.yaml:12:25: `#/paths/spaces` leads to no component",
        ),
        (
            with("  Space:\n", "  One:\n    allOf:\n      - { $ref: '#/schemas/One' }\n  Space:\n"),
            "openapi/resources/spaces.yaml:18:11: `One` leads back to itself",
        ),
        (
            with("images.yaml#", "imagos.yaml#"),
            "openapi/resources/spaces.yaml:19:18: `imagos.yaml#/schemas/Image` leads nowhere",
        ),
        (
            with("'#/schemas/Space' }", "'#/schemas/Space', type: object }"),
            "openapi/resources/spaces.yaml:12:15: OpenAPI 3.0 ignores what stands beside a $ref",
        ),
        (
            refused(ROOT_FILE, "paths:\n  spaces: { $ref: '#/paths/more' }\n  more: { $ref: '#/paths/spaces' }\n"),
            "openapi/resources/spaces.yaml:3:11: `#/paths/spaces` leads back to itself",
        ),
    ]);
}

#[test]
fn names_the_place_of_what_does_not_fit_together() {
    each_says_one_line(&[
        (
            refused(
                &ROOT_FILE.replace(
                    "components:\n",
                    "  /customers/{customer}/more: { $ref: resources/spaces.yaml#/paths/spaces }\ncomponents:\n",
                ),
                SPACES,
            ),
            "openapi/resources/spaces.yaml:6:7: two operations are called `space_list`, the other at openapi/resources/spaces.yaml:6:7",
        ),
        (
            refused(&ROOT_FILE.replace("/customers/{customer}/spaces", "/spaces"), SPACES),
            "openapi/resources/spaces.yaml:5:5: space_list has the path parameter `customer`",
        ),
        (
            with("    parameters:\n      - $ref: ../openapi.yaml#/components/parameters/Customer\n", ""),
            "openapi/resources/spaces.yaml:3:5: space_list describes no path parameter `customer`",
        ),
        (
            with("  Space:\n", "  Image: { type: string }\n  Space:\n"),
            "openapi/resources/spaces.yaml:16:3: schemas `Image` is defined twice, first at openapi/resources/images.yaml:2:3",
        ),
        (
            with(
                "      operationId: space_list\n",
                "      operationId: space_list\n      security:\n        - {}\n        - basic: []\n",
            ),
            "openapi/resources/spaces.yaml:9:11: no security scheme is called `basic`",
        ),
        (
            with("  spaces:\n", "  spare: {}\n  spaces:\n"),
            "openapi/resources/spaces.yaml:2:3: no path of openapi.yaml leads to `spare`",
        ),
    ]);
}

#[test]
fn a_document_of_one_file_is_taken_as_it_is_or_refused_at_its_place() {
    let whole =
        |version: &str, paths: &str| format!("openapi: {version}\ninfo: {{ title: A, version: '1' }}\npaths:\n{paths}");
    let refused = |text: &str| single("a.yaml", text).unwrap_err().to_string();
    let get = |id: &str| format!("get: {{ operationId: {id}, responses: {{ '200': {{ description: It. }} }} }}");
    let good = whole("3.1.0", &format!("  /a: {{ {} }}\n", get("a_view")));
    assert_eq!(single("a.yaml", &good).unwrap().document["openapi"], "3.1.0");
    for (text, said) in [
        ("a: [".to_owned(), "a.yaml:2:1: not readable as YAML"),
        (whole("2.0", ""), "a.yaml:1:1: the document must be OpenAPI 3.0.x or 3.1.x, not `2.0`"),
        (whole("3.0.3", "  /a:\n    get:\n      $ref: '#/b'\n"), "a.yaml:6:7: \"#/b\" leads nowhere"),
        (
            whole("3.0.3", &format!("  /a:\n    {}\n  /b:\n    {}\n", get("x"), get("x"))),
            "a.yaml:7:12: two operations are called `x`, the other at a.yaml:5:12",
        ),
        (whole("3.0.3", &format!("  /a/{{b}}:\n    {}\n", get("x"))), "a.yaml:5:5"),
        (
            whole("3.0.3", "  {}\ncomponents:\n  schemas:\n    A: { $ref: '#/components/schemas/A' }\n"),
            "a.yaml:7:10: `A` leads back to itself",
        ),
    ] {
        let answer = refused(&text);
        assert!(answer.starts_with(said), "{answer}\nnot {said}");
        assert_eq!(answer.lines().count(), 1, "{answer}");
    }
}
