//! Rows of roles. Their ids are ASCII, and the same whatever the letter case.

use super::{
    Error, Query, Row, Tx, json,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::roles::{Role, Settings},
    params,
};

const COLUMNS: &str = "customer, id, name, label, aliases, auth_service, version";

fn role(row: &Row<'_>) -> Result<Role, Error> {
    Ok(Role {
        customer: row.int(0)?,
        id: row.text(1)?,
        settings: Settings {
            name: row.text(2)?,
            label: row.text(3)?,
            aliases: row.json(4)?,
            auth_service: row.opt_text(5)?,
        },
        version: row.int(6)?,
    })
}

/// One role of a customer, by its id in any letter case.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: &str) -> Result<Option<Role>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM roles WHERE customer = $1 AND id_folded = $2");
    db.one(&sql, params![customer, id.to_ascii_lowercase()], role).await
}

/// The roles of a customer, by id.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<Role>, Error> {
    let order = Order { keys: vec![Key::text("id")], descending: false };
    let list = List { columns: COLUMNS, from: "roles WHERE customer = $1", params: vec![customer.into()], order };
    page::read(db, list, window, role).await
}

/// How many roles a customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM roles WHERE customer = $1";
    Ok(db.one(sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// Stores a new role.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, r: &Role) -> Result<(), Error> {
    let s = &r.settings;
    tx.exec(
        "INSERT INTO roles (customer, id, id_folded, name, label, aliases, auth_service, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            r.customer,
            &r.id,
            r.id.to_ascii_lowercase(),
            &s.name,
            &s.label,
            json(&s.aliases),
            s.auth_service.as_deref(),
            r.version
        ],
    )
    .await
    .map(drop)
}

/// Writes the properties of a role.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, r: &Role) -> Result<(), Error> {
    let s = &r.settings;
    tx.exec(
        "UPDATE roles SET name = $3, label = $4, aliases = $5, auth_service = $6, version = $7 \
         WHERE customer = $1 AND id = $2",
        params![r.customer, &r.id, &s.name, &s.label, json(&s.aliases), s.auth_service.as_deref(), r.version],
    )
    .await
    .map(drop)
}

/// Deletes a role.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    tx.exec("DELETE FROM roles WHERE customer = $1 AND id = $2", params![customer, id]).await.map(drop)
}
