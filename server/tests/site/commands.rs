//! Slash commands: `/word text` calls a bot, and what it answers is for everybody or for the caller alone.

use axum::http::StatusCode;
use campfire::model::{Answers, ClientMessageId, FileKey, RoomId, UserId, parse_words};
use campfire::ops::bots::BotForm;
use campfire::ops::commands::send;
use campfire::protocol::ServerEvent;
use campfire::{AppError, jobs, ops};
use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::sockets::{Socket, connected, serve};
use crate::support::{Someone, TestSite};

/// All Talk with Ada, Bob, and a bot with the commands `/deploy` and `/status`.
struct Stage {
    site: TestSite,
    ada: Someone,
    bob: Someone,
    room_id: RoomId,
    bot_id: UserId,
}

impl Stage {
    async fn new(url: &str) -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let bob = site.join("Bob").await;
        let room_id = site.all_talk(&ada).await;
        let bot_id =
            ops::bots::create(&site.state, &ada.administrator(), form("CI", url, "deploy status")).await.unwrap();
        Self { site, ada, bob, room_id, bot_id }
    }

    async fn send(&self, number: u64, text: &str) -> Result<bool, AppError> {
        let member = self.site.state.members.find(&self.bob.user, self.room_id).await.unwrap();
        let sent = send(&self.site.state, &member, id(number), text, Vec::new(), Answers::default(), false).await;
        sent.map(|posted| posted.is_none())
    }

    async fn deliver(&self) {
        jobs::run_due(&self.site.state).await.unwrap();
    }

    async fn texts(&self) -> Vec<String> {
        let member = self.site.state.members.find(&self.ada.user, self.room_id).await.unwrap();
        let page = ops::api::page(&self.site.state, &member, ops::api::Range::Newest).await.unwrap();
        page.messages.into_iter().map(|message| message.plain_text).collect()
    }
}

fn form(name: &str, url: &str, words: &str) -> BotForm {
    let webhook_url = ops::webhooks::parse_url(url).unwrap();
    BotForm { name: name.parse().unwrap(), webhook_url, commands: parse_words(words).unwrap() }
}

fn id(number: u64) -> ClientMessageId {
    ClientMessageId::v7(number, [7; 10])
}

async fn note(socket: &mut Socket) -> String {
    let events = socket.receive_until(|event| matches!(event, ServerEvent::Note { .. })).await;
    let Some(ServerEvent::Note { html, .. }) = events.into_iter().last() else { unreachable!() };
    html
}

/// The reason for a text that cannot be a command.
fn refusal(sent: Result<bool, AppError>) -> String {
    let Err(AppError::Invalid(errors)) = sent else { panic!("{sent:?}") };
    errors.get(ops::commands::COMMAND_FIELD).unwrap().to_owned()
}

#[tokio::test]
async fn a_call_is_delivered_once_and_answered_to_everybody() {
    let receiver = Receiver::new(&[Answer::Of(200, "text/plain", b"Deploying staging")]).await;
    let stage = Stage::new(&receiver.url).await;
    assert_eq!(stage.send(1, " /DEPLOY  staging <now> ").await, Ok(true));
    assert_eq!(stage.send(1, " /DEPLOY  staging <now> ").await, Ok(true), "the same call, sent again");
    assert!(matches!(stage.send(1, "/deploy production").await, Err(AppError::Conflict(_))));
    stage.deliver().await;
    stage.deliver().await;
    let [received] = &receiver.received()[..] else { panic!("one request") };
    let key = ops::bots::find(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap().key;
    let room_id = stage.room_id;
    let expected = json!({
        "command": "deploy",
        "user": {"id": stage.bob.user.id, "name": "Bob"},
        "room": {"id": room_id, "name": "All Talk", "path": format!("/rooms/{room_id}/{key}/messages")},
        "message": {
            "id": null,
            "body": {"html": "<p>staging &lt;now&gt;</p>", "plain": "staging <now>"},
            "path": format!("/rooms/{room_id}"),
        },
    });
    assert_eq!(received.json(), expected);
    assert!(received.headers["webhook-signature"].starts_with("v1,"));
    assert_eq!(stage.texts().await, ["Deploying staging"], "the call is no message");
}

#[tokio::test]
async fn an_answer_for_the_caller_alone_reaches_their_pages_and_is_stored_nowhere() {
    let receiver = Receiver::new(&[Answer::OnlyMe("**Secret** <b>1</b>")]).await;
    let stage = Stage::new(&receiver.url).await;
    let address = serve(&stage.site).await;
    let mut bobs = connected(&address, &stage.bob).await;
    let mut adas = connected(&address, &stage.ada).await;
    assert_eq!(stage.send(1, "/status all").await, Ok(true));
    let sent = note(&mut bobs).await;
    assert!(sent.contains("Sent: <bdi>/status all</bdi>") && sent.contains("only you see this"), "{sent}");
    stage.deliver().await;
    let answer = note(&mut bobs).await;
    assert!(answer.contains("<strong>Secret</strong> &lt;b&gt;1&lt;/b&gt;"), "{answer}");
    assert!(stage.texts().await.is_empty());
    // The next that Ada receives is a message: no note came before it.
    stage.site.post(&stage.bob, stage.room_id, "hello").await;
    let events = adas.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Note { .. })), "{events:?}");
    let log = ops::webhooks::list_of_bot(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    assert_eq!((log.len(), log[0].answer.as_str()), (1, ""), "nor does an administrator read it");
}

#[tokio::test]
async fn a_call_that_fails_is_told_to_its_caller_and_not_tried_for_hours() {
    let receiver = Receiver::new(&[Answer::Of(500, "", b""), Answer::Of(500, "", b""), Answer::Hang]).await;
    let stage = Stage::new(&receiver.url).await;
    let address = serve(&stage.site).await;
    let mut bobs = connected(&address, &stage.bob).await;
    assert_eq!(stage.send(1, "/status").await, Ok(true));
    note(&mut bobs).await;
    stage.deliver().await;
    stage.site.state.clock.advance(6_000);
    stage.deliver().await;
    let failure = note(&mut bobs).await;
    assert!(failure.contains("The command did not work. The target answered 500."), "{failure}");
    stage.site.state.clock.advance(24 * 60 * 60 * 1_000);
    stage.deliver().await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(stage.send(2, "/status").await, Ok(true));
    note(&mut bobs).await;
    stage.deliver().await;
    let silence = note(&mut bobs).await;
    assert!(silence.contains("No response came within 7 seconds."), "{silence}");
    stage.site.state.clock.advance(6_000);
    stage.deliver().await;
    assert_eq!(receiver.received().len(), 3, "it may have come through: not again");
    assert!(stage.texts().await.is_empty(), "the room is not told");
}

#[tokio::test]
async fn what_cannot_be_a_command_is_said_and_can_be_sent_as_a_message() {
    let receiver = Receiver::new(&[Answer::Of(200, "", b"")]).await;
    let mut stage = Stage::new(&receiver.url).await;
    assert!(refusal(stage.send(1, "/dploy staging").await).contains("Nothing in this room has the command /dploy."));
    for message in ["/etc/hosts is wrong", "/ hello", "/play tada", "1/2"] {
        assert_eq!(stage.send(2 + message.len() as u64, message).await, Ok(false), "{message}");
    }
    let member = stage.site.state.members.find(&stage.bob.user, stage.room_id).await.unwrap();
    let with_file = vec!["f".repeat(32).parse::<FileKey>().unwrap()];
    let sent = send(&stage.site.state, &member, id(40), "/deploy", with_file, Answers::default(), false).await;
    assert!(refusal(sent.map(|_| true)).contains("takes no files"));

    // Without scripts: the form again, with another button.
    let path = format!("/rooms/{}/messages", stage.room_id);
    let refused = stage.bob.browser.post(&path, &[("body", "/dploy staging")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text();
    assert!(page.contains("Send as a message") && page.contains("/dploy staging"), "{page}");
    let sent = stage.bob.browser.post(&path, &[("body", "/dploy staging"), ("as_message", "1")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let called = stage.bob.browser.post(&path, &[("body", "/deploy staging")]).await;
    assert_eq!(called.status, StatusCode::SEE_OTHER);
    assert_eq!(stage.texts().await.last().unwrap(), "/dploy staging");

    // The call of a page with scripts answers null.
    let arguments = |as_message| json!({"room_id": stage.room_id, "client_message_id": id(50), "body": "/nope", "as_message": as_message});
    let refused = stage.bob.browser.call("messages/post", &arguments(false)).await;
    assert!(refused.text().contains("/nope"), "{}", refused.text());
    let sent = stage.bob.browser.call("messages/post", &arguments(true)).await;
    assert!(sent.text().contains("stored"), "{}", sent.text());
    let arguments = json!({"room_id": stage.room_id, "client_message_id": id(51), "body": "/deploy"});
    let called = stage.bob.browser.call("messages/post", &arguments).await;
    assert_eq!(serde_json::from_str::<Value>(&called.text()).unwrap(), Value::Null);
}

#[tokio::test]
async fn only_active_bots_of_the_room_with_a_webhook_are_called_and_bots_call_nobody() {
    let receiver = Receiver::new(&[Answer::Of(410, "", b"")]).await;
    let stage = Stage::new(&receiver.url).await;
    let (state, ada) = (&stage.site.state, stage.ada.administrator());
    let room = stage.site.closed_room(&stage.bob, "Without the bot").await;
    let member = state.members.find(&stage.bob.user, room.id).await.unwrap();
    let elsewhere = send(state, &member, id(1), "/deploy", Vec::new(), Answers::default(), false).await;
    assert!(refusal(elsewhere.map(|_| true)).contains("Nothing in this room"));
    let quiet = form("Quiet", "", "hush");
    ops::bots::create(state, &ada, quiet).await.unwrap();
    assert!(refusal(stage.send(2, "/hush").await).contains("Quiet takes no commands"));

    // The bot's own text that begins like a command is a message.
    let bot = ops::bots::find(state, &ada, stage.bot_id).await.unwrap();
    let bot = ops::bots::authenticate(state, &bot.key.to_string(), "127.0.0.1".parse().unwrap()).await.unwrap();
    let as_bot = state.members.find(&bot, stage.room_id).await.unwrap();
    assert!(send(state, &as_bot, id(3), "/deploy", Vec::new(), Answers::default(), false).await.unwrap().is_some());

    // Who is gone before the delivery has called nobody.
    assert_eq!(stage.send(4, "/deploy late").await, Ok(true));
    ops::users::deactivate(state, &ada, stage.bob.user.id).await.unwrap();
    stage.deliver().await;
    assert!(receiver.received().is_empty());

    // A target that is gone switches the webhook off: nothing can be called then, and the room is not told.
    let as_ada = state.members.find(&stage.ada.user, stage.room_id).await.unwrap();
    assert!(send(state, &as_ada, id(5), "/deploy", Vec::new(), Answers::default(), false).await.unwrap().is_none());
    stage.deliver().await;
    let off = send(state, &as_ada, id(6), "/deploy", Vec::new(), Answers::default(), false).await;
    assert!(refusal(off.map(|_| true)).contains("CI takes no commands"));
    assert_eq!(stage.texts().await, ["/deploy"]);
    ops::bots::deactivate(state, &ada, stage.bot_id).await.unwrap();
    let gone = send(state, &as_ada, id(7), "/deploy", Vec::new(), Answers::default(), false).await;
    assert!(refusal(gone.map(|_| true)).contains("Nothing in this room"));
}

#[tokio::test]
async fn a_word_calls_one_bot() {
    let stage = Stage::new("http://127.0.0.1:1/").await;
    let (state, ada) = (&stage.site.state, stage.ada.administrator());
    let taken = ops::bots::create(state, &ada, form("Other", "", "Deploy other")).await;
    let Err(AppError::Invalid(errors)) = taken else { panic!("{taken:?}") };
    assert_eq!(errors.get("commands"), Some("The command /deploy is one of CI. Choose another word."));
    let other = ops::bots::create(state, &ada, form("Other", "", "other")).await.unwrap();
    ops::bots::update(state, &ada, stage.bot_id, form("CI", "http://127.0.0.1:1/", "status 部署")).await.unwrap();
    ops::bots::update(state, &ada, other, form("Other", "", "deploy")).await.unwrap();
    assert_eq!(ops::bots::command_words(state, &ada, other).await.unwrap(), ["deploy"]);
    let member = state.members.find(&stage.bob.user, stage.room_id).await.unwrap();
    let listed = ops::commands::list(state, &member).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|(word, name)| (word.as_str(), name.as_str())).collect();
    assert_eq!(listed, [("deploy", "Other"), ("status", "CI"), ("部署", "CI")]);
}
