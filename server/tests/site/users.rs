//! Profiles, devices, transfers, the account and bans, by their pages and forms.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::model::Role;
use campfire::ops;
use campfire::store;

use crate::support::{Browser, PASSWORD, Someone, TestSite};

async fn from_address(browser: &mut Browser, path: &str, address: &str, form: &str) -> StatusCode {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-for", address)];
    browser.send(Method::POST, path, &headers, Body::from(form.to_owned())).await.status
}

/// Signs the same person in with another browser.
async fn another_browser(site: &TestSite, someone: &Someone) -> Browser {
    let mut browser = site.browser();
    let address = format!("{}@example.com", someone.user.name.to_lowercase());
    let form = [("email_address", address.as_str()), ("password", PASSWORD)];
    assert_eq!(browser.post("/session", &form).await.status, StatusCode::SEE_OTHER);
    browser
}

#[tokio::test]
async fn a_profile_can_be_changed_in_part_and_invalid_fields_are_shown_again() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let path = "/users/me/profile";
    let answer = bob.browser.post(path, &[("_method", "put"), ("name", "Robert"), ("bio", "Builds\r\nthings")]).await;
    assert_eq!(answer.location(), "/users/me/profile?notice=saved");
    let shown = bob.browser.get(answer.location()).await.text();
    assert!(shown.contains("Saved.") && shown.contains("Robert") && shown.contains("Builds\nthings"));
    assert!(shown.contains("bob@example.com"));

    let taken =
        bob.browser.post(path, &[("_method", "put"), ("name", "Bobby"), ("email_address", "ADA@Example.com")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text().contains("Someone has that e-mail address already.") && taken.text().contains("Bobby"));
    assert_eq!(site.profile(bob.user.id).await.name, "Robert");
    for (field, value) in [("name", " "), ("email_address", "nowhere"), ("bio", &"x".repeat(201))] {
        let answer = bob.browser.post(path, &[("_method", "put"), (field, value)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(answer.text().matches(r#"aria-invalid="true""#).count(), 1, "{field}");
    }
}

#[tokio::test]
async fn changing_the_password_signs_other_devices_out_unless_they_are_kept() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut phone = another_browser(&site, &bob).await;
    let path = "/users/me/profile";
    let new = ("password", "another horse");
    for form in [
        vec![("_method", "put"), new],
        vec![("_method", "put"), new, ("present_password", "wrong")],
        vec![("_method", "put"), ("password", "short"), ("present_password", PASSWORD)],
        vec![("_method", "put"), ("present_password", PASSWORD)],
    ] {
        let answer = bob.browser.post(path, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        assert!(!answer.text().contains("another horse") && !answer.text().contains(PASSWORD));
    }
    let form = [("_method", "put"), new, ("present_password", PASSWORD), ("keep_others", "true")];
    assert_eq!(bob.browser.post(path, &form).await.location(), "/users/me/profile?notice=password-changed");
    assert_eq!(phone.get(path).await.status, StatusCode::OK, "kept on request");
    let form = [("_method", "put"), ("password", PASSWORD), ("present_password", "another horse")];
    let answer = bob.browser.post(path, &form).await;
    assert_eq!(answer.location(), "/users/me/profile?notice=password-changed-everywhere");
    assert_eq!(bob.browser.get(path).await.status, StatusCode::OK);
    assert_eq!(phone.call("session/check", &serde_json::json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn devices_are_listed_and_can_be_signed_out() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut phone = another_browser(&site, &bob).await;
    let mut tablet = another_browser(&site, &bob).await;
    let list =
        async || store::sessions::list(site.state.db.reader(), bob.user.id, site.state.clock.now_ms()).await.unwrap();
    let sessions = list().await;
    assert_eq!(sessions.len(), 3);
    let page = bob.browser.get("/users/me/profile").await.text();
    assert_eq!(page.matches("This device").count(), 1);
    assert_eq!(page.matches(r#"action="/users/me/sessions/"#).count(), 2);

    // The newest comes first: the tablet's.
    let path = format!("/users/me/sessions/{}", sessions[0].id);
    assert_eq!(
        bob.browser.post(&path, &[("_method", "delete")]).await.location(),
        "/users/me/profile?notice=device-signed-out"
    );
    assert_eq!(tablet.call("session/check", &serde_json::json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(tablet.get("/").await.location(), "/session/new");
    assert_eq!(bob.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND, "ended already");
    bob.browser.post("/users/me/sessions", &[("_method", "delete")]).await;
    assert_eq!(phone.get("/").await.location(), "/session/new");
    assert_eq!(list().await.len(), 1);
}

#[tokio::test]
async fn transfer_links_sign_in_and_invalid_ones_get_identical_responses() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let link_of = |page: String| {
        let link =
            page.split("http://chat.example").find(|part| part.starts_with("/session/transfers/")).unwrap().to_owned();
        link.split('"').next().unwrap().to_owned()
    };
    let link = link_of(bob.browser.get("/users/me/profile").await.text());
    let mut phone = site.browser();
    let offered = phone.get(&link).await;
    assert_eq!(offered.status, StatusCode::OK);
    assert!(offered.text().contains("data-at-once") && phone.cookie.is_empty(), "opening the link signs nobody in");
    assert_eq!(phone.post(&link, &[("_method", "put")]).await.location(), "/");
    assert!(phone.get("/users/me/profile").await.text().contains("bob@example.com"));
    // A signed-in browser does not submit the form by itself.
    assert!(!ada.browser.get(&link).await.text().contains("data-at-once"));

    let rescue = link_of(ada.browser.get(&format!("/users/{}", bob.user.id)).await.text());
    let mut rescued = site.browser();
    let answer = rescued.send(Method::PUT, &rescue, &[], Body::empty()).await;
    assert_eq!(answer.location(), "/users/me/profile#password");

    let mut stranger = site.browser();
    let used = stranger.post(&link, &[("_method", "put")]).await;
    assert_eq!(used.status, StatusCode::BAD_REQUEST, "a link works once");
    let link = link_of(bob.browser.get("/users/me/profile").await.text());
    let session = phone.cookie.split('=').nth(1).unwrap().to_owned();
    let qr_of_join = bob.browser.get("/account/edit").await.text();
    let qr_id = qr_of_join.split("/qr_code/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut forged = link.clone();
    forged.pop();
    forged.push(if link.ends_with('A') { 'B' } else { 'A' });
    let others = [
        forged,
        format!("/session/transfers/{session}"),
        format!("/session/transfers/{qr_id}"),
        "/session/transfers/%F0%9F%94%A5".into(),
    ];
    let mut bodies = Vec::new();
    for path in &others {
        assert_eq!(stranger.get(path).await.status, StatusCode::OK, "the page is the same for every id: {path}");
        let refused = stranger.post(path, &[("_method", "put")]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        bodies.push(refused.body);
    }
    site.state.clock.advance(ops::transfers::VALID_MS);
    let expired = stranger.post(&link, &[("_method", "put")]).await;
    assert_eq!(expired.status, StatusCode::BAD_REQUEST);
    bodies.push(expired.body);
    let own_link = format!("/users/{}/sign_in_link", bob.user.id);
    let fresh = link_of(bob.browser.post(&own_link, &[("link_password", PASSWORD)]).await.text());
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    bodies.push(stranger.post(&fresh, &[("_method", "put")]).await.body);
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "all refusals are identical");
    assert!(stranger.cookie.is_empty());
}

#[tokio::test]
async fn a_link_or_another_address_needs_the_password_a_while_after_signing_in() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let profile = "/users/me/profile";
    assert!(bob.browser.get(profile).await.text().contains("/session/transfers/"));
    site.state.clock.advance(15 * 60 * 1_000 + 1);
    let page = bob.browser.get(profile).await.text();
    assert!(!page.contains("/session/transfers/") && page.contains(r#"name="link_password""#));
    let of_bob = format!("/users/{}/sign_in_link", bob.user.id);
    let refused = bob.browser.post(&of_bob, &[("link_password", "wrong")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.text().matches("That is not your present password.").count(), 1);
    let refused = bob.browser.post(&of_bob, &[]).await;
    assert!(refused.text().contains("Enter your present password"));
    let made = bob.browser.post(&of_bob, &[("link_password", PASSWORD)]).await;
    assert!(made.status == StatusCode::OK && made.text().contains("/session/transfers/"));
    assert_eq!(bob.browser.get(&of_bob).await.location(), format!("/users/{}", bob.user.id), "a reload");
    let of_ada = format!("/users/{}/sign_in_link", ada.user.id);
    assert_eq!(bob.browser.post(&of_ada, &[("link_password", PASSWORD)]).await.status, StatusCode::FORBIDDEN);
    assert!(!ada.browser.get(&format!("/users/{}", bob.user.id)).await.text().contains("/session/transfers/"));
    let made = ada.browser.post(&of_bob, &[("link_password", PASSWORD)]).await;
    assert!(made.text().contains("/session/transfers/") && made.text().contains("Sign-in link of Bob"));

    let moved = |password: &'static str| {
        [("_method", "put"), ("email_address", "rob@example.com"), ("address_password", password)]
    };
    for password in ["", "wrong"] {
        let refused = bob.browser.post(profile, &moved(password)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.text().matches(r#"aria-invalid="true""#).count(), 1);
        assert!(refused.text().contains("rob@example.com"), "what was entered stays");
    }
    let same = [("_method", "put"), ("name", "Robert"), ("email_address", "bob@example.com"), ("address_password", "")];
    assert_eq!(bob.browser.post(profile, &same).await.location(), "/users/me/profile?notice=saved");
    assert_eq!(bob.browser.post(profile, &moved(PASSWORD)).await.location(), "/users/me/profile?notice=saved");
    assert_eq!(site.profile(bob.user.id).await.email_address.as_deref(), Some("rob@example.com"));
}

#[tokio::test]
async fn wrong_present_passwords_have_to_wait_and_the_form_keeps_its_values() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let form = |present| {
        [("_method", "put"), ("name", "Robert"), ("password", "another horse"), ("present_password", present)]
    };
    for _ in 0..5 {
        let wrong = bob.browser.post("/users/me/profile", &form("wrong")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let waiting = bob.browser.post("/users/me/profile", &form(PASSWORD)).await;
    assert_eq!(waiting.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waiting.headers["retry-after"], "10");
    assert!(waiting.text().contains("Wait 10 s") && waiting.text().contains("Robert"));
    let mut neighbour = site.browser();
    let sign_in = [("email_address", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(neighbour.post("/session", &sign_in).await.status, StatusCode::SEE_OTHER, "from the same address");
    site.state.clock.advance(10_000);
    assert_eq!(bob.browser.post("/users/me/profile", &form(PASSWORD)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_name_like_that_of_the_administrator_gets_a_number() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut stranger = site.browser();
    let form = [("name", "АDA"), ("email_address", "mallory@example.com"), ("password", PASSWORD)];
    assert_eq!(stranger.post(&site.join_path().await, &form).await.status, StatusCode::SEE_OTHER);
    let page = stranger.get("/users/me/profile").await.text();
    assert!(page.contains(r#"value="АDA (2)""#));
    let form = [("_method", "put"), ("name", "Ada.")];
    assert_eq!(stranger.post("/users/me/profile", &form).await.status, StatusCode::SEE_OTHER);
    assert!(stranger.get("/users/me/profile").await.text().contains(r#"value="Ada. (2)""#));
}

#[tokio::test]
async fn the_administrators_address_is_shown_before_signing_in_only_on_request() {
    let (site, mut ada) = TestSite::with_ada().await;
    let join = site.join_path().await;
    for path in ["/session/new", &join] {
        let page = site.browser().get(path).await.text();
        assert!(!page.contains("ada@example.com") && page.contains("Ask an administrator"), "{path}");
    }
    let show = [("_method", "put"), ("show_help", "false"), ("show_help", "true")];
    assert_eq!(ada.browser.post("/account", &show).await.location(), "/account/edit?notice=saved");
    for path in ["/session/new", &join] {
        assert!(site.browser().get(path).await.text().contains("mailto:ada@example.com"), "{path}");
    }
    ada.browser.post("/account", &[("_method", "put"), ("show_help", "false")]).await;
    assert!(!site.browser().get("/session/new").await.text().contains("ada@example.com"));
}

#[tokio::test]
async fn a_user_who_writes_too_fast_is_told_when_to_go_on_and_others_are_not_affected() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    site.state.limit_writes(5);
    let room = site.all_talk(&ada).await;
    let post = |number: u64| {
        let id = campfire::model::ClientMessageId::v7(number, [0; 10]);
        serde_json::json!({ "room_id": room, "client_message_id": id, "body": format!("message {number}") })
    };
    for number in 0..20 {
        assert_eq!(bob.browser.call("messages/post", &post(number)).await.status, StatusCode::OK);
    }
    let refused = bob.browser.call("messages/post", &post(20)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.text(), r#"{"too_many_tries":1}"#);
    let form = bob.browser.post(&format!("/rooms/{room}/messages"), &[("body", "by form")]).await;
    assert_eq!((form.status, &form.headers["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap()));
    assert!(form.text().contains("by form"), "what was written stays");
    let read = serde_json::json!({ "room_id": room, "anchor": "newest" });
    assert_ne!(bob.browser.call("rooms/page", &read).await.status, StatusCode::TOO_MANY_REQUESTS, "reading is free");
    assert_eq!(ada.browser.call("messages/post", &post(21)).await.status, StatusCode::OK);
    site.state.clock.advance(200);
    assert_eq!(bob.browser.call("messages/post", &post(20)).await.status, StatusCode::OK);
    assert_eq!(site.db_message_count().await, 22);
}

#[tokio::test]
async fn every_form_that_is_sent_too_fast_comes_back_with_what_was_entered() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.all_talk(&ada).await;
    let closed = site.closed_room(&ada, "Designers").await.id;
    let message = site.post(&ada, room, "hello").await.id;
    let bob_id = bob.user.id.to_string();
    site.state.limit_writes(5);
    for number in 0..20 {
        let body = format!("message {number}");
        ada.browser.post(&format!("/rooms/{room}/messages"), &[("body", body.as_str())]).await;
    }
    let put = ("_method", "put");
    let name = ("name", "Gardeners");
    let forms = [
        ("/rooms/opens".to_owned(), vec![name], "Gardeners"),
        ("/rooms/closeds".to_owned(), vec![name, ("user_ids", &bob_id)], "checked"),
        (format!("/rooms/closeds/{closed}"), vec![put, name, ("user_ids", &bob_id)], "Gardeners"),
        (format!("/rooms/opens/{closed}"), vec![put, name], "Gardeners"),
        ("/rooms/directs".to_owned(), vec![("user_ids", &bob_id)], "checked"),
        ("/account".to_owned(), vec![put, name], "Gardeners"),
        ("/account".to_owned(), vec![put, ("show_help", "false"), ("show_help", "true")], "checked"),
        ("/account/custom_styles".to_owned(), vec![put, ("custom_styles", ".gardeners {}")], ".gardeners {}"),
        ("/users/me/profile".to_owned(), vec![put, name, ("email_address", "ada@example.com")], "Gardeners"),
        (format!("/rooms/{room}/messages"), vec![("body", "weeds")], "weeds"),
        (format!("/rooms/{room}/messages/{message}"), vec![put, ("body", "weeds")], "weeds"),
        (format!("/messages/{message}/boosts"), vec![("content", "weeds")], "weeds"),
    ];
    for (path, form, entered) in forms {
        let refused = ada.browser.post(&path, &form).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(refused.headers["retry-after"], "1", "{path}");
        let page = refused.text();
        assert!(page.contains("Wait 1 s") && page.contains(entered), "{path}: {page}");
        assert!(page.contains("<form"), "{path}");
    }
}

#[tokio::test]
async fn a_locked_out_person_comes_by_the_administrators_link_to_the_field_for_a_new_password() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let link_in = |page: &str| {
        let link = page.split("http://chat.example").find(|part| part.starts_with("/session/transfers/")).unwrap();
        link.split('"').next().unwrap().to_owned()
    };
    let link = link_in(&ada.browser.get(&format!("/users/{}", bob.user.id)).await.text());
    let mut phone = site.browser();
    let answer = phone.post(&link, &[("_method", "put")]).await;
    assert_eq!(answer.location(), "/users/me/profile#password");
    let page = phone.get("/users/me/profile").await.text();
    assert!(page.contains("An administrator’s link signed you in") && !page.contains(r#"name="present_password""#));
    let set = |password| [("_method", "put"), ("password", password)];
    let short = phone.post("/users/me/profile", &set("short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text().contains(r#"aria-invalid="true""#) && !short.text().contains(r#"name="present_password""#));
    assert_eq!(phone.post("/users/me/profile", &set("")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let location = phone.post("/users/me/profile", &set("another horse")).await.location().to_owned();
    assert_eq!(location, "/users/me/profile?notice=password-changed-everywhere");
    assert!(phone.get("/users/me/profile").await.text().contains(r#"name="present_password""#));
    assert_eq!(phone.post("/users/me/profile", &set("third horse")).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let own = link_in(&phone.get("/users/me/profile").await.text());
    let mut tablet = site.browser();
    assert_eq!(tablet.post(&own, &[("_method", "put")]).await.location(), "/");
    assert!(tablet.get("/users/me/profile").await.text().contains(r#"name="present_password""#));
}

#[tokio::test]
async fn qr_codes_need_no_session_and_are_immutable() {
    let (site, mut ada) = TestSite::with_ada().await;
    let page = ada.browser.get("/account/edit").await.text();
    let path = format!("/qr_code/{}", page.split("/qr_code/").nth(1).unwrap().split('"').next().unwrap());
    let picture = site.browser().get(&path).await;
    assert_eq!(picture.status, StatusCode::OK);
    assert_eq!(picture.headers["content-type"], "image/svg+xml");
    assert_eq!(picture.headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(picture.text().starts_with("<svg") && picture.text().contains("viewBox"));
    for id in ["_!_", "%F0%9F%94%A5", "_____w", &"QUFB".repeat(334)] {
        assert_eq!(site.browser().get(&format!("/qr_code/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn the_account_can_be_renamed_and_its_join_link_renewed() {
    let (site, mut ada) = TestSite::with_ada().await;
    let old = site.join_path().await;
    let blank = ada.browser.post("/account", &[("_method", "put"), ("name", " ")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(blank.text().contains("Give it a name."));
    let renamed = ada.browser.post("/account", &[("_method", "put"), ("account[name]", "Fire & Co")]).await;
    assert_eq!(renamed.location(), "/account/edit?notice=saved");
    assert!(site.browser().get("/session/new").await.text().contains("Sign in to Fire &amp; Co"));
    ada.browser.post("/account/join_code", &[]).await;
    assert_eq!(site.browser().get(&old).await.status, StatusCode::NOT_FOUND);
    let form = [("name", "Eve"), ("email_address", "eve@example.com"), ("password", PASSWORD)];
    assert_eq!(site.browser().post(&old, &form).await.status, StatusCode::NOT_FOUND);
    site.join("Eve").await;
}

#[tokio::test]
async fn the_list_of_people_is_paged_and_filtered() {
    let (site, mut ada) = TestSite::with_ada().await;
    site.db_crowd(5_000).await;
    let first = ada.browser.get("/account/edit").await.text();
    let (_, first) = first.split_once("id=\"framed\"").unwrap();
    assert_eq!(first.matches("class=\"list__row list__row--link\"").count(), 100);
    assert!(first.find("Ada").unwrap() < first.find("Person 00001").unwrap(), "administrators stand first");
    assert!(first.contains("/account/edit?page=2#people"));
    let last = ada.browser.get("/account/edit?page=51").await.text();
    assert!(last.contains("Person 05000") && !last.contains("page=52"));
    let beyond = ada.browser.get("/account/edit?page=9999999999").await.text();
    assert!(beyond.contains("There are no more people."));
    let found = ada.browser.get("/account/edit?filter=PERSON+0499").await.text();
    assert_eq!(found.matches("class=\"list__row list__row--link\"").count(), 10);
    assert!(ada.browser.get("/account/edit?filter=%25").await.text().contains("Nobody of that name."));
    assert_eq!(ada.browser.get("/account/users?page=3").await.location(), "/account/edit?page=3#people");
}

#[tokio::test]
async fn removal_and_ban_end_sessions_and_only_removal_frees_the_address() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let mut cleo = site.join("Cleo").await;
    let removed = ada.browser.post(&format!("/account/users/{}", bob.user.id), &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/account/edit?notice=person-removed");
    assert_eq!(bob.browser.get("/").await.location(), "/session/new");
    let page = ada.browser.get(&format!("/users/{}", bob.user.id)).await.text();
    assert!(page.contains("Bob is no longer on this account.") && !page.contains("Ping Bob"));
    assert!(!ada.browser.get("/account/edit").await.text().contains("Bob"));
    site.join("Bob").await;

    let banned = ada.browser.post(&format!("/users/{}/ban", cleo.user.id), &[]).await;
    assert_eq!(banned.location(), format!("/users/{}?notice=banned-alone", cleo.user.id));
    let page = ada.browser.get(banned.location()).await.text();
    assert!(page.contains("No public address of theirs is known") && page.contains("Remove ban"));
    assert_eq!(cleo.browser.call("session/check", &serde_json::json!({})).await.status, StatusCode::UNAUTHORIZED);
    let form = [("email_address", "cleo@example.com"), ("password", PASSWORD)];
    assert_eq!(cleo.browser.post("/session", &form).await.status, StatusCode::UNAUTHORIZED);
    ada.browser.post(&format!("/users/{}/ban", cleo.user.id), &[("_method", "delete")]).await;
    assert_eq!(cleo.browser.post("/session", &form).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_signs_in_or_joins_from_a_banned_address_and_who_is_in_stays_in() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mallory = site.join("Mallory").await;
    let mut evil = site.browser();
    let sign_in = format!("email_address=mallory%40example.com&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(from_address(&mut evil, "/session", "203.0.113.9", &sign_in).await, StatusCode::SEE_OTHER);
    let mut neighbour = site.join("Neighbour").await.browser;
    let room = site.all_talk(&mallory).await;
    let ban = format!("/users/{}/ban", mallory.user.id);
    assert_eq!(ada.browser.post(&ban, &[]).await.location(), format!("/users/{}?notice=banned", mallory.user.id));
    let mut stranger = site.browser();
    let join = site.join_path().await;
    let link = format!("/session/transfers/{}", ops::transfers::mint(&site.state, ada.user.id).await.unwrap());
    for path in ["/session", &join, &link] {
        let form = if path == link { "_method=put" } else { sign_in.as_str() };
        let status = from_address(&mut stranger, path, "203.0.113.9", form).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    let headers = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(stranger.send(Method::GET, &join, &headers, Body::empty()).await.status, StatusCode::OK);
    assert_ne!(from_address(&mut stranger, "/session", "203.0.113.10", &sign_in).await, StatusCode::TOO_MANY_REQUESTS);

    // A neighbour who came to this address with a session.
    let post = format!("/rooms/{room}/messages");
    assert_eq!(from_address(&mut neighbour, &post, "203.0.113.9", "body=still+here").await, StatusCode::SEE_OTHER);
    assert_eq!(from_address(&mut ada.browser, &ban, "203.0.113.9", "_method=delete").await, StatusCode::SEE_OTHER);
    assert_eq!(from_address(&mut neighbour, "/session", "203.0.113.9", "_method=delete").await, StatusCode::SEE_OTHER);
    assert_eq!(from_address(&mut stranger, "/session", "203.0.113.9", &sign_in).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_that_others_use_is_not_banned_and_the_page_says_so() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut mallory = site.join("Mallory").await;
    let room = site.all_talk(&mallory).await;
    let post = format!("/rooms/{room}/messages");
    for browser in [&mut mallory.browser, &mut ada.browser] {
        assert_eq!(from_address(browser, &post, "203.0.113.9", "body=hello").await, StatusCode::SEE_OTHER);
    }
    let banned = ada.browser.post(&format!("/users/{}/ban", mallory.user.id), &[]).await;
    assert_eq!(banned.location(), format!("/users/{}?notice=banned-shared", mallory.user.id));
    assert!(ada.browser.get(banned.location()).await.text().contains("people can still sign in and join from there"));
    let mut stranger = site.browser();
    let form = "email_address=ada%40example.com&password=correct+horse";
    assert_eq!(from_address(&mut stranger, "/session", "203.0.113.9", form).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_ban_reaches_the_address_that_was_last_written_from() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut mallory = site.join("Mallory").await;
    let room = site.all_talk(&mallory).await;
    let post = format!("/rooms/{room}/messages");
    assert_eq!(from_address(&mut mallory.browser, &post, "203.0.113.9", "body=spam").await, StatusCode::SEE_OTHER);
    assert_eq!(
        from_address(&mut mallory.browser, "/session", "203.0.113.9", "_method=delete").await,
        StatusCode::SEE_OTHER
    );
    let banned = ada.browser.post(&format!("/users/{}/ban", mallory.user.id), &[]).await;
    assert_eq!(banned.location(), format!("/users/{}?notice=banned", mallory.user.id));
    let form = "email_address=ada%40example.com&password=correct+horse";
    let status = from_address(&mut site.browser(), "/session", "203.0.113.9", form).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_last_administrator_cannot_be_demoted_removed_or_banned() {
    let (site, mut ada) = TestSite::with_ada().await;
    let path = format!("/account/users/{}", ada.user.id);
    for (path, method) in [(path.clone(), "put"), (path, "delete"), (format!("/users/{}/ban", ada.user.id), "post")] {
        let answer = ada.browser.post(&path, &[("_method", method), ("role", "member")]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path} {method}");
        assert!(answer.text().contains("Campfire needs an administrator."));
    }
    let bot = site.db_somebody().await;
    site.db_set_role(bot, Role::Bot).await;
    let answer =
        ada.browser.post(&format!("/account/users/{bot}"), &[("_method", "put"), ("role", "administrator")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "a bot's role is not a person's");
}

#[tokio::test]
async fn custom_styles_apply_to_all_pages_and_cannot_escape_the_style_sheet() {
    let (site, mut ada) = TestSite::with_ada().await;
    let nasty = "</textarea></style><script>alert(1)</script> @import url(//evil.example/a.css); * { display: none; background: url(//evil.example/b.png) }";
    let form = [("_method", "put"), ("account[custom_styles]", nasty)];
    let saved = ada.browser.post("/account/custom_styles", &form).await;
    assert_eq!(saved.location(), "/account/custom_styles/edit?notice=saved");
    let mut stranger = site.browser();
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let pages = [stranger.get("/session/new").await, ada.browser.get(&room).await, ada.browser.get("/nothing").await];
    let mut sheet = String::new();
    for page in &pages {
        let html = page.text();
        assert!(!html.contains("evil.example") && !html.contains("alert(1)"));
        sheet = html
            .split(r#"id="custom-styles" href=""#)
            .nth(1)
            .expect("the page links to it")
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        // The policy of the pages forbids style sheets to load anything from other sites.
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("img-src 'self';"), "{policy}");
    }
    let css = stranger.get(&sheet).await;
    assert_eq!(
        (css.text().as_str(), css.headers["content-type"].to_str().unwrap()),
        (nasty, "text/css; charset=utf-8")
    );
    assert_eq!(css.headers["x-content-type-options"], "nosniff");

    // Styles that hide everything can be turned off to change them.
    let plain = ada.browser.get("/account/custom_styles/edit?plain=1").await.text();
    assert!(!plain.contains("custom-styles\" href") && plain.contains("&lt;script&gt;alert(1)"), "{plain}");
    assert!(!ada.browser.get(&format!("{room}?plain=1")).await.text().contains("custom-styles\" href"));

    let long = "x".repeat(64 * 1024 + 1);
    let refused = ada.browser.post("/account/custom_styles", &[("_method", "put"), ("custom_styles", &long)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Custom styles have at most 64 KB."));
    let huge = "x".repeat(1024 * 1024);
    let refused = ada.browser.post("/account/custom_styles", &[("_method", "put"), ("custom_styles", &huge)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    ada.browser.post("/account/custom_styles", &[("_method", "put"), ("custom_styles", "")]).await;
    assert!(!stranger.get("/session/new").await.text().contains("custom-styles"));
    assert_eq!(stranger.get(&sheet).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_old_browser_gets_one_notice_and_pages_without_wasm() {
    let (site, mut ada) = TestSite::with_ada().await;
    let old = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:114.0) Gecko/20100101 Firefox/114.0");
    let mut stranger = site.browser();
    let first = stranger.send(Method::GET, "/session/new", &[old], Body::empty()).await;
    assert!(first.text().contains("This browser is too old"));
    let cookie = first.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    stranger.cookie = cookie.clone();
    let second = stranger.send(Method::GET, "/session/new", &[old], Body::empty()).await;
    assert!(!second.text().contains("This browser is too old"));

    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let page = ada.browser.send(Method::GET, &room, &[old], Body::empty()).await.text();
    assert!(page.contains("This browser is too old") && !page.contains("data-wasm"));
    ada.browser.cookie = format!("{}; {cookie}", ada.browser.cookie);
    let page = ada.browser.send(Method::GET, &room, &[old], Body::empty()).await.text();
    assert!(!page.contains("This browser is too old") && !page.contains("data-wasm"));
    assert!(ada.browser.get(&room).await.text().contains("data-wasm"));
}

#[tokio::test]
async fn a_text_only_installation_explains_missing_uploads() {
    let (site, mut ada) = TestSite::with_ada().await;
    assert!(!ada.browser.get("/users/me/profile").await.text().contains("No files on this installation"));
    let mut without = ada.browser.clone().at(site.router_without_files());
    assert!(without.get("/users/me/profile").await.text().contains("No files on this installation"));
    assert!(without.get("/account/edit").await.text().contains("there are no files on this installation"));
}

#[tokio::test]
async fn a_ping_of_the_same_people_is_one_room_and_invalid_choices_are_refused() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let ada_id = ada.user.id.to_string();
    let bob_id = bob.user.id.to_string();
    let path = ada.browser.post("/rooms/directs", &[("user_ids[]", &bob_id)]).await.location().to_owned();
    assert_eq!(bob.browser.post("/rooms/directs", &[("user_ids", &ada_id)]).await.location(), path);
    assert!(bob.browser.get(&path).await.text().contains("<title>Ada – Campfire</title>"));
    let id = path.strip_prefix("/rooms/").unwrap();
    for (path, fields) in [
        (format!("/rooms/opens/{id}"), vec![("_method", "put"), ("name", "Open")]),
        (format!("/rooms/closeds/{id}"), vec![("_method", "put"), ("name", "Closed"), ("user_ids", ada_id.as_str())]),
    ] {
        assert_eq!(ada.browser.post(&path, &fields).await.location(), "/?notice=room-missing", "{path}");
        assert_eq!(ada.browser.get(&format!("{path}/edit")).await.location(), "/?notice=room-missing");
    }
    assert_eq!(ada.browser.post(&path, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    let bell = format!("{path}/involvement");
    let hidden = ada.browser.post(&bell, &[("_method", "put"), ("involvement", "invisible")]).await;
    assert_eq!(hidden.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(ada.browser.post(&bell, &[("involvement", "loud")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let shared = format!("/rooms/directs/{}", site.all_talk(&ada).await);
    assert_eq!(ada.browser.post(&shared, &[("_method", "delete")]).await.location(), "/?notice=room-missing");

    let crowd: Vec<(&str, String)> = (1..=10_000).map(|id| ("user_ids", id.to_string())).collect();
    let crowd: Vec<(&str, &str)> = crowd.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let closed = [&[("name", "Crowd")], crowd.as_slice()].concat();
    let gone = site.db_somebody().await;
    site.db_set_status(gone, campfire::model::Status::Deactivated).await;
    let gone = gone.to_string();
    for (path, fields) in [
        ("/rooms/directs", crowd),
        ("/rooms/closeds", closed),
        ("/rooms/directs", vec![]),
        ("/rooms/directs", vec![("user_ids", "999")]),
        ("/rooms/directs", vec![("user_ids", gone.as_str())]),
        ("/rooms/directs", vec![("user_ids", "x")]),
        ("/rooms/closeds", vec![("name", "Closed"), ("user_ids", gone.as_str())]),
    ] {
        let answer = ada.browser.post(path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {:?}", fields.first());
        assert!(answer.text().contains(r#"role="alert""#));
    }
    let rooms = store::memberships::list_rooms(site.state.db.reader(), ada.user.id).await.unwrap();
    assert_eq!(rooms.len(), 2);
    let settings = bob.browser.get(&format!("/rooms/directs/{id}/edit")).await.text();
    assert!(settings.contains("Delete this ping"));
    let removed = bob.browser.post(&format!("/rooms/directs/{id}"), &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/?notice=ping-removed");
    assert_eq!(ada.browser.get(&path).await.location(), "/?notice=room-missing");
}
