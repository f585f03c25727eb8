//! The boosts under a message as HTML, identical for every viewer.
//!
//! Each group has two buttons, one that adds the viewer's boost and one that removes it. `data-boosters` lists the ids
//! of the boosters, and a style rule in the page's head shows the button that applies to the viewer.

use super::emoji::is_emoji_only;
use crate::html::HtmlWriter;
use crate::model::{BoostGroup, MessageId, Person, escape_html};

/// How many boosters of a group are listed by name.
const MAX_NAMES: usize = 20;

/// The HTML of a message's boosts and of the link that adds one; empty without boosts.
#[must_use]
pub fn boosts_html(message_id: MessageId, groups: &[BoostGroup]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut html = HtmlWriter::new();
    for group in groups {
        let names = booster_names(&group.boosters);
        // Emoji are shown in a font of emoji, in which the digits of words would look odd.
        let of_emoji = if is_emoji_only(group.content.as_str()) { " boost--emoji" } else { "" };
        html.markup(r#"<button class="boost"#).markup(of_emoji).markup(r#"" name="content" value=""#);
        push_button(&mut html, group, &names, ". Boost too");
        html.markup(r#"<button class="boost boost--own"#).markup(of_emoji).markup(r#"" name="remove" value=""#);
        push_button(&mut html, group, &names, ". Take your boost back");
    }
    html.markup(r#"<a class="boost boost--add" href="/messages/"#).number(message_id.0);
    html.markup(r#"/boosts/new" data-picker=""#).number(message_id.0);
    html.markup(r#"" aria-label="Add a boost" rel="external">+</a>"#);
    html.into_string()
}

/// The rest of a group's button, from the content of its `value` attribute on.
fn push_button(html: &mut HtmlWriter, group: &BoostGroup, names: &str, action: &'static str) {
    let content = escape_html(group.content.as_str());
    let names = escape_html(names);
    let count = i64::try_from(group.boosters.len()).unwrap_or(i64::MAX);
    html.raw(&content).markup(r#"" title=""#).raw(&names).markup(r#"" data-boosters=""#);
    for (index, booster) in group.boosters.iter().enumerate() {
        html.markup(if index == 0 { "" } else { " " }).number(booster.id.0);
    }
    html.markup(r#"" aria-label=""#).raw(&content).markup(", ").number(count).markup(": ").raw(&names).markup(action);
    html.markup(r#"">"#).raw(&content).markup(" <span>").number(count).markup("</span></button>");
}

/// The names of the first [`MAX_NAMES`] boosters, and how many more there are.
fn booster_names(boosters: &[Person]) -> String {
    let mut names: Vec<_> = boosters.iter().take(MAX_NAMES).map(|person| person.name.as_str()).collect();
    let more = format!("{} more", boosters.len().saturating_sub(MAX_NAMES));
    if boosters.len() > MAX_NAMES {
        names.push(&more);
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    fn group(content: &str, count: i64) -> BoostGroup {
        let boosters = (1..=count).map(|id| Person { id: UserId(id), name: format!("<P{id}>") }).collect();
        BoostGroup { content: content.parse().unwrap(), boosters }
    }

    #[test]
    fn a_group_shows_its_content_count_and_boosters() {
        let html = boosts_html(MessageId(2), &[group("<3", 2)]);
        assert!(html.contains(r#"value="&lt;3""#) && html.contains(r#"data-boosters="1 2""#), "{html}");
        assert!(!html.contains("boost--emoji"), "{html}");
        assert_eq!(boosts_html(MessageId(2), &[group("👍", 2)]).matches("boost--emoji").count(), 2);
        assert!(html.contains("&lt;P1&gt;, &lt;P2&gt;") && !html.contains("<P1>"), "{html}");
        assert!(boosts_html(MessageId(2), &[]).is_empty());
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let html = boosts_html(MessageId(2), &[group("👍", 25)]);
        assert!(html.contains("&lt;P20&gt;, 5 more") && !html.contains("P21"), "{html}");
    }
}
