//! First run, joining, signing in and out.

use axum::body::Body;
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
    assert_eq!(answer.location(), "/session/new?email_address=BOB%40example.com&notice=address-taken");
    let page = stranger.get(answer.location()).await.text();
    assert!(page.contains("BOB@example.com") && page.contains("Somebody has joined with that e-mail address already."));
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
async fn common_passwords_and_addresses_without_a_mailbox_are_refused_in_words() {
    let (site, mut ada) = TestSite::with_ada().await;
    let form = |password| [("name", "Bob"), ("email_address", "bob@example.com"), ("password", password)];
    let empty = TestSite::empty().await;
    for (path, mut browser) in [(site.join_path().await, site.browser()), ("/first_run".into(), empty.browser())] {
        let refused = browser.post(&path, &form("Password1")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let page = refused.text();
        assert!(page.contains("one of the passwords that are tried first") && page.contains("bob@example.com"));
        let wrong = [("name", "Bob"), ("email_address", "bob@example"), ("password", PASSWORD)];
        let refused = browser.post(&path, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(refused.text().contains("needs a dot"));
    }
    let change = [("_method", "put"), ("password", "iloveyou"), ("present_password", PASSWORD)];
    let refused = ada.browser.post("/users/me/profile", &change).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_survives_the_new_name_of_its_cookie() {
    let (site, ada) = TestSite::with_ada().await;
    let old_cookie = ada.browser.cookie;
    assert!(old_cookie.starts_with("session_token="), "without a port in the address");
    let cookies = |answer: &crate::support::Answer| -> Vec<String> {
        let cookies = answer.headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
        cookies.map(|cookie| cookie.split("; SameSite").next().unwrap().to_owned()).collect()
    };
    let value = old_cookie.split_once('=').unwrap().1;
    for (headers, name) in [
        ([("host", "localhost:3000"), ("x-none", "")], "session_token_3000"),
        ([("host", "localhost:3001"), ("x-none", "")], "session_token_3001"),
        ([("host", "chat.example"), ("x-forwarded-proto", "https")], "__Host-session_token"),
    ] {
        let mut browser = site.browser();
        browser.host.clear();
        browser.cookie.clone_from(&old_cookie);
        let answer = browser.send(Method::GET, "/users/me/profile", &headers, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        let renamed = format!("{name}={value}; Path=/; Max-Age=34560000");
        assert_eq!(cookies(&answer), [renamed, "session_token=; Path=/; Max-Age=0".to_owned()]);
        browser.cookie = format!("{name}={value}; session_token=AAAAAAAAAAAAAAAAAAAAAA");
        let answer = browser.send(Method::GET, "/users/me/profile", &headers, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "the new name counts");
        assert!(cookies(&answer).is_empty());
    }
    let mut other_port = site.browser();
    other_port.host.clear();
    other_port.cookie = format!("session_token_3000={value}");
    let answer = other_port.send(Method::GET, "/", &[("host", "localhost:3001")], Body::empty()).await;
    assert_eq!(answer.location(), "/session/new", "the cookie of another installation is none here");
    assert!(cookies(&answer).is_empty(), "and is left alone");
}

#[tokio::test]
async fn a_browser_forgets_the_person_who_signed_out_here_or_elsewhere() {
    let (site, mut ada) = TestSite::with_ada().await;
    let clears = |answer: &crate::support::Answer| {
        answer.headers.get("clear-site-data").map(|value| value.to_str().unwrap().to_owned())
    };
    let all = Some(r#""cache", "storage""#.to_owned());
    let mut phone = site.browser();
    let sign_in = [("email_address", "ada@example.com"), ("password", PASSWORD)];
    assert_eq!(clears(&phone.post("/session", &sign_in).await), None);
    assert_eq!(clears(&phone.get("/session/new").await), None, "signed in");
    ada.browser.post("/users/me/sessions", &[("_method", "delete")]).await;
    let page = phone.get("/session/new").await;
    assert_eq!(clears(&page), all, "signed out from elsewhere");
    assert!(page.text().contains("data-forgets"));
    assert!(page.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"), "so that it happens once");
    assert_eq!(clears(&site.browser().get("/session/new").await), None);

    let mut bob = site.join("Bob").await;
    assert_eq!(
        clears(&bob.browser.post("/session", &[("email_address", "bob@example.com"), ("password", PASSWORD)]).await),
        None
    );
    assert_eq!(clears(&bob.browser.post("/session", &sign_in).await), all, "another person signs in");
    assert_eq!(clears(&bob.browser.post("/session", &sign_in).await), None, "the same person again");
    // The session of these ends elsewhere, and is not known to be of whom.
    let (mut phone, mut tablet) = (bob.browser.clone(), bob.browser.clone());
    assert_eq!(clears(&bob.browser.post("/session", &[("_method", "delete")]).await), all);
    assert_eq!(clears(&phone.post("/session", &sign_in).await), all, "somebody signs in");
    let join = site.join_path().await;
    let cleo = [("name", "Cleo"), ("email_address", "cleo@example.com"), ("password", PASSWORD)];
    assert_eq!(clears(&tablet.post(&join, &cleo).await), all, "somebody joins");
    for path in [join.as_str(), "/session/transfers/x"] {
        assert!(site.browser().get(path).await.text().contains("data-forgets"), "{path}");
        assert!(!phone.get(path).await.text().contains("data-forgets"), "{path}, signed in");
    }
}

#[tokio::test]
async fn the_eleventh_failure_from_an_address_has_to_wait_even_with_the_right_password() {
    let (site, _ada) = TestSite::with_ada().await;
    let mut browser = site.browser();
    for number in 0..10 {
        let address = format!("nobody{number}@example.com");
        let form = [("email_address", address.as_str()), ("password", "wrong password")];
        assert_eq!(browser.post("/session", &form).await.status, StatusCode::UNAUTHORIZED);
    }
    let right = [("email_address", "ada@example.com"), ("password", PASSWORD)];
    let refused = browser.post("/session", &right).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "10");
    assert!(refused.text().contains(r#"action="/session""#));
    site.state.clock.advance(10_000);
    for _ in 0..20 {
        assert_eq!(browser.post("/session", &right).await.status, StatusCode::SEE_OTHER, "successes are not counted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_sign_in_during_a_storm_of_wrong_passwords_and_taken_addresses() {
    let (site, _ada) = TestSite::with_ada().await;
    let mallory = site.join("Mallory").await;
    let join = site.join_path().await;
    let storm = (0..100).map(|number| {
        let (mut browser, join) =
            (if number % 2 == 0 { mallory.browser.clone() } else { site.browser() }, join.clone());
        async move {
            if number % 2 == 0 {
                let change = [("_method", "put"), ("password", "another horse"), ("present_password", "wrong")];
                return browser.post("/users/me/profile", &change).await.status;
            }
            let taken = [("name", "Eve"), ("email_address", "ada@example.com"), ("password", PASSWORD)];
            browser.post(&join, &taken).await.status
        }
    });
    let sign_ins = async {
        for _ in 0..3 {
            let form = [("email_address", "ada@example.com"), ("password", PASSWORD)];
            assert_eq!(site.browser().post("/session", &form).await.status, StatusCode::SEE_OTHER);
        }
    };
    let (statuses, ()) = tokio::join!(futures::future::join_all(storm), sign_ins);
    let answered = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS];
    assert!(statuses.iter().all(|status| answered.contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count() > 40, "{statuses:?}");
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
    let cookie = tls.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session_token=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(tls.headers.get("strict-transport-security").is_some());
}
