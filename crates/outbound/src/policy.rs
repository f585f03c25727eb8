//! Where a request may go, and how much of an answer is read.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use crate::{Error, is_public};

/// Requests in total while redirects are followed.
const MAX_REQUESTS: u8 = 10;

/// Where a request may go, how long it may take, and how much of its answer is read.
///
/// A value of the program, never of a request: only code that builds one can permit more.
#[derive(Clone, Debug)]
pub struct Policy {
    destinations: Destinations,
    /// Networks permitted beside the destinations.
    networks: Vec<IpNet>,
    https_only: bool,
    /// `None`: a redirect is an answer like any other.
    max_requests: Option<u8>,
    pub(crate) deadline: Duration,
    pub(crate) max_body_bytes: usize,
}

/// Which addresses are permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destinations {
    Public,
    Any,
}

impl Policy {
    /// For URLs that anybody may have written: public addresses only, at most 10 requests while redirects are followed,
    /// 10 s, 5 MiB.
    #[must_use]
    pub const fn public() -> Self {
        Self {
            destinations: Destinations::Public,
            networks: Vec::new(),
            https_only: false,
            max_requests: Some(MAX_REQUESTS),
            deadline: Duration::from_secs(10),
            max_body_bytes: 5 * 1024 * 1024,
        }
    }

    /// For endpoints of push services, which browsers report: https and public addresses only, no redirects, 10 s,
    /// 16 KiB. A literal address in a network that [`Policy::permitting`] adds may also be reached by http.
    #[must_use]
    pub const fn push() -> Self {
        Self {
            destinations: Destinations::Public,
            networks: Vec::new(),
            https_only: true,
            max_requests: None,
            deadline: Duration::from_secs(10),
            max_body_bytes: 16 * 1024,
        }
    }

    /// For URLs that an administrator has entered: any address, no redirects, 7 s, 10 MiB.
    #[must_use]
    pub const fn chosen() -> Self {
        Self {
            destinations: Destinations::Any,
            networks: Vec::new(),
            https_only: false,
            max_requests: None,
            deadline: Duration::from_secs(7),
            max_body_bytes: 10 * 1024 * 1024,
        }
    }

    /// Permits the addresses of `networks` too: networks that belong to the installation, or a test's own server.
    #[must_use]
    pub fn permitting(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Sets the time from the start of the request to the end of the body.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the maximum length of a body, in bytes.
    #[must_use]
    pub const fn with_max_body_bytes(mut self, max_body_bytes: usize) -> Self {
        self.max_body_bytes = max_body_bytes;
        self
    }

    /// Whether a connection to `address` is permitted.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        self.destinations == Destinations::Any || is_public(address) || self.is_own(address)
    }

    /// Whether requests to this kind of URL are permitted. Where https is required, http is permitted to a literal address in
    /// one of the permitted networks alone: it leaves no network of the installation.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if !self.https_only || literal(url).is_some_and(|address| self.is_own(address)) => Ok(()),
            _ => Err(Error::Url),
        }
    }

    /// Whether a request to `url` may be permitted, as far as that can be told without resolving its host: its scheme is
    /// right, and a literal address is one that the policy permits.
    #[must_use]
    pub fn accepts(&self, url: &Url) -> bool {
        self.check_url(url).is_ok() && url.has_host() && literal(url).is_none_or(|address| self.permits(address))
    }

    /// Whether an address is in one of the networks permitted beside the destinations.
    fn is_own(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether redirects are followed.
    pub(crate) const fn follows_redirects(&self) -> bool {
        self.max_requests.is_some()
    }

    /// How many requests may be sent in total.
    pub(crate) fn max_requests(&self) -> u8 {
        self.max_requests.unwrap_or(1)
    }
}

/// The address that a URL names in place of a host.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_accepted_by_its_scheme_and_literal_address() {
        let own = || Policy::push().permitting(["127.0.0.0/8".parse().unwrap()]);
        for (policy, url, is_accepted) in [
            (Policy::push(), "https://push.example/x", true),
            (Policy::push(), "https://93.184.216.34/x", true),
            (Policy::push(), "http://push.example/x", false),
            (Policy::push(), "http://93.184.216.34/x", false),
            (Policy::push(), "https://127.0.0.1/x", false),
            (Policy::push(), "https://[::1]/x", false),
            (Policy::push(), "https://169.254.169.254/x", false),
            (Policy::push(), "https://2130706433/x", false),
            (Policy::push(), "https:///x", true),
            (Policy::push(), "ftp://push.example/x", false),
            (Policy::push(), "data:,x", false),
            (own(), "http://127.0.0.1:3000/x", true),
            (own(), "https://127.0.0.1/x", true),
            (own(), "http://push.example/x", false),
            (own(), "http://93.184.216.34/x", false),
            (own(), "http://10.0.0.1/x", false),
            (Policy::chosen(), "http://10.0.0.1/x", true),
        ] {
            assert_eq!(policy.accepts(&Url::parse(url).unwrap()), is_accepted, "{url}");
        }
    }
}
