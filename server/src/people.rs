//! People: one's own profile and devices, everybody's page, and bans.

use app::Notice;
use app::components::form::FormState;
use app::pages::person::{PersonPage, PersonPageProps};
use app::pages::profile::{Device, OwnRoom, ProfilePage, ProfilePageProps, TransferLink, browser_name};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::auth::CurrentUser;
use campfire::error::FieldErrors;
use campfire::model::{Password, Profile, Role, SessionId, Status, UserId};
use campfire::ops::bans::Reach;
use campfire::ops::people::{OtherSessions, PasswordChange, ProfileChange};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops, store};

use crate::auth::{Administrator, OfUser, SignedIn};
use crate::form::{Form, Verb};
use crate::page::{self, PageError};
use crate::{Site, auth, transfers};

/// Where one's own profile is.
const PROFILE: &str = "/users/me/profile";

/// The pages and forms of people.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/users/{user_id}", get(person))
        // Whatever the path says, one's profile is one's own.
        .route("/users/{user_id}/profile", get(profile).post(update).put(update))
        .route("/users/me/sessions", get(devices).post(sign_out_others).delete(sign_out_others))
        .route("/users/me/sessions/{session_id}", get(devices).post(sign_out).delete(sign_out))
        .route("/users/{user_id}/ban", get(back_to_person).post(change_ban).delete(unban))
}

async fn person(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    OfUser(user_id): OfUser,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let found = store::users::profile(state.db.reader(), user_id).await.map_err(AppError::from)?;
    let person = found.ok_or(AppError::NotFound)?;
    let rescues =
        current.user.role == Role::Administrator && person.role != Role::Bot && person.status == Status::Active;
    let transfer = if rescues { Some(transfer_link(&state, &current, user_id, &headers).await?) } else { None };
    let title = person.name.clone();
    Ok(page::plain(StatusCode::OK, &title, || PersonPage(PersonPageProps { viewer: current.user, person, transfer })))
}

async fn profile(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let profile = own_profile(&site.state, &current).await?;
    let values = vec![
        ("name", profile.name.clone()),
        ("email_address", profile.email_address.clone().unwrap_or_default()),
        ("bio", profile.bio.clone()),
    ];
    Ok(profile_page(&site, StatusCode::OK, &current, profile, &headers, page::fresh(values)).await?)
}

/// Fields that the form does not have stay as they are; no new password leaves the old one.
async fn update(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let profile = own_profile(&site.state, &current).await?;
    let entered = |name: &str, stored: &str| if form.has(name) { form.get(name).to_owned() } else { stored.to_owned() };
    let name = entered("name", &profile.name);
    let email_address = entered("email_address", profile.email_address.as_deref().unwrap_or_default());
    let bio = entered("bio", &profile.bio);

    let mut errors = FieldErrors::default();
    let parsed = (errors.take(name.parse()), errors.take(email_address.parse()), errors.take(bio.parse()));
    let password = new_password(&form, &mut errors);
    let others = password.as_ref().map(|password| password.others);
    let updated = match parsed {
        (Some(name), Some(email_address), Some(bio)) if errors.is_empty() => {
            let change = ProfileChange { name, email_address, bio, password };
            ops::people::update_profile(&site.state, &current, change).await
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
            Ok(page::go_and_say(PROFILE, notice).into_response())
        }
        Err(AppError::Invalid(errors)) => {
            let values = vec![("name", name), ("email_address", email_address), ("bio", bio)];
            let state = FormState { values, errors };
            Ok(profile_page(&site, StatusCode::UNPROCESSABLE_ENTITY, &current, profile, &headers, state).await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn new_password(form: &Form, errors: &mut FieldErrors) -> Option<PasswordChange> {
    if form.get("password").is_empty() && form.get("present_password").is_empty() {
        return None;
    }
    let new = errors.take(form.get("password").parse())?;
    let others = if form.is_checked("sign_out_others") { OtherSessions::Ended } else { OtherSessions::Kept };
    Some(PasswordChange { present: Password::to_check(form.get("present_password").to_owned()), new, others })
}

/// A reload after a form asks for the form's own address.
async fn devices() -> Redirect {
    Redirect::to("/users/me/profile#devices")
}

async fn sign_out(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    OfSession(session_id): OfSession,
) -> Result<Redirect, PageError> {
    ops::sessions::revoke(&state, &current.user, session_id).await?;
    Ok(page::go_and_say(PROFILE, Notice::DeviceSignedOut))
}

async fn sign_out_others(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Redirect, PageError> {
    ops::sessions::revoke_others(&state, &current).await?;
    Ok(page::go_and_say(PROFILE, Notice::DevicesSignedOut))
}

async fn back_to_person(OfUser(user_id): OfUser) -> Redirect {
    Redirect::to(&format!("/users/{user_id}"))
}

/// A form can only say POST: it carries what it is for.
async fn change_ban(
    State(state): State<AppState>,
    Administrator(current): Administrator,
    OfUser(user_id): OfUser,
    form: Form,
) -> Result<Redirect, PageError> {
    if form.verb() == Verb::Delete {
        return unban(State(state), Administrator(current), OfUser(user_id)).await;
    }
    let notice = match ops::bans::ban(&state, &current.user, user_id).await? {
        Reach::PersonAndAddresses => Notice::Banned,
        Reach::PersonAlone => Notice::BannedAlone,
    };
    Ok(page::go_and_say(&format!("/users/{user_id}"), notice))
}

async fn unban(
    State(state): State<AppState>,
    Administrator(current): Administrator,
    OfUser(user_id): OfUser,
) -> Result<Redirect, PageError> {
    ops::bans::unban(&state, &current.user, user_id).await?;
    Ok(page::go_and_say(&format!("/users/{user_id}"), Notice::Unbanned))
}

async fn own_profile(state: &AppState, current: &CurrentUser) -> AppResult<Profile> {
    store::users::profile(state.db.reader(), current.user.id).await?.ok_or(AppError::SignedOut)
}

async fn transfer_link(
    state: &AppState,
    current: &CurrentUser,
    user_id: UserId,
    headers: &HeaderMap,
) -> AppResult<TransferLink> {
    let id = ops::transfers::mint_for(state, &current.user, user_id).await?;
    let url = format!("{}/session/transfers/{id}", page::own_origin(headers));
    let qr_path = transfers::qr_path(&url);
    Ok(TransferLink { url, qr_path })
}

async fn profile_page(
    site: &Site,
    status: StatusCode,
    current: &CurrentUser,
    profile: Profile,
    headers: &HeaderMap,
    state: FormState,
) -> AppResult<Response> {
    let (app, user_id) = (&site.state, current.user.id);
    let rooms = store::memberships::list_involvements(app.db.reader(), user_id).await?;
    let rooms =
        rooms.into_iter().map(|(id, kind, name, involvement)| OwnRoom { id, kind, name, involvement }).collect();
    let sessions = store::sessions::list(app.db.reader(), user_id, app.clock.now_ms()).await?;
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
    let transfer = transfer_link(app, current, user_id, headers).await?;
    let props = ProfilePageProps { profile, rooms, devices, transfer, text_only: site.text_only, state };
    Ok(page::plain(status, "Your profile", || ProfilePage(props)))
}

/// The `session_id` of the path.
struct OfSession(SessionId);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for OfSession {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(auth::path_part(parts, "session_id").await?))
    }
}
