//! Named queries: stored templates that public URLs invoke.

use super::{Tag, change};
use crate::{
    collection,
    domain::{
        Change, Error,
        named_queries::{self, Changes, NewQuery},
    },
    http::{
        answer::{Created, Deleted, Replaced, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only,
        session::Caller,
        types::{CustomerId, QueryKey, QueryName, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::json;

/// A named query.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct NamedQuery {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    global: bool,
    template: String,
    warnings: Vec<String>,
}
resource!(NamedQuery);
collection!(
    /// A page of named queries.
    NamedQueryCollection of NamedQuery
);

impl NamedQuery {
    /// A query as `customer` sees it: a global one of somebody else is found under its own path too.
    fn member(customer: i64, q: named_queries::NamedQuery, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.named_query(customer, &q.id)),
            class: "NamedQuery".to_owned(),
            name: q.name,
            global: q.global,
            warnings: named_queries::warnings(&q.template),
            template: q.template,
        }
    }

    fn item(customer: i64, q: named_queries::NamedQuery, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("NamedQuery"))), ..Self::member(customer, q, links) }
    }
}

/// A named query to be created.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct NamedQueryCreate {
    name: QueryName,
    global: Option<bool>,
    #[oai(validator(min_length = 1, max_length = 1000))]
    template: String,
}

impl Input for NamedQueryCreate {
    const CLASS: &'static str = "NamedQuery";
}

/// What a named query is to be.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct NamedQueryReplace {
    name: Option<QueryName>,
    global: Option<bool>,
    #[oai(validator(min_length = 1, max_length = 1000))]
    template: String,
}

impl Input for NamedQueryReplace {
    const CLASS: &'static str = "NamedQuery";
}

/// Changes to a named query.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct NamedQueryUpdate {
    name: Option<QueryName>,
    #[oai(nullable)]
    global: MaybeUndefined<bool>,
    #[oai(validator(min_length = 1, max_length = 1000))]
    template: Option<String>,
}

impl Input for NamedQueryUpdate {
    const CLASS: &'static str = "NamedQuery";
    const PATCH: bool = true;
}

/// A stored query, as its caller sees it.
struct Stored {
    query: named_queries::NamedQuery,
    shown: NamedQuery,
    /// The version to write under.
    version: Option<i64>,
}

/// The stored query, once the conditions of the request hold.
async fn stored(caller: &Caller, customer: i64, key: &str) -> Result<Stored, Failure> {
    let query = named_queries::get(&caller.app.db, customer, key).await?;
    let (shown, version) = caller.checked(NamedQuery::item(customer, query.clone(), &caller.links), query.version)?;
    Ok(Stored { query, shown, version })
}

/// Creates the query that a PUT found nothing for.
async fn create_at(
    caller: &Caller,
    customer: i64,
    id: String,
    body: &Json<NamedQueryReplace>,
) -> Result<named_queries::NamedQuery, Failure> {
    // Whoever was faster is found by the conflict, and compared then.
    caller.absent()?;
    let certain = json!({
        "@id": caller.links.named_query(customer, &id),
        "warnings": named_queries::warnings(&body.value.template),
    });
    read_only::check::<NamedQuery>(&body.raw, "NamedQueryReplace", Some(&certain), "")?;
    let name = body.value.name.clone().ok_or_else(|| {
        let detail = format!("There is no named query `{id}`: send `name` besides `template` to create it.");
        Failure::invalid("/name", detail)
    })?;
    let new = NewQuery {
        id: Some(id),
        name: name.0,
        global: body.value.global.unwrap_or_default(),
        template: body.value.template.clone(),
    };
    Ok(named_queries::create(&caller.app.db, &caller.principal, customer, new).await?)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::NamedQueries")]
impl Api {
    #[oai(path = "/customers/:customer/namedQueries", method = "get", operation_id = "named_query_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<NamedQueryCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = named_queries::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|q| NamedQuery::member(customer.0.0, q, &caller.links));
        Ok(caller.value(&NamedQueryCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/namedQueries", method = "post", operation_id = "named_query_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<NamedQueryCreate>,
    ) -> Result<Created<NamedQuery>, Fail<Conflicts>> {
        let certain = json!({ "warnings": named_queries::warnings(&body.value.template) });
        read_only::check::<NamedQuery>(&body.raw, "NamedQueryCreate", Some(&certain), "")?;
        let NamedQueryCreate { name, global, template } = body.value;
        let new = NewQuery { id: None, name: name.0, global: global.unwrap_or_default(), template };
        let made = named_queries::create(&caller.app.db, &caller.principal, customer.0.0, new).await?;
        Ok(caller.created(&NamedQuery::item(customer.0.0, made, &caller.links)))
    }

    #[oai(path = "/customers/:customer/namedQueries/:namedQuery", method = "get", operation_id = "named_query_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "namedQuery")] key: Path<QueryKey>,
    ) -> Result<View<NamedQuery>, Fail> {
        let found = named_queries::get(&caller.app.db, customer.0.0, &key.0.0).await?;
        Ok(caller.view(&NamedQuery::item(customer.0.0, found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/namedQueries/:namedQuery", method = "put", operation_id = "named_query_replace")]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "namedQuery")] key: Path<QueryKey>,
        body: Json<NamedQueryReplace>,
    ) -> Result<Replaced<NamedQuery>, Fail<Conflicts>> {
        let customer = customer.0.0;
        let old = match stored(&caller, customer, &key.0.0).await {
            Ok(old) => old,
            Err(Failure::Domain(Error::Missing(_))) => {
                match create_at(&caller, customer, key.0.0.clone(), &body).await {
                    Ok(made) => return Ok(caller.replaced(&NamedQuery::item(customer, made, &caller.links), true)),
                    // Perhaps another request has just created it, and this one replaces it.
                    Err(conflict @ Failure::Domain(Error::Conflict(_))) => {
                        match stored(&caller, customer, &key.0.0).await {
                            Err(Failure::Domain(Error::Missing(_))) => return Err(conflict.into()),
                            other => other?,
                        }
                    }
                    Err(failure) => return Err(failure.into()),
                }
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<NamedQuery>(&body.raw, "NamedQueryReplace", Some(&read_only::shown(&old.shown)), "")?;
        let NamedQueryReplace { name, global, template } = body.value;
        let changes = Changes {
            name: name.map(|n| n.0),
            global: global.map_or(Change::Keep, Change::Set),
            template: Some(template),
        };
        let new = named_queries::update(&caller.app.db, &caller.principal, &old.query, changes, old.version).await?;
        Ok(caller.replaced(&NamedQuery::item(customer, new, &caller.links), false))
    }

    #[oai(
        path = "/customers/:customer/namedQueries/:namedQuery",
        method = "patch",
        operation_id = "named_query_update"
    )]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "namedQuery")] key: Path<QueryKey>,
        body: Json<NamedQueryUpdate>,
    ) -> Result<Updated<NamedQuery>, Fail<Conflicts>> {
        let old = stored(&caller, customer.0.0, &key.0.0).await?;
        read_only::check::<NamedQuery>(&body.raw, "NamedQueryUpdate", Some(&read_only::shown(&old.shown)), "")?;
        let NamedQueryUpdate { name, global, template } = body.value;
        let changes = Changes { name: name.map(|n| n.0), global: change(global), template };
        let new = named_queries::update(&caller.app.db, &caller.principal, &old.query, changes, old.version).await?;
        Ok(caller.updated(&NamedQuery::item(customer.0.0, new, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/namedQueries/:namedQuery",
        method = "delete",
        operation_id = "named_query_delete"
    )]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "namedQuery")] key: Path<QueryKey>,
    ) -> Result<Deleted, Fail> {
        let old = stored(&caller, customer.0.0, &key.0.0).await?;
        named_queries::delete(&caller.app.db, &caller.principal, &old.query, old.version).await?;
        Ok(caller.deleted())
    }
}
