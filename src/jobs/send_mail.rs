//! Sends mail.

use super::Next;
use crate::AppResult;
use crate::model::Mail;
use crate::ops::mails;
use crate::state::AppState;

/// Sends it. What the server did not take is tried again.
pub(super) async fn step(state: &AppState, mail: &Mail) -> AppResult<Next> {
    mails::send(state, mail).await.map(|()| Next::Done)
}
