//! The distinct values of metadata fields. Each takes a walk over the rows of one space by their primary
//! key: an index for each field would cost every registration more than these rare questions save.

use super::{Db, Error, Query, Search};
use crate::{domain::metadata::Slot, params};
use std::collections::BTreeSet;

/// The distinct values of `string1` to `string3`, ascending, without the empty one.
///
/// # Errors
/// Whatever the database says.
pub async fn texts(db: &Db, customer: i64, space: i64, slot: Slot) -> Result<Vec<String>, Error> {
    let column = match slot {
        Slot::One => "string1",
        Slot::Two => "string2",
        Slot::Three => "string3",
    };
    let sql = format!(
        "SELECT DISTINCT {column} FROM images WHERE customer = $1 AND space = $2 AND {column} <> '' ORDER BY {column}"
    );
    Search(db, customer).all(&sql, params![customer, space], |row| row.text(0)).await
}

/// The distinct values of `number1` to `number3`, ascending.
///
/// # Errors
/// Whatever the database says.
pub async fn numbers(db: &Db, customer: i64, space: i64, slot: Slot) -> Result<Vec<i64>, Error> {
    let column = match slot {
        Slot::One => "number1",
        Slot::Two => "number2",
        Slot::Three => "number3",
    };
    let sql = format!("SELECT DISTINCT {column} FROM images WHERE customer = $1 AND space = $2 ORDER BY {column}");
    Search(db, customer).all(&sql, params![customer, space], |row| row.int(0)).await
}

/// The distinct tags, ascending. The database gives the distinct lists of tags.
///
/// # Errors
/// Whatever the database says.
pub async fn tags(db: &Db, customer: i64, space: i64) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT tags FROM images WHERE customer = $1 AND space = $2 AND tags <> '[]'";
    let mut all = BTreeSet::new();
    Search(db, customer)
        .all(sql, params![customer, space], |row| {
            all.extend(row.json::<Vec<String>>(0)?.into_iter().filter(|tag| !tag.is_empty()));
            Ok(())
        })
        .await?;
    Ok(all.into_iter().collect())
}
