//! Messages that are to be sent later: the list, and the forms that schedule one, change it, send it now and cancel it.

use std::collections::HashMap;

use app::components::form::FormState;
use app::pages::scheduled::{ScheduleForm, ScheduleFormProps, ScheduledPage, ScheduledPageProps};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{CurrentUser, Member};
use campfire::error::FieldErrors;
use campfire::model::{ClientMessageId, ScheduledState, paths};
use campfire::search::Zone;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::{PageError, retry_after};
use crate::http::form::{Form, Refused, Verb};
use crate::http::multipart::FilesForm;
use crate::http::{render, time_zone};
use crate::session::{InRoom, SignedIn};

/// The list and the forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::SCHEDULED, get(list))
        .route("/scheduled/{id}", get(show).post(change).put(edit).delete(remove))
        .route("/rooms/{room_id}/scheduled", get(form_page).post(schedule).layer(DefaultBodyLimit::disable()))
        .route("/rooms/{room_id}/scheduled/new", get(form_page))
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
    let id = new_id(&state);
    let form = OpenForm::of_room(&member, &id);
    form.page(StatusCode::OK, &time_zone::of_request(&headers), String::new(), String::new(), FieldErrors::default())
}

/// Schedules the message of a form: that of the page above, or the composer's, which is multipart.
async fn schedule(
    State(site): State<Site>,
    InRoom(member): InRoom,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let state = &site.state;
    let (form, files) = FilesForm::read(&site, &current, member.room.id, request).await?;
    let is_script = headers.contains_key("x-requested-with");
    let zone = time_zone::of_form(&form, &headers);
    let id: ClientMessageId = match form.get("client_message_id") {
        "" => new_id(state),
        given => given.parse().map_err(|error| PageError(error).into_response())?,
    };
    let at = form.get("at");
    let scheduled: AppResult<(i64, i64)> = async {
        if !files?.is_empty() {
            let reason = "Files cannot be sent later. Send them now, or send the text alone later.";
            return Err(AppError::invalid("form", reason));
        }
        let send_at = ops::moments::resolve(form.get("when"), at, &zone, state.clock.now_ms())?;
        let scheduled_id = ops::scheduled::schedule(state, &member, id.clone(), form.get("body"), send_at).await?;
        Ok((scheduled_id, send_at))
    }
    .await;
    match scheduled {
        Ok((scheduled_id, send_at)) if is_script => {
            let words = format!("To be sent {}.", zone.words(send_at).unwrap_or_default());
            let location = [(header::LOCATION, paths::scheduled(scheduled_id))];
            Ok((StatusCode::CREATED, location, words).into_response())
        }
        Ok(_) => Ok(Redirect::to(paths::SCHEDULED).into_response()),
        // Shown by the script that sent the form, which keeps the text.
        Err(error) if is_script => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            let mut response = (status, error.to_string()).into_response();
            retry_after(&mut response, &error);
            Err(response)
        }
        Err(error) => {
            let form_of_room = OpenForm::of_room(&member, &id);
            form_of_room.refused(error, &zone, &form).map_err(IntoResponse::into_response)
        }
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
        let send_at = ops::moments::resolve(form.get("when"), form.get("at"), &zone, state.clock.now_ms())?;
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
        }
    }

    fn of_waiting(id: i64, room_name: String) -> Self {
        let (action, back) = (paths::scheduled(id), paths::SCHEDULED.to_owned());
        Self { action, back, room_name, client_message_id: String::new(), is_waiting: true }
    }

    fn page(self, status: StatusCode, zone: &Zone, body: String, at: String, errors: FieldErrors) -> Response {
        let Self { action, back, room_name, client_message_id, is_waiting } = self;
        let state = FormState { values: vec![("body", body), ("at", at)], errors };
        let zone = zone.name().to_owned();
        render::plain(status, "Send later", || {
            ScheduleForm(ScheduleFormProps { action, back, room_name, is_waiting, client_message_id, zone, state })
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
