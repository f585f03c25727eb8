//! The history of edited messages: who sees what, and that deleted texts are not kept.

use axum::http::StatusCode;
use campfire::model::{Message, RoomId};
use campfire::{jobs, ops};

use crate::freshness::{page, warm};
use crate::support::{Someone, TestSite};

fn path(message: &Message) -> String {
    format!("/rooms/{}/messages/{}/history", message.room_id, message.id)
}

async fn edit(site: &TestSite, someone: &Someone, message: &Message, text: &str) {
    site.state.clock.advance(60_000);
    let member = site.state.members.find(&someone.user, message.room_id).await.unwrap();
    ops::messages::edit(&site.state, &member, message.id, text.parse().unwrap()).await.unwrap();
}

async fn kept_count(site: &TestSite) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM message_versions").fetch_one(site.state.db.reader()).await.unwrap()
}

/// The part of a room's page that is one message.
fn row(html: &str, message: &Message) -> String {
    let (_, rest) = html.split_once(&format!("id=\"message-{}\"", message.id)).unwrap();
    // Reading marks the first unread message.
    rest.split_once("</li>").unwrap().0.replacen(" data-new", "", 1)
}

#[tokio::test]
async fn an_edited_message_is_marked_and_others_stay_as_they_were() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id: RoomId = site.all_talk(&ada).await;
    let first = site.post(&bob, room_id, "first").await;
    let second = site.post(&bob, room_id, "second").await;
    let before = warm(&site, &mut ada, room_id).await;
    assert!(!before.contains("message__edited"));
    edit(&site, &bob, &second, "second, edited").await;
    let (_, html, rendered) = page(&site, &mut ada, room_id).await;
    assert!(rendered);
    assert_eq!(row(&html, &first), row(&before, &first));
    let mark = format!("<a class=\"message__edited\" href=\"{}\"", path(&second));
    assert!(row(&html, &second).contains(&mark), "{}", row(&html, &second));
}

#[tokio::test]
async fn the_author_and_administrators_see_earlier_texts_and_everybody_by_a_setting() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut cleo = site.join("Cleo").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&bob, room_id, "the *first* text").await;
    let path = path(&message);
    assert!(bob.browser.get(&path).await.text().contains("It was not edited."));
    edit(&site, &bob, &message, "the <second> text").await;
    edit(&site, &ada, &message, "the third text").await;
    for someone in [&mut bob, &mut ada] {
        let html = someone.browser.get(&path).await.text();
        assert!(html.contains("<em>first</em>") && html.contains("&lt;second&gt;"), "{html}");
        assert!(html.contains("then edited by <bdi>Ada</bdi>") && html.contains("then edited by <bdi>Bob</bdi>"));
        // Posted at 22:13:20, and edited a minute and two minutes later.
        for time in ["2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z", "2023-11-14T22:15:20Z"] {
            assert!(html.contains(time), "{time}");
        }
    }
    let html = cleo.browser.get(&path).await.text();
    assert!(html.contains("Earlier texts are shown to its author and to administrators."), "{html}");
    assert!(html.contains("2023-11-14T22:14:20Z") && !html.contains("first") && !html.contains("second"), "{html}");

    let setting = [("_method", "put"), ("show_edits", "true")];
    assert_eq!(cleo.browser.post("/account", &setting).await.status, StatusCode::FORBIDDEN);
    ada.browser.post("/account", &setting).await;
    let settings = ada.browser.get("/account/edit").await.text();
    assert!(settings.contains("id=\"show-edits\" type=\"checkbox\" name=\"show_edits\" value=\"true\" checked"));
    assert!(cleo.browser.get(&path).await.text().contains("<em>first</em>"));
    ada.browser.post("/account", &[("_method", "put"), ("show_edits", "false")]).await;
    assert!(!cleo.browser.get(&path).await.text().contains("<em>first</em>"));
}

#[tokio::test]
async fn outsiders_of_the_room_see_no_history() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Club").await;
    let message = site.post(&ada, room.id, "secret").await;
    edit(&site, &ada, &message, "changed").await;
    assert_eq!(bob.browser.get(&path(&message)).await.location(), "/?notice=room-missing");
    let elsewhere = format!("/rooms/{}/messages/{}/history", site.all_talk(&ada).await, message.id);
    assert_eq!(bob.browser.get(&elsewhere).await.status, StatusCode::NOT_FOUND, "not through another room");
}

#[tokio::test]
async fn deleted_texts_are_not_kept() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let removed = site.post(&ada, room_id, "one").await;
    edit(&site, &ada, &removed, "one, edited").await;
    let of_bob = site.post(&bob, room_id, "two").await;
    edit(&site, &bob, &of_bob, "two, edited").await;
    let room = site.closed_room(&ada, "Club").await;
    let in_room = site.post(&ada, room.id, "three").await;
    edit(&site, &ada, &in_room, "three, edited").await;
    edit(&site, &ada, &in_room, "three, edited").await;
    assert_eq!(kept_count(&site).await, 3, "the same text again is no edit");

    let adas = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::remove(&site.state, &adas, removed.id).await.unwrap();
    assert_eq!(kept_count(&site).await, 2);
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(kept_count(&site).await, 1, "a ban removes what the person wrote");
    ops::rooms::remove(&site.state, &site.state.members.find(&ada.user, room.id).await.unwrap()).await.unwrap();
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(kept_count(&site).await, 0, "so does the removal of a room");
}
