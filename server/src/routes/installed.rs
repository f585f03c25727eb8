//! The installed app: its manifest, and the page for what other apps share with it.

use app::pages::offline::Offline;
use app::pages::share::{Share, ShareProps, Shared};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use campfire::model::{RoomKind, paths};
use campfire::ops;
use campfire::state::AppState;
use serde_json::json;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::Form;
use crate::http::multipart::is_multipart;
use crate::http::path::PageQuery;
use crate::http::{assets, render};
use crate::session::SignedIn;

/// The manifest, also for those who are not signed in: browsers request it without cookies.
pub fn public_router() -> Router<Site> {
    Router::new().route(paths::MANIFEST, get(manifest)).route("/webmanifest.json", get(manifest))
}

/// The page that the system opens for what is shared with the app.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::SHARE, get(share))
        .route(paths::SHARE, post(share_without_worker).layer(DefaultBodyLimit::max(MAX_SHARED_BYTES)))
        .route(paths::OFFLINE, get(offline))
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
    let [narrow, wide] = assets::screenshots();
    let screenshot = |src: &str, sizes: &str, form: &str, label: &str| json!({ "src": src, "sizes": sizes, "type": "image/png", "form_factor": form, "label": label });
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
        "screenshots": [
            screenshot(narrow, "390x844", "narrow", "A room on a phone"),
            screenshot(wide, "1280x800", "wide", "A room with the sidebar"),
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

/// The fields with texts, in the order in which they are put together.
const TEXTS: [&str; 3] = ["title", "text", "url"];

/// Maximum size of what is shared without a service worker, in bytes: more is not read to its end. Files of it are read,
/// as browsers wait for that, and not kept.
const MAX_SHARED_BYTES: usize = 32 * 1024 * 1024;

/// Maximum size of the texts in the URL that they go on in, in bytes as encoded: encoded once more for the sign-in page,
/// they fit into the 8 KB that some proxies take.
const MAX_TEXT_BYTES: usize = 4_000;

/// What the system shares where no service worker takes it, or nobody is signed in: its texts go on in the URL, also by the
/// sign-in page. Files are missed.
async fn share_without_worker(State(site): State<Site>, request: Request) -> Redirect {
    let (texts, mut is_missed) = read_shared(&site, request).await;
    let mut left = MAX_TEXT_BYTES;
    let joined = joined(texts.iter().map(String::as_str));
    let fits = |character: &char| {
        let bytes: usize =
            form_urlencoded::byte_serialize(character.encode_utf8(&mut [0; 4]).as_bytes()).map(str::len).sum();
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    let text: String = joined.chars().take_while(fits).collect();
    is_missed |= text.len() < joined.len();
    let mut query = form_urlencoded::Serializer::new(String::new());
    if is_missed {
        query.append_pair("missed", "1");
    }
    if !text.is_empty() {
        query.append_pair("text", &text);
    }
    Redirect::to(&[paths::SHARE, "?", &query.finish()].concat())
}

/// The texts of what is shared, each up to [`MAX_TEXT_BYTES`], and whether there is more: files, or what did not arrive.
async fn read_shared(site: &Site, request: Request) -> ([String; 3], bool) {
    let mut texts: [String; 3] = Default::default();
    if !is_multipart(request.headers()) {
        let Ok(form) = Form::from_request(request, site).await else { return (texts, true) };
        return (TEXTS.map(|name| form.get(name).to_owned()), false);
    }
    let Ok(mut multipart) = Multipart::from_request(request, site).await else { return (texts, true) };
    let mut is_missed = false;
    loop {
        let Ok(field) = multipart.next_field().await else { return (texts, true) };
        let Some(mut field) = field else { return (texts, is_missed) };
        let at = TEXTS.iter().position(|name| field.name() == Some(*name));
        let at = at.filter(|_| field.file_name().is_none());
        let mut value = Vec::new();
        loop {
            let Ok(chunk) = field.chunk().await else { return (texts, true) };
            let Some(chunk) = chunk else { break };
            let taken = if at.is_some() { chunk.len().min(MAX_TEXT_BYTES - value.len()) } else { 0 };
            value.extend_from_slice(&chunk[..taken]);
            is_missed |= taken < chunk.len();
        }
        if let Some(at) = at {
            // A character that the limit cuts in two is left out.
            texts[at] = String::from_utf8_lossy(&value).trim_end_matches('\u{fffd}').to_owned();
        }
    }
}

/// The parts as one text. Some apps put the link into the text as well.
fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for part in parts.into_iter().map(str::trim) {
        if !part.is_empty() && !lines.iter().any(|line| line.contains(part)) {
            lines.push(part);
        }
    }
    lines.join("\n")
}

/// The share target: the shared text, to be edited and sent to a room, or the names of files that the service worker has.
async fn share(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let text = joined(TEXTS.map(|name| query.get(name).map_or("", String::as_str)));
    let rooms = ops::memberships::list_involvements(&state, &current).await?;
    let rooms = rooms.into_iter().map(|(id, _, name, _)| (id, name)).collect();
    let names = query.get("files").map_or("", String::as_str).lines().filter(|name| !name.trim().is_empty());
    let names: Vec<_> = names.take(MAX_NAMES).map(str::to_owned).collect();
    let shared = match (query.contains_key("missed"), names.is_empty()) {
        (true, _) => Shared::Missed(text),
        (false, true) => Shared::Text(text),
        (false, false) => Shared::Files(names),
    };
    let props = ShareProps { shared, rooms, seq: state.clock.now_ms() };
    Ok(render::plain(StatusCode::OK, "Share", || Share(props)))
}
