//! Customers, the tenants of the service.

use super::Tag;
use crate::{
    collection,
    domain::customers,
    http::{
        answer::{Created, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Administered, Conflicts, Fail},
        read_only,
        session::{Administrator, Caller},
        types::{CustomerId, CustomerName, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// A customer.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Customer {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    display_name: String,
    created: Time,
    administrator: bool,
    portal_users: Uri,
    auth_services: Uri,
    roles: Uri,
    spaces: Uri,
    all_images: Uri,
    queue: Uri,
    keys: Uri,
    named_queries: Uri,
    origin_strategies: Uri,
    storage: Uri,
    audit: Uri,
    account: Uri,
}
resource!(Customer);
collection!(
    /// A page of customers.
    CustomerCollection of Customer
);

impl Customer {
    fn member(c: customers::Customer, links: &Links) -> Self {
        let id = links.customer(c.id);
        let under = |name: &str| Uri(format!("{id}/{name}"));
        Self {
            context: None,
            class: "Customer".to_owned(),
            name: c.name,
            display_name: c.display_name,
            created: Time(c.created),
            administrator: c.administrator,
            portal_users: under("portalUsers"),
            auth_services: under("authServices"),
            roles: under("roles"),
            spaces: under("spaces"),
            all_images: under("allImages"),
            queue: under("queue"),
            keys: under("keys"),
            named_queries: under("namedQueries"),
            origin_strategies: under("originStrategies"),
            storage: under("storage"),
            audit: under("audit"),
            account: Uri(links.account(&c.public_id)),
            id: Uri(id),
        }
    }

    fn item(c: customers::Customer, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Customer"))), ..Self::member(c, links) }
    }
}

/// A customer to be created.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct CustomerCreate {
    name: CustomerName,
    #[oai(validator(min_length = 1, max_length = 500))]
    display_name: String,
}

impl Input for CustomerCreate {
    const CLASS: &'static str = "Customer";
}

/// Changes to a customer.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct CustomerUpdate {
    #[oai(validator(min_length = 1, max_length = 500))]
    display_name: Option<String>,
}

impl Input for CustomerUpdate {
    const CLASS: &'static str = "Customer";
    const PATCH: bool = true;
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Customers")]
impl Api {
    #[oai(path = "/customers", method = "get", operation_id = "customer_list")]
    async fn list(&self, caller: Caller) -> Result<Value<CustomerCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = customers::list(&caller.app.db, &caller.principal, &paging).await?;
        let page = page.map(|c| Customer::member(c, &caller.links));
        Ok(caller.value(&CustomerCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers", method = "post", operation_id = "customer_create")]
    async fn create(
        &self,
        caller: Administrator,
        body: Json<CustomerCreate>,
    ) -> Result<Created<Customer>, Fail<Administered>> {
        read_only::check::<Customer>(&body.raw, "CustomerCreate", None, "")?;
        let new = customers::NewCustomer { name: body.value.name.0, display_name: body.value.display_name };
        let made = customers::create(&caller.app.db, &caller.principal, new).await?;
        Ok(caller.created(&Customer::item(made, &caller.links)))
    }

    #[oai(path = "/customers/:customer", method = "get", operation_id = "customer_view")]
    async fn view(&self, caller: Caller, customer: Path<CustomerId>) -> Result<View<Customer>, Fail> {
        let found = customers::get(&caller.app.db, customer.0.0).await?;
        Ok(caller.view(&Customer::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer", method = "patch", operation_id = "customer_update")]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<CustomerUpdate>,
    ) -> Result<Updated<Customer>, Fail<Conflicts>> {
        let old = customers::get(&caller.app.db, customer.0.0).await?;
        let version = old.version;
        let (shown, version) = caller.checked(Customer::item(old, &caller.links), version)?;
        read_only::check::<Customer>(&body.raw, "CustomerUpdate", Some(&read_only::shown(&shown)), "")?;
        let new = customers::rename(&caller.app.db, customer.0.0, body.value.display_name, version).await?;
        Ok(caller.updated(&Customer::item(new, &caller.links)))
    }
}
