//! Bans: of a user, and of the public networks that they used lately and nobody else did.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::AppResult;
use crate::access::{Administrator, is_public, masked, network};
use crate::facts::Fact;
use crate::model::{Status, User, UserId, UserName};
use crate::names;
use crate::state::AppState;
use crate::store::{self, Tx};

use super::permissions::{require_another_administrator, require_person, write_as};
use super::sessions::end_all;

/// How long the networks that users wrote from are kept, in milliseconds: 30 days. What is older is not banned, and does
/// not spare a network.
pub const NETWORK_RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// The extent of a ban: how many networks were banned with the user, and how many were spared, because another active
/// user used them lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BanScope {
    /// Nobody can sign in or join from these.
    pub banned_count: usize,
    /// These are shared with others.
    pub spared_count: usize,
}

/// Bans a user: their sessions and what they wrote to be sent later end, nobody can sign in or join from the public networks that only they used lately, and
/// a job removes everything they posted.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is active, `Conflict` when no
/// administrator would remain.
pub async fn ban(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<BanScope> {
    let ban = async move |tx: &mut Tx, _: User| {
        let person = require_person(tx, user_id, Status::Active).await?;
        require_another_administrator(tx, &person).await?;
        let now_ms = tx.now_ms();
        let networks = networks_of(tx, user_id).await?;
        let shared = networks_of_others(tx, user_id, &networks).await?;
        for banned in networks.difference(&shared) {
            store::bans::insert(tx.db(), user_id, &banned.to_string(), now_ms).await?;
        }
        end_all(tx, user_id, None).await?;
        store::scheduled::remove_all(tx.db(), user_id).await?;
        store::users::update_status(tx.db(), user_id, Status::Banned, now_ms).await?;
        let up_to = store::messages::newest(tx.db()).await?;
        tx.record(Fact::UserBanned { user_id, up_to }).await?;
        Ok((networks, shared))
    };
    let (networks, shared) = write_as(state, administrator, ban).await?;
    state.bans.reload(&state.db).await?;
    let banned: Vec<_> = networks.difference(&shared).map(|address| masked(*address)).collect();
    let scope = BanScope { banned_count: banned.len(), spared_count: shared.len() };
    let by = administrator.user().id;
    tracing::warn!(user.id = %user_id, %by, networks = ?banned, spared_count = scope.spared_count, "banned a user");
    Ok(scope)
}

/// The public networks that the user was active or wrote from lately.
async fn networks_of(tx: &mut Tx, user_id: UserId) -> AppResult<BTreeSet<IpAddr>> {
    let now_ms = tx.now_ms();
    let sessions = store::sessions::list(tx.db(), user_id, now_ms).await?;
    let noted = store::networks::list(tx.db(), user_id, now_ms - NETWORK_RETENTION_MS).await?;
    let addresses = sessions.into_iter().map(|session| session.ip_address).chain(noted);
    let addresses = addresses.filter_map(|address| address.parse().ok());
    Ok(addresses.filter(|address| is_public(*address)).map(network).collect())
}

/// Those of the networks that another active user was active or wrote from lately.
async fn networks_of_others(tx: &mut Tx, user_id: UserId, networks: &BTreeSet<IpAddr>) -> AppResult<BTreeSet<IpAddr>> {
    let since_ms = tx.now_ms() - NETWORK_RETENTION_MS;
    let of_sessions = store::sessions::list_addresses_of_others(tx.db(), user_id, since_ms).await?;
    let of_sessions: BTreeSet<IpAddr> =
        of_sessions.iter().filter_map(|address| address.parse().ok()).map(network).collect();
    let mut shared = BTreeSet::new();
    for address in networks {
        let is_shared = of_sessions.contains(address)
            || store::networks::is_used_by_another(tx.db(), user_id, &address.to_string(), since_ms).await?;
        if is_shared {
            shared.insert(*address);
        }
    }
    Ok(shared)
}

/// Lifts a ban: the user may sign in again, and becomes a member of the open rooms that were made meanwhile. Their
/// removed messages are not restored.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is banned.
pub async fn unban(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<()> {
    let unban = async move |tx: &mut Tx, _: User| {
        let person = require_person(tx, user_id, Status::Banned).await?;
        store::bans::remove_all_of(tx.db(), user_id).await?;
        let now_ms = tx.now_ms();
        store::users::update_status(tx.db(), user_id, Status::Active, now_ms).await?;
        // Somebody may have taken the name meanwhile.
        names::store(tx, user_id, &UserName::stored(person.name)).await?;
        let room_ids = store::memberships::grant_open_rooms(tx.db(), user_id, now_ms).await?;
        Ok(tx.record(Fact::UserUnbanned { user_id, room_ids }).await?)
    };
    write_as(state, administrator, unban).await?;
    state.bans.reload(&state.db).await?;
    tracing::warn!(user.id = %user_id, by = %administrator.user().id, "lifted the ban of a user");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppError;
    use crate::store::sessions::SessionActivity;
    use crate::testing::as_administrator;
    use crate::{jobs, testing};

    async fn insert_session(state: &AppState, user_id: UserId, ip_address: &'static str) {
        state
            .db
            .write(async move |tx| {
                let activity = SessionActivity {
                    user_id,
                    ip_address: ip_address.into(),
                    user_agent: String::new(),
                    last_active_at: 1,
                    expires_at: i64::MAX,
                };
                Ok(store::sessions::insert(tx.db(), ip_address.as_bytes(), &activity).await?)
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_ban_ends_sessions_bans_addresses_and_removes_messages_of_that_user_only() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        for number in 0..120 {
            world.post(bob, world.all_talk.id, &format!("bad {number}")).await;
        }
        world.post(ada, world.all_talk.id, "good").await;
        for address in ["203.0.113.9", "10.0.0.2", "2001:db8:1:2:3::4"] {
            insert_session(state, bob.id, address).await;
        }
        assert_eq!(ban(state, &as_administrator(bob), ada.id).await, Err(AppError::Forbidden));
        assert_eq!(ban(state, &as_administrator(ada), bob.id).await, Ok(BanScope { banned_count: 2, spared_count: 0 }));
        jobs::run_due(state).await.unwrap();
        let page = world.newest_page(world.all_talk.id).await;
        let shown: Vec<_> = page.messages.iter().map(|message| message.body_html.as_str()).collect();
        assert_eq!(shown, ["<p>good</p>"]);
        let banned = |address: &str| state.bans.contains(address.parse().unwrap());
        assert!(banned("203.0.113.9") && banned("::ffff:203.0.113.9") && banned("2001:db8:1:2::9"));
        assert!(!banned("10.0.0.2") && !banned("2001:db8:1:3::1"));
        assert!(store::sessions::list(state.db.reader(), bob.id, 2).await.unwrap().is_empty());

        assert_eq!(unban(state, &as_administrator(bob), bob.id).await, Err(AppError::SignedOut));
        assert_eq!(unban(state, &as_administrator(&world.cleo), bob.id).await, Err(AppError::Forbidden));
        unban(state, &as_administrator(ada), bob.id).await.unwrap();
        assert!(!banned("203.0.113.9"));
        assert_eq!(unban(state, &as_administrator(ada), bob.id).await, Err(AppError::NotFound), "not banned");
        world.post(bob, world.all_talk.id, "better").await;
        jobs::run_due(state).await.unwrap();
        let page = world.newest_page(world.all_talk.id).await;
        assert_eq!(page.messages.len(), 2, "messages after the ban are kept");
    }

    #[tokio::test]
    async fn a_user_without_a_public_address_is_banned_without_addresses() {
        let world = testing::world().await;
        insert_session(&world.state, world.bob.id, "192.168.0.7").await;
        assert_eq!(ban(&world.state, &as_administrator(&world.ada), world.bob.id).await, Ok(BanScope::default()));
        assert_eq!(store::users::find(world.state.db.reader(), world.bob.id).await.unwrap(), None);
        super::super::users::deactivate(&world.state, &as_administrator(&world.ada), world.cleo.id).await.unwrap();
        assert_eq!(
            unban(&world.state, &as_administrator(&world.ada), world.cleo.id).await,
            Err(AppError::NotFound),
            "deactivated, not banned"
        );
    }

    #[tokio::test]
    async fn a_network_that_another_active_user_used_lately_is_spared() {
        let world = testing::world().await;
        let state = &world.state;
        let (ada, bob, cleo) = (&world.ada, &world.bob, &world.cleo);
        let now_ms = state.clock.now_ms();
        insert_session(state, bob.id, "203.0.113.9").await;
        insert_session(state, bob.id, "2001:db8:1:2::1").await;
        let written = async |user_id: UserId, address: &'static str| {
            let current =
                crate::access::CurrentUser { session_id: crate::model::SessionId(1), ..testing::current(ada) };
            let current = crate::access::CurrentUser { user: User { id: user_id, ..current.user.clone() }, ..current };
            crate::ops::sessions::note_network(state, &current, address.parse().unwrap()).await.unwrap();
        };
        // Bob wrote from here last, and has signed out since.
        written(bob.id, "198.51.100.7").await;
        written(cleo.id, "2001:db8:1:2:ffff::").await;
        let shared = async move |tx: &mut Tx| {
            let moved = "UPDATE sessions SET ip_address = '203.0.113.9', last_active_at = $1 WHERE user_id = 1";
            Ok(sqlx::query(moved).bind(now_ms).execute(tx.db()).await.map(drop)?)
        };
        state.db.write(shared).await.unwrap();
        let scope = ban(state, &as_administrator(ada), bob.id).await;
        assert_eq!(scope, Ok(BanScope { banned_count: 1, spared_count: 2 }));
        let banned = |address: &str| state.bans.contains(address.parse().unwrap());
        assert!(banned("198.51.100.7"));
        assert!(!banned("203.0.113.9") && !banned("2001:db8:1:2::1"));

        unban(state, &as_administrator(ada), bob.id).await.unwrap();
        state.clock.advance(NETWORK_RETENTION_MS + 1);
        insert_session(state, bob.id, "2001:db8:1:2::7").await;
        let scope = ban(state, &as_administrator(ada), bob.id).await;
        assert_eq!(scope, Ok(BanScope { banned_count: 1, spared_count: 0 }), "the others were there long ago");
    }

    #[tokio::test]
    async fn an_unbanned_user_is_in_the_open_rooms_made_meanwhile() {
        let world = testing::world().await;
        let state = &world.state;
        let (ada, bob) = (&world.ada, &world.bob);
        ban(state, &as_administrator(ada), bob.id).await.unwrap();
        let everyone = crate::ops::rooms::Audience::Everyone;
        let room = crate::ops::rooms::open(state, ada, "Meanwhile".parse().unwrap(), everyone).await.unwrap();
        let closed = world.open_closed_room("Closed", &[]).await;
        crate::ops::accounts::join(
            state,
            &crate::ops::accounts::find(state).await.unwrap().unwrap().join_code,
            testing::registration_at("bob", "other@example.com"),
        )
        .await
        .unwrap();
        unban(state, &as_administrator(ada), bob.id).await.unwrap();
        let rooms = store::memberships::list_rooms(state.db.reader(), bob.id).await.unwrap();
        assert!(rooms.iter().any(|(room_id, _)| *room_id == room.id));
        assert!(!rooms.iter().any(|(room_id, _)| *room_id == closed.id));
        let name = store::users::find(state.db.reader(), bob.id).await.unwrap().unwrap().name;
        assert_eq!(name, "Bob (2)", "somebody has the name now");
    }
}
