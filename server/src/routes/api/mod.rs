//! The API for programs, which post by the key of a bot.
//!
//! The key is in the path (`/rooms/3/9-Ab3dEf6hIj9k/messages`), as existing scripts have it, or in the header
//! `Authorization: Bearer` (`/api/v1/rooms/3/messages`). Both have the same handlers. What differs is how failures are
//! answered: see [`error::Style`].
//!
//! A bot is a member like others: handlers call the operations of people with a [`Member`](campfire::access::Member).

mod body;
mod bot;
mod error;
mod messages;
mod objects;
mod people;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use campfire::model::paths;

use crate::Site;

/// The routes of the API.
pub fn router() -> Router<Site> {
    let by_path = "/rooms/{room_id}/{bot_key}/messages";
    let by_header = "/api/v1/rooms/{room_id}/messages";
    let mut router = Router::new();
    for base in [by_path, by_header] {
        router = router
            .route(base, get(messages::list).post(messages::create))
            // PATCH comes as PUT.
            .route(&format!("{base}/{{message_id}}"), get(messages::show).put(messages::edit).delete(messages::remove))
            .route(&format!("{base}/{{message_id}}/boosts"), post(messages::boost))
            .route(&format!("{base}/{{message_id}}/boosts/{{boost_id}}"), delete(messages::unboost));
    }
    router
        .route(paths::API_ROOMS, get(people::rooms))
        .route(paths::API_USERS, get(people::users))
        .route("/api/v1/rooms/{room_id}/users", get(people::users_of_room))
        .route(paths::API_FILES, post(messages::receive_file))
        // Bodies are limited where they are read: a file may be larger than a text.
        .layer(DefaultBodyLimit::disable())
}
