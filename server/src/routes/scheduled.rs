//! Messages that are to be sent later: the list, and the forms that schedule one, change it, send it now and cancel it.

use std::collections::HashMap;

use app::components::drafts::Drafts;
use app::components::form::FormState;
use app::pages::scheduled::{ScheduleForm, ScheduleFormProps, ScheduledPage, ScheduledPageProps};
use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{CurrentUser, Member};
use campfire::error::FieldErrors;
use campfire::model::{ClientMessageId, ScheduledState, paths};
use campfire::search::Zone;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::{render, time_zone};
use crate::session::{InRoom, SignedIn};

/// The list and the forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::SCHEDULED, get(list))
        .route("/scheduled/{id}", get(show).post(change).put(edit).delete(remove))
        .route("/rooms/{room_id}/scheduled", get(form_page).post(schedule))
        .route("/rooms/{room_id}/scheduled/new", get(form_page).post(form_with_text))
}

async fn list(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Response, PageError> {
    Ok(page(&state, &current, StatusCode::OK, None).await?)
}

async fn page(
    state: &AppState,
    current: &CurrentUser,
    status: StatusCode,
    problem: Option<String>,
) -> AppResult<Response> {
    let scheduled = ops::scheduled::list(state, current).await?;
    Ok(render::plain(status, "Send later", || ScheduledPage(ScheduledPageProps { scheduled, problem })))
}

/// The form for a new message, which is also what a reload after a refused form requests.
async fn form_page(State(state): State<AppState>, InRoom(member): InRoom, headers: HeaderMap) -> Response {
    let form = OpenForm::of_room(&member, &new_id(&state));
    form.page(StatusCode::OK, &time_zone::of_request(&headers), String::new(), String::new(), FieldErrors::default())
}

/// The form with the text of the composer, which is submitted to it. Its files are not: only their names come along.
async fn form_with_text(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let has_files = form.get_all("files").any(|name| !name.is_empty());
    let open = OpenForm { has_files, ..OpenForm::of_room(&member, &new_id(&state)) };
    let zone = time_zone::of_request(&headers);
    open.page(StatusCode::OK, &zone, form.get("body").to_owned(), String::new(), FieldErrors::default())
}

/// Schedules the message of the form.
async fn schedule(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let zone = time_zone::of_form(&form, &headers);
    let id: ClientMessageId = match form.get("client_message_id") {
        "" => new_id(&state),
        given => given.parse()?,
    };
    let scheduled: AppResult<i64> = async {
        let send_at = ops::moments::resolve(form.get("when"), form.get("at"), &zone, state.clock.now_ms())?;
        ops::scheduled::schedule(&state, &member, id.clone(), form.get("body"), send_at).await
    }
    .await;
    match scheduled {
        Ok(_) => Ok(Redirect::to(paths::SCHEDULED).into_response()),
        // Submitted again, it is another message.
        Err(error @ AppError::Conflict(_)) => OpenForm::of_room(&member, &new_id(&state)).refused(error, &zone, &form),
        Err(error) => OpenForm::of_room(&member, &id).refused(error, &zone, &form),
    }
}

async fn show(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    ScheduledId(id): ScheduledId,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let scheduled = ops::scheduled::find(&state, &current, id).await?;
    if scheduled.state != ScheduledState::Waiting {
        return Ok(Redirect::to(paths::SCHEDULED).into_response());
    }
    let zone = time_zone::of_request(&headers);
    let at = zone.field(scheduled.send_at).unwrap_or_default();
    let form = OpenForm::of_waiting(id, scheduled.room_name);
    Ok(form.page(StatusCode::OK, &zone, scheduled.body, at, FieldErrors::default()))
}

async fn change(
    state: State<AppState>,
    signed_in: SignedIn,
    id: ScheduledId,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    if form.verb() == Verb::Delete {
        return remove(state, signed_in, id).await;
    }
    if form.get("when") != "now" {
        return edit(state, signed_in, id, headers, form).await;
    }
    let (State(state), SignedIn(current), ScheduledId(id)) = (state, signed_in, id);
    match ops::scheduled::send_now(&state, &current, id).await {
        Ok(scheduled) => Ok(match scheduled.state {
            ScheduledState::Sent { message_id, .. } => {
                Redirect::to(&paths::message(scheduled.room_id, message_id)).into_response()
            }
            _ => Redirect::to(paths::SCHEDULED).into_response(),
        }),
        Err(AppError::Conflict(reason)) => Ok(page(&state, &current, StatusCode::CONFLICT, Some(reason)).await?),
        Err(error) => Err(error.into()),
    }
}

async fn edit(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    ScheduledId(id): ScheduledId,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let zone = time_zone::of_form(&form, &headers);
    let changed: AppResult<()> = async {
        let present = ops::scheduled::find(&state, &current, id).await?.send_at;
        let (when, at, now_ms) = (form.get("when"), form.get("at"), state.clock.now_ms());
        let send_at = ops::moments::resolve_anew(when, at, &zone, now_ms, Some(present))?;
        ops::scheduled::change(&state, &current, id, form.get("body"), send_at).await
    }
    .await;
    match changed {
        Ok(()) => Ok(Redirect::to(paths::SCHEDULED).into_response()),
        Err(AppError::Conflict(reason)) => Ok(page(&state, &current, StatusCode::CONFLICT, Some(reason)).await?),
        Err(error) => {
            let scheduled = ops::scheduled::find(&state, &current, id).await?;
            OpenForm::of_waiting(id, scheduled.room_name).refused(error, &zone, &form)
        }
    }
}

async fn remove(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    ScheduledId(id): ScheduledId,
) -> Result<Response, PageError> {
    match ops::scheduled::remove(&state, &current, id).await {
        // The same form again.
        Ok(()) | Err(AppError::NotFound) => Ok(Redirect::to(paths::SCHEDULED).into_response()),
        Err(AppError::Conflict(reason)) => Ok(page(&state, &current, StatusCode::CONFLICT, Some(reason)).await?),
        Err(error) => Err(error.into()),
    }
}

/// The form before its values are known.
struct OpenForm {
    action: String,
    back: String,
    room_name: String,
    client_message_id: String,
    is_waiting: bool,
    /// Where the browser keeps the text that was not sent.
    draft_key: Option<String>,
    has_files: bool,
}

impl OpenForm {
    fn of_room(member: &Member, id: &ClientMessageId) -> Self {
        let room_id = member.room.id;
        Self {
            action: paths::room_scheduled(room_id),
            back: paths::room(room_id),
            room_name: member.room.name.clone(),
            client_message_id: id.as_str().to_owned(),
            is_waiting: false,
            draft_key: Some(Drafts::new(member.user.id, room_id, None).words_key()),
            has_files: false,
        }
    }

    fn of_waiting(id: i64, room_name: String) -> Self {
        let (action, back) = (paths::scheduled(id), paths::SCHEDULED.to_owned());
        let client_message_id = String::new();
        Self { action, back, room_name, client_message_id, is_waiting: true, draft_key: None, has_files: false }
    }

    fn page(self, status: StatusCode, zone: &Zone, body: String, at: String, errors: FieldErrors) -> Response {
        let Self { action, back, room_name, client_message_id, is_waiting, draft_key, has_files } = self;
        let state = FormState { values: vec![("body", body), ("at", at)], errors };
        let zone = zone.name().to_owned();
        render::plain(status, "Send later", || {
            ScheduleForm(ScheduleFormProps {
                action,
                back,
                room_name,
                is_waiting,
                client_message_id,
                draft_key,
                has_files,
                zone,
                state,
            })
        })
    }

    /// The form again, with its values and the reason.
    fn refused(self, error: AppError, zone: &Zone, form: &Form) -> Result<Response, PageError> {
        let (body, at) = (form.get("body").to_owned(), form.get("at").to_owned());
        if let AppError::Conflict(reason) = error {
            let mut errors = FieldErrors::default();
            errors.add("form", reason);
            return Ok(self.page(StatusCode::CONFLICT, zone, body, at, errors));
        }
        let refused = Refused::of(error)?;
        Ok(refused.answer(self.page(refused.status(), zone, body, at, refused.errors())))
    }
}

/// An id for a message that a form schedules: the form can be submitted twice.
fn new_id(state: &AppState) -> ClientMessageId {
    let random = uuid::Uuid::new_v4();
    let randomness = random.as_bytes()[..10].try_into().expect("a UUID has more than ten bytes");
    ClientMessageId::v7(state.clock.now_ms().unsigned_abs(), randomness)
}

/// The id of a scheduled message in the path.
struct ScheduledId(i64);

impl<S: Send + Sync> FromRequestParts<S> for ScheduledId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        Ok(Self(id.filter(|id| *id > 0).ok_or(AppError::NotFound)?))
    }
}
