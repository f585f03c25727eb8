//! Rendering a draft with the names of a room's members.

use std::collections::HashSet;

use crate::AppResult;
use crate::access::Member;
use crate::model::{Draft, Person, RoomId};
use crate::richtext::{self, Names, Rendered};
use crate::state::AppState;
use crate::store;

/// Drafts up to this many bytes are rendered on the thread of the request, longer ones on those for long messages.
const MAX_INLINE_BYTES: usize = 4 * 1_024;

/// The HTML that a draft would have as a message of the member's room.
///
/// # Errors
/// When the database does not answer.
pub async fn preview(state: &AppState, member: &Member, draft: Draft) -> AppResult<String> {
    Ok(render(state, member.room.id, draft, Vec::new()).await?.body.html)
}

/// The HTML of a draft that is shown to one person and mentions nobody.
///
/// # Errors
/// `Unavailable` when too much is being rendered.
pub(in crate::ops) async fn render_note(state: &AppState, draft: Draft) -> AppResult<String> {
    Ok(render_with(state, draft, async || Ok(Names::none())).await?.body.html)
}

/// Renders a draft. It can mention active members of the room by their names, and by the earlier names in `known_as`.
pub(super) async fn render(
    state: &AppState,
    room_id: RoomId,
    draft: Draft,
    known_as: Vec<Person>,
) -> AppResult<Rendered> {
    let names_of = async || {
        let mut people = store::memberships::list_people(state.db.reader(), room_id).await?;
        let members: HashSet<_> = people.iter().map(|person| person.id).collect();
        people.extend(known_as.into_iter().filter(|person| members.contains(&person.id)));
        Ok(Names::new(people))
    };
    render_with(state, draft, names_of).await
}

/// Renders a draft with names, which are read only for a text that can have a mention.
async fn render_with(
    state: &AppState,
    draft: Draft,
    names: impl AsyncFnOnce() -> AppResult<Names>,
) -> AppResult<Rendered> {
    // Before the names are read: who waits holds nothing but the draft.
    let turn = if draft.as_str().len() > MAX_INLINE_BYTES { Some(state.renderings.turn().await?) } else { None };
    let names = if draft.as_str().contains('@') { names().await? } else { Names::none() };
    match turn {
        Some(turn) => turn.run(move || richtext::render(&draft, &names)).await,
        None => Ok(richtext::render(&draft, &names)),
    }
}
