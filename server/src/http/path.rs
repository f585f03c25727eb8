//! Ids in paths, and the query of a page.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use campfire::AppError;
use campfire::model::{FileKey, MessageId, PushSubscriptionId, RoomId, SessionId, UserId};

use super::errors::PageError;

/// The parameters of a query; of repeated ones the last.
pub type PageQuery = Query<HashMap<String, String>>;

/// An id that is a parameter of paths, like the `room_id` of `/rooms/{room_id}`.
pub trait InPath: FromStr<Err = AppError> {
    /// The name of the parameter.
    const NAME: &'static str;
}

impl InPath for FileKey {
    const NAME: &'static str = "key";
}

impl InPath for MessageId {
    const NAME: &'static str = "message_id";
}

impl InPath for PushSubscriptionId {
    const NAME: &'static str = "subscription_id";
}

impl InPath for RoomId {
    const NAME: &'static str = "room_id";
}

impl InPath for SessionId {
    const NAME: &'static str = "session_id";
}

impl InPath for UserId {
    const NAME: &'static str = "user_id";
}

/// Extracts the id of this type from the path; `NotFound` if it does not parse.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T: InPath, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(segment(parts, T::NAME).await?))
    }
}

/// The path segment of this name.
///
/// # Errors
/// `NotFound` if it is missing or does not parse.
pub async fn segment<T: FromStr<Err = AppError>>(parts: &mut Parts, name: &str) -> Result<T, AppError> {
    let path = <Path<HashMap<String, String>> as FromRequestParts<()>>::from_request_parts(parts, &()).await;
    let Path(path) = path.map_err(|_| AppError::NotFound)?;
    path.get(name).ok_or(AppError::NotFound)?.parse()
}
