//! Pins: members pin messages to their room, and everybody in it sees the strip and the list.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::AppError;
use campfire::access::Member;
use campfire::model::{MAX_PINS, MessageId, RoomId};
use campfire::ops;
use campfire::protocol::{ClientCommand, Cursor, ServerEvent};

use crate::freshness::{page, warm};
use crate::sockets::{connected, cursor, focus, serve};
use crate::support::{Someone, TestSite};

async fn member(site: &TestSite, someone: &Someone, room_id: RoomId) -> Member {
    site.state.members.find(&someone.user, room_id).await.unwrap()
}

fn pin_path(room_id: RoomId, message_id: MessageId) -> String {
    format!("/rooms/{room_id}/messages/{message_id}/pin")
}

/// The strip of the room's page; empty without pins.
fn strip(html: &str) -> String {
    let Some((_, rest)) = html.split_once(r#"<a class="pinned""#) else { return String::new() };
    rest.split_once("</a>").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_page_of_a_room_shows_its_pins_and_is_the_same_without_them() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let first = site.post(&ada, room_id, "the *first* one").await.id;
    let second = site.post(&ada, room_id, "<script> & co").await.id;
    let before = warm(&site, &mut ada, room_id).await;
    assert!(!before.contains("class=\"pinned\"") && !before.contains("pins_html"));

    let bobs = member(&site, &bob, room_id).await;
    ops::pins::pin(&site.state, &bobs, first).await.unwrap();
    let (_, html, rendered) = page(&site, &mut ada, room_id).await;
    assert!(rendered && strip(&html).contains("1 pinned</b>") && strip(&html).contains("the first one"), "{html}");

    warm(&site, &mut ada, room_id).await;
    site.state.clock.advance(1);
    ops::pins::pin(&site.state, &bobs, second).await.unwrap();
    let html = page(&site, &mut ada, room_id).await.1;
    assert!(strip(&html).contains(&format!("data-pinned=\"{second} {first}\"")), "{}", strip(&html));
    assert!(strip(&html).contains("&lt;script&gt; &amp; co"));

    // Of a pinned message, an edit changes the strip, and a deletion the number.
    warm(&site, &mut ada, room_id).await;
    let adas = member(&site, &ada, room_id).await;
    ops::messages::edit(&site.state, &adas, second, "in other words".parse().unwrap()).await.unwrap();
    assert!(strip(&page(&site, &mut ada, room_id).await.1).contains("in other words"));
    warm(&site, &mut ada, room_id).await;
    ops::messages::remove(&site.state, &adas, second).await.unwrap();
    assert!(strip(&page(&site, &mut ada, room_id).await.1).contains("1 pinned</b>"));
    warm(&site, &mut ada, room_id).await;
    ops::pins::unpin(&site.state, &adas, first).await.unwrap();
    assert_eq!(strip(&page(&site, &mut ada, room_id).await.1), "");
}

#[tokio::test]
async fn the_list_says_who_pinned_and_its_forms_work_without_scripts() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let list = format!("/rooms/{room_id}/pins");
    assert!(ada.browser.get(&list).await.text().contains("Nothing is pinned here."));
    let message = site.post(&ada, room_id, "keep **this**").await;
    let path = pin_path(room_id, message.id);
    let menu = format!("/messages/{}/menu", message.id);
    assert!(bob.browser.get(&menu).await.text().contains("Pin to the room"));
    let pinned = bob.browser.post(&path, &[]).await;
    assert_eq!((pinned.status, pinned.location()), (StatusCode::SEE_OTHER, &*message.path()));
    assert_eq!(bob.browser.post(&path, &[]).await.status, StatusCode::SEE_OTHER, "again");
    assert!(ada.browser.get(&menu).await.text().contains("Unpin"));
    let html = ada.browser.get(&list).await.text();
    assert!(html.contains("Pinned by <bdi>Bob</bdi>") && html.contains("keep this"), "{html}");
    // Anybody in the room may take it away.
    let unpinned = ada.browser.post(&path, &[("_method", "delete"), ("back", "pins")]).await;
    assert_eq!((unpinned.status, unpinned.location()), (StatusCode::SEE_OTHER, &*list));
    assert_eq!(ada.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER, "again");
    assert!(ada.browser.get(&list).await.text().contains("Nothing is pinned here."));
}

#[tokio::test]
async fn a_room_has_fifty_pins_at_most() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let adas = member(&site, &ada, room_id).await;
    let mut last = MessageId(0);
    for number in 0..=MAX_PINS {
        last = site.post(&ada, room_id, &format!("number {number}")).await.id;
        if number < MAX_PINS {
            ops::pins::pin(&site.state, &adas, last).await.unwrap();
        }
    }
    assert!(matches!(ops::pins::pin(&site.state, &adas, last).await, Err(AppError::Conflict(_))));
    let path = pin_path(room_id, last);
    let refused = ada.browser.post(&path, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let html = refused.text();
    assert!(html.contains("50 messages are pinned here already.") && html.contains("number 49"), "{html}");
    let headers = [("x-requested-with", "fetch"), ("prefer", "return=minimal")];
    let script = ada.browser.send(Method::POST, &path, &headers, Body::empty()).await;
    assert_eq!(script.status, StatusCode::CONFLICT);
    assert_eq!(script.text(), "50 messages are pinned here already. Take a pin away first.", "the words for a notice");
    assert_eq!(ops::pins::list(&site.state, &adas).await.unwrap().len(), 50);
}

#[tokio::test]
async fn only_messages_of_the_room_are_pinned_and_only_by_its_people() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let club = site.closed_room(&ada, "Club").await;
    let secret = site.post(&ada, club.id, "secret").await;
    let answer = bob.browser.post(&pin_path(club.id, secret.id), &[]).await;
    assert_eq!(answer.location(), "/?notice=room-missing");
    assert_eq!(bob.browser.get(&format!("/rooms/{}/pins", club.id)).await.location(), "/?notice=room-missing");
    let elsewhere = bob.browser.post(&pin_path(room_id, secret.id), &[]).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    ada.browser.post(&pin_path(club.id, secret.id), &[]).await;
    bob.browser.post(&pin_path(room_id, secret.id), &[("_method", "delete")]).await;
    let adas = member(&site, &ada, club.id).await;
    assert_eq!(ops::pins::list(&site.state, &adas).await.unwrap().len(), 1, "not through another room");
    ops::messages::remove(&site.state, &adas, secret.id).await.unwrap();
    assert_eq!(ada.browser.post(&pin_path(club.id, secret.id), &[]).await.status, StatusCode::NOT_FOUND, "deleted");

    let form = ops::bots::BotForm { name: "CI".parse().unwrap(), webhook_url: None, commands: Vec::new() };
    let bot_id = ops::bots::create(&site.state, &ada.administrator(), form).await.unwrap();
    let key = ops::bots::find(&site.state, &ada.administrator(), bot_id).await.unwrap().key;
    let bot = ops::bots::authenticate(&site.state, &key.to_string(), "127.0.0.1".parse().unwrap()).await.unwrap();
    let bots = site.state.members.find(&bot, room_id).await.unwrap();
    let message = site.post(&ada, room_id, "for people").await;
    assert_eq!(ops::pins::pin(&site.state, &bots, message.id).await, Err(AppError::Forbidden));
    assert_eq!(ops::pins::unpin(&site.state, &bots, message.id).await, Err(AppError::Forbidden));
}

#[tokio::test]
async fn everybody_in_the_room_sees_a_pin_at_once_and_after_a_gap() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let address = serve(&site).await;
    let before: Cursor = cursor(&site, room_id).await;
    let mut socket = connected(&address, &bob).await;
    focus(&site, &mut socket, room_id).await;
    let adas = member(&site, &ada, room_id).await;
    let is_pins = |event: &ServerEvent| matches!(event, ServerEvent::PinsChanged { .. });
    let html_of = |events: Vec<ServerEvent>| {
        let Some(ServerEvent::PinsChanged { pins_html, .. }) = events.into_iter().last() else { unreachable!() };
        pins_html
    };

    ops::pins::pin(&site.state, &adas, message.id).await.unwrap();
    assert!(html_of(socket.receive_until(is_pins).await).contains("hello"));
    ops::messages::edit(&site.state, &adas, message.id, "goodbye".parse().unwrap()).await.unwrap();
    assert!(html_of(socket.receive_until(is_pins).await).contains("goodbye"));

    // Whoever was away gets the state of now, once.
    let mut late = connected(&address, &bob).await;
    late.send(&ClientCommand::Focus { room_id, cursor: before }).await;
    let events = late.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    assert_eq!(events.iter().filter(|event| is_pins(event)).count(), 1);
    let caught_up: Vec<_> = events.into_iter().filter(is_pins).collect();
    assert!(html_of(caught_up).contains("goodbye"));

    ops::messages::remove(&site.state, &adas, message.id).await.unwrap();
    assert_eq!(html_of(socket.receive_until(is_pins).await), "", "a deleted message leaves the pins");
}

#[tokio::test]
async fn the_pins_of_a_banned_persons_messages_go() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&bob, room_id, "spam").await;
    let adas = member(&site, &ada, room_id).await;
    ops::pins::pin(&site.state, &adas, message.id).await.unwrap();
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    campfire::jobs::run_due(&site.state).await.unwrap();
    assert!(ops::pins::list(&site.state, &adas).await.unwrap().is_empty());
}
