//! Limits of time and number for connections, so that none of them costs the others their service.

use std::time::Duration;

/// The limits of a site. [`Limits::default`] are those of the product; tests use smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the head of a request may take to arrive, from the connection or the previous response on: its first
    /// byte included, so it is also how long a connection may be idle.
    pub head_timeout: Duration,
    /// The same for a connection that uses a reserved descriptor.
    pub reserved_head_timeout: Duration,
    /// How long a body may take to arrive, of whatever size.
    pub body_timeout: Duration,
    /// How long a body may take to arrive in addition to what its size takes at `body_bytes_per_second`.
    pub body_grace: Duration,
    /// The least rate at which a body must arrive on average, in bytes per second.
    pub body_bytes_per_second: u32,
    /// How long a client may accept nothing of a response.
    pub write_timeout: Duration,
    /// Maximum number of open connections, WebSockets included.
    pub max_connections: usize,
    /// How many of them only serve the health check and signed-in people.
    pub reserved_connections: usize,
    /// Maximum number of connections of one IPv4 address or IPv6 /64. Of an address that a trusted proxy forwards, it is
    /// the maximum number of requests under way and sockets.
    pub max_per_address: usize,
    /// Maximum number of requests of one user under way, until their responses are sent. Sockets are counted elsewhere.
    pub max_per_person: usize,
}

/// Number of descriptors that are left for the database, the log and the runtime.
const OTHER_DESCRIPTORS: usize = 64;

/// Maximum number of descriptors reserved for the health check and signed-in people.
const MAX_RESERVED: usize = 1_024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(15),
            reserved_head_timeout: Duration::from_secs(3),
            body_timeout: Duration::from_secs(120),
            body_grace: Duration::from_secs(10),
            body_bytes_per_second: 1_024,
            write_timeout: Duration::from_secs(30),
            max_connections: usize::MAX,
            reserved_connections: 0,
            max_per_address: 1_024,
            max_per_person: 64,
        }
    }
}

impl Limits {
    /// The limits of a request whose body has files: it may take an hour, but arrives at 16 KiB a second.
    #[must_use]
    pub fn of_files(self) -> Self {
        Self { body_timeout: self.body_timeout * 30, body_bytes_per_second: self.body_bytes_per_second * 16, ..self }
    }

    /// The limits for a process that may open this many files: an eighth of the connections is reserved.
    #[must_use]
    pub fn with_descriptors(self, descriptor_count: usize) -> Self {
        let max_connections = descriptor_count.saturating_sub(OTHER_DESCRIPTORS).max(1);
        Self { max_connections, reserved_connections: (max_connections / 8).min(MAX_RESERVED), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_left_for_the_database_and_for_signed_in_people() {
        let of = |count| {
            let limits = Limits::default().with_descriptors(count);
            (limits.max_connections, limits.reserved_connections)
        };
        assert_eq!(of(1_024), (960, 120));
        assert_eq!(of(20_000), (19_936, 1_024));
        assert_eq!(of(10), (1, 0));
    }
}
