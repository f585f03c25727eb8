//! The page of deliveries and jobs, for administrators.

use app::Notice;
use app::pages::deliveries::{DeliveriesPage, DeliveriesPageProps, DeliveryRow, DeliveryStanding, JobRow};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::get;
use campfire::access::Administrator;
use campfire::model::paths;
use campfire::ops::webhooks::{Delivery, DeliveryState};
use campfire::ops::{jobs, webhooks};
use campfire::state::AppState;
use campfire::{AppError, AppResult};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::{render, urls};
use crate::session::Administers;

/// The page, and its forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::DELIVERIES, get(list))
        .route("/account/deliveries/{delivery_id}", get(to_list).post(change).put(again).delete(forget))
        .route("/account/deliveries/jobs/{job_id}", get(to_list).post(change_job))
}

async fn list(State(state): State<AppState>, Administers(administrator): Administers) -> Result<Response, PageError> {
    let overview = webhooks::overview(&state, &administrator).await?;
    let jobs = jobs::list_failed(&state, &administrator).await?;
    let jobs = jobs.into_iter().map(|job| JobRow {
        id: job.id,
        kind: job.kind,
        error: job.last_error,
        attempts: job.attempts,
        is_dead: job.is_dead,
        created_at: job.created_at,
    });
    let props = DeliveriesPageProps {
        waiting_count: overview.waiting_count,
        waiting: overview.waiting.into_iter().map(row).collect(),
        failed_count: overview.failed_count,
        failed: overview.failed.into_iter().map(row).collect(),
        jobs: jobs.collect(),
    };
    Ok(render::plain(StatusCode::OK, "Deliveries and jobs", || DeliveriesPage(props)))
}

/// A delivery as its page shows it.
pub(super) fn row(delivery: Delivery) -> DeliveryRow {
    DeliveryRow {
        id: delivery.id,
        bot_id: delivery.bot_id,
        bot_name: delivery.bot_name,
        message_path: delivery.message_id.map(|message_id| paths::message(delivery.room_id, message_id)),
        state: match delivery.state {
            DeliveryState::Waiting => DeliveryStanding::Waiting,
            DeliveryState::Done => DeliveryStanding::Done,
            DeliveryState::Failed => DeliveryStanding::Failed,
        },
        attempts: delivery.attempts,
        run_at: delivery.run_at,
        status: delivery.status,
        error: delivery.error,
        took_ms: delivery.took_ms,
        request: delivery.request,
        answer: delivery.answer,
        created_at: delivery.created_at,
    }
}

/// A reload after a refused form requests the form's URL with GET.
async fn to_list() -> Redirect {
    Redirect::to(paths::DELIVERIES)
}

/// A form submitted with POST, which carries the method.
async fn change(
    state: State<AppState>,
    administrator: Administers,
    id: Path<String>,
    form: Form,
) -> Result<Redirect, PageError> {
    match form.verb() {
        Verb::Delete => forget(state, administrator, id).await,
        Verb::Put | Verb::Post => again(state, administrator, id).await,
    }
}

async fn again(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    webhooks::send_again(&state, &administrator, number(&id)?).await?;
    Ok(urls::with_notice(paths::DELIVERIES, Notice::Saved))
}

async fn forget(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Path(id): Path<String>,
) -> Result<Redirect, PageError> {
    webhooks::drop_delivery(&state, &administrator, number(&id)?).await?;
    Ok(urls::with_notice(paths::DELIVERIES, Notice::Saved))
}

async fn change_job(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, PageError> {
    apply_to_job(&state, &administrator, number(&id)?, form.verb()).await?;
    Ok(urls::with_notice(paths::DELIVERIES, Notice::Saved))
}

async fn apply_to_job(state: &AppState, administrator: &Administrator, job_id: i64, verb: Verb) -> AppResult<()> {
    match verb {
        Verb::Delete => jobs::forget(state, administrator, job_id).await,
        Verb::Put | Verb::Post => jobs::run_again(state, administrator, job_id).await,
    }
}

fn number(id: &str) -> AppResult<i64> {
    id.parse().map_err(|_| AppError::NotFound)
}
