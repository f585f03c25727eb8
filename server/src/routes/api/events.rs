//! The stream of events of a bot's rooms, as server-sent events whose ids are the numbers of the log.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use campfire::model::{MessageId, RoomId};
use campfire::ops::feed::{EventKind, Feed, FeedEvent};
use campfire::{AppError, AppResult};
use futures::stream;
use serde::Serialize;
use tokio::sync::watch;

use super::bot::Program;
use super::error::{ApiError, Styled};
use super::objects::MessageObject;
use crate::http::forwarded::Forwarded;
use crate::http::path::PageQuery;
use crate::{Site, closed};

/// How often something is sent when nothing happens, so that neither end takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The comment that is sent as a heartbeat.
const COMMENT: &str = ": nothing new\n\n";

/// A room or a message by its id.
#[derive(Debug, Serialize)]
struct Reference<T> {
    id: T,
}

/// The data of an event.
#[derive(Debug, Serialize)]
struct EventObject {
    room: Reference<RoomId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<MessageId>,
}

/// A stream: what it follows, and by what it is woken.
struct Following {
    site: Site,
    feed: Feed,
    origin: String,
    commits: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    /// The first piece of the stream.
    first: Option<String>,
}

/// Streams the events after `Last-Event-ID`, or after `?after=`; without either, those from now on.
pub async fn follow(
    State(site): State<Site>,
    program: Program,
    Query(query): PageQuery,
    headers: HeaderMap,
    forwarded: Forwarded,
) -> Result<Response, ApiError> {
    let begun: AppResult<Following> = async {
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
        let after = last.or_else(|| query.get("after").map(String::as_str));
        let invalid = || AppError::invalid("after", "The number of an event is expected.");
        let after = after.map(str::parse::<i64>).transpose().map_err(|_| invalid())?;
        // Subscribed first, so that nothing that follows is missed.
        let commits = site.state.live.published();
        let (feed, is_behind) = Feed::begin(&site.state, program.bot, after).await?;
        let first =
            if is_behind { format!("id: {}\nevent: resync\ndata: {{}}\n\n", feed.position()) } else { String::new() };
        let first = Some(first + COMMENT);
        let (origin, closing) = (forwarded.origin.to_string(), site.closing.clone());
        Ok(Following { site, feed, origin, commits, closing, first })
    }
    .await;
    let following = begun.styled(program.style)?;
    let pieces = stream::unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), following))
    });
    let fields = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    let no_buffering = [("x-accel-buffering", "no")];
    Ok((fields, no_buffering, Body::from_stream(pieces)).into_response())
}

impl Following {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            self.commits.borrow_and_update();
            let step = match self.feed.step(&self.site.state).await {
                Ok(step) => step,
                Err(error) => {
                    tracing::debug!(%error, "a stream of events ends");
                    return None;
                }
            };
            if !step.events.is_empty() {
                let events = step.events.into_iter().filter_map(|event| self.written(event));
                return Some(events.collect::<String>() + COMMENT);
            }
            if !step.is_current {
                continue;
            }
            tokio::select! {
                changed = self.commits.changed() => changed.ok()?,
                () = tokio::time::sleep(HEARTBEAT) => return Some(COMMENT.to_owned()),
                () = closed(&mut self.closing) => return None,
            }
        }
    }

    /// An event as it is sent.
    fn written(&self, event: FeedEvent) -> Option<String> {
        let FeedEvent { logged, message } = event;
        let name = name(logged.kind);
        let message = message.map(|message| MessageObject::new(&self.origin, message));
        let object = EventObject { room: Reference { id: logged.room_id }, message, message_id: logged.message_id };
        let data = serde_json::to_string(&object).ok()?;
        Some(format!("id: {}\nevent: {name}\ndata: {data}\n\n", logged.seq))
    }
}

/// The name of an event in the stream.
const fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::MessagePosted => "message_posted",
        EventKind::MessageEdited => "message_edited",
        EventKind::MessageRemoved => "message_removed",
        EventKind::MessageBoosted => "message_boosted",
        EventKind::MessageExtended => "message_extended",
        EventKind::PinsChanged => "pins_changed",
        EventKind::RoomAdded => "room_added",
        EventKind::RoomChanged => "room_changed",
        EventKind::RoomRemoved => "room_removed",
        EventKind::MembershipGranted => "membership_granted",
        EventKind::MembershipRevoked => "membership_revoked",
    }
}
