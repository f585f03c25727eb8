//! Pushes: the page of one's devices and of what one wants of notifications, and the requests of browsers that register.

use app::Notice;
use app::components::form::FormState;
use app::pages::notifications::{NotificationsPage, NotificationsPageProps, PushDevice, Standing};
use app::pages::profile::browser_name;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use campfire::access::CurrentUser;
use campfire::error::FieldErrors;
use campfire::model::{PushSettings, PushSubscriptionId, QuietHours, Weekdays, paths};
use campfire::ops::pushes::{Pause, Registered, Registration};
use campfire::search::Zone;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::{PageError, retry_after};
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PathId;
use crate::http::{render, time_zone, urls};
use crate::session::{SignedIn, Visitor};

/// The page, its forms, and the requests of browsers.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::PUSH_SUBSCRIPTIONS, get(list).post(change).delete(unregister))
        .route("/users/me/push_subscriptions/{subscription_id}", get(to_list).post(remove).delete(remove))
        .route("/users/me/push_subscriptions/{subscription_id}/test_notifications", post(test).get(to_list))
        .route(paths::PUSH_SETTINGS, get(to_list).post(set).put(set))
        .route(paths::PUSH_KEY, get(key))
}

async fn list(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let settings = ops::pushes::settings(&state, &current).await?;
    Ok(page(&state, &current, &headers, StatusCode::OK, settings, FieldErrors::default()).await?)
}

/// The page. `settings` are those of the form, which may have been refused.
async fn page(
    state: &AppState,
    current: &CurrentUser,
    headers: &HeaderMap,
    status: StatusCode,
    settings: PushSettings,
    errors: FieldErrors,
) -> AppResult<Response> {
    let key = ops::pushes::public_key(state).await?;
    let devices = ops::pushes::list(state, current).await?;
    let device = |device: ops::pushes::PushDevice| PushDevice {
        id: device.id,
        browser: browser_name(&device.user_agent),
        is_this: device.session_id == current.session_id,
        standing: match device.dead_at {
            Some(_) => Standing::Dead,
            None if push::encode_key(&device.server_key) != key => Standing::OtherKey,
            None => Standing::Working,
        },
        endpoint: device.endpoint,
        last_success_at: device.last_success_at,
        last_failure_at: device.last_failure_at,
        last_failure: device.last_failure,
    };
    let zone = time_zone::name_of_request(headers).unwrap_or_else(|| settings.time_zone.clone());
    let deliveries = ops::inbox::settings(state, current).await?;
    let props = NotificationsPageProps {
        devices: devices.into_iter().map(device).collect(),
        key,
        settings,
        zone,
        deliveries,
        state: FormState { values: Vec::new(), errors },
    };
    Ok(render::plain(status, "Notifications", || NotificationsPage(props)))
}

/// A reload after a refused form requests the form's URL with GET.
async fn to_list() -> Redirect {
    Redirect::to(paths::PUSH_SUBSCRIPTIONS)
}

/// The public key, for browsers that subscribe anew without the page.
async fn key(State(state): State<AppState>, SignedIn(_): SignedIn) -> Result<Response, PageError> {
    let key = ops::pushes::public_key(&state).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], key).into_response())
}

/// Registers the browser that sends the request or, by the method in the form, ends that.
async fn change(
    state: State<AppState>,
    signed_in: SignedIn,
    visitor: Visitor,
    forwarded: Forwarded,
    form: Form,
) -> Response {
    if form.verb() == Verb::Delete {
        return unregister(state, signed_in, form).await;
    }
    let (State(state), SignedIn(current)) = (state, signed_in);
    let field = |name| form.get(name).to_owned();
    let registration = Registration {
        endpoint: field("endpoint"),
        p256dh: field("p256dh_key"),
        auth: field("auth_key"),
        server_key: field("server_key"),
        origin: forwarded.origin.to_string(),
        user_agent: visitor.user_agent,
        is_by_click: form.has("by_click"),
    };
    match ops::pushes::register(&state, &current, registration).await {
        Ok(Registered::Done) => StatusCode::OK.into_response(),
        // What it has is of no use: it subscribes anew, with this key.
        Ok(Registered::Renew) => match ops::pushes::public_key(&state).await {
            Ok(key) => (StatusCode::CONFLICT, key).into_response(),
            Err(error) => refused(&error),
        },
        // Its owner has removed it: it unsubscribes.
        Ok(Registered::Off) => (StatusCode::GONE, "off").into_response(),
        Err(error) => refused(&error),
    }
}

/// Ends the pushes to the browser that sends the request.
async fn unregister(State(state): State<AppState>, SignedIn(current): SignedIn, form: Form) -> Response {
    match ops::pushes::remove_endpoint(&state, &current, form.get("endpoint").to_owned()).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

/// An error for the script that registers, as JSON like that of a server function.
fn refused(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(error)).into_response();
    retry_after(&mut response, error);
    response
}

async fn remove(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    PathId(id): PathId<PushSubscriptionId>,
) -> Result<Redirect, PageError> {
    ops::pushes::remove(&state, &current, id).await?;
    Ok(urls::with_notice(paths::PUSH_SUBSCRIPTIONS, Notice::Saved))
}

async fn test(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    PathId(id): PathId<PushSubscriptionId>,
) -> Result<Redirect, PageError> {
    // The list says what came of it.
    ops::pushes::test(&state, &current, id).await?;
    Ok(urls::with_notice(paths::PUSH_SUBSCRIPTIONS, Notice::TestQueued))
}

/// Changes what the user wants of pushes, or pauses them.
async fn set(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    if form.has("pause") {
        let pause = match form.get("pause") {
            "short" => Pause::Short,
            "tomorrow" => Pause::UntilTomorrow,
            _ => Pause::End,
        };
        // Without scripts, the zone is the one that was known.
        let zone = match time_zone::name_of_request(&headers) {
            Some(name) => name,
            None => ops::pushes::settings(&state, &current).await?.time_zone,
        };
        ops::pushes::pause(&state, &current, pause, Zone::named(&zone).unwrap_or(Zone::UTC)).await?;
        return Ok(urls::with_notice(paths::PUSH_SUBSCRIPTIONS, Notice::Saved).into_response());
    }
    let stored = ops::pushes::settings(&state, &current).await?;
    let mut errors = FieldErrors::default();
    let weekdays = |name| Weekdays::new(form.get_all(name).filter_map(|day| day.parse().ok()));
    let time = |name, errors: &mut FieldErrors| errors.take(form.get(name).parse());
    let quiet = QuietHours {
        from: time("quiet_from", &mut errors).unwrap_or(stored.quiet.from),
        to: time("quiet_to", &mut errors).unwrap_or(stored.quiet.to),
        nights: weekdays("quiet_nights"),
        days: weekdays("quiet_days"),
    };
    let entered = PushSettings {
        names_only: form.get("content") == "names",
        quiet,
        // Without scripts, the zone stays the one that was known.
        time_zone: time_zone::name_of_request(&headers).unwrap_or(stored.time_zone),
        paused_until: stored.paused_until,
    };
    let changed = if errors.is_empty() {
        ops::pushes::change_settings(&state, &current, entered.clone()).await
    } else {
        Err(AppError::Invalid(errors))
    };
    let Err(error) = changed else {
        return Ok(urls::with_notice(paths::PUSH_SUBSCRIPTIONS, Notice::Saved).into_response());
    };
    let refused = Refused::of(error)?;
    let answer = page(&state, &current, &headers, refused.status(), entered, refused.errors()).await?;
    Ok(refused.answer(answer))
}
