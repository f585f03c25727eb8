//! The site's own URLs: redirects and return paths.

use app::Notice;
use axum::response::Redirect;
use campfire::model::paths;

/// Redirects home with the notice that the room does not exist, which is also the response to outsiders of a room.
pub fn room_missing() -> Redirect {
    Redirect::to(&format!("/?notice={}", Notice::RoomMissing.word()))
}

/// Redirects to a page and shows a notice on it.
pub fn with_notice(path: &str, notice: Notice) -> Redirect {
    let separator = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{separator}notice={}", notice.word()))
}

/// The path of the sign-in page that redirects to `wanted` afterwards.
#[must_use]
pub fn sign_in_path(wanted: &str) -> String {
    if wanted == "/" {
        return paths::SIGN_IN.to_owned();
    }
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", wanted).finish();
    format!("{}?{query}", paths::SIGN_IN)
}

/// The path, if it is one of this site; `/` otherwise. Prevents open redirects by `return_to`.
#[must_use]
pub fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { path } else { "/" }
}

/// Percent-encodes a path segment.
pub fn encode_segment(segment: &str) -> String {
    form_urlencoded::byte_serialize(segment.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_paths_are_those_of_this_site_only() {
        assert_eq!(own_path("/rooms/4?before=2"), "/rooms/4?before=2");
        for path in ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
        assert_eq!(sign_in_path("/rooms/4?before=2"), "/session/new?return_to=%2Frooms%2F4%3Fbefore%3D2");
    }
}
