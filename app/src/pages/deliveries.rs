//! The page of deliveries and jobs, for administrators: what waits, what failed and why.

use campfire::model::{UserId, paths};
use leptos::prelude::*;

use crate::components::local_time::LocalTime;
use crate::components::sheet::{Section, Sheet};

/// A delivery to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: i64,
    /// The bot.
    pub bot_id: UserId,
    /// The name of the bot.
    pub bot_name: String,
    /// The page of the message; `None` for a test.
    pub message_path: Option<String>,
    /// Its state.
    pub state: DeliveryStanding,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, if it waits, in milliseconds since the epoch.
    pub run_at: i64,
    /// The status of the last response, if there was one.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How long the last try took, in milliseconds.
    pub took_ms: Option<i64>,
    /// The beginning of what was sent last.
    pub request: String,
    /// The beginning of what came back last.
    pub answer: String,
    /// When it was queued, in milliseconds since the epoch.
    pub created_at: i64,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStanding {
    /// It is to be tried.
    Waiting,
    /// It was delivered.
    Done,
    /// It failed for good.
    Failed,
}

/// A job that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its id.
    pub id: i64,
    /// The kind of the job.
    pub kind: String,
    /// Why it failed last.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Whether it is not tried any more.
    pub is_dead: bool,
    /// When it was queued, in milliseconds since the epoch.
    pub created_at: i64,
}

/// The page of queued and failed deliveries and jobs.
#[component]
pub fn DeliveriesPage(
    /// How many deliveries wait.
    waiting_count: i64,
    /// The latest of them.
    waiting: Vec<DeliveryRow>,
    /// How many deliveries failed.
    failed_count: i64,
    /// The latest of them.
    failed: Vec<DeliveryRow>,
    /// The jobs that failed.
    jobs: Vec<JobRow>,
) -> impl IntoView {
    let no_jobs = jobs.is_empty();
    view! {
        <Sheet title="Deliveries and jobs" back=paths::BOTS>
            <Section title=format!("Waiting: {waiting_count}")>
                <p>"What is on its way to webhooks, and what is tried again after a failure."</p>
                {waiting.is_empty().then(|| view! { <p class="empty">"Nothing waits."</p> })}
                <Deliveries rows=waiting/>
            </Section>
            <Section title=format!("Failed: {failed_count}")>
                <p>"Kept for seven days."</p>
                {failed.is_empty().then(|| view! { <p class="empty">"Nothing failed."</p> })}
                <Deliveries rows=failed/>
            </Section>
            <Section title="Other jobs that failed">
                {no_jobs.then(|| view! { <p class="empty">"No job failed."</p> })}
                <ul class="deliveries">
                    {jobs.into_iter().map(|job| view! { <FailedJob job/> }).collect_view()}
                </ul>
            </Section>
        </Sheet>
    }
}

/// A list of deliveries, each with what was sent and what came back.
#[component]
pub fn Deliveries(
    /// The deliveries.
    rows: Vec<DeliveryRow>,
) -> impl IntoView {
    view! {
        <ul class="deliveries">
            {rows.into_iter().map(|row| view! { <Delivery row/> }).collect_view()}
        </ul>
    }
}

#[component]
fn Delivery(row: DeliveryRow) -> impl IntoView {
    let DeliveryRow { id, bot_id, bot_name, message_path, state, attempts, status, error, took_ms, .. } = row;
    let (class, word) = match state {
        DeliveryStanding::Waiting => ("tag", "Waiting"),
        DeliveryStanding::Done => ("tag", "Delivered"),
        DeliveryStanding::Failed => ("tag tag--negative", "Failed"),
    };
    let tries = match attempts {
        0 => "not tried yet".to_owned(),
        1 => "tried once".to_owned(),
        count => format!("tried {count} times"),
    };
    let answered = status.map(|status| format!(", answered {status}"));
    let took = took_ms.map(|took_ms| format!(", the last time in {took_ms} ms"));
    let request = Some(row.request).filter(|request| !request.is_empty());
    let answer = Some(row.answer).filter(|answer| !answer.is_empty());
    let subject = match message_path {
        Some(path) => view! { <a href=path>"a message"</a> }.into_any(),
        None => view! { "a test" }.into_any(),
    };
    view! {
        <li class="delivery">
            <p class="delivery__head">
                <span class=class>{word}</span>
                <span class="delivery__what"><a href=paths::edit_bot(bot_id)><bdi>{bot_name}</bdi></a>": "{subject}</span>
                <span class="delivery__time"><LocalTime at_ms=row.created_at/></span>
            </p>
            <p class="field__note">{tries}{answered}{took}</p>
            {error.map(|error| view! { <p class="field__note field__note--wrong">{error}</p> })}
            {(request.is_some() || answer.is_some()).then(|| view! {
                <details class="delivery__details">
                    <summary>"Request and answer"</summary>
                    {request.map(|request| view! { <pre><code>{request}</code></pre> })}
                    {answer.map(|answer| view! { <pre><code>{answer}</code></pre> })}
                </details>
            })}
            {(state != DeliveryStanding::Done).then(|| view! { <AgainOrDrop action=paths::delivery(id)/> })}
        </li>
    }
}

#[component]
fn FailedJob(job: JobRow) -> impl IntoView {
    let JobRow { id, kind, error, attempts, is_dead, created_at } = job;
    let (class, word) = if is_dead { ("tag tag--negative", "Failed") } else { ("tag", "Tried again") };
    view! {
        <li class="delivery">
            <p class="delivery__head">
                <span class=class>{word}</span>
                <span class="delivery__what">{kind.replace('_', " ")}</span>
                <span class="delivery__time"><LocalTime at_ms=created_at/></span>
            </p>
            <p class="field__note">{format!("tried {attempts} times")}</p>
            <p class="field__note field__note--wrong">{error}</p>
            <AgainOrDrop action=paths::failed_job(id)/>
        </li>
    }
}

/// The forms that try something again, and that forget it.
#[component]
fn AgainOrDrop(action: String) -> impl IntoView {
    view! {
        <div class="delivery__buttons">
            <form method="post" action=action.clone()>
                <input type="hidden" name="_method" value="put"/>
                <button class="button button--plain">"Send again"</button>
            </form>
            <form method="post" action=action>
                <input type="hidden" name="_method" value="delete"/>
                <button class="button button--plain">"Drop"</button>
            </form>
        </div>
    }
}
