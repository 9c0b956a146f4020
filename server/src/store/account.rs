//! What Fastly's clients know of customers and their people beyond what DLCS's clients know.

use super::{Error, Query, Row, Tx, json};
use crate::{
    domain::account::{Settings, User},
    params,
};

/// The settings of a customer that is not deleted.
///
/// # Errors
/// Whatever the database says.
pub async fn settings(db: &impl Query, customer: i64) -> Result<Option<Settings>, Error> {
    let sql = "SELECT account FROM customers WHERE id = $1 AND deleted IS NULL";
    db.one(sql, params![customer], |row| row.json(0)).await
}

/// Writes the settings of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, customer: i64, settings: &Settings) -> Result<(), Error> {
    let sql = "UPDATE customers SET account = $2 WHERE id = $1";
    tx.exec(sql, params![customer, json(settings)]).await.map(drop)
}

fn user(row: &Row<'_>) -> Result<User, Error> {
    let flag = |column| Ok::<_, Error>(row.opt_int(column)?.map(|n| n != 0));
    let login = row.text(1)?;
    let name = row.text(2)?;
    let enabled = row.flag(5)?;
    Ok(User {
        id: row.text(0)?,
        portal_user: Some(row.text(12)?),
        name: if name.is_empty() { login.clone() } else { name },
        login,
        role: row.text(3)?,
        limit_services: row.flag(4)?,
        // Whoever may not use the portal is locked out of the account.
        locked: if enabled { flag(6)? } else { Some(true) },
        require_new_password: flag(7)?,
        two_factor_auth_enabled: flag(8)?,
        two_factor_setup_required: row.flag(9)?,
        created: row.int(10)?,
        updated: row.int(11)?,
    })
}

/// The portal users of a customer, oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn users(db: &impl Query, customer: i64) -> Result<Vec<User>, Error> {
    db.all(
        "SELECT public_id, email, name, role, limit_services, enabled, locked, require_new_password, \
         two_factor_auth_enabled, two_factor_setup_required, created, updated, id FROM portal_users \
         WHERE customer = $1 AND deleted IS NULL ORDER BY created, id",
        params![customer],
        user,
    )
    .await
}

/// Marks a customer as deleted.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, now: i64) -> Result<(), Error> {
    let sql = "UPDATE customers SET deleted = $2, updated = $2, version = version + 1 WHERE id = $1";
    tx.exec(sql, params![customer, now]).await.map(drop)
}

/// The customers without an id for Fastly's clients.
///
/// # Errors
/// Whatever the database says.
pub async fn unidentified(tx: &Tx) -> Result<Vec<i64>, Error> {
    tx.all("SELECT id FROM customers WHERE public_id = ''", &[], |row| row.int(0)).await
}

/// Gives a customer that has none its id for Fastly's clients.
///
/// # Errors
/// Whatever the database says.
pub async fn identify(tx: &Tx, customer: i64, public_id: &str) -> Result<(), Error> {
    let sql = "UPDATE customers SET public_id = $2 WHERE id = $1 AND public_id = ''";
    tx.exec(sql, params![customer, public_id]).await.map(drop)
}
