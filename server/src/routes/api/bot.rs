//! Extractors whose values are permissions of a bot.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use campfire::access::{CurrentBot, Member};
use campfire::model::{BotKey, RoomId};
use campfire::ops::bots;
use campfire::{AppError, AppResult};

use super::error::{ApiError, Style, Styled};
use crate::Site;
use crate::http::admission::Admission;
use crate::http::forwarded::Forwarded;
use crate::http::path;
use crate::session::is_read;

/// The bot whose key the request has. Each request is counted.
#[derive(Clone, Debug)]
pub struct Program {
    /// The bot.
    pub bot: CurrentBot,
    /// The key, if it is in the path.
    pub path_key: Option<BotKey>,
    /// The style of the responses.
    pub style: Style,
}

impl FromRequestParts<Site> for Program {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, ApiError> {
        let style = Style::of(parts);
        authenticated(parts, site, style).await.styled(style)
    }
}

async fn authenticated(parts: &mut Parts, site: &Site, style: Style) -> AppResult<Program> {
    let forwarded = parts.extensions.get::<Forwarded>().ok_or(AppError::Internal)?.clone();
    let is_read = is_read(&parts.method);
    if !is_read && site.state.bans.contains(forwarded.address) {
        return Err(AppError::TooManyTries(BANNED_RETRY_S));
    }
    let in_path: Option<KeyText> = path::segment(parts, "bot_key").await.ok();
    let key = in_path.as_ref().map_or_else(|| bearer(&parts.headers), |KeyText(key)| Some(key.as_str()));
    let bot = bots::authenticate(&site.state, key.unwrap_or_default(), forwarded.address).await?;
    if let Some(admission) = parts.extensions.get::<Arc<Admission>>() {
        admission.claim(bot.user.id)?;
    }
    if is_read {
        bots::take_read(&site.state, &bot)?;
    } else {
        bots::take_post(&site.state, &bot)?;
    }
    let path_key = in_path.and_then(|KeyText(key)| key.parse().ok());
    Ok(Program { bot, path_key, style })
}

/// After how many seconds a program at a banned address may look again.
const BANNED_RETRY_S: u32 = 60 * 60;

/// Placeholder for the key in a path.
struct KeyText(String);

impl std::str::FromStr for KeyText {
    type Err = AppError;

    fn from_str(text: &str) -> AppResult<Self> {
        Ok(Self(text.to_owned()))
    }
}

/// The token of the header `Authorization: Bearer` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The bot as a member of the room in the path; of other rooms it learns nothing.
#[derive(Clone, Debug)]
pub struct InRoom {
    /// The bot.
    pub program: Program,
    /// Its membership.
    pub member: Member,
}

impl FromRequestParts<Site> for InRoom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, ApiError> {
        let program = Program::from_request_parts(parts, site).await?;
        let found: AppResult<Member> = async {
            let room_id: RoomId = path::segment(parts, "room_id").await?;
            site.state.members.find(&program.bot, room_id).await
        }
        .await;
        let member = found.styled(program.style)?;
        Ok(Self { program, member })
    }
}
