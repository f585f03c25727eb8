//! The page cache never serves a stale page.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use campfire::model::{Involvement, RoomId, Status};
use campfire::ops;
use campfire::ops::rooms::Audience;

use crate::support::{Answer, Someone, TestSite};

/// Requests a room's page as browsers do. Returns the response, the decompressed body, and whether it was rendered for
/// this request.
pub async fn page(site: &TestSite, someone: &mut Someone, room_id: RoomId) -> (Answer, String, bool) {
    let before = site.site.page_cache_hit_count();
    let headers = [("accept-encoding", "gzip")];
    let answer = someone.browser.send(Method::GET, &format!("/rooms/{room_id}"), &headers, Body::empty()).await;
    let mut text = String::new();
    if answer.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut text).unwrap();
    }
    let rendered = site.site.page_cache_hit_count() == before;
    (answer, text, rendered)
}

/// Requests the page until it is served from the cache. The first request marks the room as read after its response, which
/// invalidates the page once more.
pub async fn warm(site: &TestSite, someone: &mut Someone, room_id: RoomId) -> String {
    for _ in 0..1_000 {
        let (answer, text, rendered) = page(site, someone, room_id).await;
        assert_eq!(answer.status, StatusCode::OK);
        if !rendered {
            return text;
        }
    }
    panic!("the page is never cached");
}

#[tokio::test]
async fn a_cached_page_equals_a_rendered_one() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "hello").await;
    let cached = warm(&site, &mut ada, room_id).await;
    let path = format!("/rooms/{room_id}");
    let fresh = ada.browser.get(&path).await;
    assert_eq!(fresh.text(), cached, "without gzip the page is rendered");
    let (answer, ..) = page(&site, &mut ada, room_id).await;
    for name in [header::ETAG, header::CONTENT_SECURITY_POLICY, header::SET_COOKIE, header::CACHE_CONTROL] {
        assert_eq!(answer.headers.get(&name), fresh.headers.get(&name), "{name}");
        assert!(answer.headers.contains_key(&name), "{name}");
    }
    let etag = answer.headers[header::ETAG].to_str().unwrap().to_owned();
    let headers = [("accept-encoding", "gzip"), ("if-none-match", etag.as_str())];
    let known = ada.browser.send(Method::GET, &path, &headers, Body::empty()).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    site.post(&ada, room_id, "news").await;
    let changed = ada.browser.send(Method::GET, &path, &headers, Body::empty()).await;
    assert_eq!(changed.status, StatusCode::OK, "the ETag is that of the old page");
}

#[tokio::test]
async fn each_user_gets_their_own_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let of_ada = warm(&site, &mut ada, room_id).await;
    let of_bob = warm(&site, &mut bob, room_id).await;
    let own_rule = |user: &Someone| format!(r#"data-author="{}"] .menu__own"#, user.user.id);
    assert!(of_ada.contains(&own_rule(&ada)) && !of_ada.contains(&own_rule(&bob)));
    assert!(of_bob.contains(&own_rule(&bob)) && !of_bob.contains(&own_rule(&ada)));
}

#[tokio::test]
async fn changes_of_messages_are_on_the_next_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    warm(&site, &mut ada, room_id).await;
    let message = site.post(&bob, room_id, "first words").await;
    assert!(page(&site, &mut ada, room_id).await.1.contains("first words"));

    warm(&site, &mut ada, room_id).await;
    let member = site.state.members.find(&bob.user, room_id).await.unwrap();
    ops::messages::edit(&site.state, &member, message.id, "better words".parse().unwrap()).await.unwrap();
    assert!(page(&site, &mut ada, room_id).await.1.contains("better words"));

    warm(&site, &mut ada, room_id).await;
    ops::boosts::boost(&site.state, &member, message.id, "👍".parse().unwrap()).await.unwrap();
    assert!(page(&site, &mut ada, room_id).await.1.contains("👍, 1: Bob"));

    warm(&site, &mut ada, room_id).await;
    ops::messages::remove(&site.state, &member, message.id).await.unwrap();
    assert!(!page(&site, &mut ada, room_id).await.1.contains("better words"));
}

#[tokio::test]
async fn changes_of_the_sidebar_are_on_the_next_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let audience = Audience::Chosen(vec![bob.user.id]);
    let other = ops::rooms::open(&site.state, &ada.user, "Elsewhere".parse().unwrap(), audience).await.unwrap();
    let is_unread = |text: &str| text.contains(r#"class="dot""#);
    assert!(!is_unread(&warm(&site, &mut ada, room_id).await));

    site.post(&bob, other.id, "over here").await;
    assert!(is_unread(&page(&site, &mut ada, room_id).await.1));
    warm(&site, &mut ada, room_id).await;
    site.post(&bob, other.id, "and more").await;
    let (_, text, rendered) = page(&site, &mut ada, room_id).await;
    assert!(is_unread(&text) && !rendered, "a further unread message does not change the page");
    site.post(&bob, other.id, "@Ada").await;
    assert!(page(&site, &mut ada, room_id).await.1.contains("for you"), "a mention does");

    warm(&site, &mut ada, room_id).await;
    let newest = site.post(&bob, other.id, "last").await;
    ops::memberships::mark_read(&site.state, &ada.current(), other.id, newest.id).await.unwrap();
    assert!(!is_unread(&page(&site, &mut ada, room_id).await.1), "read in another tab");

    warm(&site, &mut ada, room_id).await;
    let member = site.state.members.find(&ada.user, other.id).await.unwrap();
    ops::memberships::set_involvement(&site.state, &member, Involvement::Invisible).await.unwrap();
    assert!(!page(&site, &mut ada, room_id).await.1.contains("Elsewhere"));
}

#[tokio::test]
async fn renaming_and_custom_styles_are_on_the_next_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "hello").await;
    warm(&site, &mut bob, room_id).await;
    let renamed = ada.browser.post(&format!("/rooms/opens/{room_id}"), &[("_method", "put"), ("name", "Lounge")]).await;
    assert_eq!(renamed.status, StatusCode::SEE_OTHER);
    assert!(page(&site, &mut bob, room_id).await.1.contains("Lounge"));

    warm(&site, &mut bob, room_id).await;
    let form = [("_method", "put"), ("name", "Adelheid"), ("email_address", "ada@example.com"), ("bio", "")];
    assert_eq!(ada.browser.post("/users/me/profile", &form).await.status, StatusCode::SEE_OTHER);
    assert!(page(&site, &mut bob, room_id).await.1.contains("Adelheid"));

    warm(&site, &mut bob, room_id).await;
    site.state.set_custom_styles_digest("0123456789abcdef");
    assert!(page(&site, &mut bob, room_id).await.1.contains("0123456789abcdef"), "the new custom styles");
}

#[tokio::test]
async fn a_cached_page_is_refused_when_membership_or_session_ended() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut cleo = site.join("Cleo").await;
    let mut dora = site.join("Dora").await;
    let audience = Audience::Chosen(vec![bob.user.id, cleo.user.id, dora.user.id]);
    let room = ops::rooms::open(&site.state, &ada.user, "Secrets".parse().unwrap(), audience).await.unwrap();
    for someone in [&mut bob, &mut cleo, &mut dora] {
        assert!(warm(&site, someone, room.id).await.contains("Secrets"));
    }

    let member = site.state.members.find(&bob.user, room.id).await.unwrap();
    ops::memberships::leave(&site.state, &member).await.unwrap();
    let (answer, text, _) = page(&site, &mut bob, room.id).await;
    assert_eq!((answer.location(), text.as_str()), ("/?notice=room-missing", ""), "the membership ended");

    let elsewhere = cleo.browser.clone();
    assert_eq!(cleo.browser.post("/session", &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    cleo.browser = elsewhere;
    let (answer, text, _) = page(&site, &mut cleo, room.id).await;
    assert!(answer.location().starts_with("/session/new") && text.is_empty(), "the session ended");

    site.db_set_status(dora.user.id, Status::Deactivated).await;
    let (answer, text, _) = page(&site, &mut dora, room.id).await;
    assert!(answer.location().starts_with("/session/new") && text.is_empty(), "the user was deactivated");

    let mut stranger = Someone { user: ada.user.clone(), session_id: ada.session_id, browser: site.browser() };
    assert!(page(&site, &mut stranger, room.id).await.0.location().starts_with("/session/new"));
}

#[tokio::test]
async fn writes_of_another_program_are_on_the_next_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut elsewhere = site.db_connection().await;
    for number in 0..3 {
        warm(&site, &mut ada, room_id).await;
        let rename = sqlx::query("UPDATE rooms SET name = $1 WHERE id = $2").bind(format!("Renamed {number}"));
        rename.bind(room_id).execute(&mut elsewhere).await.unwrap();
        assert!(page(&site, &mut ada, room_id).await.1.contains(&format!("Renamed {number}")));
    }
    warm(&site, &mut ada, room_id).await;
    sqlx::query("DELETE FROM memberships").execute(&mut elsewhere).await.unwrap();
    assert_eq!(page(&site, &mut ada, room_id).await.0.location(), "/?notice=room-missing");
    sqlx::query("DELETE FROM sessions").execute(&mut elsewhere).await.unwrap();
    assert!(page(&site, &mut ada, room_id).await.0.location().starts_with("/session/new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_on_every_page_requested_after_its_response() {
    // Fewer than a page has, so that the first one is on every page, too, however long that takes.
    const LAST: i32 = 36;
    let (site, ada) = TestSite::with_ada().await;
    let mut readers = Vec::new();
    for name in ["Bob", "Cleo", "Dora"] {
        readers.push(site.join(name).await);
    }
    let room_id = site.all_talk(&ada).await;
    let (posted_sender, posted) = tokio::sync::watch::channel(0);
    let site = std::sync::Arc::new(site);
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            let site = site.clone();
            let posted = posted.clone();
            tokio::spawn(async move {
                loop {
                    let number = *posted.borrow();
                    let (answer, text, _) = page(&site, &mut reader, room_id).await;
                    let is_there = number == 0 || text.contains(&format!("number {number} "));
                    assert!(is_there, "{number}: {} {} {text}", answer.status, answer.location());
                    if number == LAST {
                        return;
                    }
                    // Responses from the cache do not yield.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 1..=LAST {
        site.post(&ada, room_id, &format!("number {number} is here")).await;
        posted_sender.send_replace(number);
    }
    for reader in reading {
        reader.await.unwrap();
    }
}
