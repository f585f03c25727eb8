//! Rooms and messages by plain forms, without scripts.

use axum::http::{Method, StatusCode};

use crate::support::TestSite;

#[tokio::test]
async fn an_outsider_cannot_tell_that_a_closed_room_exists() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Designers").await;
    let message = site.post(&ada, room.id, "secret").await;
    assert_eq!(ada.browser.get(&format!("/rooms/{}", room.id)).await.status, StatusCode::OK);

    for (exists, missing) in [
        (format!("/rooms/{}", room.id), "/rooms/999".to_owned()),
        (format!("/rooms/{}/@{}", room.id, message.id), "/rooms/999/@1".to_owned()),
        (format!("/rooms/closeds/{}/edit", room.id), "/rooms/closeds/999/edit".to_owned()),
        (format!("/rooms/{}/messages/{}/edit", room.id, message.id), "/rooms/999/messages/1/edit".to_owned()),
    ] {
        let exists = bob.browser.get(&exists).await;
        let missing = bob.browser.get(&missing).await;
        assert_eq!((exists.status, exists.location()), (StatusCode::SEE_OTHER, "/?notice=room-missing"));
        assert_eq!(
            (exists.status, exists.location(), &exists.body),
            (missing.status, missing.location(), &missing.body)
        );
    }
    let home = bob.browser.get("/?notice=room-missing").await;
    let shown = bob.browser.get(home.location()).await.text();
    assert!(shown.contains("That room does not exist, or you are not in it."));
    assert!(!shown.contains("Designers"));
    let posted = bob.browser.post(&format!("/rooms/{}/messages", room.id), &[("body", "let me in")]).await;
    assert_eq!(posted.location(), "/?notice=room-missing");
    let arguments = serde_json::json!({"room_id": room.id, "anchor": "newest"});
    assert_eq!(bob.browser.call("rooms/page", &arguments).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn messages_are_posted_edited_and_removed_by_forms() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let room = format!("/rooms/{room_id}");
    let answer =
        ada.browser.post(&format!("{room}/messages"), &[("message[body]", "hello *Bob*\r\nhow are you?")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, room.as_str()));
    let html = bob.browser.get(&room).await.text();
    assert!(html.contains("hello <em>Bob</em><br>\nhow are you?"));

    let message = format!("{room}/messages/1");
    assert_eq!(bob.browser.get(&format!("{message}/edit")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        bob.browser.post(&message, &[("_method", "put"), ("body", "mine now")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(bob.browser.post(&message, &[("_method", "delete")]).await.status, StatusCode::FORBIDDEN);
    assert!(ada.browser.get(&format!("{message}/edit")).await.text().contains("hello *Bob*\nhow are you?"));
    let blank = ada.browser.post(&message, &[("_method", "put"), ("body", " ")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    let edited = ada.browser.post(&message, &[("_method", "put"), ("body", "goodbye")]).await;
    assert_eq!(edited.location(), format!("{room}/@1"));
    assert!(bob.browser.get(&room).await.text().contains("goodbye"));
    assert_eq!(ada.browser.send(Method::DELETE, &message, &[], axum::body::Body::empty()).await.location(), room);
    assert!(!bob.browser.get(&room).await.text().contains("goodbye"));
}

#[tokio::test]
async fn a_form_submitted_twice_posts_one_message_and_a_later_form_another() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let seq = async |browser: &mut crate::support::Browser| {
        let html = browser.get(&room).await.text();
        let field = html.split(r#"name="seq" value=""#).nth(1).expect("the composer contains the position of the page");
        field.split('"').next().unwrap().to_owned()
    };
    let first = seq(&mut ada.browser).await;
    for _ in 0..2 {
        let form = [("body", "hello"), ("seq", first.as_str())];
        assert_eq!(ada.browser.post(&format!("{room}/messages"), &form).await.location(), room);
    }
    assert_eq!(site.db_message_count().await, 1);
    let second = seq(&mut ada.browser).await;
    assert_ne!(first, second);
    ada.browser.post(&format!("{room}/messages"), &[("body", "hello"), ("seq", &second)]).await;
    assert_eq!(site.db_message_count().await, 2);
}

#[tokio::test]
async fn rooms_are_made_changed_and_removed_by_forms() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let bob_id = bob.user.id.to_string();
    let made = ada.browser.post("/rooms/closeds", &[("room[name]", "Designers"), ("user_ids[]", &bob_id)]).await;
    let path = made.location().to_owned();
    assert_eq!(bob.browser.get(&path).await.status, StatusCode::OK);
    let id = path.strip_prefix("/rooms/").unwrap();

    let settings = format!("/rooms/closeds/{id}");
    assert_eq!(
        bob.browser.post(&settings, &[("_method", "put"), ("name", "Bobs")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(bob.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::FORBIDDEN);
    let look = bob.browser.get(&format!("{settings}/edit")).await.text();
    assert!(look.contains("Designers") && !look.contains("Delete room"));
    assert!(ada.browser.get(&format!("{settings}/edit")).await.text().contains("Delete room"));

    let ada_id = ada.user.id.to_string();
    let nobody = ada.browser.post(&settings, &[("name", "Designers")]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.text().contains("Choose at least one person"));
    ada.browser.post(&settings, &[("_method", "put"), ("name", "Design"), ("user_ids", &ada_id)]).await;
    assert_eq!(bob.browser.get(&path).await.location(), "/?notice=room-missing");
    ada.browser.post(&format!("/rooms/opens/{id}"), &[("_method", "put"), ("name", "For all")]).await;
    assert!(bob.browser.get(&path).await.text().contains("For all"));
    let removed = ada.browser.post(&path, &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/?notice=room-removed");
    assert_eq!(ada.browser.get(&path).await.location(), "/?notice=room-missing");
}

#[tokio::test]
async fn displaying_a_room_marks_it_read() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let other = bob.browser.post("/rooms/closeds", &[("name", "Bobs")]).await.location().to_owned();
    site.post(&ada, room_id, "hello").await;
    assert!(bob.browser.get(&other).await.text().contains(r#"class="dot""#));
    let page = bob.browser.get(&format!("/rooms/{room_id}")).await;
    assert!(!page.text().contains(r#"class="dot""#), "the room in view is not unread");
    // The room is marked as read after the response; this write is queued behind it.
    site.state.db.write(async |_| Ok(())).await.unwrap();
    let reading =
        async || campfire::store::layouts::find(site.state.db.reader(), bob.user.id, 0).await.unwrap().unwrap().rooms;
    while reading().await.iter().any(|room| room.unread) {
        tokio::task::yield_now().await;
    }
    assert!(!bob.browser.get(&other).await.text().contains(r#"class="dot""#));
}
