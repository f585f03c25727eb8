//! The form of a room: making one, and its settings.

use campfire::model::{RoomId, RoomKind, paths};
use leptos::prelude::*;

use crate::components::form::{Field, FormState};
use crate::components::people::{Choice, ChoosePeople};
use crate::components::sheet::{Danger, Section, Sheet};

/// The room that a form edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A new room.
    New,
    /// A room that the viewer may change.
    Existing(RoomId),
    /// A room that the viewer may only view.
    ReadOnly(RoomId),
}

/// The form of an open room, or of a closed one with the people to choose from.
#[component]
pub fn RoomForm(
    /// The room.
    subject: Subject,
    /// The kind that saving the form gives the room.
    kind: RoomKind,
    /// Whether the room is closed now, regardless of `kind`.
    is_closed_now: bool,
    /// The people to choose from.
    choices: Vec<Choice>,
    /// The number of messages that deleting the room deletes.
    message_count: i64,
    /// Whether the viewer may see the hooks of rooms.
    may_see_hooks: bool,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    let (base, other) = match kind {
        RoomKind::Closed => (RoomKind::Closed, RoomKind::Open),
        RoomKind::Open | RoomKind::Direct => (RoomKind::Open, RoomKind::Closed),
    };
    let (title, action, other_path, back) = match subject {
        Subject::New => {
            ("New room", paths::rooms(base).to_owned(), paths::new_room(other).to_owned(), paths::HOME.to_owned())
        }
        Subject::Existing(id) | Subject::ReadOnly(id) => {
            ("Room settings", paths::room_of_kind(base, id), paths::room_settings(other, id), paths::room(id))
        }
    };
    let read_only = matches!(subject, Subject::ReadOnly(_));
    let closed = kind == RoomKind::Closed;
    let problem = state.errors.get("user_ids").or_else(|| state.errors.get("form")).map(str::to_owned);
    let name = state.value("name");
    let leave = match subject {
        Subject::Existing(id) | Subject::ReadOnly(id) if is_closed_now => Some(view! {
            <Danger summary="Leave this room…" action=paths::membership(id) button="Leave room">
                <p>"It is no longer in your sidebar, and you cannot read it. Somebody in it can let you in again."</p>
            </Danger>
        }),
        _ => None,
    };
    let remove = match subject {
        Subject::Existing(id) => Some(view! { <RemoveRoom room_id=id name=name.clone() message_count/> }),
        Subject::New | Subject::ReadOnly(_) => None,
    };
    let more = match subject {
        Subject::New => None,
        Subject::Existing(id) | Subject::ReadOnly(id) => Some(view! {
            <Section title="In this room">
                <p><a href=paths::room_files(id)>"Files"</a></p>
                {may_see_hooks.then(|| view! {
                    <p><a href=paths::room_hooks(id)>"Incoming hooks"</a>": other programs that post here"</p>
                })}
            </Section>
        }),
    };
    let ends = (leave.is_some() || remove.is_some())
        .then(|| view! { <Section title="Leave or delete">{leave} {remove}</Section> });
    let submit = if subject == Subject::New { "Create room" } else { "Save" };
    let everybody = view! { <p class="field__note">"Everyone in this Campfire is in it, now and later."</p> };

    view! {
        <Sheet title back=back.clone()>
            <form class="sections" method="post" action=action>
                {(subject != Subject::New).then(|| view! { <input type="hidden" name="_method" value="put"/> })}
                {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
                <Section title="Name">
                    {if read_only {
                        view! { <p class="sheet__lead"><bdi>{name}</bdi></p> }.into_any()
                    } else {
                        view! { <Field name="name" label="Name of the room" autocomplete="off" autofocus=true state/> }.into_any()
                    }}
                </Section>
                <Section title="Who is in it">
                    {(!read_only).then(|| view! {
                        <div class="choice" role="group" aria-label="Who is in it">
                            {if closed {
                                view! { <a href=other_path data-keeps-name="">"Everyone"</a><span aria-current="true">"Chosen people"</span> }.into_any()
                            } else {
                                view! { <span aria-current="true">"Everyone"</span><a href=other_path data-keeps-name="">"Chosen people"</a> }.into_any()
                            }}
                        </div>
                    })}
                    {if closed { view! { <ChoosePeople legend="Who is in it" people=choices/> }.into_any() } else { everybody.into_any() }}
                </Section>
                <div class="sections__end">
                    {(!read_only).then(|| view! { <button class="button">{submit}</button> })}
                    <a class="button button--plain" href=back data-back="">{if read_only { "Back" } else { "Cancel" }}</a>
                </div>
            </form>
            {more}
            {ends}
        </Sheet>
    }
}

/// The form that deletes the room.
#[component]
fn RemoveRoom(room_id: RoomId, name: String, message_count: i64) -> impl IntoView {
    let lost = match message_count {
        0 => "It holds no messages.".to_owned(),
        1 => "Its one message is deleted for everyone.".to_owned(),
        many => format!("Its {many} messages are deleted for everyone."),
    };
    view! {
        <Danger summary="Delete this room…" action=paths::room(room_id) button="Delete room and messages">
            <p>"“"<bdi>{name}</bdi>"” goes for good. "{lost}" This cannot be undone."</p>
        </Danger>
    }
}
