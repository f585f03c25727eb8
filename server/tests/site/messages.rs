//! Messages: boosts, mentions, sounds, replies, search.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use campfire::access::Member;
use campfire::model::{BoostContent, MessageId, RoomId, SOUNDS};
use campfire::ops;

use crate::support::{Someone, TestSite};

async fn member(site: &TestSite, someone: &Someone, room_id: RoomId) -> Member {
    site.state.members.find(&someone.user, room_id).await.unwrap()
}

async fn boosts(site: &TestSite, message_id: MessageId) -> Vec<String> {
    sqlx::query_scalar("SELECT content FROM boosts WHERE message_id = $1 ORDER BY id")
        .bind(message_id)
        .fetch_all(site.state.db.reader())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_menu_of_a_message_is_a_page_without_scripts() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut cleo = site.join("Cleo").await;
    let room = site.closed_room(&ada, "Designers").await;
    let open = site.all_talk(&ada).await;
    let secret = site.post(&ada, room.id, "hush").await;
    let own = site.post(&bob, open, "hello").await;
    let menu = |message_id| format!("/messages/{message_id}/menu");
    let page = bob.browser.get(&menu(own.id)).await.text();
    for part in ["hello", "/reply", "/unread", "/boosts/new", "Edit or delete"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!cleo.browser.get(&menu(own.id)).await.text().contains("Edit or delete"), "not the author");
    assert!(ada.browser.get(&menu(own.id)).await.text().contains("Edit or delete"), "an administrator");
    assert_eq!(ada.browser.get(&menu(secret.id)).await.status, StatusCode::OK);
    assert_eq!(bob.browser.get(&menu(secret.id)).await.status, StatusCode::NOT_FOUND, "an outsider");
    let page = bob.browser.get(&format!("/rooms/{open}")).await.text();
    assert!(page.contains(&format!("href=\"{}\"", menu(own.id))), "the link to it");
}

#[tokio::test]
async fn a_boost_is_a_form_that_works_without_scripts() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let path = format!("/messages/{}/boosts", message.id);
    let boosted = bob.browser.post(&path, &[("boost[content]", "👍")]).await;
    assert_eq!((boosted.status, boosted.location()), (StatusCode::SEE_OTHER, message.path().as_str()));
    let page = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    assert!(page.contains("👍, 1: Bob. Boost too"), "the group and its button");
    assert!(page.contains(&format!(".boost--own[data-boosters~=\"{}\"]", ada.user.id)), "the style rule of Ada");
    ada.browser.post(&path, &[("content", "👍")]).await;
    assert_eq!(boosts(&site, message.id).await, ["👍", "👍"]);
    bob.browser.post(&path, &[("remove", "👍")]).await;
    assert!(bob.browser.get(&format!("/rooms/{room_id}")).await.text().contains("👍, 1: Ada"));
}

#[tokio::test]
async fn invalid_boosts_are_refused_and_shown_again() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let path = format!("/messages/{}/boosts", message.id);
    for (content, reason) in [
        ("", "needs an emoji"),
        ("   ", "needs an emoji"),
        ("seventeen letters", "at most 16 characters"),
        ("\u{202e}x", "one line of plain characters"),
    ] {
        let answer = ada.browser.post(&path, &[("content", content)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{content:?}");
        assert!(answer.text().contains(reason), "{content:?}");
    }
    let page = ada.browser.post(&path, &[("content", "\"><b>bold</b><i>y</i>")]).await.text();
    assert!(page.contains("bold") && !page.contains("\"><b>"), "the text is escaped");
    assert!(boosts(&site, message.id).await.is_empty());
    ada.browser.post(&path, &[("content", "<b>&\"'")]).await;
    let page = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    assert!(page.contains("value=\"&lt;b&gt;&amp;&quot;&#39;\"") && !page.contains("<b>&"));

    ops::messages::remove(&site.state, &member(&site, &ada, room_id).await, message.id).await.unwrap();
    assert_eq!(ada.browser.post(&path, &[("content", "👍")]).await.status, StatusCode::NOT_FOUND);
    for id in ["0", "-1", "x", "9223372036854775808"] {
        let answer = ada.browser.post(&format!("/messages/{id}/boosts"), &[("content", "👍")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn a_boost_can_be_removed_by_its_own_booster_only() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let content: BoostContent = "🔥".parse().unwrap();
    ops::boosts::boost(&site.state, &member(&site, &bob, room_id).await, message.id, content).await.unwrap();
    let path = format!("/messages/{}/boosts/1", message.id);
    let administrator = ada.browser.send(Method::DELETE, &path, &[], Body::empty()).await;
    assert_eq!(administrator.status, StatusCode::NOT_FOUND);
    assert_eq!(boosts(&site, message.id).await, ["🔥"]);
    let own = bob.browser.send(Method::DELETE, &path, &[], Body::empty()).await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
    assert!(boosts(&site, message.id).await.is_empty());
}

#[tokio::test]
async fn the_picker_finds_emoji_by_name() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let path = format!("/messages/{}/boosts/new", message.id);
    assert!(ada.browser.get(&path).await.text().contains("value=\"😀\""));
    assert!(ada.browser.get(&format!("{path}?content=rocket")).await.text().contains("value=\"🚀\""));
    assert!(ada.browser.get(&format!("{path}?group=8")).await.text().contains("value=\"🇩🇪\""));
    for odd in [
        format!("{path}?content={}", "x".repeat(1_000)),
        format!("{path}?content=%3Cscript%3E"),
        format!("{path}?content=%00%ff"),
    ] {
        let answer = ada.browser.get(&odd).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().contains("No emoji is called that"), "{odd:.80}");
        assert_eq!(answer.text().matches("<script>").count(), 1, "the hydration data alone");
    }
    assert_eq!(ada.browser.get(&format!("{path}?group=99")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn sounds_play_by_their_exact_names() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let tada = site.post(&ada, room_id, "/play tada").await;
    assert!(tada.body_html.contains("data-sound=\"tada\""));
    let nothing = site.post(&ada, room_id, "/play nothing").await;
    assert_eq!(nothing.body_html, "<p>/play nothing</p>");

    for sound in SOUNDS {
        let clip = ada.browser.get(&sound.path()).await;
        assert_eq!((clip.status, clip.headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, "audio/mpeg"));
    }
    let headers = [("range", "bytes=0-1")];
    let part = ada.browser.send(Method::GET, "/sounds/tada.mp3", &headers, Body::empty()).await;
    assert_eq!((part.status, part.body.len()), (StatusCode::PARTIAL_CONTENT, 2));
    for path in ["/sounds/nothing.mp3", "/sounds/tada", "/sounds/..%2Ftada.mp3"] {
        assert_eq!(ada.browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(ada.browser.get("/sounds").await.text().contains("\"name\":\"yodel\""));
}

#[tokio::test]
async fn a_preview_renders_the_text() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let preview = format!("/rooms/{room_id}/messages/preview");
    let shown = bob.browser.post(&preview, &[("body", "**hi** @Ada <script>")]).await.text();
    assert!(shown.contains("<strong>hi</strong>") && shown.contains(">@Ada</a> &lt;script&gt;"), "{shown}");
    assert_eq!(bob.browser.post(&preview, &[("body", " ")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn marking_a_message_unread_makes_it_the_first_new_one() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(site.post(&ada, room_id, text).await.id);
    }
    ops::memberships::mark_read(&site.state, &bob.current(), room_id, ids[2]).await.unwrap();
    assert!(!bob.browser.get(&format!("/rooms/{room_id}/@{}", ids[0])).await.text().contains("data-new"));
    bob.browser.post(&format!("/rooms/{room_id}/messages/{}/unread", ids[1]), &[]).await;
    let page = bob.browser.get(&format!("/rooms/{room_id}")).await.text();
    let row = page.split("<li").find(|row| row.contains("data-new")).expect("one row is the first new one");
    assert!(row.contains(&format!("message-{}", ids[1])), "{row:.200}");
}

#[tokio::test]
async fn completions_list_only_people_and_rooms_that_the_user_can_see() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut david = site.join("David").await;
    let room = site.closed_room(&ada, "Club").await;
    let names = ada.browser.get(&format!("/autocompletable/users?room_id={}", room.id)).await.text();
    assert_eq!(names, "[]", "nobody mentions themselves");
    let room_id = site.all_talk(&ada).await;
    site.join("Cleo").await;
    site.post(&david, room_id, "I spoke last").await;
    let names = ada.browser.get(&format!("/autocompletable/users?room_id={room_id}")).await.text();
    assert!(names.find("David") < names.find("Cleo") && !names.contains("Ada"), "{names}");
    assert!(names.contains(r#""mention":"@David""#), "{names}");
    assert!(ada.browser.get("/autocompletable/users?query=da").await.text().contains("David"));
    assert!(!ada.browser.get("/autocompletable/users").await.text().contains("mention"));
    let outside = david.browser.get(&format!("/autocompletable/users?room_id={}", room.id)).await;
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
    assert!(!david.browser.get("/autocompletable/rooms").await.text().contains("Club"));
    assert!(ada.browser.get("/autocompletable/rooms").await.text().contains("Club"));
    assert_eq!(david.browser.get("/autocompletable/users?room_id=x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn recent_searches_are_stored_per_user_and_cleared() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "two eels & a <walrus>").await;
    let stored = ada.browser.post("/searches", &[("q", "  eel   walrus ")]).await;
    assert_eq!((stored.status, stored.location()), (StatusCode::SEE_OTHER, "/searches?q=eel+walrus"));
    let page = ada.browser.get(stored.location()).await.text();
    assert!(page.contains("<mark>eels</mark> &amp; a &lt;<mark>walrus</mark>&gt;"), "{page}");
    assert!(page.contains(&message.path()) && page.contains("1 message"));
    assert!(page.contains("/searches?q=eel+walrus"), "among the recent ones");
    assert!(!bob.browser.get("/searches").await.text().contains("eel+walrus"));
    ada.browser.post("/searches/clear", &[("_method", "delete")]).await;
    assert!(!ada.browser.get("/searches").await.text().contains("eel+walrus"));
    assert!(ada.browser.get("/searches?q=penguin").await.text().contains("Nothing found"));
}

#[tokio::test]
async fn any_query_renders_a_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "plain words").await;
    for (query, text) in [
        ("NOT", "Nothing found"),
        ("foo+AND", "Nothing found"),
        ("%22", "Nothing found"),
        ("*", "Nothing found"),
        ("%F0%9F%94%A5", "Nothing found"),
        ("%27%3B+DROP+TABLE+messages%3B+--", "Nothing found"),
        ("words%29+OR+%28body_text%3A+x", "Nothing found"),
        ("NEAR%28words%29", "Nothing found"),
        ("%00", "Nothing found"),
        ("%ff%fe", "Nothing found"),
        ("to%3Aada+plain", "is not a filter"),
        ("from%3Anobody", "Nobody here is called"),
        ("in%3Anowhere", "You are in no room called"),
        ("has%3Acheese", "is not known"),
        ("before%3A2026-02-30", "is not a day"),
        ("after%3A", "Nothing found"),
    ] {
        let answer = ada.browser.get(&format!("/searches?q={query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        assert!(answer.text().contains(text), "{query}");
    }
    let long = ada.browser.get(&format!("/searches?q={}", "x".repeat(10_000))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.text().contains("at most 300 characters"));
    // A redirect would lead to a URL of up to 120,000 characters.
    for letter in ["x", "é", "ม", "𞤀", "🔥"] {
        let submitted = ada.browser.post("/searches", &[("q", &letter.repeat(10_000))]).await;
        assert_eq!(submitted.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = submitted.text();
        assert!(page.contains("at most 300 characters") && page.contains(&letter.repeat(10_000)), "the text is kept");
    }
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn names_of_deactivated_users_and_outsiders_are_no_mentions() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Club").await;
    assert!(!site.post(&ada, room.id, "@Bob").await.body_html.contains("mention"), "not a member");
    let room_id = site.all_talk(&ada).await;
    let before = site.post(&ada, room_id, "@Bob").await;
    assert!(before.body_html.contains("mention"));
    ops::users::deactivate(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    assert!(!site.post(&ada, room_id, "@Bob").await.body_html.contains("mention"), "no longer on the account");
    let stored = campfire::store::messages::find(site.state.db.reader(), room_id, before.id).await.unwrap().unwrap();
    assert!(stored.body_html.contains(&format!("/users/{}", bob.user.id)), "earlier mentions are kept");
}

#[tokio::test]
async fn editing_a_deleted_message_offers_the_text_as_a_new_one() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    ops::messages::remove(&site.state, &member(&site, &ada, room_id).await, message.id).await.unwrap();
    let path = format!("/rooms/{room_id}/messages/{}", message.id);
    let answer = ada.browser.post(&path, &[("_method", "put"), ("body", "my long text")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains("my long text"), "the text is in the form");
    assert!(answer.text().contains(&format!("action=\"/rooms/{room_id}/messages\"")));
}

#[tokio::test]
async fn a_form_sent_again_after_its_message_was_deleted_says_so() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}/messages");
    let form = [("seq", "7"), ("body", "said <once>")];
    assert_eq!(ada.browser.post(&path, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.browser.post(&path, &form).await.location(), format!("/rooms/{room_id}"), "the same message");
    assert_eq!(ada.browser.post(&format!("{path}/1"), &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);

    let again = ada.browser.post(&path, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(
        again.text().contains("was deleted since") && again.text().contains("said &lt;once&gt;"),
        "{}",
        again.text()
    );
    assert!(!again.text().contains(r#"value="7""#), "the form on that page makes a new message");
    assert_eq!(site.db_message_count().await, 0);
    assert_eq!(ada.browser.post(&path, &[("seq", ""), form[1]]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.db_message_count().await, 1);

    let deleted_again = ada.browser.post(&format!("{path}/1"), &[("_method", "delete")]).await;
    assert_eq!(deleted_again.location(), format!("/rooms/{room_id}/@1"));
    assert!(ada.browser.get(deleted_again.location()).await.text().contains("was deleted"));
}

#[tokio::test]
async fn the_days_of_a_search_are_those_of_the_readers_time_zone() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "eels at night").await;
    assert_eq!(campfire::model::utc_timestamp(message.created_at), "2023-11-14T22:13:20Z");
    let cookie = ada.browser.cookie.clone();
    for (zone, day) in [
        ("", 14),
        ("UTC", 14),
        ("Europe/Berlin", 14),
        ("Asia/Tokyo", 15),
        ("America/Los_Angeles", 14),
        ("Pacific/Kiritimati", 15),
        ("Nowhere/Else", 14),
        ("%ff", 14),
        ("../../etc/localtime", 14),
    ] {
        ada.browser.cookie = format!("{cookie}; time_zone={zone}");
        for (filter, is_found) in [
            (format!("before%3A2023-11-{day}"), false),
            (format!("before%3A2023-11-{}", day + 1), true),
            (format!("after%3A2023-11-{day}"), false),
            (format!("after%3A2023-11-{}", day - 1), true),
        ] {
            let page = ada.browser.get(&format!("/searches?q=eels+{filter}")).await.text();
            assert_eq!(page.contains(&message.path()), is_found, "{zone} {filter}");
        }
    }
}

/// The ids of the messages in a page, in its order.
fn shown_ids(page: &str) -> Vec<i64> {
    page.split("id=\"message-").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

#[tokio::test]
async fn pages_of_long_messages_are_small_and_go_on_without_a_gap() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut posted = Vec::new();
    for _ in 0..45 {
        posted.push(site.post(&ada, room_id, &"a ".repeat(15_900)).await.id.0);
    }
    let mut path = format!("/rooms/{room_id}");
    let mut shown = Vec::new();
    loop {
        let answer = ada.browser.get(&path).await;
        assert!(answer.body.len() <= 512 * 1024, "{path}: {}", answer.body.len());
        let page = answer.text();
        let ids = shown_ids(&page);
        assert!((5..40).contains(&ids.len()) || ids.first() == posted.first(), "{ids:?}");
        shown.splice(..0, ids);
        let Some((before, _)) = page.split_once("\" rel=\"external\">Older messages") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.to_owned();
    }
    assert_eq!(shown, posted);
    let around = ada.browser.get(&format!("/rooms/{room_id}/@{}", posted[20])).await;
    assert!(around.body.len() <= 512 * 1024, "{}", around.body.len());
    let ids = shown_ids(&around.text());
    let at = ids.iter().position(|id| *id == posted[20]).expect("the message of the link");
    assert!(at > 0 && at + 1 < ids.len() && posted.windows(ids.len()).any(|window| window == ids));
}

#[tokio::test]
async fn a_search_shows_marked_excerpts_of_long_messages_in_a_small_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for number in 0..102 {
        let words = "some other words ".repeat(350);
        site.post(&ada, room_id, &format!("{words} walrus number {number} {}", "& < ".repeat(300))).await;
    }
    let answer = ada.browser.get("/searches?q=walrus").await;
    assert!(answer.body.len() <= 256 * 1024, "{}", answer.body.len());
    let page = answer.text();
    assert!(page.contains("<mark>walrus</mark> number 101") && page.contains("The newest 100 messages"));
    assert_eq!(page.matches("<mark>walrus</mark>").count(), 100);
    // One that marks every character.
    let answer = ada.browser.get("/searches?q=%26+e+o+r+s+t").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.len() <= 256 * 1024, "{}", answer.body.len());
}

#[tokio::test]
async fn a_script_can_tell_a_removed_message_from_a_refusal() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let path = format!("/rooms/{room_id}/messages/{}", message.id);
    let headers = [("x-requested-with", "fetch"), ("content-type", "application/x-www-form-urlencoded")];
    let remove = || Body::from("_method=delete");
    let refused = bob.browser.send(Method::POST, &path, &headers, remove()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = site.browser().send(Method::POST, &path, &headers, remove()).await;
    assert!(!refused.status.is_success(), "signed out: {}", refused.status);
    let removed = ada.browser.send(Method::POST, &path, &headers, remove()).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let again = ada.browser.send(Method::POST, &path, &headers, remove()).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}
