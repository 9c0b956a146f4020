//! What goes into a statement and what comes out of a row, the same for both databases.

use super::Error;
use tokio_postgres::types::{IsNull, ToSql, Type};

/// A parameter of a statement. Times and booleans are integers, lists are JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Int(v.into())
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}

impl From<&String> for Value {
    fn from(v: &String) -> Self {
        Self::Text(v.clone())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in the order of their numbers.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::Value::from($value)),*][..]
    };
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Owned::Null),
            Self::Int(v) => ToSqlOutput::Owned(Owned::Integer(*v)),
            Self::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
        })
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Self::Int(v) => v.to_sql(ty, out),
            // PostgreSQL can't store NUL; nothing that holds one can be equal to a stored text.
            Self::Text(v) if v.contains('\0') => v.replace('\0', "\u{fffd}").to_sql(ty, out),
            Self::Text(v) => v.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// One row of an answer; columns are numbered from 0.
pub enum Row<'a> {
    /// A row of SQLite.
    Lite(&'a rusqlite::Row<'a>),
    /// A row of PostgreSQL.
    Pg(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// An integer that may be NULL.
    ///
    /// # Errors
    /// When the column is missing or holds something else.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        match self {
            Self::Lite(row) => Ok(row.get(column)?),
            Self::Pg(row) if row.columns().get(column).is_some_and(|c| *c.type_() == Type::INT4) => {
                Ok(row.try_get::<_, Option<i32>>(column)?.map(Into::into))
            }
            Self::Pg(row) => Ok(row.try_get(column)?),
        }
    }

    /// A text that may be NULL.
    ///
    /// # Errors
    /// When the column is missing or holds something else.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, Error> {
        match self {
            Self::Lite(row) => Ok(row.get(column)?),
            Self::Pg(row) => Ok(row.try_get(column)?),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// When the column is missing, NULL or holds something else.
    pub fn int(&self, column: usize) -> Result<i64, Error> {
        self.opt_int(column)?.ok_or_else(|| Error::null(column))
    }

    /// A text.
    ///
    /// # Errors
    /// When the column is missing, NULL or holds something else.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        self.opt_text(column)?.ok_or_else(|| Error::null(column))
    }

    /// A boolean, stored as 0 or 1.
    ///
    /// # Errors
    /// When the column is missing, NULL or holds something else.
    pub fn flag(&self, column: usize) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A value stored as JSON text.
    ///
    /// # Errors
    /// When the column is missing, NULL or not such JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?).map_err(|e| Error::Row(e.to_string()))
    }

    /// A value stored as JSON text that may be NULL.
    ///
    /// # Errors
    /// When the column is missing or not such JSON.
    pub fn opt_json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Option<T>, Error> {
        self.opt_text(column)?
            .map(|text| serde_json::from_str(&text).map_err(|e| Error::Row(e.to_string())))
            .transpose()
    }
}

/// A value as JSON text, for a parameter.
///
/// # Panics
/// Never: lists of strings and of plain structs always serialise.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Value {
    Value::Text(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}
