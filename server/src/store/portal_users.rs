//! Rows of portal users.

use super::{
    Error, Query, Row, Tx, json,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::portal_users::{Membership, PortalUser, folded},
    params,
};

const COLUMNS: &str = "customer, id, public_id, email, created, updated, enabled, roles, name, role, limit_services, locked, \
                       require_new_password, two_factor_auth_enabled, two_factor_setup_required, version";

fn user(row: &Row<'_>) -> Result<PortalUser, Error> {
    let flag = |column| Ok::<_, Error>(row.opt_int(column)?.map(|n| n != 0));
    Ok(PortalUser {
        customer: row.int(0)?,
        id: row.text(1)?,
        public_id: row.text(2)?,
        email: row.text(3)?,
        created: row.int(4)?,
        updated: row.int(5)?,
        enabled: row.flag(6)?,
        roles: row.json(7)?,
        membership: Membership {
            name: row.text(8)?,
            role: row.text(9)?,
            limit_services: row.flag(10)?,
            locked: flag(11)?,
            require_new_password: flag(12)?,
            two_factor_auth_enabled: flag(13)?,
            two_factor_setup_required: row.flag(14)?,
        },
        version: row.int(15)?,
    })
}

async fn read(db: &impl Query, customer: i64, id: &str, lock: &str) -> Result<Option<PortalUser>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM portal_users WHERE customer = $1 AND id = $2 AND deleted IS NULL{lock}");
    db.one(&sql, params![customer, id], user).await
}

/// One portal user.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: &str) -> Result<Option<PortalUser>, Error> {
    read(db, customer, id, "").await
}

/// One portal user, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, customer: i64, id: &str) -> Result<Option<PortalUser>, Error> {
    read(tx, customer, id, tx.for_update()).await
}

/// The portal users of a customer, oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<PortalUser>, Error> {
    let list = List {
        columns: COLUMNS,
        from: "portal_users WHERE customer = $1 AND deleted IS NULL",
        params: vec![customer.into()],
        order: Order { keys: vec![Key::int("created"), Key::text("id")], descending: false },
    };
    page::read(db, list, window, user).await
}

/// How many portal users a customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = "SELECT portal_users FROM usage WHERE customer = $1";
    Ok(db.one(sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// Changes how many portal users a customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn add_to_count(tx: &Tx, customer: i64, by: i64) -> Result<(), Error> {
    let sql = "UPDATE usage SET portal_users = portal_users + $2 WHERE customer = $1";
    tx.exec(sql, params![customer, by]).await.map(drop)
}

/// The customer and the id of the portal user with this e-mail address, whatever its letter case.
///
/// # Errors
/// Whatever the database says.
pub async fn with_email(db: &impl Query, email: &str) -> Result<Option<(i64, String)>, Error> {
    let sql = "SELECT customer, id FROM portal_users WHERE email_folded = $1 AND deleted IS NULL";
    db.one(sql, params![folded(email)], |row| Ok((row.int(0)?, row.text(1)?))).await
}

/// Stores a new portal user with the hash of its password.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, u: &PortalUser, password_hash: &str) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO portal_users (customer, id, public_id, email, email_folded, password_hash, created, updated, \
         enabled, roles, version, name, role, limit_services, locked, require_new_password, two_factor_auth_enabled, \
         two_factor_setup_required) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        params![
            u.customer,
            &u.id,
            &u.public_id,
            &u.email,
            folded(&u.email),
            password_hash,
            u.created,
            u.updated,
            u.enabled,
            json(&u.roles),
            u.version,
            &u.membership.name,
            &u.membership.role,
            u.membership.limit_services,
            u.membership.locked,
            u.membership.require_new_password,
            u.membership.two_factor_auth_enabled,
            u.membership.two_factor_setup_required
        ],
    )
    .await
    .map(drop)
}

/// Writes what of a portal user can change, and the hash of a new password if there is one.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, u: &PortalUser, password_hash: Option<&str>) -> Result<(), Error> {
    tx.exec(
        "UPDATE portal_users SET email = $3, email_folded = $4, password_hash = COALESCE($5, password_hash), \
         updated = $6, enabled = $7, roles = $8, version = $9, name = $10, role = $11, limit_services = $12, \
         locked = $13, require_new_password = $14, two_factor_auth_enabled = $15, two_factor_setup_required = $16 \
         WHERE customer = $1 AND id = $2",
        params![
            u.customer,
            &u.id,
            &u.email,
            folded(&u.email),
            password_hash,
            u.updated,
            u.enabled,
            json(&u.roles),
            u.version,
            &u.membership.name,
            &u.membership.role,
            u.membership.limit_services,
            u.membership.locked,
            u.membership.require_new_password,
            u.membership.two_factor_auth_enabled,
            u.membership.two_factor_setup_required
        ],
    )
    .await
    .map(drop)
}

/// Deletes a portal user.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    tx.exec("DELETE FROM portal_users WHERE customer = $1 AND id = $2", params![customer, id]).await.map(drop)
}
