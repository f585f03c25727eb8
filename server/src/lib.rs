//! Campfire over HTTP: one `router()` for each area, merged in [`app`], which `main` serves and tests call.

#![recursion_limit = "256"]
#![warn(missing_docs)]

pub mod assets;
pub mod auth;
pub mod config;
pub mod listen;

mod account;
mod boosts;
mod compression;
mod entrance;
mod form;
mod health;
mod home;
mod kept;
mod messages;
mod page;
mod people;
mod pings;
mod rooms;
mod searches;
mod security;
mod session_store;
mod socket;
mod sounds;
mod surroundings;
mod throttle;
mod transfers;
mod websocket;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::post;
use campfire::state::AppState;
use tokio::sync::watch;
use tower::ServiceBuilder;
use tower_http::timeout::RequestBodyTimeoutLayer;

use kept::KeptPages;
use throttle::Throttle;

/// The largest form that is read, in bytes.
///
/// The longest good one is a room of 5,000 people; one twice as long must still be read to be refused in words.
const MAX_FORM_BYTES: usize = 512 * 1024;

/// The largest server function call that is read, in bytes: 32,000 characters, however JSON has to write them.
const MAX_CALL_BYTES: usize = 256 * 1024;

/// How long a body may pause while it arrives.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// What every handler may ask for, under one count: every layer a request passes through takes a clone.
#[derive(Clone, Debug)]
pub struct Site(Arc<SharedSite>);

/// What [`Site`] shares.
#[derive(Clone, Debug)]
pub struct SharedSite {
    pub state: AppState,
    pub sign_ins: Throttle,
    pages: KeptPages,
    /// No files on this installation: no uploads, no pictures.
    pub text_only: bool,
    /// Turns true when the program is about to end.
    pub closing: watch::Receiver<bool>,
}

impl Site {
    /// A site around a state; it closes when `closing` turns true.
    #[must_use]
    pub fn new(state: AppState, closing: watch::Receiver<bool>) -> Self {
        let sign_ins = Throttle::new(state.clock.clone());
        let pages = KeptPages::new(state.db.changes().clone(), state.page_cache_bytes());
        Self(Arc::new(SharedSite { state, sign_ins, pages, text_only: false, closing }))
    }

    /// How many answers were kept pages, since the start.
    #[must_use]
    pub fn kept_page_count(&self) -> u64 {
        self.pages.answer_count()
    }

    /// The same site without files.
    #[must_use]
    pub fn text_only(mut self, text_only: bool) -> Self {
        Arc::make_mut(&mut self.0).text_only = text_only;
        self
    }
}

impl Deref for Site {
    type Target = SharedSite;

    fn deref(&self) -> &SharedSite {
        &self.0
    }
}

impl FromRef<Site> for AppState {
    fn from_ref(site: &Site) -> Self {
        site.state.clone()
    }
}

/// The whole site. It reads like its table of contents.
pub fn app(site: Site) -> Router {
    // Pages are rendered on the runtime that serves them. Only the first call of a process sets it.
    let _ = any_spawner::Executor::init_tokio();
    let pages = Router::new()
        .merge(home::router())
        .merge(entrance::router())
        .merge(transfers::router())
        .merge(account::router())
        .merge(people::router())
        .merge(rooms::router())
        .merge(pings::router())
        .merge(messages::router())
        .merge(boosts::router())
        .merge(searches::router())
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES));
    let calls = Router::new().route("/api/{*function}", post(page::call)).layer(DefaultBodyLimit::max(MAX_CALL_BYTES));
    let sessions = session_store::layer(&site.state);

    Router::new()
        .merge(pages)
        .merge(calls)
        .merge(socket::router())
        .fallback(page::nothing_here)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(site.clone(), surroundings::around))
                .layer(from_fn_with_state(site.clone(), security::refuse_banned))
                .layer(from_fn(security::refuse_cross_site))
                .layer(sessions)
                .layer(from_fn_with_state(site.clone(), home::first_run_first)),
        )
        .merge(health::router())
        .merge(assets::router())
        .merge(sounds::router())
        .layer(from_fn(compression::around))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(site.clone(), kept::answer))
                .layer(from_fn(security::headers)),
        )
        .with_state(site)
}

/// Comes when the program is about to end.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // Once nobody is left who could ask, nobody will.
    if closing.wait_for(|closing| *closing).await.is_err() {
        std::future::pending().await
    }
}
