//! Properties of all pages: complete without scripts, deterministic, and safe.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::model::Role;
use campfire::ops;
use sha2::{Digest, Sha256};

use crate::support::{Answer, TestSite};

#[tokio::test]
async fn a_room_is_readable_without_scripts() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for number in 0..45 {
        site.post(&ada, room_id, &format!("**message** number {number}")).await;
    }
    let html = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    assert_eq!(html.matches(r#"<time datetime="2023-11-14T22:13:20Z">"#).count(), 40);
    assert!(html.contains("<strong>message</strong> number 44"));
    assert!(!html.contains("number 4</p>") && html.contains("number 5</p>"));
    assert!(html.contains("Older messages"));
    assert!(html.contains(&format!(r#"action="/rooms/{room_id}/messages""#)));
    assert!(html.contains("<title>All Talk – Campfire</title>"));
    assert!(html.contains(r#"aria-label="Rooms""#));
}

#[tokio::test]
async fn an_unchanged_page_is_rendered_identically_and_revalidates() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "hello").await;
    let path = format!("/rooms/{room_id}");
    let first = ada.browser.get(&path).await;
    let second = ada.browser.get(&path).await;
    assert_eq!(first.body, second.body);
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(second.headers["etag"], etag);

    let headers = [("if-none-match", etag.as_str())];
    let third = ada.browser.send(Method::GET, &path, &headers, Body::empty()).await;
    assert_eq!(third.status, StatusCode::NOT_MODIFIED);
    assert!(third.body.is_empty());
    assert_eq!(third.headers["content-security-policy"], first.headers["content-security-policy"]);

    let other = site.closed_room(&ada, "Other").await;
    let fourth = ada.browser.send(Method::GET, &path, &headers, Body::empty()).await;
    assert_eq!(fourth.status, StatusCode::OK, "a new room is in the sidebar");
    assert!(fourth.text().contains(&other.name));
}

#[tokio::test]
async fn the_policy_allows_only_the_pages_own_inline_script_and_style() {
    let (site, mut ada) = TestSite::with_ada().await;
    let path = format!("/rooms/{}", site.all_talk(&ada).await);
    let page = ada.browser.get(&path).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains("frame-ancestors 'none'"));

    use base64::Engine;
    let allowed = |content: &str| {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(content));
        policy.contains(&format!("'sha256-{hash}'"))
    };
    let html = page.text();
    let inline = |tag: &str| -> Vec<String> {
        let open = format!("<{tag}>");
        let close = format!("</{tag}>");
        html.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
    };
    let scripts = inline("script");
    let styles = inline("style");
    assert_eq!((scripts.len(), styles.len()), (1, 1));
    assert!(allowed(&scripts[0]) && allowed(&styles[0]));
    assert!(scripts[0].contains("__RESOLVED_RESOURCES"));
    assert!(!html.contains(" style=\""), "the policy forbids style attributes");

    for path in ["/session/new", "/nothing", "/up"] {
        let answer = site.browser().get(path).await;
        assert!(answer.headers.contains_key("content-security-policy"), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.headers.contains_key("referrer-policy") && answer.headers.contains_key("permissions-policy"));
    }
}

#[tokio::test]
async fn user_text_cannot_escape_the_hydration_data() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "</script><script>alert(1)</script> `</body>`").await;
    let room = site.closed_room(&ada, "</script><script>alert(2)</script>").await;
    for id in [room_id, room.id] {
        let html = ada.browser.get(&format!("/rooms/{id}")).await.text();
        assert_eq!(html.matches("<script>").count(), 1);
        assert!(html.trim_end().ends_with("</body></html>"));
        assert!(!html.contains("<script>alert"));
    }
}

#[tokio::test]
async fn user_text_cannot_escape_a_text_field() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let nasty = "\n</textarea><form action=//evil.example><b>";
    let message = site.post(&ada, room_id, nasty).await;
    let edited = ada.browser.get(&format!("/rooms/{room_id}/messages/{}/edit", message.id)).await.text();
    let refused =
        ada.browser.post("/users/me/profile", &[("_method", "put"), ("bio", nasty), ("name", "")]).await.text();
    for html in [edited, refused] {
        assert_eq!(html.matches("</textarea>").count(), 1);
        assert!(html.contains("&lt;form action=//evil.example&gt;") && !html.contains("<form action=//"));
    }
}

#[tokio::test]
async fn a_permalink_shows_and_marks_its_message() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let first = site.post(&ada, room_id, "the first").await;
    for number in 0..50 {
        site.post(&ada, room_id, &format!("message {number}")).await;
    }
    let html = ada.browser.get(&format!("/rooms/{room_id}/@{}", first.id)).await.text();
    assert!(html.contains("the first") && html.contains("message 39") && !html.contains("message 40"));
    assert_eq!(html.matches(r#"aria-current="true""#).count(), 1);
    assert_eq!(html.matches(" autofocus").count(), 1, "in view without scripts");
    let older = ada.browser.get(&format!("/rooms/{room_id}?before={}", first.id.0 + 3)).await.text();
    assert!(older.contains("message 1<") && !older.contains("message 2<"));
}

#[tokio::test]
async fn without_scripts_a_permalink_is_loaded_once_more_with_a_fragment() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message_id = site.post(&ada, room_id, "hello").await.id;
    let path = format!("/rooms/{room_id}/@{message_id}");
    let refresh =
        format!(r#"<noscript><meta http-equiv="refresh" content="0;url={path}?scrolled#message-{message_id}">"#);
    let page = ada.browser.get(&path).await.text();
    assert!(page.contains(&refresh), "{page}");
    for path in [format!("{path}?scrolled"), format!("/rooms/{room_id}"), format!("/rooms/{room_id}?before=9")] {
        let page = ada.browser.get(&path).await.text();
        assert!(page.contains("hello") && !page.contains("http-equiv"), "{path}");
    }
}

#[tokio::test]
async fn a_permalink_to_a_message_that_is_gone_shows_the_messages_around_its_place() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let other = site.closed_room(&ada, "Other").await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(site.post(&ada, room_id, &format!("message {number}")).await.id);
    }
    let elsewhere = site.post(&ada, other.id, "elsewhere").await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::remove(&site.state, &member, ids[3]).await.unwrap();
    let gone = ada.browser.get(&format!("/rooms/{room_id}/@{}", ids[3])).await;
    assert_eq!(gone.status, StatusCode::OK);
    let html = gone.text();
    assert!(html.contains("The message of this link was deleted"), "{html}");
    assert!(html.contains("message 0<") && html.contains("message 4<") && html.contains("message 43<"));
    assert!(!html.contains("message 3<") && !html.contains("message 44<"));
    assert!(html.contains(&format!("id=\"message-{}\"", ids[4])) && !html.contains("aria-current=\"true\""));
    let in_view = html.split("<li ").find(|row| row.contains(" autofocus")).unwrap();
    assert!(in_view.contains("message 4<"), "{in_view}");
    // A message of another room, or one that never was, is answered alike.
    for id in [elsewhere.id.0, 9_999] {
        let html = ada.browser.get(&format!("/rooms/{room_id}/@{id}")).await.text();
        assert!(html.contains("was deleted") && html.contains("message 49<") && !html.contains("elsewhere"), "{id}");
    }
}

#[tokio::test]
async fn the_home_page_redirects_to_the_last_room() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = site.closed_room(&ada, "Other").await;
    let page = ada.browser.get(&format!("/rooms/{}", room.id)).await;
    let remembered = page.headers.get_all("set-cookie").iter().find_map(|cookie| {
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        cookie.starts_with("last_room=").then(|| cookie.to_owned())
    });
    assert_eq!(remembered, Some(format!("last_room={}", room.id)));
    ada.browser.cookie = format!("{}; last_room={}", ada.browser.cookie, room.id);
    assert_eq!(ada.browser.get("/").await.location(), format!("/rooms/{}", room.id));
}

#[tokio::test]
async fn responses_are_compressed_if_the_browser_accepts_gzip() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let room = format!("/rooms/{room_id}?before=9");
    let accept_gzip = [("accept-encoding", "gzip")];
    let header = |answer: &Answer, name: &str| {
        let values = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(", ").to_lowercase()
    };
    let plain = ada.browser.get(&room).await;
    let compressed = ada.browser.send(Method::GET, &room, &accept_gzip, Body::empty()).await;
    assert_eq!(
        (header(&plain, "content-encoding"), header(&compressed, "content-encoding")),
        (String::new(), "gzip".into())
    );
    let mut decompressed = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&compressed.body[..]), &mut decompressed).unwrap();
    assert!(decompressed == plain.body && compressed.body.len() < plain.body.len() / 2);
    assert!(["", &compressed.body.len().to_string()].contains(&header(&compressed, "content-length").as_str()));
    let etag = header(&compressed, "etag");
    let conditional = [("if-none-match", etag.as_str()), accept_gzip[0]];
    let unchanged = ada.browser.send(Method::GET, &room, &conditional, Body::empty()).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0));
    for answer in [&plain, &compressed, &unchanged] {
        assert_eq!(header(answer, "vary"), "cookie, accept-encoding");
    }
    let page = plain.text();
    let (_, rest) = page.split_once(r#"<link rel="stylesheet" href=""#).expect("a page has styles");
    let style = rest.split('"').next().unwrap_or_default();
    for (path, coding) in [("/up", ""), ("/sounds/bell.mp3", ""), (style, "gzip")] {
        let answer = ada.browser.send(Method::GET, path, &accept_gzip, Body::empty()).await;
        assert_eq!((answer.status, header(&answer, "content-encoding").as_str()), (StatusCode::OK, coding), "{path}");
    }
}

#[tokio::test]
async fn lists_of_many_people_with_long_names_are_limited_in_bytes_and_their_rest_is_found() {
    let (site, mut ada) = TestSite::with_ada().await;
    let write = async |tx: &mut campfire::store::Tx| {
        for number in 0..1_200 {
            // What takes most in a page: each of these characters is escaped.
            let name = format!("{}{number:04}", "\"'<>&".repeat(19)).parse()?;
            let address = format!("person{number}@example.com").parse()?;
            campfire::store::users::insert(tx.db(), &name, &address, "x", Role::Member, 1).await?;
        }
        Ok(())
    };
    site.state.db.write(write).await.unwrap();
    let room_id = site.all_talk(&ada).await;
    let grant = async move |tx: &mut campfire::store::Tx| {
        Ok(campfire::store::memberships::grant_everyone(tx.db(), room_id, 1).await.map(drop)?)
    };
    site.state.db.write(grant).await.unwrap();

    let page = ada.browser.get("/account/edit").await.text();
    assert!(page.len() < 512 * 1_024, "{} bytes", page.len());
    assert!(page.contains("More people"));
    for list in ["/autocompletable/users?".to_owned(), format!("/autocompletable/users?room_id={room_id}")] {
        let whole = ada.browser.get(&list).await;
        assert!(whole.body.len() <= 128 * 1_024 + 1 && whole.headers.contains_key("x-has-more"), "{list}");
        assert!(serde_json::from_slice::<serde_json::Value>(&whole.body).unwrap().as_array().unwrap().len() > 100);
        assert!(!whole.text().contains("&1199"), "not all of it");
        let found = ada.browser.get(&format!("{list}&query=1199")).await;
        assert!(found.text().contains("&1199") && !found.headers.contains_key("x-has-more"), "{list}");
    }
    let rooms = ada.browser.get("/autocompletable/rooms?query=all").await;
    assert!(rooms.text().contains("All Talk") && !rooms.headers.contains_key("x-has-more"));
    assert_eq!(ada.browser.get("/autocompletable/rooms?query=none").await.text(), "[]");
}
