//! The client for every HTTP request that this program sends.
//!
//! Whoever can make a server send a request can make it reach its neighbours: a router's settings, a cloud's metadata,
//! a database without a password. So there is one client, and each request is sent under a [`Policy`]:
//!
//! | Policy | Who chose the URL | Addresses | Redirects |
//! |---|---|---|---|
//! | [`Policy::public`] | anybody, in a message | public ones | up to 10 requests, absolute URLs |
//! | [`Policy::push`] | a browser | public ones, https only | none |
//! | [`Policy::chosen`] | an administrator | any | none |
//!
//! What holds for all of them:
//!
//! - A host is resolved once for each request, by [`Resolve`]. Addresses are checked **after** resolving, and the
//!   connection goes to one that was checked: a name server that answers differently a moment later changes nothing.
//!   A literal address takes the same path as a name. Every redirect starts over.
//! - One deadline covers resolving, connecting, all redirects and the body. The head of a response is at most
//!   [`MAX_HEAD_BYTES`] long; its body is counted while it is read, and never decompressed.
//! - There are no cookies, no cache, no pool of connections, and no proxy from the environment.
//! - [`Error`] names neither URL nor address, so it may be logged: URLs of webhooks and pushes are secrets.
//!
//! # Why hyper and not reqwest
//!
//! reqwest can be given a resolver, but asks it only about names: literal addresses would be checked in a second place,
//! before a pool and a redirect loop that are not wanted here either. With hyper's connections, one function resolves,
//! checks and connects. HTTP/1.1 is enough for all three uses.
//!
//! # Certificates
//!
//! The roots are Mozilla's, compiled in (`webpki-roots`): the executable works on a machine without `ca-certificates`.
//! [`Client::trusting`] adds others.

mod addresses;
mod client;
mod error;
mod policy;
mod resolver;
mod tls;

pub use addresses::is_public;
pub use client::{Client, Incoming, MAX_HEAD_BYTES, Request, Response};
pub use error::Error;
pub use http::HeaderMap;
pub use ipnet::IpNet;
pub use policy::Policy;
pub use resolver::{Addresses, Resolve, SystemResolver};
pub use rustls::pki_types::CertificateDer;
pub use url::Url;
