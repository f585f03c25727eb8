//! The hooks of a room, for administrators.

use app::pages::room_hooks::{RoomHook, RoomHooks, RoomHooksProps};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::get;
use campfire::access::{Administrator, Member};
use campfire::model::{RoomKind, UserId, paths};
use campfire::ops::{bots, hooks};
use campfire::state::AppState;
use campfire::{AppError, AppResult};

use app::Notice;
use app::components::form::FormState;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused};
use crate::http::forwarded::Forwarded;
use crate::http::{form, render, urls};
use crate::session::{Administers, Inside};

/// The page of a room's hooks, and its forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/{room_id}/hooks", get(show).post(create))
        .route("/rooms/{room_id}/hooks/{hook_id}", get(to_page).post(remove).delete(remove))
}

async fn show(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Inside(member): Inside,
) -> Result<Response, PageError> {
    let fresh = form::fresh(Vec::new());
    Ok(page(&state, StatusCode::OK, &administrator, &member, None, fresh).await?)
}

async fn page(
    state: &AppState,
    status: StatusCode,
    administrator: &Administrator,
    member: &Member,
    url: Option<String>,
    entered: FormState,
) -> AppResult<Response> {
    let room = &member.room;
    let hooks = hooks::list_of_room(state, administrator, room.id).await?;
    let hooks = hooks.into_iter().map(|hook| RoomHook {
        id: hook.id,
        bot_id: hook.bot_id,
        bot_name: hook.bot_name,
        creator_name: hook.creator_name,
        has_github_secret: hook.has_github_secret,
    });
    let bots = bots::list_in_room(state, administrator, member).await?;
    let props = RoomHooksProps {
        room_id: room.id,
        room_name: room.name.clone(),
        kind: room.kind,
        hooks: hooks.collect(),
        bots,
        url,
        state: entered,
    };
    Ok(render::plain(status, "Incoming hooks", || RoomHooks(props)))
}

/// Makes a hook, and shows its address in the answer, which is the only time.
async fn create(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Inside(member): Inside,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    if member.room.kind == RoomKind::Direct {
        return Err(AppError::NotFound.into());
    }
    let bot_id = form.get("bot_id").parse().unwrap_or(UserId(0));
    let created = hooks::create(&state, &administrator, bot_id, member.room.id, form.get("github_secret")).await;
    match created {
        Ok(token) => {
            let url = [&*forwarded.origin, &paths::hook(&token)].concat();
            let fresh = form::fresh(Vec::new());
            Ok(page(&state, StatusCode::OK, &administrator, &member, Some(url), fresh).await?)
        }
        Err(error) => {
            let refused = Refused::of(error)?;
            let values = vec![("github_secret", form.get("github_secret").to_owned())];
            let entered = FormState { values, errors: refused.errors() };
            Ok(refused.answer(page(&state, refused.status(), &administrator, &member, None, entered).await?))
        }
    }
}

/// A reload after a refused form requests its URL with GET.
async fn to_page(Inside(member): Inside) -> Redirect {
    Redirect::to(&paths::room_hooks(member.room.id))
}

/// Removes a hook: the form carries the method.
async fn remove(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Inside(member): Inside,
    Path((_, hook_id)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let hook_id = hook_id.parse().map_err(|_| AppError::NotFound)?;
    hooks::remove_of_room(&state, &administrator, member.room.id, hook_id).await?;
    Ok(urls::with_notice(&paths::room_hooks(member.room.id), Notice::Saved))
}
