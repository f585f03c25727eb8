//! Users: the own profile and devices, the pages of others, and bans.

use app::Notice;
use app::components::form::FormState;
use app::pages::person::{PersonPage, PersonPageProps};
use app::pages::profile::{Device, LinkOffer, OwnRoom, ProfilePage, ProfilePageProps, browser_name};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::CurrentUser;
use campfire::error::FieldErrors;
use campfire::model::{Password, Profile, Role, SessionId, Status, Theme, UserId, UserName, paths};
use campfire::ops::bans::BanScope;
use campfire::ops::users::{NewPassword, OtherSessions, ProfileChange};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::cookies;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PathId;
use crate::http::{form, render, urls};
use crate::session::{Administers, SignedIn, Visitor};

/// The fields for the present password: of the forms for another password, another address, and a sign-in link.
const PASSWORD_FIELDS: [&str; 3] = ["present_password", "address_password", "link_password"];

/// How long a browser keeps the theme, in seconds: 400 days, the maximum in browsers (RFC 6265bis, section 5.5).
const THEME_MAX_AGE_S: u32 = 400 * 24 * 60 * 60;

/// The pages and forms of users.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/users/{user_id}", get(person))
        // The id is ignored: the profile is that of the signed-in user.
        .route("/users/{user_id}/profile", get(profile).post(update).put(update))
        .route(paths::OWN_THEME, get(appearance).post(choose_theme).put(choose_theme))
        .route("/users/me/sessions", get(devices).post(sign_out_others).delete(sign_out_others))
        .route("/users/me/sessions/{session_id}", get(devices).post(sign_out).delete(sign_out))
        .route("/users/{user_id}/ban", get(back_to_person).post(change_ban).delete(unban))
        .route("/users/{user_id}/sign_in_link", get(back_to_person).post(make_link))
}

async fn person(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    visitor: Visitor,
    PathId(user_id): PathId<UserId>,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let person = ops::users::profile(&state, &current, user_id).await?;
    let offer = if may_sign_in(&current, &person) {
        let id = ops::transfers::mint_if_recent(&state, &current, user_id, visitor.address).await?;
        Some(link_offer(id, &forwarded))
    } else {
        None
    };
    Ok(person_page(StatusCode::OK, current, person, offer, FormState::default()))
}

/// Whether the current user may have a link that signs this user in.
fn may_sign_in(current: &CurrentUser, person: &Profile) -> bool {
    current.user.role == Role::Administrator && person.role != Role::Bot && person.status == Status::Active
}

fn person_page(
    status: StatusCode,
    current: CurrentUser,
    person: Profile,
    link: Option<LinkOffer>,
    state: FormState,
) -> Response {
    let title = person.name.clone();
    let props = PersonPageProps { viewer: current.user, person, link, state };
    render::plain(status, &title, || PersonPage(props))
}

/// Shows the link that signs a user in, after the present password was entered.
async fn make_link(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    visitor: Visitor,
    PathId(user_id): PathId<UserId>,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let state = &site.state;
    let present = present_password(&form);
    let made = ops::transfers::mint_for(state, &current, user_id, present.as_ref(), visitor.address).await;
    let (id, refused) = match made {
        Ok(id) => (Some(id), None),
        Err(error) => (None, Some(Refused::of(error)?)),
    };
    let status = refused.as_ref().map_or(StatusCode::OK, Refused::status);
    let errors = refused.as_ref().map(Refused::errors).unwrap_or_default();
    let errors = errors.moved(PASSWORD_FIELDS[0], "link_password").moved("form", "link_password");
    let offer = link_offer(id, &forwarded);
    let person = ops::users::profile(state, &current, user_id).await?;
    let response = if user_id == current.user.id {
        let values = profile_values(&person);
        profile_page(&site, status, &current, person, offer, FormState { values, errors }).await?
    } else {
        person_page(status, current, person, Some(offer), FormState { values: Vec::new(), errors })
    };
    Ok(match refused {
        Some(refused) => refused.answer(response),
        None => response,
    })
}

async fn profile(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    visitor: Visitor,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let profile = ops::users::own_profile(&site.state, &current).await?;
    let id = ops::transfers::mint_if_recent(&site.state, &current, current.user.id, visitor.address).await?;
    let state = form::fresh(profile_values(&profile));
    Ok(profile_page(&site, StatusCode::OK, &current, profile, link_offer(id, &forwarded), state).await?)
}

/// The fields of the form as they are stored.
fn profile_values(profile: &Profile) -> Vec<(&'static str, String)> {
    vec![
        ("name", profile.name.clone()),
        ("email_address", profile.email_address.clone().unwrap_or_default()),
        ("bio", profile.bio.clone()),
    ]
}

/// Changes the profile and the password. Fields missing in the form are not changed.
async fn update(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    visitor: Visitor,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let profile = ops::users::own_profile(&site.state, &current).await?;
    let entered = |name: &str, stored: &str| if form.has(name) { form.get(name).to_owned() } else { stored.to_owned() };
    let name = entered("name", &profile.name);
    let stored_address = profile.email_address.clone().unwrap_or_default();
    let email_address = entered("email_address", &stored_address);
    let bio = entered("bio", &profile.bio);

    let mut errors = FieldErrors::default();
    // A stored name or address stays as it is, even one that would not be accepted today.
    let parsed_name =
        if name == profile.name { Some(UserName::stored(name.clone())) } else { errors.take(name.parse()) };
    let parsed_address = if email_address.trim() == stored_address { None } else { errors.take(email_address.parse()) };
    let parsed_bio = errors.take(bio.parse());
    let password = new_password(&form, &mut errors);
    let others = password.as_ref().map(|password| password.others);
    let changes_password = password.is_some() || !form.has("email_address");
    let updated = match (parsed_name, parsed_bio) {
        (Some(name), Some(bio)) if errors.is_empty() => {
            let change = ProfileChange {
                name,
                email_address: parsed_address,
                bio,
                password,
                present_password: present_password(&form),
                from: visitor.address,
            };
            ops::users::update_profile(&site.state, &current, change).await
        }
        _ => Err(AppError::Invalid(errors)),
    };
    let Err(error) = updated else {
        let notice = match others {
            None => Notice::Saved,
            Some(OtherSessions::Kept) => Notice::PasswordChanged,
            Some(OtherSessions::Ended) => Notice::PasswordChangedEverywhere,
        };
        return Ok(urls::with_notice(paths::OWN_PROFILE, notice).into_response());
    };
    let refused = Refused::of(error)?;
    let errors = if changes_password {
        refused.errors().moved("form", "password")
    } else {
        refused.errors().moved(PASSWORD_FIELDS[0], "address_password")
    };
    let values = vec![("name", name), ("email_address", email_address), ("bio", bio)];
    let id = ops::transfers::mint_if_recent(&site.state, &current, current.user.id, visitor.address).await?;
    let state = FormState { values, errors };
    let page = profile_page(&site, refused.status(), &current, profile, link_offer(id, &forwarded), state).await?;
    Ok(refused.answer(page))
}

/// The new password in the form, if it has one. Other devices are signed out unless the form says to keep them.
fn new_password(form: &Form, errors: &mut FieldErrors) -> Option<NewPassword> {
    let changes_address = form.has("email_address");
    let is_of_password = form.has("password") || !form.get("present_password").is_empty();
    if form.get("password").is_empty() && (changes_address || !is_of_password) {
        return None;
    }
    let password = errors.take(form.get("password").parse())?;
    let others = if form.is_checked("keep_others") { OtherSessions::Kept } else { OtherSessions::Ended };
    Some(NewPassword { password, others })
}

/// The present password in the form, if it has one.
fn present_password(form: &Form) -> Option<Password> {
    let entered = PASSWORD_FIELDS.map(|name| form.get(name)).into_iter().find(|entered| !entered.is_empty());
    entered.map(|entered| Password::to_check(entered.to_owned()))
}

/// A reload after a refused form requests the form's URL with GET.
async fn appearance() -> Redirect {
    Redirect::to(&format!("{}#appearance", paths::OWN_PROFILE))
}

/// Stores the user's theme, and for the pages before signing in also in the browser.
async fn choose_theme(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let theme: Theme = form.get("theme").parse()?;
    ops::users::choose_theme(&state, &current, theme).await?;
    let mut response = urls::with_notice(paths::OWN_PROFILE, Notice::Saved).into_response();
    let name = cookies::theme(&forwarded.origin);
    let cookie = format!("{name}={}; Path=/; Max-Age={THEME_MAX_AGE_S}; SameSite=Lax; HttpOnly", theme.word());
    response.headers_mut().append(header::SET_COOKIE, cookie.parse().map_err(|_| AppError::Internal)?);
    Ok(response)
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
        BanScope { spared_count: 1.., .. } => Notice::BannedShared,
        BanScope { banned_count: 1.., .. } => Notice::Banned,
        BanScope { .. } => Notice::BannedAlone,
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

/// The link with this transfer id, or the form that asks for the password.
fn link_offer(id: Option<String>, forwarded: &Forwarded) -> LinkOffer {
    let Some(id) = id else { return LinkOffer::PasswordNeeded };
    let url = [&*forwarded.origin, &paths::transfer(&id)].concat();
    let qr_path = paths::qr_code(&url);
    LinkOffer::Link { url, qr_path }
}

/// The profile with the errors of the form of the picture.
pub(super) async fn refused(
    site: &Site,
    current: &CurrentUser,
    visitor: &Visitor,
    forwarded: &Forwarded,
    errors: FieldErrors,
) -> AppResult<Response> {
    let profile = ops::users::own_profile(&site.state, current).await?;
    let id = ops::transfers::mint_if_recent(&site.state, current, current.user.id, visitor.address).await?;
    let state = FormState { values: profile_values(&profile), errors };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    profile_page(site, status, current, profile, link_offer(id, forwarded), state).await
}

async fn profile_page(
    site: &Site,
    status: StatusCode,
    current: &CurrentUser,
    profile: Profile,
    link: LinkOffer,
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
    let asks_password = !ops::sessions::is_recent(app, current).await?;
    let may_set_password = ops::sessions::may_set_password(app, current).await?;
    let has_picture = ops::avatars::has_own(app, current).await?;
    let theme = ops::users::theme(app, current).await?;
    let props = ProfilePageProps {
        profile,
        rooms,
        theme,
        devices,
        link,
        asks_password,
        may_set_password,
        has_picture,
        text_only: site.state.is_text_only(),
        state,
    };
    Ok(render::plain(status, "Your profile", || ProfilePage(props)))
}
