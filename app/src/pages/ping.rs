//! Pings, which are direct rooms: the form that starts one, and its settings.

use campfire::model::{Person, RoomId, RoomKind, paths};
use leptos::either::Either;
use leptos::prelude::*;

use crate::components::form::FormState;
use crate::components::people::{Choice, ChoosePeople};
use crate::components::sheet::{Avatar, Danger, LinkField, Section, Sheet};

/// The form that starts a ping.
#[component]
pub fn NewPing(
    /// The people to choose from.
    people: Vec<Choice>,
    /// The link by which people join.
    join_url: String,
    /// The errors of the form.
    state: FormState,
) -> impl IntoView {
    let problem = state.errors.get("user_ids").or_else(|| state.errors.get("form")).map(str::to_owned);
    let content = if people.is_empty() {
        Either::Left(view! {
            <Section title="Nobody else is here yet">
                <p>"A ping is a talk with one person or a few. Invite them first: anyone with this link can join."</p>
                <LinkField id="join-link" label="Join link" qr_path=paths::qr_code(&join_url) url=join_url/>
            </Section>
        })
    } else {
        Either::Right(view! {
            <form class="sections" method="post" action=paths::rooms(RoomKind::Direct)>
                <Section title="Who should be in it?">
                    {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
                    <ChoosePeople legend="People" people/>
                </Section>
                <div class="sections__end">
                    <button class="button">"Start ping"</button>
                    <a class="button button--plain" href=paths::HOME data-back="">"Cancel"</a>
                </div>
            </form>
        })
    };
    view! { <Sheet title="New ping" back=paths::HOME>{content}</Sheet> }
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
