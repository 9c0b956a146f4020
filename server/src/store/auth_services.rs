//! Rows of auth services and their role providers.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::auth_services::{AuthService, RoleProvider, Settings},
    params,
};

const COLUMNS: &str = "customer, id, parent, name, profile, label, description, page_label, page_description, \
                       call_to_action, time_to_live, configuration, credentials, version";

fn service(row: &Row<'_>) -> Result<AuthService, Error> {
    let credentials = row.opt_text(12)?;
    Ok(AuthService {
        customer: row.int(0)?,
        id: row.text(1)?,
        parent: row.opt_text(2)?,
        settings: Settings {
            name: row.text(3)?,
            profile: row.text(4)?,
            label: row.text(5)?,
            description: row.text(6)?,
            page_label: row.text(7)?,
            page_description: row.text(8)?,
            call_to_action: row.text(9)?,
            time_to_live: row.int(10)?,
        },
        provider: row.opt_text(11)?.map(|configuration| RoleProvider { configuration, credentials }),
        version: row.int(13)?,
    })
}

/// One auth service of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: &str) -> Result<Option<AuthService>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM auth_services WHERE customer = $1 AND id = $2");
    db.one(&sql, params![customer, id], service).await
}

/// The auth services of a customer, by id.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<AuthService>, Error> {
    let from = "auth_services WHERE customer = $1";
    let list = List { columns: COLUMNS, from, params: vec![customer.into()], order: by_id() };
    page::read(db, list, window, service).await
}

/// The services nested in another one, by id.
///
/// # Errors
/// Whatever the database says.
pub async fn list_nested(
    db: &impl Query,
    customer: i64,
    parent: &str,
    window: &Window,
) -> Result<Rows<AuthService>, Error> {
    let from = "auth_services WHERE customer = $1 AND parent = $2";
    let list = List { columns: COLUMNS, from, params: vec![customer.into(), parent.into()], order: by_id() };
    page::read(db, list, window, service).await
}

fn by_id() -> Order {
    Order { keys: vec![Key::text("id")], descending: false }
}

/// How many auth services a customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM auth_services WHERE customer = $1";
    Ok(db.one(sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// How many services are nested in another one.
///
/// # Errors
/// Whatever the database says.
pub async fn count_nested(db: &impl Query, customer: i64, parent: &str) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM auth_services WHERE customer = $1 AND parent = $2";
    Ok(db.one(sql, params![customer, parent], |row| row.int(0)).await?.unwrap_or_default())
}

/// The id of a role that an auth service, or one nested in it, grants; if there is any.
///
/// # Errors
/// Whatever the database says.
pub async fn granted(db: &impl Query, customer: i64, id: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT r.id FROM roles r JOIN auth_services a ON a.customer = r.customer AND a.id = r.auth_service \
               WHERE r.customer = $1 AND (a.id = $2 OR a.parent = $2) ORDER BY r.id LIMIT 1";
    db.one(sql, params![customer, id], |row| row.text(0)).await
}

/// Stores a new auth service.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, a: &AuthService) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO auth_services ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    write(tx, &sql, a).await
}

/// Writes everything of an auth service.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, a: &AuthService) -> Result<(), Error> {
    let sql = "UPDATE auth_services SET parent = $3, name = $4, profile = $5, label = $6, description = $7, \
               page_label = $8, page_description = $9, call_to_action = $10, time_to_live = $11, configuration = $12, \
               credentials = $13, version = $14 WHERE customer = $1 AND id = $2";
    write(tx, sql, a).await
}

async fn write(tx: &Tx, sql: &str, a: &AuthService) -> Result<(), Error> {
    let s = &a.settings;
    tx.exec(
        sql,
        params![
            a.customer,
            &a.id,
            a.parent.as_deref(),
            &s.name,
            &s.profile,
            &s.label,
            &s.description,
            &s.page_label,
            &s.page_description,
            &s.call_to_action,
            s.time_to_live,
            a.provider.as_ref().map(|p| p.configuration.as_str()),
            a.provider.as_ref().and_then(|p| p.credentials.as_deref()),
            a.version
        ],
    )
    .await
    .map(drop)
}

/// Deletes an auth service with what is nested in it.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    let sql = "DELETE FROM auth_services WHERE customer = $1 AND (id = $2 OR parent = $2)";
    tx.exec(sql, params![customer, id]).await.map(drop)
}
