//! The home page of a user who is in no room.

use campfire::model::{RoomKind, paths};
use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::components::sidebar::{ConnectionNotice, MenuButton};
use crate::frame;
use crate::live::Live;

/// Shown in place of a room when there is none to redirect to.
#[component]
pub fn NoRooms() -> impl IntoView {
    let live = expect_context::<Live>();
    let frame = frame::use_frame();
    Effect::new(move |_| {
        frame.leave();
        live.page.update(|page| {
            page.room_id = None;
            page.title = "Campfire".to_owned();
        });
    });
    view! {
        <header class="room-header"><MenuButton/><h1 class="room-header__name">"Campfire"</h1></header>
        <div class="empty empty--page">
            {Icon::Flame.view()}
            <p>"You are in no room. Make one, or ask to be let into one."</p>
            <a class="button" href=paths::new_room(RoomKind::Open) hidden=move || !live.may_make_rooms()>"New room"</a>
        </div>
        <ConnectionNotice/>
    }
}
