//! Texts of Slack before they become Markdown: ids become names, and the names of emoji become emoji.

use serde_json::{Map, Value};

/// How far the end of a reference is looked for, in bytes.
const MAX_REFERENCE_BYTES: usize = 200;

/// How long the name of an emoji is at most, in bytes.
const MAX_EMOJI_BYTES: usize = 64;

/// What ids stand for.
pub(super) trait Ids {
    /// How the user with this id is mentioned, without the `@`. Notes the mention.
    fn user(&mut self, id: &str) -> Option<String>;
    /// The name of the room with this id.
    fn room(&mut self, id: &str) -> Option<String>;
}

/// Resolves a text of mrkdwn: `<@U1>` becomes `<@U1|Ada>`, `<#C1>` becomes `<#C1|general>`, and `:tada:` becomes 🎉.
pub(super) fn resolve(text: &str, ids: &mut dyn Ids) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    let mut code = None;
    while let Some(at) = rest.find(['<', ':', '`']) {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('`') {
            let fence = if rest.starts_with("```") { "```" } else { "`" };
            match code {
                None if rest[fence.len()..].contains(fence) => code = Some(fence),
                Some(open) if open == fence => code = None,
                _ => {}
            }
            resolved.push_str(fence);
            rest = &rest[fence.len()..];
            continue;
        }
        let length = if rest.starts_with('<') {
            reference(rest, ids, &mut resolved)
        } else if code.is_none() {
            shortcode(rest, &mut resolved)
        } else {
            0
        };
        if length == 0 {
            resolved.push_str(&rest[..1]);
        }
        rest = &rest[length.max(1)..];
    }
    resolved + rest
}

/// Resolves the reference that a text begins with. Returns its length; 0 if there is none.
fn reference(text: &str, ids: &mut dyn Ids, resolved: &mut String) -> usize {
    let window = text.bytes().take(MAX_REFERENCE_BYTES);
    let Some(end) = window.skip(1).position(|byte| matches!(byte, b'<' | b'>')).map(|at| at + 1) else { return 0 };
    if !text[end..].starts_with('>') {
        return 0;
    }
    let inner = &text[1..end];
    let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
    let name = if let Some(id) = target.strip_prefix('@') {
        ids.user(id)
    } else if let Some(id) = target.strip_prefix('#').filter(|_| label.trim().is_empty()) {
        ids.room(id)
    } else {
        None
    };
    match name {
        Some(name) => resolved.extend(["<", target, "|", &as_label(&name), ">"]),
        None => resolved.push_str(&text[..=end]),
    }
    end + 1
}

/// A name between the signs of a reference.
fn as_label(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !matches!(c, '|' | '\n' | '\r')).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Resolves the name of an emoji that a text begins with. Returns its length; 0 if there is none.
fn shortcode(text: &str, resolved: &mut String) -> usize {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'+');
    let length = text.bytes().skip(1).take(MAX_EMOJI_BYTES).take_while(|byte| is_name(*byte)).count();
    let name = &text[1..=length];
    if name.is_empty() || !text[length + 1..].starts_with(':') {
        return 0;
    }
    let after = &text[length + 2..];
    let tone = after.strip_prefix(":skin-tone-").filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    let tone = tone.and_then(|rest| rest.chars().next()).filter(|tone| ('2'..='6').contains(tone));
    let Some(emoji) = emoji(name, tone) else { return 0 };
    resolved.push_str(&emoji);
    length + 2 + if tone.is_some() { ":skin-tone-2:".len() } else { 0 }
}

/// A reaction of Slack as an emoji, or as the name of one that the workspace made itself.
pub(super) fn reaction(name: &str) -> String {
    /// How long a boost is, in characters.
    const MAX_CHARS: usize = 16;
    let (plain, tone) = name.split_once("::skin-tone-").unwrap_or((name, ""));
    emoji(plain, tone.chars().next()).unwrap_or_else(|| {
        let short: String = plain.chars().filter(|c| !c.is_control()).take(MAX_CHARS - 2).collect();
        format!(":{short}:")
    })
}

fn emoji(name: &str, tone: Option<char>) -> Option<String> {
    let name = match name {
        // Slack's own names.
        "simple_smile" => "slightly_smiling_face",
        "thumbsup_all" => "+1",
        "white_frowning_face" => "frowning_face",
        "heavy_heart_exclamation_mark_ornament" => "heavy_heart_exclamation",
        "face_with_rolling_eyes" => "roll_eyes",
        "thinking_face" => "thinking",
        "hugging_face" => "hugs",
        "sunglasses_face" => "sunglasses",
        "male-technologist" => "man_technologist",
        "female-technologist" => "woman_technologist",
        "rolling_on_the_floor_laughing" => "rofl",
        "face_with_monocle" => "monocle_face",
        "the_horns" | "sign_of_the_horns" => "metal",
        "raised_hand_with_fingers_splayed" => "raised_hand_with_fingers_splayed",
        "knife_fork_plate" => "plate_with_cutlery",
        name => name,
    };
    let emoji = emojis::get_by_shortcode(name)?;
    let tone = match tone {
        Some('2') => Some(emojis::SkinTone::Light),
        Some('3') => Some(emojis::SkinTone::MediumLight),
        Some('4') => Some(emojis::SkinTone::Medium),
        Some('5') => Some(emojis::SkinTone::MediumDark),
        Some('6') => Some(emojis::SkinTone::Dark),
        _ => None,
    };
    let toned = tone.and_then(|tone| emoji.with_skin_tone(tone));
    Some(toned.unwrap_or(emoji).as_str().to_owned())
}

/// Resolves all texts in blocks or attachments.
pub(super) fn resolve_json(value: &mut Value, ids: &mut dyn Ids) {
    match value {
        Value::String(text) => *text = resolve(text, ids),
        Value::Array(values) => values.iter_mut().for_each(|value| resolve_json(value, ids)),
        Value::Object(object) => {
            if let Some(text) = element(object, ids) {
                *value = serde_json::json!({"type": "text", "text": text});
                return;
            }
            object.values_mut().for_each(|value| resolve_json(value, ids));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of an element of rich text that is an id or the name of an emoji.
fn element(object: &Map<String, Value>, ids: &mut dyn Ids) -> Option<String> {
    let get = |name: &str| object.get(name).and_then(Value::as_str);
    match get("type")? {
        "user" => Some(format!("@{}", ids.user(get("user_id")?)?)),
        "channel" => Some(format!("#{}", ids.room(get("channel_id")?)?)),
        "emoji" => emoji(get("name")?, None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    struct Ada(u32);

    impl Ids for Ada {
        fn user(&mut self, id: &str) -> Option<String> {
            self.0 += u32::from(id == "U1");
            (id == "U1").then(|| "Ada & <Co>|".to_owned())
        }

        fn room(&mut self, id: &str) -> Option<String> {
            (id == "C1").then(|| "general".to_owned())
        }
    }

    #[test]
    fn ids_and_emoji_are_resolved() {
        for (text, expected) in [
            ("<@U1> <@U2|bob> <@U3>", "<@U1|Ada &amp; &lt;Co&gt;> <@U2|bob> <@U3>"),
            ("<#C1> <#C1|> <#C2|x>", "<#C1|general> <#C1|general> <#C2|x>"),
            (":tada: at 10:30:00 :no_such_one: :+1::skin-tone-4:", "🎉 at 10:30:00 :no_such_one: 👍🏽"),
            ("`:tada:` ```:tada: <@U1>``` :tada:", "`:tada:` ```:tada: <@U1|Ada &amp; &lt;Co&gt;>``` 🎉"),
            ("` :tada:", "` 🎉"),
            ("<https://a.example/:tada:|x> a<b", "<https://a.example/:tada:|x> a<b"),
            ("<", "<"),
            (":", ":"),
        ] {
            assert_eq!(resolve(text, &mut Ada(0)), expected);
        }
    }

    #[test]
    fn reactions_are_emoji_or_the_name_of_one() {
        assert_eq!(reaction("+1"), "👍");
        assert_eq!(reaction("wave::skin-tone-6"), "👋🏿");
        assert_eq!(reaction("simple_smile"), "🙂");
        assert_eq!(reaction("party_parrot"), ":party_parrot:");
        assert_eq!(reaction("a_very_long_name_of_one"), ":a_very_long_na:");
    }

    #[test]
    fn blocks_are_resolved() {
        let mut blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "hi <@U1>"}},
            {"type": "rich_text", "elements": [{"type": "user", "user_id": "U1"}, {"type": "emoji", "name": "tada"}]}]);
        let mut ids = Ada(0);
        resolve_json(&mut blocks, &mut ids);
        assert_eq!(blocks[0]["text"]["text"], "hi <@U1|Ada &amp; &lt;Co&gt;>");
        assert_eq!(
            blocks[1]["elements"],
            json!([{"type": "text", "text": "@Ada & <Co>|"}, {"type": "text", "text": "🎉"}])
        );
        assert_eq!(ids.0, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_resolved(text in "[<>@#:`|U1C é+a-]{0,60}") {
            resolve(&text, &mut Ada(0));
        }
    }
}
