//! How origins are fetched: the ways that the platform has, and the rules by which a customer chooses them.

use super::{
    Change, Error, Fault, check, expect, ids,
    keys::lock_usage,
    page::{self, Page, Paging},
    patterns,
};
use crate::{
    ingest::fetch::Basic,
    secrets::{Secrets, SecretsError},
    shares::Place,
    store::{self, Db, Tx},
};
use futures::FutureExt;
use std::time::Duration;
use tokio::time::timeout;

/// How long trying out a regular expression waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rules that a customer may have; every ingest looks through them.
const MAX_RULES: i64 = 500;
/// What is shown in place of stored credentials.
pub const MASK: &str = "xxx";

/// A way of fetching origins besides HTTP(S) without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// HTTP(S) with Basic authentication.
    Basic,
    /// SFTP with a password.
    Sftp,
    /// Amazon S3 with the identity of the platform.
    S3,
}

impl Strategy {
    const ALL: [Self; 3] = [Self::Basic, Self::Sftp, Self::S3];

    /// Its name in URLs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Basic => "basic-http-authentication",
            Self::Sftp => "sftp",
            Self::S3 => "s3-ambient",
        }
    }

    /// Its name in URLs of 2016.
    fn alias(self) -> &'static str {
        match self {
            Self::Basic => "basic_https",
            Self::Sftp => "ftps_creds",
            Self::S3 => "s3",
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "HTTP(S) with Basic authentication",
            Self::Sftp => "SFTP with a password",
            Self::S3 => "Amazon S3 with the identity of the platform",
        }
    }

    /// Whether a rule must have credentials with it; otherwise it must have none.
    pub fn requires_credentials(self) -> bool {
        self != Self::S3
    }

    /// The strategy of an id, today's or that of 2016.
    pub fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| id == s.id() || id == s.alias())
    }

    /// The strategy that a URI, a path or an id names.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn referred(reference: &str) -> Result<Self, String> {
        let mut parts = reference.trim_end_matches('/').rsplit('/');
        let id = parts.next().unwrap_or_default();
        let of_strategies = parts.next().is_none_or(|above| above == "originStrategies");
        match Self::named(id).filter(|_| of_strategies) {
            Some(strategy) => Ok(strategy),
            None if id == "default" => Err("`default` can't be chosen: origins that no rule matches are fetched \
                                            that way, so leave them to it."
                .to_owned()),
            None => {
                let known: Vec<&str> = Self::ALL.into_iter().map(Self::id).collect();
                let given: String = reference.chars().take(200).collect();
                Err(format!("There is no origin strategy `{given}`: use one of {}.", known.join(", ")))
            }
        }
    }
}

/// The ways that the platform has.
///
/// # Errors
/// [`Error::Invalid`] for a position that is none of the list.
pub fn strategies(paging: &Paging) -> Result<Page<Strategy>, Error> {
    page::short(Strategy::ALL.to_vec(), paging)
}

/// One of the ways that the platform has.
///
/// # Errors
/// [`Error::Missing`].
pub fn strategy(id: &str) -> Result<Strategy, Error> {
    Strategy::named(id).ok_or_else(|| Error::Missing(format!("There is no origin strategy `{id}`.")))
}

/// A customer's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whose it is.
    pub customer: i64,
    /// Its id within the customer.
    pub id: String,
    /// It is for origins in which this is found; unique within the customer.
    pub regex: String,
    /// How they are fetched.
    pub strategy: Strategy,
    /// User name and password, sealed; there exactly where the strategy requires them.
    pub credentials: Option<String>,
    /// Whether delivery may read the original where it is.
    pub optimised: bool,
    /// Rules are tried by this, lowest first, then by id.
    pub order: i64,
    /// Counts its changes.
    pub version: i64,
}

impl Rule {
    /// The credentials of the rule.
    ///
    /// # Errors
    /// When there are none, or they were sealed with another key.
    pub fn unsealed(&self, secrets: &Secrets) -> Result<Basic, SecretsError> {
        let text = secrets.unseal(self.credentials.as_deref().unwrap_or_default())?;
        let (user, password) = serde_json::from_str(&text).map_err(|_| SecretsError::Sealed)?;
        Ok(Basic { user, password })
    }
}

/// Credentials as a caller gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Those that are stored, as they are shown.
    Stored,
    /// These.
    New(Basic),
}

impl From<Basic> for Credentials {
    fn from(given: Basic) -> Self {
        if given.user == MASK && given.password == MASK { Self::Stored } else { Self::New(given) }
    }
}

/// What of a rule its owner gives; what is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// See [`Rule::regex`].
    pub regex: Option<String>,
    /// See [`Rule::strategy`].
    pub strategy: Option<Strategy>,
    /// See [`Rule::credentials`].
    pub credentials: Change<Credentials>,
    /// See [`Rule::optimised`].
    pub optimised: Change<bool>,
    /// See [`Rule::order`].
    pub order: Change<i64>,
}

/// One rule of a customer.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: &str) -> Result<Rule, Error> {
    store::origin_strategies::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::Missing(format!("The customer has no origin strategy `{id}`."))
}

/// The rules of a customer, in the order in which they are tried.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<Rule>, Error> {
    let total = store::origin_strategies::count(db, customer).await?;
    Ok(Page::new(store::origin_strategies::list(db, customer, &paging.window()).await?, total))
}

/// Creates a rule under an id of the server's choice.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`] for a taken regular expression, or whatever the database says.
pub async fn create(db: &Db, secrets: &Secrets, customer: i64, given: Given) -> Result<Rule, Error> {
    check_regex(customer, &given).await?;
    let (secrets, id) = (secrets.clone(), uuid::Uuid::new_v4().to_string());
    db.write(move |tx| async move { insert(tx, &secrets, customer, id, given).await }.boxed()).await
}

/// Sets what is given of a rule, or creates it where there is none of this id; answers whether it did
/// create it. Where `version` is given the rule must still have it, see [`expect`].
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`] for a taken regular expression, [`Error::Changed`], or whatever
/// the database says.
pub async fn replace(
    db: &Db,
    secrets: &Secrets,
    customer: i64,
    id: &str,
    given: Given,
    version: Option<i64>,
) -> Result<(Rule, bool), Error> {
    ids::check(id).map_err(|detail| Error::invalid("originStrategy", detail))?;
    check_regex(customer, &given).await?;
    let (secrets, id) = (secrets.clone(), id.to_owned());
    db.write(move |tx| {
        async move {
            let found = store::origin_strategies::lock(tx, customer, &id).await?;
            expect(version, found.as_ref().map(|old| old.version))?;
            match found {
                Some(old) => Ok((set(tx, &secrets, old, given).await?, false)),
                None => Ok((insert(tx, &secrets, customer, id, given).await?, true)),
            }
        }
        .boxed()
    })
    .await
}

/// Sets what is given of a rule; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], and as [`replace`].
pub async fn update(
    db: &Db,
    secrets: &Secrets,
    customer: i64,
    id: &str,
    given: Given,
    version: Option<i64>,
) -> Result<Rule, Error> {
    check_regex(customer, &given).await?;
    let (secrets, id) = (secrets.clone(), id.to_owned());
    db.write(move |tx| {
        async move {
            let old = store::origin_strategies::lock(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            expect(version, Some(old.version))?;
            set(tx, &secrets, old, given).await
        }
        .boxed()
    })
    .await
}

/// Deletes a rule; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn delete(db: &Db, customer: i64, id: &str, version: Option<i64>) -> Result<(), Error> {
    let id = id.to_owned();
    db.write(move |tx| {
        async move {
            let old = store::origin_strategies::lock(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            expect(version, Some(old.version))?;
            store::origin_strategies::forget_host_keys(tx, customer, &id).await?;
            Ok(store::origin_strategies::delete(tx, customer, &id).await?)
        }
        .boxed()
    })
    .await
}

/// Trying out a regular expression takes a while, so it is done before anything is locked.
async fn check_regex(customer: i64, given: &Given) -> Result<(), Error> {
    let Some(regex) = given.regex.clone() else { return Ok(()) };
    let place = turn(customer, PATIENCE).await?;
    let checked = tokio::task::spawn_blocking(move || {
        // A caller who goes away doesn't end this.
        let _place = place;
        patterns::check(&regex)
    });
    match checked.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(detail)) => Err(Error::invalid("/regex", detail)),
        Err(_) => Err(Error::invalid("/regex", "The regular expression can't be tried out: simplify it.")),
    }
}

/// Waits for a customer's turn to try something out, and not for longer than it has patience.
async fn turn(customer: i64, patience: Duration) -> Result<Place, Error> {
    match timeout(patience, patterns::room_to_try(customer)).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Error::Busy),
    }
}

async fn insert(tx: &Tx, secrets: &Secrets, customer: i64, id: String, given: Given) -> Result<Rule, Error> {
    lock_usage(tx, customer).await?;
    let (Some(regex), Some(strategy)) = (given.regex.clone(), given.strategy) else {
        let absent = [("regex", given.regex.is_none()), ("strategy", given.strategy.is_none())];
        let faults = absent.into_iter().filter(|(_, absent)| *absent);
        let faults = faults.map(|(n, _)| Fault::new(format!("/{n}"), format!("The member `{n}` is missing.")));
        return Err(Error::Invalid(faults.collect()));
    };
    if store::origin_strategies::count(tx, customer).await? >= MAX_RULES {
        let detail = format!("The customer has {MAX_RULES} origin strategies, the most there can be: delete some.");
        return Err(Error::invalid("", detail));
    }
    let empty = Rule { customer, id, regex, strategy, credentials: None, optimised: false, order: 0, version: 0 };
    free(tx, &empty).await?;
    let mut rule = apply(empty, given, secrets)?;
    rule.version = 1;
    store::origin_strategies::put(tx, &rule).await?;
    Ok(rule)
}

async fn set(tx: &Tx, secrets: &Secrets, old: Rule, given: Given) -> Result<Rule, Error> {
    let mut rule = apply(old.clone(), given, secrets)?;
    if rule.regex != old.regex {
        free(tx, &rule).await?;
    }
    if rule == old {
        return Ok(rule);
    }
    if (rule.strategy, &rule.credentials) != (old.strategy, &old.credentials) {
        store::origin_strategies::forget_host_keys(tx, rule.customer, &rule.id).await?;
    }
    rule.version += 1;
    store::origin_strategies::put(tx, &rule).await?;
    Ok(rule)
}

async fn free(tx: &Tx, rule: &Rule) -> Result<(), Error> {
    if store::origin_strategies::taken(tx, rule.customer, &rule.regex, &rule.id).await? {
        let detail = "Another origin strategy of this customer has the same regular expression: change that one.";
        return Err(Error::conflict("/regex", detail));
    }
    Ok(())
}

/// The rule after what is given.
fn apply(old: Rule, given: Given, secrets: &Secrets) -> Result<Rule, Error> {
    let strategy = given.strategy.unwrap_or(old.strategy);
    let stored = old.credentials.filter(|_| strategy == old.strategy && given.credentials != Change::Reset);
    let mut faults = Vec::new();
    let credentials = match (given.credentials, strategy.requires_credentials()) {
        (Change::Set(_), false) => {
            let detail = format!("The strategy `{}` takes no credentials: leave them out.", strategy.id());
            faults.push(Fault::new("/credentials", detail));
            None
        }
        (Change::Set(Credentials::New(login)), true) => {
            if strategy == Strategy::Basic && login.user.contains(':') {
                let detail = "A user name with a colon can't be sent with Basic authentication: use another one.";
                faults.push(Fault::new("/credentials/user", detail));
            }
            Some(seal(&login, secrets)?)
        }
        (Change::Set(Credentials::Stored), true) if stored.is_none() => {
            let detail = "No credentials are stored for this strategy: give a user name and a password.";
            faults.push(Fault::new("/credentials", detail));
            None
        }
        (Change::Keep | Change::Reset, true) if stored.is_none() => {
            let detail =
                format!("The strategy `{}` needs credentials: give a user name and a password.", strategy.id());
            faults.push(Fault::new("/credentials", detail));
            None
        }
        _ => stored,
    };
    if strategy != Strategy::S3 && given.optimised == Change::Set(true) {
        let detail = format!("Only origins of the strategy `{}` can be optimised.", Strategy::S3.id());
        faults.push(Fault::new("/optimised", detail));
    }
    check(faults)?;
    Ok(Rule {
        regex: given.regex.unwrap_or(old.regex),
        strategy,
        credentials,
        optimised: given.optimised.apply(old.optimised, false) && strategy == Strategy::S3,
        order: given.order.apply(old.order, 0),
        ..Rule { credentials: None, regex: String::new(), ..old }
    })
}

fn seal(login: &Basic, secrets: &Secrets) -> Result<String, Error> {
    let text = serde_json::json!([login.user, login.password]).to_string();
    secrets.seal(&text).map_err(|e| Error::Store(store::Error::File(std::io::Error::other(e.to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_customer_leaves_room_for_others_to_try_something_out() {
        let mut taken = Vec::new();
        let busy = loop {
            match turn(1, Duration::ZERO).await {
                Ok(place) => taken.push(place),
                Err(error) => break error,
            }
        };
        assert!(matches!(busy, Error::Busy) && !taken.is_empty(), "{busy:?}");
        let given = Given { regex: Some("(a+)+b".to_owned()), ..Given::default() };
        check_regex(2, &given).await.unwrap();
        drop(taken);
        check_regex(1, &given).await.unwrap();
    }
}
