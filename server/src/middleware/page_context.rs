//! What a request adds to any page it renders: the account's custom styles, a notice, and whether the browser is too old
//! for the live page.

use app::Notice;
use app::shell::{Browser, Surroundings as PageContext};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use campfire::model::custom_styles_path;
use campfire::state::AppState;

/// The cookie of a browser that was told that it is too old.
const TOLD: &str = "old_browser_told";

tokio::task_local! {
    static PAGE_CONTEXT: PageContext;
}

/// The context of the request that is being answered.
#[must_use]
pub fn current() -> PageContext {
    PAGE_CONTEXT.try_with(Clone::clone).unwrap_or_default()
}

/// Computes it and provides it while the request is answered.
pub async fn provide(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let context = of_request(&state, request.uri(), request.headers());
    let tells = context.browser == Browser::OldUntold;
    let mut response = PAGE_CONTEXT.scope(context, next.run(request)).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if tells && is_page {
        let told = HeaderValue::from_static("old_browser_told=1; Path=/; Max-Age=34560000; SameSite=Lax; HttpOnly");
        response.headers_mut().append(header::SET_COOKIE, told);
    }
    response
}

fn of_request(state: &AppState, uri: &Uri, headers: &HeaderMap) -> PageContext {
    let value = |wanted: &str| {
        let query = uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned())
    };
    // Custom styles may hide anything, also the way to change them.
    let plain = value("plain").is_some_and(|value| value == "1");
    let path = custom_styles_path(&state.custom_styles_digest());
    PageContext {
        custom_styles: (!plain && !path.is_empty()).then_some(path),
        notice: value("notice").and_then(|word| Notice::from_word(&word)),
        browser: browser(headers),
    }
}

/// Whether the live page cannot run in the browser that asks.
#[must_use]
pub fn is_old(headers: &HeaderMap) -> bool {
    is_too_old(headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok()).unwrap_or_default())
}

fn browser(headers: &HeaderMap) -> Browser {
    match (is_old(headers), CookieJar::from_headers(headers).get(TOLD).is_some()) {
        (false, _) => Browser::Current,
        (true, false) => Browser::OldUntold,
        (true, true) => Browser::Old,
    }
}

/// Whether the live page cannot run in the browser of this name.
///
/// Safari before 17.2, Chrome before 120, Firefox before 121, Opera before 104, and every Internet Explorer. Who does
/// not say what it is, or is a crawler, is not judged.
fn is_too_old(user_agent: &str) -> bool {
    let has = |part| user_agent.contains(part);
    if has("MSIE ") || has("Trident/") {
        return true;
    }
    // Edge has its own name, and browsers on iOS have the engine of the system, whatever their own version.
    if has("Edg") || has("bot") || has("Bot") || has("facebookexternalhit") || has("CriOS/") || has("FxiOS/") {
        return false;
    }
    let older_than = |name: &str, oldest| version_after(user_agent, name).map(|version| version < oldest);
    older_than("OPR/", (104, 0))
        .or_else(|| older_than("Firefox/", (121, 0)))
        .or_else(|| older_than("Chrome/", (120, 0)))
        .or_else(|| older_than("Version/", (17, 2)).filter(|_| has("Safari/")))
        .unwrap_or(false)
}

/// The version like `17.2` after `name`.
fn version_after(user_agent: &str, name: &str) -> Option<(u32, u32)> {
    let (_, rest) = user_agent.split_once(name)?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    Some((major, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_judged_by_their_versions() {
        let safari = |version: &str| {
            format!(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
            )
        };
        let chrome = |version: &str| {
            format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
            )
        };
        for old in [
            safari("17.1"),
            safari("16.6"),
            chrome("119.0.0.0"),
            "Mozilla/5.0 (X11; Linux x86_64; rv:114.0) Gecko/20100101 Firefox/114.0".into(),
            format!("{} OPR/103.0.0.0", chrome("118.0.0.0")),
            "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko".into(),
        ] {
            assert!(is_too_old(&old), "{old}");
        }
        for current in [
            safari("17.2"),
            safari("18.0"),
            chrome("120.0.0.0"),
            "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0".into(),
            format!("{} OPR/104.0.0.0", chrome("120.0.0.0")),
            format!("{} Edg/90.0", chrome("90.0.0.0")),
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/100.0".into(),
            String::new(),
            "curl/8.0".into(),
            "Firefox/".into(),
        ] {
            assert!(!is_too_old(&current), "{current}");
        }
    }
}
