//! Finished pages are kept, and never shown when they are not true any more: not one answer late.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use campfire::model::{Involvement, RoomId, Status};
use campfire::ops;
use campfire::ops::rooms::Audience;

use crate::support::{Answer, Someone, TestSite};

/// The page as browsers ask for it, unpacked, and whether it was made for this answer.
async fn page(site: &TestSite, someone: &mut Someone, room_id: RoomId) -> (Answer, String, bool) {
    let before = site.site.page_cache_hit_count();
    let headers = [("accept-encoding", "gzip")];
    let answer = someone.browser.send(Method::GET, &format!("/rooms/{room_id}"), &headers, Body::empty()).await;
    let mut text = String::new();
    if answer.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut text).unwrap();
    }
    let made = site.site.page_cache_hit_count() == before;
    (answer, text, made)
}

/// Asks until the page is a kept one: reading it the first time reads the room, which is noted beside the answer.
async fn warm(site: &TestSite, someone: &mut Someone, room_id: RoomId) -> String {
    for _ in 0..1_000 {
        let (answer, text, made) = page(site, someone, room_id).await;
        assert_eq!(answer.status, StatusCode::OK);
        if !made {
            return text;
        }
    }
    panic!("the page is never kept");
}

#[tokio::test]
async fn a_kept_page_is_the_same_bytes_and_headers_as_a_fresh_one() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "hello").await;
    let kept = warm(&site, &mut ada, room_id).await;
    let path = format!("/rooms/{room_id}");
    let fresh = ada.browser.get(&path).await;
    assert_eq!(fresh.text(), kept, "without gzip the page is made anew");
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
    assert_eq!(changed.status, StatusCode::OK, "the tag is of the page before");
}

#[tokio::test]
async fn everybody_gets_their_own_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let of_ada = warm(&site, &mut ada, room_id).await;
    let of_bob = warm(&site, &mut bob, room_id).await;
    let me = |user: &Someone| format!(r#"data-author="{}"] .menu__own"#, user.user.id);
    assert!(of_ada.contains(&me(&ada)) && !of_ada.contains(&me(&bob)));
    assert!(of_bob.contains(&me(&bob)) && !of_bob.contains(&me(&ada)));
}

#[tokio::test]
async fn what_happens_to_messages_is_in_the_very_next_page() {
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
async fn the_sidebar_of_a_kept_page_is_true() {
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
    let (_, text, made) = page(&site, &mut ada, room_id).await;
    assert!(is_unread(&text) && !made, "one more unread message changes nothing that is shown");
    site.post(&bob, other.id, "@Ada").await;
    assert!(page(&site, &mut ada, room_id).await.1.contains("for you"), "being named does");

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
async fn names_of_rooms_people_and_the_account_are_those_of_now() {
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
    assert!(page(&site, &mut bob, room_id).await.1.contains("0123456789abcdef"), "other looks");
}

#[tokio::test]
async fn who_may_no_longer_see_a_kept_page_does_not_get_it() {
    let (site, ada) = TestSite::with_ada().await;
    let (mut bob, mut cleo, mut dora) = (site.join("Bob").await, site.join("Cleo").await, site.join("Dora").await);
    let audience = Audience::Chosen(vec![bob.user.id, cleo.user.id, dora.user.id]);
    let room = ops::rooms::open(&site.state, &ada.user, "Secrets".parse().unwrap(), audience).await.unwrap();
    for someone in [&mut bob, &mut cleo, &mut dora] {
        assert!(warm(&site, someone, room.id).await.contains("Secrets"));
    }

    let member = site.state.members.find(&bob.user, room.id).await.unwrap();
    ops::memberships::leave(&site.state, &member).await.unwrap();
    let (answer, text, _) = page(&site, &mut bob, room.id).await;
    assert_eq!((answer.location(), text.as_str()), ("/?notice=room-missing", ""), "taken out of the room");

    let elsewhere = cleo.browser.clone();
    assert_eq!(cleo.browser.post("/session", &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    cleo.browser = elsewhere;
    let (answer, text, _) = page(&site, &mut cleo, room.id).await;
    assert!(answer.location().starts_with("/session/new") && text.is_empty(), "the token is kept, the session is not");

    site.db_set_status(dora.user.id, Status::Deactivated).await;
    let (answer, text, _) = page(&site, &mut dora, room.id).await;
    assert!(answer.location().starts_with("/session/new") && text.is_empty(), "no longer on the account");

    let mut stranger = Someone { user: ada.user.clone(), browser: site.browser() };
    assert!(page(&site, &mut stranger, room.id).await.0.location().starts_with("/session/new"));
}

#[tokio::test]
async fn what_another_program_writes_is_in_the_very_next_page() {
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
async fn a_post_is_in_every_page_asked_for_after_its_answer() {
    let (site, ada) = TestSite::with_ada().await;
    let mut readers = Vec::new();
    for name in ["Bob", "Cleo", "Dora"] {
        readers.push(site.join(name).await);
    }
    let room_id = site.all_talk(&ada).await;
    let (told, posted) = tokio::sync::watch::channel(0);
    let site = std::sync::Arc::new(site);
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            let (site, posted) = (site.clone(), posted.clone());
            tokio::spawn(async move {
                loop {
                    let number = *posted.borrow();
                    let (_, text, _) = page(&site, &mut reader, room_id).await;
                    assert!(number == 0 || text.contains(&format!("number {number} ")), "{number}");
                    if number == 60 {
                        return;
                    }
                    // Kept pages come without waiting for anything.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 1..=60 {
        site.post(&ada, room_id, &format!("number {number} is here")).await;
        told.send_replace(number);
    }
    for reader in reading {
        reader.await.unwrap();
    }
}
