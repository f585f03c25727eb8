//! The search page, and the lists for completions.

use std::collections::HashMap;

use app::pages::search::{SearchPage, SearchPageProps};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use campfire::access::CurrentUser;
use campfire::model::{Person, RoomId, UserId, paths};
use campfire::ops::searches::SearchResults;
use campfire::richtext::mention_texts;
use campfire::search::without_each_filter;
use campfire::state::AppState;
use campfire::{AppError, AppResult, folding, ops, richtext};
use serde::Serialize;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::path::PageQuery;
use crate::http::{render, time_zone};
use crate::session::{InRoom, SignedIn};

/// Maximum size of a list for completions, in bytes: some 2,000 people.
const MAX_OFFER_BYTES: usize = 128 * 1_024;

/// Set where a list for completions is not all of it: the rest is found by its parameter `query`.
const HAS_MORE: HeaderName = HeaderName::from_static("x-has-more");

/// The search page and the lists for completions.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/searches", get(show).post(create))
        .route("/searches/clear", get(cleared).post(clear).delete(clear))
        .route("/autocompletable/users", get(people))
        .route("/autocompletable/rooms", get(rooms))
        .route("/rooms/{room_id}/commands", get(commands))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let asked = query.get("q").map(|asked| asked.trim().to_owned()).unwrap_or_default();
    results(&state, &current, asked, &headers).await
}

/// The search page with the results of a query, or with the reason why there are none.
async fn results(
    state: &AppState,
    current: &CurrentUser,
    asked: String,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let recent = ops::searches::list_recent(state, current).await?;
    let zone = time_zone::of_request(headers);
    let (status, found) = match ops::searches::search(state, current, &asked, &zone).await {
        Ok(found) => (StatusCode::OK, found),
        Err(AppError::Invalid(errors)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            SearchResults { remarks: vec![errors.to_string()], ..SearchResults::default() },
        ),
        Err(error) => return Err(error.into()),
    };
    let SearchResults { messages, terms, remarks, has_more } = found;
    // Marking the terms in a hundred long messages would block the runtime.
    let marking = move || {
        let marked = messages.into_iter().map(|(mut message, room)| {
            message.body_html = richtext::mark_terms(&message.body_html, &terms);
            (message, room)
        });
        marked.collect()
    };
    let messages = tokio::task::spawn_blocking(marking).await.map_err(|_| AppError::Internal)?;
    let recent = recent.into_iter().map(|query| (query.clone(), search_path(&query))).collect();
    let filters = without_each_filter(&asked);
    let filters = filters.into_iter().map(|(filter, rest)| (filter.to_owned(), search_path(&rest))).collect();
    let props = SearchPageProps { recent, messages, remarks, has_more, filters, asked };
    Ok(render::plain(status, "Search", || SearchPage(props)))
}

/// Stores the query among the recent ones and redirects to its results. An invalid one is not stored and is answered
/// here, with the reason: one that is too long for a search may be too long for a URL as well.
async fn create(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let asked = form.get("q").split_whitespace().collect::<Vec<_>>().join(" ");
    match ops::searches::remember(&state, &current, &asked).await {
        // Who searches very fast gets the results, and not all of these searches are remembered.
        Ok(()) | Err(AppError::TooManyTries(_)) => Ok(Redirect::to(&search_path(&asked)).into_response()),
        Err(AppError::Invalid(_)) => results(&state, &current, asked, &headers).await,
        Err(error) => Err(error.into()),
    }
}

fn search_path(asked: &str) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", asked).finish();
    format!("{}?{query}", paths::SEARCHES)
}

async fn cleared(_: SignedIn) -> Redirect {
    Redirect::to(paths::SEARCHES)
}

/// A form submitted with POST, which carries the method.
async fn clear(State(state): State<AppState>, SignedIn(current): SignedIn, form: Form) -> Result<Redirect, PageError> {
    if form.verb() == Verb::Put {
        return Err(AppError::NotFound.into());
    }
    ops::searches::forget(&state, &current).await?;
    Ok(Redirect::to(paths::SEARCHES))
}

/// An entry of a list for completions.
#[derive(Serialize)]
struct Offered {
    name: String,
    value: i64,
    /// What a message contains to mention a person; without a room there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    mention: Option<String>,
}

/// The people that can be mentioned: the others of a room, by their last message, or all active ones, by name. `query`
/// filters by a part of the name.
async fn people(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let (people, mentions) = match query.get("room_id") {
        Some(room_id) => {
            let room_id: RoomId = room_id.parse()?;
            let member = state.members.find(&current, room_id).await?;
            let people = ops::memberships::list_people_by_activity(&state, &member).await?;
            let mentions = mention_texts(&people);
            (people, mentions)
        }
        None => (ops::users::list(&state, &current).await?, Vec::new()),
    };
    // Nobody mentions themselves; authors of messages are oneself, too.
    let is_offered = |id: UserId| mentions.is_empty() || id != current.user.id;
    let mut texts = mentions.iter();
    let offers = people.into_iter().map(|Person { id, name }| (id, name, texts.next().cloned()));
    let offers = offers.filter(|(id, ..)| is_offered(*id));
    Ok(offer(offers.map(|(id, name, mention)| Offered { name, value: id.0, mention }), &query)?)
}

/// The user's rooms, for the search filter `in:`.
async fn rooms(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let rooms = ops::memberships::list_involvements(&state, &current).await?.into_iter();
    let offers = rooms.map(|(id, _, name, _)| Offered { name, value: id.0, mention: None });
    Ok(offer(offers, &query)?)
}

/// A slash command in a list for completions.
#[derive(Serialize)]
struct OfferedCommand {
    /// Its word, without the slash.
    name: String,
    /// The name of its bot.
    caption: String,
}

/// The slash commands of a room, by word. Of each bot there are at most ten.
async fn commands(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    let offers = ops::commands::list(&state, &member).await?;
    let offers = offers.into_iter().map(|(name, caption)| OfferedCommand { name, caption });
    Ok(Json(offers.collect::<Vec<_>>()).into_response())
}

/// The list of those whose names contain `query`, as far as [`MAX_OFFER_BYTES`] go. If they do not go far enough, a header
/// says so.
fn offer(offers: impl Iterator<Item = Offered>, query: &HashMap<String, String>) -> AppResult<Response> {
    let wanted = folding::words(query.get("query").map(String::as_str).unwrap_or_default());
    let mut json = String::from("[");
    let mut headers = vec![(header::CONTENT_TYPE, "application/json")];
    for offered in offers.filter(|offered| wanted.is_empty() || folding::words(&offered.name).contains(&wanted)) {
        let entry = serde_json::to_string(&offered).map_err(|_| AppError::Internal)?;
        if json.len() + entry.len() > MAX_OFFER_BYTES {
            headers.push((HAS_MORE, "true"));
            break;
        }
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&entry);
    }
    json.push(']');
    Ok((AppendHeaders(headers), json).into_response())
}
