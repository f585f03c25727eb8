//! The page of a user, with the actions of administrators.

use campfire::model::{Profile, Role, RoomKind, Status, User, UserId, paths};
use leptos::prelude::*;

use super::profile::{LinkOffer, SignInLink};
use crate::components::form::FormState;
use crate::components::sheet::{Avatar, Danger, Section, Sheet};

/// The profile of a user. E-mail address and administration are shown to administrators.
#[component]
pub fn PersonPage(
    /// The user who views the page.
    viewer: User,
    /// The user it shows.
    person: Profile,
    /// The link that signs the user in, for administrators to hand over; only for active users.
    link: Option<LinkOffer>,
    /// The errors of the form that makes the link.
    state: FormState,
) -> impl IntoView {
    let administers = viewer.role == Role::Administrator;
    let is_self = viewer.id == person.id;
    let active = person.status == Status::Active;
    let human = person.role != Role::Bot;
    let name = person.name.clone();
    let email_address = person.email_address.clone().filter(|_| administers && person.status != Status::Deactivated);
    let standing = match (person.status, person.role) {
        (Status::Deactivated, _) | (Status::Banned, Role::Bot) => Some(format!("{name} is no longer on this account.")),
        (Status::Banned, _) => Some(format!("{name} is banned.")),
        (Status::Active, Role::Administrator) => Some("Administrator".to_owned()),
        (Status::Active, Role::Bot) => Some("Bot".to_owned()),
        (Status::Active, Role::Member) => None,
    };
    view! {
        <Sheet title=person.name.clone() back=paths::HOME>
            <div class="sheet__person sheet__person--tall">
                <div class:list__row--dim=!active><Avatar id=person.id name=person.name.clone() class="avatar--huge"/></div>
                {standing.map(|standing| view! { <p class="sheet__standing"><bdi>{standing}</bdi></p> })}
                {(!person.bio.is_empty()).then(|| view! { <p class="sheet__bio" dir="auto">{person.bio.clone()}</p> })}
                {email_address.map(|address| view! { <p><a href=format!("mailto:{address}")>{address.clone()}</a></p> })}
                <div class="card__buttons">
                    {active.then(|| view! {
                        <form method="post" action=paths::rooms(RoomKind::Direct)>
                            <input type="hidden" name="user_ids" value=person.id.to_string()/>
                            <button class="button">{if is_self { "Write to yourself".to_owned() } else { format!("Ping {name}") }}</button>
                        </form>
                    })}
                    {is_self.then(|| view! { <a class="button button--plain" href=paths::OWN_PROFILE>"Edit your profile"</a> })}
                </div>
            </div>
            {link.map(|link| view! {
                <Section title=format!("Sign {name} in")>
                    <p>"For somebody who is locked out: whoever opens this link first, within four hours, is signed in as them. Hand it to nobody else."</p>
                    <SignInLink user_id=person.id label=format!("Sign-in link of {name}") link state/>
                </Section>
            })}
            {(administers && human).then(|| view! { <Administration person is_self/> })}
        </Sheet>
    }
}

/// The forms that change the role of a user, remove, ban and unban.
#[component]
fn Administration(person: Profile, is_self: bool) -> impl IntoView {
    let Profile { id, name, .. } = person;
    let is_administrator = person.role == Role::Administrator;
    match person.status {
        Status::Active => view! {
            <Section title="Administration" id="remove">
                {is_self.then(|| view! { <p>"Another administrator can change your role or remove you."</p> })}
                {(!is_self).then(|| view! { <ChangeRole id name=name.clone() is_administrator/> })}
                {(!is_self).then(|| view! {
                    <Danger summary=format!("Remove {name}…") action=paths::account_user(id) button=format!("Remove {name} for good")>
                        <p>"They are signed out everywhere and leave all rooms. What they wrote stays. This cannot be undone; they can join again by the link."</p>
                    </Danger>
                    <Danger summary=format!("Ban {name}…") action=paths::ban(id) method="post" button=format!("Ban {name}")>
                        <p>"They are signed out everywhere, everything they ever wrote is deleted, and nobody can sign in or join from the internet addresses that they used last. An address that somebody else used in the last 30 days stays open. The ban can be lifted; what was deleted does not come back."</p>
                    </Danger>
                })}
            </Section>
        }
        .into_any(),
        Status::Banned => view! {
            <Section title="Administration">
                <form method="post" action=paths::ban(id)>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button button--plain">"Remove ban"</button>
                </form>
                <p class="field__note">"They can sign in again. What was deleted does not come back."</p>
            </Section>
        }
        .into_any(),
        Status::Deactivated => ().into_any(),
    }
}

/// The form that changes the role of a user. It opens first and says what the role means, as a question.
#[component]
fn ChangeRole(id: UserId, name: String, is_administrator: bool) -> impl IntoView {
    let (role, summary, meaning, button) = if is_administrator {
        (
            "member",
            format!("Make {name} a member…"),
            "They no longer change the account, its people, and the rooms and messages of others. Their own stay theirs.",
            format!("Make {name} a member"),
        )
    } else {
        (
            "administrator",
            format!("Make {name} an administrator…"),
            "They can change the account, everybody’s role, and every room and message that they have access to. They see no room that they are not in.",
            format!("Make {name} an administrator"),
        )
    };
    view! {
        <details class="danger danger--mild">
            <summary>{summary}</summary>
            <p>{meaning}</p>
            <form method="post" action=paths::account_user(id)>
                <input type="hidden" name="_method" value="put"/>
                <input type="hidden" name="role" value=role/>
                <input type="hidden" name="return_to" value=paths::user(id)/>
                <button class="button button--plain">{button}</button>
            </form>
        </details>
    }
}
