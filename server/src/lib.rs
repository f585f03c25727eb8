//! Campfire over HTTP: one `router()` per area, merged in [`app`], which `main` serves and tests call.

#![recursion_limit = "256"]
#![warn(missing_docs)]

pub mod commands;
pub mod http;
pub mod logging;
pub mod metrics;

mod live;
mod middleware;
mod routes;
mod session;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use campfire::cache::CacheUse;
use campfire::state::AppState;
use tokio::sync::watch;
use tower::ServiceBuilder;

use http::admission::Admissions;
use http::errors;
use http::forwarded::TrustedProxies;
use http::limits::Limits;
use metrics::Requests;
use middleware::page_cache::PageCache;
use middleware::{compression, first_run, frame, front, page_cache, page_context, security};

/// Maximum size of a form, in bytes.
///
/// The largest valid one is a room of 5,000 people. One twice as large must still be read, to be refused with a reason.
const MAX_FORM_BYTES: usize = 512 * 1024;

/// The state of the router. One `Arc` around all of it: every layer that a request passes through clones it.
#[derive(Clone, Debug)]
pub struct Site(Arc<SharedSite>);

/// The content of a [`Site`].
#[derive(Clone, Debug)]
pub struct SharedSite {
    /// The application state.
    pub state: AppState,
    /// Counts connections and requests.
    pub admissions: Admissions,
    /// The limits of connections and requests.
    pub limits: Limits,
    /// The proxies that may forward the address of a browser.
    pub proxies: TrustedProxies,
    /// Whether browsers get a service worker that removes itself.
    pub has_emergency_worker: bool,
    /// Counts requests, if somebody wants to see them.
    pub requests: Option<Arc<Requests>>,
    pages: PageCache,
    /// Turns true when the program shuts down.
    pub closing: watch::Receiver<bool>,
}

impl Site {
    /// A site with this state, whose sockets close when `closing` turns true.
    #[must_use]
    pub fn new(state: AppState, closing: watch::Receiver<bool>) -> Self {
        let pages = PageCache::new(state.db.invalidations().clone(), state.page_cache_bytes());
        let limits = Limits::default();
        Self(Arc::new(SharedSite {
            state,
            admissions: Admissions::new(limits),
            limits,
            proxies: TrustedProxies::default(),
            has_emergency_worker: false,
            requests: None,
            pages,
            closing,
        }))
    }

    /// Number of requests answered from the page cache since the start.
    #[must_use]
    pub fn page_cache_hit_count(&self) -> u64 {
        self.page_cache_usage().hit_count
    }

    /// How often the page cache was asked, and how full it is.
    #[must_use]
    pub fn page_cache_usage(&self) -> CacheUse {
        self.pages.usage()
    }

    /// The site with its requests counted.
    #[must_use]
    pub fn counted(mut self) -> Self {
        Arc::make_mut(&mut self.0).requests = Some(Arc::default());
        self
    }

    /// The site with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        let site = Arc::make_mut(&mut self.0);
        site.limits = limits;
        site.admissions = Admissions::new(limits);
        self
    }

    /// The site behind these proxies.
    #[must_use]
    pub fn proxies(mut self, proxies: TrustedProxies) -> Self {
        Arc::make_mut(&mut self.0).proxies = proxies;
        self
    }

    /// The site with a service worker that removes itself from every browser.
    #[must_use]
    pub fn emergency_worker(mut self) -> Self {
        Arc::make_mut(&mut self.0).has_emergency_worker = true;
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

/// The router of the whole site.
pub fn app(site: Site) -> Router {
    // Pages are rendered on the runtime that serves them. Only the first call in a process sets it.
    let _ = any_spawner::Executor::init_tokio();
    let pages = Router::new()
        .merge(routes::home::router())
        .merge(routes::entrance::router())
        .merge(routes::transfers::router())
        .merge(routes::account::router())
        .merge(routes::users::router())
        .merge(routes::pushes::router())
        .merge(routes::bots::router())
        .merge(routes::deliveries::router())
        .merge(routes::avatars::router())
        .merge(routes::room_hooks::router())
        .merge(routes::rooms::router())
        .merge(routes::pings::router())
        .merge(routes::messages::router())
        .merge(routes::threads::router())
        .merge(routes::boosts::router())
        .merge(routes::pins::router())
        .merge(routes::saved::router())
        .merge(routes::scheduled::router())
        .merge(routes::previews::router())
        .merge(routes::searches::router())
        .merge(routes::inbox::router())
        .merge(routes::installed::router())
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES));

    let files = if site.state.is_text_only() {
        Router::new()
    } else {
        Router::new().merge(routes::uploads::router()).merge(routes::files::router())
    };

    let routes = Router::new()
        .merge(pages)
        .merge(files)
        .merge(routes::calls::router())
        .merge(live::router())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(site.clone(), page_context::provide))
                .layer(from_fn(security::refuse_cross_site))
                .layer(from_fn_with_state(site.clone(), session::store::provide))
                .layer(from_fn_with_state(site.clone(), frame::provide))
                .layer(from_fn_with_state(site.clone(), first_run::redirect)),
        )
        // Requests with a key: no cookies, so that no other site can abuse them.
        .merge(routes::api::router())
        .merge(routes::hooks::router())
        .merge(routes::health::router())
        .merge(routes::assets::router())
        .merge(routes::installed::public_router())
        .merge(routes::sounds::router())
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn(compression::compress))
        .with_state(site.clone());

    // Around the router, not only its routes: these may change the method, and answer before a route is looked for.
    let site_layers = ServiceBuilder::new()
        .layer(from_fn_with_state(site.clone(), front::receive))
        .layer(from_fn_with_state(site, page_cache::serve_cached));
    Router::new().fallback_service(site_layers.service(routes))
}

/// Waits until the program shuts down.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone without a shutdown: there will be none.
    if closing.wait_for(|closing| *closing).await.is_err() {
        std::future::pending().await
    }
}
