//! The installed app: its manifest, and the page for what other apps share with it.

use app::pages::offline::Offline;
use app::pages::share::{Share, ShareProps, Shared};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::model::{RoomKind, paths};
use campfire::ops;
use campfire::state::AppState;
use serde_json::json;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::path::PageQuery;
use crate::http::{assets, render};
use crate::session::SignedIn;

/// The manifest, also for those who are not signed in: browsers request it without cookies.
pub fn public_router() -> Router<Site> {
    Router::new().route(paths::MANIFEST, get(manifest)).route("/webmanifest.json", get(manifest))
}

/// The page that the system opens for what is shared with the app.
pub fn router() -> Router<Site> {
    Router::new().route(paths::SHARE, get(share).post(share_without_worker)).route(paths::OFFLINE, get(offline))
}

/// The page that the service worker keeps with the files of its build, and shows where it has kept no other.
async fn offline() -> Response {
    render::bare(StatusCode::OK, "Offline", Offline)
}

/// The web app manifest (W3C Web Application Manifest), with the name and the logo of the account.
async fn manifest(State(state): State<AppState>) -> Result<Response, PageError> {
    let account = ops::accounts::find(&state).await?;
    let (name, version) = account.map_or(("Campfire".to_owned(), 0), |account| (account.name, account.logo_version));
    let assets = assets::paths();
    let icon = |src: &str, side: u16, purpose: &str| json!({ "src": src, "sizes": format!("{side}x{side}"), "type": "image/png", "purpose": purpose });
    let (small, large) = (paths::small_logo(version), paths::logo(version));
    // A logo fills its square; the stock icon has round corners, and one of its own for masks.
    let maskable = if version == 0 { assets.maskable_icon } else { &large };
    let shortcut = |name: &str, url: &str| json!({ "name": name, "url": url, "icons": [icon(&small, 192, "any")] });
    let mut params = json!({ "title": "title", "text": "text", "url": "url" });
    if !state.is_text_only() {
        params["files"] = json!([{ "name": "files", "accept": ["*/*"] }]);
    }
    let manifest = json!({
        "id": "/",
        "name": name,
        "short_name": name,
        "description": "The team chat of the people here: rooms, pings and files.",
        "categories": ["social", "business", "productivity"],
        "start_url": paths::HOME,
        "scope": "/",
        "display": "standalone",
        "display_override": ["standalone", "minimal-ui"],
        "launch_handler": { "client_mode": "navigate-existing" },
        "background_color": app::shell::LIGHT,
        "theme_color": app::shell::LIGHT,
        "icons": [
            icon(&small, 192, "any"),
            icon(&large, 512, "any"),
            icon(maskable, 512, "maskable"),
            icon(assets.monochrome_icon, 512, "monochrome"),
        ],
        "shortcuts": [
            shortcut("New room", paths::new_room(RoomKind::Open)),
            shortcut("Your profile", paths::OWN_PROFILE),
        ],
        "share_target": {
            "action": paths::SHARE,
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": params,
        },
    });
    let fields = [(header::CONTENT_TYPE, "application/manifest+json"), (header::CACHE_CONTROL, "public, max-age=300")];
    Ok((fields, manifest.to_string()).into_response())
}

/// Maximum number of names of shared files that the page shows: as many as a message has.
const MAX_NAMES: usize = campfire::model::MAX_FILES;

/// What the system shares where no service worker takes it: nothing of it is read.
async fn share_without_worker(SignedIn(_): SignedIn) -> Redirect {
    Redirect::to(&[paths::SHARE, "?missed=1"].concat())
}

/// The share target: the shared text, to be edited and sent to a room, or the names of files that the service worker has.
async fn share(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let mut parts: Vec<&str> = Vec::new();
    for name in ["title", "text", "url"] {
        let part = query.get(name).map_or("", |part| part.trim());
        // Some apps put the link into the text as well.
        if !part.is_empty() && !parts.iter().any(|before| before.contains(part)) {
            parts.push(part);
        }
    }
    let rooms = ops::memberships::list_involvements(&state, &current).await?;
    let rooms = rooms.into_iter().map(|(id, _, name, _)| (id, name)).collect();
    let names = query.get("files").map_or("", String::as_str).lines().filter(|name| !name.trim().is_empty());
    let names: Vec<_> = names.take(MAX_NAMES).map(str::to_owned).collect();
    let shared = match (query.contains_key("missed"), names.is_empty()) {
        (true, _) => Shared::Missed,
        (false, true) => Shared::Text(parts.join("\n")),
        (false, false) => Shared::Files(names),
    };
    let props = ShareProps { shared, rooms, seq: state.clock.now_ms() };
    Ok(render::plain(StatusCode::OK, "Share", || Share(props)))
}
