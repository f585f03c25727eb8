//! What holds for every request: its host, its method, its path, and whether its response is displayed.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Version, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::support::{Answer, PASSWORD, TestSite};

#[tokio::test]
async fn a_request_without_exactly_one_valid_host_is_refused() {
    let (site, _ada) = TestSite::with_ada().await;
    let status = async |version, hosts: &[&str]| {
        let mut request = Request::get("/session/new").version(version);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        site.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    for hosts in [&[][..], &["chat.example", "chat.example"], &["a.example", "b.example"], &[""], &["a b"], &["x@y"]] {
        let refused = status(Version::HTTP_11, hosts).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{hosts:?}");
        assert!(refused.headers().contains_key("content-security-policy"));
        let page = refused.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&page).contains("does not name the host"));
    }
    for (version, hosts) in [(Version::HTTP_11, &["[::1]:3000"][..]), (Version::HTTP_10, &[])] {
        assert_eq!(status(version, hosts).await.status(), StatusCode::OK, "{hosts:?}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let mut nobody = site.browser();
    let headers = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        // The last room is that of a page that is displayed.
        headers.remove(header::SET_COOKIE);
        headers.entry(header::CONTENT_LENGTH).or_insert(answer.body.len().into());
        headers
    };
    for accepted in ["identity", "gzip"] {
        let accept = [("accept-encoding", accepted)];
        for path in [
            "/",
            &room,
            "/session/new",
            "/users/me/profile",
            "/up",
            "/sounds",
            "/sounds/bell.mp3",
            "/robots.txt",
            "/no",
        ] {
            for browser in [&mut ada.browser, &mut nobody] {
                let get = browser.send(Method::GET, path, &accept, Body::empty()).await;
                let head = browser.send(Method::HEAD, path, &accept, Body::empty()).await;
                assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
                assert_eq!(headers(&head), headers(&get), "{path} {accepted}");
            }
        }
    }
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
    let socket = ada.browser.send(Method::HEAD, "/cable", &upgrade, Body::empty()).await;
    assert_eq!(socket.status, StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn what_may_not_be_displayed_marks_nothing_as_read() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}");
    bob.browser.clone().get(&path).await;
    let read_position = async || -> i64 {
        sqlx::query_scalar("SELECT read_message_id FROM memberships WHERE user_id = $1 AND room_id = $2")
            .bind(bob.user.id)
            .bind(room_id)
            .fetch_one(site.state.db.reader())
            .await
            .unwrap()
    };
    let message = site.post(&ada, room_id, "news").await;
    let gzip = ("accept-encoding", "gzip");
    for (method, purpose) in [
        (Method::HEAD, gzip),
        (Method::GET, ("sec-purpose", "prefetch")),
        (Method::GET, ("sec-purpose", "prefetch;prerender")),
        (Method::GET, ("purpose", "prefetch")),
        (Method::GET, ("x-moz", "prefetch")),
    ] {
        let mut browser = bob.browser.clone();
        let answer = browser.send(method, &path, &[purpose, gzip], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{purpose:?}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE), "it is not the last room: {purpose:?}");
    }
    // A write that is queued behind those that the requests would have caused.
    site.post(&ada, room_id, "more news").await;
    assert!(read_position().await < message.id.0);
    // Displayed, and not served from a cache that a prefetch filled.
    let shown = async {
        while read_position().await < message.id.0 {
            bob.browser.clone().send(Method::GET, &path, &[gzip], Body::empty()).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), shown).await.expect("the room is marked as read");
}

#[tokio::test]
async fn patch_is_put_and_other_methods_get_a_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let patched = ada.browser.send(Method::PATCH, "/users/me/profile", &form, "name=Ada+Lovelace".into()).await;
    assert_eq!(patched.status, StatusCode::SEE_OTHER);
    assert_eq!(site.profile(ada.user.id).await.name, "Ada Lovelace");
    let message = site.post(&ada, site.all_talk(&ada).await, "one").await;
    let path = format!("/rooms/1/messages/{}", message.id);
    assert_eq!(ada.browser.send(Method::PATCH, &path, &form, "body=two".into()).await.status, StatusCode::SEE_OTHER);

    for (method, path) in [
        (Method::PUT, "/session/new"),
        (Method::DELETE, "/up"),
        (Method::POST, "/robots.txt"),
        (Method::GET, "/api/messages/post"),
        (Method::PATCH, "/searches"),
        (Method::TRACE, "/rooms/1"),
    ] {
        let refused = ada.browser.send(method.clone(), path, &[], Body::empty()).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(refused.text().contains("cannot be used in that way"), "{method} {path}");
        assert!(refused.headers.contains_key(header::ALLOW), "{method} {path}");
    }
}

#[tokio::test]
async fn pasted_links_lead_where_they_mean_to() {
    let (site, mut ada) = TestSite::with_ada().await;
    let join = site.join_path().await;
    for (browser, path) in [(&mut site.browser(), join.as_str()), (&mut ada.browser, "/rooms/1")] {
        for end in ["/", ".", "//", ").", "%E3%80%82", "%22"] {
            let redirect = browser.get(&format!("{path}{end}")).await;
            assert_eq!((redirect.status, redirect.location()), (StatusCode::TEMPORARY_REDIRECT, path), "{end}");
            assert_eq!(browser.get(redirect.location()).await.status, StatusCode::OK);
        }
    }
    assert_eq!(ada.browser.get("//evil.example/").await.status, StatusCode::NOT_FOUND, "never to another site");
}

#[tokio::test]
async fn responses_are_not_stored_unless_they_say_so() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let room = format!("/rooms/{room_id}");
    let reply = format!("{room}/messages/{}/reply", site.post(&ada, room_id, "hello").await.id);
    let call = ada.browser.call("rooms/page", &serde_json::json!({"room_id": room_id, "anchor": "Newest"})).await;
    let preview = ada.browser.post(&format!("{room}/messages/preview"), &[("body", "*x*")]).await;
    let mut answers = vec![("a call", call), ("a preview", preview)];
    for path in
        ["/", "/users/me/profile", "/searches?q=x", "/nothing", "/up", "/autocompletable/users", "/cable", &reply]
    {
        answers.push((path, ada.browser.get(path).await));
    }
    for (path, answer) in answers {
        assert_eq!(answer.headers[header::CACHE_CONTROL], "private, no-store", "{path}");
        assert_eq!(answer.headers["x-rev"], option_env!("GIT_REVISION").unwrap_or("unknown"), "{path}");
    }
    assert_eq!(ada.browser.get(&room).await.headers[header::CACHE_CONTROL], "private, no-cache");
    assert!(
        ada.browser.get("/sounds/bell.mp3").await.headers[header::CACHE_CONTROL].to_str().unwrap().contains("public")
    );
}

#[tokio::test]
async fn the_health_check_says_why_and_in_json_if_asked() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut monitor = site.browser();
    let json = [("accept", "text/html;q=0.5, Application/JSON; q=0.9")];
    let healthy = monitor.send(Method::GET, "/up", &json, Body::empty()).await;
    assert_eq!(
        (healthy.status, healthy.text().as_str()),
        (StatusCode::OK, r#"{"status":"up","timestamp":"2023-11-14T22:13:20Z"}"#)
    );
    assert_eq!(monitor.send(Method::GET, "/up", &[("accept", "*/*")], Body::empty()).await.text(), "up\n");

    drop(site.state.health.pulse("The writer has ended."));
    let failed = monitor.get("/up").await;
    assert_eq!((failed.status, failed.text().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "The writer has ended.\n"));
    let failed = monitor.send(Method::GET, "/up", &json, Body::empty()).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(failed.text().starts_with(r#"{"status":"down","reason":"The writer has ended.","#), "{}", failed.text());
}

#[tokio::test]
async fn signing_in_to_a_locked_database_is_refused_in_words() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut other = site.db_connection().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let form = [("email_address", "ada@example.com"), ("password", PASSWORD)];
    let refused = site.browser().post("/session", &form).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text().contains("nothing was saved"), "{}", refused.text());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(site.browser().post("/session", &form).await.status, StatusCode::SEE_OTHER);
}
