//! Setting up the account, and joining it.

use sqlx::SqliteConnection;

use crate::live::Announcement;
use crate::model::{EmailAddress, Password, Role, RoomKind, SidebarRoom, User, UserId, UserName};
use crate::state::AppState;
use crate::store::accounts::Account;
use crate::store::events::{Event, Kind};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// What somebody enters to become a person of the account.
#[derive(Clone, Debug)]
pub struct Registration {
    pub name: UserName,
    pub email_address: EmailAddress,
    pub password: Password,
}

/// Makes the account, its administrator and the open room "All Talk".
///
/// # Errors
/// `Conflict` when there is an account already, also when somebody else was quicker just now.
pub async fn set_up(state: &AppState, registration: Registration) -> AppResult<User> {
    let taken = || AppError::Conflict("This Campfire is set up already. Sign in instead.".into());
    if state.is_set_up().await? {
        return Err(taken());
    }
    let password_hash = state.passwords.hash(&registration.password).await?;
    let now_ms = state.clock.now_ms();
    let account = Account { name: "Campfire".into(), join_code: join_code() };
    state
        .db
        .write(async move |tx| {
            if store::accounts::find(tx.db()).await?.is_some() {
                return Err(taken());
            }
            store::accounts::insert(tx.db(), &account, now_ms).await?;
            let user = insert_user(tx.db(), &registration, &password_hash, Role::Administrator, now_ms).await?;
            let room = store::rooms::insert(tx.db(), RoomKind::Open, &"All Talk".parse()?, user.id, now_ms).await?;
            store::memberships::grant_everyone(tx.db(), room.id, now_ms).await?;
            Ok(user)
        })
        .await
}

/// Makes a member who is in every open room.
///
/// # Errors
/// `NotFound` for a wrong join code, `Conflict` when the address is taken.
pub async fn join(state: &AppState, join_code: &str, registration: Registration) -> AppResult<User> {
    require_join_code(state, join_code).await?;
    let password_hash = state.passwords.hash(&registration.password).await?;
    let now_ms = state.clock.now_ms();
    state
        .db
        .write(async move |tx| {
            let user = insert_user(tx.db(), &registration, &password_hash, Role::Member, now_ms).await?;
            let room_ids = store::memberships::grant_open_rooms(tx.db(), user.id, now_ms).await?;
            for room_id in room_ids {
                let kind = Kind::MembershipGranted;
                let event = Event { kind, room_id, message_id: None, user_id: Some(user.id) };
                store::events::append(tx.db(), event, now_ms).await?;
            }
            Ok(user)
        })
        .await
}

/// Checks a join code before any work is done for it.
///
/// # Errors
/// `NotFound` for a wrong one.
pub async fn require_join_code(state: &AppState, join_code: &str) -> AppResult<Account> {
    let account = store::accounts::find(state.db.reader()).await?;
    account.filter(|account| account.join_code == join_code).ok_or(AppError::NotFound)
}

async fn insert_user(
    db: &mut SqliteConnection,
    registration: &Registration,
    password_hash: &str,
    role: Role,
    now_ms: i64,
) -> AppResult<User> {
    let Registration { name, email_address, .. } = registration;
    match store::users::insert(db, name, email_address, password_hash, role, now_ms).await {
        Ok(id) => Ok(User { id, name: name.as_str().to_owned(), role }),
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            Err(AppError::Conflict("Someone has that e-mail address already. Sign in instead.".into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Twelve random letters and digits in three groups, some 71 bits.
fn join_code() -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut code = String::with_capacity(14);
    while code.len() < 14 {
        if matches!(code.len(), 4 | 9) {
            code.push('-');
        }
        // Bytes beyond the last whole multiple of 62 would favour the first letters.
        let letter = uuid::Uuid::new_v4().as_bytes().iter().find(|byte| **byte < 248).map(|byte| byte % 62);
        if let Some(letter) = letter {
            code.push(char::from(ALPHABET[usize::from(letter)]));
        }
    }
    code
}

/// Tells newcomers of a room that they are in it, in the write and on their screens.
pub(super) async fn announce_granted(
    tx: &mut Tx,
    room: SidebarRoom,
    user_ids: Vec<UserId>,
    now_ms: i64,
) -> AppResult<()> {
    for user_id in &user_ids {
        let kind = Kind::MembershipGranted;
        let event = Event { kind, room_id: room.id, message_id: None, user_id: Some(*user_id) };
        store::events::append(tx.db(), event, now_ms).await?;
    }
    tx.announce(Announcement::Granted { room, user_ids });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn registration(name: &str) -> Registration {
        testing::registration(name)
    }

    #[test]
    fn join_codes_are_three_groups_of_four() {
        for _ in 0..100 {
            let code = join_code();
            let groups: Vec<_> = code.split('-').collect();
            assert_eq!(groups.len(), 3, "{code}");
            assert!(groups.iter().all(|g| g.len() == 4 && g.bytes().all(|b| b.is_ascii_alphanumeric())), "{code}");
        }
        assert_ne!(join_code(), join_code());
    }

    #[tokio::test]
    async fn two_first_runs_at_once_make_one_account() {
        let state = testing::state().await;
        let (ada, bob) = tokio::join!(set_up(&state, registration("Ada")), set_up(&state, registration("Bob")));
        assert_eq!(usize::from(ada.is_ok()) + usize::from(bob.is_ok()), 1);
        assert!(
            ada.is_err_and(|e| matches!(e, AppError::Conflict(_)))
                || bob.is_err_and(|e| matches!(e, AppError::Conflict(_)))
        );
        assert_eq!(store::users::list(state.db.reader()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_new_member_is_in_every_open_room_and_no_closed_one() {
        let world = testing::world().await;
        world.open_closed_room("Secret", &[]).await;
        let account = store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        let dora = join(&world.state, &account.join_code, registration("Dora")).await.unwrap();
        assert_eq!(dora.role, Role::Member);
        let rooms = store::memberships::list_rooms(world.state.db.reader(), dora.id).await.unwrap();
        assert_eq!(rooms, [world.all_talk.id]);
    }

    #[tokio::test]
    async fn a_wrong_code_or_a_taken_address_makes_nobody() {
        let world = testing::world().await;
        let account = store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        assert_eq!(join(&world.state, "wrong", registration("Dora")).await, Err(AppError::NotFound));
        let taken = join(&world.state, &account.join_code, registration("ADA")).await;
        assert!(matches!(taken, Err(AppError::Conflict(_))));
        assert_eq!(store::users::list(world.state.db.reader()).await.unwrap().len(), 3);
    }
}
