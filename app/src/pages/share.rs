//! The share target of the installed app: a text to edit, and the rooms to send it to; or files, and the rooms in which
//! they can be looked at and sent.

use campfire::html::HtmlWriter;
use campfire::model::{RoomId, paths};
use leptos::either::Either;
use leptos::prelude::*;

use crate::components::form::textarea_html;
use crate::components::sheet::{Section, Sheet};

/// The shared text or files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// A text.
    Text(String),
    /// Files of these names, which the service worker has kept with their text.
    Files(Vec<String>),
    /// This text, or nothing, of what could not be kept.
    Missed(String),
}

/// The page of the share target: the shared text or files, and a button for each room.
#[component]
pub fn Share(
    /// The shared text or files.
    shared: Shared,
    /// The viewer's rooms.
    rooms: Vec<(RoomId, String)>,
    /// Makes the form idempotent: sent twice to a room, it is one message.
    seq: i64,
) -> impl IntoView {
    let is_empty = rooms.is_empty();
    let are_files = matches!(shared, Shared::Files(_));
    let is_missed = matches!(shared, Shared::Missed(_));
    let rows = rooms.into_iter().map(|(id, name)| {
        let label = format!("{} {name}", if are_files { "Choose" } else { "Send to" });
        let button = if are_files {
            // A document of its own: its script takes the files.
            let href = paths::room(id) + "?shared=1";
            Either::Left(
                view! { <a class="button button--plain" rel="external" href=href aria-label=label>"Choose"</a> },
            )
        } else {
            let formaction = paths::messages(id);
            Either::Right(
                view! { <button class="button button--plain" formaction=formaction aria-label=label>"Send"</button> },
            )
        };
        view! { <li class="list__row"><bdi class="list__name">{name}</bdi>{button}</li> }
    });
    let rows: Vec<_> = rows.collect();
    let rooms = move |title| {
        view! {
            <Section title>
                {is_empty.then(|| view! { <p class="empty">"You are in no room."</p> })}
                <ul class="list">{rows}</ul>
            </Section>
        }
    };
    let content = match shared {
        Shared::Missed(text) if text.is_empty() => view! {
            <div class="sections">
                <Section title="Not taken over">
                    <p role="alert">"What was shared could not be kept on this device. Open a room, and attach it there."</p>
                </Section>
            </div>
        }
        .into_any(),
        Shared::Text(text) | Shared::Missed(text) => view! {
            <form class="sections" method="post">
                <input type="hidden" name="seq" value=seq/>
                {is_missed.then(|| view! {
                    <Section title="Not taken over">
                        <p role="alert">"Only this text could be kept on this device. Attach the rest in the room."</p>
                    </Section>
                })}
                <Section title="Message">
                    <textarea class="share__text" name="body" rows="5" dir="auto" required aria-label="Message">{textarea_html(&text)}</textarea>
                </Section>
                {rooms("Send to")}
            </form>
        }
        .into_any(),
        Shared::Files(names) => view! {
            <div class="sections">
                <Section title="Content"><ul class="list" inner_html=names_html(&names)></ul></Section>
                {rooms("Room")}
            </div>
        }
        .into_any(),
    };
    view! { <Sheet title="Share" back=paths::HOME>{content}</Sheet> }
}

fn names_html(names: &[String]) -> String {
    let mut html = HtmlWriter::new();
    for name in names {
        html.markup(r#"<li class="list__row"><bdi class="list__name">"#).text(name).markup("</bdi></li>");
    }
    html.into_string()
}
