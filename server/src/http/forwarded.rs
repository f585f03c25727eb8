//! Where a request comes from and how its browser addresses the site: from the connection and the `Host` header, or from
//! what a trusted proxy forwards. Computed once per request, by `middleware::front`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version, header};
use campfire::AppError;
use ipnet::IpNet;

use super::errors::PageError;

/// The networks of the proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks, and no others.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether a proxy with this address is trusted.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The proxies of this machine.
impl Default for TrustedProxies {
    fn default() -> Self {
        Self(LOOPBACK.iter().filter_map(|network| parse_network(network).ok()).collect())
    }
}

/// The networks of [`TrustedProxies::default`].
pub const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

/// Parses a network like `10.0.0.0/8`, or a single address.
///
/// # Errors
/// If it is neither, with an example.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(|address| address.to_canonical().into());
    text.parse().or_else(|_| address()).map_err(|_| "use an address or a network, like 10.0.0.2 or 10.0.0.0/8".into())
}

/// The origin of a request. As an extractor, it is what `middleware::front` computed.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The address of the browser: the nearest one in the chain of proxies that is not a trusted proxy's.
    pub address: IpAddr,
    /// Whether a trusted proxy forwarded that address, so that the connection is not the browser's own.
    pub is_proxied: bool,
    /// Whether the browser's connection is encrypted: this one, or that of a proxy, which says so.
    pub is_https: bool,
    /// The site's origin as the browser sees it, like `https://chat.example`.
    pub origin: Arc<str>,
    /// The `Host` header if the origin has another host, which a proxy forwarded.
    inner_host: Option<Box<str>>,
}

/// A request whose `Host` is missing, repeated or invalid, which is refused (RFC 9112, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHost;

impl Forwarded {
    /// Reads the origin of a request that arrived on a connection, encrypted or not, from `peer`; `None` in tests without a
    /// connection.
    ///
    /// # Errors
    /// If `Host` is not there exactly once, and valid. HTTP/1.0 clients may omit it.
    pub fn read(
        version: Version,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
        is_encrypted: bool,
        proxies: &TrustedProxies,
    ) -> Result<Self, InvalidHost> {
        let host = host(version, headers)?;
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
        let is_trusted = proxies.contains(peer);
        let address = if is_trusted { nearest_untrusted(peer, headers, proxies) } else { peer };
        let first = |name: &str| first_of(headers, name).filter(|_| is_trusted);
        let is_https =
            is_encrypted || first("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let outer_host = first("x-forwarded-host").filter(|host| is_valid_host(host));
        let inner_host = outer_host.filter(|outer| *outer != host).map(|_| host.into());
        let scheme = if is_https { "https://" } else { "http://" };
        let origin = [scheme, outer_host.unwrap_or(host)].concat().into();
        Ok(Self { address, is_proxied: address != peer, is_https, origin, inner_host })
    }

    /// Whether `origin`, an `Origin` header, names the host that the request was sent to. Schemes are not compared: a
    /// proxy that terminates TLS may not forward that it did.
    #[must_use]
    pub fn is_own_origin(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        let parts = origin.as_ref().and_then(|origin| Some((origin.scheme_str()?, origin.authority()?.as_str())));
        let Some((scheme, named)) = parts else { return false };
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return false,
        };
        let without_port = |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
        let own = self.origin.split_once("://").map(|(_, host)| host);
        own.into_iter().chain(self.inner_host.as_deref()).any(|host| without_port(host) == without_port(named))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Forwarded {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get().cloned().ok_or(PageError(AppError::Internal))
    }
}

/// The one valid `Host` header.
fn host(version: Version, headers: &HeaderMap) -> Result<&str, InvalidHost> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().filter(|host| is_valid_host(host)).ok_or(InvalidHost),
        (None, None) if version < Version::HTTP_11 => Ok("localhost"),
        _ => Err(InvalidHost),
    }
}

/// Whether it is a host with an optional port, and without a user name.
fn is_valid_host(host: &str) -> bool {
    !host.contains('@') && host.parse::<Authority>().is_ok_and(|authority| !authority.host().is_empty())
}

/// The first element of a comma-separated header: the one of the proxy that the browser is connected to.
fn first_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

/// Follows `X-Forwarded-For` from its end, as long as the address so far is that of a trusted proxy. Stops at what is no
/// address: everything before it was written by somebody unknown.
fn nearest_untrusted(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let mut nearest = peer;
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        for entry in value.to_str().unwrap_or_default().rsplit(',') {
            let Some(address) = parse_address(entry.trim()).filter(|_| proxies.contains(nearest)) else {
                return nearest;
            };
            nearest = address;
        }
    }
    nearest
}

/// An address as proxies write it: alone, with a port, or in brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bracketed = || IpAddr::from_str(text.strip_prefix('[')?.strip_suffix(']')?).ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(peer: &str, headers: &[(&'static str, &'static str)]) -> Result<Forwarded, InvalidHost> {
        read_with(peer, headers, &TrustedProxies::default())
    }

    fn read_with(
        peer: &str,
        headers: &[(&'static str, &'static str)],
        proxies: &TrustedProxies,
    ) -> Result<Forwarded, InvalidHost> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .fold(HeaderMap::new(), |mut headers, (name, value): (header::HeaderName, _)| {
                headers.append(name, value);
                headers
            });
        Forwarded::read(Version::HTTP_11, &headers, Some(SocketAddr::new(peer.parse().unwrap(), 1)), false, proxies)
    }

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let headers: Vec<_> =
            [("host", "x")].into_iter().chain(forwarded.iter().map(|value| ("x-forwarded-for", *value))).collect();
        read(peer, &headers).unwrap().address.to_string()
    }

    #[test]
    fn a_remote_client_cannot_forge_its_address_scheme_or_host() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.2", &["198.51.100.1"]), "10.0.0.2");
        assert_eq!(address("127.0.0.1", &[]), "127.0.0.1");
        let forged = [("host", "chat.example"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")];
        let forwarded = read("203.0.113.9", &forged).unwrap();
        assert_eq!((&*forwarded.origin, forwarded.is_https), ("http://chat.example", false));
        assert!(!forwarded.is_own_origin(&HeaderValue::from_static("https://evil.example")));
    }

    #[test]
    fn behind_a_trusted_proxy_the_nearest_other_address_is_used() {
        assert_eq!(address("127.0.0.1", &["192.0.2.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["198.51.100.1, 127.0.0.1"]), "198.51.100.1");
        assert_eq!(address("::1", &["192.0.2.7", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("::ffff:127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), parse_network("2001:db8::5").unwrap()]);
        let through = |peer, chain| {
            read_with(peer, &[("host", "x"), ("x-forwarded-for", chain)], &proxies).unwrap().address.to_string()
        };
        assert_eq!(through("10.1.2.3", "192.0.2.7, 198.51.100.1, 10.9.9.9"), "198.51.100.1");
        assert_eq!(through("2001:db8::5", "198.51.100.1"), "198.51.100.1");
        assert_eq!(through("2001:db8::6", "198.51.100.1"), "2001:db8::6");
        assert_eq!(through("127.0.0.1", "198.51.100.1"), "127.0.0.1", "only the named ones");
    }

    #[test]
    fn forwarded_addresses_are_read_with_ports_and_brackets() {
        for (entry, expected) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("[::ffff:198.51.100.1]:80", "198.51.100.1"),
        ] {
            assert_eq!(address("127.0.0.1", &[entry]), expected, "{entry}");
        }
    }

    #[test]
    fn the_chain_ends_at_what_is_no_address() {
        for chain in ["nonsense", "198.51.100.1, unknown", "198.51.100.1, ", "198.51.100.1,_hidden", ""] {
            assert_eq!(address("127.0.0.1", &[chain]), "127.0.0.1", "{chain}");
        }
        assert_eq!(address("127.0.0.1", &["198.51.100.1", "unknown"]), "127.0.0.1");
    }

    #[test]
    fn there_is_exactly_one_valid_host() {
        for hosts in [
            &[][..],
            &["a.example", "a.example"],
            &[""],
            &["a.example@b.example"],
            &["a b"],
            &["<b>"],
            &["a/b"],
            &[":80"],
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            assert_eq!(read("127.0.0.1", &headers).map(|_| ()), Err(InvalidHost), "{hosts:?}");
        }
        for host in ["chat.example", "chat.example:3000", "[::1]:3000", "my_host"] {
            assert_eq!(&*read("127.0.0.1", &[("host", host)]).unwrap().origin, format!("http://{host}"));
        }
        let none = HeaderMap::new();
        assert!(Forwarded::read(Version::HTTP_10, &none, None, false, &TrustedProxies::default()).is_ok());
    }

    #[test]
    fn the_origin_is_that_of_the_browser() {
        let forwarded =
            [("host", "inner:3000"), ("x-forwarded-proto", "HTTPS, http"), ("x-forwarded-host", "chat.example")];
        let forwarded = read("127.0.0.1", &forwarded).unwrap();
        assert_eq!(&*forwarded.origin, "https://chat.example");
        let is_own = |origin| forwarded.is_own_origin(&HeaderValue::from_static(origin));
        assert!(is_own("https://chat.example") && is_own("https://CHAT.example:443") && is_own("http://inner:3000"));
        for foreign in
            ["null", "", "https://chat.example.evil", "https://chat.example:444", "ws://chat.example", "chat.example"]
        {
            assert!(!is_own(foreign), "{foreign}");
        }
        let odd = read("127.0.0.1", &[("host", "a.example"), ("x-forwarded-host", "<b>")]).unwrap();
        assert_eq!(&*odd.origin, "http://a.example");
    }

    #[test]
    fn an_encrypted_connection_needs_no_proxy_to_say_so() {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("chat.example"))]);
        let forwarded = Forwarded::read(Version::HTTP_2, &headers, None, true, &TrustedProxies::default()).unwrap();
        assert!(forwarded.is_https && &*forwarded.origin == "https://chat.example");
    }

    #[test]
    fn a_trusted_proxy_is_a_network_or_an_address() {
        for valid in ["10.0.0.0/8", "10.0.0.2", "::1", "fd00::/8"] {
            assert!(parse_network(valid).is_ok(), "{valid}");
        }
        for invalid in ["", "proxy", "10.0.0.0/33", "10.0.0"] {
            assert!(parse_network(invalid).is_err(), "{invalid}");
        }
    }
}
