//! The pattern of the route that has answered a request, for the log and the metrics. A path is not written there: it may
//! hold a bot's key, a join code or a link to sign in with.

use axum::extract::MatchedPath;
use axum::http::Extensions;

/// What stands for all paths without a route.
const NONE: &str = "none";

/// Response extension: the route.
#[derive(Clone, Debug)]
pub enum Route {
    /// One that the router has found.
    Matched(MatchedPath),
    /// One that answers before the router.
    Named(&'static str),
}

impl Route {
    /// Notes in the extensions of a response which route the request with these extensions has.
    pub fn note(request: Option<MatchedPath>, response: &mut Extensions) {
        if let Some(matched) = request {
            response.insert(Self::Matched(matched));
        }
    }

    /// Its pattern.
    #[must_use]
    pub fn pattern(route: Option<&Self>) -> &str {
        match route {
            Some(Self::Matched(matched)) => matched.as_str(),
            Some(Self::Named(pattern)) => pattern,
            None => NONE,
        }
    }
}
