//! Banned addresses, held in memory.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::AppResult;
use crate::store::{self, Db};

/// The banned addresses, from which nobody can sign in or join. Checked for every such request, and therefore a copy in
/// memory of the rows in the database.
#[derive(Clone, Debug, Default)]
pub struct Bans {
    networks: Arc<RwLock<HashSet<IpAddr>>>,
    /// Held while the rows are read and put in place, so that an older reading does not replace a newer one.
    reloading: Arc<tokio::sync::Mutex<()>>,
}

impl Bans {
    /// Whether nobody can sign in or join from this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let networks = self.networks.read().unwrap_or_else(PoisonError::into_inner);
        !networks.is_empty() && networks.contains(&network(address))
    }

    /// Reads the banned addresses from the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(db: &Db) -> sqlx::Result<Self> {
        Ok(Self { networks: Arc::new(RwLock::new(networks(db).await?)), reloading: Arc::default() })
    }

    /// Replaces the banned addresses by those in the database, after a ban was added or removed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reload(&self, db: &Db) -> AppResult<()> {
        let _reloading = self.reloading.lock().await;
        let networks = networks(db).await?;
        *self.networks.write().unwrap_or_else(PoisonError::into_inner) = networks;
        Ok(())
    }
}

async fn networks(db: &Db) -> sqlx::Result<HashSet<IpAddr>> {
    let addresses = store::bans::list_addresses(db.reader()).await?;
    Ok(addresses.iter().filter_map(|address| address.parse().ok()).collect())
}

/// The network to ban or to limit as one visitor: an IPv4 address, or the /64 of an IPv6 address, from which a single
/// customer can choose addresses at will.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// Whether an address is public. Others are not banned: a private address can be that of a reverse proxy or of a whole
/// office.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // 100.64.0.0/10 is shared by the customers of a provider (carrier-grade NAT, RFC 6598).
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || is_shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_shared_and_local_addresses_are_not_public() {
        let public = |address: &str| is_public(address.parse().unwrap());
        for address in ["203.0.113.9", "2001:db8::1", "::ffff:203.0.113.9", "100.128.0.1"] {
            assert!(public(address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.2",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "0.0.0.0",
        ] {
            assert!(!public(address), "{address}");
        }
    }
}
