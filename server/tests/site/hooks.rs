//! Incoming hooks, in the formats of the programs that send to them.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::model::{RoomId, UserId};
use campfire::ops;
use campfire::ops::bots::BotForm;
use serde_json::json;

use crate::support::{Answer, Browser, Someone, TestSite};

struct Stage {
    site: TestSite,
    ada: Someone,
    room_id: RoomId,
    bot_id: UserId,
    sender: Browser,
    path: String,
}

impl Stage {
    async fn new() -> Self {
        Self::with_secret("").await
    }

    async fn with_secret(secret: &str) -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let room_id = site.all_talk(&ada).await;
        let form = BotForm { name: "Alerts".parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let bot_id = ops::bots::create(&site.state, &ada.administrator(), form).await.unwrap();
        let token = ops::hooks::create(&site.state, &ada.administrator(), bot_id, room_id, secret).await.unwrap();
        let sender = site.browser();
        Self { site, ada, room_id, bot_id, sender, path: format!("/hooks/{token}") }
    }

    async fn send(&mut self, part: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let path = format!("{}{part}", self.path);
        self.sender.send(Method::POST, &path, &[("content-type", content_type)], body.into()).await
    }

    async fn newest(&self) -> String {
        let member = self.site.state.members.find(&self.ada.user, self.room_id).await.unwrap();
        let page = ops::api::page(&self.site.state, &member, ops::api::Range::Newest).await.unwrap();
        let message = page.messages.last().unwrap();
        assert_eq!(message.creator.id, self.bot_id);
        message.message.body_html.clone()
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_hook_is_made_shown_once_and_removed_on_the_page_of_its_bot() {
    let mut stage = Stage::new().await;
    let path = format!("/account/bots/{}", stage.bot_id);
    let fields = [("room_id", stage.room_id.to_string()), ("github_secret", "s3cret".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = stage.ada.browser.post(&format!("{path}/hooks"), &fields).await.text();
    let token = made.split("chat.example/hooks/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = stage.ada.browser.get(&format!("{path}/edit")).await.text();
    assert!(page.contains("made by") && page.contains("Secret of GitHub"), "{page}");
    assert!(!page.contains(&token) && !page.contains("s3cret"), "shown once");
    let sent = stage.sender.send(Method::POST, &format!("/hooks/{token}"), &[], "hi".into()).await;
    assert_eq!((sent.status, sent.text().as_str()), (StatusCode::OK, "ok"));

    let hooks = ops::hooks::list_of_bot(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    let hook = format!("{path}/hooks/{}", hooks[1].id);
    assert_eq!(stage.ada.browser.post(&hook, &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    let sent = stage.sender.send(Method::POST, &format!("/hooks/{token}"), &[], "hi".into()).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.ada.browser.post(&hook, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    let elsewhere = stage.site.closed_room(&stage.ada, "Secret").await.id.to_string();
    let refused = stage.ada.browser.post(&format!("{path}/hooks"), &[("room_id", elsewhere.as_str())]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The other one is dead with its bot.
    ops::bots::deactivate(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    assert_eq!(stage.send("", "text/plain", "hi").await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.site.db_message_count().await, 1);
}

#[tokio::test]
async fn hooks_are_made_and_removed_on_the_page_of_their_room() {
    let mut stage = Stage::new().await;
    let path = format!("/rooms/{}/hooks", stage.room_id);
    let settings = stage.ada.browser.get(&format!("/rooms/opens/{}/edit", stage.room_id)).await.text();
    assert!(settings.contains(&path), "{settings}");
    let bot_id = stage.bot_id.to_string();
    let made = stage.ada.browser.post(&path, &[("bot_id", bot_id.as_str()), ("github_secret", "s3cret")]).await.text();
    let token = made.split("chat.example/hooks/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(!made.contains("s3cret") && made.contains("Secret of GitHub"), "{made}");
    let sent = stage.sender.send(Method::POST, &format!("/hooks/{token}"), &[], "hi".into()).await;
    assert_eq!(sent.status, StatusCode::OK);

    for wrong in ["", "0", &stage.ada.user.id.to_string()] {
        let refused = stage.ada.browser.post(&path, &[("bot_id", wrong)]).await;
        assert!([StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&refused.status), "{wrong:?}");
    }
    let hooks = ops::hooks::list_of_bot(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap();
    let hook = format!("{path}/{}", hooks[1].id);
    // Through another room, it is none.
    let elsewhere = stage.site.closed_room(&stage.ada, "Secret").await.id;
    let wrong = format!("/rooms/{elsewhere}/hooks/{}", hooks[1].id);
    assert_eq!(stage.ada.browser.post(&wrong, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.ada.browser.post(&hook, &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    let sent = stage.sender.send(Method::POST, &format!("/hooks/{token}"), &[], "hi".into()).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);

    // Members neither see hooks nor the way to them; administrators see none of rooms that they are not in.
    let mut bob = stage.site.join("Bob").await;
    let settings = bob.browser.get(&format!("/rooms/opens/{}/edit", stage.room_id)).await.text();
    assert!(settings.contains("/files") && !settings.contains("/hooks"), "{settings}");
    for path in [&path, &format!("/rooms/{elsewhere}/hooks")] {
        assert!(bob.browser.get(path).await.status.is_client_error(), "{path}");
        let refused = bob.browser.post(path, &[("bot_id", bot_id.as_str())]).await;
        assert!(refused.status.is_client_error(), "{path}");
    }
    assert_eq!(hooks_of(&stage).await, 1);
}

async fn hooks_of(stage: &Stage) -> usize {
    ops::hooks::list_of_bot(&stage.site.state, &stage.ada.administrator(), stage.bot_id).await.unwrap().len()
}

#[tokio::test]
async fn texts_json_and_forms_are_posted() {
    let mut stage = Stage::new().await;
    for (content_type, body, expected) in [
        ("text/plain", "*up* & <b>", "<em>up</em> &amp; &lt;b&gt;"),
        (FORM, "Hello!", "Hello!"),
        (JSON, r#"{"text": "*bold*"}"#, "<strong>bold</strong>"),
        ("text/plain", r#"{"text": "untyped"}"#, "untyped"),
        (FORM, "payload=%7B%22text%22%3A%22from+a+form%22%7D", "from a form"),
        (JSON, r#"{"text": 42}"#, "42"),
    ] {
        let sent = stage.send("", content_type, body).await;
        assert_eq!((sent.status, sent.text().as_str()), (StatusCode::OK, "ok"), "{body}");
        let html = stage.newest().await;
        assert!(html.contains(expected), "{body}: {html}");
    }
    assert_eq!(stage.send("", "text/plain", " ").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_alert_in_the_form_of_slack_is_a_quote_with_links_and_fields() {
    let mut stage = Stage::new().await;
    let alert = json!({"attachments": [{
        "title": "[FIRING:1] HighLoad", "title_link": "http://am.example/x", "color": "danger",
        "fields": [{"title": "Severity", "value": "critical", "short": true}], "fallback": "x", "text": "",
    }]});
    let sent = stage.send("/slack", JSON, alert.to_string()).await;
    assert_eq!((sent.status, sent.text().as_str()), (StatusCode::OK, "ok"));
    let html = stage.newest().await;
    for part in
        ["<blockquote", "🔴", "href=\"http://am.example/x\"", "[FIRING:1] HighLoad", "<strong>Severity</strong>"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    for (body, expected) in [
        ("no JSON at all <https://a.example|x>", "no JSON at all"),
        ("[1, 2]", "1 2"),
        ("{}", "{}"),
        (r#"{"blocks": [{"type": "unknown", "text": {"type": "mrkdwn", "text": "inside"}}]}"#, "inside"),
    ] {
        assert_eq!(stage.send("/slack", JSON, body).await.status, StatusCode::OK, "{body}");
        let html = stage.newest().await;
        assert!(html.contains(expected), "{body}: {html}");
    }
}

#[tokio::test]
async fn large_and_deep_json_is_shown_or_refused_and_never_harms() {
    let mut stage = Stage::new().await;
    let large = json!({"text": "x".repeat(200_000)}).to_string();
    assert_eq!(stage.send("/slack", JSON, large).await.status, StatusCode::OK);
    assert!(stage.newest().await.len() < 100_000);
    assert_eq!(stage.send("", "text/plain", format!("a\0{}", "y".repeat(100_000))).await.status, StatusCode::OK);
    let shown = stage.newest().await;
    assert!(shown.contains("ayyy") && shown.contains("y…") && shown.len() < 40_000);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(stage.send("/slack", JSON, deep).await.status, StatusCode::OK, "shown as text");
    let of_bytes = |count: usize| json!({"text": "x".repeat(count)}).to_string();
    for part in ["", "/slack"] {
        assert_eq!(stage.send(part, JSON, of_bytes(256 * 1024)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(stage.send("/github", JSON, of_bytes(1024 * 1024)).await.status, StatusCode::OK);
    assert_eq!(stage.send("/github", JSON, of_bytes(3 * 1024 * 1024)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(stage.send("/slack", JSON, vec![0xff, 0xfe, 0]).await.status, StatusCode::OK);
    assert_eq!(stage.send("/slack", JSON, "\u{0}").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn events_of_github_are_told_if_their_signature_is_right() {
    let mut stage = Stage::with_secret("It's a Secret to Everybody").await;
    let path = format!("{}/github", stage.path);
    let send = async |sender: &mut Browser, event: &str, signature: &str, body: &str| {
        let headers = [("x-github-event", event), ("x-hub-signature-256", signature), ("content-type", JSON)];
        sender.send(Method::POST, &path, &headers, body.to_owned().into()).await.status
    };
    let body = r#"{"action":"opened","issue":{"number":8,"title":"Broken","html_url":"https://github.com/8"},"sender":{"login":"ada"},"repository":{"full_name":"ada/engine","html_url":"https://github.com/ada/engine"}}"#;
    let signature = format!("sha256={}", hmac_hex("It's a Secret to Everybody", body));
    assert_eq!(send(&mut stage.sender, "issues", "sha256=00", body).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&mut stage.sender, "issues", "", body).await, StatusCode::FORBIDDEN);
    assert_eq!(stage.site.db_message_count().await, 0);
    assert_eq!(send(&mut stage.sender, "issues", &signature, body).await, StatusCode::OK);
    let html = stage.newest().await;
    assert!(html.contains("#8 Broken") && html.contains("https://github.com/ada/engine"), "{html}");
    assert_eq!(send(&mut stage.sender, "star", &signature, body).await, StatusCode::OK, "accepted and not shown");
    let no_json = format!("sha256={}", hmac_hex("It's a Secret to Everybody", "x"));
    assert_eq!(send(&mut stage.sender, "push", &no_json, "x").await, StatusCode::BAD_REQUEST);
    assert_eq!(stage.site.db_message_count().await, 1);
}

/// HMAC-SHA256 by the definition of RFC 2104, not by the code under test.
fn hmac_hex(secret: &str, text: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut key = secret.as_bytes().to_vec();
    key.resize(64, 0);
    let pad = |byte: u8| key.iter().map(|part| part ^ byte).collect::<Vec<_>>();
    let inner = Sha256::digest([pad(0x36), text.as_bytes().to_vec()].concat());
    campfire::model::hex(&Sha256::digest([pad(0x5c), inner.to_vec()].concat()))
}

#[tokio::test]
async fn tokens_of_no_hook_have_to_wait_and_hooks_do_not() {
    let mut stage = Stage::new().await;
    let guess = async |sender: &mut Browser| sender.send(Method::POST, "/hooks/abc", &[], "hi".into()).await.status;
    for _ in 0..10 {
        assert_eq!(guess(&mut stage.sender).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(guess(&mut stage.sender).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(stage.send("", "text/plain", "hi").await.status, StatusCode::OK);
    for _ in 0..59 {
        stage.send("", "text/plain", "hi").await;
    }
    let refused = stage.send("", "text/plain", "hi").await;
    assert_eq!(
        (refused.status, refused.headers["retry-after"].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "1")
    );
    assert_eq!(stage.sender.get(&stage.path).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_hook_has_a_limited_number_of_requests_under_way() {
    let stage = Stage::new().await;
    let limits = server::http::limits::Limits { max_per_person: 1, ..Default::default() };
    let router = server::app(stage.site.site.clone().limits(limits));
    let mut slow = stage.sender.clone().at(router.clone());
    let mut other = stage.sender.clone().at(router);
    let path = stage.path.clone();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let endless = futures::stream::once(async move {
        begin.send(()).unwrap();
        std::future::pending::<std::io::Result<axum::body::Bytes>>().await
    });
    let endless = Body::from_stream(endless);
    let held = tokio::spawn(async move { slow.send(Method::POST, &path, &[], endless).await.status });
    begun.await.expect("the body is read");
    let refused = other.send(Method::POST, &stage.path, &[], "hi".into()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    held.abort();
}
