//! How origins are fetched: the ways of the platform, and the rules of customers.

use super::{Tag, change};
use crate::{
    collection,
    domain::{
        self, Change, Error, Fault,
        origin_strategies::{self, Credentials, Given, MASK, Rule, Strategy},
    },
    http::{
        answer::{Created, Deleted, Replaced, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure, Named},
        read_only::{self, agree},
        session::Caller,
        types::{CustomerId, GlobalStrategyId, OriginStrategyId, Uri},
    },
    ingest::fetch::Basic,
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue, json};
use std::fmt;

/// A way of fetching origins.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct OriginStrategy {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    requires_credentials: bool,
}

/// A customer's rule.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct CustomerOriginStrategy {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    regex: String,
    strategy: Uri,
    #[oai(deprecated)]
    origin_strategy: Uri,
    credentials: Option<String>,
    optimised: bool,
    order: i64,
}
resource!(OriginStrategy, CustomerOriginStrategy);
collection!(
    /// A page of ways of fetching origins.
    OriginStrategyCollection of OriginStrategy
);
collection!(
    /// A page of a customer's rules.
    CustomerOriginStrategyCollection of CustomerOriginStrategy
);

impl OriginStrategy {
    fn member(s: Strategy, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.origin_strategy(s.id())),
            class: "OriginStrategy".to_owned(),
            name: s.name().to_owned(),
            requires_credentials: s.requires_credentials(),
        }
    }

    fn item(s: Strategy, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("OriginStrategy"))), ..Self::member(s, links) }
    }
}

impl CustomerOriginStrategy {
    fn member(r: Rule, links: &Links) -> Self {
        let strategy = Uri(links.origin_strategy(r.strategy.id()));
        Self {
            context: None,
            id: Uri(links.customer_origin_strategy(r.customer, &r.id)),
            class: "CustomerOriginStrategy".to_owned(),
            regex: r.regex,
            strategy: strategy.clone(),
            origin_strategy: strategy,
            credentials: r.credentials.map(|_| MASK.to_owned()),
            optimised: r.optimised,
            order: r.order,
        }
    }

    fn item(r: Rule, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("CustomerOriginStrategy"))), ..Self::member(r, links) }
    }
}

/// User name and password for an origin.
#[derive(Clone, Object)]
pub struct OriginCredentials {
    #[oai(validator(min_length = 1, max_length = 500))]
    user: String,
    #[oai(validator(min_length = 1, max_length = 2000))]
    password: String,
}

impl fmt::Debug for OriginCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OriginCredentials").finish_non_exhaustive()
    }
}

impl Input for OriginCredentials {
    const CLASS: &'static str = "OriginCredentials";
    const ALSO: &'static [&'static str] = &["Credentials"];
}

impl From<OriginCredentials> for Credentials {
    fn from(given: OriginCredentials) -> Self {
        Basic { user: given.user, password: given.password }.into()
    }
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident, $regex:ty, $some:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            #[oai(validator(min_length = 1, max_length = 1000))]
            regex: $regex,
            #[oai(validator(min_length = 1, max_length = 1000))]
            strategy: Option<String>,
            #[oai(deprecated, validator(min_length = 1, max_length = 1000))]
            origin_strategy: Option<String>,
            credentials: Option<OriginCredentials>,
            optimised: Option<bool>,
            order: Option<i64>,
        }

        impl $name {
            fn given(self) -> Result<Given, Failure> {
                let regex: fn($regex) -> Option<String> = $some;
                Ok(Given {
                    regex: regex(self.regex),
                    strategy: strategy(self.strategy, self.origin_strategy)?,
                    credentials: self.credentials.map_or(Change::Keep, |c| Change::Set(c.into())),
                    optimised: self.optimised.map_or(Change::Keep, Change::Set),
                    order: self.order.map_or(Change::Keep, Change::Set),
                })
            }
        }
    };
}

settings!(
    /// A rule to be created.
    CustomerOriginStrategyCreate,
    String,
    Some
);
settings!(
    /// What of a rule is to be set.
    CustomerOriginStrategyReplace,
    Option<String>,
    |regex| regex
);

/// Changes to a rule.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct CustomerOriginStrategyUpdate {
    #[oai(validator(min_length = 1, max_length = 1000))]
    regex: Option<String>,
    #[oai(validator(min_length = 1, max_length = 1000))]
    strategy: Option<String>,
    #[oai(deprecated, validator(min_length = 1, max_length = 1000))]
    origin_strategy: Option<String>,
    #[oai(nullable)]
    credentials: MaybeUndefined<OriginCredentials>,
    #[oai(nullable)]
    optimised: MaybeUndefined<bool>,
    #[oai(nullable)]
    order: MaybeUndefined<i64>,
}

impl CustomerOriginStrategyUpdate {
    fn given(self) -> Result<Given, Failure> {
        Ok(Given {
            regex: self.regex,
            strategy: strategy(self.strategy, self.origin_strategy)?,
            credentials: change(self.credentials).map(Into::into),
            optimised: change(self.optimised),
            order: change(self.order),
        })
    }
}

macro_rules! inputs {
    ($($name:ident: $patch:literal),*) => {
        $(impl Input for $name {
            const CLASS: &'static str = "CustomerOriginStrategy";
            const ALSO: &'static [&'static str] = &["OriginStrategy"];
            const PATCH: bool = $patch;

            fn prepare(members: &mut Map<String, JsonValue>) {
                spell_out_credentials(members);
            }
        })*
    };
}
inputs!(
    CustomerOriginStrategyCreate: false,
    CustomerOriginStrategyReplace: false,
    CustomerOriginStrategyUpdate: true
);

/// Credentials may be given as JSON text, and in the form in which they are shown.
fn spell_out_credentials(members: &mut Map<String, JsonValue>) {
    let Some(credentials) = members.get_mut("credentials") else { return };
    let Some(text) = credentials.as_str() else { return };
    if text == MASK {
        *credentials = json!({ "user": MASK, "password": MASK });
    } else if let Ok(JsonValue::Object(spelled_out)) = serde_json::from_str(text) {
        *credentials = JsonValue::Object(spelled_out);
    }
}

/// What `strategy` and its older name refer to.
fn strategy(new: Option<String>, old: Option<String>) -> Result<Option<Strategy>, Failure> {
    let read = |reference: Option<String>, name: &str| {
        let found = reference.map(|r| Strategy::referred(&r)).transpose();
        found.map_err(|detail| Fault::new(format!("/{name}"), detail))
    };
    let both = match (read(new, "strategy"), read(old, "originStrategy")) {
        (Ok(new), Ok(old)) => agree(new, old, "strategy", "originStrategy", "").map_err(|fault| vec![fault]),
        (new, old) => Err([new.err(), old.err()].into_iter().flatten().collect()),
    };
    both.map_err(|faults| Error::Invalid(faults).into())
}

/// The stored rule as its caller sees it, once the conditions of the request hold; the version to write under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(CustomerOriginStrategy, Option<i64>), Failure> {
    let old = origin_strategies::get(&caller.app.db, customer, id).await?;
    let version = old.version;
    caller.checked(CustomerOriginStrategy::item(old, &caller.links), version)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::OriginStrategies")]
impl Api {
    #[oai(path = "/originStrategies", method = "get", operation_id = "origin_strategy_list_global")]
    async fn list_global(&self, caller: Caller) -> Result<Value<OriginStrategyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = origin_strategies::strategies(&paging)?.map(|s| OriginStrategy::member(s, &caller.links));
        Ok(caller.value(&OriginStrategyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/originStrategies/:strategy", method = "get", operation_id = "origin_strategy_view_global")]
    async fn view_global(
        &self,
        caller: Caller,
        strategy: Path<GlobalStrategyId>,
    ) -> Result<View<OriginStrategy>, Fail<Named>> {
        let found = origin_strategies::strategy(&strategy.0.0)?;
        Ok(caller.view(&OriginStrategy::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/originStrategies", method = "get", operation_id = "origin_strategy_list")]
    async fn list(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
    ) -> Result<Value<CustomerOriginStrategyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = origin_strategies::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|r| CustomerOriginStrategy::member(r, &caller.links));
        Ok(caller.value(&CustomerOriginStrategyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/originStrategies", method = "post", operation_id = "origin_strategy_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<CustomerOriginStrategyCreate>,
    ) -> Result<Created<CustomerOriginStrategy>, Fail<Conflicts>> {
        read_only::check::<CustomerOriginStrategy>(&body.raw, "CustomerOriginStrategyCreate", None, "")?;
        let given = body.value.given()?;
        let made = origin_strategies::create(&caller.app.db, &caller.app.secrets, customer.0.0, given).await?;
        Ok(caller.created(&CustomerOriginStrategy::item(made, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy",
        method = "get",
        operation_id = "origin_strategy_view"
    )]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
    ) -> Result<View<CustomerOriginStrategy>, Fail> {
        let found = origin_strategies::get(&caller.app.db, customer.0.0, &id.0.0).await?;
        Ok(caller.view(&CustomerOriginStrategy::item(found, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy",
        method = "put",
        operation_id = "origin_strategy_replace"
    )]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
        body: Json<CustomerOriginStrategyReplace>,
    ) -> Result<Replaced<CustomerOriginStrategy>, Fail<Conflicts>> {
        let (customer, id) = (customer.0.0, id.0.0);
        let (known, version) = match stored(&caller, customer, &id).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                let version = caller.absent()?;
                (json!({ "@id": caller.links.customer_origin_strategy(customer, &id) }), version)
            }
            Err(failure) => return Err(failure.into()),
        };
        let schema = "CustomerOriginStrategyReplace";
        read_only::check::<CustomerOriginStrategy>(&body.raw, schema, Some(&known), "")?;
        let given = body.value.given()?;
        let app = &caller.app;
        let (new, made) = origin_strategies::replace(&app.db, &app.secrets, customer, &id, given, version).await?;
        Ok(caller.replaced(&CustomerOriginStrategy::item(new, &caller.links), made))
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy",
        method = "patch",
        operation_id = "origin_strategy_update"
    )]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
        body: Json<CustomerOriginStrategyUpdate>,
    ) -> Result<Updated<CustomerOriginStrategy>, Fail<Conflicts>> {
        let (shown, version) = stored(&caller, customer.0.0, &id.0.0).await?;
        let (schema, known) = ("CustomerOriginStrategyUpdate", read_only::shown(&shown));
        read_only::check::<CustomerOriginStrategy>(&body.raw, schema, Some(&known), "")?;
        let given = body.value.given()?;
        let app = &caller.app;
        let new = origin_strategies::update(&app.db, &app.secrets, customer.0.0, &id.0.0, given, version).await?;
        Ok(caller.updated(&CustomerOriginStrategy::item(new, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy",
        method = "delete",
        operation_id = "origin_strategy_delete"
    )]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
    ) -> Result<Deleted, Fail> {
        let (_, version) = stored(&caller, customer.0.0, &id.0.0).await?;
        origin_strategies::delete(&caller.app.db, customer.0.0, &id.0.0, version).await?;
        Ok(caller.deleted())
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy/credentials",
        method = "put",
        operation_id = "origin_strategy_replace_credentials"
    )]
    async fn replace_credentials(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
        body: Json<OriginCredentials>,
    ) -> Result<Value<CustomerOriginStrategy>, Fail> {
        let (_, version) = stored(&caller, customer.0.0, &id.0.0).await?;
        let given = Given { credentials: Change::Set(body.value.into()), ..Given::default() };
        let app = &caller.app;
        let new = origin_strategies::update(&app.db, &app.secrets, customer.0.0, &id.0.0, given, version)
            .await
            .map_err(of_credentials)?;
        Ok(caller.value(&CustomerOriginStrategy::item(new, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/originStrategies/:originStrategy/originStrategy",
        method = "get",
        operation_id = "origin_strategy_view_strategy"
    )]
    async fn view_strategy(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "originStrategy")] id: Path<OriginStrategyId>,
    ) -> Result<View<OriginStrategy>, Fail> {
        let found = origin_strategies::get(&caller.app.db, customer.0.0, &id.0.0).await?;
        Ok(caller.view(&OriginStrategy::item(found.strategy, &caller.links)))
    }
}

/// Faults of the credentials where they are the whole body.
fn of_credentials(error: domain::Error) -> domain::Error {
    let Error::Invalid(faults) = error else { return error };
    let outside = |fault: Fault| Fault::new(fault.pointer.replacen("/credentials", "", 1), fault.detail);
    Error::Invalid(faults.into_iter().map(outside).collect())
}
