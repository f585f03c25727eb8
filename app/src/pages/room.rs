//! The room page: its header, its messages and the composer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use campfire::html::HtmlWriter;
use campfire::model::{
    Anchor, ClientMessageId, Involvement, Message, MessageId, Person, Room, RoomId, RoomKind, ThreadHead, UserId, paths,
};
use campfire::protocol::{RoomEnd, Timeline, timeline};
use campfire::{AppError, AppResult};
use codee::{Decoder, Encoder};
use leptos::either::Either;
use leptos::prelude::*;

use crate::api::load_room;
use crate::components::composer::Composer;
use crate::components::editing::Editing;
use crate::components::icon::Icon;
use crate::components::scroller;
use crate::components::sidebar::{ConnectionNotice, MenuButton};
use crate::components::timeline::Messages;
use crate::components::welcome::{Greeting, Welcome};
use crate::live::{self, Focus, Live, Reading};
use crate::{Notice, browser, frame, navigation};

/// How long after a failure the data is loaded again.
const RELOAD_DELAY: Duration = Duration::from_secs(3);

/// How long a page may take to arrive before the old one says that it is coming.
const OPENING_DELAY: Duration = Duration::from_millis(150);

/// The codec of a room's hydration data.
///
/// It leaves out what the page's HTML contains (the bodies of the messages, their boosts and the names of the authors),
/// and encodes the rest of a message as an array, without field names.
struct CompactRoomPage;

/// A message without its HTML: id, author, client message id, revision, time, and the `seq` of its boosts and extras.
type CompactMessage<Id> = (MessageId, UserId, Option<Id>, i64, i64, i64, i64);

fn compact(message: &Message) -> CompactMessage<&ClientMessageId> {
    let Message { id, creator_id, revision, created_at, boosts_seq, extras_seq, .. } = *message;
    (id, creator_id, message.client_message_id.as_ref(), revision, created_at, boosts_seq, extras_seq)
}

impl Encoder<AppResult<timeline::RoomPage>> for CompactRoomPage {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(page: &AppResult<timeline::RoomPage>) -> Result<String, serde_json::Error> {
        let encoded = page.as_ref().map(|page| {
            let messages: Vec<_> = page.timeline.messages.iter().map(compact).collect();
            let timeline = Timeline {
                messages: Arc::default(),
                cursor: page.timeline.cursor.clone(),
                removed: BTreeSet::new(),
                pins_html: page.timeline.pins_html.clone(),
                ..page.timeline
            };
            (timeline::RoomPage { room: page.room.clone(), timeline, ..*page }, messages)
        });
        serde_json::to_string(&encoded)
    }
}

impl Decoder<AppResult<timeline::RoomPage>> for CompactRoomPage {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(json: &str) -> Result<AppResult<timeline::RoomPage>, serde_json::Error> {
        let encoded: AppResult<(timeline::RoomPage, Vec<CompactMessage<ClientMessageId>>)> =
            serde_json::from_str(json)?;
        Ok(encoded.map(|(mut page, messages)| {
            let room_id = page.room.id;
            let message = |(id, creator_id, client_message_id, revision, created_at, boosts_seq, extras_seq)| Message {
                id,
                room_id,
                creator_id,
                creator_name: String::new(),
                client_message_id,
                body_html: String::new(),
                revision,
                created_at,
                boosts_html: String::new(),
                boosts_seq,
                extras_html: String::new(),
                extras_seq,
                reply_to: None,
                reply_html: String::new(),
            };
            page.timeline.messages = Arc::new(messages.into_iter().map(message).collect());
            page
        }))
    }
}

/// Yields once so that the suspense pass finds the data pending.
///
/// Leptos walks the tree several times to find the futures to wait for. Each pass would render the whole room if its data
/// were ready, and only the last result is used.
#[cfg(feature = "ssr")]
async fn yield_once() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// The page of the room in the URL.
#[component]
pub fn RoomPage() -> impl IntoView {
    let place = navigation::use_place();
    let live = expect_context::<Live>();
    // What is being read when the data of the page has to be loaded again.
    let being_read = StoredValue::new(None);
    let page = Resource::<_, CompactRoomPage>::new_with_options(
        move || place.get(),
        move |place| async move {
            let Some((room_id, anchor)) = place.room_id().zip(place.anchor()) else { return Err(AppError::NotFound) };
            let read = being_read.try_update_value(Option::take).flatten();
            match read.filter(|(read_at, _)| *read_at == place) {
                Some((_, read)) => {
                    let page = load_room(room_id, read, place.thread()).await?;
                    Ok(timeline::RoomPage { target: target(anchor, &page.timeline), ..page })
                }
                None => load_room(room_id, anchor, place.thread()).await,
            }
        },
        false,
    );
    let reload = Callback::new(move |()| {
        let place = place.get_untracked();
        let is_away = live.page.with_untracked(|page| page.reading.away);
        being_read.set_value(scroller::being_read(place, is_away).map(|read| (place, read)));
        page.refetch();
    });
    // Created here to outlive a reload of the data, so that editing is not interrupted.
    let editing = Editing::new();

    view! {
        <Transition fallback=|| view! { <p class="empty">"Loading…"</p> }>
            {move || Suspend::new(async move {
                let page = page.await;
                // Not in the browser, which hydrates without yielding; the tree is the same.
                #[cfg(feature = "ssr")]
                yield_once().await;
                match page {
                    Ok(page) => Either::Left(view! { <RoomView page reload editing/> }),
                    Err(error) => Either::Right(view! { <RoomMissing error reload/> }),
                }
            })}
        </Transition>
        <ConnectionNotice/>
    }
}

/// The message of the link to a page, if it is among these.
fn target(anchor: Anchor, timeline: &Timeline) -> Option<MessageId> {
    let Anchor::Around(message_id) = anchor else { return None };
    timeline.messages.iter().any(|message| message.id == message_id).then_some(message_id)
}

/// A loaded room.
#[component]
fn RoomView(page: timeline::RoomPage, reload: Callback<()>, editing: Editing) -> impl IntoView {
    let timeline::RoomPage { room, involvement, timeline, target, first_unread, thread } = page;
    let root_id = timeline.thread;
    let timeline = RwSignal::new(timeline);
    let room_id = room.id;
    let live = expect_context::<Live>();
    let away = timeline.with_untracked(|timeline| timeline.has_newer);
    live.page.update_untracked(|page| page.reading = Reading { away, news_count: 0, new_from: first_unread });

    let place = navigation::use_place();
    Effect::new(move |_| navigation::correct(place, room_id, root_id));
    let kind = room.kind;
    // Why the room is lost to the viewer, once it is: it stays on the screen, with what was being written.
    let loss = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        let lost = Callback::new(move |end: Option<RoomEnd>| {
            // The first event says the most: a new connection no longer knows who did it.
            if loss.with_untracked(Option::is_none) {
                let viewer_id = untrack(|| live.viewer_state(|state| state.viewer.id));
                loss.set(Some(loss_text(end.as_ref(), viewer_id, kind)));
            }
        });
        let unfocus = live::focus(Focus { room_id, timeline, reload, lost });
        on_cleanup(browser::on_this_thread(unfocus));
        if target.is_some() {
            // Where the link leads may be far from the newest message: once the rows are laid out, it is known.
            live.update_reading(|reading| reading.away = true);
        }
        live::mark_read_if_visible();
    });
    let first_name = room.name.clone();
    // The list of rooms contains renames, but not rooms that are hidden or lost.
    let name = Memo::new(move |before: Option<&String>| {
        let listed = live.rooms(|rooms| rooms.iter().find(|room| room.id == room_id).map(|room| room.name.clone()));
        listed.or_else(|| before.cloned()).unwrap_or_else(|| first_name.clone())
    });
    Effect::new(move |_| {
        let is_listed = live.rooms(|rooms| rooms.iter().any(|room| room.id == room_id));
        // The viewer is in the room again.
        if is_listed && loss.with_untracked(Option::is_some) {
            reload.run(());
        }
    });
    let frame = frame::use_frame();
    Effect::new(move |_| {
        frame.leave();
        let title = name.get();
        live.page.update(|page| {
            page.room_id = Some(room_id);
            page.title = if root_id.is_some() { ["Thread in ", &title].concat() } else { title };
        });
    });
    let involvement = move || {
        let changed = live.viewer_state(|state| state.involvement.filter(|(changed, _)| *changed == room_id));
        changed.map_or(involvement, |(_, involvement)| involvement)
    };

    let pins = Memo::new(move |_: Option<&String>| {
        timeline.try_with(|timeline| timeline.pins_html.clone()).unwrap_or_default()
    });
    let greeted = room.name.clone();
    view! {
        <RoomHeader room=room.clone() name involvement timeline thread pins/>
        <Opening/>
        <Greeting room=greeted/>
        <Messages timeline target editing/>
        <Welcome room timeline/>
        <Composer timeline editing is_first_answer=thread.is_some_and(|head| !head.has_answers) is_lost=Signal::derive(move || loss.try_with(Option::is_some).unwrap_or_default())/>
        <Lost loss editing/>
    }
}

/// Shown in place of the composer once the room is lost: why, and what was being written.
#[component]
fn Lost(loss: RwSignal<Option<String>>, editing: Editing) -> impl IntoView {
    let html = move || loss.try_get().flatten().map(|loss| lost_html(&loss, &editing.text())).unwrap_or_default();
    view! {
        <section class="lost" hidden=move || loss.try_with(Option::is_none) aria-label="This room is gone" inner_html=html></section>
    }
}

/// Why the room is lost, and the draft.
fn lost_html(loss: &str, draft: &str) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<p role="alert">"#).text(loss).markup("</p>");
    if !draft.trim().is_empty() {
        html.markup(r#"<div class="lost__draft"><label for="lost-draft">What you were writing:</label>"#);
        // A line break after the tag is not part of the text.
        html.markup("<textarea id=\"lost-draft\" readonly rows=\"3\">\n").text(draft);
        html.markup("</textarea>");
        html.markup(
            r#"<button class="button button--plain" type="button" data-copies="lost-draft">Copy</button></div>"#,
        );
    }
    html.markup(r#"<a class="button button--plain" href=""#).markup(paths::HOME);
    html.markup(r#"" rel="external">Go to your rooms</a>"#);
    html.into_string()
}

/// Why a room is lost to the viewer.
fn loss_text(end: Option<&RoomEnd>, viewer_id: UserId, kind: RoomKind) -> String {
    let noun = if kind == RoomKind::Direct { "ping" } else { "room" };
    match end {
        None => format!("This {noun} was deleted, or you are no longer in it."),
        Some(RoomEnd { by, is_deleted }) => {
            let is_own = by.id == viewer_id;
            let name = if is_own { "You" } else { &by.name };
            match (is_deleted, is_own) {
                (true, _) => format!("{name} deleted this {noun}. What you see here is what was loaded."),
                (false, true) => format!("You left this {noun}."),
                (false, false) => format!("{name} removed you from this {noun}."),
            }
        }
    }
}

/// Says that another page of the chat is loading, if that takes long: until it has arrived, the old one stays.
#[component]
fn Opening() -> impl IntoView {
    let live = expect_context::<Live>();
    let place = navigation::use_place();
    let shown = place.get_untracked();
    let is_slow = RwSignal::new(false);
    Effect::new(move |_| {
        let opening = place.get();
        is_slow.set(false);
        if opening != shown {
            leptos::task::spawn_local(async move {
                browser::sleep(OPENING_DELAY).await;
                if place.get_untracked() == opening {
                    let _ = is_slow.try_set(true);
                }
            });
        }
    });
    let text = move || {
        let room_id = place.get_untracked().room_id().filter(|_| is_slow.try_get() == Some(true))?;
        let name = live.rooms(|rooms| rooms.iter().find(|room| room.id == room_id).map(|room| room.name.clone()));
        Some(format!("Opening {}…", name.unwrap_or_else(|| "the room".to_owned())))
    };
    view! { <p class="opening" role="status">{text}</p> }
}

/// The header of a room: its name, the people present, the search, the bell, the link to its settings, and its pins; of a
/// thread, with the button to follow it and the link back.
#[component]
fn RoomHeader(
    room: Room,
    name: Memo<String>,
    involvement: impl Fn() -> Involvement + Copy + Send + Sync + 'static,
    timeline: RwSignal<Timeline>,
    thread: Option<ThreadHead>,
    pins: Memo<String>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let Room { id: room_id, kind, .. } = room;
    let title = move || {
        let mut html = HtmlWriter::new();
        html.markup(match (thread, kind) {
            (Some(_), _) => r#"<span class="room-header__of">Thread in "#,
            (None, RoomKind::Direct) => r#"<span class="visually-hidden">Ping with "#,
            _ => r#"<span class="visually-hidden">"#,
        });
        html.markup("</span><bdi>").text(&name.try_get().unwrap_or_default()).markup("</bdi>");
        html.into_string()
    };
    let newest = timeline.with_untracked(|timeline| timeline.messages.last().map(|last| last.id));
    let tools = move || {
        let Some(head) = thread else {
            return tools_html(room_id, kind, involvement()) + &pins.try_get().unwrap_or_default();
        };
        let viewer_id = untrack(|| live.viewer_state(|state| state.viewer.id));
        let html = timeline.try_with(|timeline| {
            // Whoever writes follows.
            let is_own = |message: &Message| Some(message.id) > newest && message.creator_id == viewer_id;
            let is_followed = head.is_followed || timeline.messages.iter().any(is_own);
            let has_answers = head.has_answers || timeline.messages.last().map(|last| last.id) > timeline.thread;
            thread_tools_html(timeline, has_answers.then_some(is_followed))
        });
        html.unwrap_or_default()
    };
    view! {
        <header class="room-header">
            <MenuButton/>
            <h1 class="room-header__name" inner_html=title></h1>
            <Here room_id/>
            <div class="room-header__tools" inner_html=tools></div>
        </header>
    }
}

/// The tools of a thread: the button to follow it, once there is something to follow, and the link to its root in the room.
fn thread_tools_html(timeline: &Timeline, is_followed: Option<bool>) -> String {
    let mut html = HtmlWriter::new();
    let Some(root_id) = timeline.thread else { return String::new() };
    if let Some(is_followed) = is_followed {
        html.markup(r#"<form method="post" action=""#).text(&paths::thread_follow(timeline.room_id, root_id));
        html.markup(r#""><input type="hidden" name="_method" value=""#);
        html.markup(if is_followed { "delete" } else { "put" });
        html.markup(r#""><button class="button button--plain room-header__follow">"#);
        html.markup(if is_followed { "Unfollow" } else { "Follow" }).markup("</button></form>");
    }
    html.markup(r#"<a class="button--icon" href=""#).text(&paths::message(timeline.room_id, root_id));
    html.markup(r#"" aria-label="Back to the room" title="Back to the room">"#);
    Icon::Close.push(&mut html);
    html.markup("</a>");
    html.into_string()
}

/// The link to the search, the viewer's involvement as a menu of the choices, and the link to the settings.
fn tools_html(room_id: RoomId, kind: RoomKind, involvement: Involvement) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<a class="room-header__search" href=""#).markup(paths::SEARCHES);
    html.markup(r#"" title="Search (Ctrl+K)" data-finder="">"#);
    Icon::Search.push(&mut html);
    html.markup(r#" <span>Search</span></a><details class="menu bell"><summary aria-label=""#);
    html.markup(involvement.label()).markup(r#". Change" title=""#).markup(involvement.label());
    html.markup(r#". Change">"#);
    let icon = match involvement {
        Involvement::Everything => Icon::BellRinging,
        Involvement::Mentions => Icon::Bell,
        Involvement::Nothing => Icon::BellOff,
        Involvement::Invisible => Icon::Hidden,
    };
    icon.push(&mut html);
    html.markup(r#"</summary><form class="menu__list" method="post" action=""#).text(&paths::involvement(room_id));
    html.markup(r#"" data-quiet="" data-undoes=""#).markup(involvement.word());
    html.markup(r#""><input type="hidden" name="_method" value="put"><p class="bell__title">Notify me of</p><div>"#);
    for choice in Involvement::choices(kind) {
        html.markup(r#"<button name="involvement" value=""#).markup(choice.word());
        html.markup(r#"" aria-pressed=""#).markup(if choice == involvement { "true" } else { "false" });
        html.markup(r#"" data-says=""#).markup(choice.label()).markup(r#"."><span>"#).markup(choice.short_label());
        html.markup("</span> <small>").markup(choice.note()).markup("</small></button>");
    }
    html.markup(r#"</div><a class="bell__device" href=""#).markup(paths::PUSH_SUBSCRIPTIONS);
    html.markup(r#"">Notifications on this device</a>"#);
    let label = if kind == RoomKind::Direct { "Ping settings" } else { "Room settings" };
    html.markup(r#"</form></details><a class="button--icon" href=""#).text(&paths::room_settings(kind, room_id));
    html.markup(r#"" aria-label=""#).markup(label).markup(r#"" title=""#).markup(label).markup(r#"">"#);
    Icon::More.push(&mut html);
    html.markup("</a>");
    html.into_string()
}

/// The other people present in the room.
#[component]
fn Here(room_id: RoomId) -> impl IntoView {
    let live = expect_context::<Live>();
    let others = move || {
        live.viewer_state(|state| {
            let presence = state.presence.as_ref().filter(|presence| presence.room_id == room_id)?;
            let here = presence.here.iter().filter(|person| person.id != state.viewer.id);
            let here: Vec<_> = here.collect();
            let unnamed = usize::try_from(presence.here_count).unwrap_or(0).saturating_sub(presence.here.len());
            (!here.is_empty()).then(|| here_html(&here, unnamed))
        })
    };
    view! { <span inner_html=move || others().unwrap_or_default()></span> }
}

/// The number of people present, as a menu of their names. `unnamed` is how many more there are.
fn here_html(people: &[&Person], unnamed: usize) -> String {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let names: Vec<_> = people.iter().map(|person| person.name.as_str()).collect();
    let mut html = HtmlWriter::new();
    html.markup(r#"<details class="menu here"><summary title="Here now: "#).text(&names.join(", ")).markup(r#"">"#);
    html.number(number(people.len() + unnamed));
    html.markup(r#" <span class="here__word">here</span></summary><div class="menu__list">"#);
    html.markup(r#"<p class="bell__title">Here now</p>"#);
    for person in people {
        html.markup(r#"<a href=""#).text(&paths::user(person.id)).markup(r#""><bdi>"#).text(&person.name);
        html.markup("</bdi></a>");
    }
    if unnamed > 0 {
        html.markup("<p>and ").number(number(unnamed)).markup(" more</p>");
    }
    html.markup("</div></details>");
    html.into_string()
}

/// Shown in place of a room that cannot be loaded. A temporary failure is retried.
#[component]
fn RoomMissing(error: AppError, reload: Callback<()>) -> impl IntoView {
    let is_temporary = error.is_transient();
    let live = expect_context::<Live>();
    let place = navigation::use_place();
    let frame = frame::use_frame();
    Effect::new(move |_| {
        frame.leave();
        let room_id = place.get_untracked().room_id();
        live.page.update(|page| {
            page.room_id = room_id;
            page.title = "Campfire".to_owned();
        });
    });
    Effect::new(move |_| {
        if is_temporary {
            leptos::task::spawn_local(async move {
                browser::sleep(RELOAD_DELAY).await;
                // The page may have been left meanwhile.
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
            {is_temporary.then(|| view! { <button class="button" type="button" on:click=move |_| reload.run(())>"Try again"</button> })}
            <a class="button button--plain" href=paths::HOME rel="external">"Go to your rooms"</a>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use campfire::model::Person;
    use campfire::protocol::Cursor;

    use super::*;

    #[test]
    fn a_lost_room_says_who_did_it() {
        let text = |is_deleted, viewer_id| {
            let by = Person { id: UserId(2), name: "Bob".into() };
            loss_text(Some(&RoomEnd { by, is_deleted }), UserId(viewer_id), RoomKind::Closed)
        };
        assert!(text(true, 1).starts_with("Bob deleted this room."));
        assert!(text(true, 2).starts_with("You deleted this room."));
        assert_eq!(text(false, 1), "Bob removed you from this room.");
        assert_eq!(text(false, 2), "You left this room.");
        assert!(loss_text(None, UserId(1), RoomKind::Direct).starts_with("This ping was deleted, or"));
    }

    #[test]
    fn the_codec_keeps_everything_but_the_html_of_messages() {
        let message = |id: i64| Message {
            id: MessageId(id),
            room_id: RoomId(4),
            creator_id: UserId(id + 1),
            creator_name: String::new(),
            client_message_id: (id == 1).then(|| ClientMessageId::v7(7, [9; 10])),
            body_html: String::new(),
            revision: id + 2,
            created_at: id + 3,
            boosts_html: String::new(),
            boosts_seq: id + 4,
            extras_html: String::new(),
            extras_seq: id + 5,
            reply_to: None,
            reply_html: String::new(),
        };
        let with_html = |message: Message| Message {
            creator_name: "Ada".into(),
            body_html: "<p>hi</p>".into(),
            boosts_html: "<b>1</b>".into(),
            extras_html: "<img>".into(),
            reply_to: Some(MessageId(1)),
            reply_html: "<a>".into(),
            ..message
        };
        let page = |messages| timeline::RoomPage {
            room: Room { id: RoomId(4), kind: RoomKind::Open, name: "</script>".into(), creator_id: UserId(1) },
            involvement: Involvement::Mentions,
            timeline: Timeline {
                room_id: RoomId(4),
                thread: Some(MessageId(1)),
                messages: Arc::new(messages),
                has_older: true,
                has_newer: false,
                cursor: Cursor { epoch: "e".into(), seq: 9, at: 10 },
                removed: BTreeSet::new(),
                pins_html: "<a>1 pinned</a>".into(),
                pins_seq: 0,
            },
            target: Some(MessageId(2)),
            first_unread: None,
            thread: Some(ThreadHead { is_followed: true, has_answers: true }),
        };
        let encoded = CompactRoomPage::encode(&Ok(page(vec![with_html(message(1)), with_html(message(2))]))).unwrap();
        assert_eq!(CompactRoomPage::decode(&encoded).unwrap(), Ok(page(vec![message(1), message(2)])));
        assert!(!encoded.contains("Ada"), "{encoded}");
        let error = CompactRoomPage::encode(&Err(AppError::NotFound)).unwrap();
        assert_eq!(CompactRoomPage::decode(&error).unwrap(), Err(AppError::NotFound));
    }
}
