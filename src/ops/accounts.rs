//! Setting up the account, joining it, and what its administrators decide for everyone.

use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use crate::live::Announcement;
use crate::model::{
    Account, AccountName, CustomStyles, EmailAddress, Password, Role, RoomKind, SidebarRoom, User, UserId, UserName,
};
use crate::protocol::ServerEvent;
use crate::state::AppState;
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
    let join_code = join_code();
    state
        .db
        .write(async move |tx| {
            if store::accounts::find(tx.db()).await?.is_some() {
                return Err(taken());
            }
            store::accounts::insert(tx.db(), "Campfire", &join_code, now_ms).await?;
            let user = insert_user(tx.db(), &registration, &password_hash, Role::Administrator, now_ms).await?;
            let room = store::rooms::insert(tx.db(), RoomKind::Open, &"All Talk".parse()?, user.id, now_ms).await?;
            store::memberships::grant_everyone(tx.db(), room.id, now_ms).await?;
            Ok(user)
        })
        .await
}

/// Gives the account another name.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn rename(state: &AppState, user: &User, name: AccountName) -> AppResult<()> {
    let now_ms = state.clock.now_ms();
    change(state, user, async move |tx| Ok(store::accounts::update_name(tx.db(), &name, now_ms).await?)).await
}

/// Says whether only administrators make rooms.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn restrict_room_creation(state: &AppState, user: &User, restricted: bool) -> AppResult<()> {
    let now_ms = state.clock.now_ms();
    change(state, user, async move |tx| Ok(store::accounts::update_restriction(tx.db(), restricted, now_ms).await?))
        .await
}

/// Makes a new join link; the old one stops working at once.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn renew_join_code(state: &AppState, user: &User) -> AppResult<()> {
    let (join_code, now_ms) = (join_code(), state.clock.now_ms());
    change(state, user, async move |tx| Ok(store::accounts::update_join_code(tx.db(), &join_code, now_ms).await?)).await
}

/// Gives every page the account's own CSS.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn set_custom_styles(state: &AppState, user: &User, styles: CustomStyles) -> AppResult<()> {
    let (digest, now_ms) = (styles_digest(&styles), state.clock.now_ms());
    change(state, user, async move |tx| {
        Ok(store::accounts::update_custom_styles(tx.db(), &styles, &digest, now_ms).await?)
    })
    .await
}

/// One change of the account by an administrator; every open page hears of it.
async fn change<F>(state: &AppState, user: &User, write: F) -> AppResult<()>
where
    F: AsyncFnOnce(&mut Tx) -> AppResult<()> + Send + 'static,
{
    let user_id = user.id;
    let account = state
        .db
        .write(async move |tx| {
            require_administrator(tx, user_id).await?;
            write(tx).await?;
            let account = store::accounts::find(tx.db()).await?.ok_or(AppError::NotFound)?;
            tx.announce(Announcement::Everyone { frame: ServerEvent::Account { account: account.clone() } });
            Ok(account)
        })
        .await?;
    state.set_custom_styles_digest(&account.custom_styles_digest);
    Ok(())
}

/// Checks inside a write that whoever asks still is an active administrator.
///
/// # Errors
/// `Forbidden` if not.
pub(super) async fn require_administrator(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    let found = store::users::find(tx.db(), user_id).await?;
    found.filter(|user| user.role == Role::Administrator).map(drop).ok_or(AppError::Forbidden)
}

fn styles_digest(styles: &CustomStyles) -> String {
    if styles.as_str().is_empty() {
        return String::new();
    }
    let digest = Sha256::digest(styles.as_str());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a member who is in every open room.
///
/// # Errors
/// `NotFound` for a wrong join code, `Conflict` when the address is taken.
pub async fn join(state: &AppState, join_code: &str, registration: Registration) -> AppResult<User> {
    require_join_code(state, join_code).await?;
    let join_code = join_code.to_owned();
    let password_hash = state.passwords.hash(&registration.password).await?;
    let now_ms = state.clock.now_ms();
    state
        .db
        .write(async move |tx| {
            // The link may have been renewed while the password was hashed.
            let account = store::accounts::find(tx.db()).await?;
            account.filter(|account| account.join_code == join_code).ok_or(AppError::NotFound)?;
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
        assert_eq!(rooms, [(world.all_talk.id, RoomKind::Open)]);
    }

    #[tokio::test]
    async fn administrators_change_the_account_and_nobody_else() {
        let world = testing::world().await;
        let account = async || store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        let before = account().await;
        let state = &world.state;
        // What the caller believes of itself is not asked.
        let pretender = User { role: Role::Administrator, ..world.bob.clone() };
        assert_eq!(rename(state, &pretender, "Mine".parse().unwrap()).await, Err(AppError::Forbidden));
        assert_eq!(restrict_room_creation(state, &pretender, true).await, Err(AppError::Forbidden));
        assert_eq!(renew_join_code(state, &pretender).await, Err(AppError::Forbidden));
        assert_eq!(set_custom_styles(state, &pretender, "b{}".parse().unwrap()).await, Err(AppError::Forbidden));
        assert_eq!(account().await, before);

        rename(state, &world.ada, "Fire".parse().unwrap()).await.unwrap();
        restrict_room_creation(state, &world.ada, true).await.unwrap();
        renew_join_code(state, &world.ada).await.unwrap();
        set_custom_styles(state, &world.ada, "b{}".parse().unwrap()).await.unwrap();
        let after = account().await;
        assert_eq!((after.name.as_str(), after.room_creation_restricted), ("Fire", true));
        assert_eq!(after.custom_styles_digest.len(), 16);
        assert_eq!(*state.custom_styles_digest(), *after.custom_styles_digest);
        assert_eq!(join(state, &before.join_code, registration("Dora")).await, Err(AppError::NotFound));
        assert!(join(state, &after.join_code, registration("Dora")).await.is_ok());
        set_custom_styles(state, &world.ada, CustomStyles::default()).await.unwrap();
        assert_eq!(&*state.custom_styles_digest(), "");
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
