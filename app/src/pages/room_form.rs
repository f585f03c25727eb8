//! Making a room, and its settings.

use campfire::model::{Person, RoomId, RoomKind, UserId, avatar_tint, initials};
use leptos::prelude::*;

use super::entrance::Card;
use crate::components::form::{Field, FormState};

/// What the form is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    New,
    /// A room that the viewer may change.
    Existing(RoomId),
    /// A room that the viewer may look at.
    ReadOnly(RoomId),
}

/// The form of an open room, or of a closed one with the people to choose from.
#[component]
pub fn RoomForm(
    subject: Subject,
    kind: RoomKind,
    people: Vec<Person>,
    chosen: Vec<UserId>,
    viewer_id: UserId,
    state: FormState,
) -> impl IntoView {
    let (base, other) = match kind {
        RoomKind::Closed => ("closeds", "opens"),
        RoomKind::Open | RoomKind::Direct => ("opens", "closeds"),
    };
    let (title, action, other_path, back) = match subject {
        Subject::New => ("New room", format!("/rooms/{base}"), format!("/rooms/{other}/new"), "/".to_owned()),
        Subject::Existing(id) | Subject::ReadOnly(id) => (
            "Room settings",
            format!("/rooms/{base}/{id}"),
            format!("/rooms/{other}/{id}/edit"),
            format!("/rooms/{id}"),
        ),
    };
    let read_only = matches!(subject, Subject::ReadOnly(_));
    let closed = kind == RoomKind::Closed;
    let people_problem = state.errors.get("user_ids").map(str::to_owned);
    let name = state.value("name");
    let remove = match subject {
        Subject::Existing(id) => Some(view! { <RemoveRoom room_id=id name=name.clone()/> }),
        _ => None,
    };

    view! {
        <Card title lead="" state=state.clone()>
            <form method="post" action=action>
                {(subject != Subject::New).then(|| view! { <input type="hidden" name="_method" value="put"/> })}
                {if read_only {
                    view! { <p class="card__lead"><bdi>{name}</bdi></p> }.into_any()
                } else {
                    view! { <Field name="name" label="Name" autofocus=true state/> }.into_any()
                }}
                {(!read_only).then(|| view! {
                    <div class="choice" role="group" aria-label="Who is in it">
                        {if closed {
                            view! { <a href=other_path data-keeps-name="">"Everyone"</a><span aria-current="true">"Chosen people"</span> }.into_any()
                        } else {
                            view! { <span aria-current="true">"Everyone"</span><a href=other_path data-keeps-name="">"Chosen people"</a> }.into_any()
                        }}
                    </div>
                })}
                {people_problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
                {if closed {
                    view! {
                        <fieldset class="people">
                            <legend>"Who is in it"</legend>
                            {people.into_iter().map(|person| view! {
                                <PersonChoice
                                    checked=chosen.contains(&person.id)
                                    fixed=read_only || (subject == Subject::New && person.id == viewer_id)
                                    person
                                />
                            }).collect_view()}
                        </fieldset>
                    }.into_any()
                } else {
                    view! { <p class="field__note">"Everyone in this Campfire is in it, now and later."</p> }.into_any()
                }}
                <div class="card__buttons">
                    {(!read_only).then(|| view! {
                        <button class="button">{if subject == Subject::New { "Make the room" } else { "Save" }}</button>
                    })}
                    <a class="button button--plain" href=back>"Back"</a>
                </div>
            </form>
            {remove}
        </Card>
    }
}

#[component]
fn PersonChoice(person: Person, checked: bool, fixed: bool) -> impl IntoView {
    view! {
        <label class="person">
            <span class=format!("avatar tint-{}", avatar_tint(person.id)) aria-hidden="true">{initials(&person.name)}</span>
            <bdi class="person__name">{person.name}</bdi>
            <input type="checkbox" name="user_ids" value=person.id.to_string() checked=checked || fixed disabled=fixed/>
        </label>
    }
}

#[component]
fn RemoveRoom(room_id: RoomId, name: String) -> impl IntoView {
    view! {
        <details class="danger">
            <summary>"Delete this room…"</summary>
            <p>"All messages in “"<bdi>{name}</bdi>"” are deleted for everyone. This cannot be undone."</p>
            <form method="post" action=format!("/rooms/{room_id}")>
                <input type="hidden" name="_method" value="delete"/>
                <button class="button button--danger">"Delete room and messages"</button>
            </form>
        </details>
    }
}
