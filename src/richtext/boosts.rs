//! The boosts under a message as HTML: the same for whoever looks.
//!
//! A group has two buttons, one that joins it and one that takes the own boost back. Whose boost it is stands in an
//! attribute, and one rule of the page's head shows the viewer the button that fits.

use std::fmt::Write;

use crate::model::{BoostGroup, MessageId, escape_html};

/// How many people a group names.
const MOST_NAMES: usize = 20;

/// What stands under a message; empty when nobody boosted it.
#[must_use]
pub fn boosts_html(message_id: MessageId, groups: &[BoostGroup]) -> String {
    let mut html = String::new();
    for BoostGroup { content, boosters } in groups {
        let (content, count) = (escape_html(content.as_str()), boosters.len());
        let ids = boosters.iter().map(|person| person.id.to_string()).collect::<Vec<_>>().join(" ");
        let names = named(boosters.iter().map(|person| person.name.as_str()));
        write!(
            html,
            r#"<button class="boost" name="content" value="{content}" title="{names}" data-boosters="{ids}" aria-label="{content}, {count}: {names}. Boost too">{content} <span>{count}</span></button><button class="boost boost--own" name="remove" value="{content}" title="{names}" data-boosters="{ids}" aria-label="{content}, {count}: {names}. Take your boost back">{content} <span>{count}</span></button>"#
        )
        .expect("a string takes any text");
    }
    if !html.is_empty() {
        write!(
            html,
            r#"<a class="boost boost--add" href="/messages/{message_id}/boosts/new" data-picker="{message_id}" aria-label="Add a boost" rel="external">+</a>"#
        )
        .expect("a string takes any text");
    }
    html
}

/// The first of the names, and how many more there are.
fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let unnamed = names.len().saturating_sub(MOST_NAMES);
    let mut shown: Vec<_> = names.take(MOST_NAMES).map(escape_html).collect();
    if unnamed > 0 {
        shown.push(format!("{unnamed} more").into());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, UserId};

    fn group(content: &str, count: i64) -> BoostGroup {
        let boosters = (1..=count).map(|id| Person { id: UserId(id), name: format!("<P{id}>") }).collect();
        BoostGroup { content: content.parse().unwrap(), boosters }
    }

    #[test]
    fn a_group_says_what_how_often_and_by_whom() {
        let html = boosts_html(MessageId(2), &[group("<3", 2)]);
        assert!(html.contains(r#"value="&lt;3""#) && html.contains(r#"data-boosters="1 2""#), "{html}");
        assert!(html.contains("&lt;P1&gt;, &lt;P2&gt;") && !html.contains("<P1>"), "{html}");
        assert!(boosts_html(MessageId(2), &[]).is_empty());
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let html = boosts_html(MessageId(2), &[group("👍", 25)]);
        assert!(html.contains("&lt;P20&gt;, 5 more") && !html.contains("P21"), "{html}");
    }
}
