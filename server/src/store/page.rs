//! Lists: every one walks an order that ends in a unique key, so that a page can start anywhere.

use super::{Error, Query, Row, Value};

/// What a key of an order holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Integers.
    Int,
    /// Text.
    Text,
}

/// One key of an order: an SQL expression that is never NULL.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The expression.
    pub sql: &'static str,
    /// What it holds.
    pub kind: Kind,
}

impl Key {
    /// A key that holds integers.
    pub const fn int(sql: &'static str) -> Self {
        Self { sql, kind: Kind::Int }
    }

    /// A key that holds text.
    pub const fn text(sql: &'static str) -> Self {
        Self { sql, kind: Kind::Text }
    }
}

/// An order over rows; the last key makes it total.
#[derive(Debug, Clone)]
pub struct Order {
    /// The keys, the most significant first.
    pub keys: Vec<Key>,
    /// Whether all of them count downwards.
    pub descending: bool,
}

/// Which part of a list to read.
#[derive(Debug, Clone)]
pub struct Window {
    /// Rows at most.
    pub size: i64,
    /// Rows to leave out before the first, when there is no position.
    pub offset: i64,
    /// The keys of the row after which to start.
    pub after: Option<Vec<Value>>,
}

/// The rows of a page, and the keys of the last one if there are more.
pub type Rows<T> = (Vec<T>, Option<Vec<Value>>);

/// A list: its columns and what follows `FROM`, with a `WHERE` clause and its parameters.
pub struct List<'a> {
    /// The columns that `map` reads.
    pub columns: &'a str,
    /// Table and condition, such as `keys WHERE customer = $1`.
    pub from: &'a str,
    /// The parameters of `from`.
    pub params: Vec<Value>,
    /// The order.
    pub order: Order,
}

/// Reads one page of a list.
///
/// # Errors
/// Whatever the database says, or a position that does not fit the order.
pub async fn read<T, Q, F>(db: &Q, list: List<'_>, window: &Window, mut map: F) -> Result<Rows<T>, Error>
where
    T: Send,
    Q: Query,
    F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
{
    let List { columns, from, mut params, order } = list;
    if window.after.as_ref().is_some_and(|after| !fits(after, &order)) {
        return Err(Error::Position);
    }
    let keys: Vec<&str> = order.keys.iter().map(|k| k.sql).collect();
    let (direction, beyond) = if order.descending { (" DESC", "<") } else { ("", ">") };
    let after = window.after.as_ref().map_or_else(String::new, |after| {
        let first = params.len() + 1;
        let marks: Vec<String> = order
            .keys
            .iter()
            .enumerate()
            .map(|(i, key)| match key.kind {
                Kind::Int => format!("CAST(${} AS BIGINT)", first + i),
                Kind::Text => format!("${}", first + i),
            })
            .collect();
        params.extend(after.iter().cloned());
        format!(" AND ({}) {beyond} ({})", keys.join(", "), marks.join(", "))
    });
    let by: Vec<String> = keys.iter().map(|k| format!("{k}{direction}")).collect();
    params.push(Value::Int(window.size.saturating_add(1)));
    params.push(Value::Int(if window.after.is_some() { 0 } else { window.offset }));
    let sql = format!(
        "SELECT {columns}, {} FROM {from}{after} ORDER BY {} LIMIT ${} OFFSET ${}",
        keys.join(", "),
        by.join(", "),
        params.len() - 1,
        params.len(),
    );
    let width = columns.matches(',').count() + 1;
    let kinds: Vec<Kind> = order.keys.iter().map(|k| k.kind).collect();
    let mut rows = db
        .all(&sql, &params, move |row| {
            let position = kinds
                .iter()
                .enumerate()
                .map(|(i, kind)| match kind {
                    Kind::Int => row.int(width + i).map(Value::Int),
                    Kind::Text => row.text(width + i).map(Value::Text),
                })
                .collect::<Result<Vec<_>, _>>()?;
            Ok((map(row)?, position))
        })
        .await?;
    let more = rows.len() as i64 > window.size;
    if more {
        rows.pop();
    }
    let next = if more { rows.last().map(|(_, position)| position.clone()) } else { None };
    Ok((rows.into_iter().map(|(item, _)| item).collect(), next))
}

/// Whether a position can be one of this order.
fn fits(after: &[Value], order: &Order) -> bool {
    after.len() == order.keys.len()
        && after
            .iter()
            .zip(&order.keys)
            .all(|(value, key)| matches!((value, key.kind), (Value::Int(_), Kind::Int) | (Value::Text(_), Kind::Text)))
}
