//! A document for the unit tests.

/// A small document with one of everything.
pub(crate) const DOCUMENT: &str = r##"{
      "openapi": "3.0.3",
      "paths": {
        "/contexts/{name}.jsonld": { "get": { "operationId": "context_view", "responses": {
          "200": { "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
                   "content": { "application/ld+json": { "schema": { "type": "object" } } } } } } },
        "/customers/{customer}/spaces/top": { "get": { "operationId": "space_top", "responses": {
          "200": { "headers": { "X-Request-Id": { "schema": { "type": "string" } } } } } } },
        "/customers/{customer}/spaces/{space}": {
          "parameters": [ { "$ref": "#/components/parameters/Space" } ],
          "get": { "operationId": "space_view",
            "parameters": [ { "name": "a", "in": "query" } ],
            "responses": {
              "200": {
                "headers": { "ETag": { "required": true, "schema": { "type": "string", "pattern": "^\"" } },
                             "X-Request-Id": { "schema": { "type": "string" } } },
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Space" } } } },
              "404": { "$ref": "#/components/responses/NotFound" } } },
          "delete": { "operationId": "space_delete", "responses": {
            "205": { "headers": { "X-Request-Id": { "schema": { "type": "string" } } } } } }
        }
      },
      "components": {
        "parameters": { "Space": { "name": "space", "in": "path" } },
        "responses": { "NotFound": {
          "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
          "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } } },
        "schemas": {
          "AccountError": { "type": "object", "required": ["msg"], "properties": { "msg": { "type": "string" } } },
          "Problem": { "type": "object", "required": ["title"], "properties": { "title": { "type": "string" } } },
          "Space": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } }
        }
      }
    }"##;
