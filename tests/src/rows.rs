//! A look into the database behind the server's back: what is on disk, whoever may see it.

use std::collections::BTreeMap;

use tokio_postgres::NoTls;

use crate::server::TestServer;

/// The tables with a column `customer`.
const LITE_TABLES: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                           WHERE m.type = 'table' AND c.name = 'customer'";
const PG_TABLES: &str = "SELECT table_name::text FROM information_schema.columns \
                         WHERE table_schema = 'public' AND column_name = 'customer'";

/// The statements that count the rows of a customer, by table.
fn counts(tables: impl IntoIterator<Item = String>, customer: u64) -> Vec<(String, String)> {
    let members = "batch_members m JOIN batches b ON b.id = m.batch";
    let further = [
        ("customers".to_owned(), format!("SELECT COUNT(*) FROM customers WHERE id = {customer}")),
        ("batch_members".to_owned(), format!("SELECT COUNT(*) FROM {members} WHERE b.customer = {customer}")),
        (
            "members of no batch".to_owned(),
            "SELECT COUNT(*) FROM batch_members WHERE batch NOT IN (SELECT id FROM batches)".to_owned(),
        ),
    ];
    let usual =
        tables.into_iter().map(|t| (t.clone(), format!("SELECT COUNT(*) FROM {t} WHERE customer = {customer}")));
    usual.chain(further).collect()
}

impl TestServer {
    /// How many rows of a customer there are in each table of the database; tables without any are left out.
    ///
    /// # Panics
    /// When the database can't be read.
    pub async fn rows_of(&self, customer: u64) -> BTreeMap<String, i64> {
        let found = match self.database_url() {
            None => self.lite_rows(customer).expect("the database file can be read"),
            Some(url) => pg_rows(url, customer).await.expect("the database can be read"),
        };
        found.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn lite_rows(&self, customer: u64) -> rusqlite::Result<Vec<(String, i64)>> {
        let file = self.data().join("customer-api.sqlite");
        let db = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = db.prepare(LITE_TABLES)?;
        let tables = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        let count = |(table, sql): (String, String)| Ok((table, db.query_row(&sql, [], |row| row.get(0))?));
        counts(tables, customer).into_iter().map(count).collect()
    }
}

async fn pg_rows(url: &str, customer: u64) -> Result<Vec<(String, i64)>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let tables = client.query(PG_TABLES, &[]).await?.iter().map(|row| row.get(0)).collect::<Vec<String>>();
    let mut found = Vec::new();
    for (table, sql) in counts(tables, customer) {
        found.push((table, client.query_one(&sql, &[]).await?.get(0)));
    }
    driver.abort();
    Ok(found)
}
