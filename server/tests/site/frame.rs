//! Pages of forms in the frame, and the theme.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::model::Involvement;
use campfire::ops;

use crate::support::{Answer, Browser, TestSite};

/// Whether a page has the sidebar, and is hydrated.
fn is_framed(answer: &Answer) -> bool {
    let html = answer.text();
    let parts = [r#"aria-label="Rooms""#, "__RESOLVED_RESOURCES", r#"id="framed""#, "data-loader"];
    let found = parts.map(|part| html.contains(part));
    assert!(found == [true; 4] || !found[0] && !found[1] && !found[3], "{found:?}");
    found[0]
}

async fn fetched(browser: &mut Browser, path: &str) -> Answer {
    browser.send(Method::GET, path, &[("x-requested-with", "fetch")], Body::empty()).await
}

#[tokio::test]
async fn pages_of_forms_stand_beside_the_sidebar() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.post(&ada, room_id, "hello").await;
    for (path, title) in [
        ("/searches?q=hello".to_owned(), "Search"),
        ("/users/me/profile".to_owned(), "Your profile"),
        ("/account/edit".to_owned(), "Account settings"),
        ("/account/custom_styles/edit".to_owned(), "Custom styles"),
        (format!("/users/{}", ada.user.id), "Ada"),
        (format!("/rooms/opens/{room_id}/edit"), "Room settings"),
        ("/rooms/opens/new".to_owned(), "New room"),
        ("/rooms/closeds/new".to_owned(), "New room"),
        ("/rooms/directs/new".to_owned(), "New ping"),
        ("/nothing".to_owned(), "Nothing here"),
    ] {
        let page = ada.browser.get(&path).await;
        assert!(is_framed(&page), "{path}");
        let html = page.text();
        assert!(html.contains(&format!("<title>{title} – Campfire</title>")), "{path}");
        assert_eq!((html.matches("<h1").count(), html.matches("<main").count()), (1, 1), "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("wasm-unsafe-eval"), "{path}: {policy}");
        assert_eq!(page.headers["cache-control"], "private, no-store");

        let part = fetched(&mut ada.browser, &path).await;
        assert_eq!(part.status, page.status);
        let html = part.text();
        assert!(!is_framed(&part) && html.contains(r#"<main id="framed">"#), "{path}");
        assert!(html.len() < page.text().len(), "{path}");
    }
}

#[tokio::test]
async fn a_refused_form_stays_in_the_frame() {
    let (_site, mut ada) = TestSite::with_ada().await;
    let refused = ada.browser.post("/rooms/opens", &[("name", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(is_framed(&refused) && refused.text().contains("Give the room a name."));
    let saved = ada.browser.post("/account", &[("_method", "put"), ("name", "Acme")]).await;
    let page = ada.browser.get(saved.location()).await;
    assert_eq!(page.text().matches("Saved.").count(), 1, "in the frame");
    let part = fetched(&mut ada.browser, saved.location()).await;
    assert_eq!(part.text().matches("Saved.").count(), 1, "and without it");
}

#[tokio::test]
async fn pages_before_signing_in_have_no_frame() {
    let (site, mut ada) = TestSite::with_ada().await;
    for path in ["/session/new", &site.join_path().await, "/session/transfers/nonsense", "/nothing"] {
        let page = site.browser().get(path).await;
        assert!(!is_framed(&page), "{path}");
    }
    let transfer = ada.browser.get("/session/transfers/nonsense").await;
    assert!(!transfer.text().contains(r#"id="framed""#), "also for those who are signed in");
    let join = site.browser().get(&site.join_path().await).await;
    assert!(!join.text().contains(r#"id="framed""#));
}

#[tokio::test]
async fn a_script_that_sent_a_form_is_led_to_a_room_without_its_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}");
    let answer = fetched(&mut ada.browser, &path).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(ada.browser.get(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_quiet_form_is_answered_without_content() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let other = site.closed_room(&site.join("Bob").await, "Other").await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("prefer", "return=minimal")];
    let boosts = format!("/messages/{}/boosts", message.id);
    let involvement = format!("/rooms/{room_id}/involvement");
    for (path, body) in [
        (boosts.as_str(), "content=x"),
        (&involvement, "_method=put&involvement=nothing"),
        ("/users/me/theme", "theme=dark"),
    ] {
        let answer = ada.browser.send(Method::POST, path, &form, body.into()).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::NO_CONTENT, ""), "{path}");
    }
    let outside = format!("/rooms/{}/involvement", other.id);
    for (path, body, status) in [
        (outside.as_str(), "involvement=nothing", StatusCode::NOT_FOUND),
        (&involvement, "involvement=loud", StatusCode::UNPROCESSABLE_ENTITY),
        ("/users/me/theme", "theme=pink", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = ada.browser.send(Method::POST, path, &form, body.into()).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let signed_out = site.browser().send(Method::POST, &involvement, &form, "involvement=nothing".into()).await;
    assert_eq!(signed_out.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_theme_is_the_persons_and_on_every_page() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let system = r#"<html lang="en" data-theme="system">"#;
    let dark = r#"<html lang="en" data-theme="dark">"#;
    let before = ada.browser.get(&room).await.text();
    assert!(before.contains(system) && before.matches(r#"name="theme-color""#).count() == 2);
    assert!(before.contains("apple-touch-icon") && before.contains(r#"content="light dark""#));

    let chosen = ada.browser.post("/users/me/theme", &[("_method", "put"), ("theme", "dark")]).await;
    assert_eq!(chosen.location(), "/users/me/profile?notice=saved");
    for path in [&room, "/users/me/profile"] {
        let html = ada.browser.get(path).await.text();
        assert!(html.contains(dark) && html.contains(r#"<meta name="color-scheme" content="dark""#), "{path}");
        assert_eq!(html.matches(r#"name="theme-color""#).count(), 1, "{path}");
        assert!(bob.browser.get(path).await.text().contains(system), "{path}");
    }
    assert_eq!(ada.browser.get(&room).await.body, ada.browser.get(&room).await.body);

    // The sign-in page of that browser, where nobody is signed in.
    let cookie = chosen.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(cookie, "theme=dark");
    let mut browser = site.browser();
    assert!(browser.get("/session/new").await.text().contains(system));
    browser.cookie = cookie;
    assert!(browser.get("/session/new").await.text().contains(dark));
    browser.cookie = "theme=\"><script>".into();
    assert!(browser.get("/session/new").await.text().contains(system));
    assert!(site.browser().get("/users/me/theme").await.status.is_redirection());
}

#[tokio::test]
async fn hidden_rooms_are_counted_and_can_be_shown_again() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let page = format!("/rooms/{room_id}");
    assert!(!ada.browser.get("/users/me/profile").await.text().contains("Show again"));
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::memberships::set_involvement(&site.state, &member, Involvement::Invisible).await.unwrap();
    assert!(ada.browser.get(&page).await.text().contains("1 hidden room"));
    let profile = ada.browser.get("/users/me/profile").await.text();
    assert!(profile.contains(r#"id="hidden""#) && profile.contains("Show All Talk again"));
    let form = [("_method", "put"), ("involvement", "mentions"), ("return_to", "/users/me/profile")];
    assert_eq!(ada.browser.post(&format!("{page}/involvement"), &form).await.location(), "/users/me/profile");
    assert!(!ada.browser.get("/users/me/profile").await.text().contains("Show again"));
}

#[tokio::test]
async fn newcomers_are_invited_to_invite_and_greeted() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let join_path = site.join_path().await;
    let html = ada.browser.get(&room).await.text();
    assert!(html.contains("Invite your team") && html.contains(&join_path) && html.contains("/qr_code/"));
    let ping = ada.browser.get("/rooms/directs/new").await.text();
    assert!(ping.contains("Nobody else is here yet") && ping.contains(&join_path));

    let form = [("name", "Bob"), ("email_address", "bob@example.com"), ("password", "correct horse")];
    let mut bob = site.browser();
    let joined = bob.post(&join_path, &form).await;
    assert_eq!(joined.location(), "/?notice=welcome");
    let room_path = bob.get(joined.location()).await.location().to_owned();
    let html = bob.get(&room_path).await.text();
    assert!(html.contains("Welcome, <bdi>Bob</bdi>") && html.contains("<bdi>All Talk</bdi>"));
    assert!(!bob.get(&room).await.text().contains("Welcome, "), "only once");
    assert!(!ada.browser.get(&room).await.text().contains("Invite your team"), "she is not alone any more");
    assert!(!ada.browser.get("/rooms/directs/new").await.text().contains("Nobody else is here yet"));
}
