//! Bans: of a person, and of the public addresses they were last seen at.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::AppResult;
use crate::live::Announcement;
use crate::model::{MessageId, RoomId, Status, User, UserId};
use crate::protocol::ServerEvent;
use crate::state::AppState;
use crate::store::events::{Event, Kind};
use crate::store::{self, Db, Tx};

use super::accounts::require_administrator;
use super::people::{require_another_administrator, require_person};
use super::sessions::end_all;

/// How many messages of a banned person go in one write, so that nobody waits for it.
const REMOVED_AT_ONCE: i64 = 50;

/// The banned addresses, at hand for every request that writes. The database holds the truth.
#[derive(Clone, Debug, Default)]
pub struct Bans {
    networks: Arc<RwLock<HashSet<IpAddr>>>,
}

impl Bans {
    /// Whether nothing may be written from here.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let networks = self.networks.read().unwrap_or_else(PoisonError::into_inner);
        !networks.is_empty() && networks.contains(&network(address))
    }

    /// Takes over what the database says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn reload(&self, db: &Db) -> sqlx::Result<()> {
        let addresses = store::bans::list_addresses(db.reader()).await?;
        let networks = addresses.iter().filter_map(|address| address.parse().ok()).collect();
        *self.networks.write().unwrap_or_else(PoisonError::into_inner) = networks;
        Ok(())
    }
}

/// What counts as one visitor: an IPv4 address, or the /64 that one IPv6 customer is given to choose from.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// Whether banning an address keeps one visitor out and nobody else: a private one is everybody's in the office.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // 100.64.0.0/10 is shared by the customers of one provider, RFC 6598.
            let shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || shared)
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

/// What a ban reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The person and at least one address.
    PersonAndAddresses,
    /// The person alone: no public address of theirs is known.
    PersonAlone,
}

/// Bans a person: they are signed out everywhere for good, nothing may be written from their public addresses, and
/// everything they posted goes.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless it is about an active person, `Conflict` when nobody
/// would be left to administer.
pub async fn ban(state: &AppState, asker: &User, user_id: UserId) -> AppResult<Reach> {
    let (asker_id, now_ms) = (asker.id, state.clock.now_ms());
    let reach = state
        .db
        .write(async move |tx| {
            require_administrator(tx, asker_id).await?;
            let person = require_person(tx, user_id, Status::Active).await?;
            require_another_administrator(tx, &person).await?;
            let mut reach = Reach::PersonAlone;
            for session in store::sessions::list(tx.db(), user_id, now_ms).await? {
                if let Some(address) = session.ip_address.parse().ok().filter(|address| is_public(*address)) {
                    store::bans::insert(tx.db(), user_id, &network(address).to_string(), now_ms).await?;
                    reach = Reach::PersonAndAddresses;
                }
            }
            end_all(tx, user_id, None).await?;
            store::bans::insert_content_removal(tx.db(), user_id).await?;
            store::users::update_status(tx.db(), user_id, Status::Banned, now_ms).await?;
            Ok(reach)
        })
        .await?;
    state.bans.reload(&state.db).await?;
    // Goes on when whoever asked no longer waits; what an end of the program leaves is done after the next start.
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(error) = remove_contents(&state).await {
            tracing::warn!(%error, "what a banned person posted is not all gone and will be tried again");
        }
    });
    Ok(reach)
}

/// Lifts a ban: the person may sign in again. What they posted does not come back.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the person is banned.
pub async fn unban(state: &AppState, asker: &User, user_id: UserId) -> AppResult<()> {
    let (asker_id, now_ms) = (asker.id, state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            require_administrator(tx, asker_id).await?;
            require_person(tx, user_id, Status::Banned).await?;
            store::bans::remove_all_of(tx.db(), user_id).await?;
            Ok(store::users::update_status(tx.db(), user_id, Status::Active, now_ms).await?)
        })
        .await?;
    Ok(state.bans.reload(&state.db).await?)
}

/// Removes what banned people had posted when they were banned, in steps, everyone who sees it hearing of each.
///
/// # Errors
/// When the database does not answer; the next call takes up where this one ended.
pub async fn remove_contents(state: &AppState) -> AppResult<()> {
    for (user_id, up_to) in store::bans::list_content_removals(state.db.reader()).await? {
        let now_ms = state.clock.now_ms();
        while state.db.write(async move |tx| remove_some(tx, user_id, up_to, now_ms).await).await? {}
    }
    Ok(())
}

/// One step; answers whether there may be more.
async fn remove_some(tx: &mut Tx, user_id: UserId, up_to: MessageId, now_ms: i64) -> AppResult<bool> {
    let some: Vec<(MessageId, RoomId)> =
        store::messages::list_of_creator(tx.db(), user_id, up_to, REMOVED_AT_ONCE).await?;
    for (message_id, room_id) in &some {
        let (message_id, room_id) = (*message_id, *room_id);
        store::messages::remove(tx.db(), room_id, message_id).await?;
        let event = Event { kind: Kind::MessageRemoved, room_id, message_id: Some(message_id), user_id: None };
        let seq = store::events::append(tx.db(), event, now_ms).await?;
        let frame = ServerEvent::MessageRemoved { seq, at: now_ms, room_id, message_id };
        tx.announce(Announcement::Room { room_id, frame });
    }
    if some.is_empty() {
        store::bans::remove_content_removal(tx.db(), user_id).await?;
    }
    Ok(!some.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppError;
    use crate::store::sessions::Sighting;
    use crate::testing;

    async fn seen_at(state: &AppState, user_id: UserId, ip_address: &'static str) {
        state
            .db
            .write(async move |tx| {
                let seen = Sighting {
                    user_id,
                    ip_address: ip_address.into(),
                    user_agent: String::new(),
                    last_active_at: 1,
                    expires_at: i64::MAX,
                };
                Ok(store::sessions::insert(tx.db(), ip_address.as_bytes(), &seen).await?)
            })
            .await
            .unwrap();
    }

    #[test]
    fn only_public_addresses_are_banned() {
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

    #[tokio::test]
    async fn a_ban_takes_sessions_addresses_and_messages_and_spares_the_others() {
        let world = testing::world().await;
        let (state, ada, bob) = (&world.state, &world.ada, &world.bob);
        for number in 0..120 {
            world.post(bob, world.all_talk.id, &format!("bad {number}")).await;
        }
        world.post(ada, world.all_talk.id, "good").await;
        for address in ["203.0.113.9", "10.0.0.2", "2001:db8:1:2:3::4"] {
            seen_at(state, bob.id, address).await;
        }
        assert_eq!(ban(state, bob, ada.id).await, Err(AppError::Forbidden));
        assert_eq!(ban(state, ada, bob.id).await, Ok(Reach::PersonAndAddresses));
        remove_contents(state).await.unwrap();
        let page = store::messages::page_last(state.db.reader(), world.all_talk.id).await.unwrap();
        let shown: Vec<_> = page.messages.iter().map(|message| message.body_html.as_str()).collect();
        assert_eq!(shown, ["<p>good</p>"]);
        let banned = |address: &str| state.bans.contains(address.parse().unwrap());
        assert!(banned("203.0.113.9") && banned("::ffff:203.0.113.9") && banned("2001:db8:1:2::9"));
        assert!(!banned("10.0.0.2") && !banned("2001:db8:1:3::1"));
        assert!(store::sessions::list(state.db.reader(), bob.id, 2).await.unwrap().is_empty());

        assert_eq!(unban(state, bob, bob.id).await, Err(AppError::Forbidden));
        unban(state, ada, bob.id).await.unwrap();
        assert!(!banned("203.0.113.9"));
        assert_eq!(unban(state, ada, bob.id).await, Err(AppError::NotFound), "not banned");
        world.post(bob, world.all_talk.id, "better").await;
        remove_contents(state).await.unwrap();
        let page = store::messages::page_last(state.db.reader(), world.all_talk.id).await.unwrap();
        assert_eq!(page.messages.len(), 2, "what came after the ban stays");
    }

    #[tokio::test]
    async fn somebody_seen_at_private_addresses_only_is_banned_all_the_same() {
        let world = testing::world().await;
        seen_at(&world.state, world.bob.id, "192.168.0.7").await;
        assert_eq!(ban(&world.state, &world.ada, world.bob.id).await, Ok(Reach::PersonAlone));
        assert_eq!(store::users::find(world.state.db.reader(), world.bob.id).await.unwrap(), None);
        super::super::people::deactivate(&world.state, &world.ada, world.cleo.id).await.unwrap();
        assert_eq!(unban(&world.state, &world.ada, world.cleo.id).await, Err(AppError::NotFound), "left, not banned");
    }
}
