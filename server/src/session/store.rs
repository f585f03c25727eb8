//! The session of a browser. The layer of tower-sessions reads and sets its cookie; [`Store`] keeps it in the database.
//!
//! - Only signed-in browsers have a session. It begins with a proof ([`SignIn`]) and under a new token, whatever token
//!   the browser sent: an attacker may have planted that one (session fixation).
//! - A token is 128 random bits. The database has its SHA-256 hash: a leaked database contains no usable tokens.
//! - The name of the cookie depends on the origin, so that each request gets a layer of its own.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use campfire::model::UserId;
use campfire::ops::sessions::{SessionActivity, SignIn};
use campfire::{AppError, AppResult, ops};
use sha2::{Digest, Sha256};
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::cookie::{Cookie, SameSite};
use tower_sessions::session::{Error, Id, Record};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore, session_store};

use super::extractors::Visitor;
use crate::Site;
use crate::http::cookies::{Cookies, values};
use crate::http::errors::PageError;
use crate::http::forwarded::Forwarded;

/// How long an inactive browser stays signed in: the maximum age of cookies in browsers (RFC 6265bis, section 5.5).
const MAX_AGE: Duration = Duration::days(400);

/// The same, as the layer takes it.
const EXPIRY: Expiry = Expiry::OnInactivity(MAX_AGE);

/// The cookie with the session's token.
pub const COOKIE: &str = "session_token";

/// The key of a record's only value, the user's id.
const USER_ID: &str = "user_id";

/// The session of a request. Clones share it.
#[derive(Clone)]
pub struct Session {
    layer: tower_sessions::Session,
    store: Store,
    is_old_name: bool,
}

impl Session {
    /// The hash of the token, if the browser has one.
    #[must_use]
    pub fn token_hash(&self) -> Option<[u8; 32]> {
        self.layer.id().map(token_hash)
    }

    /// Signs a user in under a new token, and ends the session that the browser had, if any, in the same write.
    ///
    /// # Errors
    /// `SignedOut` when the proof no longer holds, `Unavailable` when the database fails. Nothing has changed then, also
    /// not in the browser.
    pub async fn begin(&self, sign_in: SignIn, visitor: &Visitor) -> AppResult<()> {
        let user_id = sign_in.user.id;
        let activity = self.activity(user_id, visitor);
        self.store.pending().sign_in = Some((sign_in, activity));
        let begun = self.replace(user_id).await;
        if begun.is_err() && self.store.pending().replaced.is_none() {
            self.layer.clear().await;
        }
        begun.map_err(|error| self.store.cause(error))
    }

    async fn replace(&self, user_id: UserId) -> Result<(), Error> {
        if self.layer.id().is_some() {
            self.layer.flush().await?;
        }
        self.layer.insert(USER_ID, user_id).await?;
        self.layer.save().await
    }

    /// Stores the activity of a live session, and sends its cookie again with a new expiry.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn refresh(&self, user_id: UserId, visitor: &Visitor) -> AppResult<()> {
        if self.is_live().await? {
            let activity = self.activity(user_id, visitor);
            self.store.pending().activity = Some(activity);
            self.layer.save().await.map_err(|error| self.store.cause(error))?;
            self.send_cookie();
        }
        Ok(())
    }

    /// Sends the cookie of a live session again under its present name, if it has an old one.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn rename(&self) -> AppResult<()> {
        if self.is_old_name && self.is_live().await? {
            self.send_cookie();
        }
        Ok(())
    }

    /// Whether the browser has the token of a session that has ended. The response removes its cookie then.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn has_ended(&self) -> AppResult<bool> {
        Ok(self.layer.id().is_some() && !self.is_live().await?)
    }

    /// Ends the session. The response removes its cookie.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn end(&self) -> AppResult<()> {
        if self.layer.id().is_some() {
            self.layer.flush().await.map_err(|error| self.store.cause(error))?;
        }
        Ok(())
    }

    /// Whether the session is in the database. One that is not becomes empty, and the layer removes its cookie.
    async fn is_live(&self) -> AppResult<bool> {
        let user_id = self.layer.get_value(USER_ID).await.map_err(|error| self.store.cause(error))?;
        Ok(user_id.is_some())
    }

    /// The layer sends the cookies of sessions that were modified, which setting the expiry counts as.
    fn send_cookie(&self) {
        self.layer.set_expiry(Some(EXPIRY));
    }

    fn activity(&self, user_id: UserId, visitor: &Visitor) -> SessionActivity {
        let now_ms = self.store.site.state.clock.now_ms();
        SessionActivity {
            user_id,
            ip_address: visitor.address.to_string(),
            user_agent: visitor.user_agent.clone(),
            last_active_at: now_ms,
            expires_at: now_ms + MAX_AGE.whole_seconds() * 1_000,
        }
    }
}

/// Not the token.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        // Every route behind `provide` has it.
        Ok(parts.extensions.get::<Self>().cloned().ok_or(AppError::Internal)?)
    }
}

/// The sessions in the database, as the layer of one request reads and writes them.
#[derive(Clone)]
struct Store {
    site: Site,
    pending: Arc<Mutex<Pending>>,
}

/// What a write of the layer stores or has brought, apart from the text that fits into a record or an error of it.
#[derive(Default)]
struct Pending {
    /// The proof that `create` stores a session for, and its activity.
    sign_in: Option<(SignIn, SessionActivity)>,
    /// The token of the session that ends as the new one begins.
    replaced: Option<Id>,
    /// The activity that `save` stores.
    activity: Option<SessionActivity>,
    /// Why the last operation failed.
    error: Option<AppError>,
}

impl Store {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an error, of which the layer passes only the text on.
    fn keep(&self, error: AppError) -> session_store::Error {
        let text = error.to_string();
        self.pending().error = Some(error);
        session_store::Error::Backend(text)
    }

    /// The error that was kept.
    fn cause(&self, error: Error) -> AppError {
        let kept = self.pending().error.take();
        kept.unwrap_or_else(|| {
            tracing::error!(%error, "the session could not be read or written");
            AppError::Internal
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

#[async_trait::async_trait]
impl SessionStore for Store {
    /// Stores a session for the pending proof. After one was refused, the browser keeps the token that it has.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let sign_in = self.pending().sign_in.take();
        let replaced = self.pending().replaced;
        if let Some((sign_in, activity)) = sign_in {
            // A flushed record still has the token that the browser sent.
            record.id = Id::default();
            let begun = ops::sessions::begin(
                &self.site.state,
                sign_in,
                token_hash(record.id),
                activity,
                replaced.map(token_hash),
            );
            return begun.await.map_err(|error| self.keep(error));
        }
        record.id = replaced.ok_or_else(|| self.keep(AppError::Internal))?;
        Ok(())
    }

    /// Stores the pending activity of a live session; one that has ended meanwhile stays ended. The layer also saves
    /// what is stored already, before it sends a cookie: then there is none.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let activity = self.pending().activity.take();
        let Some(activity) = activity else { return Ok(()) };
        let refreshed = ops::sessions::refresh(&self.site.state, token_hash(record.id), activity).await;
        refreshed.map_err(|error| self.keep(error))
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self.site.state.sessions.find(token_hash(*id)).await.map_err(|error| self.keep(error))?;
        Ok(found.map(|session| Record {
            id: *id,
            data: [(USER_ID.to_owned(), session.current.user.id.0.into())].into(),
            expiry_date: OffsetDateTime::from_unix_timestamp(session.expires_at / 1_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }

    /// Ends a session, if another one is about to begin in its place by the write of that one.
    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let is_replaced = self.pending().sign_in.is_some();
        if is_replaced {
            self.pending().replaced = Some(*id);
            return Ok(());
        }
        ops::sessions::end(&self.site.state, token_hash(*id)).await.map_err(|error| self.keep(error))
    }
}

/// The hash of a token, under which its session is stored.
fn token_hash(id: Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

/// The token that a request has.
struct SentToken {
    id: Id,
    /// Whether it is in a cookie of an earlier version, whose name is the same on all ports.
    is_old_name: bool,
}

impl SentToken {
    /// The first token in cookies of this full name, or else of the old one.
    fn find(headers: &HeaderMap, full_name: &str) -> Option<Self> {
        let first = |name: &str| values(headers, name).find_map(|value| value.parse().ok());
        let present = first(full_name).map(|id| Self { id, is_old_name: false });
        present.or_else(|| first(COOKIE).map(|id| Self { id, is_old_name: full_name != COOKIE }))
    }
}

/// The hash of the token that a request to this origin has, for layers around [`provide`].
#[must_use]
pub fn sent_token_hash(headers: &HeaderMap, origin: &str) -> Option<[u8; 32]> {
    SentToken::find(headers, &Cookies::of(origin).full_name(COOKIE)).map(|sent| token_hash(sent.id))
}

/// Provides the [`Session`] of each request, and sets its cookie.
pub async fn provide(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let origin = request.extensions().get().map(|forwarded: &Forwarded| forwarded.origin.clone()).unwrap_or_default();
    let name = Cookies::of(&origin).full_name(COOKIE);
    let sent = SentToken::find(request.headers(), &name);
    let is_old_name = sent.as_ref().is_some_and(|sent| sent.is_old_name);
    let store = Store { site, pending: Arc::default() };
    let layer = SessionManagerLayer::new(store.clone())
        .with_name(name.clone())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // `security::add_headers` adds the attribute if the request came over TLS.
        .with_secure(false)
        .with_expiry(EXPIRY);

    // The layer gets the cookie with the token that counts, under its present name, and no other. It takes the last one
    // of a name and decodes names, so that `__Host%2D…`, which any host of the domain may set, would be `__Host-…`.
    let cookies: Vec<_> = request.headers().get_all(header::COOKIE).iter().cloned().collect();
    let token = sent.and_then(|sent| HeaderValue::try_from(format!("{name}={}", sent.id)).ok());
    put_cookies(request.headers_mut(), token);
    let inner = service_fn(move |mut request: Request| {
        put_cookies(request.headers_mut(), cookies.clone());
        if let Some(layer) = request.extensions().get().cloned() {
            request.extensions_mut().insert(Session { layer, store: store.clone(), is_old_name });
        }
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request).await) }
    });
    let Ok(mut response) = layer.layer(inner).oneshot(request).await;
    complete_cookies(response.headers_mut(), &name, is_old_name);
    response
}

/// Replaces the cookies of a request.
fn put_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    headers.remove(header::COOKIE);
    for cookie in cookies {
        headers.append(header::COOKIE, cookie);
    }
}

/// Gives the cookie that the layer has set all attributes, which it removes one without, and removes the cookie of the old
/// name with it.
fn complete_cookies(headers: &mut HeaderMap, name: &str, is_old_name: bool) {
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let parsed = cookie.to_str().ok().and_then(|cookie| Cookie::parse(cookie).ok());
        let Some(own) = parsed.filter(|parsed| parsed.name() == name) else {
            headers.append(header::SET_COOKIE, cookie);
            continue;
        };
        let max_age_s = own.max_age().unwrap_or(MAX_AGE).whole_seconds();
        let completed = with_attributes(name, own.value(), max_age_s);
        let old = is_old_name.then(|| with_attributes(COOKIE, "", 0));
        for cookie in [completed].into_iter().chain(old).flat_map(HeaderValue::try_from) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

fn with_attributes(name: &str, value: &str, max_age_s: i64) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; SameSite=Lax; HttpOnly")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use campfire::access::CurrentUser;
    use campfire::clock::Clock;
    use campfire::ops::accounts::Registration;
    use campfire::state::AppState;
    use tempfile::TempDir;
    use tokio::sync::watch;

    use super::*;

    #[test]
    fn only_whole_tokens_are_tokens() {
        let id = Id::default();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "x", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "%00"] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_session_of_an_earlier_version_has_the_hash_that_it_was_stored_by() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("session_token=AQAAAAAAAAAAAAAAAAAAAA"));
        let expected: [u8; 32] = Sha256::digest(1_i128.to_be_bytes()).into();
        assert_eq!(sent_token_hash(&headers, "https://chat.example"), Some(expected));
    }

    /// A site without people, and its state's folder.
    async fn site() -> (Site, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = AppState::open(folder.path(), Clock::manual(1_700_000_000_000)).await.unwrap();
        (Site::new(state, watch::channel(false).1), folder)
    }

    #[tokio::test]
    async fn a_name_that_is_encoded_is_another_name() {
        // On TLS, `__Host%2D…` could be set by every host of the domain.
        const SENT: &str = "session%5Ftoken=AQAAAAAAAAAAAAAAAAAAAA; other=1";
        let (site, _folder) = site().await;
        let handler = async |session: Session, headers: HeaderMap| {
            assert_eq!(session.token_hash(), None);
            assert_eq!(headers[header::COOKIE], SENT, "handlers get what was sent");
        };
        let router = Router::new().route("/", get(handler)).layer(from_fn_with_state(site, provide));
        let request = Request::get("/").header(header::COOKIE, SENT).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!((response.status(), response.headers().get(header::SET_COOKIE)), (StatusCode::OK, None));
    }

    /// Sends a request with this cookie to a site whose only route signs in by `sign_in`. Returns the status and the
    /// cookie that the browser has afterwards.
    async fn send(site: &Site, sign_in: &SignIn, cookie: &str) -> (StatusCode, String) {
        let sign_in = sign_in.clone();
        let handler = async move |session: Session| {
            assert_eq!(format!("{session:?}"), "Session(…)");
            let visitor = Visitor { address: [127, 0, 0, 1].into(), user_agent: String::new() };
            session.begin(sign_in, &visitor).await.map_err(PageError)
        };
        let router = Router::new().route("/", get(handler)).layer(from_fn_with_state(site.clone(), provide));
        let request = Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let set =
            response.headers().get(header::SET_COOKIE).map(|set| set.to_str().unwrap().split(';').next().unwrap());
        (response.status(), set.unwrap_or(cookie).to_owned())
    }

    #[tokio::test]
    async fn a_refused_sign_in_leaves_the_session_that_the_browser_has() {
        let (site, _folder) = site().await;
        let state = &site.state;
        let registration = Registration {
            name: "Ada".parse().unwrap(),
            email_address: "ada@example.com".parse().unwrap(),
            password: "correct horse".parse().unwrap(),
            from: [127, 0, 0, 1].into(),
        };
        let sign_in = ops::accounts::set_up(state, registration).await.unwrap();
        let live = async |cookie: &str| -> Option<CurrentUser> {
            let headers = [(header::COOKIE, cookie.parse().unwrap())].into_iter().collect();
            let found = state.sessions.find(sent_token_hash(&headers, "")?).await.unwrap()?;
            Some(found.current.clone())
        };

        let (status, first) = send(&site, &sign_in, "").await;
        assert_eq!(status, StatusCode::OK);
        let (status, second) = send(&site, &sign_in, &first).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(live(&first).await, None, "replaced by the second one");

        ops::sessions::revoke_others(state, &live(&second).await.unwrap()).await.unwrap();
        assert_eq!(send(&site, &sign_in, &second).await, (StatusCode::UNAUTHORIZED, second.clone()));
        assert!(live(&second).await.is_some());
        assert_eq!(send(&site, &sign_in, "").await, (StatusCode::UNAUTHORIZED, String::new()));
    }
}
