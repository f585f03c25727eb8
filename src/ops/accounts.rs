//! Setting up the account, joining it, and changing its settings.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::access::{Administrator, Guess, HashFor, network};
use crate::facts::Fact;
use crate::model::{
    Account, AccountName, CustomStyles, EmailAddress, Password, Role, RoomKind, User, UserId, UserName, hex,
};
use crate::state::AppState;
use crate::store::placeholders::Placeholder;
use crate::store::{self, Tx};
use crate::{AppError, AppResult, names};

use super::permissions::{Exempt, write_as, write_exempt};
use super::sessions::{SignIn, email_digest};

/// The form with which a user registers.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The user's name.
    pub name: UserName,
    /// The address to sign in with, unique without regard to case.
    pub email_address: EmailAddress,
    /// The password to sign in with.
    pub password: Password,
    /// The address that the form came from.
    pub from: IpAddr,
}

/// Creates the account, its administrator and the open room "All Talk".
///
/// # Errors
/// `Conflict` when there is an account already, including one that a concurrent call created.
pub async fn set_up(state: &AppState, registration: Registration) -> AppResult<SignIn> {
    let taken = || AppError::Conflict("This Campfire is set up already. Sign in instead.".into());
    if state.is_set_up().await? {
        return Err(taken());
    }
    let password_hash = hash(state, &registration).await?;
    let join_code = join_code();
    let set_up = async move |tx: &mut Tx| {
        if store::accounts::find(tx.db()).await?.is_some() {
            return Err(taken());
        }
        let now_ms = tx.now_ms();
        store::accounts::insert(tx.db(), "Campfire", &join_code, now_ms).await?;
        let sign_in = insert_user(tx, &registration, password_hash, Role::Administrator).await?;
        let room = store::rooms::insert(tx.db(), RoomKind::Open, &"All Talk".parse()?, sign_in.user.id, now_ms).await?;
        store::memberships::grant_everyone(tx.db(), room.id, now_ms).await?;
        tx.record(Fact::AccountSetUp).await?;
        Ok(sign_in)
    };
    write_exempt(state, Exempt::NobodyIsSignedIn, set_up).await
}

/// The account; `None` before it is set up.
///
/// # Errors
/// When the database does not answer.
pub async fn find(state: &AppState) -> AppResult<Option<Account>> {
    Ok(store::accounts::find(state.db.reader()).await?)
}

/// The account's custom styles; empty without any.
///
/// # Errors
/// When the database does not answer.
pub async fn custom_styles(state: &AppState) -> AppResult<String> {
    Ok(store::accounts::custom_styles(state.db.reader()).await?)
}

/// The custom styles served under this path. The digest is read from the database, because open pages are notified of
/// new styles before the digest in memory is replaced.
///
/// # Errors
/// `NotFound` when the account has other styles now.
pub async fn custom_styles_at(state: &AppState, path: &str) -> AppResult<String> {
    let account = find(state).await?.ok_or(AppError::NotFound)?;
    if account.custom_styles_path() != path {
        return Err(AppError::NotFound);
    }
    custom_styles(state).await
}

/// Name and e-mail address of the administrator that pages before signing in name as the contact for help; `None` unless
/// an administrator has turned that on.
///
/// # Errors
/// When the database does not answer.
pub async fn help_contact(state: &AppState) -> AppResult<Option<(String, String)>> {
    if !is_help_shown(state).await? {
        return Ok(None);
    }
    Ok(store::users::first_administrator(state.db.reader()).await?)
}

/// Whether pages before signing in name an administrator to write to.
///
/// # Errors
/// When the database does not answer.
pub async fn is_help_shown(state: &AppState) -> AppResult<bool> {
    Ok(store::accounts::is_help_shown(state.db.reader()).await?)
}

/// Stores whether pages before signing in name an administrator to write to.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn show_help(state: &AppState, administrator: &Administrator, shown: bool) -> AppResult<()> {
    let show = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_help_shown(tx.db(), shown, now_ms).await?)
    };
    change(state, administrator, show).await
}

/// Stores whether previews of links are made.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn preview_links(state: &AppState, administrator: &Administrator, wanted: bool) -> AppResult<()> {
    let set = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::previews::update_wanted(tx.db(), wanted, now_ms).await?)
    };
    change(state, administrator, set).await
}

/// Renames the account.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn rename(state: &AppState, administrator: &Administrator, name: AccountName) -> AppResult<()> {
    let rename = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_name(tx.db(), &name, now_ms).await?)
    };
    change(state, administrator, rename).await
}

/// Stores whether only administrators may create rooms.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn restrict_room_creation(
    state: &AppState,
    administrator: &Administrator,
    restricted: bool,
) -> AppResult<()> {
    let restrict = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_restriction(tx.db(), restricted, now_ms).await?)
    };
    change(state, administrator, restrict).await
}

/// Replaces the join code; the old join link stops working at once.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn renew_join_code(state: &AppState, administrator: &Administrator) -> AppResult<()> {
    let join_code = join_code();
    let renew = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_join_code(tx.db(), &join_code, now_ms).await?)
    };
    change(state, administrator, renew).await
}

/// Replaces the account's custom styles, which every page links to.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn set_custom_styles(state: &AppState, administrator: &Administrator, styles: CustomStyles) -> AppResult<()> {
    let digest = styles_digest(&styles);
    let set = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_custom_styles(tx.db(), &styles, &digest, now_ms).await?)
    };
    change(state, administrator, set).await
}

/// Runs a write that changes the account, after a check that an administrator asks for it.
pub(super) async fn change<F>(state: &AppState, administrator: &Administrator, write: F) -> AppResult<()>
where
    F: AsyncFnOnce(&mut Tx) -> AppResult<()> + Send + 'static,
{
    let change = async move |tx: &mut Tx, _: User| {
        write(tx).await?;
        let account = store::accounts::find(tx.db()).await?.ok_or(AppError::NotFound)?;
        tx.record(Fact::AccountChanged(account.clone())).await?;
        Ok(account)
    };
    let account = write_as(state, administrator, change).await?;
    state.note_account(&account);
    Ok(())
}

fn styles_digest(styles: &CustomStyles) -> String {
    if styles.as_str().is_empty() {
        return String::new();
    }
    let digest = Sha256::digest(styles.as_str());
    hex(&digest[..8])
}

/// Registers a user as a member of the account and of every open room.
///
/// The e-mail address is checked before the password is hashed, which is expensive.
///
/// # Placeholders
/// An import makes users who have not joined yet. Who joins with the e-mail address of one becomes that user, with the
/// messages, rooms and mentions that were imported; the name is the one that is given now.
///
/// Nothing proves that an address is theirs: no mail is sent, and the join link is the only proof of anything. It is
/// trusted as far as it goes: everybody who has it may read all open rooms anyway, and choose any name. So whoever comes
/// first with an address becomes the user that has only open rooms, and may edit and remove the messages that were imported
/// as theirs; rooms that were imported belong to an administrator. A user with a closed or direct room is another
/// matter: the address alone would open conversations to everybody with the link. Those users do not join; the operator
/// gives them a password (`campfire reset-password`). Nobody becomes an administrator by an address.
///
/// # Errors
/// `NotFound` for a wrong join code, `Conflict` when the address is taken, `Invalid` for one that cannot be claimed and for
/// a very common password, `TooManyTries` after too many failures or new accounts from this network.
pub async fn join(state: &AppState, join_code: &str, registration: Registration) -> AppResult<SignIn> {
    require_join_code(state, join_code, registration.from).await?;
    if let Some(reason) = why_kept(state, &registration.email_address).await? {
        state.guesses.failed(Guess::JoinFrom(registration.from));
        return Err(reason);
    }
    state.joins.take((email_digest(join_code), network(registration.from)))?;
    let join_code = join_code.to_owned();
    let password_hash = hash(state, &registration).await?;
    let join = async move |tx: &mut Tx| {
        // The link may have been renewed while the password was hashed.
        let account = store::accounts::find(tx.db()).await?;
        account.filter(|account| account.join_code == join_code).ok_or(AppError::NotFound)?;
        let now_ms = tx.now_ms();
        // Read again: somebody else may have joined with the address, or become a member of a closed room.
        let placeholder = match store::placeholders::find(tx.db(), registration.email_address.as_str()).await? {
            Some(placeholder) => Some(free(placeholder)?),
            None => None,
        };
        let sign_in = match placeholder {
            Some(user_id) => claim(tx, user_id, &registration, &password_hash).await?,
            None => insert_user(tx, &registration, password_hash, Role::Member).await?,
        };
        let user_id = sign_in.user.id;
        let room_ids = store::memberships::grant_open_rooms(tx.db(), user_id, now_ms).await?;
        tx.record(Fact::UserJoined { user_id, room_ids }).await?;
        Ok(sign_in)
    };
    write_exempt(state, Exempt::NobodyIsSignedIn, join).await
}

/// Why nobody can join with this address: somebody has it, or a placeholder that may not be claimed.
async fn why_kept(state: &AppState, email_address: &EmailAddress) -> AppResult<Option<AppError>> {
    let reader = state.db.reader();
    Ok(match store::placeholders::find(reader, email_address.as_str()).await? {
        Some(placeholder) => free(placeholder).err(),
        None => store::users::is_email_taken(reader, email_address.as_str()).await?.then(email_taken),
    })
}

/// The user that a placeholder is, if an address is enough to become it.
fn free(placeholder: Placeholder) -> AppResult<UserId> {
    if placeholder.has_private_rooms {
        return Err(AppError::invalid(
            "email_address",
            "Private rooms wait for whoever has this address. Ask an administrator for your password, then sign in.",
        ));
    }
    Ok(placeholder.user_id)
}

/// Makes a placeholder the person who joins.
async fn claim(tx: &mut Tx, user_id: UserId, registration: &Registration, password_hash: &str) -> AppResult<SignIn> {
    let now_ms = tx.now_ms();
    store::users::update_password(tx.db(), user_id, password_hash, now_ms).await?;
    names::store(tx, user_id, &registration.name).await?;
    store::placeholders::remove(tx.db(), user_id).await?;
    let credentials = store::users::credentials(tx.db(), user_id).await?.ok_or_else(email_taken)?;
    tx.record(Fact::UserChanged(credentials.user.clone())).await?;
    Ok(SignIn::by_password(credentials))
}

/// Returns the account if the join code is right.
///
/// # Errors
/// `NotFound` for a wrong one, `TooManyTries` after too many wrong ones from this network.
pub async fn require_join_code(state: &AppState, join_code: &str, from: IpAddr) -> AppResult<Account> {
    let guess = Guess::JoinFrom(from);
    state.guesses.check(guess)?;
    let account = store::accounts::find(state.db.reader()).await?;
    let account = account.filter(|account| account.join_code == join_code);
    account.ok_or_else(|| {
        state.guesses.failed(guess);
        AppError::NotFound
    })
}

async fn hash(state: &AppState, registration: &Registration) -> AppResult<String> {
    let Registration { email_address, password, from, .. } = registration;
    state.passwords.hash(password, HashFor::Registration(*from, email_digest(email_address.as_str()))).await
}

async fn insert_user(tx: &mut Tx, registration: &Registration, password_hash: String, role: Role) -> AppResult<SignIn> {
    let Registration { name, email_address, .. } = registration;
    let now_ms = tx.now_ms();
    let id = match store::users::insert(tx.db(), name, email_address, &password_hash, role, now_ms).await {
        Ok(id) => id,
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            return Err(email_taken());
        }
        Err(error) => return Err(error.into()),
    };
    let name = names::store(tx, id, name).await?;
    Ok(SignIn::of_new(User { id, name: name.as_str().to_owned(), role }, password_hash))
}

fn email_taken() -> AppError {
    AppError::Conflict("Someone has that e-mail address already. Sign in instead.".into())
}

/// A random join code: twelve letters and digits in three groups, some 71 bits of entropy.
fn join_code() -> String {
    [random_letters(4), random_letters(4), random_letters(4)].join("-")
}

/// So many random letters and digits.
pub(super) fn random_letters(count: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut letters = String::with_capacity(count);
    while letters.len() < count {
        // Bytes from 248 = 4 × 62 on are skipped: they would make the first letters more likely than the others.
        let letter = uuid::Uuid::new_v4().as_bytes().iter().find(|byte| **byte < 248).map(|byte| byte % 62);
        if let Some(letter) = letter {
            letters.push(char::from(ALPHABET[usize::from(letter)]));
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, as_administrator};

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
    async fn concurrent_set_ups_create_one_account() {
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
    async fn a_new_user_is_a_member_of_every_open_and_no_closed_room() {
        let world = testing::world().await;
        world.open_closed_room("Secret", &[]).await;
        let account = store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        let dora = join(&world.state, &account.join_code, registration("Dora")).await.unwrap().user;
        assert_eq!(dora.role, Role::Member);
        let rooms = store::memberships::list_rooms(world.state.db.reader(), dora.id).await.unwrap();
        assert_eq!(rooms, [(world.all_talk.id, RoomKind::Open)]);
    }

    #[tokio::test]
    async fn only_administrators_change_the_account() {
        let world = testing::world().await;
        let account = async || store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        let before = account().await;
        let state = &world.state;
        // Bob's proof is from a time when he was an administrator.
        let pretender = as_administrator(&world.bob);
        let ada = as_administrator(&world.ada);
        assert_eq!(rename(state, &pretender, "Mine".parse().unwrap()).await, Err(AppError::Forbidden));
        assert_eq!(restrict_room_creation(state, &pretender, true).await, Err(AppError::Forbidden));
        assert_eq!(renew_join_code(state, &pretender).await, Err(AppError::Forbidden));
        assert_eq!(set_custom_styles(state, &pretender, "b{}".parse().unwrap()).await, Err(AppError::Forbidden));
        assert_eq!(account().await, before);

        rename(state, &ada, "Fire".parse().unwrap()).await.unwrap();
        restrict_room_creation(state, &ada, true).await.unwrap();
        renew_join_code(state, &ada).await.unwrap();
        set_custom_styles(state, &ada, "b{}".parse().unwrap()).await.unwrap();
        let after = account().await;
        assert_eq!((after.name.as_str(), after.room_creation_restricted), ("Fire", true));
        assert_eq!(after.custom_styles_digest.len(), 16);
        assert_eq!(*state.custom_styles_digest(), *after.custom_styles_digest);
        assert_eq!(join(state, &before.join_code, registration("Dora")).await.err(), Some(AppError::NotFound));
        assert!(join(state, &after.join_code, registration("Dora")).await.is_ok());
        set_custom_styles(state, &ada, CustomStyles::default()).await.unwrap();
        assert_eq!(&*state.custom_styles_digest(), "");
    }

    #[tokio::test]
    async fn joining_with_a_wrong_code_or_a_taken_address_creates_no_user() {
        let world = testing::world().await;
        let account = store::accounts::find(world.state.db.reader()).await.unwrap().unwrap();
        assert_eq!(join(&world.state, "wrong", registration("Dora")).await.err(), Some(AppError::NotFound));
        let taken = join(&world.state, &account.join_code, registration("ADA")).await;
        assert!(matches!(taken, Err(AppError::Conflict(_))));
        assert_eq!(store::users::list(world.state.db.reader()).await.unwrap().len(), 3);
    }

    /// Makes Bob of the world somebody who was imported and has not joined yet. Returns the join code.
    async fn forget_bob(world: &testing::World) -> String {
        let bob = world.bob.id;
        let forget = async move |tx: &mut Tx| {
            sqlx::query("UPDATE users SET password_hash = NULL WHERE id = $1").bind(bob).execute(tx.db()).await?;
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(bob).execute(tx.db()).await?;
            Ok(store::placeholders::insert(tx.db(), &[bob.0]).await?)
        };
        world.state.db.write(forget).await.unwrap();
        store::accounts::find(world.state.db.reader()).await.unwrap().unwrap().join_code
    }

    #[tokio::test]
    async fn who_joins_with_the_address_of_a_placeholder_becomes_that_user_once() {
        let world = testing::world().await;
        world.post(&world.ada, world.all_talk.id, "hello @Bob").await;
        let code = forget_bob(&world).await;
        let robert = Registration { name: "Robert".parse().unwrap(), ..registration("Bob") };
        let joined = join(&world.state, &code, robert.clone()).await.unwrap().user;
        assert_eq!((joined.id, joined.name.as_str(), joined.role), (world.bob.id, "Robert", Role::Member));
        let mention_count = "SELECT COUNT(*) FROM mentions WHERE user_id = $1";
        let mention_count: i64 =
            sqlx::query_scalar(mention_count).bind(joined.id).fetch_one(world.state.db.reader()).await.unwrap();
        assert_eq!(mention_count, 1);
        assert_eq!(join(&world.state, &code, robert).await.err(), Some(email_taken()), "nobody else does");
        assert_eq!(store::users::list(world.state.db.reader()).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn two_who_join_at_once_with_one_address_become_one_user() {
        let world = testing::world().await;
        let code = forget_bob(&world).await;
        let join = || join(&world.state, &code, registration("Bob"));
        let (one, other) = tokio::join!(join(), join());
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
        assert_eq!(one.err().or(other.err()), Some(email_taken()));
    }

    #[tokio::test]
    async fn the_address_alone_opens_no_private_room() {
        let world = testing::world().await;
        world.open_closed_room("Secret", &[&world.bob]).await;
        let code = forget_bob(&world).await;
        let refused = join(&world.state, &code, registration("Bob")).await.err();
        assert!(matches!(refused, Some(AppError::Invalid(_))), "{refused:?}");
        assert_eq!(store::users::credentials(world.state.db.reader(), world.bob.id).await.unwrap(), None);
        // The operator's way.
        let password = registration("Bob").password;
        crate::ops::users::reset_password(&world.state, "bob@example.com", &password).await.unwrap();
        assert_eq!(join(&world.state, &code, registration("Bob")).await.err(), Some(email_taken()));
    }

    #[tokio::test]
    async fn thirty_accounts_an_hour_can_be_made_by_one_link_from_one_address() {
        let world = testing::world().await;
        let state = &world.state;
        let code = store::accounts::find(state.db.reader()).await.unwrap().unwrap().join_code;
        let from = |address: &str, name: &str| Registration { from: address.parse().unwrap(), ..registration(name) };
        // The fixture's two people joined from another address. The hash is the expensive part, so that it is left out.
        let key = (email_digest(&code), network("192.0.2.1".parse().unwrap()));
        (0..30).for_each(|_| state.joins.take(key).unwrap());
        let refused = join(state, &code, from("192.0.2.1", "Dora")).await;
        assert!(matches!(refused, Err(AppError::TooManyTries(seconds)) if seconds <= 120));
        assert!(join(state, &code, from("192.0.2.2", "Dora")).await.is_ok(), "from another address");
        renew_join_code(state, &as_administrator(&world.ada)).await.unwrap();
        let renewed = store::accounts::find(state.db.reader()).await.unwrap().unwrap().join_code;
        assert!(join(state, &renewed, from("192.0.2.1", "Eve")).await.is_ok(), "by another link");
    }

    #[tokio::test]
    async fn wrong_codes_and_taken_addresses_have_to_wait_after_ten_failures() {
        let world = testing::world().await;
        let state = &world.state;
        let code = store::accounts::find(state.db.reader()).await.unwrap().unwrap().join_code;
        for _ in 0..5 {
            assert_eq!(join(state, "wrong", registration("Dora")).await.err(), Some(AppError::NotFound));
            assert!(matches!(join(state, &code, registration("Ada")).await, Err(AppError::Conflict(_))));
        }
        let waiting = join(state, &code, registration("Dora")).await;
        assert_eq!(waiting.err(), Some(AppError::TooManyTries(10)));
        let elsewhere = Registration { from: "192.0.2.7".parse().unwrap(), ..registration("Dora") };
        assert!(join(state, &code, elsewhere).await.is_ok());
    }

    #[tokio::test]
    async fn an_administrator_is_named_before_signing_in_only_if_one_has_turned_it_on() {
        let world = testing::world().await;
        let state = &world.state;
        assert_eq!(help_contact(state).await, Ok(None));
        assert_eq!(show_help(state, &as_administrator(&world.bob), true).await, Err(AppError::Forbidden));
        show_help(state, &as_administrator(&world.ada), true).await.unwrap();
        assert_eq!(help_contact(state).await, Ok(Some(("Ada".into(), "ada@example.com".into()))));
    }
}
