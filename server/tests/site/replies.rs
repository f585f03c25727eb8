//! Messages that answer others: the line above them, what becomes of it, and who may answer what.

use axum::http::StatusCode;
use campfire::model::{Anchor, ClientMessageId, Message, MessageId, Posted, RoomId};
use campfire::ops::messages::{edit, post_with_files, remove, room_page};
use campfire::protocol::{ClientCommand, ServerEvent};
use campfire::{AppError, AppResult, ops};
use serde_json::{Value, json};

use crate::sockets::{connected, serve};
use crate::support::{Someone, TestSite};

fn id(number: u64) -> ClientMessageId {
    ClientMessageId::v7(number, [9; 10])
}

async fn answer(
    site: &TestSite,
    who: &Someone,
    room_id: RoomId,
    number: u64,
    text: &str,
    reply_to: MessageId,
) -> AppResult<Posted> {
    let member = site.state.members.find(&who.user, room_id).await.unwrap();
    post_with_files(&site.state, &member, id(number), text, Vec::new(), reply_to.into()).await
}

fn stored(posted: AppResult<Posted>) -> Message {
    match posted.unwrap() {
        Posted::Stored(message) => message,
        Posted::Removed(_) => panic!("removed"),
    }
}

/// The lines above answers on the newest page of a room, oldest first.
async fn lines(site: &TestSite, who: &Someone, room_id: RoomId) -> Vec<String> {
    let member = site.state.members.find(&who.user, room_id).await.unwrap();
    let page = room_page(&site.state, &member, Anchor::Newest).await.unwrap();
    let answers = page.timeline.messages.iter().filter(|message| message.reply_to.is_some());
    answers.map(|message| message.reply_html.clone()).collect()
}

#[tokio::test]
async fn an_answer_shows_whose_words_it_answers_and_follows_them() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let original = site.post(&ada, room_id, "shall we *meet* at nine?").await;
    let reply = stored(answer(&site, &bob, room_id, 1, "at ten", original.id).await);
    assert_eq!(reply.reply_to, Some(original.id));
    assert!(reply.reply_html.contains("Ada") && reply.reply_html.contains("shall we meet at nine?"), "{reply:?}");
    assert!(reply.reply_html.contains(&format!("href=\"{}\"", original.path())), "{}", reply.reply_html);
    assert_eq!(reply.body_html, "<p>at ten</p>", "the text has no quote");

    let path = format!("/rooms/{room_id}");
    let page = bob.browser.get(&path).await.text();
    assert!(page.contains(&format!("data-answers=\"{}\"", original.id)), "{page}");
    assert_eq!(page.matches("class=\"reply\"").count(), 1, "ordinary messages have no line");

    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    edit(&site.state, &member, original.id, "shall we meet at eight?".parse().unwrap()).await.unwrap();
    assert!(lines(&site, &bob, room_id).await[0].contains("at eight?"));
    assert!(bob.browser.get(&path).await.text().contains("at eight?</bdi></a></p>"), "no page is stale");
    remove(&site.state, &member, original.id).await.unwrap();
    let [line] = &lines(&site, &bob, room_id).await[..] else { panic!("one answer") };
    assert!(line.contains("Deleted message") && !line.contains("eight"), "{line}");
    assert!(!bob.browser.get(&path).await.text().contains("eight"), "nothing of it is left");
}

#[tokio::test]
async fn open_pages_follow_what_was_answered_also_after_a_lost_connection() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let original = site.post(&ada, room_id, "one").await;
    let unanswered = site.post(&ada, room_id, "two").await;
    stored(answer(&site, &bob, room_id, 1, "yes", original.id).await);
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    let page = room_page(&site.state, &member, Anchor::Newest).await.unwrap();
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    let cursor = page.timeline.cursor;
    socket.send(&ClientCommand::Focus { room_id, cursor: cursor.clone() }).await;
    socket.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;

    let changed = |event: &ServerEvent| match event {
        ServerEvent::ReplyChanged { message_id, reply_html, .. } => Some((*message_id, reply_html.clone())),
        _ => None,
    };
    edit(&site.state, &member, unanswered.id, "two, changed".parse().unwrap()).await.unwrap();
    edit(&site.state, &member, original.id, "one, changed".parse().unwrap()).await.unwrap();
    let events = socket.receive_until(|event| changed(event).is_some()).await;
    let (message_id, line) = changed(events.last().unwrap()).unwrap();
    assert!(message_id == original.id && line.contains("one, changed"), "{line}");
    remove(&site.state, &member, original.id).await.unwrap();
    let events = socket.receive_until(|event| changed(event).is_some()).await;
    assert!(matches!(events[0], ServerEvent::MessageRemoved { .. }), "{events:?}");
    assert!(changed(events.last().unwrap()).unwrap().1.contains("Deleted message"));

    // Another page of before the changes, whose connection was lost meanwhile.
    let mut late = connected(&address, &bob).await;
    late.send(&ClientCommand::Focus { room_id, cursor }).await;
    let events = late.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    let lines: Vec<_> = events.iter().filter_map(changed).collect();
    assert_eq!(lines.len(), 1, "{events:?}");
    assert!(lines[0].0 == original.id && lines[0].1.contains("Deleted message"));
}

#[tokio::test]
async fn only_messages_of_the_room_can_be_answered_and_removed_ones_still_can() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let secret = site.closed_room(&ada, "Secret").await;
    let hidden = site.post(&ada, secret.id, "hidden words").await;
    let gone = site.post(&ada, room_id, "gone").await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    remove(&site.state, &member, gone.id).await.unwrap();
    for (number, wrong) in [(1, hidden.id), (2, MessageId(9_999)), (3, MessageId(0)), (4, MessageId(-1))] {
        let refused = answer(&site, &ada, room_id, number, "x", wrong).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{wrong:?} {refused:?}");
    }
    assert_eq!(site.db_message_count().await, 1, "nothing was posted");
    let late = stored(answer(&site, &ada, room_id, 5, "an answer that took long", gone.id).await);
    assert!(late.reply_html.contains("Deleted message"), "{}", late.reply_html);

    // The same id with another relation is another message.
    let other = site.post(&ada, room_id, "other").await;
    assert!(matches!(
        answer(&site, &ada, room_id, 5, "an answer that took long", other.id).await,
        Err(AppError::Conflict(_))
    ));
    assert_eq!(stored(answer(&site, &ada, room_id, 5, "an answer that took long", gone.id).await).id, late.id);
}

#[tokio::test]
async fn a_form_without_scripts_answers_a_message() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let original = site.post(&ada, room_id, "shall we meet?").await;
    let path = format!("/rooms/{room_id}/messages");
    let page = bob.browser.get(&format!("{path}/{}/reply", original.id)).await.text();
    assert!(page.contains("shall we meet?"), "{page}");
    assert!(page.contains(&format!("name=\"reply_to\" value=\"{}\"", original.id)), "{page}");
    let reply_to = original.id.to_string();
    let refused = bob.browser.post(&path, &[("body", " "), ("reply_to", &reply_to)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains(&format!("name=\"reply_to\" value=\"{reply_to}\"")), "it stays an answer");
    let sent = bob.browser.post(&path, &[("body", "yes"), ("reply_to", &reply_to)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(lines(&site, &bob, room_id).await.len(), 1);
    let wrong = bob.browser.post(&path, &[("body", "yes"), ("reply_to", "9999")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn programs_answer_messages_and_are_told_of_answers() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let original = site.post(&ada, room_id, "deploy?").await;
    let form = ops::bots::BotForm { name: "CI".parse().unwrap(), webhook_url: None, commands: Vec::new() };
    let bot_id = ops::bots::create(&site.state, &ada.administrator(), form).await.unwrap();
    let key: String = sqlx::query_scalar("SELECT user_id || '-' || token FROM bots WHERE user_id = $1")
        .bind(bot_id)
        .fetch_one(site.state.db.reader())
        .await
        .unwrap();
    let mut program = site.browser();
    let authorization = format!("Bearer {key}");
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let path = format!("/api/v1/rooms/{room_id}/messages");
    let post = async |program: &mut crate::support::Browser, body: Value| {
        let answer = program.send(axum::http::Method::POST, &path, &headers, body.to_string().into()).await;
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap())
    };
    let (status, object) = post(&mut program, json!({"body": "done", "reply_to": original.id})).await;
    assert_eq!((status, &object["reply_to"]), (StatusCode::CREATED, &json!(original.id)));
    let (_, plain) = post(&mut program, json!({"body": "more"})).await;
    assert!(plain["reply_to"].is_null());
    for wrong in [json!(9_999), json!("1"), json!(0), json!([1])] {
        let (status, _) = post(&mut program, json!({"body": "x", "reply_to": wrong})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
