//! The HTML of avatars: initials on a colour, for one person or a group.

use campfire::html::HtmlWriter;
use campfire::model::{Person, UserId, avatar_tint, initials};

/// Maximum number of people in a group's avatar.
const MAX_PEOPLE: usize = 4;

/// The avatar of one person, hidden from assistive technology: the name is beside it.
///
/// The page's script marks it while the person is online.
#[must_use]
pub fn avatar_html(id: UserId, name: &str) -> String {
    let mut html = HtmlWriter::new();
    push_avatar(&mut html, id, name);
    html.into_string()
}

/// Appends [`avatar_html`].
pub fn push_avatar(html: &mut HtmlWriter, id: UserId, name: &str) {
    html.markup(r#"<span class="avatar tint-"#).number(avatar_tint(id));
    html.markup(r#"" data-person=""#).number(id.0);
    html.markup(r#"" aria-hidden="true">"#).text(&initials(name)).markup("</span>");
}

/// Appends the avatars of a direct room's people: a large one, or a group of up to four.
pub fn push_avatars(html: &mut HtmlWriter, people: &[Person]) {
    let count = people.len().clamp(1, MAX_PEOPLE);
    html.markup(r#"<span class="avatars avatars--"#).number(i64::try_from(count).unwrap_or(1)).markup(r#"">"#);
    for person in people.iter().take(MAX_PEOPLE) {
        push_avatar(html, person.id, &person.name);
    }
    html.markup("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_shows_four_people_at_most() {
        let people: Vec<_> = (1..7).map(|id| Person { id: UserId(id), name: format!("<{id}") }).collect();
        let avatars_html = |people: &[Person]| {
            let mut html = HtmlWriter::new();
            push_avatars(&mut html, people);
            html.into_string()
        };
        let html = avatars_html(&people);
        assert_eq!(html.matches("data-person").count(), 4);
        assert!(html.contains("avatars--4") && !html.contains("<<"));
        assert_eq!(avatars_html(&people[..1]).matches("avatars--1").count(), 1);
    }
}
