//! Computes the page context of each request.

use app::Notice;
use app::shell::Browser;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use campfire::model::{custom_styles_path, paths};
use campfire::state::AppState;

use crate::http::cookies::{self, Cookies};
use crate::http::forwarded::Forwarded;
use crate::http::page_context::{self, PageContext};
use crate::http::user_agent;

/// The cookie of an old browser in which the notice about that has been shown.
const OLD_BROWSER_COOKIE: &str = "old_browser_told";

/// Provides the context while the request is handled.
pub async fn provide(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let origin = request.extensions().get().map(|forwarded: &Forwarded| forwarded.origin.clone()).unwrap_or_default();
    let cookie_name = Cookies::of(&origin).full_name(OLD_BROWSER_COOKIE);
    let theme_name = cookies::theme(&origin);
    let theme = cookies::values(request.headers(), &theme_name).find_map(|value| value.parse().ok());
    let context = of_request(&state, request.uri(), request.headers(), &cookie_name);
    let context = PageContext { theme: theme.unwrap_or_default(), ..context };
    let shows_notice = context.browser == Browser::OldUnnotified;
    let mut response = page_context::scope(context, next.run(request)).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if shows_notice && is_page {
        let cookie = format!("{cookie_name}=1; Path=/; Max-Age=34560000; SameSite=Lax; HttpOnly");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The context of a request.
fn of_request(state: &AppState, uri: &Uri, headers: &HeaderMap, cookie_name: &str) -> PageContext {
    let value = |wanted: &str| {
        let query = uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned())
    };
    // Custom styles may hide any control, even the form that changes them: `plain=1` omits them.
    let plain = value("plain").is_some_and(|value| value == "1");
    let path = custom_styles_path(&state.custom_styles_digest());
    let pictures = state.picture_versions();
    PageContext {
        avatars: (pictures.avatars > 0).then(|| paths::avatar_sheet(pictures.avatars)),
        logo_version: pictures.logo,
        custom_styles: (!plain && !path.is_empty()).then_some(path),
        notice: value("notice").and_then(|word| Notice::from_word(&word)),
        browser: browser(headers, cookie_name),
        ..PageContext::default()
    }
}

fn browser(headers: &HeaderMap, cookie_name: &str) -> Browser {
    match (user_agent::is_too_old(user_agent::of(headers)), cookies::values(headers, cookie_name).next().is_some()) {
        (false, _) => Browser::Current,
        (true, false) => Browser::OldUnnotified,
        (true, true) => Browser::Old,
    }
}
