//! The messages that a person keeps for later: the list, and the forms of a note and a reminder.

use std::collections::HashMap;

use app::components::form::FormState;
use app::pages::saved::{SaveForm, SaveFormProps, SavedPage, SavedPageProps};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{CurrentUser, Member};
use campfire::error::FieldErrors;
use campfire::model::{Kept, MessageId, Saved, paths};
use campfire::ops::saved::Remind;
use campfire::search::Zone;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::path::PageQuery;
use crate::http::{render, time_zone};
use crate::session::{OfMessage, SignedIn};

/// The list and the forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::SAVED, get(list))
        .route("/saved/{id}", get(show).post(change).put(edit).delete(remove))
        .route("/messages/{message_id}/saved", get(form_page).post(save))
}

async fn list(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let is_done = query.get("show").is_some_and(|show| show == "done");
    let before = query.get("before").and_then(|before| before.parse().ok());
    let (saved, next) = ops::saved::list(&state, &current, is_done, before).await?;
    let next = next.map(|before| paths::saved_before(is_done, before));
    Ok(render::plain(StatusCode::OK, "Saved for later", || SavedPage(SavedPageProps { saved, is_done, next })))
}

/// The form for a message, which may not be kept yet.
async fn form_page(
    State(state): State<AppState>,
    of_message: OfMessage,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let OfMessage { member, message_id } = of_message;
    if let Some(id) = ops::saved::find_id(&state, &current, message_id).await? {
        return Ok(Redirect::to(&paths::saved(id)).into_response());
    }
    let zone = time_zone::of_request(&headers);
    let form = OpenForm::of_message(&state, member, message_id).await?;
    Ok(form.page(StatusCode::OK, &zone, String::new(), String::new(), FieldErrors::default()))
}

/// Keeps a message, with the note and the reminder of the form if it has them.
async fn save(
    State(state): State<AppState>,
    of_message: OfMessage,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let OfMessage { member, message_id } = of_message;
    let id = match ops::saved::save(&state, &member, message_id).await {
        Ok(id) => id,
        // Shown by the script that sent the form.
        Err(AppError::Conflict(reason)) if headers.contains_key("x-requested-with") => {
            return Ok((StatusCode::CONFLICT, reason).into_response());
        }
        Err(AppError::Conflict(reason)) => {
            let mut errors = FieldErrors::default();
            errors.add("form", reason);
            let (note, at) = (form.get("note").to_owned(), form.get("at").to_owned());
            let zone = time_zone::of_form(&form, &headers);
            let form = OpenForm::of_message(&state, member, message_id).await?;
            return Ok(form.page(StatusCode::CONFLICT, &zone, note, at, errors));
        }
        Err(error) => return Err(error.into()),
    };
    if form.has("note") {
        return apply(&state, &current, id, &headers, &form).await;
    }
    Ok(Redirect::to(&paths::message(member.room.id, message_id)).into_response())
}

async fn show(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    SavedId(id): SavedId,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let saved = ops::saved::find(&state, &current, id).await?;
    let zone = time_zone::of_request(&headers);
    let note = saved.note.clone();
    let at = saved.remind_at.and_then(|at_ms| zone.field(at_ms)).unwrap_or_default();
    Ok(OpenForm::of(saved).page(StatusCode::OK, &zone, note, at, FieldErrors::default()))
}

async fn change(
    state: State<AppState>,
    signed_in: SignedIn,
    id: SavedId,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    if form.verb() == Verb::Delete {
        return remove(state, signed_in, id).await;
    }
    if form.has("done") {
        let (State(state), SignedIn(current), SavedId(id)) = (state, signed_in, id);
        let is_done = form.is_checked("done");
        ops::saved::set_done(&state, &current, id, is_done).await?;
        let list = if is_done { paths::SAVED } else { paths::SAVED_DONE };
        return Ok(Redirect::to(list).into_response());
    }
    edit(state, signed_in, id, headers, form).await
}

async fn edit(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    SavedId(id): SavedId,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    apply(&state, &current, id, &headers, &form).await
}

/// Stores the note and the reminder of a form.
async fn apply(
    state: &AppState,
    current: &CurrentUser,
    id: i64,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response, PageError> {
    // The times of the form are those of the zone that it was written for.
    let zone = time_zone::of_form(form, headers);
    let changed: AppResult<()> = async {
        let note = form.get("note").parse()?;
        let remind = match form.get("when") {
            "keep" | "" => Remind::Keep,
            "never" => Remind::Never,
            when => {
                let present = ops::saved::find(state, current, id).await?.remind_at;
                let now_ms = state.clock.now_ms();
                Remind::At(ops::moments::resolve_anew(when, form.get("at"), &zone, now_ms, present)?)
            }
        };
        ops::saved::change(state, current, id, note, remind).await
    }
    .await;
    match changed {
        Ok(()) => Ok(Redirect::to(paths::SAVED).into_response()),
        Err(error) => {
            let refused = Refused::of(error)?;
            let (note, at) = (form.get("note").to_owned(), form.get("at").to_owned());
            let saved = ops::saved::find(state, current, id).await?;
            Ok(refused.answer(OpenForm::of(saved).page(refused.status(), &zone, note, at, refused.errors())))
        }
    }
}

async fn remove(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    SavedId(id): SavedId,
) -> Result<Response, PageError> {
    match ops::saved::remove(&state, &current, id).await {
        // The same form again.
        Ok(()) | Err(AppError::NotFound) => Ok(Redirect::to(paths::SAVED).into_response()),
        Err(error) => Err(error.into()),
    }
}

/// The form before its values are known.
struct OpenForm {
    action: String,
    back: String,
    kept: Kept,
    remind_at: Option<i64>,
}

impl OpenForm {
    async fn of_message(state: &AppState, member: Member, message_id: MessageId) -> AppResult<Self> {
        let message = ops::messages::find(state, &member, message_id).await?;
        let back = message.path();
        let kept = Kept::Message(Box::new(message), member.room.name);
        Ok(Self { action: paths::save_message(message_id), back, kept, remind_at: None })
    }

    fn of(saved: Saved) -> Self {
        let Saved { id, kept, remind_at, .. } = saved;
        Self { action: paths::saved(id), back: paths::SAVED.to_owned(), kept, remind_at }
    }

    fn page(self, status: StatusCode, zone: &Zone, note: String, at: String, errors: FieldErrors) -> Response {
        let Self { action, back, kept, remind_at } = self;
        let state = FormState { values: vec![("note", note), ("at", at)], errors };
        let zone = zone.name().to_owned();
        render::plain(status, "Save for later", || {
            SaveForm(SaveFormProps { action, back, kept, remind_at, zone, state })
        })
    }
}

/// The id of a kept message in the path.
struct SavedId(i64);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for SavedId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, PageError> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        Ok(Self(id.filter(|id| *id > 0).ok_or(AppError::NotFound)?))
    }
}
