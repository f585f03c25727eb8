//! The inbox: its page, what marks it as read, and what comes into it.

use app::Notice;
use app::pages::inbox::{Entry, InboxPage, InboxPageProps};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::model::{Cause, paths};
use campfire::ops::inbox::InboxEntry;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::Form;
use crate::http::path::PageQuery;
use crate::http::{render, urls};
use crate::session::SignedIn;

/// The page and its forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::INBOX, get(show))
        .route(paths::INBOX_READ, get(to_page).post(mark_all_read))
        .route(paths::INBOX_SETTINGS, get(to_settings).post(set).put(set))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let before = query.get("before").map(|before| entry_id(before)).transpose()?;
    let (entries, has_more) = ops::inbox::page(&state, &current, before).await?;
    let newest = entries.first().map_or(0, |entry| entry.id);
    let next_before = entries.last().map(|entry| entry.id).filter(|_| has_more);
    let entries = entries.into_iter().map(shown).collect();
    let props = InboxPageProps { entries, newest, next_before, is_first: before.is_none() };
    Ok(render::plain(StatusCode::OK, "Inbox", || InboxPage(props)))
}

fn entry_id(text: &str) -> AppResult<i64> {
    text.parse().ok().filter(|id| *id > 0).ok_or(AppError::NotFound)
}

fn shown(entry: InboxEntry) -> Entry {
    let InboxEntry { cause, actor, room_id, room_kind, room_name, message_id, text, file_names, content, .. } = entry;
    let text = if text.trim().is_empty() { file_names.unwrap_or_default() } else { text };
    Entry {
        cause,
        actor,
        room_id,
        room_kind,
        room_name,
        message_id,
        text,
        content,
        unread: entry.unread,
        at_ms: entry.created_at,
    }
}

/// A reload after a refused form requests the form's URL with GET.
async fn to_page() -> Redirect {
    Redirect::to(paths::INBOX)
}

async fn mark_all_read(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    form: Form,
) -> Result<Redirect, PageError> {
    ops::inbox::mark_all_read(&state, &current, entry_id(form.get("up_to"))?).await?;
    Ok(Redirect::to(paths::INBOX))
}

async fn to_settings() -> Redirect {
    Redirect::to(paths::PUSH_SUBSCRIPTIONS)
}

/// Stores how the user wants to hear of the causes that the form has.
async fn set(State(state): State<AppState>, SignedIn(current): SignedIn, form: Form) -> Result<Response, PageError> {
    let given = Cause::ALL.into_iter().filter(|cause| form.has(cause.word()));
    let deliveries: AppResult<Vec<_>> = given.map(|cause| Ok((cause, form.get(cause.word()).parse()?))).collect();
    ops::inbox::set_deliveries(&state, &current, deliveries?).await?;
    Ok(urls::with_notice(paths::PUSH_SUBSCRIPTIONS, Notice::Saved).into_response())
}
