//! Messages and boosts of a bot's rooms.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campfire::access::Member;
use campfire::model::{Answers, Draft, FileName, MessageId, Posted, paths};
use campfire::ops::api::{self, ApiPage, Range};
use campfire::ops::{boosts, files, messages};
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use serde::Serialize;

use super::body::{JsonRule, Posting, new_message_id, new_upload_id, read_text, require_files};
use super::bot::{InRoom, Program};
use super::error::{ApiError, Style, Styled};
use super::objects::{BoostObject, MessageObject, message_url};
use crate::Site;
use crate::http::forwarded::Forwarded;
use crate::http::path::PageQuery;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The ids that follow the room in a path.
type Ids = Path<HashMap<String, String>>;

fn message_id(ids: &HashMap<String, String>) -> AppResult<MessageId> {
    ids.get("message_id").ok_or(AppError::NotFound)?.parse()
}

/// A page of the room's messages, oldest first, with the number of all and the URL of the next page.
pub async fn list(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Query(query): PageQuery,
    forwarded: Forwarded,
) -> Result<Response, ApiError> {
    let found: AppResult<_> = async {
        let range = range(&query)?;
        Ok((range, api::page(&state, &member, range).await?))
    }
    .await;
    let (range, page) = found.styled(program.style)?;
    let next = next_url(&program, &member, &forwarded, range, &page);
    let total = HeaderValue::from(page.total_count);
    let objects: Vec<_> =
        page.messages.into_iter().map(|message| MessageObject::new(&forwarded.origin, message)).collect();
    let mut response = Json(objects).into_response();
    response.headers_mut().insert(TOTAL_COUNT, total);
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

fn range(query: &HashMap<String, String>) -> AppResult<Range> {
    match (query.get("before"), query.get("after")) {
        (Some(before), _) => Ok(Range::Before(before.parse()?)),
        (None, Some(after)) => Ok(Range::After(after.parse()?)),
        (None, None) => Ok(Range::Newest),
    }
}

/// The URL of the next page in the direction of the range, if there is one.
fn next_url(program: &Program, member: &Member, forwarded: &Forwarded, range: Range, page: &ApiPage) -> Option<String> {
    if !page.has_more {
        return None;
    }
    let path = match &program.path_key {
        Some(key) => paths::bot_messages(member.room.id, key),
        None => paths::api_messages(member.room.id),
    };
    let (direction, message) = match range {
        Range::Newest | Range::Before(_) => ("before", page.messages.first()?),
        Range::After(_) => ("after", page.messages.last()?),
    };
    Some(format!("{}{path}?{direction}={}", forwarded.origin, message.message.id))
}

/// A message of the room.
pub async fn show(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Path(ids): Ids,
    forwarded: Forwarded,
) -> Result<Json<MessageObject>, ApiError> {
    let found: AppResult<_> = async { api::message(&state, &member, message_id(&ids)?).await }.await;
    Ok(Json(MessageObject::new(&forwarded.origin, found.styled(program.style)?)))
}

/// Posts a text, JSON, or a form with files.
pub async fn create(
    State(site): State<Site>,
    InRoom { program, member }: InRoom,
    forwarded: Forwarded,
    request: Request,
) -> Result<Response, ApiError> {
    let state = &site.state;
    let created: AppResult<Response> = async {
        let Posting { text, client_message_id, files, reply_to, is_json } =
            Posting::read(&site, &program.bot, request, json_rule(&program)).await?;
        let client_message_id = client_message_id.unwrap_or_else(|| new_message_id(state));
        let posted = messages::post_with_files(
            state,
            &member,
            client_message_id,
            &text,
            files,
            Answers { reply_to, thread: None },
        )
        .await?;
        let wants_object = is_json || program.path_key.is_none();
        created(state, &member, &forwarded, posted, wants_object).await
    }
    .await;
    created.styled(program.style)
}

/// The answer to a message that was posted: with its object, if the program wants it.
async fn created(
    state: &AppState,
    member: &Member,
    forwarded: &Forwarded,
    posted: Posted,
    wants_object: bool,
) -> AppResult<Response> {
    let id = match &posted {
        Posted::Stored(message) => message.id,
        Posted::Removed(id) => *id,
    };
    let location = [(header::LOCATION, message_url(&forwarded.origin, member.room.id, id))];
    if !wants_object {
        return Ok((StatusCode::CREATED, location).into_response());
    }
    let message = api::posted(state, posted).await?;
    Ok((StatusCode::CREATED, location, Json(MessageObject::new(&forwarded.origin, message))).into_response())
}

/// Scripts that have the key in the path may post JSON as text.
fn json_rule(program: &Program) -> JsonRule {
    if program.path_key.is_some() { JsonRule::IfItIsAMessage } else { JsonRule::Required }
}

/// Replaces the text of an own message.
pub async fn edit(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Path(ids): Ids,
    forwarded: Forwarded,
    request: Request,
) -> Result<Json<MessageObject>, ApiError> {
    let edited: AppResult<_> = async {
        let message_id = message_id(&ids)?;
        let text = read_text(request, json_rule(&program)).await?;
        // Who may not edit the message is told that, whatever the text.
        messages::source(&state, &member, message_id).await?;
        messages::edit(&state, &member, message_id, Draft::beside_files(&text)?).await?;
        api::message(&state, &member, message_id).await
    }
    .await;
    Ok(Json(MessageObject::new(&forwarded.origin, edited.styled(program.style)?)))
}

/// Removes an own message.
pub async fn remove(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Path(ids): Ids,
) -> Result<StatusCode, ApiError> {
    let removed: AppResult<()> = async { messages::remove(&state, &member, message_id(&ids)?).await }.await;
    removed.styled(program.style).map(|()| StatusCode::NO_CONTENT)
}

/// Adds a boost.
pub async fn boost(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Path(ids): Ids,
    forwarded: Forwarded,
    request: Request,
) -> Result<(StatusCode, Json<BoostObject>), ApiError> {
    let boosted: AppResult<_> = async {
        let message_id = message_id(&ids)?;
        let content = read_text(request, JsonRule::IfItIsAMessage).await?.parse()?;
        let boost = api::boost(&state, &member, message_id, content).await?;
        Ok(BoostObject::new(&forwarded.origin, member.room.id, message_id, boost))
    }
    .await;
    boosted.styled(program.style).map(|object| (StatusCode::CREATED, Json(object)))
}

/// Removes an own boost.
pub async fn unboost(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Path(ids): Ids,
) -> Result<StatusCode, ApiError> {
    let removed: AppResult<()> = async {
        let boost_id = ids.get("boost_id").and_then(|id| id.parse().ok()).ok_or(AppError::NotFound)?;
        boosts::unboost_by_id(&state, &member, message_id(&ids)?, boost_id).await
    }
    .await;
    removed.styled(program.style).map(|()| StatusCode::NO_CONTENT)
}

/// A file that a message can have.
#[derive(Debug, Serialize)]
pub struct FileObject {
    key: String,
    name: String,
    bytes: u64,
}

/// Takes a file whose key a message in JSON can name. The file's name is in the query.
pub async fn receive_file(
    State(site): State<Site>,
    program: Program,
    Query(query): PageQuery,
    request: Request,
) -> Result<(StatusCode, Json<FileObject>), ApiError> {
    let received: AppResult<_> = async {
        require_files(&site)?;
        let name = FileName::clean(query.get("name").map(String::as_str).unwrap_or_default());
        let pieces = request.into_body().into_data_stream();
        files::receive(&site.state, &program.bot, new_upload_id(&site.state), name, pieces).await
    }
    .await;
    let upload = received.styled(Style::Json)?;
    let object = FileObject { key: upload.key.to_string(), name: upload.name.as_str().to_owned(), bytes: upload.bytes };
    Ok((StatusCode::CREATED, Json(object)))
}
