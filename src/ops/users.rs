//! Users: their profiles, and the changes that administrators make to them.

use std::net::IpAddr;

use crate::access::{Administrator, CurrentUser, HashFor};
use crate::facts::Fact;
use crate::model::{Bio, EmailAddress, Password, Person, Profile, Role, Status, Theme, User, UserId, UserName};
use crate::state::AppState;
use crate::store::users::ListedStatus;
use crate::store::{self, Tx};
use crate::{AppError, AppResult, names};

use super::permissions::{Exempt, require_another_administrator, require_person, write_as, write_exempt};
use super::sessions::{confirm, confirm_unless_recent, end_all, may_set_password, wrong_password};

/// The form with which a user changes their own profile.
#[derive(Clone, Debug)]
pub struct ProfileChange {
    /// The user's name.
    pub name: UserName,
    /// Another address to sign in with, unique without regard to case; `None` keeps the present one.
    pub email_address: Option<EmailAddress>,
    /// A line about the user.
    pub bio: Bio,
    /// Another password; `None` keeps the present one.
    pub password: Option<NewPassword>,
    /// The present password, as entered: for another password, unless an administrator's link allows to set one, and for
    /// another address unless the session is recent.
    pub present_password: Option<Password>,
    /// The address that the form came from.
    pub from: IpAddr,
}

/// A password that replaces the present one.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The password.
    pub password: Password,
    /// Whether the user's other sessions end.
    pub others: OtherSessions,
}

/// Whether a user's other sessions end when the password changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherSessions {
    /// They stay signed in.
    Kept,
    /// They are signed out.
    Ended,
}

/// A page of the list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// Administrators first, then members, each by name.
    pub people: Vec<Profile>,
    /// Whether there is another page after this one.
    pub has_more: bool,
}

/// Page `page`, from 0, of the users whose names contain `filter`. Administrators see banned users, too.
///
/// # Errors
/// When the database does not answer.
pub async fn list_page(state: &AppState, current: &CurrentUser, filter: &str, page: i64) -> AppResult<UserPage> {
    let listed =
        if current.user.role == Role::Administrator { ListedStatus::ActiveAndBanned } else { ListedStatus::Active };
    let mut people = store::users::list_page(state.db.reader(), listed, filter, page).await?;
    let page_size = usize::try_from(store::users::LIST_PAGE_SIZE).unwrap_or(usize::MAX);
    let has_more = people.len() > page_size;
    people.truncate(page_size);
    Ok(UserPage { people, has_more })
}

/// All active users, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, _: &CurrentUser) -> AppResult<Vec<Person>> {
    Ok(store::users::list(state.db.reader()).await?)
}

/// The profile of a user, whatever the status.
///
/// # Errors
/// `NotFound` when there is no user with this id.
pub async fn profile(state: &AppState, _: &CurrentUser, user_id: UserId) -> AppResult<Profile> {
    store::users::profile(state.db.reader(), user_id).await?.ok_or(AppError::NotFound)
}

/// The current user's own profile.
///
/// # Errors
/// `SignedOut` when the user does not exist.
pub async fn own_profile(state: &AppState, current: &CurrentUser) -> AppResult<Profile> {
    store::users::profile(state.db.reader(), current.user.id).await?.ok_or(AppError::SignedOut)
}

/// Changes the current user's own profile.
///
/// # Errors
/// `Invalid` when the address is taken, or the present password is missing or wrong, `TooManyTries` after too many wrong
/// ones. Nothing is stored then.
pub async fn update_profile(state: &AppState, current: &CurrentUser, change: ProfileChange) -> AppResult<()> {
    let ProfileChange { name, email_address, bio, password, present_password, from } = change;
    let is_allowed = password.is_some() && present_password.is_none() && may_set_password(state, current).await?;
    let verified_hash = if is_allowed {
        None
    } else if password.is_some() {
        let present = present_password.as_ref().ok_or_else(wrong_password)?;
        Some(confirm(state, current, present, from).await?)
    } else if email_address.is_some() {
        confirm_unless_recent(state, current, present_password.as_ref(), from).await?
    } else {
        None
    };
    let new_hash = match &password {
        Some(new) => Some(state.passwords.hash(&new.password, HashFor::User(from, current.user.id)).await?),
        None => None,
    };
    let others = password.map(|new| new.others);
    let current_session_id = current.session_id;
    let update = async move |tx: &mut Tx, user: User| {
        let now_ms = tx.now_ms();
        // The password may have been changed by another request since it was verified.
        if verified_hash.is_some() && store::users::password_hash(tx.db(), user.id).await? != verified_hash {
            return Err(wrong_password());
        }
        match store::users::update_profile(tx.db(), user.id, email_address.as_ref(), &bio, now_ms).await {
            Ok(()) => {}
            Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
                return Err(AppError::invalid("email_address", "Someone has that e-mail address already."));
            }
            Err(error) => return Err(error.into()),
        }
        names::store(tx, user.id, &name).await?;
        if let Some(new_hash) = new_hash {
            // Once: it may have been used since.
            if is_allowed && !store::sessions::may_set_password(tx.db(), current_session_id, now_ms).await? {
                return Err(wrong_password());
            }
            store::sessions::forbid_new_passwords(tx.db(), user.id).await?;
            store::users::update_password(tx.db(), user.id, &new_hash, now_ms).await?;
            if others == Some(OtherSessions::Ended) {
                end_all(tx, user.id, Some(current_session_id)).await?;
            }
        }
        record_changed(tx, user.id).await
    };
    write_as(state, current, update).await
}

/// Replaces the password of the active user with this e-mail address, for the operator of the machine, and ends the
/// user's sessions.
///
/// # Errors
/// `NotFound` when there is no such user, `Invalid` for a very common password.
pub async fn reset_password(state: &AppState, email_address: &str, password: &Password) -> AppResult<User> {
    let found = store::users::find_by_email(state.db.reader(), email_address.trim()).await?;
    let (user_id, _) = found.ok_or(AppError::NotFound)?;
    let new_hash = state.passwords.hash(password, HashFor::Operator).await?;
    let reset = async move |tx: &mut Tx| {
        let user = store::users::find(tx.db(), user_id).await?.ok_or(AppError::NotFound)?;
        let now_ms = tx.now_ms();
        store::users::update_password(tx.db(), user_id, &new_hash, now_ms).await?;
        let session_ids = end_all(tx, user_id, None).await?;
        tx.record(Fact::PasswordReset { user_id, session_ids }).await?;
        Ok(user)
    };
    write_exempt(state, Exempt::Operator, reset).await
}

/// Makes the active user with this e-mail address an administrator, for the operator of the machine.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn make_administrator(state: &AppState, email_address: &str) -> AppResult<User> {
    let found = store::users::find_by_email(state.db.reader(), email_address.trim()).await?;
    let (user_id, _) = found.ok_or(AppError::NotFound)?;
    let make = async move |tx: &mut Tx| {
        let user = store::users::find(tx.db(), user_id).await?.ok_or(AppError::NotFound)?;
        if user.role == Role::Administrator {
            tx.changes_nothing_visible();
            return Ok(user);
        }
        let now_ms = tx.now_ms();
        store::users::update_role(tx.db(), user_id, Role::Administrator, now_ms).await?;
        record_changed(tx, user_id).await?;
        Ok(User { role: Role::Administrator, ..user })
    };
    write_exempt(state, Exempt::Operator, make).await
}

/// Makes a user an administrator or a member.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is active, `Conflict` when no
/// administrator would remain.
pub async fn change_role(
    state: &AppState,
    administrator: &Administrator,
    user_id: UserId,
    role: Role,
) -> AppResult<()> {
    let change = async move |tx: &mut Tx, _: User| {
        let person = require_person(tx, user_id, Status::Active).await?;
        if person.role == role {
            tx.changes_nothing_visible();
            return Ok(());
        }
        if role != Role::Administrator {
            require_another_administrator(tx, &person).await?;
        }
        let now_ms = tx.now_ms();
        store::users::update_role(tx.db(), user_id, role, now_ms).await?;
        record_changed(tx, user_id).await
    };
    write_as(state, administrator, change).await
}

/// Removes a user from the account. Their sessions, their memberships in shared rooms, their recent searches, what
/// they kept for later and what they wrote to be sent later end; their messages and direct rooms stay; another user can register with their address.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is active, `Conflict` when no
/// administrator would remain.
pub async fn deactivate(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<()> {
    let deactivate = async move |tx: &mut Tx, _: User| {
        let person = require_person(tx, user_id, Status::Active).await?;
        require_another_administrator(tx, &person).await?;
        end_memberships(tx, user_id).await?;
        end_all(tx, user_id, None).await?;
        store::searches::remove_all(tx.db(), user_id).await?;
        store::saved::remove_all(tx.db(), user_id).await?;
        store::scheduled::remove_all(tx.db(), user_id).await?;
        if let Some((local, domain)) = person.email_address.as_deref().and_then(|address| address.split_once('@')) {
            let freed = format!("{local}-deactivated-{}@{domain}", uuid::Uuid::new_v4());
            store::users::update_email(tx.db(), user_id, &freed).await?;
        }
        let now_ms = tx.now_ms();
        store::users::update_status(tx.db(), user_id, Status::Deactivated, now_ms).await?;
        Ok(tx.record(Fact::UserDeactivated { user_id }).await?)
    };
    write_as(state, administrator, deactivate).await
}

/// Ends the memberships of a user who leaves the account, in all but direct rooms.
pub(super) async fn end_memberships(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    for room_id in store::memberships::revoke_shared_rooms(tx.db(), user_id).await? {
        tx.record(Fact::MembershipRevoked { room_id, user_id, by: None }).await?;
    }
    Ok(())
}

/// The theme that the user chose.
///
/// # Errors
/// When the database does not answer.
pub async fn theme(state: &AppState, current: &CurrentUser) -> AppResult<Theme> {
    Ok(store::users::theme(state.db.reader(), current.user.id).await?.unwrap_or_default())
}

/// Stores the theme that the user chose.
///
/// # Errors
/// `SignedOut` when the session ended.
pub async fn choose_theme(state: &AppState, current: &CurrentUser, theme: Theme) -> AppResult<()> {
    let choose = async move |tx: &mut Tx, user: User| {
        store::users::update_theme(tx.db(), user.id, theme).await?;
        Ok(tx.record(Fact::ThemeChanged { user_id: user.id }).await?)
    };
    write_as(state, current, choose).await
}

/// Records that a user's name, role or other profile fields changed.
pub(super) async fn record_changed(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    let user = store::users::find(tx.db(), user_id).await?.ok_or(AppError::SignedOut)?;
    Ok(tx.record(Fact::UserChanged(user)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RoomKind;
    use crate::ops;
    use crate::testing::{self, as_administrator, current};

    fn change(name: &str, email_address: &str) -> ProfileChange {
        ProfileChange {
            name: name.parse().unwrap(),
            email_address: Some(email_address.parse().unwrap()),
            bio: Bio::default(),
            password: None,
            present_password: None,
            from: testing::LOCAL,
        }
    }

    #[tokio::test]
    async fn a_taken_address_leaves_the_profile_unchanged() {
        let world = testing::world().await;
        let taken = update_profile(&world.state, &current(&world.bob), change("Robert", "ADA@example.com")).await;
        assert!(matches!(taken, Err(AppError::Invalid(errors)) if errors.get("email_address").is_some()));
        let bob = store::users::profile(world.state.db.reader(), world.bob.id).await.unwrap().unwrap();
        assert_eq!(bob.name, "Bob");
        update_profile(&world.state, &current(&world.bob), change("Robert", "BOB@example.com")).await.unwrap();
        let bob = store::users::profile(world.state.db.reader(), world.bob.id).await.unwrap().unwrap();
        assert_eq!((bob.name.as_str(), bob.email_address.as_deref()), ("Robert", Some("BOB@example.com")));
    }

    #[tokio::test]
    async fn concurrent_changes_to_the_same_address_succeed_once() {
        let world = testing::world().await;
        let bob = current(&world.bob);
        let cleo = current(&world.cleo);
        let (one, other) = tokio::join!(
            update_profile(&world.state, &bob, change("Bob", "new@example.com")),
            update_profile(&world.state, &cleo, change("Cleo", "New@example.com")),
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    }

    #[tokio::test]
    async fn a_new_password_requires_the_present_one() {
        let world = testing::world().await;
        let with = |present: &str| ProfileChange {
            password: Some(NewPassword { password: "another horse".parse().unwrap(), others: OtherSessions::Ended }),
            present_password: Some(Password::to_check(present.into())),
            ..change("Bob", "bob@example.com")
        };
        let wrong = update_profile(&world.state, &current(&world.bob), with("wrong horse")).await;
        assert!(matches!(wrong, Err(AppError::Invalid(errors)) if errors.get("present_password").is_some()));
        update_profile(&world.state, &current(&world.bob), with(testing::PASSWORD)).await.unwrap();
        let sign_in = async |password: &str| {
            let password = Password::to_check(password.into());
            ops::sessions::authenticate(&world.state, "bob@example.com", password, testing::LOCAL).await
        };
        assert_eq!(sign_in(testing::PASSWORD).await.err(), Some(AppError::SignedOut));
        assert!(sign_in("another horse").await.is_ok());
    }

    #[tokio::test]
    async fn another_address_requires_the_password_once_the_session_is_fifteen_minutes_old() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = current(&world.bob);
        update_profile(state, &bob, change("Bob", "rob@example.com")).await.unwrap();
        state.clock.advance(15 * 60 * 1_000 + 1);
        let refused = update_profile(state, &bob, change("Robert", "bob@example.com")).await;
        assert!(matches!(refused, Err(AppError::Invalid(errors)) if errors.get("present_password").is_some()));
        let name_alone = ProfileChange { email_address: None, ..change("Robert", "unused@example.com") };
        update_profile(state, &bob, name_alone).await.unwrap();
        let with = |present: &str| ProfileChange {
            present_password: Some(Password::to_check(present.into())),
            ..change("Robert", "bob@example.com")
        };
        assert!(update_profile(state, &bob, with("wrong")).await.is_err());
        update_profile(state, &bob, with(testing::PASSWORD)).await.unwrap();
        let profile = store::users::profile(state.db.reader(), world.bob.id).await.unwrap().unwrap();
        assert_eq!((profile.name.as_str(), profile.email_address.as_deref()), ("Robert", Some("bob@example.com")));
    }

    #[tokio::test]
    async fn wrong_present_passwords_have_to_wait_and_keep_nobody_else_out() {
        let world = testing::world().await;
        let state = &world.state;
        let with = |present: &str| ProfileChange {
            present_password: Some(Password::to_check(present.into())),
            ..change("Bob", "rob@example.com")
        };
        for _ in 0..5 {
            assert!(matches!(
                update_profile(state, &current(&world.bob), with("wrong")).await,
                Err(AppError::Invalid(_))
            ));
        }
        let waiting = update_profile(state, &current(&world.bob), with(testing::PASSWORD)).await;
        assert_eq!(waiting, Err(AppError::TooManyTries(10)));
        let password = Password::to_check(testing::PASSWORD.into());
        assert!(ops::sessions::authenticate(state, "ada@example.com", password, testing::LOCAL).await.is_ok());
        state.clock.advance(10_000);
        update_profile(state, &current(&world.bob), with(testing::PASSWORD)).await.unwrap();
    }

    #[tokio::test]
    async fn an_operator_resets_a_password_and_ends_the_sessions() {
        let world = testing::world().await;
        let state = &world.state;
        let reset = async |address: &str| reset_password(state, address, &"another horse".parse().unwrap()).await;
        assert_eq!(reset("nobody@example.com").await, Err(AppError::NotFound));
        assert_eq!(reset(" ADA@example.com").await, Ok(world.ada.clone()));
        assert!(!ops::sessions::is_live(state, &current(&world.ada)).await.unwrap());
        assert!(ops::sessions::is_live(state, &current(&world.bob)).await.unwrap());
        let password = Password::to_check("another horse".into());
        assert!(ops::sessions::authenticate(state, "ada@example.com", password, testing::LOCAL).await.is_ok());
        let common = reset_password(state, "ada@example.com", &"password1".parse().unwrap()).await;
        assert!(matches!(common, Err(AppError::Invalid(_))));
    }

    #[tokio::test]
    async fn an_operator_makes_an_administrator() {
        let world = testing::world().await;
        let make = async |address: &str| make_administrator(&world.state, address).await;
        assert_eq!(make("nobody@example.com").await, Err(AppError::NotFound));
        let bob = User { role: Role::Administrator, ..world.bob.clone() };
        assert_eq!((make("BOB@example.com ").await, make("bob@example.com").await), (Ok(bob.clone()), Ok(bob)));
        let stored = store::users::find(world.state.db.reader(), world.bob.id).await.unwrap().unwrap();
        assert_eq!(stored.role, Role::Administrator);
    }

    #[tokio::test]
    async fn removing_a_user_deletes_their_recent_searches() {
        let world = testing::world().await;
        let state = &world.state;
        ops::searches::remember(state, &current(&world.bob), "secret plans").await.unwrap();
        ops::searches::remember(state, &current(&world.cleo), "lunch").await.unwrap();
        deactivate(state, &as_administrator(&world.ada), world.bob.id).await.unwrap();
        assert!(store::searches::list(state.db.reader(), world.bob.id).await.unwrap().is_empty());
        assert_eq!(store::searches::list(state.db.reader(), world.cleo.id).await.unwrap(), ["lunch"]);
    }

    #[tokio::test]
    async fn the_last_administrator_cannot_be_removed() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        let refused = |result: AppResult<()>| matches!(result, Err(AppError::Conflict(_)));
        assert!(refused(change_role(state, &as_administrator(ada), ada.id, Role::Member).await));
        assert!(refused(deactivate(state, &as_administrator(ada), ada.id).await));
        assert!(refused(ops::bans::ban(state, &as_administrator(ada), ada.id).await.map(drop)));
        change_role(state, &as_administrator(ada), bob.id, Role::Administrator).await.unwrap();
        // Concurrent demotions of each other: the first commit wins.
        let first = as_administrator(ada);
        let second = as_administrator(bob);
        let (one, other) = tokio::join!(
            change_role(state, &first, bob.id, Role::Member),
            change_role(state, &second, ada.id, Role::Member)
        );
        assert!(one.is_ok() && other == Err(AppError::Forbidden));
        assert!(refused(change_role(state, &as_administrator(ada), ada.id, Role::Member).await));
    }

    #[tokio::test]
    async fn a_deactivated_user_loses_shared_rooms_and_address_and_keeps_direct_rooms() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        world.post(bob, world.all_talk.id, "still here").await;
        let ping = ops::rooms::ping(state, bob, vec![ada.id]).await.unwrap();
        assert_eq!(deactivate(state, &as_administrator(bob), world.cleo.id).await, Err(AppError::Forbidden));
        deactivate(state, &as_administrator(ada), bob.id).await.unwrap();
        assert_eq!(deactivate(state, &as_administrator(ada), bob.id).await, Err(AppError::NotFound));
        assert_eq!(
            store::memberships::list_rooms(state.db.reader(), bob.id).await.unwrap(),
            [(ping.id, RoomKind::Direct)]
        );
        let profile = store::users::profile(state.db.reader(), bob.id).await.unwrap().unwrap();
        assert_eq!(profile.status, Status::Deactivated);
        assert!(profile.email_address.unwrap().starts_with("bob-deactivated-"));
        let code = store::accounts::find(state.db.reader()).await.unwrap().unwrap().join_code;
        assert!(ops::accounts::join(state, &code, testing::registration("Bob")).await.is_ok());
        let page = world.newest_page(world.all_talk.id).await;
        assert_eq!(page.messages[0].creator_name, "Bob");
        // A `Member` from before the deactivation gives no access to the direct room.
        let member = crate::access::Member {
            user: bob.clone(),
            credential: crate::model::Credential::Program,
            room: ping,
            involvement: crate::model::Involvement::Everything,
        };
        let id = crate::model::ClientMessageId::v7(9, [0; 10]);
        let posted = ops::messages::post(state, &member, id, "boo".parse().unwrap()).await;
        assert_eq!(posted, Err(AppError::NotFound));
    }
}
