//! The forms that post, edit and remove messages without scripts. With scripts, the server functions do the same.

use app::pages::edit_message::{EditMessage, EditMessageProps, NotSent, NotSentProps, Reply, ReplyProps};
use app::pages::history::{HistoryPage, HistoryPageProps};
use app::pages::message_menu::{MessageMenu, MessageMenuProps};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use campfire::access::Member;
use campfire::model::{Answering, Answers, ClientMessageId, Draft, MessageId, Posted, RoomKind, paths};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use sha2::{Digest, Sha256};

use crate::Site;
use crate::http::errors::{PageError, retry_after};
use crate::http::form::{Form, Refused, Verb};
use crate::http::multipart::FilesForm;
use crate::http::path::PathId;
use crate::http::render;
use crate::session::{InRoom, Inside, OfMessage, SignedIn};

/// The forms of messages.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/{room_id}/messages", get(room).post(create).layer(DefaultBodyLimit::disable()))
        .route("/rooms/{room_id}/messages/{message_id}", get(show).post(change).put(edit).delete(remove))
        .route("/rooms/{room_id}/messages/preview", post(preview))
        .route("/rooms/{room_id}/messages/{message_id}/edit", get(form_page))
        .route("/rooms/{room_id}/messages/{message_id}/reply", get(reply))
        .route("/rooms/{room_id}/messages/{message_id}/history", get(history))
        .route("/messages/{message_id}/menu", get(menu))
        .route("/rooms/{room_id}/messages/{message_id}/unread", get(show).post(mark_unread))
}

/// A reload after a refused form requests the form's URL with GET.
async fn room(InRoom(member): InRoom) -> Redirect {
    Redirect::to(&room_path(&member))
}

async fn create(
    State(site): State<Site>,
    InRoom(member): InRoom,
    SignedIn(current): SignedIn,
    request: Request,
) -> Result<Response, Response> {
    let state = &site.state;
    let (form, files) = match FilesForm::read(&site, &current, member.room.id, request).await {
        Ok(read) => read,
        Err(refusal) => return Err(refusal),
    };
    let posted = async {
        let client_message_id = match form.get("client_message_id") {
            "" => id_of_form(state, &member, &form),
            given => given.parse()?,
        };
        let as_message = form.has("as_message");
        let answers = Answers { reply_to: answered(&form)?, thread: answering(&form)? };
        ops::commands::send(state, &member, client_message_id, form.get("body"), files?, answers, as_message).await
    };
    respond(&member, &form, posted.await).map_err(IntoResponse::into_response)
}

/// The thread that a form answers in.
fn answering(form: &Form) -> AppResult<Option<Answering>> {
    let thread = Some(form.get("thread")).filter(|thread| !thread.is_empty());
    let message_id = thread.map(str::parse).transpose()?;
    Ok(message_id.map(|message_id| Answering { message_id, in_room: form.has("in_room") }))
}

/// The response to a form that posts a message.
fn respond(member: &Member, form: &Form, posted: AppResult<Option<Posted>>) -> Result<Response, PageError> {
    let answering = answering(form)?;
    let room_path = path_of(member, answering);
    match posted {
        Ok(None | Some(Posted::Stored(_))) => Ok(Redirect::to(&room_path).into_response()),
        // The same form again, after its message was deleted. Without the `seq`, it is a new message.
        Ok(Some(Posted::Removed(_))) => {
            let props = NotSentProps {
                messages_path: paths::messages(member.room.id),
                room_path,
                answering,
                seq: String::new(),
                reply_to: form.get("reply_to").to_owned(),
                body: form.get("body").to_owned(),
                problem: "You have sent this before, and the message was deleted since. Send it again as a new one?"
                    .to_owned(),
                can_be_message: false,
            };
            Ok(render::plain(StatusCode::CONFLICT, "Not sent yet", || NotSent(props)))
        }
        Err(
            error @ (AppError::Invalid(_)
            | AppError::TooLarge(_)
            | AppError::NoSpace(_)
            | AppError::Conflict(_)
            | AppError::Unavailable(_)
            | AppError::TooManyTries(_)),
        ) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            // The text is fine, only not as a command.
            let can_be_message =
                matches!(&error, AppError::Invalid(errors) if errors.get(ops::commands::COMMAND_FIELD).is_some());
            let props = NotSentProps {
                messages_path: paths::messages(member.room.id),
                room_path,
                answering,
                seq: form.get("seq").to_owned(),
                reply_to: form.get("reply_to").to_owned(),
                body: form.get("body").to_owned(),
                problem: error.to_string(),
                can_be_message,
            };
            let mut response = render::plain(status, "Not sent yet", || NotSent(props));
            retry_after(&mut response, &error);
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

async fn show(InRoom(member): InRoom, message_id: PathId<MessageId>) -> Redirect {
    Redirect::to(&paths::message(member.room.id, message_id.0))
}

/// The HTML of a message before it is sent, for the composer's preview.
async fn preview(State(state): State<AppState>, Inside(member): Inside, form: Form) -> Result<Html<String>, PageError> {
    Ok(Html(ops::messages::preview(&state, &member, form.get("body").parse()?).await?))
}

/// The form of a reply, below the message.
async fn reply(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let message = ops::messages::find(&state, &member, message_id).await?;
    let answering = in_thread_only(&state, &member, message_id).await?;
    let messages_path = paths::messages(member.room.id);
    let room_path = path_of(&member, answering);
    let props = ReplyProps { messages_path, room_path, room_name: member.room.name, answering, message };
    Ok(render::plain(StatusCode::OK, "Reply", || Reply(props)))
}

/// The menu of a message as a page. With scripts it opens beside the message.
async fn menu(State(state): State<AppState>, of_message: OfMessage) -> Result<Response, PageError> {
    let OfMessage { member, message_id } = of_message;
    let message = ops::messages::find(&state, &member, message_id).await?;
    let may_change = member.user.may_administer(message.creator_id);
    let is_pinned = ops::pins::is_pinned(&state, message_id).await?;
    let can_have_thread = member.room.kind != RoomKind::Direct;
    let is_in_room = ops::threads::find_only_thread(&state, &member, message_id).await?.is_none();
    let room_name = member.room.name;
    let props = MessageMenuProps { message, room_name, can_have_thread, is_in_room, may_change, is_pinned };
    Ok(render::plain(StatusCode::OK, "Message", || MessageMenu(props)))
}

/// What an edited message said before.
async fn history(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let history = ops::messages::history(&state, &member, message_id).await?;
    let props = HistoryPageProps { history, room_name: member.room.name };
    Ok(render::plain(StatusCode::OK, "History", || HistoryPage(props)))
}

async fn mark_unread(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
) -> Result<Redirect, PageError> {
    ops::memberships::mark_unread(&state, &member, message_id).await?;
    // Not to the room: displaying its newest messages would mark it as read again.
    Ok(Redirect::to(&paths::message(member.room.id, message_id)))
}

async fn form_page(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let (_, source) = ops::messages::source(&state, &member, message_id).await?;
    let answering = in_thread_only(&state, &member, message_id).await?;
    Ok(edit_page(StatusCode::OK, &member, message_id, answering, source, None))
}

/// A form submitted with POST, which carries the method.
async fn change(
    state: State<AppState>,
    member: InRoom,
    message_id: PathId<MessageId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    match form.verb() {
        Verb::Delete => remove(state, member, message_id, headers).await,
        Verb::Put | Verb::Post => edit(state, member, message_id, form).await,
    }
}

async fn edit(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
    form: Form,
) -> Result<Response, PageError> {
    let answering = answering(&form)?;
    let edited: AppResult<_> =
        async { ops::messages::edit(&state, &member, message_id, Draft::beside_files(form.get("body"))?).await }.await;
    match edited {
        Ok(_) => Ok(Redirect::to(&paths::message(member.room.id, message_id)).into_response()),
        // Deleted meanwhile: the text can be sent as a new message.
        Err(AppError::NotFound) => {
            let props = NotSentProps {
                messages_path: paths::messages(member.room.id),
                room_path: path_of(&member, answering),
                answering,
                seq: String::new(),
                reply_to: String::new(),
                body: form.get("body").to_owned(),
                problem: "That message was deleted meanwhile.".to_owned(),
                can_be_message: false,
            };
            Ok(render::plain(StatusCode::NOT_FOUND, "Not saved", || NotSent(props)))
        }
        Err(error) => {
            let refused = Refused::of(error)?;
            let body = form.get("body").to_owned();
            Ok(refused.answer(edit_page(
                refused.status(),
                &member,
                message_id,
                answering,
                body,
                Some(refused.reason()),
            )))
        }
    }
}

async fn remove(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    // A script must be able to tell the answers from the redirect of a request that is refused.
    let is_script = headers.contains_key("x-requested-with");
    match ops::messages::remove(&state, &member, message_id).await {
        Ok(()) if is_script => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(()) => Ok(Redirect::to(&room_path(&member)).into_response()),
        // The same form again: the page of a deleted message says that it is deleted.
        Err(AppError::NotFound) if !is_script => {
            Ok(Redirect::to(&paths::message(member.room.id, message_id)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn edit_page(
    status: StatusCode,
    member: &Member,
    message_id: MessageId,
    answering: Option<Answering>,
    body: String,
    problem: Option<String>,
) -> Response {
    let room_path = path_of(member, answering);
    let path = paths::stored_message(member.room.id, message_id);
    let props = EditMessageProps { path, room_path, answering, body, problem };
    render::plain(status, "Edit message", || EditMessage(props))
}

/// How a message is answered that its thread alone shows: there. `None` for other messages.
async fn in_thread_only(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<Option<Answering>> {
    let root_id = ops::threads::find_only_thread(state, member, message_id).await?;
    Ok(root_id.map(|message_id| Answering { message_id, in_room: false }))
}

/// The page that shows what is written: the room's, or that of the thread.
fn path_of(member: &Member, answering: Option<Answering>) -> String {
    answering.map_or_else(|| room_path(member), |answering| paths::thread(member.room.id, answering.message_id))
}

fn room_path(member: &Member) -> String {
    paths::room(member.room.id)
}

/// The message that a form answers.
fn answered(form: &Form) -> AppResult<Option<MessageId>> {
    match form.get("reply_to") {
        "" => Ok(None),
        id => id.parse().map(Some),
    }
}

/// The client message id of a form without one, derived from the text, the thread and the `seq` of the page: a form that is
/// submitted
/// twice is one message, and the same text from a later page is another one.
fn id_of_form(state: &AppState, member: &Member, form: &Form) -> ClientMessageId {
    let Ok(seq) = form.get("seq").parse::<u64>() else {
        let random = uuid::Uuid::new_v4();
        return ClientMessageId::v7(state.clock.now_ms().unsigned_abs(), first_ten(random.as_bytes()));
    };
    let mut hasher = Sha256::new();
    hasher.update(member.room.id.0.to_be_bytes());
    hasher.update(form.get("body"));
    let thread = form.get("thread");
    if !thread.is_empty() {
        hasher.update(["\0", thread, if form.has("in_room") { "\0" } else { "" }].concat());
    }
    ClientMessageId::v7(seq, first_ten(&hasher.finalize()))
}

fn first_ten(bytes: &[u8]) -> [u8; 10] {
    bytes[..10].try_into().expect("both have more than ten bytes")
}
