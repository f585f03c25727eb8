//! First run, joining, signing in and out.

use axum::http::{Method, StatusCode, header};

use crate::support::{PASSWORD, TestSite};

#[tokio::test]
async fn pages_redirect_to_the_first_run_until_the_site_is_set_up() {
    let site = TestSite::empty().await;
    let mut browser = site.browser();
    for path in ["/", "/rooms/1", "/session/new", "/join/aaaa-bbbb-cccc"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/first_run"), "{path}");
    }
    assert_eq!(browser.get("/up").await.status, StatusCode::OK);
    assert!(browser.get("/first_run").await.text().contains("Set up Campfire"));

    let form = [("user[name]", "Ada"), ("user[email_address]", "ada@example.com"), ("user[password]", PASSWORD)];
    let answer = browser.post("/first_run", &form).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(browser.get("/first_run").await.location(), "/");
    for again in [&form[..], &[("user[name]", "")], &[]] {
        let answer = browser.post("/first_run", again).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{again:?}");
    }
    let home = browser.get("/").await;
    let room = browser.get(home.location()).await;
    assert_eq!(room.status, StatusCode::OK);
    assert!(room.text().contains("All Talk"));
}

#[tokio::test]
async fn the_health_check_fails_without_a_database() {
    let site = TestSite::empty().await;
    site.state.db.reader().close();
    let answer = site.browser().get("/up").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text(), "The database does not answer.\n");
}

#[tokio::test]
async fn concurrent_first_runs_create_one_administrator() {
    let site = TestSite::empty().await;
    let mut one = site.browser();
    let mut other = site.browser();
    let form = |name| [("name", name), ("email_address", "ada@example.com"), ("password", PASSWORD)];
    let ada = form("Ada");
    let eve = form("Eve");
    let (first, second) = tokio::join!(one.post("/first_run", &ada), other.post("/first_run", &eve));
    assert_eq!((first.location(), second.location()), ("/", "/"));
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(site.state.db.reader()).await.unwrap();
    assert_eq!(users, 1);
    assert_eq!(one.cookie.is_empty(), !other.cookie.is_empty(), "one of them is signed in");
}

#[tokio::test]
async fn an_invalid_form_is_shown_again_without_the_password() {
    let site = TestSite::empty().await;
    let form = [("name", " "), ("email_address", "ada.example.com"), ("password", "short77")];
    let answer = site.browser().post("/first_run", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text();
    assert!(html.contains("Enter your name."));
    assert!(html.contains("Enter an e-mail address like"));
    assert!(html.contains("A password has at least 8 characters."));
    assert!(html.contains("ada.example.com") && !html.contains("short77"));
    assert!(html.contains(r#"aria-invalid="true""#));
}

#[tokio::test]
async fn only_the_join_link_registers_members() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut stranger = site.browser();
    assert_eq!(stranger.get("/join/wrong").await.status, StatusCode::NOT_FOUND);
    let form = [("name", "Bob"), ("email_address", "bob@example.com"), ("password", PASSWORD)];
    assert_eq!(stranger.post("/join/wrong", &form).await.status, StatusCode::NOT_FOUND);
    assert!(stranger.get(&site.join_path().await).await.text().contains("Join Campfire"));

    let mut bob = site.join("Bob").await;
    assert_eq!(bob.browser.get(&site.join_path().await).await.location(), "/", "members are redirected");
    let taken = [("name", "Rob"), ("email_address", "BOB@example.com"), ("password", PASSWORD)];
    let answer = stranger.post(&site.join_path().await, &taken).await;
    assert_eq!(answer.location(), "/session/new?email_address=BOB%40example.com");
    assert!(stranger.get(answer.location()).await.text().contains("BOB@example.com"));
    let blank = [("name", "Rob"), ("email_address", ""), ("password", PASSWORD)];
    assert_eq!(stranger.post(&site.join_path().await, &blank).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn signing_in_redirects_to_the_requested_page() {
    let (site, ada) = TestSite::with_ada().await;
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let mut browser = site.browser();
    let refused = browser.get(&room).await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
    let form_page = browser.get(refused.location()).await;
    assert_eq!(form_page.status, StatusCode::OK);
    assert!(form_page.text().contains(&format!(r#"value="{room}""#)));

    let form = |password| [("email_address", "ada@example.com"), ("password", password), ("return_to", room.as_str())];
    let wrong = browser.post("/session", &form("wrong password")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookie.is_empty() && wrong.text().contains("ada@example.com"));
    let right = browser.post("/session", &form(PASSWORD)).await;
    assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, room.as_str()));
    assert_eq!(browser.get(&room).await.status, StatusCode::OK);
    let elsewhere = [("email_address", "ada@example.com"), ("password", PASSWORD), ("return_to", "//evil.example")];
    assert_eq!(browser.post("/session", &elsewhere).await.location(), "/");
}

#[tokio::test]
async fn signing_in_never_adopts_a_planted_token() {
    let (site, ada) = TestSite::with_ada().await;
    for planted in ["session_token=AAAAAAAAAAAAAAAAAAAAAA".to_owned(), ada.browser.cookie.clone()] {
        let mut browser = site.browser();
        browser.cookie = planted.clone();
        browser.post("/session", &[("email_address", "ada@example.com"), ("password", PASSWORD)]).await;
        assert_ne!(browser.cookie, planted);
        let mut thief = site.browser();
        thief.cookie = planted;
        assert_eq!(thief.get("/").await.location(), "/session/new");
        assert!(browser.get("/").await.location().starts_with("/rooms/"));
    }
}

#[tokio::test]
async fn an_active_session_is_refreshed_with_its_cookie() {
    let (site, mut ada) = TestSite::with_ada().await;
    let last_active_at = async || -> i64 {
        sqlx::query_scalar("SELECT last_active_at FROM sessions").fetch_one(site.state.db.reader()).await.unwrap()
    };
    let initially = last_active_at().await;
    site.state.clock.advance(59 * 60 * 1_000);
    assert!(ada.browser.get("/").await.headers.get(header::SET_COOKIE).is_none());
    assert_eq!(last_active_at().await, initially);
    site.state.clock.advance(2 * 60 * 1_000);
    assert!(ada.browser.get("/").await.headers.get(header::SET_COOKIE).is_some());
    assert_eq!(last_active_at().await, site.state.clock.now_ms());
}

#[tokio::test]
async fn signing_out_ends_only_this_session() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut phone = site.browser();
    phone.post("/session", &[("email_address", "ada@example.com"), ("password", PASSWORD)]).await;
    let old_cookie = ada.browser.cookie.clone();
    let answer = ada.browser.post("/session", &[("_method", "delete")]).await;
    assert_eq!(answer.location(), "/session/new");
    let mut thief = site.browser();
    thief.cookie = old_cookie;
    assert_eq!(thief.get("/").await.location(), "/session/new");
    assert!(phone.get("/").await.location().starts_with("/rooms/"));
}

#[tokio::test]
async fn the_eleventh_attempt_is_refused_even_with_the_right_password() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut browser = site.browser();
    let form = |password| [("email_address", "nobody@example.com"), ("password", password)];
    for _ in 0..10 {
        assert_eq!(browser.post("/session", &form("wrong password")).await.status, StatusCode::UNAUTHORIZED);
    }
    let right = [("email_address", "ada@example.com"), ("password", PASSWORD)];
    let refused = browser.post("/session", &right).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().contains(r#"action="/session""#));
    site.state.clock.advance(3 * 60 * 1_000);
    assert_eq!(browser.post("/session", &right).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn session_cookies_are_http_only_and_secure_on_tls() {
    let (site, _ada) = TestSite::with_ada().await;
    let body = || "email_address=ada%40example.com&password=correct+horse".into();
    let plain = site.browser().send(Method::POST, "/session", &[], body()).await;
    let cookie = plain.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    assert!(plain.headers.get("strict-transport-security").is_none());
    let tls = site.browser().send(Method::POST, "/session", &[("x-forwarded-proto", "https")], body()).await;
    assert!(tls.headers[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    assert!(tls.headers.get("strict-transport-security").is_some());
}
