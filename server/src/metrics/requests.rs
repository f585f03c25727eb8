//! Counts of requests by method, route and status, and how long routes take.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use campfire::metrics::Durations;

use super::text::{Kind, Text};

/// The counts. There are as many as the router has routes, methods and statuses: nothing that a client sends adds others.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By route: its own counts.
    routes: BTreeMap<Box<str>, Route>,
}

#[derive(Debug, Default)]
struct Route {
    answers: BTreeMap<(&'static str, u16), u64>,
    durations: Durations,
}

impl Requests {
    /// Counts a request that was answered.
    pub fn note(&self, method: &Method, route: &str, status: StatusCode, duration: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.routes.contains_key(route) {
            counts.routes.insert(route.into(), Route::default());
        }
        if let Some(counts) = counts.routes.get_mut(route) {
            *counts.answers.entry((known(method), status.as_u16())).or_default() += 1;
            counts.durations.observe_duration(duration);
        }
    }

    /// Writes the counts.
    pub fn expose(&self, text: &mut Text) {
        // Copied first: requests wait for the lock.
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = counts.routes.iter();
        let routes =
            routes.map(|(route, counts)| (route.clone(), counts.answers.clone(), counts.durations.distribution()));
        let routes: Vec<_> = routes.collect();
        drop(counts);
        text.family("campfire_requests_total", Kind::Counter, "Requests by method, route and status.");
        for (route, answers, _) in &routes {
            for ((method, status), count) in answers {
                let status = status.to_string();
                text.sample(&[("method", method), ("route", route), ("status", &status)], *count);
            }
        }
        let help = "How long requests took until their responses began, by route.";
        text.family("campfire_request_seconds", Kind::Histogram, help);
        for (route, _, durations) in &routes {
            text.durations(&[("route", route)], durations);
        }
    }
}

/// The name of a method: those of clients' own invention have one together.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_are_one() {
        let requests = Requests::default();
        for method in ["GET", "BREW", "STEEP"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            requests.note(&method, "/", StatusCode::OK, Duration::from_millis(3));
        }
        let mut text = Text::default();
        requests.expose(&mut text);
        let text = text.finish();
        for line in [
            "campfire_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1\n",
            "campfire_requests_total{method=\"other\",route=\"/\",status=\"200\"} 2\n",
            "campfire_request_seconds_bucket{route=\"/\",le=\"0.0025\"} 0\n",
            "campfire_request_seconds_bucket{route=\"/\",le=\"0.005\"} 3\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
