//! Types of the wire that poem-openapi doesn't know.

use chrono::{DateTime, SecondsFormat};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;
use std::borrow::Cow;

/// Makes a type that is a string on the wire, with a schema of its own.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(pub String);

        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> Cow<'static, str> {
                concat!("string_", stringify!($name)).into()
            }
            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                match value {
                    Some(Value::String(text)) => Ok(Self(text)),
                    other => Err(ParseError::expected_type(other.unwrap_or_default())),
                }
            }
        }

        impl ParseFromParameter for $name {
            fn parse_from_parameter(value: &str) -> ParseResult<Self> {
                Ok(Self(value.to_owned()))
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.0.clone()))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

fn text(min: usize, max: usize, pattern: Option<&str>) -> MetaSchema {
    MetaSchema {
        min_length: Some(min),
        max_length: Some(max),
        pattern: pattern.map(str::to_owned),
        ..MetaSchema::new("string")
    }
}

text_type!(
    /// An absolute URI.
    Uri,
    MetaSchema::new_with_format("string", "uri")
);
text_type!(
    /// A `true` or `false` of a query, which the check of parameters has read already, in any case.
    Flag,
    MetaSchema::new("boolean")
);
text_type!(
    /// A tag: no commas.
    Tag,
    text(1, 500, Some("^[^,]+$"))
);
text_type!(
    /// A reference to a role, kept as it is.
    RoleReference,
    text(1, 1000, None)
);
text_type!(
    /// A reference to an auth service.
    AuthServiceReference,
    text(1, 1000, None)
);
text_type!(
    /// Another name of a role: no commas.
    Alias,
    text(1, 1000, Some("^[^,]+$"))
);
text_type!(
    /// The URI of a profile of IIIF authentication.
    AuthProfile,
    MetaSchema { min_length: Some(1), max_length: Some(500), ..MetaSchema::new_with_format("string", "uri") }
);
text_type!(
    /// The id of an auth service in a path.
    AuthServiceId,
    text(1, 200, Some("^[A-Za-z0-9._~-]+$"))
);
text_type!(
    /// The id of a role in a path.
    RoleId,
    text(1, 200, Some("^[A-Za-z0-9._~-]+$"))
);
text_type!(
    /// A reference to a manifest, kept as it is.
    ManifestReference,
    text(1, 1000, None)
);
text_type!(
    /// A value of a field of many images.
    ChangeValue,
    MetaSchema { max_length: Some(1000), ..MetaSchema::new("string") }
);
text_type!(
    /// What is done with values: `add`, `remove` or `replace`.
    ChangeName,
    MetaSchema { enum_items: vec!["add".into(), "remove".into(), "replace".into()], ..MetaSchema::new("string") }
);
text_type!(
    /// The name of a customer in URLs.
    CustomerName,
    text(1, 60, Some("^[A-Za-z0-9_.-]+$"))
);
text_type!(
    /// The id of an image in a body.
    ImageName,
    text(1, 200, Some(r"^[^/\\\s\x00-\x1f\x7f]+$"))
);
text_type!(
    /// A media type, such as `image/tiff`.
    MediaType,
    MetaSchema {
        max_length: Some(100),
        pattern: Some("^[A-Za-z0-9._+*-]+/[A-Za-z0-9._+*-]+$".to_owned()),
        ..MetaSchema::new("string")
    }
);
text_type!(
    /// The id of an image in a path.
    ImageId,
    text(1, 200, None)
);
text_type!(
    /// The id of a key in a path.
    KeyId,
    text(1, 100, None)
);
text_type!(
    /// An e-mail address.
    Email,
    text(3, 320, Some(crate::domain::portal_users::EMAIL))
);
text_type!(
    /// A password.
    Password,
    MetaSchema {
        min_length: Some(1),
        max_length: Some(1000),
        ..MetaSchema::new_with_format("string", "password")
    }
);
text_type!(
    /// A reference to a portal role: its URI or its name.
    PortalRoleText,
    text(1, 1000, None)
);
text_type!(
    /// A reference to a portal user.
    PortalUserReference,
    text(1, 1000, None)
);
text_type!(
    /// The id of a portal user in a path.
    PortalUserId,
    text(1, 200, Some("^[A-Za-z0-9._~-]+$"))
);
text_type!(
    /// The id of a portal role in a path.
    PortalRoleId,
    text(1, 200, None)
);
text_type!(
    /// The name of a named query: one path segment.
    QueryName,
    text(1, 500, Some(r"^[^/\\\x00-\x1f\x7f]+$"))
);
text_type!(
    /// The id or name of a named query in a path.
    QueryKey,
    text(1, 500, None)
);
text_type!(
    /// The id of a customer's origin strategy in a path.
    OriginStrategyId,
    text(1, 200, None)
);
text_type!(
    /// The id of an origin strategy of the platform in a path.
    GlobalStrategyId,
    text(1, 200, None)
);
text_type!(
    /// The id of a policy in a path.
    PolicyId,
    text(1, 200, None)
);
text_type!(
    /// The file name of a JSON-LD context in a path.
    ContextName,
    text(1, 200, None)
);
text_type!(
    /// `I` image, `T` timed, `F` file.
    Family,
    MetaSchema { enum_items: vec!["I".into(), "T".into(), "F".into()], ..MetaSchema::new("string") }
);

/// Makes a type of whole numbers in a path, with bounds of its own.
macro_rules! number_type {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub i64);

        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = i64;
            type RawElementValueType = i64;
            fn name() -> Cow<'static, str> {
                concat!("integer_", stringify!($name)).into()
            }
            fn schema_ref() -> MetaSchemaRef {
                let max: Option<i64> = $max;
                MetaSchemaRef::Inline(Box::new(MetaSchema {
                    minimum: Some(1.0),
                    maximum: max.map(|m| m as f64),
                    ..MetaSchema::new_with_format("integer", "int64")
                }))
            }
            fn as_raw_value(&self) -> Option<&i64> {
                Some(&self.0)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a i64> + 'a> {
                Box::new(std::iter::once(&self.0))
            }
        }

        impl ParseFromParameter for $name {
            fn parse_from_parameter(value: &str) -> ParseResult<Self> {
                let max: Option<i64> = $max;
                value
                    .parse()
                    .ok()
                    // One thing has one path: `007` is none.
                    .filter(|n: &i64| (1..=max.unwrap_or(i64::MAX)).contains(n) && n.to_string() == value)
                    .map(Self)
                    .ok_or_else(|| ParseError::custom(format!("`{value}` is not a number that this can have.")))
            }
        }
    };
}

number_type!(
    /// The number of a customer in a path.
    CustomerId,
    None
);
number_type!(
    /// The number of a space in a path.
    SpaceId,
    Some(crate::domain::spaces::MAX_ID)
);
number_type!(
    /// The number of a batch in a path.
    BatchId,
    None
);

/// A point in time: milliseconds since the Unix epoch inside, RFC 3339 in UTC outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub i64);

impl Time {
    /// RFC 3339, in UTC, with milliseconds.
    pub fn text(self) -> String {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

impl Type for Time {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Time {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let value = value.unwrap_or_default();
        let parsed = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        parsed.map(|t| Self(t.timestamp_millis())).ok_or_else(|| ParseError::expected_type(value))
    }
}

impl ToJSON for Time {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.text()))
    }
}

/// Roles in a body that may have the link to them in place of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolesOrLink {
    /// The roles.
    Roles(Vec<RoleReference>),
    /// The link.
    Link(String),
}

impl Type for RolesOrLink {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        "roles_or_link".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let roles = MetaSchema {
            items: Some(Box::new(RoleReference::schema_ref())),
            max_items: Some(crate::domain::spaces::MAX_ROLES),
            ..MetaSchema::new("array")
        };
        let link = MetaSchema { max_length: Some(1000), ..MetaSchema::new("string") };
        inline(MetaSchema { one_of: vec![inline(roles), inline(link)], ..MetaSchema::ANY })
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for RolesOrLink {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(link)) => Ok(Self::Link(link)),
            other => Vec::parse_from_json(other).map(Self::Roles).map_err(ParseError::propagate),
        }
    }
}

impl ToJSON for RolesOrLink {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Roles(roles) => roles.to_json(),
            Self::Link(link) => Some(Value::String(link.clone())),
        }
    }
}

text_type!(
    /// The network revenue type a customer is billed under.
    BillingNetwork,
    MetaSchema { enum_items: vec!["public".into(), "private".into()], ..MetaSchema::new("string") }
);
text_type!(
    /// The role of a user within an account.
    AccountRole,
    MetaSchema {
        enum_items: ["user", "tls_viewer", "tls_admin", "billing", "engineer", "superuser"]
            .map(Into::into)
            .into(),
        ..MetaSchema::new("string")
    }
);

/// A point in time: milliseconds since the Unix epoch inside, RFC 3339 in UTC and whole seconds outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub i64);

impl Type for Seconds {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        "string_seconds".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        Time::schema_ref()
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Seconds {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Time::parse_from_json(value).map(|time| Self(time.0)).map_err(ParseError::propagate)
    }
}

impl ToJSON for Seconds {
    fn to_json(&self) -> Option<Value> {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        Some(Value::String(time.to_rfc3339_opts(SecondsFormat::Secs, true)))
    }
}

/// A value, or `null`; it is there either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nullable<T>(pub Option<T>);

impl<T: Type> Type for Nullable<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }
    fn schema_ref() -> MetaSchemaRef {
        match T::schema_ref() {
            MetaSchemaRef::Inline(mut schema) => {
                schema.nullable = true;
                MetaSchemaRef::Inline(schema)
            }
            reference @ MetaSchemaRef::Reference(_) => reference,
        }
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: ParseFromJSON> ParseFromJSON for Nullable<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self(None)),
            value => T::parse_from_json(value).map(|value| Self(Some(value))).map_err(ParseError::propagate),
        }
    }
}

impl<T: ToJSON> ToJSON for Nullable<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(ToJSON::to_json).unwrap_or_default())
    }
}
