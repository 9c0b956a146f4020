//! The public base URL: what the links of an answer begin with.

use crate::network::Network;
use poem::{
    Request,
    http::{HeaderMap, uri::Authority},
};
use std::{net::IpAddr, str::FromStr};

/// A base URL that an operator chose: http or https, without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no base URL: write one such as https://api.example.org");
        let url = url::Url::parse(text).map_err(|_| wrong())?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !plain || url.password().is_some() {
            return Err(wrong());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Where the base URL comes from: the operator, else the request.
#[derive(Debug, Clone, Default)]
pub struct Base {
    /// What the operator chose.
    pub fixed: Option<PublicUrl>,
    /// The proxies whose word on how callers addressed them is taken.
    pub proxies: Vec<Network>,
}

impl Base {
    /// The base URL for the answer to a request, without a slash at the end.
    pub fn of(&self, request: &Request) -> String {
        let peer = request.remote_addr().as_socket_addr().map(|address| address.ip().to_canonical());
        let addressed = request.header("host").or_else(|| request.uri().authority().map(Authority::as_str));
        self.url(peer, addressed, request.headers())
    }

    fn url(&self, peer: Option<IpAddr>, addressed: Option<&str>, headers: &HeaderMap) -> String {
        if let Some(PublicUrl(url)) = &self.fixed {
            return url.clone();
        }
        let forwarded = match peer {
            Some(ip) if self.trusts(ip) => Forwarded::read(headers),
            _ => Forwarded::default(),
        };
        let scheme = forwarded.scheme.filter(|scheme| matches!(scheme.as_str(), "http" | "https"));
        let host = forwarded.host.as_deref().filter(|host| is_host(host));
        let host = host.or_else(|| addressed.filter(|host| is_host(host))).unwrap_or("localhost");
        format!("{}://{host}", scheme.as_deref().unwrap_or("http"))
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(peer))
    }
}

/// How the caller addressed the proxy that passed a request on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded {
    scheme: Option<String>,
    host: Option<String>,
}

impl Forwarded {
    /// As `Forwarded` (RFC 7239) tells, else as `X-Forwarded-Proto` and `X-Forwarded-Host` do. Of several
    /// values the last counts: those before it may be the caller's own.
    fn read(headers: &HeaderMap) -> Self {
        if let Some(element) = last(headers, "forwarded") {
            let parameter = |wanted: &str| {
                let named =
                    |pair: &str| pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()));
                let mut pairs = element.split(';').filter_map(named);
                let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
            };
            return Self {
                scheme: parameter("proto").map(|proto| proto.to_ascii_lowercase()),
                host: parameter("host"),
            };
        }
        Self {
            scheme: last(headers, "x-forwarded-proto").map(|proto| proto.to_ascii_lowercase()),
            host: last(headers, "x-forwarded-host"),
        }
    }
}

/// The last value of a header whose values may stand in one line or several.
fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    let line = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).next_back()?;
    line.rsplit(',').map(str::trim).find(|value| !value.is_empty()).map(str::to_owned)
}

/// A host goes into every link, so nothing but a host and a port passes.
fn is_host(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    host.len() < 256 && host.bytes().all(plain) && host.parse::<Authority>().is_ok_and(|a| !a.host().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::{HeaderName, HeaderValue};

    fn base(proxies: &[&str], peer: &str, told: &[(&'static str, &'static str)]) -> String {
        let base = Base { fixed: None, proxies: proxies.iter().map(|p| p.parse().unwrap()).collect() };
        let told = told.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        let peer: IpAddr = peer.parse().unwrap();
        base.url(Some(peer.to_canonical()), Some("inside:8080"), &HeaderMap::from_iter(told))
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let told = [("x-forwarded-proto", "https"), ("x-forwarded-host", "api.example.org")];
        assert_eq!(base(&[], "10.0.0.7", &told), "http://inside:8080");
        assert_eq!(base(&["10.0.0.0/8"], "192.0.2.1", &told), "http://inside:8080");
        assert_eq!(base(&["10.0.0.0/8"], "10.0.0.7", &told), "https://api.example.org");
        assert_eq!(base(&["10.0.0.0/8"], "::ffff:10.0.0.7", &told), "https://api.example.org");
        assert_eq!(base(&["fd00::/8"], "fd00::1", &told[..1]), "https://inside:8080");
    }

    #[test]
    fn the_nearest_value_counts_and_must_be_a_host() {
        let proxies = ["127.0.0.1"];
        let standard = [("forwarded", "host=evil.example, for=1.2.3.4;Proto=HTTPS;host=\"api.example.org:8443\"")];
        assert_eq!(base(&proxies, "127.0.0.1", &standard), "https://api.example.org:8443");
        let wrong = [("x-forwarded-host", "evil.example/<script>"), ("x-forwarded-proto", "gopher")];
        assert_eq!(base(&proxies, "127.0.0.1", &wrong), "http://inside:8080");
        let several = [("x-forwarded-host", "evil.example, api.example.org")];
        assert_eq!(base(&proxies, "127.0.0.1", &several), "http://api.example.org");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_a_port() {
        for host in ["api.example.org", "api.example.org:8443", "127.0.0.1", "[::1]:8080", "a_b", &"a".repeat(255)] {
            assert!(is_host(host), "{host}");
        }
        for other in ["", ":8080", "user@api.example.org", "a~b", "a/b", "a b", "a:b:c", &"a".repeat(256)] {
            assert!(!is_host(other), "{other}");
        }
    }

    #[test]
    fn a_public_url_is_one() {
        let parsed = |text: &str| text.parse::<PublicUrl>();
        assert_eq!(parsed("https://api.example.org/iiif/"), Ok(PublicUrl("https://api.example.org/iiif".to_owned())));
        for wrong in ["", "api.example.org", "ftp://api.example.org", "https://a.example/?x", "https://u:p@a.example"] {
            assert!(parsed(wrong).unwrap_err().contains("base URL"), "{wrong}");
        }
    }
}
