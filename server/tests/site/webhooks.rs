//! Webhooks of bots: what is delivered, and what comes of the answers.

use std::time::Duration;

use axum::http::StatusCode;
use campfire::clock;
use campfire::model::{MessageId, RoomId, UserId};
use campfire::ops::bots::BotForm;
use campfire::{jobs, ops};
use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::support::{Someone, TestSite};

/// A bot with a webhook in All Talk.
struct Stage {
    site: TestSite,
    ada: Someone,
    room_id: RoomId,
    bot_id: UserId,
}

impl Stage {
    async fn new(url: &str) -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let room_id = site.all_talk(&ada).await;
        let bot_id = add_bot(&site, &ada, "CI", url).await;
        Self { site, ada, room_id, bot_id }
    }

    async fn say(&self, text: &str) -> MessageId {
        self.site.post(&self.ada, self.room_id, text).await.id
    }

    async fn deliver(&self) {
        jobs::run_due(&self.site.state).await.unwrap();
    }

    async fn later(&self, ms: i64) {
        self.site.state.clock.advance(ms);
        self.deliver().await;
    }

    /// The bot's messages, the oldest first.
    async fn said(&self) -> Vec<String> {
        let member = self.site.state.members.find(&self.ada.user, self.room_id).await.unwrap();
        let page = ops::api::page(&self.site.state, &member, ops::api::Range::Newest).await.unwrap();
        let own = page.messages.into_iter().filter(|message| message.creator.id == self.bot_id);
        own.map(|message| message.plain_text).collect()
    }

    async fn log(&self) -> Vec<ops::webhooks::Delivery> {
        let ada = self.ada.administrator();
        ops::webhooks::list_of_bot(&self.site.state, &ada, self.bot_id).await.unwrap()
    }
}

async fn add_bot(site: &TestSite, ada: &Someone, name: &str, url: &str) -> UserId {
    let form = BotForm {
        name: name.parse().unwrap(),
        webhook_url: ops::webhooks::parse_url(url).unwrap(),
        commands: Vec::new(),
    };
    ops::bots::create(&site.state, &ada.administrator(), form).await.unwrap()
}

const SILENT: Answer = Answer::Of(200, "", b"");

#[tokio::test]
async fn a_mention_is_delivered_once_with_the_documented_body_and_a_signature() {
    let receiver = Receiver::new(&[SILENT]).await;
    let stage = Stage::new(&receiver.url).await;
    let secret =
        ops::webhooks::renew_secret(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    stage.say("nobody is meant").await;
    stage.deliver().await;
    assert!(receiver.received().is_empty());
    let message_id = stage.say("@CI status?").await;
    stage.deliver().await;
    stage.deliver().await;
    let [received] = &receiver.received()[..] else { panic!("one request") };
    assert_eq!(received.path, "/hook?a=b");
    assert_eq!(received.headers["content-type"], "application/json");
    let (ada, room_id) = (&stage.ada.user, stage.room_id);
    let key = ops::bots::find(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap().key;
    let body = received.json();
    let expected = json!({
        "user": {"id": ada.id, "name": "Ada"},
        "room": {"id": room_id, "name": "All Talk", "path": format!("/rooms/{room_id}/{key}/messages")},
        "message": {
            "id": message_id,
            "body": {"html": body["message"]["body"]["html"], "plain": "status?"},
            "path": format!("/rooms/{room_id}/@{message_id}"),
        },
    });
    assert_eq!(body, expected);
    let header = |name: &str| received.headers[name].as_str();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), received.body);
    assert_eq!(header("webhook-signature"), format!("v1,{}", hmac_base64(&secret, &signed)));
    assert!(stage.said().await.is_empty());
    let [delivery] = &stage.log().await[..] else { panic!("one delivery") };
    assert_eq!((delivery.status, delivery.attempts, &delivery.error), (Some(200), 1, &None));
    assert!(delivery.request.contains("status?") && !delivery.request.contains(key.token()));
}

/// HMAC-SHA256 by the definition of RFC 2104, not by the code under test.
fn hmac_base64(secret: &str, text: &str) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut key = base64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    key.resize(64, 0);
    let pad = |byte: u8| key.iter().map(|part| part ^ byte).collect::<Vec<_>>();
    let inner = Sha256::digest([pad(0x36), text.as_bytes().to_vec()].concat());
    base64.encode(Sha256::digest([pad(0x5c), inner.to_vec()].concat()))
}

#[tokio::test]
async fn a_ping_is_delivered_to_its_bots_and_no_bot_hears_itself() {
    let receiver = Receiver::new(&[Answer::Of(200, "text/plain", b"@CI and @Other, hello")]).await;
    let stage = Stage::new(&receiver.url).await;
    let other = Receiver::new(&[SILENT]).await;
    let other_id = add_bot(&stage.site, &stage.ada, "Other", &other.url).await;
    let users = vec![stage.bot_id, other_id];
    let ping = ops::rooms::ping(&stage.site.state, &stage.ada.user, users).await.unwrap();
    stage.site.post(&stage.ada, ping.id, "good morning").await;
    stage.deliver().await;
    assert_eq!((receiver.received().len(), other.received().len()), (1, 1));
    assert_eq!(receiver.received()[0].json()["room"]["name"], Value::Null);
    // The answer, which mentions both, triggers neither.
    stage.deliver().await;
    assert_eq!((receiver.received().len(), other.received().len()), (1, 1));
    // What a bot posts by the API triggers the others, and never itself.
    let bot = campfire::store::users::find(stage.site.state.db.reader(), stage.bot_id).await.unwrap().unwrap();
    let member = stage.site.state.members.find(&bot, ping.id).await.unwrap();
    let id = campfire::model::ClientMessageId::v7(5, [1; 10]);
    ops::messages::post(&stage.site.state, &member, id, "@CI @Other".parse().unwrap()).await.unwrap();
    stage.deliver().await;
    assert_eq!((receiver.received().len(), other.received().len()), (1, 2));
    // An edit triggers nothing.
    let quiet = stage.say("hm").await;
    let member = stage.site.state.members.find(&stage.ada.user, stage.room_id).await.unwrap();
    ops::messages::edit(&stage.site.state, &member, quiet, "@CI hm".parse().unwrap()).await.unwrap();
    stage.deliver().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn answers_become_messages_of_the_bot_if_they_are_of_success() {
    let receiver = Receiver::new(&[
        Answer::Of(200, "text/plain; charset=utf-8", "Alles grün ✅".as_bytes()),
        Answer::Of(200, "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        Answer::Of(200, "text/plain", b"  "),
        Answer::Of(404, "application/json", b"{}"),
        Answer::Of(204, "", b""),
        Answer::Redirect,
    ])
    .await;
    let stage = Stage::new(&receiver.url).await;
    for _ in 0..6 {
        stage.say("@CI status?").await;
        stage.deliver().await;
    }
    assert_eq!(receiver.received().len(), 6, "a redirect is not followed, and a refusal not tried again");
    assert_eq!(stage.said().await, ["Alles grün ✅", "attachment.svg"]);
    let states: Vec<_> = stage.log().await.into_iter().map(|one| (one.status, one.error)).collect();
    assert_eq!(states[0], (Some(302), Some("The target answered 302.".into())));
    assert_eq!(states[2], (Some(404), Some("The target answered 404.".into())));
    assert_eq!(states[5].1, None);
}

#[tokio::test]
async fn failures_are_tried_again_with_the_same_id_until_the_last() {
    let receiver = Receiver::new(&[Answer::Of(503, "text/html", b"down"), Answer::Of(429, "", b"")]).await;
    let stage = Stage::new(&receiver.url).await;
    stage.say("@CI status?").await;
    stage.deliver().await;
    for (pause, count) in [(5_000, 2), (300_000, 3), (1_800_000, 4), (7_200_000, 5), (28_800_000, 6)] {
        stage.deliver().await;
        assert_eq!(receiver.received().len(), count - 1, "not before {pause} ms");
        stage.later(pause + pause / 10 + 1).await;
        assert_eq!(receiver.received().len(), count, "after {pause} ms");
    }
    stage.later(100_000_000).await;
    let received = receiver.received();
    assert_eq!(received.len(), 6);
    assert!(received.iter().all(|one| one.headers["webhook-id"] == received[0].headers["webhook-id"]));
    assert_ne!(received[0].headers["webhook-timestamp"], received[5].headers["webhook-timestamp"]);
    assert!(stage.said().await.is_empty(), "an error is no answer");
    assert_eq!(stage.log().await[0].state, ops::webhooks::DeliveryState::Failed);
    // An administrator sends it again, and it succeeds.
    receiver.answer_from_now_on(Answer::Of(200, "text/plain", b"up"));
    let ada = stage.ada.administrator();
    ops::webhooks::send_again(&stage.site.state, &ada, stage.log().await[0].id).await.unwrap();
    stage.deliver().await;
    assert_eq!(stage.said().await, ["up"]);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_tried_again() {
    let stage = Stage::new("http://127.0.0.1:1/hook").await;
    let tls = Receiver::new(&[SILENT]).await;
    let other = add_bot(&stage.site, &stage.ada, "Tls", &tls.url.replace("http://", "https://")).await;
    stage.say("@CI @Tls status?").await;
    stage.deliver().await;
    assert_eq!(stage.log().await[0].error.as_deref(), Some("The target accepts no connection."));
    let ada = stage.ada.administrator();
    let of_tls = ops::webhooks::list_of_bot(&stage.site.state, &ada, other).await.unwrap();
    assert!(of_tls[0].error.as_deref().unwrap().contains("certificate"), "{:?}", of_tls[0].error);
    assert_eq!(of_tls[0].state, ops::webhooks::DeliveryState::Waiting);
    assert!(stage.said().await.is_empty());
}

#[tokio::test]
async fn gone_switches_the_webhook_off_and_says_so() {
    let receiver = Receiver::new(&[Answer::Of(410, "text/plain", b"gone")]).await;
    let mut stage = Stage::new(&receiver.url).await;
    stage.say("@CI one").await;
    stage.say("@CI two").await;
    stage.deliver().await;
    stage.say("@CI three").await;
    stage.later(100_000_000).await;
    assert_eq!(receiver.received().len(), 1);
    let said = stage.said().await;
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("switched off"), "{said:?}");
    let page = stage.ada.browser.get(&format!("/account/bots/{}/edit", stage.bot_id)).await.text();
    assert!(page.contains("switched off"), "{page}");
    // The URL again switches it on.
    let form = [("_method", "put"), ("name", "CI"), ("webhook_url", receiver.url.as_str())];
    stage.ada.browser.post(&format!("/account/bots/{}", stage.bot_id), &form).await;
    receiver.answer_from_now_on(SILENT);
    stage.say("@CI four").await;
    stage.deliver().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn silence_is_said_once_and_dripping_and_endless_answers_end() {
    let receiver = Receiver::new(&[Answer::Hang, Answer::Drip, Answer::Bomb, SILENT]).await;
    let stage = Stage::new(&receiver.url).await;
    stage.say("@CI status?").await;
    let started_at = clock::monotonic();
    stage.deliver().await;
    assert!((6..12).contains(&started_at.elapsed().as_secs()));
    assert_eq!(stage.said().await, ["No response came within 7 seconds."]);
    // The second try drips: no second notice, and no response that ends the silence.
    stage.later(6_000).await;
    assert_eq!(stage.said().await.len(), 1);
    let mut other = stage.site.db_connection().await;
    let is_noticed = sqlx::query_scalar("SELECT noticed_at IS NOT NULL FROM webhooks").fetch_one(&mut other).await;
    assert!(is_noticed.is_ok_and(|is_noticed: bool| is_noticed));
    // The third is endless: it has been received, and its answer is dropped.
    stage.later(400_000).await;
    assert_eq!(receiver.received().len(), 3);
    let delivery = &stage.log().await[0];
    assert_eq!((delivery.state, delivery.attempts), (ops::webhooks::DeliveryState::Done, 3), "{delivery:?}");
    assert!(delivery.error.as_deref().unwrap().contains("too long"));
    assert_eq!(stage.said().await.len(), 1);
}

#[tokio::test]
async fn a_reply_after_a_silence_is_posted_and_the_pause_begins_after_the_request() {
    let receiver = Receiver::new(&[Answer::Hang, Answer::Of(200, "text/plain", b"awake")]).await;
    let stage = Stage::new(&receiver.url).await;
    stage.say("@CI status?").await;
    let clock = &stage.site.state.clock;
    tokio::join!(stage.deliver(), async {
        receiver.received_count(1).await;
        clock.advance(7_000);
    });
    assert!(stage.log().await[0].run_at >= clock.now_ms() + 5_000);
    stage.later(6_000).await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(stage.said().await, ["No response came within 7 seconds.", "awake"]);
}

#[tokio::test]
async fn a_target_that_was_replaced_does_not_switch_the_new_one_off() {
    let old = Receiver::new(&[Answer::Slow(410)]).await;
    let new = Receiver::new(&[Answer::Of(200, "text/plain", b"here")]).await;
    let stage = Stage::new(&old.url).await;
    stage.say("@CI status?").await;
    let form = BotForm {
        name: "CI".parse().unwrap(),
        webhook_url: ops::webhooks::parse_url(&new.url).unwrap(),
        commands: Vec::new(),
    };
    let ada = stage.ada.administrator();
    tokio::join!(stage.deliver(), async {
        old.received_count(1).await;
        ops::bots::update(&stage.site.state, &ada, stage.bot_id, form).await.unwrap();
    });
    stage.deliver().await;
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    assert_eq!(stage.said().await, ["here"]);
}

#[tokio::test]
async fn the_limit_of_writes_is_not_for_replies() {
    let receiver = Receiver::new(&[Answer::Of(200, "text/plain", b"yes")]).await;
    let stage = Stage::new(&receiver.url).await;
    for _ in 0..25 {
        stage.say("@CI there?").await;
    }
    stage.site.state.limit_writes(1);
    stage.deliver().await;
    assert_eq!((receiver.received().len(), stage.said().await.len()), (25, 25));
}

#[tokio::test]
async fn without_files_the_log_says_why_a_file_was_not_posted() {
    let receiver = Receiver::new(&[
        Answer::Of(200, "image/png", b"a picture"),
        Answer::Of(200, "text/plain", b"a\0text"),
        Answer::Of(200, "text/plain", &[b'x'; 40_000]),
    ])
    .await;
    let stage = Stage::new(&receiver.url).await;
    stage.site.state.keep_text_only();
    for _ in 0..3 {
        stage.say("@CI status?").await;
        stage.deliver().await;
    }
    let said = stage.said().await;
    assert_eq!((said.len(), said[0].as_str(), said[1].chars().count()), (2, "atext", 30_001));
    let log = stage.log().await;
    let error = "The answer was not posted: this Campfire keeps text only.";
    assert_eq!((log[2].state, log[2].error.as_deref()), (ops::webhooks::DeliveryState::Done, Some(error)));
    let mut other = stage.site.db_connection().await;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM uploads").fetch_one(&mut other).await.unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_target_that_hangs_holds_up_no_other() {
    let hanging = Receiver::new(&[Answer::Hang]).await;
    let stage = Stage::new(&hanging.url).await;
    let quick = Receiver::new(&[Answer::Of(200, "text/plain", b"quick")]).await;
    add_bot(&stage.site, &stage.ada, "Quick", &quick.url).await;
    for _ in 0..20 {
        stage.say("@CI status?").await;
    }
    stage.say("@Quick status?").await;
    let state = stage.site.state.clone();
    let dispatcher = tokio::spawn(jobs::run(state));
    let delivered = async {
        while quick.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), delivered).await.expect("it does not wait for the other");
    assert_eq!(hanging.received().len(), 1, "one at a time");
    dispatcher.abort();
}

#[tokio::test]
async fn a_process_that_dies_in_between_delivers_after_its_restart() {
    let receiver = Receiver::new(&[Answer::Of(200, "text/plain", b"once")]).await;
    let stage = Stage::new(&receiver.url).await;
    stage.say("@CI status?").await;
    // As after a crash: the job's row is there, and nothing in memory knows of it.
    let again = campfire::state::AppState::open(stage.site.folder(), stage.site.state.clock.clone()).await.unwrap();
    jobs::run_due(&again).await.unwrap();
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(stage.said().await, ["once"]);
    // As after a crash between the answer and the note of it: the reply is the same message.
    let mut other = stage.site.db_connection().await;
    sqlx::query("UPDATE deliveries SET state = 'waiting', attempts = 0").execute(&mut other).await.unwrap();
    jobs::enqueue(&again, campfire::model::Job::DeliverWebhooks { bot_id: stage.bot_id }).await.unwrap();
    jobs::run_due(&again).await.unwrap();
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
    assert_eq!(stage.said().await, ["once"]);
}

#[tokio::test]
async fn a_bot_without_a_webhook_or_gone_from_the_room_gets_nothing() {
    let receiver = Receiver::new(&[SILENT]).await;
    let mut stage = Stage::new(&receiver.url).await;
    stage.say("@CI before").await;
    // An update without the field removes the webhook, with what waits for it.
    let path = format!("/account/bots/{}", stage.bot_id);
    let updated = stage.ada.browser.post(&path, &[("_method", "put"), ("user[name]", "CI")]).await;
    assert_eq!(updated.status, StatusCode::SEE_OTHER);
    stage.deliver().await;
    stage.say("@CI after").await;
    stage.deliver().await;
    assert!(receiver.received().is_empty());
    let bad = [("_method", "put"), ("user[name]", "CI"), ("user[webhook_url]", "ftp://x")];
    let refused = stage.ada.browser.post(&path, &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("begins with https://"));

    let form = [("_method", "put"), ("user[name]", "CI"), ("user[webhook_url]", receiver.url.as_str())];
    stage.ada.browser.post(&path, &form).await;
    stage.say("@CI waits").await;
    ops::bots::deactivate(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    stage.deliver().await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn the_log_shows_nothing_of_rooms_that_the_reader_is_not_in() {
    let receiver = Receiver::new(&[Answer::Of(500, "text/plain", b"an answer")]).await;
    let mut stage = Stage::new(&receiver.url).await;
    let bob = stage.site.join("Bob").await;
    let ping = ops::rooms::ping(&stage.site.state, &bob.user, vec![stage.bot_id]).await.unwrap();
    stage.site.post(&bob, ping.id, "between us").await;
    stage.deliver().await;
    assert_eq!(receiver.received().len(), 1);
    for path in [format!("/account/bots/{}/edit", stage.bot_id), "/account/deliveries".to_owned()] {
        let page = stage.ada.browser.get(&path).await.text();
        assert!(page.contains("answered 500") && !page.contains("between us") && !page.contains("an answer"), "{page}");
    }
}

#[tokio::test]
async fn a_test_is_sent_and_seen_on_the_pages_and_nothing_is_posted() {
    let receiver = Receiver::new(&[Answer::Of(500, "text/plain", b"<b>broken</b>")]).await;
    let mut stage = Stage::new(&receiver.url).await;
    let path = format!("/account/bots/{}", stage.bot_id);
    let page = stage.ada.browser.get(&format!("{path}/edit")).await.text();
    assert!(page.contains("Send a test") && page.contains("Make a new signing secret"), "{page}");
    let shown = stage.ada.browser.post(&format!("{path}/secret"), &[]).await;
    assert!(shown.text().contains("whsec_"));
    assert!(!stage.ada.browser.get(&format!("{path}/edit")).await.text().contains("whsec_"), "shown once");
    let sent = stage.ada.browser.post(&format!("{path}/test"), &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    stage.deliver().await;
    assert_eq!(receiver.received()[0].json()["message"]["body"]["plain"], "This is a test.");
    assert!(stage.said().await.is_empty());
    let page = stage.ada.browser.get(&format!("{path}/edit")).await.text();
    assert!(page.contains("answered 500") && page.contains("&lt;b&gt;broken"), "{page}");

    let page = stage.ada.browser.get("/account/deliveries").await.text();
    assert!(page.contains("Waiting: 1") && page.contains("Failed: 0") && page.contains("Send again"), "{page}");
    let id = stage.log().await[0].id;
    let dropped = stage.ada.browser.post(&format!("/account/deliveries/{id}"), &[("_method", "delete")]).await;
    assert_eq!(dropped.status, StatusCode::SEE_OTHER);
    assert!(stage.ada.browser.get("/account/deliveries").await.text().contains("Waiting: 0"));
    let again = stage.ada.browser.post(&format!("/account/deliveries/{id}"), &[("_method", "put")]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn failed_jobs_are_shown_run_again_and_dropped() {
    let stage = Stage::new("").await;
    let mut ada = stage.ada;
    let mut other = stage.site.db_connection().await;
    let dead = "INSERT INTO jobs (kind, payload, run_at, attempts, last_error, dead_at, created_at)
                VALUES ('empty_room', '{\"kind\":\"empty_room\",\"room_id\":99}', 0, 12, 'It is <broken>.', 1, 0)";
    sqlx::query(dead).execute(&mut other).await.unwrap();
    let id: i64 = sqlx::query_scalar("SELECT MAX(id) FROM jobs").fetch_one(&mut other).await.unwrap();
    let page = ada.browser.get("/account/deliveries").await.text();
    assert!(page.contains("empty room") && page.contains("It is &lt;broken&gt;."), "{page}");
    let path = format!("/account/deliveries/jobs/{id}");
    assert_eq!(ada.browser.post(&path, &[("_method", "put")]).await.status, StatusCode::SEE_OTHER);
    jobs::run_due(&stage.site.state).await.unwrap();
    assert!(!ada.browser.get("/account/deliveries").await.text().contains("empty room"), "it was run");
    sqlx::query(dead).execute(&mut other).await.unwrap();
    let id: i64 = sqlx::query_scalar("SELECT MAX(id) FROM jobs").fetch_one(&mut other).await.unwrap();
    let path = format!("/account/deliveries/jobs/{id}");
    assert_eq!(ada.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ada.browser.post("/account/deliveries/jobs/x", &[("_method", "delete")]).await.status,
        StatusCode::NOT_FOUND
    );
}
