//! Rows of images.

use super::{
    Db, Dialect, Error, Query, Row, Search, Tx, Value, json,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::{
        images::{Image, ImageRef, Scope, Settings},
        query::{ImageOrder, ImageOrderBy, ImageQuery},
    },
    params,
};
use std::collections::BTreeSet;

/// Images that a page may leave out before its first and still be read in place.
const WALKED: i64 = 1000;

/// The columns in the order in which [`image`] reads and [`values`] writes them.
pub(super) const COLUMNS: &str = "customer, space, id, created, origin, initial_origin, max_unauthorised, width, height, queued, \
     dequeued, finished, ingesting, error, tags, roles, string1, string2, string3, number1, number2, \
     number3, batch, media_type, family, delivery_channels, thumbnails, stored_generation, size, \
     thumbnail_size, checked, generation, priority, lease, attempts, version, manifests";

const UPSERT: &str = "INSERT INTO images (customer, space, id, created, origin, initial_origin, max_unauthorised, width, height, queued, \
     dequeued, finished, ingesting, error, tags, roles, string1, string2, string3, number1, number2, \
     number3, batch, media_type, family, delivery_channels, thumbnails, stored_generation, size, \
     thumbnail_size, checked, generation, priority, lease, attempts, version, manifests) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
     $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37) \
     ON CONFLICT (customer, space, id) DO UPDATE SET created = excluded.created, origin = excluded.origin, initial_origin = excluded.initial_origin, \
     max_unauthorised = excluded.max_unauthorised, width = excluded.width, height = excluded.height, \
     queued = excluded.queued, dequeued = excluded.dequeued, finished = excluded.finished, \
     ingesting = excluded.ingesting, error = excluded.error, tags = excluded.tags, roles = excluded.roles, \
     string1 = excluded.string1, string2 = excluded.string2, string3 = excluded.string3, \
     number1 = excluded.number1, number2 = excluded.number2, number3 = excluded.number3, \
     batch = excluded.batch, media_type = excluded.media_type, family = excluded.family, \
     delivery_channels = excluded.delivery_channels, thumbnails = excluded.thumbnails, \
     stored_generation = excluded.stored_generation, size = excluded.size, \
     thumbnail_size = excluded.thumbnail_size, checked = excluded.checked, generation = excluded.generation, \
     priority = excluded.priority, lease = excluded.lease, attempts = excluded.attempts, \
     version = excluded.version, manifests = excluded.manifests";

pub(super) fn image(row: &Row<'_>) -> Result<Image, Error> {
    Ok(Image {
        at: ImageRef { customer: row.int(0)?, space: row.int(1)?, id: row.text(2)? },
        created: row.int(3)?,
        initial_origin: row.opt_text(5)?,
        width: row.opt_int(7)?,
        height: row.opt_int(8)?,
        queued: row.opt_int(9)?,
        dequeued: row.opt_int(10)?,
        finished: row.opt_int(11)?,
        ingesting: row.flag(12)?,
        error: row.text(13)?,
        settings: Settings {
            origin: row.text(4)?,
            max_unauthorised: row.int(6)?,
            tags: row.json(14)?,
            roles: row.json(15)?,
            manifests: row.json(36)?,
            strings: [row.text(16)?, row.text(17)?, row.text(18)?],
            numbers: [row.int(19)?, row.int(20)?, row.int(21)?],
            media_type: row.text(23)?,
            family: row.text(24)?,
            channels: row.opt_json(25)?,
        },
        batch: row.opt_int(22)?,
        thumbnails: row.opt_json(26)?.unwrap_or_default(),
        stored_generation: row.opt_int(27)?,
        size: row.int(28)?,
        thumbnail_size: row.int(29)?,
        checked: row.opt_int(30)?,
        generation: row.int(31)?,
        priority: row.int(32)?,
        lease: row.int(33)?,
        attempts: row.int(34)?,
        version: row.int(35)?,
    })
}

fn values(i: &Image) -> Vec<Value> {
    let s = &i.settings;
    params![
        i.at.customer,
        i.at.space,
        &i.at.id,
        i.created,
        &s.origin,
        i.initial_origin.as_ref(),
        s.max_unauthorised,
        i.width,
        i.height,
        i.queued,
        i.dequeued,
        i.finished,
        i.ingesting,
        &i.error,
        json(&s.tags),
        json(&s.roles),
        &s.strings[0],
        &s.strings[1],
        &s.strings[2],
        s.numbers[0],
        s.numbers[1],
        s.numbers[2],
        i.batch,
        &s.media_type,
        &s.family,
        s.channels.as_ref().map(json),
        (!i.thumbnails.is_empty()).then(|| json(&i.thumbnails)),
        i.stored_generation,
        i.size,
        i.thumbnail_size,
        i.checked,
        i.generation,
        i.priority,
        i.lease,
        i.attempts,
        i.version,
        json(&s.manifests),
    ]
    .to_vec()
}

/// One image.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, at: &ImageRef) -> Result<Option<Image>, Error> {
    read(db, at, "").await
}

/// One image, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, at: &ImageRef) -> Result<Option<Image>, Error> {
    read(tx, at, tx.for_update()).await
}

async fn read(db: &impl Query, at: &ImageRef, lock: &str) -> Result<Option<Image>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM images WHERE customer = $1 AND space = $2 AND id = $3{lock}");
    db.one(&sql, params![at.customer, at.space, &at.id], image).await
}

/// Those of the images that exist, none of which is wanted twice; nobody else changes them until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock_many(tx: &Tx, customer: i64, wanted: &[(i64, String)]) -> Result<Vec<Image>, Error> {
    let lock = tx.for_update();
    read_many(tx, customer, wanted, &if lock.is_empty() { String::new() } else { format!("{lock} OF images") }).await
}

/// Those of the images that exist, none of which is wanted twice; in no order.
///
/// # Errors
/// Whatever the database says.
pub async fn find_many(db: &impl Query, customer: i64, wanted: &[(i64, String)]) -> Result<Vec<Image>, Error> {
    read_many(db, customer, wanted, "").await
}

async fn read_many(db: &impl Query, customer: i64, wanted: &[(i64, String)], lock: &str) -> Result<Vec<Image>, Error> {
    let mut found = Vec::new();
    // A few statement texts, each used often, instead of one per number of images.
    for chunk in wanted.chunks(64) {
        let slots = chunk.len().next_power_of_two();
        let mut params = vec![Value::Int(customer)];
        params.extend(chunk.iter().flat_map(|(space, id)| [Value::from(*space), id.into()]));
        // Nothing is equal to what fills the rest.
        params.resize(1 + 2 * slots, Value::Null);
        found.extend(db.all(&format!("{}{lock}", wanted_of(slots)), &params, image).await?);
    }
    Ok(found)
}

/// The statement that reads up to `slots` images of a customer. The join goes from what is wanted to the images, by
/// their primary key; SQLite looks through all images of the customer for a list after IN.
fn wanted_of(slots: usize) -> String {
    let marks: Vec<String> = (0..slots).map(|i| format!("(CAST(${} AS BIGINT), ${})", 2 * i + 2, 2 * i + 3)).collect();
    format!(
        "SELECT {COLUMNS} FROM (VALUES {}) AS wanted CROSS JOIN images \
         WHERE customer = $1 AND space = column1 AND id = column2",
        marks.join(", "),
    )
}

/// Writes an image as it is, new or not.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, i: &Image) -> Result<(), Error> {
    tx.exec(UPSERT, &values(i)).await.map(drop)
}

/// Writes many images as they are, new or not.
///
/// # Errors
/// Whatever the database says.
pub async fn put_many(tx: &Tx, images: &[Image]) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = images.iter().map(values).collect();
    tx.exec_many(UPSERT, &rows).await
}

/// Deletes many images.
///
/// # Errors
/// Whatever the database says.
pub async fn delete_many(tx: &Tx, images: &[Image]) -> Result<(), Error> {
    let sql = "DELETE FROM images WHERE customer = $1 AND space = $2 AND id = $3";
    let rows: Vec<Vec<Value>> = images.iter().map(|i| params![i.at.customer, i.at.space, &i.at.id].to_vec()).collect();
    tx.exec_many(sql, &rows).await
}

/// A condition under construction. A list of values is one parameter, so that the text of a statement, and with it what
/// it costs to prepare and to keep, doesn't grow with the list.
struct Filter {
    dialect: Dialect,
    sql: String,
    params: Vec<Value>,
}

impl Filter {
    fn new(dialect: Dialect, customer: i64, scope: Scope) -> Self {
        let mut filter = Self { dialect, sql: "images WHERE customer = $1".to_owned(), params: vec![customer.into()] };
        match scope {
            Scope::Customer => {}
            Scope::Space(space) => filter.one("space", space),
            Scope::Batch(batch) => filter.one("batch", batch),
            Scope::BatchErrors(batch) => {
                filter.one("batch", batch);
                filter.sql.push_str(" AND error <> ''");
            }
            Scope::BatchCompleted(batch) => {
                filter.one("batch", batch);
                filter.sql.push_str(" AND error = '' AND finished IS NOT NULL");
            }
            Scope::BatchAssets(batch) => {
                // Few are members of a batch, so they are looked at first, whatever the order of the list.
                filter.sql = "(SELECT batch AS member_batch, space AS member_space, image AS member_image \
                              FROM batch_members) AS members CROSS JOIN images WHERE customer = $1 \
                              AND space = member_space AND id = member_image"
                    .to_owned();
                filter.one("member_batch", batch);
            }
            Scope::Waiting => filter.sql.push_str(" AND ingesting = 1"),
        }
        filter
    }

    fn mark(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    /// The column has the value.
    fn one(&mut self, column: &str, value: impl Into<Value>) {
        let mark = self.mark(value);
        self.sql.push_str(&format!(" AND {column} = {mark}"));
    }

    /// The column has any of the numbers; no numbers, no condition.
    fn any_number(&mut self, column: &str, numbers: &[i64]) {
        match numbers {
            [] => {}
            [one] => self.one(column, *one),
            many => self.any(column, json(many), "BIGINT"),
        }
    }

    /// The column has any of the texts; no texts, no condition.
    fn any_text(&mut self, column: &str, wanted: &[String]) {
        match wanted {
            [] => {}
            [one] => self.one(column, one),
            many => self.any(column, texts(many), "TEXT"),
        }
    }

    fn any(&mut self, column: &str, all: Value, kind: &str) {
        let mark = self.mark(all);
        let any = match self.dialect {
            Dialect::Lite => format!(" AND {column} IN (SELECT value FROM json_each({mark}))"),
            Dialect::Pg => format!(
                " AND {column} = ANY (ARRAY(SELECT CAST(value AS {kind}) \
                 FROM jsonb_array_elements_text(CAST(CAST({mark} AS TEXT) AS JSONB)) AS value))"
            ),
        };
        self.sql.push_str(&any);
    }

    /// The list of texts in the column holds any of these; none, no condition.
    fn holds_any(&mut self, column: &str, wanted: &[String]) {
        if wanted.is_empty() {
            return;
        }
        let mark = self.mark(texts(wanted));
        let holds = match self.dialect {
            Dialect::Lite => format!(
                " AND {column} <> '[]' AND EXISTS (SELECT 1 FROM json_each({column}) AS item \
                 WHERE item.value IN (SELECT value FROM json_each({mark})))"
            ),
            Dialect::Pg => format!(
                " AND {column} <> '[]' AND CAST({column} AS JSONB) ?| \
                 ARRAY(SELECT jsonb_array_elements_text(CAST(CAST({mark} AS TEXT) AS JSONB)))"
            ),
        };
        self.sql.push_str(&holds);
    }

    /// The list of texts in the column holds all of these; none, no condition.
    fn holds_all(&mut self, column: &str, wanted: &[String]) {
        if wanted.is_empty() {
            return;
        }
        let mark = self.mark(texts(wanted));
        let holds = match self.dialect {
            Dialect::Lite => {
                let different: BTreeSet<&String> = wanted.iter().collect();
                let count = self.mark(different.len() as i64);
                format!(
                    " AND {column} <> '[]' AND (SELECT COUNT(DISTINCT item.value) FROM json_each({column}) AS item \
                     WHERE item.value IN (SELECT value FROM json_each({mark}))) = {count}"
                )
            }
            Dialect::Pg => format!(
                " AND {column} <> '[]' AND CAST({column} AS JSONB) @> (SELECT CAST(CAST({mark} AS TEXT) AS JSONB))"
            ),
        };
        self.sql.push_str(&holds);
    }

    fn query(mut self, query: &ImageQuery) -> Self {
        if query.impossible {
            self.sql.push_str(" AND 1 = 0");
        }
        self.any_number("space", &query.space);
        self.any_text("id", &query.id);
        for (column, values) in ["string1", "string2", "string3"].into_iter().zip(&query.strings) {
            if !values.is_empty() {
                // The index leaves out the empty texts, which nobody asks for.
                self.sql.push_str(&format!(" AND {column} <> ''"));
            }
            self.any_text(column, values);
        }
        for (column, values) in ["number1", "number2", "number3"].into_iter().zip(&query.numbers) {
            if !values.is_empty() && !values.contains(&0) {
                self.sql.push_str(&format!(" AND {column} <> 0"));
            }
            self.any_number(column, values);
        }
        self.holds_all("tags", &query.tags);
        self.holds_any("roles", &query.roles);
        self.holds_any("manifests", &query.manifests);
        self
    }
}

/// Texts as one parameter. PostgreSQL has no NUL in JSON either: see how [`Value`] is sent to it.
fn texts(all: &[String]) -> Value {
    json(&all.iter().map(|text| text.replace('\0', "\u{fffd}")).collect::<Vec<_>>())
}

/// How many images fulfil the query.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &Db, customer: i64, scope: Scope, query: &ImageQuery) -> Result<i64, Error> {
    let Filter { sql, params, .. } = Filter::new(db.dialect(), customer, scope).query(query);
    let sql = format!("SELECT COUNT(*) FROM {sql}");
    Ok(Search(db, customer).one(&sql, &params, |row| row.int(0)).await?.unwrap_or_default())
}

/// What of the images is listed in an order.
fn in_order(dialect: Dialect, customer: i64, scope: Scope, query: &ImageQuery, order: &ImageOrder) -> Filter {
    let mut filter = Filter::new(dialect, customer, scope).query(query);
    let by_time = matches!(order.by, None | Some(ImageOrderBy::Created));
    if by_time && matches!(scope, Scope::Customer | Scope::Space(_)) {
        // The indexes by time are for those that ask for this.
        filter.sql.push_str(" AND version > 0");
    }
    filter
}

/// A page of the images that fulfil the query.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &Db,
    customer: i64,
    scope: Scope,
    query: &ImageQuery,
    order: &ImageOrder,
    window: &Window,
) -> Result<Rows<Image>, Error> {
    let Filter { sql, params, .. } = in_order(db.dialect(), customer, scope, query, order);
    let walks = query.is_empty() && order.by.is_none() && window.offset <= WALKED;
    let order = Order { keys: keys(scope, order), descending: order.descending };
    let list = List { columns: COLUMNS, from: &sql, params, order };
    // Only what walks an index to the next few images is sure to be short.
    if walks {
        page::read(db, list, window, image).await
    } else {
        page::read(&Search(db, customer), list, window, image).await
    }
}

fn keys(scope: Scope, order: &ImageOrder) -> Vec<Key> {
    const STRINGS: [(&str, &str); 3] = [
        ("CASE WHEN string1 = '' THEN 1 ELSE 0 END", "string1"),
        ("CASE WHEN string2 = '' THEN 1 ELSE 0 END", "string2"),
        ("CASE WHEN string3 = '' THEN 1 ELSE 0 END", "string3"),
    ];
    const NUMBERS: [&str; 3] = ["number1", "number2", "number3"];
    // Values that are not set come last, whichever way.
    let unset_last = |up, down| vec![Key::int(if order.descending { down } else { up })];
    // Downwards they come last by themselves.
    let empty_last =
        |empty, text| if order.descending { vec![Key::text(text)] } else { vec![Key::int(empty), Key::text(text)] };
    let mut keys = match order.by {
        None if scope == Scope::Waiting => return vec![Key::int("priority"), Key::int("generation")],
        None | Some(ImageOrderBy::Created) => vec![Key::int("created")],
        Some(ImageOrderBy::Id) => vec![Key::text("id")],
        Some(ImageOrderBy::Origin) => vec![Key::text("origin")],
        Some(ImageOrderBy::Error) => empty_last("CASE WHEN error = '' THEN 1 ELSE 0 END", "error"),
        Some(ImageOrderBy::MediaType) => vec![Key::text("media_type")],
        Some(ImageOrderBy::MaxUnauthorised) => vec![Key::int("max_unauthorised")],
        Some(ImageOrderBy::String(i)) => {
            let (empty, text) = STRINGS[usize::from(i.min(2))];
            empty_last(empty, text)
        }
        Some(ImageOrderBy::Number(i)) => vec![Key::int(NUMBERS[usize::from(i.min(2))])],
        Some(ImageOrderBy::Finished) => unset_last("COALESCE(finished, 9223372036854775807)", "COALESCE(finished, -1)"),
        Some(ImageOrderBy::Width) => unset_last("COALESCE(width, 9223372036854775807)", "COALESCE(width, -1)"),
        Some(ImageOrderBy::Height) => unset_last("COALESCE(height, 9223372036854775807)", "COALESCE(height, -1)"),
        Some(ImageOrderBy::Batch) => unset_last("COALESCE(batch, 9223372036854775807)", "COALESCE(batch, -1)"),
        Some(ImageOrderBy::Duration) => Vec::new(),
    };
    keys.extend([Key::int("space"), Key::text("id")]);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;

    async fn plan(db: &Db, sql: &str, params: usize) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        db.all(&sql, &vec![Value::Null; params], |row| row.text(3)).await.unwrap().join("; ")
    }

    #[tokio::test]
    async fn images_are_found_by_their_key_and_listed_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("plans.db")).unwrap();
        let by_key = plan(&db, &wanted_of(4), 9).await;
        assert!(by_key.contains("sqlite_autoindex_images_1 (customer=? AND space=? AND id=?)"), "{by_key}");
        for (scope, index) in [(Scope::Customer, "images_of_customer"), (Scope::Space(3), "images_of_space")] {
            let (query, order) = (ImageQuery::default(), ImageOrder::default());
            let Filter { sql, params, .. } = in_order(Dialect::Lite, 1, scope, &query, &order);
            let by_time = format!("SELECT id FROM {sql} ORDER BY created, space, id");
            let by_time = plan(&db, &by_time, params.len()).await;
            assert!(by_time.contains(index) && !by_time.contains("B-TREE"), "{by_time}");
        }
    }

    #[test]
    fn a_longer_list_makes_no_other_statement() {
        let query = |count: i64| {
            let numbers: Vec<i64> = (0..count).collect();
            let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            ImageQuery {
                space: numbers.clone(),
                id: texts.clone(),
                strings: std::array::from_fn(|_| texts.clone()),
                numbers: std::array::from_fn(|_| numbers.clone()),
                tags: texts.clone(),
                roles: texts.clone(),
                manifests: texts,
                impossible: false,
            }
        };
        for dialect in [Dialect::Lite, Dialect::Pg] {
            let filter = |count| Filter::new(dialect, 1, Scope::Customer).query(&query(count));
            let (short, long) = (filter(2), filter(900));
            assert_eq!(short.sql, long.sql);
            assert_eq!(short.params.len(), long.params.len());
        }
    }
}
