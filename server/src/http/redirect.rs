//! What is served without TLS beside a site with TLS: the way to it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campfire::model::paths;

/// The port that an address with `https` and without a port has.
const HTTPS_PORT: u16 = 443;

/// Where requests are redirected to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The port with TLS.
    pub port: u16,
    /// The domains of the site; none if every host that leads here is one of its.
    pub domains: Vec<String>,
}

/// Redirects every request to the same address with TLS, other than health checks, which `site` answers.
pub fn app(target: Target, site: Router) -> Router {
    Router::new().route_service(paths::UP, site).fallback(redirect).with_state(Arc::new(target))
}

/// The method stays the same (308), and the address is not searched for what it means: it may hold keys.
async fn redirect(State(target): State<Arc<Target>>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(location) = target.location(&uri, &headers) else {
        return (StatusCode::BAD_REQUEST, "This site has HTTPS, and the request does not name its host.\n")
            .into_response();
    };
    // Whoever follows it needs another connection.
    let headers = [(header::LOCATION, location), (header::CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::PERMANENT_REDIRECT, headers, "This site has HTTPS.\n").into_response()
}

impl Target {
    fn location(&self, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let named = named.filter(|host| !host.contains('@')).and_then(|host| host.parse::<Authority>().ok());
        let named = named.as_ref().map(Authority::host).filter(|host| !host.is_empty());
        let is_ours = |host: &str| self.domains.iter().any(|domain| domain.eq_ignore_ascii_case(host));
        let host = match (named, self.domains.first()) {
            (Some(host), None) => host,
            (Some(host), Some(_)) if is_ours(host) => host,
            (_, Some(first)) => first,
            (None, None) => return None,
        };
        let port = if self.port == HTTPS_PORT { String::new() } else { format!(":{}", self.port) };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        HeaderValue::try_from(format!("https://{host}{port}{target}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(target: &Target, uri: &str, host: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
        let location = target.location(&uri.parse().unwrap(), &headers)?;
        Some(location.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_same_address_with_tls_is_named() {
        let any = Target { port: 443, domains: Vec::new() };
        for (uri, host, expected) in [
            ("/", "chat.example", "https://chat.example/"),
            ("/rooms/1?a=b", "chat.example:80", "https://chat.example/rooms/1?a=b"),
            ("/", "[::1]:80", "https://[::1]/"),
            ("//evil.example/", "chat.example", "https://chat.example//evil.example/"),
            ("http://evil.example/a", "chat.example", "https://chat.example/a"),
        ] {
            assert_eq!(location(&any, uri, host).as_deref(), Some(expected));
        }
        for host in ["", "a@evil.example", "a b", "<b>"] {
            assert_eq!(location(&any, "/", host), None, "{host}");
        }
        let other_port = Target { port: 8443, ..any };
        assert_eq!(location(&other_port, "/a", "chat.example:8080").unwrap(), "https://chat.example:8443/a");
    }

    #[test]
    fn a_site_with_domains_leads_to_no_other() {
        let target = Target { port: 443, domains: vec!["chat.example".into(), "team.example".into()] };
        assert_eq!(location(&target, "/a", "TEAM.example").unwrap(), "https://TEAM.example/a");
        for host in ["192.0.2.1", "evil.example", "", "a@b"] {
            assert_eq!(location(&target, "/a", host).unwrap(), "https://chat.example/a", "{host}");
        }
    }
}
