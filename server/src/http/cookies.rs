//! The names of cookies.
//!
//! On TLS they begin with `__Host-`, so that no other host, not even one of the same domain, can set them (RFC 6265bis,
//! section 4.1.3.2). Without TLS they end in the port: cookies are shared by all ports of a host, and two installations
//! on one machine must not sign each other out.

use app::server::{LAST_ROOM, LastRoomName};
use axum::http::{HeaderMap, Uri, header};

/// The cookies of a site at one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    is_tls: bool,
    port: Option<u16>,
}

impl Cookies {
    /// The cookies of an origin as browsers see it, like `https://chat.example`.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        let port = origin.parse::<Uri>().ok().and_then(|origin| origin.port_u16());
        Self { is_tls: origin.starts_with("https://"), port }
    }

    /// The full name of the cookie `name`.
    #[must_use]
    pub fn full_name(&self, name: &str) -> String {
        match (self.is_tls, self.port) {
            (true, _) => format!("__Host-{name}"),
            (false, Some(port)) => format!("{name}_{port}"),
            (false, None) => name.to_owned(),
        }
    }
}

/// The full name of the cookie with the id of the last room, at this origin.
#[must_use]
pub fn last_room(origin: &str) -> LastRoomName {
    LastRoomName(Cookies::of(origin).full_name(LAST_ROOM))
}

/// The full name of the cookie with the theme that was chosen last in a browser, for pages before signing in.
#[must_use]
pub fn theme(origin: &str) -> String {
    Cookies::of(origin).full_name("theme")
}

/// The values of the cookies with this full name, in the order of the request.
pub fn values<'a>(headers: &'a HeaderMap, full_name: &'a str) -> impl Iterator<Item = &'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.filter_map(move |pair| pair.trim().strip_prefix(full_name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_name_belongs_to_one_host_on_tls_and_to_one_port_without() {
        let name = |origin| Cookies::of(origin).full_name("session_token");
        assert_eq!(name("https://chat.example"), "__Host-session_token");
        assert_eq!(name("https://chat.example:8443"), "__Host-session_token");
        assert_eq!(name("http://localhost:3000"), "session_token_3000");
        assert_eq!(name("http://[::1]:3001"), "session_token_3001");
        assert_eq!(name("http://chat.example"), "session_token");
        assert_eq!(name("nonsense"), "session_token");
    }

    #[test]
    fn only_cookies_of_exactly_this_name_count() {
        let mut one = HeaderMap::new();
        one.append(header::COOKIE, HeaderValue::from_static("a_3000=1; a=2;a=3 ; xa=4"));
        assert_eq!(values(&one, "a").collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(values(&one, "a_3000").collect::<Vec<_>>(), ["1"]);
    }
}
