//! tower-sessions on the `sessions` table: who, where, with which browser, and when last.
//!
//! Only signed-in browsers have a session. The token of the cookie is stored as its SHA-256.

use std::collections::HashMap;
use std::fmt;

use axum::http::{HeaderMap, header};
use campfire::model::UserId;
use campfire::ops::sessions::SessionActivity;
use campfire::state::AppState;
use campfire::{AppError, ops};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, session_store};

/// How long a browser that never comes back stays signed in, in days: the longest that browsers keep a cookie.
const KEPT_DAYS: i64 = 400;

/// The cookie with the session's token.
const COOKIE: &str = "session_token";

/// What a session says of itself.
const USER_ID: &str = "user_id";
const IP_ADDRESS: &str = "ip_address";
const USER_AGENT: &str = "user_agent";

/// The cookies and their store.
#[must_use]
pub fn layer(state: &AppState) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { state: state.clone() })
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // Behind TLS, `security::headers` adds the attribute: only the request knows.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(KEPT_DAYS)))
}

/// Signs a person in: whatever session the browser had ends, and a new one with a new token begins.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(session: &Session, user_id: UserId, ip_address: &str, user_agent: &str) -> Result<(), AppError> {
    if session.id().is_some() {
        session.flush().await.map_err(failed)?;
    }
    session.insert(USER_ID, user_id).await.map_err(failed)?;
    refresh(session, ip_address, user_agent).await
}

/// Notes where the session was seen last; its cookie is sent anew.
///
/// # Errors
/// When the database does not answer.
pub async fn refresh(session: &Session, ip_address: &str, user_agent: &str) -> Result<(), AppError> {
    session.insert(IP_ADDRESS, ip_address).await.map_err(failed)?;
    session.insert(USER_AGENT, user_agent).await.map_err(failed)?;
    // The same address and browser again are no change, but the session was seen.
    session.set_expiry(Some(Expiry::OnInactivity(Duration::days(KEPT_DAYS))));
    Ok(())
}

/// Signs the browser out.
///
/// # Errors
/// When the database does not answer.
pub async fn end(session: &Session) -> Result<(), AppError> {
    session.flush().await.map_err(failed)
}

/// The token that a browser shows, where it shows one.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<Id> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut tokens = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim_start().strip_prefix(COOKIE)?.strip_prefix('='));
    let token = tokens.next()?.trim_end().parse().ok()?;
    // Of two, the layer knows which one counts.
    tokens.next().is_none().then_some(token)
}

/// What the store knows a token by.
#[must_use]
pub fn token_hash(id: Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

fn failed(error: tower_sessions::session::Error) -> AppError {
    tracing::error!(%error, "the session could not be read or written");
    AppError::Unavailable("The server cannot save anything now. Try again later.".into())
}

/// The sessions in the database.
#[derive(Clone)]
pub struct Sessions {
    state: AppState,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// The content of a record, and the hash of its token.
    fn activity(&self, record: &Record) -> session_store::Result<([u8; 32], SessionActivity)> {
        let text = |key: &str| record.data.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let Some(user_id) = record.data.get(USER_ID).and_then(serde_json::Value::as_i64) else {
            return Err(session_store::Error::Backend("a session belongs to somebody".to_owned()));
        };
        let activity = SessionActivity {
            user_id: UserId(user_id),
            ip_address: text(IP_ADDRESS),
            user_agent: text(USER_AGENT),
            last_active_at: self.state.clock.now_ms(),
            expires_at: record.expiry_date.unix_timestamp().saturating_mul(1_000),
        };
        Ok((token_hash(record.id), activity))
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // A new session never continues a token that the browser came with: somebody may have planted it there.
        record.id = Id::default();
        let (token_hash, activity) = self.activity(record)?;
        ops::sessions::begin(&self.state, token_hash, activity).await.map_err(backend)
    }

    /// Stores what was seen of a live session; one that was ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let (token_hash, activity) = self.activity(record)?;
        ops::sessions::refresh(&self.state, token_hash, activity).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let session = ops::sessions::find(&self.state, &token_hash(*id)).await.map_err(backend)?;
        Ok(session.map(|session| Record {
            id: *id,
            data: HashMap::from([
                (USER_ID.to_owned(), session.user_id.0.into()),
                (IP_ADDRESS.to_owned(), session.ip_address.into()),
                (USER_AGENT.to_owned(), session.user_agent.into()),
            ]),
            expiry_date: OffsetDateTime::from_unix_timestamp(session.expires_at / 1_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        ops::sessions::end(&self.state, token_hash(*id)).await.map_err(backend)
    }
}

fn backend(error: AppError) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
