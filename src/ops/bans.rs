//! Bans: of a user, and of the public addresses of the user's sessions.

use crate::AppResult;
use crate::access::{Administrator, is_public, network};
use crate::facts::Fact;
use crate::model::{Status, UserId};
use crate::state::AppState;
use crate::store::{self, Tx};

use super::permissions::{require_administrator, require_another_administrator, require_person};
use super::sessions::end_all;

/// The extent of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanScope {
    /// The user and at least one address.
    PersonAndAddresses,
    /// The user alone: none of their sessions has a public address.
    PersonAlone,
}

/// Bans a user: their sessions end, writes from their public addresses are rejected, and a job removes everything they
/// posted.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is active, `Conflict` when no
/// administrator would remain.
pub async fn ban(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<BanScope> {
    let administrator = administrator.clone();
    let ban = async move |tx: &mut Tx| {
        require_administrator(tx, &administrator).await?;
        let person = require_person(tx, user_id, Status::Active).await?;
        require_another_administrator(tx, &person).await?;
        let now_ms = tx.now_ms();
        let mut scope = BanScope::PersonAlone;
        for session in store::sessions::list(tx.db(), user_id, now_ms).await? {
            if let Some(address) = session.ip_address.parse().ok().filter(|address| is_public(*address)) {
                store::bans::insert(tx.db(), user_id, &network(address).to_string(), now_ms).await?;
                scope = BanScope::PersonAndAddresses;
            }
        }
        end_all(tx, user_id, None).await?;
        store::users::update_status(tx.db(), user_id, Status::Banned, now_ms).await?;
        let up_to = store::messages::newest(tx.db()).await?;
        tx.record(Fact::UserBanned { user_id, up_to }).await?;
        Ok(scope)
    };
    let scope = state.db.write(ban).await?;
    state.bans.reload(&state.db).await?;
    Ok(scope)
}

/// Lifts a ban: the user may sign in again. Their removed messages are not restored.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is banned.
pub async fn unban(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<()> {
    let administrator = administrator.clone();
    let unban = async move |tx: &mut Tx| {
        require_administrator(tx, &administrator).await?;
        require_person(tx, user_id, Status::Banned).await?;
        store::bans::remove_all_of(tx.db(), user_id).await?;
        let now_ms = tx.now_ms();
        store::users::update_status(tx.db(), user_id, Status::Active, now_ms).await?;
        Ok(tx.record(Fact::UserUnbanned { user_id }).await?)
    };
    state.db.write(unban).await?;
    state.bans.reload(&state.db).await
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
        assert_eq!(ban(state, &as_administrator(ada), bob.id).await, Ok(BanScope::PersonAndAddresses));
        jobs::run_due(state).await.unwrap();
        let page = world.newest_page(world.all_talk.id).await;
        let shown: Vec<_> = page.messages.iter().map(|message| message.body_html.as_str()).collect();
        assert_eq!(shown, ["<p>good</p>"]);
        let banned = |address: &str| state.bans.contains(address.parse().unwrap());
        assert!(banned("203.0.113.9") && banned("::ffff:203.0.113.9") && banned("2001:db8:1:2::9"));
        assert!(!banned("10.0.0.2") && !banned("2001:db8:1:3::1"));
        assert!(store::sessions::list(state.db.reader(), bob.id, 2).await.unwrap().is_empty());

        assert_eq!(unban(state, &as_administrator(bob), bob.id).await, Err(AppError::Forbidden));
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
        assert_eq!(ban(&world.state, &as_administrator(&world.ada), world.bob.id).await, Ok(BanScope::PersonAlone));
        assert_eq!(store::users::find(world.state.db.reader(), world.bob.id).await.unwrap(), None);
        super::super::users::deactivate(&world.state, &as_administrator(&world.ada), world.cleo.id).await.unwrap();
        assert_eq!(
            unban(&world.state, &as_administrator(&world.ada), world.cleo.id).await,
            Err(AppError::NotFound),
            "deactivated, not banned"
        );
    }
}
