//! Pings, which are direct rooms: the form that starts one, and its settings.

use campfire::model::{Person, RoomId, RoomKind, paths};
use leptos::prelude::*;

use crate::components::form::FormState;
use crate::components::people::{Choice, ChoosePeople};
use crate::components::sheet::{Avatar, Danger, Section, Sheet};

/// The form that starts a ping.
#[component]
pub fn NewPing(
    /// The people to choose from.
    people: Vec<Choice>,
    /// The errors of the form.
    state: FormState,
) -> impl IntoView {
    let problem = state.errors.get("user_ids").or_else(|| state.errors.get("form")).map(str::to_owned);
    view! {
        <Sheet title="New ping" back=paths::HOME>
            <Section title="Who should be in it?">
                <form method="post" action=paths::rooms(RoomKind::Direct)>
                    {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
                    <ChoosePeople legend="People" people/>
                    <button class="button">"Start ping"</button>
                </form>
            </Section>
        </Sheet>
    }
}

/// The people in a ping, and the form that deletes it.
#[component]
pub fn PingSettings(
    /// The room.
    room_id: RoomId,
    /// Its name for the viewer.
    name: String,
    /// The people in it.
    people: Vec<Person>,
) -> impl IntoView {
    view! {
        <Sheet title="Ping" back=paths::room(room_id)>
            <Section title="Who is in it">
                <ul class="list">
                    {people.into_iter().map(|person| view! {
                        <li class="list__row">
                            <Avatar id=person.id name=person.name.clone()/>
                            <a class="list__name" href=paths::user(person.id)><bdi>{person.name}</bdi></a>
                        </li>
                    }).collect_view()}
                </ul>
                <Danger summary="Delete this ping…" action=paths::room_of_kind(RoomKind::Direct, room_id) button="Delete ping and messages">
                    <p>"All messages between you and "<bdi>{name}</bdi>" are deleted for everyone. This cannot be undone."</p>
                </Danger>
            </Section>
        </Sheet>
    }
}
