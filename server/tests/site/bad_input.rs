//! Invalid input gets an error that explains it, and changes nothing.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::TestSite;

const ID: &str = "01920000-0001-7fff-bfff-ffffffffffff";

#[tokio::test]
async fn blank_names_and_messages_are_refused_with_an_error_at_the_field() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let blank = ada.browser.post(&format!("{room}/messages"), &[("body", " \r\n ")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(blank.text().contains("Write something first."));
    for path in ["/rooms/opens", "/rooms/closeds"] {
        let answer = ada.browser.post(path, &[("name", "  ")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains("Give the room a name."));
    }
    assert_eq!(site.db_message_count().await, 0);
}

#[tokio::test]
async fn a_too_long_message_is_refused_with_its_text_and_the_limit() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let long = "x".repeat(32_001);
    let answer = ada.browser.post(&format!("{room}/messages"), &[("body", &long)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("32,000 characters") && answer.text().contains(&long));
    let word = "x".repeat(1_000_000);
    let answer = ada.browser.post(&format!("{room}/messages"), &[("body", &word)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text().contains("32,000 characters"));

    let call = json!({"room_id": site.all_talk(&ada).await, "client_message_id": ID, "body": long});
    let answer = ada.browser.call("messages/post", &call).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("32,000 characters"));
    let fits = json!({"room_id": site.all_talk(&ada).await, "client_message_id": ID, "body": "語".repeat(32_000)});
    assert_eq!(ada.browser.call("messages/post", &fits).await.status, StatusCode::OK);
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn the_longest_message_fits_however_it_is_encoded_and_a_larger_call_does_not() {
    let (site, mut ada) = TestSite::with_ada().await;
    let json = [("content-type", "application/json"), ("accept", "application/json")];
    let call = |body: &str| format!(r#"{{"room_id":1,"client_message_id":"{ID}","body":"{body}"}}"#);
    let escaped = call(&r"\ud83d\ude00".repeat(32_000));
    let posted = ada.browser.send(Method::POST, "/api/messages/post", &json, escaped.into()).await;
    assert_eq!(posted.status, StatusCode::OK, "{}", posted.text());
    // Percent-encoded, each of these has 12 bytes.
    let form = ada.browser.post("/rooms/1/messages", &[("body", &"😀".repeat(32_000))]).await;
    assert_eq!(form.status, StatusCode::SEE_OTHER);
    assert_eq!(site.db_message_count().await, 2);
    let larger = call(&"x".repeat(32_000 * 16 + 16 * 1024));
    let refused = ada.browser.send(Method::POST, "/api/messages/post", &json, larger.into()).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    assert_eq!(site.db_message_count().await, 2);
}

#[tokio::test]
async fn invalid_ids_in_paths_are_not_found() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let other = site.closed_room(&ada, "Other").await;
    let elsewhere = site.post(&ada, other.id, "elsewhere").await;
    let mut paths = vec![format!("/rooms/{room_id}/messages/{}/edit", elsewhere.id)];
    for id in ["-1", "0", "9223372036854775808", "text", "1.5", "%F0%9F%94%A5", "%00", "%ff"] {
        paths.extend([
            format!("/rooms/{id}"),
            format!("/rooms/{room_id}/@{id}"),
            format!("/rooms/{room_id}/messages/{id}/edit"),
            format!("/rooms/opens/{id}/edit"),
        ]);
    }
    paths.push(format!("/rooms/{room_id}/something"));
    for path in paths {
        let answer = ada.browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains("Go to your rooms"), "{path}");
    }
    assert_eq!(ada.browser.get(&format!("/rooms/{room_id}?before=nonsense")).await.status, StatusCode::OK);
    assert_eq!(
        ada.browser.get(&format!("/rooms/{room_id}?before=-5&notice=%3Cscript%3E")).await.status,
        StatusCode::OK
    );
    assert_eq!(ada.browser.get("/rooms/opens").await.location(), "/?notice=room-missing");
}

#[tokio::test]
async fn markup_is_escaped_and_invalid_text_refused() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    for body in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<svg onload=x>",
        "\u{202e}abc",
    ] {
        assert_eq!(
            ada.browser.post(&format!("{room}/messages"), &[("body", body)]).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let html = ada.browser.get(&room).await.text();
    assert!(
        !html.contains("<img")
            && !html.contains("<script>alert")
            && !html.contains("\"javascript:")
            && !html.contains("<svg onload")
    );

    let nul = ada.browser.post(&format!("{room}/messages"), &[("body", "a\0b")]).await;
    assert_eq!(nul.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let surrogate = ada.browser.send(Method::POST, &format!("{room}/messages"), &form, "body=%ED%A0%80".into()).await;
    assert_eq!(surrogate.status, StatusCode::SEE_OTHER, "invalid UTF-8 is replaced");
    let call = format!(r#"{{"room_id":1,"client_message_id":"{ID}","body":"\ud800"}}"#);
    let json = [("content-type", "application/json"), ("accept", "application/json")];
    let surrogate = ada.browser.send(Method::POST, "/api/messages/post", &json, call.into()).await;
    assert!(surrogate.status.is_client_error(), "{}", surrogate.status);
    for name in ["a\0b", "\u{202e}evil", "line\nbreak"] {
        assert_eq!(ada.browser.post("/rooms/opens", &[("name", name)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn cross_site_requests_are_refused() {
    let (site, mut ada) = TestSite::with_ada().await;
    let path = format!("/rooms/{}/messages", site.all_talk(&ada).await);
    let form = ("content-type", "application/x-www-form-urlencoded");
    for cross in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://chat.example:8080"),
    ] {
        let answer = ada.browser.send(Method::POST, &path, &[form, cross], "body=forged".into()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{cross:?}");
        let call = ada.browser.send(Method::POST, "/api/messages/post", &[cross], Body::empty()).await;
        assert_eq!(call.status, StatusCode::FORBIDDEN, "{cross:?}");
        let out = ada.browser.send(Method::DELETE, "/session", &[cross], Body::empty()).await;
        assert_eq!(out.status, StatusCode::FORBIDDEN, "{cross:?}");
    }
    let contradiction = [form, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")];
    let answer = ada.browser.send(Method::POST, &path, &contradiction, "body=forged".into()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "an origin that is sent must be this site's");
    assert_eq!(site.db_message_count().await, 0);
    let own = [form, ("origin", "http://chat.example"), ("sec-fetch-site", "same-origin")];
    assert_eq!(ada.browser.send(Method::POST, &path, &own, "body=mine".into()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn missing_and_forged_cookies_are_no_session() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for cookie in ["", "session_token=AAAAAAAAAAAAAAAAAAAAAA", "session_token=%00", "session_token=x; session_token=y"]
    {
        let mut browser = site.browser();
        browser.cookie = cookie.to_owned();
        let posted = browser.post(&format!("/rooms/{room_id}/messages"), &[("body", "forged")]).await;
        assert_eq!(posted.status, StatusCode::UNAUTHORIZED, "{cookie}");
        let call = json!({"room_id": room_id, "client_message_id": ID, "body": "forged"});
        assert_eq!(browser.call("messages/post", &call).await.status, StatusCode::UNAUTHORIZED, "{cookie}");
        assert_eq!(browser.get(&format!("/rooms/{room_id}")).await.status, StatusCode::SEE_OTHER, "{cookie}");
    }
    assert_eq!(site.db_message_count().await, 0);
}

#[tokio::test]
async fn a_message_that_somebody_else_has_left_in_the_browser_is_not_posted() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Designers").await;
    let open = site.all_talk(&ada).await;
    let call =
        |room_id, person| json!({"room_id": room_id, "client_message_id": ID, "body": "of Ada", "person": person});
    for room_id in [open, room.id] {
        // As signed out: the page loads again, and keeps the message. Also in a room that only its writer is in.
        let refused = bob.browser.call("messages/post", &call(room_id, Some(ada.user.id))).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(site.db_message_count().await, 0);
    // Older pages name nobody.
    assert_eq!(bob.browser.call("messages/post", &call(open, None)).await.status, StatusCode::OK);
    assert_eq!(bob.browser.call("messages/post", &call(open, Some(bob.user.id))).await.status, StatusCode::OK);
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn repeating_an_id_returns_the_message_and_another_text_is_a_conflict() {
    let (site, mut ada) = TestSite::with_ada().await;
    let call = |body: &str| json!({"room_id": 1, "client_message_id": ID, "body": body});
    let first = ada.browser.call("messages/post", &call("hello")).await;
    assert_eq!(first.status, StatusCode::OK);
    let again = ada.browser.call("messages/post", &call("hello")).await;
    assert_eq!((again.status, again.body), (StatusCode::OK, first.body));
    assert_eq!(ada.browser.call("messages/post", &call("other")).await.status, StatusCode::CONFLICT);
    let form = [("body", "other"), ("client_message_id", ID)];
    assert_eq!(ada.browser.post("/rooms/1/messages", &form).await.status, StatusCode::CONFLICT);
    let odd = json!({"room_id": 1, "client_message_id": "<script>", "body": "hello"});
    assert!(ada.browser.call("messages/post", &odd).await.status.is_client_error());
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn a_full_disk_refuses_posts_but_not_reads() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let messages = format!("{room}/messages");
    ada.browser.post(&messages, &[("body", "before")]).await;
    let long = "words ".repeat(5_000);
    site.db_pragma("PRAGMA max_page_count = 1").await;
    let refused = ada.browser.post(&messages, &[("body", &long)]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().contains("nothing was saved") && refused.text().contains("words words"));
    let call = json!({"room_id": 1, "client_message_id": ID, "body": long});
    assert_eq!(ada.browser.call("messages/post", &call).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ada.browser.get(&room).await.text().contains("before"), "reads are served");
    site.db_pragma("PRAGMA max_page_count = 1000000").await;
    assert_eq!(ada.browser.post(&messages, &[("body", "after")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.db_message_count().await, 2);
}

#[tokio::test]
async fn a_read_only_database_refuses_posts_but_not_reads() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let messages = format!("{room}/messages");
    ada.browser.post(&messages, &[("body", "before")]).await;
    site.db_pragma("PRAGMA query_only = ON").await;
    let refused = ada.browser.post(&messages, &[("body", "words")]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().contains("read-only") && refused.text().contains("words"));
    assert!(ada.browser.get(&room).await.text().contains("before"), "reads are served");
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn a_database_locked_by_another_program_refuses_posts_until_unlocked() {
    let (site, mut ada) = TestSite::with_ada().await;
    let messages = format!("/rooms/{}/messages", site.all_talk(&ada).await);
    let mut other = site.db_connection().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = ada.browser.post(&messages, &[("body", "words")]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(ada.browser.post(&messages, &[("body", "words")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.db_message_count().await, 1);
}
