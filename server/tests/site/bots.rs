//! Bots: their pages for administrators, and the API for programs.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use campfire::model::{RoomId, UserId};
use campfire::ops;
use campfire::ops::rooms::Audience;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Someone, TestSite};

/// A program with the key of a bot in the path.
struct Program {
    browser: Browser,
    id: UserId,
    key: String,
}

impl Program {
    async fn new(site: &TestSite, ada: &Someone, name: &str) -> Self {
        let form = ops::bots::BotForm { name: name.parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let id = ops::bots::create(&site.state, &ada.administrator(), form).await.unwrap();
        let key = key_of(site, ada, id).await;
        Self { browser: site.browser(), id, key }
    }

    fn path(&self, room_id: RoomId) -> String {
        format!("/rooms/{room_id}/{}/messages", self.key)
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.browser.get(path).await
    }

    async fn post(&mut self, room_id: RoomId, text: impl Into<Body>) -> Answer {
        let path = self.path(room_id);
        self.browser.send(Method::POST, &path, &[FORM], text.into()).await
    }

    async fn bearer(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = body.map_or_else(Body::empty, |body| body.to_string().into());
        self.browser.send(method, path, &headers, body).await
    }
}

/// The content type that curl sends.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn key_of(site: &TestSite, ada: &Someone, bot_id: UserId) -> String {
    ops::bots::find(&site.state, &ada.administrator(), bot_id).await.unwrap().key.to_string()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn multipart(boundary: &str, parts: &[(&str, &str, &str)]) -> String {
    let mut body = String::new();
    for (name, file_name, content) in parts {
        let file_name = if file_name.is_empty() { String::new() } else { format!("; filename=\"{file_name}\"") };
        body +=
            &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n{content}\r\n");
    }
    body + &format!("--{boundary}--\r\n")
}

#[tokio::test]
async fn an_administrator_makes_changes_and_removes_a_bot() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let page = ada.browser.get("/account/bots").await.text();
    assert!(page.contains("No bots yet") && page.contains("/account/bots/new"), "{page}");
    assert!(ada.browser.get("/account/bots/new").await.text().contains("Make the bot"));

    let blank = ada.browser.post("/account/bots", &[("user[name]", " ")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = ada.browser.post("/account/bots", &[("user[name]", "Deploys")]).await;
    assert_eq!((made.status, made.location()), (StatusCode::SEE_OTHER, "/account/bots?notice=saved"));
    let bot = site.state.members.find(&ada.user, room_id).await.unwrap();
    let people = ops::memberships::list_people(&site.state, &bot).await.unwrap();
    let bot_id = people.iter().find(|person| person.name == "Deploys").unwrap().id;
    let key = key_of(&site, &ada, bot_id).await;
    let page = ada.browser.get("/account/bots").await.text();
    let url = format!("chat.example/rooms/{room_id}/{key}/messages");
    assert!(page.contains(&url) && page.contains("attachment=@") && page.contains("All Talk"), "{page}");

    let guide = ada.browser.get(&format!("/account/bots/{bot_id}/api")).await.text();
    assert!(guide.contains(&format!("Bearer {key}")) && guide.contains("/api/v1/openapi.json"), "{guide}");
    let description = site.browser().get("/api/v1/openapi.json").await;
    assert_eq!(json_of(&description)["openapi"], "3.1.0");
    let edit = format!("/account/bots/{bot_id}/edit");
    assert!(ada.browser.get(&edit).await.text().contains("Make a new key"));
    let path = format!("/account/bots/{bot_id}");
    let renamed = ada.browser.post(&path, &[("_method", "put"), ("user[name]", "Builds")]).await;
    assert_eq!(renamed.location(), "/account/bots?notice=saved");
    assert!(ada.browser.get("/account/bots").await.text().contains("Builds"));
    let blank = ada.browser.post(&path, &[("_method", "put"), ("user[name]", "")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);

    let reset = ada.browser.post(&format!("{path}/key"), &[("_method", "put")]).await;
    assert_eq!(reset.location(), "/account/bots?notice=saved");
    let new_key = key_of(&site, &ada, bot_id).await;
    assert_ne!(new_key, key);
    let mut program = site.browser();
    let text = async |program: &mut Browser, key: &str| {
        let path = format!("/rooms/{room_id}/{key}/messages");
        program.send(Method::POST, &path, &[FORM], "hi".into()).await.status
    };
    assert_eq!(text(&mut program, &key).await, StatusCode::FOUND, "the old key is dead");
    assert_eq!(text(&mut program, &new_key).await, StatusCode::CREATED);

    let removed = ada.browser.post(&path, &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/account/bots?notice=person-removed");
    assert_eq!(text(&mut program, &new_key).await, StatusCode::FOUND);
    for path in [&edit, &format!("{path}/key")] {
        let answer = ada.browser.post(path, &[("_method", "put")]).await;
        assert!(matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED), "{path}");
    }
    assert_eq!(ada.browser.get(&edit).await.status, StatusCode::NOT_FOUND);
    let room = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    assert!(room.contains("hi") && room.contains("Builds"), "what it wrote stays");
}

#[tokio::test]
async fn nobody_but_active_bots_can_be_addressed_as_one() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    for path in ["", "/key", "/avatar"] {
        let path = format!("/account/bots/{}{path}", bob.user.id);
        let answer = ada.browser.post(&path, &[("_method", "put"), ("name", "Robo")]).await;
        assert!(matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY), "{path}");
        assert_eq!(site.profile(bob.user.id).await.name, "Bob");
    }
    let answer = ada.browser.post(&format!("/account/bots/{}", bob.user.id), &[("_method", "delete")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_text_is_posted_as_it_is_and_a_form_with_a_file_as_a_file() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    for text in ["Hello!", "a=b&c=%20d", "🚀 döployed", "{\"text\":\"no message\"}"] {
        let posted = program.post(room_id, text).await;
        assert_eq!((posted.status, posted.body.len()), (StatusCode::CREATED, 0), "{text}");
        let location = posted.location().strip_prefix("https://chat.example").unwrap_or(posted.location()).to_owned();
        let location = location.strip_prefix("http://chat.example").unwrap_or(&location).to_owned();
        assert!(location.starts_with(&format!("/rooms/{room_id}/messages/")), "{location}");
        assert_eq!(ada.browser.get(&location).await.status, StatusCode::SEE_OTHER, "a person is taken to the message");
    }
    let path = program.path(room_id);
    let listed = json_of(&program.get(&path).await);
    let texts: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["body"]["plain_text"].clone()).collect();
    assert_eq!(texts, ["Hello!", "a=b&c=%20d", "🚀 döployed", "{\"text\":\"no message\"}"]);

    let html = "<b>Build</b> <a href=\"https://ci.example/41\">41</a> passed";
    assert_eq!(program.post(room_id, html).await.status, StatusCode::CREATED);
    let listed = json_of(&program.get(&path).await);
    let last = &listed.as_array().unwrap().last().unwrap()["body"];
    assert_eq!(last["plain_text"], "Build 41 (https://ci.example/41) passed");
    assert!(last["html"].as_str().unwrap().contains("<strong>Build</strong>"), "{last}");

    let body = multipart("x", &[("attachment", "log.txt", "one line")]);
    let multipart_type = ("content-type", "multipart/form-data; boundary=x");
    let posted = program.browser.send(Method::POST, &path, &[multipart_type], body.into()).await;
    assert_eq!(posted.status, StatusCode::CREATED, "{}", posted.text());
    let listed = json_of(&program.get(&path).await);
    let last = listed.as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["body"]["plain_text"].clone(), last["body"]["html"].clone()), (json!("log.txt"), json!("")));
    assert!(ada.browser.get(&format!("/rooms/{room_id}")).await.text().contains("log.txt"));

    for blank in ["", "  \n", "\u{200b}"] {
        let refused = program.post(room_id, blank).await;
        assert_eq!((refused.status, refused.body.len()), (StatusCode::UNPROCESSABLE_ENTITY, 0));
    }
    let empty = multipart("x", &[("other", "", "x")]);
    let refused = program.browser.send(Method::POST, &path, &[multipart_type], empty.into()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = "x".repeat(1_000_000);
    assert_eq!(program.post(room_id, long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(site.db_message_count().await, 6);
}

#[tokio::test]
async fn objects_have_the_documented_fields() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "CI").await;
    program.post(room_id, "Build *41* passed").await;
    let path = program.path(room_id);
    let listed = json_of(&program.get(&path).await);
    let message = &listed[0];
    let id = message["id"].as_i64().unwrap();
    let origin = message["url"].as_str().unwrap().split("/rooms").next().unwrap().to_owned();
    let avatar = message["creator"]["avatar_url"].as_str().unwrap();
    assert!(avatar.starts_with(&format!("{origin}/users/")) && avatar.contains("/avatar?v="), "{avatar}");
    let created_at = message["created_at"].as_str().unwrap();
    assert_eq!((created_at.len(), &created_at[19..20], &created_at[23..]), (24, ".", "Z"), "{created_at}");
    let expected = json!({
        "id": id,
        "created_at": created_at,
        "body": {"plain_text": "Build 41 passed", "html": message["body"]["html"]},
        "creator": {"id": program.id, "name": "CI", "role": "bot", "avatar_url": avatar},
        "room": {"id": room_id},
        "url": format!("{origin}/rooms/{room_id}/messages/{id}"),
    });
    assert_eq!(*message, expected);
    assert!(message["body"]["html"].as_str().unwrap().contains("<em>41</em>"));

    let boosts = format!("{path}/{id}/boosts");
    let boost = program.browser.send(Method::POST, &boosts, &[FORM], "🎉".into()).await;
    assert_eq!(boost.status, StatusCode::CREATED);
    let boost = json_of(&boost);
    let boost_id = boost["id"].as_i64().unwrap();
    let expected = json!({
        "id": boost_id,
        "content": "🎉",
        "created_at": boost["created_at"],
        "booster": {"id": program.id, "name": "CI", "role": "bot", "avatar_url": avatar},
        "message": {"id": id, "url": format!("{origin}/rooms/{room_id}/messages/{id}")},
    });
    assert_eq!(boost, expected);
    for refused in ["", " ", "12345678901234567"] {
        let refused = program.browser.send(Method::POST, &boosts, &[FORM], refused.to_owned().into()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    let others =
        ops::api::boost(&site.state, &member, campfire::model::MessageId(id), "x".parse().unwrap()).await.unwrap();
    let remove = async |program: &mut Program, id: i64| {
        program.browser.send(Method::DELETE, &format!("{boosts}/{id}"), &[], Body::empty()).await.status
    };
    assert_eq!(remove(&mut program, others.id).await, StatusCode::NOT_FOUND, "another user's");
    assert_eq!(remove(&mut program, boost_id).await, StatusCode::NO_CONTENT);
    assert_eq!(remove(&mut program, boost_id).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_room_is_read_in_pages() {
    let (site, ada) = TestSite::with_ada().await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let bot = site.profile(program.id).await;
    let chosen = Audience::Chosen(vec![bot.id]);
    let room = ops::rooms::open(&site.state, &ada.user, "Club".parse().unwrap(), chosen).await.unwrap();
    let path = program.path(room.id);
    let empty = program.get(&path).await;
    assert_eq!((empty.text().as_str(), empty.headers["x-total-count"].to_str().unwrap()), ("[]", "0"));
    for number in 1..=41 {
        site.post(&ada, room.id, &format!("number {number}")).await;
    }
    let ids = |answer: &Answer| -> Vec<i64> {
        json_of(answer).as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
    };
    let link = |answer: &Answer| -> Option<String> {
        let link = answer.headers.get(header::LINK)?.to_str().unwrap().to_owned();
        let url = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        Some(url[url.find("/rooms").unwrap()..].to_owned())
    };
    let newest = program.get(&path).await;
    assert_eq!(ids(&newest).len(), 40);
    assert!(ids(&newest).is_sorted());
    assert_eq!(newest.headers["x-total-count"], "41");
    let next = link(&newest).unwrap();
    assert_eq!(next, format!("{path}?before={}", ids(&newest)[0]));
    let oldest = program.get(&next).await;
    assert_eq!((ids(&oldest).len(), link(&oldest)), (1, None));
    let first = ids(&oldest)[0];
    let after = program.get(&format!("{path}?after={first}")).await;
    assert_eq!((ids(&after), link(&after)), (ids(&newest), None));
    let before_last = program.get(&format!("{path}?after={}", first - 1)).await;
    assert_eq!(before_last.status, StatusCode::NOT_FOUND, "no message of the room");
    for cursor in ["x", "-1", ""] {
        assert_eq!(program.get(&format!("{path}?before={cursor}")).await.status, StatusCode::NOT_FOUND, "{cursor}");
    }
    let all_talk = site.all_talk(&ada).await;
    let elsewhere = site.post(&ada, all_talk, "elsewhere").await;
    assert_eq!(program.get(&format!("{path}?before={}", elsewhere.id)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_bot_edits_and_deletes_its_own_messages_alone() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    program.post(room_id, "one").await;
    let path = program.path(room_id);
    let own = json_of(&program.get(&path).await)[0]["id"].as_i64().unwrap();
    let adas = site.post(&ada, room_id, "hers").await.id;
    let send = async |program: &mut Program, method: Method, id: i64, text: &'static str| {
        program.browser.send(method, &format!("{path}/{id}"), &[FORM], text.into()).await
    };
    for method in [Method::PATCH, Method::PUT] {
        let edited = send(&mut program, method.clone(), own, "two").await;
        assert_eq!((edited.status, json_of(&edited)["body"]["plain_text"].clone()), (StatusCode::OK, json!("two")));
        assert_eq!(send(&mut program, method.clone(), own, " ").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let refused = send(&mut program, method, adas.0, "mine").await;
        assert_eq!((refused.status, refused.body.len()), (StatusCode::FORBIDDEN, 0));
    }
    assert_eq!(send(&mut program, Method::DELETE, adas.0, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(send(&mut program, Method::DELETE, own, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&mut program, Method::DELETE, own, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&mut program, Method::PUT, own, "x").await.status, StatusCode::NOT_FOUND);
    let shown = program.get(&format!("{path}/{adas}")).await;
    assert_eq!(json_of(&shown)["creator"]["name"], "Ada");
}

#[tokio::test]
async fn a_room_that_the_bot_is_not_in_does_not_exist_for_it() {
    let (site, ada) = TestSite::with_ada().await;
    let all_talk = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let secret = site.closed_room(&ada, "Secret").await;
    let message = site.post(&ada, secret.id, "secret").await;
    for room_id in [secret.id, RoomId(999)] {
        let path = program.path(room_id);
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::POST, path.clone()),
            (Method::GET, format!("{path}/{}", message.id)),
            (Method::PUT, format!("{path}/{}", message.id)),
            (Method::DELETE, format!("{path}/{}", message.id)),
            (Method::POST, format!("{path}/{}/boosts", message.id)),
        ] {
            let answer = program.browser.send(method.clone(), &path, &[FORM], "x".into()).await;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_FOUND, 0), "{method} {path}");
        }
    }
    // A message of another room, under a room that the bot is in.
    let path = format!("{}/{}", program.path(all_talk), message.id);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/boosts")),
    ] {
        let answer = program.browser.send(method.clone(), &path, &[FORM], "x".into()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    // A room that it left.
    let bot = campfire::store::users::find(site.state.db.reader(), program.id).await.unwrap().unwrap();
    let chosen = Audience::Chosen(vec![program.id]);
    let club = ops::rooms::open(&site.state, &ada.user, "Club".parse().unwrap(), chosen).await.unwrap();
    assert_eq!(program.post(club.id, "hi").await.status, StatusCode::CREATED);
    let member = site.state.members.find(&bot, club.id).await.unwrap();
    ops::memberships::leave(&site.state, &member).await.unwrap();
    assert_eq!(program.post(club.id, "hi").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.db_message_count().await, 2);
}

#[tokio::test]
async fn keys_of_nobody_are_led_to_the_sign_in_page_and_programs_that_ask_for_json_get_it() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let (id, token) = program.key.split_once('-').unwrap();
    let mut wrong = token.to_owned();
    wrong.replace_range(0..1, if wrong.starts_with('x') { "y" } else { "x" });
    for key in [
        format!("{}-", ada.user.id),
        format!("{}-{token}", ada.user.id),
        format!("{id}-{wrong}"),
        format!("{id}-"),
        "nonsense".to_owned(),
    ] {
        // So that none of them has to wait.
        site.state.clock.advance(60 * 60 * 1_000);
        let path = format!("/rooms/{room_id}/{key}/messages");
        for method in [Method::GET, Method::POST] {
            let answer = site.browser().send(method, &path, &[FORM], "hi".into()).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::FOUND, "/session/new"), "{key}");
        }
        let json = site.browser().send(Method::GET, &path, &[("accept", "application/json")], Body::empty()).await;
        assert_eq!((json.status, json_of(&json)["error"].clone()), (StatusCode::UNAUTHORIZED, json!("unauthorized")));
    }
    site.state.clock.advance(60 * 60 * 1_000);
    // The session of a person is no key.
    let answer = ada.browser.get(&format!("/rooms/{room_id}/x-y/messages")).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(ada.browser.get("/api/v1/rooms").await.status, StatusCode::UNAUTHORIZED);
    // White space around a key is ignored.
    let path = format!("/rooms/{room_id}/%20{}%0A/messages", program.key);
    assert_eq!(program.get(&path).await.status, StatusCode::OK);
    assert_eq!(site.db_message_count().await, 0);
}

#[tokio::test]
async fn a_key_opens_no_page_for_people() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let key = program.key.clone();
    for path in [
        "/".to_owned(),
        format!("/rooms/{room_id}"),
        format!("/rooms/{room_id}?bot_key={key}"),
        format!("/rooms/{room_id}/messages?bot_key={key}"),
        format!("/users/{}", program.id),
        "/account/edit".to_owned(),
        "/account/bots".to_owned(),
        "/searches?q=x".to_owned(),
        "/autocompletable/users".to_owned(),
    ] {
        let answer = program.bearer(Method::GET, &path, None).await;
        assert!(answer.location().starts_with("/session/new"), "{path}: {}", answer.status);
    }
    let answer = program.bearer(Method::POST, "/api/messages/post", Some(json!({"room_id": room_id}))).await;
    assert!(answer.status.is_client_error());
    let answer = program.bearer(Method::POST, "/rooms/opens", Some(json!({}))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn json_is_posted_exactly_once() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let path = format!("/api/v1/rooms/{room_id}/messages");
    let id = "01920000-0001-7fff-bfff-ffffffffffff";
    let body = json!({"body": "deployed", "client_message_id": id});
    let first = program.bearer(Method::POST, &path, Some(body.clone())).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let again = program.bearer(Method::POST, &path, Some(body)).await;
    assert_eq!((again.status, json_of(&again)), (StatusCode::CREATED, json_of(&first)));
    let other = json!({"body": "another", "client_message_id": id});
    let conflict = program.bearer(Method::POST, &path, Some(other)).await;
    assert_eq!((conflict.status, json_of(&conflict)["error"].clone()), (StatusCode::CONFLICT, json!("conflict")));
    // The same at the path with the key.
    let by_path = program.path(room_id);
    let content_type = ("content-type", "application/json");
    let text = json!({"body": "by path"}).to_string();
    let posted = program.browser.send(Method::POST, &by_path, &[content_type], text.into()).await;
    assert_eq!(json_of(&posted)["body"]["plain_text"], "by path");
    for (body, status) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!([1]), StatusCode::BAD_REQUEST),
        (json!({"body": " "}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"body": 1}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"body": "x", "client_message_id": "1"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"body": "x", "attachments": ["00000000000000000000000000000000"]}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = program.bearer(Method::POST, &path, Some(body.clone())).await;
        assert_eq!(refused.status, status, "{body}");
        assert!(json_of(&refused)["message"].as_str().is_some_and(|words| !words.is_empty()));
    }
    assert_eq!(site.db_message_count().await, 2);
    let message_id = json_of(&first)["id"].as_i64().unwrap();
    let shown = program.bearer(Method::GET, &format!("{path}/{message_id}"), None).await;
    assert_eq!(json_of(&shown), json_of(&first));
    let deleted = program.bearer(Method::DELETE, &format!("{path}/{message_id}"), None).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let body = json!({"body": "deployed", "client_message_id": id});
    assert_eq!(program.bearer(Method::POST, &path, Some(body)).await.status, StatusCode::CONFLICT, "not once more");
}

#[tokio::test]
async fn files_are_taken_first_and_named_in_json() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let authorization = format!("Bearer {}", program.key);
    let headers = [("authorization", authorization.as_str())];
    let taken = program.browser.send(Method::POST, "/api/v1/files?name=a.csv", &headers, "1,2".into()).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text());
    let file = json_of(&taken);
    assert_eq!((file["name"].clone(), file["bytes"].clone()), (json!("a.csv"), json!(3)));
    let path = format!("/api/v1/rooms/{room_id}/messages");
    let body = json!({"body": "the numbers", "attachments": [file["key"]]});
    let posted = json_of(&program.bearer(Method::POST, &path, Some(body.clone())).await);
    assert_eq!(posted["body"]["plain_text"], "the numbers\na.csv");
    let again = program.bearer(Method::POST, &path, Some(body)).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "a file is of one message");
    let without = program.browser.clone().at(site.router_without_files());
    let refused = without.clone().send(Method::POST, "/api/v1/files?name=a", &headers, "1".into()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_bot_sees_its_rooms_and_the_people() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    site.closed_room(&ada, "Secret").await;
    let ping = ops::rooms::ping(&site.state, &bob.user, vec![program.id]).await.unwrap();
    let rooms = json_of(&program.bearer(Method::GET, "/api/v1/rooms", None).await);
    let names: Vec<_> = rooms.as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["All Talk", "Bob"]);
    assert_eq!((rooms[1]["id"].clone(), rooms[1]["kind"].clone()), (json!(ping.id), json!("direct")));
    let users = json_of(&program.bearer(Method::GET, "/api/v1/users", None).await);
    let names: Vec<_> = users.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ada", "Bob", "Deploys"]);
    let of_ping = program.bearer(Method::GET, &format!("/api/v1/rooms/{}/users", ping.id), None).await;
    assert_eq!(json_of(&of_ping).as_array().unwrap().len(), 2);

    site.db_crowd(120).await;
    let first = program.bearer(Method::GET, "/api/v1/users", None).await;
    assert_eq!(json_of(&first).as_array().unwrap().len(), 100);
    let link = first.headers[header::LINK].to_str().unwrap().to_owned();
    let next = &link[link.find("/api").unwrap()..link.find('>').unwrap()];
    let second = program.bearer(Method::GET, next, None).await;
    assert_eq!(json_of(&second).as_array().unwrap().len(), 23);
    assert!(second.headers.get(header::LINK).is_none());
}

#[tokio::test]
async fn a_bot_posts_sixty_times_and_then_has_to_wait() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.state.limit_writes(5);
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let mut other = Program::new(&site, &ada, "Alerts").await;
    for number in 0..60 {
        assert_eq!(program.post(room_id, format!("{number}")).await.status, StatusCode::CREATED, "{number}");
    }
    let refused = program.post(room_id, "one more").await;
    assert_eq!((refused.status, refused.body.len()), (StatusCode::TOO_MANY_REQUESTS, 0));
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(other.post(room_id, "others do not wait").await.status, StatusCode::CREATED);
    let path = program.path(room_id);
    assert_eq!(program.get(&path).await.status, StatusCode::OK, "reading is counted by itself");
    site.state.clock.advance(1_000);
    assert_eq!(program.post(room_id, "later").await.status, StatusCode::CREATED);
    assert_eq!(site.db_message_count().await, 62);
}

#[tokio::test]
async fn programs_at_a_banned_address_read_but_do_not_post() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut program = Program::new(&site, &ada, "Deploys").await;
    let mut mallory = site.join("Mallory").await;
    let from = ("x-forwarded-for", "203.0.113.9");
    // The address that Mallory used last.
    mallory.browser.send(Method::POST, "/searches", &[FORM, from], "q=x".into()).await;
    let path = program.path(room_id);
    let before = program.browser.send(Method::POST, &path, &[FORM, from], "hi".into()).await;
    assert_eq!(before.status, StatusCode::CREATED);
    ops::bans::ban(&site.state, &ada.administrator(), mallory.user.id).await.unwrap();
    assert!(site.state.bans.contains("203.0.113.9".parse().unwrap()));
    let posted = program.browser.send(Method::POST, &path, &[FORM, from], "hi".into()).await;
    assert_eq!((posted.status, posted.body.len()), (StatusCode::TOO_MANY_REQUESTS, 0));
    let read = program.browser.send(Method::GET, &path, &[from], Body::empty()).await;
    assert_eq!(read.status, StatusCode::OK);
}

#[tokio::test]
async fn the_sheet_of_pictures_marks_bots() {
    let (site, mut ada) = TestSite::with_ada().await;
    let program = Program::new(&site, &ada, "Deploys").await;
    let sheet = ada.browser.get("/users/avatars/1.css").await.text();
    assert!(sheet.contains(&format!("[href=\"/users/{}\"]{{--bot-mark:\"Bot\"}}", program.id)), "{sheet}");
    assert!(sheet.contains(&format!(".avatar[data-person=\"{}\"]", program.id)), "{sheet}");
    let picture = sheet.split("url(").nth(1).unwrap().split(')').next().unwrap();
    let picture = ada.browser.get(picture).await;
    assert_eq!(picture.headers[header::CONTENT_TYPE], "image/svg+xml");
    let page = ada.browser.get(&format!("/users/{}", program.id)).await.text();
    assert!(page.contains("Ping Deploys") && !page.contains("Ban Deploys"));
}

#[tokio::test]
async fn a_bot_is_mentioned_pinged_and_added_to_rooms() {
    let (site, mut ada) = TestSite::with_ada().await;
    let all_talk = site.all_talk(&ada).await;
    let program = Program::new(&site, &ada, "Deploys").await;
    let mentioned = site.post(&ada, all_talk, "@Deploys status?").await;
    assert!(mentioned.body_html.contains(&format!("/users/{}", program.id)), "{}", mentioned.body_html);
    let people = ada.browser.get(&format!("/autocompletable/users?room_id={all_talk}")).await.text();
    assert!(people.contains("Deploys"), "{people}");
    let room = site.closed_room(&ada, "Club").await;
    assert!(ada.browser.get(&format!("/rooms/closeds/{}/edit", room.id)).await.text().contains("Deploys"));
    let people = ada.browser.get("/account/edit").await.text();
    assert!(!people.contains(&format!("/users/{}\"", program.id)), "not among the people");
    let open = ops::rooms::open(&site.state, &ada.user, "Open".parse().unwrap(), Audience::Everyone).await.unwrap();
    let bot = campfire::store::users::find(site.state.db.reader(), program.id).await.unwrap().unwrap();
    assert_eq!(site.state.members.find(&bot, open.id).await.unwrap().user.id, program.id);
}

/// Reads from a stream until it has this text, or ends.
async fn read_until(body: &mut Body, text: &str) -> String {
    use http_body_util::BodyExt;
    let mut read = String::new();
    let reading = async {
        while !read.contains(text)
            && let Some(frame) = body.frame().await
        {
            read += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), reading).await.expect("the stream goes on");
    read
}

#[tokio::test]
async fn events_are_streamed_live_and_go_on_after_the_last_one() {
    use tower::ServiceExt;
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let program = Program::new(&site, &ada, "Logger").await;
    let open = async |last: Option<&str>| {
        let mut request = axum::http::Request::get("/api/v1/events")
            .header("host", "chat.example")
            .header("authorization", format!("Bearer {}", program.key));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = site.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        response.into_body()
    };
    let mut stream = open(None).await;
    assert!(read_until(&mut stream, "nothing new").await.starts_with(':'));
    let secret = site.closed_room(&ada, "Secret").await;
    site.post(&ada, secret.id, "not for bots").await;
    site.post(&ada, room_id, "one").await;
    let read = read_until(&mut stream, "message_posted").await;
    assert!(read.contains("\"plain_text\":\"one\"") && !read.contains("not for bots"), "{read}");
    let id = read.split("id: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    drop(stream);
    site.post(&ada, room_id, "two").await;
    let mut resumed = open(Some(&id)).await;
    let read = read_until(&mut resumed, "message_posted").await;
    assert!(read.contains("\"plain_text\":\"two\"") && !read.contains("\"one\""), "{read}");
    let mut unknown = open(Some("1000000")).await;
    assert!(read_until(&mut unknown, "resync").await.contains("event: resync"));

    ops::bots::reset_key(&site.state, &ada.administrator(), program.id).await.unwrap();
    site.post(&ada, room_id, "three").await;
    let rest = read_until(&mut resumed, "three").await;
    assert!(!rest.contains("three"), "the stream of the old key ends");
    let mut program = program;
    assert_eq!(program.bearer(Method::GET, "/api/v1/events", None).await.status, StatusCode::UNAUTHORIZED);
    program.key = key_of(&site, &ada, program.id).await;
    let bad = program.bearer(Method::GET, "/api/v1/events?after=x", None).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
}
