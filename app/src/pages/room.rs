//! A room: its messages and the composer.

use std::time::Duration;

use campfire::AppError;
use campfire::model::{Room, RoomId, RoomKind};
use campfire::timeline;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::api::{Anchor, load_room};
use crate::components::composer::{Composer, Editing};
use crate::components::icon::Icon;
use crate::components::sidebar::{ConnectionNotice, MenuButton};
use crate::components::timeline::Messages;
use crate::live::{self, Focus, Live};
use crate::{Notice, browser};

/// How long after a failure the data is asked for again.
const RELOAD_AFTER: Duration = Duration::from_secs(3);

/// Where in which room the page stands, from its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    room_id: Option<RoomId>,
    anchor: Anchor,
}

fn use_place() -> Memo<Place> {
    let (params, query) = (use_params_map(), use_query_map());
    Memo::new(move |_| {
        let params = params.get();
        let around = params.get_str("at").and_then(|at| at.strip_prefix('@')?.parse().ok()).map(Anchor::Around);
        let before = || query.with(|query| query.get_str("before")?.parse().ok()).map(Anchor::Before);
        Place {
            room_id: params.get_str("room_id").and_then(|room_id| room_id.parse().ok()),
            anchor: around.or_else(before).unwrap_or(Anchor::Newest),
        }
    })
}

/// The room page, whichever room the URL names.
#[component]
pub fn RoomPage() -> impl IntoView {
    let place = use_place();
    let page = Resource::new(
        move || place.get(),
        async |place| match place.room_id {
            Some(room_id) => load_room(room_id, place.anchor).await,
            None => Err(AppError::NotFound),
        },
    );
    let reload = Callback::new(move |()| page.refetch());
    // Outlives a reload of the data: what is being written or edited must not notice it.
    let editing = Editing::new();

    view! {
        <Transition fallback=|| view! { <p class="empty">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => view! { <RoomView page reload editing/> }.into_any(),
                    Err(error) => view! { <RoomMissing error reload/> }.into_any(),
                }
            })}
        </Transition>
        <ConnectionNotice/>
    }
}

#[component]
fn RoomView(page: timeline::RoomPage, reload: Callback<()>, editing: Editing) -> impl IntoView {
    let timeline::RoomPage { room, timeline, target } = page;
    let timeline = RwSignal::new(timeline);
    let room_id = room.id;
    let live = expect_context::<Live>();

    Effect::new(move |_| {
        let lost = Callback::new(|()| {
            let _ = window().location().assign(&format!("/?notice={}", Notice::RoomMissing.word()));
        });
        let unfocus = live::focus(Focus { room_id, timeline, reload, lost });
        on_cleanup(unfocus_on_this_thread(unfocus));
        live::read_what_is_seen();
    });
    let first_name = room.name.clone();
    // A rename arrives with the list of rooms.
    let name = Memo::new(move |_| {
        let listed =
            live.rooms.with(|rooms| rooms.iter().find(|room| room.id == room_id).map(|room| room.name.clone()));
        listed.unwrap_or_else(|| first_name.clone())
    });
    Effect::new(move |_| document().set_title(&format!("{} – Campfire", name.get())));

    view! {
        <RoomHeader room name/>
        <Messages timeline target editing/>
        <Composer timeline editing/>
    }
}

/// Cleanups must be able to change threads; the browser has one.
fn unfocus_on_this_thread(unfocus: impl FnOnce() + 'static) -> impl FnOnce() + Send + Sync + 'static {
    let unfocus = send_wrapper::SendWrapper::new(unfocus);
    move || unfocus.take()()
}

#[component]
fn RoomHeader(room: Room, name: Memo<String>) -> impl IntoView {
    let settings = match room.kind {
        RoomKind::Open => Some(format!("/rooms/opens/{}/edit", room.id)),
        RoomKind::Closed => Some(format!("/rooms/closeds/{}/edit", room.id)),
        RoomKind::Direct => None,
    };
    view! {
        <header class="room-header">
            <MenuButton/>
            <h1 class="room-header__name"><bdi>{name}</bdi></h1>
            {settings.map(|path| view! {
                <a class="button--icon" href=path rel="external" aria-label="Room settings" title="Room settings">{Icon::Settings.view()}</a>
            })}
        </header>
    }
}

/// What stands in place of a room that cannot be shown.
#[component]
fn RoomMissing(error: AppError, reload: Callback<()>) -> impl IntoView {
    let again = error.is_passing();
    Effect::new(move |_| {
        if again {
            leptos::task::spawn_local(async move {
                browser::sleep(RELOAD_AFTER).await;
                // Nobody may be here any more.
                let _ = reload.try_run(());
            });
        }
    });
    let text = match error {
        AppError::NotFound => Notice::RoomMissing.text().to_owned(),
        other => other.to_string(),
    };
    view! {
        <header class="room-header"><MenuButton/><h1 class="room-header__name">"Campfire"</h1></header>
        <div class="empty empty--page">
            <p role="alert">{text}</p>
            {again.then(|| view! { <button class="button" type="button" on:click=move |_| reload.run(())>"Try again"</button> })}
            <a class="button button--plain" href="/" rel="external">"Go to your rooms"</a>
        </div>
    }
}
