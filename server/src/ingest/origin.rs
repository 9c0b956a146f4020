//! How an origin is fetched: by the first rule of its customer that matches it, or over HTTP(S) without
//! credentials (`reference/dlcs.md` §5.4).

use super::{
    address::Allowed,
    fetch::{Basic, FetchError, Fetcher, Limits},
    s3::Buckets,
    sftp::{self, Sftp},
};
use crate::{
    domain::{
        origin_strategies::{Rule, Strategy},
        patterns::{self, Search, Searcher},
    },
    secrets::Secrets,
    store::{self, Db, Tx},
};
use futures::FutureExt;
use std::path::Path;
use url::Url;

/// How an origin is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Over HTTP(S), without credentials.
    Anonymous,
    /// Over HTTP(S), with Basic authentication.
    Basic(Basic),
    /// Over SFTP; the id of the rule says which host keys are known.
    Sftp(String, Basic),
    /// From S3.
    S3,
}

/// How an origin is fetched by the rules of its customer, given in their order; they see it as it was registered.
///
/// # Errors
/// A sentence for the owner of the image.
pub fn resolve(rules: &[Rule], registered: &str, origin: &Url, secrets: &Secrets) -> Result<How, String> {
    let rule = matching(rules, registered)?;
    let scheme = origin.scheme();
    let Some(rule) = rule else {
        return match scheme {
            "http" | "https" => Ok(How::Anonymous),
            _ => Err(format!("No origin strategy matches this {scheme} origin: create one that does.")),
        };
    };
    let named = format!("the origin strategy `{}` with `{}`", rule.id, rule.strategy.id());
    let schemes: &[&str] = match rule.strategy {
        Strategy::Basic => &["https", "http"],
        Strategy::Sftp => &["sftp"],
        Strategy::S3 => &["s3", "https", "http"],
    };
    if !schemes.contains(&scheme) {
        let wanted = schemes.join(", ");
        return Err(format!("This {scheme} origin matches {named}, which fetches {wanted} only: change its regex."));
    }
    if rule.strategy == Strategy::S3 {
        return Ok(How::S3);
    }
    let login = rule.unsealed(secrets).map_err(|error| {
        tracing::error!(customer = rule.customer, rule = rule.id, %error, "credentials can't be read");
        format!("The server can't read the credentials of {named}: set them again.")
    })?;
    Ok(if rule.strategy == Strategy::Sftp { How::Sftp(rule.id.clone(), login) } else { How::Basic(login) })
}

/// The first rule that matches.
fn matching<'a>(rules: &'a [Rule], origin: &str) -> Result<Option<&'a Rule>, String> {
    let mut searcher = Searcher::default();
    for rule in rules {
        // Going on to the next rule when it takes too long might send the wrong credentials, or none.
        match searcher.search(&rule.regex, origin) {
            Search::Found => return Ok(Some(rule)),
            Search::Absent => {}
            Search::TooLong => {
                return Err(format!(
                    "The regex of the origin strategy `{}` takes too long on this origin: simplify it.",
                    rule.id
                ));
            }
            Search::Refused(why) => {
                return Err(format!("The origin strategy `{}` can't be used. {why}", rule.id));
            }
            Search::Spent | Search::Late => {
                return Err(format!(
                    "The regexes of the origin strategies up to `{}` take too long together on this origin: simplify \
                     them.",
                    rule.id
                ));
            }
        }
    }
    Ok(None)
}

/// Fetches origins in all these ways.
pub struct Sources {
    db: Db,
    secrets: Secrets,
    http: Fetcher,
    sftp: Sftp,
    buckets: Buckets,
}

impl Sources {
    /// From public addresses and `allowed` networks, and from all buckets but the server's own.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(
        db: Db,
        secrets: Secrets,
        allowed: Allowed,
        limits: Limits,
        own_bucket: Option<String>,
    ) -> Result<Self, reqwest::Error> {
        let http = Fetcher::new(allowed.clone(), limits)?;
        Ok(Self { db, secrets, http, sftp: Sftp::new(allowed, limits), buckets: Buckets::new(limits, own_bucket) })
    }

    /// Fetches an origin of a customer into a file; answers its size in bytes.
    ///
    /// # Errors
    /// A sentence for the owner of the image, or what the database says.
    pub async fn fetch(&self, how: How, customer: i64, origin: &Url, into: &Path) -> Result<u64, Failed> {
        Ok(match how {
            How::Anonymous => self.http.fetch(origin, None, into).await?,
            How::Basic(login) => self.http.fetch(origin, Some(&login), into).await?,
            How::S3 => self.buckets.fetch(origin, into).await?,
            How::Sftp(rule, login) => self.over_sftp(customer, &rule, origin, &login, into).await?,
        })
    }

    /// How an origin of a customer, which was `registered` so, is to be fetched. Its turn may be long in coming.
    ///
    /// # Errors
    /// A sentence for the owner of the image, or what the database says.
    pub async fn how(&self, customer: i64, registered: &str, origin: &Url) -> Result<How, Failed> {
        let rules = store::origin_strategies::all(&self.db, customer).await?;
        // Without rules there is nothing to look for.
        let place = if rules.is_empty() { None } else { Some(patterns::room_to_search(customer).await) };
        let (secrets, registered, origin) = (self.secrets.clone(), registered.to_owned(), origin.clone());
        // A regular expression may take its time, within its limit.
        let resolved = tokio::task::spawn_blocking(move || {
            let _place = place;
            resolve(&rules, &registered, &origin, &secrets)
        });
        resolved.await.map_err(|e| Failed::Internal(e.to_string()))?.map_err(Failed::Reason)
    }

    async fn over_sftp(
        &self,
        customer: i64,
        rule: &str,
        origin: &Url,
        login: &Basic,
        into: &Path,
    ) -> Result<u64, Failed> {
        let Some((host, port)) = sftp::server(origin) else {
            return Err(Failed::Reason("The origin names no host.".to_owned()));
        };
        let known = store::origin_strategies::host_key(&self.db, customer, rule, &host, port.into()).await?;
        let is_new = known.is_none();
        let fetched = self.sftp.fetch(origin, login, known, into).await?;
        if is_new {
            let (rule, key) = (rule.to_owned(), fetched.fingerprint);
            self.db.write(move |tx| async move { keep(tx, customer, &rule, &host, port, &key).await }.boxed()).await?;
        }
        Ok(fetched.bytes)
    }
}

/// Remembers the key of a server, unless the rule that used it is gone by now.
async fn keep(tx: &Tx, customer: i64, rule: &str, host: &str, port: u16, key: &str) -> Result<(), store::Error> {
    if store::origin_strategies::lock(tx, customer, rule).await?.is_some() {
        store::origin_strategies::keep_host_key(tx, customer, rule, host, port.into(), key).await?;
    }
    Ok(())
}

/// Why an origin could not be fetched.
#[derive(Debug)]
pub enum Failed {
    /// A sentence for the owner of the image.
    Reason(String),
    /// For the log.
    Internal(String),
}

impl From<FetchError> for Failed {
    fn from(e: FetchError) -> Self {
        Self::Reason(e.to_string())
    }
}

impl From<store::Error> for Failed {
    fn from(e: store::Error) -> Self {
        Self::Internal(e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, regex: &str, strategy: Strategy, secrets: &Secrets) -> Rule {
        let credentials = strategy.requires_credentials().then(|| secrets.seal(&format!("[\"{id}\",\"p\"]")).unwrap());
        let (id, regex) = (id.to_owned(), regex.to_owned());
        Rule { customer: 7, id, regex, strategy, credentials, optimised: false, order: 0, version: 1 }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(data.path(), None).unwrap();
        let rules = [
            rule("one", "MASTERS.*a$", Strategy::Basic, &secrets),
            rule("two", "masters", Strategy::S3, &secrets),
            rule("three", "sftp", Strategy::Sftp, &secrets),
        ];
        let how = |origin: &str| resolve(&rules, origin, &Url::parse(origin).unwrap(), &secrets);
        let login = |user: &str| Basic { user: user.to_owned(), password: "p".to_owned() };
        assert_eq!(how("https://masters.example/a"), Ok(How::Basic(login("one"))));
        assert_eq!(how("https://masters.example/b"), Ok(How::S3));
        assert_eq!(how("sftp://files.example/b"), Ok(How::Sftp("three".to_owned(), login("three"))));
        assert_eq!(how("https://example.org/b"), Ok(How::Anonymous));
        for wrong in ["sftp://masters/a", "s3://bucket/key", "https://sftp.example/b"] {
            let error = how(wrong).unwrap_err();
            assert!(error.ends_with('.') && error.contains("origin strategy"), "{error}");
        }
    }

    #[test]
    fn rules_see_an_origin_as_it_was_registered() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(data.path(), None).unwrap();
        let how = |regex: &str, origin: &str| {
            let rules = [rule("one", regex, Strategy::S3, &secrets)];
            resolve(&rules, origin, &Url::parse(origin).unwrap(), &secrets).unwrap()
        };
        assert_eq!(how("/ü/", "https://masters.example/ü/a.tif"), How::S3);
        assert_eq!(how("%C3%BC", "https://masters.example/ü/a.tif"), How::Anonymous);
        assert_eq!(how("^http://masters.example:80/", "http://masters.example:80/a.tif"), How::S3);
        assert_eq!(how("example$", "https://masters.example"), How::S3);
    }

    #[test]
    fn a_regex_that_runs_wild_is_an_error_and_no_match() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(data.path(), None).unwrap();
        let rules = [rule("wild", r"(x+x+)+\1y", Strategy::S3, &secrets), rule("all", ".", Strategy::S3, &secrets)];
        let origin = Url::parse(&format!("https://example.org/{}!y", "x".repeat(900))).unwrap();
        assert!(resolve(&rules, origin.as_str(), &origin, &secrets).unwrap_err().contains("`wild` takes too long"));
    }

    #[test]
    fn rules_that_take_long_together_are_an_error_and_no_match() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(data.path(), None).unwrap();
        let rules: Vec<Rule> =
            (0..200).map(|n| rule(&format!("r{n}"), &format!(r"^h(.*)(.*)\2q7{n}$"), Strategy::S3, &secrets)).collect();
        let how = |origin: &str| resolve(&rules, origin, &Url::parse(origin).unwrap(), &secrets);
        assert_eq!(how("https://example.org/masters/plan.tif"), Ok(How::Anonymous));
        let error = how(&format!("https://example.org/{}", "x".repeat(900))).unwrap_err();
        assert!(error.contains("take too long together"), "{error}");
    }
}
