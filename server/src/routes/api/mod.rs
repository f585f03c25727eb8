//! The API for programs, which post by the key of a bot.
//!
//! The key is in the path (`/rooms/3/9-Ab3dEf6hIj9k/messages`), as existing scripts have it, or in the header
//! `Authorization: Bearer` (`/api/v1/rooms/3/messages`). Both have the same handlers. What differs is how failures are
//! answered: see [`error::Style`].
//!
//! A bot is a member like others: handlers call the operations of people with a [`Member`](campfire::access::Member).
//!
//! `openapi.json` describes every route; a test compares it with [`ROUTES`].

mod body;
mod bot;
mod error;
mod events;
mod messages;
mod objects;
mod people;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, post};

use crate::Site;

/// The description of the API for programs (OpenAPI 3.1).
const DESCRIPTION: &str = include_str!("openapi.json");

/// The handlers of a path.
type Handlers = fn() -> MethodRouter<Site>;

/// The paths with their methods and handlers. PATCH comes as PUT.
const ROUTES: [(&str, &[&str], Handlers); 14] = [
    ("/rooms/{room_id}/{bot_key}/messages", &["get", "post"], all_messages),
    ("/rooms/{room_id}/{bot_key}/messages/{message_id}", &["get", "put", "delete"], one_message),
    ("/rooms/{room_id}/{bot_key}/messages/{message_id}/boosts", &["post"], all_boosts),
    ("/rooms/{room_id}/{bot_key}/messages/{message_id}/boosts/{boost_id}", &["delete"], one_boost),
    ("/api/v1/rooms/{room_id}/messages", &["get", "post"], all_messages),
    ("/api/v1/rooms/{room_id}/messages/{message_id}", &["get", "put", "delete"], one_message),
    ("/api/v1/rooms/{room_id}/messages/{message_id}/boosts", &["post"], all_boosts),
    ("/api/v1/rooms/{room_id}/messages/{message_id}/boosts/{boost_id}", &["delete"], one_boost),
    ("/api/v1/rooms", &["get"], || get(people::rooms)),
    ("/api/v1/rooms/{room_id}/users", &["get"], || get(people::users_of_room)),
    ("/api/v1/users", &["get"], || get(people::users)),
    ("/api/v1/events", &["get"], || get(events::follow)),
    ("/api/v1/files", &["post"], || post(messages::receive_file)),
    ("/api/v1/openapi.json", &["get"], || get(description)),
];

fn all_messages() -> MethodRouter<Site> {
    get(messages::list).post(messages::create)
}

fn one_message() -> MethodRouter<Site> {
    get(messages::show).put(messages::edit).delete(messages::remove)
}

fn all_boosts() -> MethodRouter<Site> {
    post(messages::boost)
}

fn one_boost() -> MethodRouter<Site> {
    delete(messages::unboost)
}

/// The routes of the API.
pub fn router() -> Router<Site> {
    let router = ROUTES.into_iter().fold(Router::new(), |router, (path, _, handlers)| router.route(path, handlers()));
    // Bodies are limited where they are read: a file may be larger than a text.
    router.layer(DefaultBodyLimit::disable())
}

async fn description() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::routing::MethodFilter;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            described.extend(methods.map(|method| format!("{method} {path}")));
        }
        let routed: BTreeSet<_> = ROUTES
            .into_iter()
            .flat_map(|(path, methods, _)| methods.iter().map(move |method| format!("{method} {path}")))
            .collect();
        assert_eq!(described, routed);
    }

    /// A method that is listed and has no handler would be free to be added; one that has a handler is not.
    #[test]
    fn the_listed_methods_are_those_of_the_handlers() {
        let filters = [
            ("get", MethodFilter::GET),
            ("post", MethodFilter::POST),
            ("put", MethodFilter::PUT),
            ("delete", MethodFilter::DELETE),
        ];
        for (path, methods, handlers) in ROUTES {
            for (name, filter) in filters {
                let add = || handlers().on(filter, async || "");
                let has_handler = std::panic::catch_unwind(std::panic::AssertUnwindSafe(add)).is_err();
                assert_eq!(has_handler, methods.contains(&name), "{name} {path}");
            }
        }
    }

    #[test]
    fn references_of_the_description_lead_somewhere() {
        let document: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let mut rest = vec![&document];
        while let Some(value) = rest.pop() {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    rest.extend(fields.values());
                }
                Value::Array(values) => rest.extend(values),
                _ => {}
            }
        }
    }
}
