//! The origin of a request: the address of its connection, or what a trusted proxy forwards.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;

/// Whether the browser's connection is encrypted, according to the proxy that terminates TLS.
#[must_use]
pub fn is_https(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

/// The address of the browser: the nearest address in the chain of proxies that is not a loopback address.
///
/// `X-Forwarded-For` is trusted only if the connection comes from this machine, where the proxy runs. Private addresses
/// are not trusted: in an office network, all clients have one.
pub fn client_address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip().to_canonical());
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<IpAddr> =
        forwarded.flat_map(|value| value.split(',')).filter_map(|address| address.trim().parse().ok()).collect();
    let mut nearest = peer;
    for address in chain.into_iter().rev() {
        if !nearest.is_loopback() {
            break;
        }
        nearest = address;
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let mut request = axum::http::Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        client_address(&parts).to_string()
    }

    #[test]
    fn a_remote_client_cannot_forge_its_address() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.2", &["198.51.100.1"]), "10.0.0.2");
        assert_eq!(address("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn behind_a_local_proxy_the_nearest_remote_address_is_used() {
        assert_eq!(address("127.0.0.1", &["192.0.2.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["198.51.100.1, 127.0.0.1"]), "198.51.100.1");
        assert_eq!(address("::1", &["192.0.2.7", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }
}
