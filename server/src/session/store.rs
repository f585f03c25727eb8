//! The session of a browser: its cookie, and its row in the database.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use campfire::model::UserId;
use campfire::ops::sessions::{SessionActivity, SignIn};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use super::extractors::Visitor;
use super::token::Token;
use crate::http::cookies::{Cookies, values};
use crate::http::forwarded::Forwarded;

/// How long an inactive browser stays signed in, in days: the maximum age of cookies in browsers (RFC 6265bis, section 5.5).
const MAX_AGE_DAYS: i64 = 400;

/// The cookie with the session's token.
pub const COOKIE: &str = "session_token";

/// The session cookie of a request, and the cookies that its response sets. Clones share them.
#[derive(Clone, Debug)]
pub struct Session(Arc<BrowserSession>);

#[derive(Debug)]
struct BrowserSession {
    /// The token of the request, if it has one.
    token: Option<Token>,
    /// The full name of the cookie at this origin.
    name: String,
    /// Whether the token is in a cookie of an earlier version, whose name is the same on all ports.
    is_old_name: bool,
    set_cookies: Mutex<Vec<HeaderValue>>,
}

impl Session {
    /// The session of a request to this origin.
    #[must_use]
    pub fn of(headers: &HeaderMap, origin: &str) -> Self {
        let name = Cookies::of(origin).full_name(COOKIE);
        let first = |name: &str| values(headers, name).find_map(|value| value.parse().ok());
        let token = first(&name);
        let old = if token.is_none() { first(COOKIE) } else { None };
        let is_old_name = token.is_none() && old.is_some() && name != COOKIE;
        Self(Arc::new(BrowserSession { token: token.or(old), name, is_old_name, set_cookies: Mutex::default() }))
    }

    /// The hash of the token, if the request has one.
    #[must_use]
    pub fn token_hash(&self) -> Option<[u8; 32]> {
        self.0.token.map(Token::hash)
    }

    /// Signs a user in under a new token (against session fixation), and ends the session that the browser had, if any.
    ///
    /// # Errors
    /// `SignedOut` when the proof no longer holds, `Unavailable` when the database fails.
    pub async fn begin(&self, state: &AppState, sign_in: SignIn, visitor: &Visitor) -> AppResult<()> {
        // Never adopt the token that the browser sent: an attacker may have planted it.
        let token = Token::random();
        let activity = activity(state, sign_in.user.id, visitor);
        ops::sessions::begin(state, sign_in, token.hash(), activity, self.token_hash()).await?;
        self.set(token);
        Ok(())
    }

    /// Stores the activity of the session, and sends its cookie again with a new expiry.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn refresh(&self, state: &AppState, user_id: UserId, visitor: &Visitor) -> AppResult<()> {
        let Some(token) = self.0.token else { return Ok(()) };
        ops::sessions::refresh(state, token.hash(), activity(state, user_id, visitor)).await?;
        self.set(token);
        Ok(())
    }

    /// Sends the cookie of a live session again under its present name, if it has an old one.
    pub fn rename(&self) {
        if let Some(token) = self.0.token.filter(|_| self.0.is_old_name) {
            self.set(token);
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn end(&self, state: &AppState) -> AppResult<()> {
        if let Some(token_hash) = self.token_hash() {
            ops::sessions::end(state, token_hash).await?;
            self.remove_cookies();
        }
        Ok(())
    }

    /// Removes the cookie of a session that has ended.
    pub fn remove_cookies(&self) {
        self.add_cookie(&self.0.name, "", 0);
        self.remove_old_cookie();
    }

    fn set(&self, token: Token) {
        self.add_cookie(&self.0.name, &token.to_string(), MAX_AGE_DAYS * 24 * 60 * 60);
        self.remove_old_cookie();
    }

    fn remove_old_cookie(&self) {
        if self.0.is_old_name {
            self.add_cookie(COOKIE, "", 0);
        }
    }

    /// `security::add_headers` adds `Secure` if the request came over TLS.
    fn add_cookie(&self, name: &str, value: &str, max_age_s: i64) {
        let cookie = format!("{name}={value}; Path=/; Max-Age={max_age_s}; SameSite=Lax; HttpOnly");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            self.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner).push(cookie);
        }
    }
}

/// Provides the [`Session`] of each request, and adds the cookies that were set to its response.
pub async fn provide(mut request: Request, next: Next) -> Response {
    let origin = request.extensions().get().map(|forwarded: &Forwarded| forwarded.origin.clone()).unwrap_or_default();
    let session = Session::of(request.headers(), &origin);
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    for cookie in session.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = crate::http::errors::PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Every route behind `provide` has it.
        Ok(parts.extensions.get::<Self>().cloned().ok_or(AppError::Internal)?)
    }
}

fn activity(state: &AppState, user_id: UserId, visitor: &Visitor) -> SessionActivity {
    let now_ms = state.clock.now_ms();
    SessionActivity {
        user_id,
        ip_address: visitor.address.to_string(),
        user_agent: visitor.user_agent.clone(),
        last_active_at: now_ms,
        expires_at: now_ms + MAX_AGE_DAYS * 24 * 60 * 60 * 1_000,
    }
}
