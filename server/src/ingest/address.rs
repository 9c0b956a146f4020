//! Which network addresses an origin may live at.
//!
//! Origins are given by customers, so whatever an origin's name resolves to is judged here before a
//! connection is made. Everything that isn't a public unicast address is refused, in every way of
//! writing it, unless the operator allowed its network.

use crate::network::{Network, NotANetwork};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use url::{Host, Url};

/// The longest origin that is accepted, in characters.
pub const MAX_ORIGIN_LENGTH: usize = 1000;

/// The networks the operator allows besides public addresses; empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Network>);

impl FromIterator<Network> for Allowed {
    fn from_iter<T: IntoIterator<Item = Network>>(networks: T) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl FromStr for Allowed {
    type Err = NotANetwork;

    /// Reads networks separated by commas or white space; an empty text allows nothing more.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty()).map(str::parse).collect()
    }
}

impl Allowed {
    /// Whether an origin may be fetched from `ip`: each address it stands for is public or allowed.
    pub fn permitted(&self, ip: IpAddr) -> bool {
        meanings(ip).into_iter().all(|ip| self.0.iter().any(|network| network.contains(ip)) || is_public(ip))
    }

    /// Whether the host of `url` may be contacted as far as can be told without resolving names.
    pub fn permits_host(&self, host: &Host<&str>) -> bool {
        match host {
            Host::Ipv4(ip) => self.permitted((*ip).into()),
            Host::Ipv6(ip) => self.permitted((*ip).into()),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                // RFC 6761 §6.3: these names always mean loopback.
                let local = name == "localhost" || name.ends_with(".localhost");
                !local || self.permitted(Ipv4Addr::LOCALHOST.into()) || self.permitted(Ipv6Addr::LOCALHOST.into())
            }
        }
    }
}

/// The addresses a packet for `ip` may end at: the address itself, or the IPv4 addresses that
/// translators and tunnels read out of it.
fn meanings(ip: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = ip else {
        return vec![ip];
    };
    let o = v6.octets();
    let v4 = |a: u8, b: u8, c: u8, d: u8| IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    let last = v4(o[12], o[13], o[14], o[15]);
    match v6.segments() {
        // Unspecified and loopback are themselves, the rest of ::/96 is IPv4-compatible.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![ip],
        // IPv4-compatible, IPv4-mapped, IPv4-translated (RFC 2765), well-known NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // Local NAT64 (RFC 8215): the operator of the network chose between a /48 and a /96 form.
        [0x64, 0xff9b, 1, ..] => {
            let spread = v4(o[6], o[7], o[9], o[10]);
            let mut both = vec![spread, last];
            both.retain(|ip| !matches!(ip, IpAddr::V4(v4) if v4.octets()[..2] == [0, 0]));
            if both.is_empty() { vec![ip] } else { both }
        }
        // 6to4 (RFC 3056).
        [0x2002, ..] => vec![v4(o[2], o[3], o[4], o[5])],
        // Teredo (RFC 4380): its server, and the client with inverted bits.
        [0x2001, 0, ..] => vec![v4(o[4], o[5], o[6], o[7]), v4(!o[12], !o[13], !o[14], !o[15])],
        // ISATAP (RFC 5214) in any prefix; the prefix itself must be fit to contact too.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![ip, last],
        _ => vec![ip],
    }
}

/// IPv4 networks that aren't public unicast (the special-purpose registry of RFC 6890), and one
/// public address that clouds use for their own metadata.
const CLOSED_V4: [Network; 16] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(10, 0, 0, 0, 8),
    Network::v4(100, 64, 0, 0, 10),
    Network::v4(127, 0, 0, 0, 8),
    Network::v4(168, 63, 129, 16, 32),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 0, 0, 0, 24),
    Network::v4(192, 0, 2, 0, 24),
    Network::v4(192, 88, 99, 0, 24),
    Network::v4(192, 168, 0, 0, 16),
    Network::v4(198, 18, 0, 0, 15),
    Network::v4(198, 51, 100, 0, 24),
    Network::v4(203, 0, 113, 0, 24),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(240, 0, 0, 0, 4),
];

/// The only IPv6 network that holds public unicast addresses: loopback, unique local, link-local,
/// site-local, discard, segment routing and multicast are all outside.
const GLOBAL_V6: Network = Network::v6(0x2000, 0, 0, 3);

/// Special-purpose parts of [`GLOBAL_V6`]: protocol assignments and documentation.
const CLOSED_V6: [Network; 3] =
    [Network::v6(0x2001, 0, 0, 23), Network::v6(0x2001, 0xdb8, 0, 32), Network::v6(0x3fff, 0, 0, 20)];

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => !CLOSED_V4.iter().any(|network| network.contains(ip)),
        IpAddr::V6(_) => GLOBAL_V6.contains(ip) && !CLOSED_V6.iter().any(|network| network.contains(ip)),
    }
}

/// Checks an origin when it is registered, without resolving names; the answer is the origin as it
/// will be fetched.
///
/// # Errors
/// A sentence for the person who sent the origin.
pub fn check_origin(text: &str, allowed: &Allowed) -> Result<Url, String> {
    if text.chars().count() > MAX_ORIGIN_LENGTH {
        return Err(format!("The origin is longer than {MAX_ORIGIN_LENGTH} characters."));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(
            "The origin contains white space or control characters; percent-encode them, such as %20 for a space."
                .to_owned(),
        );
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "The origin is not an absolute URI: begin with https://, http://, s3:// or sftp://.".to_owned()
        }
        other => format!("The origin is not a valid URI: {other}."),
    })?;
    match url.scheme() {
        "http" | "https" | "s3" | "sftp" => {}
        scheme @ ("ftp" | "ftps") => {
            return Err(format!("Origins with the scheme {scheme} are not supported: use https, http, s3 or sftp."));
        }
        _ => return Err("The scheme of the origin must be https, http, s3 or sftp.".to_owned()),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("The origin names no host.".to_owned());
    }
    // The user alone is part of an SFTP address; everywhere else both would be shown to readers.
    if url.password().is_some() || (url.scheme() != "sftp" && !url.username().is_empty()) {
        return Err("The origin contains a user name or password, which every reader of the image would see: use an origin strategy with credentials.".to_owned());
    }
    // The host of an s3 origin is a bucket, which is never contacted by address.
    if url.scheme() != "s3" && !host_permitted(&url, allowed) {
        return Err("The host of the origin is a private or reserved address: use a public one, or have the operator allow its network with --origin-allow.".to_owned());
    }
    Ok(url)
}

/// Whether the host of `url` may be contacted as far as can be told without resolving names; false
/// without a host.
pub fn host_permitted(url: &Url, allowed: &Allowed) -> bool {
    match url.host() {
        // Only http-like URLs have their numeric spellings (octal, hexadecimal, short) read by the
        // parser, but resolvers read them for every scheme.
        Some(Host::Domain(name)) => match Host::parse(name) {
            Ok(Host::Domain(name)) => allowed.permits_host(&Host::Domain(&name)),
            Ok(Host::Ipv4(ip)) => allowed.permitted(ip.into()),
            Ok(Host::Ipv6(ip)) => allowed.permitted(ip.into()),
            Err(_) => false,
        },
        Some(host) => allowed.permits_host(&host),
        None => false,
    }
}

#[cfg(test)]
mod tests;
