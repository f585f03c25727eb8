//! Where a request may go, and how much of an answer is read.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

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
    /// 16 KiB.
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
        self.destinations == Destinations::Any
            || is_public(address)
            || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether requests to this kind of URL are permitted.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if !self.https_only => Ok(()),
            _ => Err(Error::Url),
        }
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
