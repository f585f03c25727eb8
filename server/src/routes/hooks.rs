//! Incoming hooks: other programs post in the formats that they speak already.
//!
//! Each expects its own answer: Alertmanager and others want `200` with the body `ok`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use campfire::access::CurrentHook;
use campfire::ops::hooks::{self, Alert};
use campfire::{AppError, AppResult};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::Site;
use crate::http::admission::Admission;
use crate::http::errors::retry_after;
use crate::http::forwarded::Forwarded;

/// Largest event of GitHub, in bytes: a push of many commits has hundreds of kilobytes.
const MAX_EVENT_BYTES: usize = 2 * 1024 * 1024;

/// Largest body otherwise, in bytes: more than the longest message has with each character written as `\u1234`.
const MAX_ALERT_BYTES: usize = 256 * 1024;

/// The addresses of hooks.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/hooks/{token}", post(text))
        .route("/hooks/{token}/slack", post(slack))
        .route("/hooks/{token}/github", post(github))
        .layer(DefaultBodyLimit::disable())
}

/// A text, JSON with the field `text`, or a form with either in the field `payload`.
async fn text(State(site): State<Site>, Path(token): Path<String>, forwarded: Forwarded, request: Request) -> Response {
    let posted: AppResult<()> = async {
        let (hook, headers, body) = receive(&site, &token, &forwarded, request, MAX_ALERT_BYTES).await?;
        let alert = match payload(&headers, &body) {
            Some(json) => Alert::Slack(json),
            None => Alert::Text(String::from_utf8_lossy(&body).into_owned()),
        };
        hooks::post(&site.state, &hook, alert).await
    }
    .await;
    answer(posted)
}

/// A message in the form of Slack.
async fn slack(
    State(site): State<Site>,
    Path(token): Path<String>,
    forwarded: Forwarded,
    request: Request,
) -> Response {
    let posted: AppResult<()> = async {
        let (hook, headers, body) = receive(&site, &token, &forwarded, request, MAX_ALERT_BYTES).await?;
        // What is no JSON is shown as it is: an alert must not be lost for its form.
        let alert = match payload(&headers, &body).or_else(|| serde_json::from_slice(&body).ok()) {
            Some(json) => Alert::Slack(json),
            None => Alert::Slack(Value::String(String::from_utf8_lossy(&body).into_owned())),
        };
        hooks::post(&site.state, &hook, alert).await
    }
    .await;
    answer(posted)
}

/// An event of GitHub.
async fn github(
    State(site): State<Site>,
    Path(token): Path<String>,
    forwarded: Forwarded,
    request: Request,
) -> Response {
    let posted: AppResult<()> = async {
        let (hook, headers, body) = receive(&site, &token, &forwarded, request, MAX_EVENT_BYTES).await?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let event = text("x-github-event").unwrap_or_default();
        hooks::post_github(&site.state, &hook, event, text("x-hub-signature-256"), body).await
    }
    .await;
    answer(posted)
}

/// The hook of an address, the headers, and the body. The request counts as one of the bot until it is answered.
async fn receive(
    site: &Site,
    token: &str,
    forwarded: &Forwarded,
    request: Request,
    max_bytes: usize,
) -> AppResult<(CurrentHook, HeaderMap, Vec<u8>)> {
    if site.state.bans.contains(forwarded.address) {
        return Err(AppError::NotFound);
    }
    let hook = hooks::authenticate(&site.state, token, forwarded.address).await?;
    let (parts, body) = request.into_parts();
    if let Some(admission) = parts.extensions.get::<Arc<Admission>>() {
        admission.claim(hook.user.id)?;
    }
    Ok((hook, parts.headers, bytes(body, max_bytes).await?))
}

async fn bytes(body: Body, max_bytes: usize) -> AppResult<Vec<u8>> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(AppError::TooLarge(format!("That has more than {} KiB.", max_bytes / 1024)))
        }
        Err(_) => Err(AppError::Malformed("The body did not arrive whole.".into())),
    }
}

/// The JSON of a request: its body, or the field `payload` of a form. Many programs send JSON under another name.
fn payload(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        if let Some((_, payload)) = field {
            return Some(serde_json::from_str(&payload).unwrap_or_else(|_| Value::String(payload.into_owned())));
        }
    }
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// `ok`, or why not, as text.
fn answer(posted: AppResult<()>) -> Response {
    match posted {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            // A hook whose bot left its room, or was removed, is none.
            let error = if error == AppError::SignedOut { AppError::NotFound } else { error };
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, error.to_string()).into_response();
            retry_after(&mut response, &error);
            response
        }
    }
}
