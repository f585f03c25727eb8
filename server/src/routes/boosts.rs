//! Boosts: the forms under messages, and the picker.

use app::pages::boost::{BoostPage, BoostPageProps, Offer};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get};
use campfire::model::{QUICK_BOOSTS, paths};
use campfire::state::AppState;
use campfire::{AppError, emoji, ops};
use std::collections::HashMap;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::path::PageQuery;
use crate::http::render;
use crate::session::OfMessage;

/// The forms and the picker of boosts.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/messages/{message_id}/boosts", get(shown).post(change))
        .route("/messages/{message_id}/boosts/new", get(choose))
        .route("/messages/{message_id}/boosts/{boost_id}", delete(remove))
}

/// A reload after a refused form requests the form's URL with GET.
async fn shown(of_message: OfMessage) -> Redirect {
    Redirect::to(&message_path(&of_message))
}

/// Adds the boost in `content`, or removes the one in `remove`.
async fn change(
    State(state): State<AppState>,
    of_message: OfMessage,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let OfMessage { member, message_id } = &of_message;
    let changed = async {
        if form.has("remove") {
            ops::boosts::unboost(&state, member, *message_id, form.get("remove").parse()?).await
        } else if form.verb() == Verb::Delete {
            ops::boosts::unboost(&state, member, *message_id, form.get("content").parse()?).await
        } else {
            ops::boosts::boost(&state, member, *message_id, form.get("content").parse()?).await
        }
    };
    match changed.await {
        Ok(()) if headers.contains_key("x-requested-with") => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(()) => Ok(Redirect::to(&message_path(&of_message)).into_response()),
        Err(error) => {
            let refused = Refused::of(error)?;
            let typed = form.get("content").to_owned();
            let page = picker_page(refused.status(), &of_message, &HashMap::new(), typed, Some(refused.reason()));
            Ok(refused.answer(page))
        }
    }
}

/// Removes a boost of the user by its id; boosts of other users get 404.
async fn remove(
    State(state): State<AppState>,
    of_message: OfMessage,
    Path(path): Path<HashMap<String, String>>,
) -> Result<StatusCode, PageError> {
    let OfMessage { member, message_id } = of_message;
    let boost_id: i64 = path.get("boost_id").and_then(|id| id.parse().ok()).ok_or(AppError::NotFound)?;
    ops::boosts::unboost_by_id(&state, &member, message_id, boost_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn choose(of_message: OfMessage, Query(query): PageQuery) -> Response {
    picker_page(StatusCode::OK, &of_message, &query, String::new(), None)
}

fn picker_page(
    status: StatusCode,
    of_message: &OfMessage,
    query: &HashMap<String, String>,
    typed: String,
    problem: Option<String>,
) -> Response {
    let asked = query.get("content").map(String::as_str).unwrap_or_default().trim().to_owned();
    let group = query.get("group").and_then(|group| group.parse().ok()).unwrap_or(0);
    let offers = if asked.is_empty() { emoji::list_group(group) } else { emoji::find(&asked) };
    let offers = offers.into_iter().map(|emoji| Offer { content: emoji.content, name: emoji.name }).collect();
    let quick = QUICK_BOOSTS.into_iter().map(|(content, name)| Offer { content, name }).collect();
    let message_id = of_message.message_id;
    let groups = emoji::GROUPS.to_vec();
    let back = message_path(of_message);
    let props = BoostPageProps { message_id, back, quick, offers, groups, group, asked, typed, problem };
    render::plain(status, "Boost", || BoostPage(props))
}

fn message_path(of_message: &OfMessage) -> String {
    paths::message(of_message.member.room.id, of_message.message_id)
}
