//! What is known of the metadata of the images of a space.

use super::{Error, spaces};
use crate::store::{self, Db};

/// Which of the three strings or numbers of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    One,
    /// The second.
    Two,
    /// The third.
    Three,
}

/// A field whose values can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `string1` to `string3`.
    Text(Slot),
    /// `number1` to `number3`.
    Number(Slot),
    /// `tags`.
    Tags,
}

/// The fields and their names on the wire.
pub const FIELDS: [(&str, Field); 7] = [
    ("string1", Field::Text(Slot::One)),
    ("string2", Field::Text(Slot::Two)),
    ("string3", Field::Text(Slot::Three)),
    ("number1", Field::Number(Slot::One)),
    ("number2", Field::Number(Slot::Two)),
    ("number3", Field::Number(Slot::Three)),
    ("tags", Field::Tags),
];

/// The distinct values of a field, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Of strings and tags, without the empty one.
    Texts(Vec<String>),
    /// Of numbers.
    Numbers(Vec<i64>),
}

/// The distinct values of a field of a space.
///
/// # Errors
/// [`Error::Missing`] for an unknown space, or whatever the database says.
pub async fn distinct(db: &Db, customer: i64, space: i64, field: Field) -> Result<Values, Error> {
    spaces::get(db, customer, space).await?;
    Ok(match field {
        Field::Text(slot) => Values::Texts(store::metadata::texts(db, customer, space, slot).await?),
        Field::Number(slot) => Values::Numbers(store::metadata::numbers(db, customer, space, slot).await?),
        Field::Tags => Values::Texts(store::metadata::tags(db, customer, space).await?),
    })
}
