//! Metrics for Prometheus: what was counted, as text (`--metrics ADDRESS`). Labels are names of this program alone: routes,
//! statuses, kinds of jobs; never anything of people.

mod requests;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use campfire::metrics::JobResult;
use campfire::model::JobKind;
use campfire::ops;

pub use requests::Requests;

use crate::Site;
use crate::middleware::security::REVISION;
use text::{Kind, Text};

/// The type of the exposition (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The page with the metrics of a site whose database is in `folder`.
pub fn app(site: Site, folder: &Path) -> Router {
    let database = folder.join("campfire.sqlite3");
    Router::new().route("/metrics", get(expose)).with_state((site, Arc::new(database)))
}

async fn expose(State((site, database)): State<(Site, Arc<PathBuf>)>) -> Response {
    // Without it, the rest would look as if all were well.
    let Ok(waiting) = ops::jobs::count_by_kind(&site.state).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer.\n").into_response();
    };
    let mut text = Text::default();
    text.family("campfire_build_info", Kind::Gauge, "The version that runs.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION")), ("revision", REVISION)], 1);
    if let Some(requests) = &site.requests {
        requests.expose(&mut text);
    }
    expose_live(&site, &mut text);
    expose_jobs(&site, &waiting, &mut text);
    expose_caches(&site, &mut text);
    text.family("campfire_database_bytes", Kind::Gauge, "Size of the database and of its write-ahead log.");
    for (file, name) in [("database", ""), ("wal", "-wal")] {
        let mut path = (*database).clone().into_os_string();
        path.push(name);
        text.sample(&[("file", file)], fs::metadata(path).map_or(0, |metadata| metadata.len()));
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text.finish()).into_response()
}

fn expose_live(site: &Site, text: &mut Text) {
    let counts = site.state.db.counts();
    text.family("campfire_sockets", Kind::Gauge, "Open sockets of pages.");
    text.sample(&[], site.state.live.socket_count() as u64);
    text.family("campfire_connections", Kind::Gauge, "Open connections, sockets included.");
    text.sample(&[], site.admissions.open_count() as u64);
    text.family("campfire_posts_total", Kind::Counter, "Messages that were posted.");
    text.sample(&[], counts.posts.load(Ordering::Relaxed));
    text.family("campfire_events_total", Kind::Counter, "Changes that were announced to sockets.");
    text.sample(&[], counts.announcements.load(Ordering::Relaxed));
    text.family("campfire_commit_seconds", Kind::Histogram, "How long groups of writes took until they were on disk.");
    text.durations(&[], &counts.commits.distribution());
    text.family("campfire_commit_writes", Kind::Histogram, "How many writes a group had.");
    text.histogram(&[], &counts.groups.distribution());
    text.family("campfire_write_queue_length", Kind::Gauge, "Writes that wait for the writer.");
    text.sample(&[], site.state.db.queue_length() as u64);
}

fn expose_jobs(site: &Site, waiting: &[(String, i64)], text: &mut Text) {
    text.family("campfire_jobs_waiting", Kind::Gauge, "Jobs that are queued or run, by kind.");
    for kind in JobKind::ALL {
        let kind = snake_case(&format!("{kind:?}"));
        let count = waiting.iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| *count);
        text.sample(&[("kind", &kind)], count.unsigned_abs());
    }
    text.family("campfire_jobs_total", Kind::Counter, "Attempts at jobs, by kind and result.");
    for kind in JobKind::ALL {
        for result in JobResult::ALL {
            let labels = [snake_case(&format!("{kind:?}")), snake_case(&format!("{result:?}"))];
            let count = site.state.db.counts().job_count(kind, result);
            text.sample(&[("kind", &labels[0]), ("result", &labels[1])], count);
        }
    }
}

fn expose_caches(site: &Site, text: &mut Text) {
    let caches = [
        ("pages", site.page_cache_usage()),
        ("sessions", site.state.sessions.usage()),
        ("memberships", site.state.members.usage()),
    ];
    text.family("campfire_cache_requests_total", Kind::Counter, "Values that were asked for, by cache and result.");
    for (cache, usage) in caches {
        text.sample(&[("cache", cache), ("result", "hit")], usage.hit_count);
        text.sample(&[("cache", cache), ("result", "miss")], usage.miss_count);
    }
    text.family("campfire_cache_bytes", Kind::Gauge, "Size of the values in a cache.");
    for (cache, usage) in caches {
        text.sample(&[("cache", cache)], usage.used_bytes);
    }
}

/// `RemoveContent` as `remove_content`, which is what the database calls a kind of job.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_called_as_in_the_database() {
        assert_eq!(snake_case("RemoveContent"), "remove_content");
        assert_eq!(snake_case("Prune"), "prune");
    }
}
