//! The empty state of a room, and the greeting of a new member.

use campfire::html::HtmlWriter;
use campfire::model::{Room, RoomKind, paths};
use campfire::protocol::Timeline;
use leptos::prelude::*;

use crate::live::Live;
use crate::{Notice, browser, names, use_layout};

/// The id of the field with the invitation link.
const LINK_ID: &str = "welcome-link";

/// In an open room without messages: the invitation, if the viewer is alone, and three things to try.
#[component]
pub fn Welcome(
    /// The room.
    room: Room,
    /// Its messages.
    timeline: RwSignal<Timeline>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let (origin, is_alone) = use_layout().with_value(|layout| (layout.origin.clone(), layout.unpinged.is_empty()));
    let is_open = room.kind == RoomKind::Open;
    let is_empty = Memo::new(move |_| {
        is_open && timeline.with(|timeline| timeline.messages.is_empty() && timeline.thread.is_none())
    });
    Effect::new(move |_| {
        if is_empty.get() {
            // boot.js shows the controls that need a script.
            request_animation_frame(|| browser::dispatch(names::page_event::PAGE_SHOWN, &[]));
        }
    });
    let html = move || {
        // After navigation this runs once more with disposed signals.
        if is_empty.try_get() != Some(true) {
            return String::new();
        }
        let has_pings = live.rooms(|rooms| rooms.iter().any(|room| room.kind == RoomKind::Direct));
        let may_make_rooms = live.may_make_rooms();
        let join_url = live.viewer_state(|state| origin.clone() + &paths::join(&state.account.join_code));
        welcome_html((is_alone && !has_pings).then_some(&*join_url), may_make_rooms)
    };
    view! { <div class="welcome" inner_html=html></div> }
}

/// The card of an empty room; with the link to join by if nobody else is here.
fn welcome_html(join_url: Option<&str>, may_make_rooms: bool) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<section class="welcome__card">"#);
    if let Some(join_url) = join_url {
        html.markup(
            "<h2>Invite your team</h2><p>Anyone with this link can join, and is in every open room at once.</p>",
        );
        html.markup(r#"<div class="link-field__row"><input id=""#).markup(LINK_ID);
        html.markup(r#"" type="text" readonly aria-label="Join link" data-selects="" value=""#).text(join_url);
        html.markup(r#""><button class="button" type="button" data-copies=""#).markup(LINK_ID);
        html.markup(r#"" hidden>Copy</button><button class="button button--plain" type="button" data-shares=""#)
            .text(join_url);
        html.markup(r#"" hidden>Share</button></div><details class="qr"><summary>QR code</summary><img src=""#);
        html.text(&paths::qr_code(join_url));
        html.markup(r#"" alt="QR code: Join link" width="220" height="220" loading="lazy"></details>"#);
    } else {
        html.markup("<h2>Nothing here yet</h2>");
    }
    html.markup(r#"<h3>Three things to try</h3><ul class="welcome__list"><li>Write the first message below.</li><li>"#);
    if may_make_rooms {
        html.markup(r#"<a href=""#).markup(paths::new_room(RoomKind::Open));
        html.markup(r#"">Make a room</a> for one subject, or for a few people."#);
    } else {
        html.markup(r#"<a href=""#).markup(paths::new_room(RoomKind::Direct));
        html.markup(r#"">Start a ping</a> with one person or a few."#);
    }
    html.markup(r#"</li><li><a href=""#).markup(paths::OWN_PROFILE);
    html.markup(r#"">Say who you are</a>, and choose light or dark.</li></ul></section>"#);
    html.into_string()
}

/// Greets a member who has just joined, by name, and says where they are.
#[component]
pub fn Greeting(
    /// The name of the room.
    room: String,
) -> impl IntoView {
    let layout = use_layout();
    let is_new = layout.with_value(|layout| layout.notice == Some(Notice::Welcome));
    // Not again in the next room.
    on_cleanup(move || {
        let _ = layout.try_update_value(|layout| layout.notice = None);
    });
    let html = layout.with_value(|layout| greeting_html(&layout.viewer.name, &room, &layout.account.name));
    is_new.then(|| view! { <div class="greeting" role="status" inner_html=html></div> })
}

fn greeting_html(name: &str, room: &str, account: &str) -> String {
    let mut html = HtmlWriter::new();
    html.markup("<strong>Welcome, <bdi>").text(name).markup("</bdi>.</strong> This is “<bdi>").text(room);
    html.markup("</bdi>”, where everybody at <bdi>").text(account);
    html.markup("</bdi> is. The other rooms, and people to write to, are in the list of rooms. Say hello below.");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_room_invites_only_who_is_alone() {
        let alone = welcome_html(Some("https://a.example/join/\"x"), true);
        assert!(alone.contains("Invite your team") && alone.contains("join/&quot;x") && alone.contains("/qr_code/"));
        assert!(alone.contains("/rooms/opens/new"));
        let with_others = welcome_html(None, false);
        assert!(!with_others.contains("Invite") && !with_others.contains("/rooms/opens/new"));
        assert_eq!(with_others.matches("<li>").count(), 3);
    }
}
