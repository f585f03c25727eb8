//! Counts what is open and under way, by connection, address and person, and admits no more than the [`Limits`].

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use campfire::access::network;
use campfire::model::UserId;
use campfire::{AppError, AppResult};
use http_body::{Frame, SizeHint};

use super::forwarded::Forwarded;
use super::limits::Limits;

/// Counts by key, up to a maximum for each. A key without a permit needs no memory.
#[derive(Debug)]
struct Quota<K: Eq + Hash> {
    max: usize,
    counts: Mutex<HashMap<K, usize>>,
}

/// One of a [`Quota`], until it is dropped.
#[derive(Debug)]
struct Permit<K: Eq + Hash> {
    quota: Arc<Quota<K>>,
    key: K,
}

impl<K: Copy + Eq + Hash> Quota<K> {
    fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, counts: Mutex::default() })
    }

    fn take(self: &Arc<Self>, key: K) -> Option<Permit<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Permit { quota: self.clone(), key })
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut counts = self.quota.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// The counts of a site. Clones share them.
#[derive(Clone, Debug)]
pub struct Admissions {
    limits: Limits,
    open_count: Arc<AtomicUsize>,
    addresses: Arc<Quota<IpAddr>>,
    people: Arc<Quota<UserId>>,
}

/// An open connection, as a request extension and in its WebSocket. It is counted until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Whether it is encrypted, so that no proxy has to say so.
    pub is_encrypted: bool,
    has_many_requests: bool,
    slot: Arc<Slot>,
}

#[derive(Debug)]
struct Slot {
    open_count: Arc<AtomicUsize>,
    is_reserved: bool,
    _address: Option<Permit<IpAddr>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open_count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// The same connection, which is encrypted.
    #[must_use]
    pub fn encrypted(self) -> Self {
        Self { is_encrypted: true, ..self }
    }

    /// The same connection, which may have many requests under way: each counts as one of its address.
    #[must_use]
    pub fn with_many_requests(self) -> Self {
        Self { has_many_requests: true, ..self }
    }

    /// Whether so many connections are open that this one only serves the health check and signed-in people.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.slot.is_reserved
    }
}

impl Admissions {
    /// No connections, with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            open_count: Arc::default(),
            addresses: Quota::new(limits.max_per_address),
            people: Quota::new(limits.max_per_person),
        }
    }

    /// Number of open connections.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.open_count.load(Ordering::Relaxed)
    }

    /// Admits a connection from `peer`; `None` if too many are open. A trusted proxy's address is not counted: those that
    /// it forwards are, with each request.
    #[must_use]
    pub fn connection(&self, peer: SocketAddr, is_proxy: bool) -> Option<Connection> {
        let open_count = self.open_count.fetch_add(1, Ordering::Relaxed) + 1;
        let unreserved = self.limits.max_connections.saturating_sub(self.limits.reserved_connections);
        let mut slot =
            Slot { open_count: self.open_count.clone(), is_reserved: open_count > unreserved, _address: None };
        if open_count > self.limits.max_connections {
            return None;
        }
        if !is_proxy {
            slot._address = Some(self.addresses.take(network(peer.ip()))?);
        }
        Some(Connection { peer, is_encrypted: false, has_many_requests: false, slot: Arc::new(slot) })
    }

    /// Admits a request.
    ///
    /// # Errors
    /// `Unavailable` if too many of an address are under way that a proxy forwarded, or that sends many on a connection.
    pub fn request(&self, forwarded: &Forwarded, connection: Option<Connection>) -> AppResult<Arc<Admission>> {
        let has_many_requests = connection.as_ref().is_some_and(|connection| connection.has_many_requests);
        let address = if forwarded.is_proxied || has_many_requests {
            let permit = self.addresses.take(network(forwarded.address));
            Some(permit.ok_or_else(|| too_many("from your network"))?)
        } else {
            None
        };
        Ok(Arc::new(Admission {
            people: self.people.clone(),
            person: Mutex::default(),
            address,
            _connection: connection,
        }))
    }
}

/// A request under way, as a request extension: until its response is sent, or its WebSocket is closed.
#[derive(Debug)]
pub struct Admission {
    people: Arc<Quota<UserId>>,
    person: Mutex<Option<Permit<UserId>>>,
    address: Option<Permit<IpAddr>>,
    _connection: Option<Connection>,
}

impl Admission {
    /// Counts the request as one of this user.
    ///
    /// # Errors
    /// `Unavailable` if too many of theirs are under way.
    pub fn claim(&self, user_id: UserId) -> AppResult<()> {
        let mut person = self.person.lock().unwrap_or_else(PoisonError::into_inner);
        if person.is_none() {
            *person = Some(self.people.take(user_id).ok_or_else(|| too_many("of yours"))?);
        }
        Ok(())
    }

    /// Does not count the request as one of a user any more: it became a WebSocket.
    pub fn release_person(&self) {
        self.person.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A body that holds the admission until its last byte is sent, not only produced.
    pub fn hold(self: Arc<Self>, body: Body) -> Body {
        let is_person = self.person.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let is_counted = is_person || self.address.is_some();
        if is_counted && !body.is_end_stream() { Body::new(HeldBody { body, admission: self }) } else { body }
    }
}

fn too_many(whose: &str) -> AppError {
    AppError::Unavailable(format!(
        "Too many requests {whose} are under way. Close some tabs, or try again in a moment."
    ))
}

struct HeldBody {
    body: Body,
    admission: Arc<Admission>,
}

/// Bytes of a response. They are dropped when they are written to the connection, or the connection ends.
struct HeldBytes {
    bytes: Bytes,
    _admission: Arc<Admission>,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let hold = |bytes| Bytes::from_owner(HeldBytes { bytes, _admission: self.admission.clone() });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(hold))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn connections_are_counted_by_address_and_by_ipv6_network() {
        let admissions = Admissions::new(Limits { max_per_address: 2, ..Limits::default() });
        let admit = |address: &str| admissions.connection(peer(address), false);
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("192.0.2.1").unwrap();
        assert!(admit("192.0.2.1").is_none());
        let _other = admit("192.0.2.2").unwrap();
        let of_request = first.clone();
        drop(first);
        assert!(admit("192.0.2.1").is_none(), "a request or socket holds its connection");
        drop(of_request);
        let _again = admit("192.0.2.1").unwrap();
        let _network = [admit("2001:db8::1").unwrap(), admit("2001:db8::2").unwrap()];
        assert!(admit("2001:db8::3").is_none());
        assert!(admit("2001:db8:0:1::3").is_some());
        let _proxy: Vec<_> = (0..10).map(|_| admissions.connection(peer("127.0.0.1"), true).unwrap()).collect();
    }

    #[test]
    fn the_last_connections_are_reserved_and_there_are_no_more() {
        let limits = Limits { max_connections: 3, reserved_connections: 1, ..Limits::default() };
        let admissions = Admissions::new(limits);
        let admit = || admissions.connection(peer("192.0.2.1"), false);
        let first = admit().unwrap();
        let second = admit().unwrap();
        let third = admit().unwrap();
        assert_eq!([&first, &second, &third].map(Connection::is_reserved), [false, false, true]);
        assert!(admit().is_none());
        drop(second);
        assert!(admit().is_some_and(|connection| connection.is_reserved()));
        drop(first);
        assert!(admit().is_some_and(|connection| !connection.is_reserved()));
    }
}
