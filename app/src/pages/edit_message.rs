//! Forms of messages for use without scripts: editing, replying, and a refused message.

use campfire::error::FieldErrors;
use campfire::model::{Answering, Message};
use leptos::prelude::*;

use crate::components::form::{FormState, LongField};
use crate::components::message::found_html;

use super::entrance::Card;

/// The form that edits or removes a message.
#[component]
pub fn EditMessage(
    /// The path of the message as it is stored.
    path: String,
    /// The path of its room, or of its thread if that alone shows it.
    room_path: String,
    /// That thread, in which the text can be sent if the message is removed meanwhile.
    answering: Option<Answering>,
    /// The text in the field.
    body: String,
    /// Why the text was refused.
    problem: Option<String>,
) -> impl IntoView {
    view! {
        <Card title="Edit message" lead="">
            <form method="post" action=path.clone()>
                <input type="hidden" name="_method" value="put"/>
                <Thread answering/>
                <Body body problem/>
                <div class="card__buttons">
                    <button class="button">"Save"</button>
                    <a class="button button--plain" href=room_path>"Cancel"</a>
                </div>
            </form>
            <form method="post" action=path>
                <input type="hidden" name="_method" value="delete"/>
                <button class="button button--danger">"Delete for everyone"</button>
            </form>
        </Card>
    }
}

/// The form of a refused message, with its text and the reason.
#[component]
pub fn NotSent(
    /// The path that messages of the room are posted to.
    messages_path: String,
    /// The path of the room, or of the thread.
    room_path: String,
    /// The thread that it is an answer in.
    answering: Option<Answering>,
    /// The `seq` of the composer's form, which makes it idempotent.
    seq: String,
    /// The id of the message that it answers, if any.
    reply_to: String,
    /// The text in the field.
    body: String,
    /// Why the text was refused.
    problem: String,
    /// Whether it was taken for a command, and can be sent as a message.
    can_be_message: bool,
) -> impl IntoView {
    view! {
        <Card title="Not sent yet" lead="">
            <form method="post" action=messages_path>
                <input type="hidden" name="seq" value=seq/>
                {(!reply_to.is_empty()).then(|| view! { <input type="hidden" name="reply_to" value=reply_to/> })}
                <Thread answering/>
                <Body body problem=Some(problem)/>
                <div class="card__buttons">
                    <button class="button">"Send"</button>
                    {can_be_message.then(|| view! {
                        <button class="button button--plain" name="as_message" value="1">"Send as a message"</button>
                    })}
                    <a class="button button--plain" href=room_path.clone()>{if answering.is_some() { "Back to the thread" } else { "Back to the room" }}</a>
                </div>
            </form>
        </Card>
    }
}

/// The form of a reply, below the message that it answers.
#[component]
pub fn Reply(
    /// The path that messages of the room are posted to.
    messages_path: String,
    /// The path of the room, or of the thread.
    room_path: String,
    /// The name of the room.
    room_name: String,
    /// The thread that it is an answer in.
    answering: Option<Answering>,
    /// The message.
    message: Message,
) -> impl IntoView {
    let reply_to = message.id.to_string();
    view! {
        <Card title="Reply" lead="">
            <div class="message" inner_html=found_html(&message, &room_name)></div>
            <form method="post" action=messages_path>
                <input type="hidden" name="reply_to" value=reply_to/>
                <Thread answering/>
                <Body body=String::new() problem=None/>
                <div class="card__buttons">
                    <button class="button">"Send"</button>
                    <a class="button button--plain" href=room_path>"Cancel"</a>
                </div>
            </form>
        </Card>
    }
}

/// The thread that a message is an answer in, as hidden fields.
#[component]
fn Thread(answering: Option<Answering>) -> impl IntoView {
    answering.map(|Answering { message_id, in_room }| {
        view! {
            <input type="hidden" name="thread" value=message_id.to_string()/>
            {in_room.then(|| view! { <input type="hidden" name="in_room" value="on"/> })}
        }
    })
}

/// The field of a message's text, with the reason if it was refused.
#[component]
fn Body(body: String, problem: Option<String>) -> impl IntoView {
    let mut errors = FieldErrors::default();
    if let Some(problem) = problem {
        errors.add("body", problem);
    }
    let state = FormState { values: vec![("body", body)], errors };
    view! { <LongField name="body" label="Message" rows=8 required=true state/> }
}
