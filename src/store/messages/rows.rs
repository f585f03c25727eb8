//! The query that every read of whole messages uses, and its rows.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::types::Json;

use crate::model::{Boost, BoostContent, Message, MessageId, Person, UserId, group_boosts};
use crate::richtext::{self, Original};

/// The longest body that is read with a page, in bytes of HTML. Longer ones are read by themselves, once it is known
/// which of them the page has: a page of long messages must not be read to be cut.
pub(in crate::store) const MAX_BODY_BYTES_AT_ONCE: i64 = 8 * 1024;

/// Selects one row: the expressions `$beside`, then the columns of [`MessageRows`] for the messages that the clause
/// `$which` (`WHERE … LIMIT …`) selects. `$max_body` is the parameter that has the longest body to read, in bytes.
///
/// The columns are JSON arrays in a single row, because SQLx copies every value of every row and wakes the receiver for
/// each: for a page of forty messages that takes longer than writing and parsing the JSON. Selecting the messages three
/// times is faster than a temporary table, and than a second call.
macro_rules! select_messages {
    ($which:literal, $max_body:literal $(, $beside:expr)*) => {
        concat!(
            "SELECT ",
            $($beside, ", ",)*
            "(SELECT json_group_array(json_array(
                        json_array(id, room_id, creator_id, creator_name, client_message_id,
                                   CASE WHEN body_bytes > ", $max_body, " THEN '' ELSE body_html END,
                                   revision, created_at, '', boosts_seq, extras_html, extras_seq, reply_to),
                        CASE WHEN body_bytes > ", $max_body, " THEN body_bytes ELSE 0 END, answered_name, answered_text))
                FROM (SELECT messages.id, messages.room_id, messages.creator_id, users.name AS creator_name,
                             messages.client_message_id, messages.body_html, messages.revision, messages.created_at,
                             messages.boosts_seq, messages.extras_html, messages.extras_seq,
                             octet_length(messages.body_html) AS body_bytes, messages.reply_to,
                             answered_users.name AS answered_name,
                             CASE WHEN answered.body_text = ''
                             THEN (SELECT COALESCE(group_concat(name, ', '), '') FROM attachments
                                    WHERE message_id = answered.id)
                             ELSE substr(answered.body_text, 1, 300) END AS answered_text
                        FROM messages JOIN users ON users.id = messages.creator_id
                        LEFT JOIN messages AS answered
                               ON answered.id = messages.reply_to AND answered.room_id = messages.room_id
                        LEFT JOIN users AS answered_users ON answered_users.id = answered.creator_id ",
            $which,
            ")),
             (SELECT json_group_array(json_array(boosts.message_id, boosts.content, users.id, users.name)
                                      ORDER BY boosts.id)
                FROM (SELECT messages.id FROM messages ",
            $which,
            ") AS found
               CROSS JOIN boosts ON boosts.message_id = found.id
                JOIN users ON users.id = boosts.booster_id),
             (SELECT json_group_array(json_array(id, name)) FROM users
               WHERE id IN (SELECT mentions.user_id
                              FROM (SELECT messages.id FROM messages ",
            $which,
            ") AS found
                             CROSS JOIN mentions ON mentions.message_id = found.id))"
        )
    };
}

pub(in crate::store) use select_messages;

/// The columns of [`select_messages`]: messages in any order and without boosts, see [`MessageRow`]; their boosts in the order in which they were added; and the users they mention.
pub(in crate::store) type MessageRows = (Json<Vec<MessageRow>>, Json<Vec<BoostRow>>, Json<Vec<Person>>);

/// A message, the size of its body if that is left out, and else 0, and name and text of the message that it answers, if
/// that is there.
type MessageRow = (Message, usize, Option<String>, Option<String>);

/// A boost: its message, its content, and id and name of its booster.
pub(in crate::store) type BoostRow = (MessageId, BoostContent, UserId, String);

/// Combines the rows: messages in the order of their ids, with their boosts, and with current names in their mentions;
/// each with the size of its body if that is left out, and else 0.
pub(super) fn messages_from_rows(
    (Json(messages), Json(boosts), Json(mentioned)): MessageRows,
) -> Vec<(Message, usize)> {
    let mut messages: Vec<_> = messages.into_iter().map(with_reply).collect();
    messages.sort_unstable_by_key(|(message, _)| message.id);
    let mut boosts_of: HashMap<MessageId, Vec<Boost>> = HashMap::new();
    for (message_id, content, id, name) in boosts {
        boosts_of.entry(message_id).or_default().push(Boost { content, booster: Person { id, name } });
    }
    let names: HashMap<_, _> = mentioned.into_iter().map(|person| (person.id, person.name)).collect();
    for (message, _) in &mut messages {
        if let Some(boosts) = boosts_of.remove(&message.id) {
            message.boosts_html = richtext::boosts_html(message.id, &group_boosts(boosts));
        }
        if !names.is_empty()
            && let Cow::Owned(html) = richtext::with_current_names(&message.body_html, &names)
        {
            message.body_html = html;
        }
    }
    messages
}

/// The message of a row with the line that shows what it answers.
fn with_reply((mut message, left_out_bytes, author, text): MessageRow) -> (Message, usize) {
    if let Some(message_id) = message.reply_to {
        let original = author.as_deref().zip(text.as_deref()).map(|(author, text)| Original { author, text });
        message.reply_html = richtext::reply_html(message.room_id, message_id, original);
    }
    (message, left_out_bytes)
}
