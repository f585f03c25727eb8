//! Users: the own profile and devices, the pages of others, and bans.

use app::Notice;
use app::components::form::FormState;
use app::pages::person::{PersonPage, PersonPageProps};
use app::pages::profile::{Device, OwnRoom, ProfilePage, ProfilePageProps, TransferLink, browser_name};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::CurrentUser;
use campfire::error::FieldErrors;
use campfire::model::{Password, Profile, Role, SessionId, Status, UserId, paths};
use campfire::ops::bans::BanScope;
use campfire::ops::users::{OtherSessions, PasswordChange, ProfileChange};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use super::transfers;
use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PathId;
use crate::http::{form, render, urls};
use crate::session::{Administers, SignedIn};

/// The pages and forms of users.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/users/{user_id}", get(person))
        // The id is ignored: the profile is that of the signed-in user.
        .route("/users/{user_id}/profile", get(profile).post(update).put(update))
        .route("/users/me/sessions", get(devices).post(sign_out_others).delete(sign_out_others))
        .route("/users/me/sessions/{session_id}", get(devices).post(sign_out).delete(sign_out))
        .route("/users/{user_id}/ban", get(back_to_person).post(change_ban).delete(unban))
}

async fn person(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    PathId(user_id): PathId<UserId>,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let person = ops::users::profile(&state, &current, user_id).await?;
    let has_transfer =
        current.user.role == Role::Administrator && person.role != Role::Bot && person.status == Status::Active;
    let transfer = if has_transfer { Some(transfer_link(&state, &current, user_id, &forwarded).await?) } else { None };
    let title = person.name.clone();
    let props = PersonPageProps { viewer: current.user, person, transfer };
    Ok(render::plain(StatusCode::OK, &title, || PersonPage(props)))
}

async fn profile(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let profile = ops::users::own_profile(&site.state, &current).await?;
    let values = vec![
        ("name", profile.name.clone()),
        ("email_address", profile.email_address.clone().unwrap_or_default()),
        ("bio", profile.bio.clone()),
    ];
    Ok(profile_page(&site, StatusCode::OK, &current, profile, &forwarded, form::fresh(values)).await?)
}

/// Changes the profile and the password. Fields missing in the form are not changed.
async fn update(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let profile = ops::users::own_profile(&site.state, &current).await?;
    let entered = |name: &str, stored: &str| if form.has(name) { form.get(name).to_owned() } else { stored.to_owned() };
    let name = entered("name", &profile.name);
    let email_address = entered("email_address", profile.email_address.as_deref().unwrap_or_default());
    let bio = entered("bio", &profile.bio);

    let mut errors = FieldErrors::default();
    let parsed_name = errors.take(name.parse());
    let parsed_address = errors.take(email_address.parse());
    let parsed_bio = errors.take(bio.parse());
    let password = new_password(&form, &mut errors);
    let others = password.as_ref().map(|password| password.others);
    let updated = match (parsed_name, parsed_address, parsed_bio) {
        (Some(name), Some(email_address), Some(bio)) if errors.is_empty() => {
            let change = ProfileChange { name, email_address, bio, password };
            ops::users::update_profile(&site.state, &current, change).await
        }
        _ => Err(AppError::Invalid(errors)),
    };
    match updated {
        Ok(()) => {
            let notice = match others {
                None => Notice::Saved,
                Some(OtherSessions::Kept) => Notice::PasswordChanged,
                Some(OtherSessions::Ended) => Notice::PasswordChangedEverywhere,
            };
            Ok(urls::with_notice(paths::OWN_PROFILE, notice).into_response())
        }
        Err(AppError::Invalid(errors)) => {
            let values = vec![("name", name), ("email_address", email_address), ("bio", bio)];
            let state = FormState { values, errors };
            Ok(profile_page(&site, StatusCode::UNPROCESSABLE_ENTITY, &current, profile, &forwarded, state).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The change of the password in the form, if it has one.
fn new_password(form: &Form, errors: &mut FieldErrors) -> Option<PasswordChange> {
    if form.get("password").is_empty() && form.get("present_password").is_empty() {
        return None;
    }
    let new = errors.take(form.get("password").parse())?;
    let others = if form.is_checked("sign_out_others") { OtherSessions::Ended } else { OtherSessions::Kept };
    Some(PasswordChange { present: Password::to_check(form.get("present_password").to_owned()), new, others })
}

/// A reload after a refused form requests the form's URL with GET.
async fn devices() -> Redirect {
    Redirect::to(&format!("{}#devices", paths::OWN_PROFILE))
}

async fn sign_out(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    PathId(session_id): PathId<SessionId>,
) -> Result<Redirect, PageError> {
    ops::sessions::revoke(&state, &current, session_id).await?;
    Ok(urls::with_notice(paths::OWN_PROFILE, Notice::DeviceSignedOut))
}

async fn sign_out_others(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Redirect, PageError> {
    ops::sessions::revoke_others(&state, &current).await?;
    Ok(urls::with_notice(paths::OWN_PROFILE, Notice::DevicesSignedOut))
}

async fn back_to_person(PathId(user_id): PathId<UserId>) -> Redirect {
    Redirect::to(&paths::user(user_id))
}

/// A form submitted with POST, which carries the method.
async fn change_ban(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(user_id): PathId<UserId>,
    form: Form,
) -> Result<Redirect, PageError> {
    if form.verb() == Verb::Delete {
        return unban(State(state), Administers(administrator), PathId(user_id)).await;
    }
    let notice = match ops::bans::ban(&state, &administrator, user_id).await? {
        BanScope::PersonAndAddresses => Notice::Banned,
        BanScope::PersonAlone => Notice::BannedAlone,
    };
    Ok(urls::with_notice(&paths::user(user_id), notice))
}

async fn unban(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(user_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    ops::bans::unban(&state, &administrator, user_id).await?;
    Ok(urls::with_notice(&paths::user(user_id), Notice::Unbanned))
}

/// The link that signs this user in on another device.
async fn transfer_link(
    state: &AppState,
    current: &CurrentUser,
    user_id: UserId,
    forwarded: &Forwarded,
) -> AppResult<TransferLink> {
    let id = ops::transfers::mint_for(state, current, user_id).await?;
    let url = [&*forwarded.origin, &paths::transfer(&id)].concat();
    let qr_path = transfers::qr_path(&url);
    Ok(TransferLink { url, qr_path })
}

async fn profile_page(
    site: &Site,
    status: StatusCode,
    current: &CurrentUser,
    profile: Profile,
    forwarded: &Forwarded,
    state: FormState,
) -> AppResult<Response> {
    let app = &site.state;
    let rooms = ops::memberships::list_involvements(app, current).await?;
    let rooms =
        rooms.into_iter().map(|(id, kind, name, involvement)| OwnRoom { id, kind, name, involvement }).collect();
    let sessions = ops::sessions::list(app, current).await?;
    let devices = sessions
        .into_iter()
        .map(|session| Device {
            session_id: session.id,
            browser: browser_name(&session.user_agent),
            address: session.ip_address,
            last_active_at: session.last_active_at,
            is_this: session.id == current.session_id,
        })
        .collect();
    let transfer = transfer_link(app, current, current.user.id, forwarded).await?;
    let props = ProfilePageProps { profile, rooms, devices, transfer, text_only: site.text_only, state };
    Ok(render::plain(status, "Your profile", || ProfilePage(props)))
}
