//! Avatars as ready strings: initials on a colour, one person or a cluster.

use campfire::model::{Person, UserId, avatar_tint, initials};

use super::push;

/// How many people a cluster shows.
const MOST_SHOWN: usize = 4;

/// One person's avatar. Decoration: the name stands beside it. The page marks it while the person is online.
#[must_use]
pub fn avatar_html(id: UserId, name: &str) -> String {
    let mut html = String::new();
    push_avatar(&mut html, id, name);
    html
}

/// Adds one person's avatar.
pub fn push_avatar(html: &mut String, id: UserId, name: &str) {
    let (mut tint, mut person, initials) = (itoa::Buffer::new(), itoa::Buffer::new(), initials(name));
    push(html, &["<span class=\"avatar tint-", tint.format(avatar_tint(id)), "\" data-person=\"", person.format(id.0)]);
    push(html, &["\" aria-hidden=\"true\">", &initials, "</span>"]);
}

/// The avatars of a direct room's people: a large one, or a cluster of at most four.
#[must_use]
pub fn avatars_html(people: &[Person]) -> String {
    let shown = people.len().clamp(1, MOST_SHOWN);
    let mut html = format!(r#"<span class="avatars avatars--{shown}">"#);
    for person in people.iter().take(MOST_SHOWN) {
        push_avatar(&mut html, person.id, &person.name);
    }
    html.push_str("</span>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_shows_four() {
        let people: Vec<_> = (1..7).map(|id| Person { id: UserId(id), name: format!("<{id}") }).collect();
        let html = avatars_html(&people);
        assert_eq!(html.matches("data-person").count(), 4);
        assert!(html.contains("avatars--4") && !html.contains("<<"));
        assert_eq!(avatars_html(&people[..1]).matches("avatars--1").count(), 1);
    }
}
