//! Users: their profiles, and the changes that administrators make to them.

use crate::access::{Administrator, CurrentUser};
use crate::facts::Fact;
use crate::model::{Bio, EmailAddress, Password, Person, Profile, Role, Status, UserId, UserName};
use crate::state::AppState;
use crate::store::users::ListedStatus;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{require_administrator, require_another_administrator, require_person};
use super::sessions::end_all;

/// The form with which a user changes their own profile.
#[derive(Clone, Debug)]
pub struct ProfileChange {
    /// The user's name.
    pub name: UserName,
    /// The address to sign in with, unique without regard to case.
    pub email_address: EmailAddress,
    /// A line about the user.
    pub bio: Bio,
    /// A change of the password; `None` keeps it.
    pub password: Option<PasswordChange>,
}

/// A new password, and the present one as a proof.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The present password, as entered.
    pub present: Password,
    /// The password that replaces it.
    pub new: Password,
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
/// `Invalid` when the address is taken or the present password is wrong. Nothing is stored then.
pub async fn update_profile(state: &AppState, current: &CurrentUser, change: ProfileChange) -> AppResult<()> {
    let ProfileChange { name, email_address, bio, password } = change;
    let password = match password {
        Some(change) => Some(verify_and_hash(state, current.user.id, change).await?),
        None => None,
    };
    let user_id = current.user.id;
    let current_session_id = current.session_id;
    let update = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        match store::users::update_profile(tx.db(), user_id, &name, &email_address, &bio, now_ms).await {
            Ok(()) => {}
            Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
                return Err(AppError::invalid("email_address", "Someone has that e-mail address already."));
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(change) = password {
            // The password may have been changed by another request since it was verified.
            if store::users::password_hash(tx.db(), user_id).await?.as_ref() != Some(&change.old_hash) {
                return Err(wrong_password());
            }
            store::users::update_password(tx.db(), user_id, &change.new_hash, now_ms).await?;
            if change.others == OtherSessions::Ended {
                end_all(tx, user_id, Some(current_session_id)).await?;
            }
        }
        record_changed(tx, user_id).await
    };
    state.db.write(update).await
}

/// A password change whose present password has been verified.
struct VerifiedPasswordChange {
    old_hash: String,
    new_hash: String,
    others: OtherSessions,
}

async fn verify_and_hash(
    state: &AppState,
    user_id: UserId,
    change: PasswordChange,
) -> AppResult<VerifiedPasswordChange> {
    let old_hash = store::users::password_hash(state.db.reader(), user_id).await?.ok_or(AppError::SignedOut)?;
    if !state.passwords.verify(&change.present, Some(old_hash.clone())).await? {
        return Err(wrong_password());
    }
    let new_hash = state.passwords.hash(&change.new).await?;
    Ok(VerifiedPasswordChange { old_hash, new_hash, others: change.others })
}

fn wrong_password() -> AppError {
    AppError::invalid("present_password", "That is not your present password.")
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
    let administrator = administrator.clone();
    let change = async move |tx: &mut Tx| {
        require_administrator(tx, &administrator).await?;
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
    state.db.write(change).await
}

/// Removes a user from the account. Their sessions and their memberships in shared rooms end; their messages and direct
/// rooms stay; another user can register with their address.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` unless the user is active, `Conflict` when no
/// administrator would remain.
pub async fn deactivate(state: &AppState, administrator: &Administrator, user_id: UserId) -> AppResult<()> {
    let administrator = administrator.clone();
    let deactivate = async move |tx: &mut Tx| {
        require_administrator(tx, &administrator).await?;
        let person = require_person(tx, user_id, Status::Active).await?;
        require_another_administrator(tx, &person).await?;
        for room_id in store::memberships::revoke_shared_rooms(tx.db(), user_id).await? {
            tx.record(Fact::MembershipRevoked { room_id, user_id }).await?;
        }
        end_all(tx, user_id, None).await?;
        if let Some((local, domain)) = person.email_address.as_deref().and_then(|address| address.split_once('@')) {
            let freed = format!("{local}-deactivated-{}@{domain}", uuid::Uuid::new_v4());
            store::users::update_email(tx.db(), user_id, &freed).await?;
        }
        let now_ms = tx.now_ms();
        store::users::update_status(tx.db(), user_id, Status::Deactivated, now_ms).await?;
        Ok(tx.record(Fact::UserDeactivated { user_id }).await?)
    };
    state.db.write(deactivate).await
}

async fn record_changed(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
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
            email_address: email_address.parse().unwrap(),
            bio: Bio::default(),
            password: None,
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
            password: Some(PasswordChange {
                present: Password::to_check(present.into()),
                new: "another horse".parse().unwrap(),
                others: OtherSessions::Ended,
            }),
            ..change("Bob", "bob@example.com")
        };
        let wrong = update_profile(&world.state, &current(&world.bob), with("wrong horse")).await;
        assert!(matches!(wrong, Err(AppError::Invalid(errors)) if errors.get("present_password").is_some()));
        update_profile(&world.state, &current(&world.bob), with(testing::PASSWORD)).await.unwrap();
        let sign_in = async |password: &str| {
            ops::sessions::authenticate(&world.state, "bob@example.com", Password::to_check(password.into())).await
        };
        assert_eq!(sign_in(testing::PASSWORD).await, Err(AppError::SignedOut));
        assert!(sign_in("another horse").await.is_ok());
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
        let page = store::messages::page_last(state.db.reader(), world.all_talk.id).await.unwrap();
        assert_eq!(page.messages[0].creator_name, "Bob");
        // A `Member` from before the deactivation gives no access to the direct room.
        let member =
            crate::access::Member { user: bob.clone(), room: ping, involvement: crate::model::Involvement::Everything };
        let id = crate::model::ClientMessageId::v7(9, [0; 10]);
        let posted = ops::messages::post(state, &member, id, "boo".parse().unwrap()).await;
        assert_eq!(posted, Err(AppError::NotFound));
    }
}
