//! From names to addresses.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The addresses of a host, once they are known.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a host. Tests give the client one of their own.
pub trait Resolve: Send + Sync {
    /// Every address of `host`, in the order of preference.
    fn resolve(&self, host: &str) -> Addresses;
}

/// The resolver of the operating system, with its hosts file.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Addresses {
        // The port is only there because the function wants one.
        let lookup = (host.to_owned(), 0);
        Box::pin(async move { Ok(tokio::net::lookup_host(lookup).await?.map(|address| address.ip()).collect()) })
    }
}
