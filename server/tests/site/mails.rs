//! Mail: links to set another password, and invitations, to a mail server on this machine.

use axum::http::StatusCode;
use campfire::{jobs, ops};
use mail::Mailer;
use mail::testing::MailServer;

use crate::support::{PASSWORD, Someone, TestSite};

const MINUTE_MS: i64 = 60 * 1_000;

async fn site_with_mail() -> (TestSite, Someone, MailServer) {
    let (site, ada) = TestSite::with_ada().await;
    let server = MailServer::start().unwrap();
    let mailer = Mailer::new(&server.url, "Chat <chat@example.com>").unwrap();
    site.state.mail.turn_on(mailer, "https://chat.example.com".into());
    (site, ada, server)
}

/// The path that follows the origin in a mail, whose lines may be cut (RFC 2045, section 6.7).
fn path_in(content: &str) -> String {
    let whole = content.replace("=\r\n", "").replace("=3D", "=");
    let at = whole.find("https://chat.example.com/").unwrap_or_else(|| panic!("no link in {content}"));
    whole[at + "https://chat.example.com".len()..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn who_forgot_the_password_sets_another_by_the_link_in_a_mail() {
    let (site, mut ada, server) = site_with_mail().await;
    let mut browser = site.browser();
    assert!(browser.get("/session/new").await.text().contains("/password_reset"));
    assert!(browser.get("/password_reset").await.text().contains("email_address"));
    // As the site is called by whoever asks, which is not what the link begins with.
    browser.host = "evil.example".into();
    let sent = browser.post("/password_reset", &[("email_address", " ADA@example.com ")]).await;
    assert_eq!(sent.status, StatusCode::OK);
    assert!(sent.text().contains("If somebody here has this address"), "{}", sent.text());
    browser.host = "chat.example".into();
    jobs::run_due(&site.state).await.unwrap();
    let mail = server.receive().unwrap();
    assert_eq!(mail.recipient, "ada@example.com");
    assert!(!mail.content.contains("evil.example"), "{}", mail.content);
    let path = path_in(&mail.content);
    assert!(path.starts_with("/session/transfers/"), "{path}");

    let begun = browser.post(&path, &[("_method", "put")]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    assert!(begun.location().ends_with("/users/me/profile#password"), "{}", begun.location());
    let fields = [
        ("_method", "put"),
        ("name", "Ada"),
        ("password", "another correct horse"),
        ("email_address", "ada@example.com"),
    ];
    let changed = browser.post("/users/me/profile", &fields).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
    let again = site.browser().post(&path, &[("_method", "put")]).await;
    assert_ne!(again.status, StatusCode::SEE_OTHER, "it works once");
    let old = site.browser().post("/session", &[("email_address", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_ne!(old.status, StatusCode::SEE_OTHER);
    let new = [("email_address", "ada@example.com"), ("password", "another correct horse")];
    assert_eq!(site.browser().post("/session", &new).await.status, StatusCode::SEE_OTHER);
    // Whoever was signed in elsewhere is not any more.
    assert_ne!(ada.browser.get("/users/me/profile").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_by_mail_is_valid_for_half_an_hour_and_is_not_sent_late() {
    let (site, _ada, server) = site_with_mail().await;
    let ask = async || {
        let asked = site.browser().post("/password_reset", &[("email_address", "ada@example.com")]).await;
        assert_eq!(asked.status, StatusCode::OK);
    };
    ask().await;
    jobs::run_due(&site.state).await.unwrap();
    let path = path_in(&server.receive().unwrap().content);
    site.state.clock.advance(30 * MINUTE_MS);
    assert_ne!(site.browser().post(&path, &[("_method", "put")]).await.status, StatusCode::SEE_OTHER);

    ask().await;
    site.state.clock.advance(31 * MINUTE_MS);
    jobs::run_due(&site.state).await.unwrap();
    assert!(server.is_empty());
}

#[tokio::test]
async fn nobody_learns_who_is_here_and_no_mailbox_is_filled() {
    let (site, mut ada, server) = site_with_mail().await;
    let bob = site.join("Bob").await;
    ops::users::deactivate(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    let mut answers = Vec::new();
    for address in ["ada@example.com", "nobody@example.com", "bob@example.com"] {
        let answer = site.browser().post("/password_reset", &[("email_address", address)]).await;
        answers.push((answer.status, answer.text()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(server.receive().unwrap().recipient, "ada@example.com");
    assert!(server.is_empty(), "nothing to who is not here, or not any more");

    for _ in 0..7 {
        let answer = site.browser().post("/password_reset", &[("email_address", "ada@example.com")]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    jobs::run_due(&site.state).await.unwrap();
    assert!(server.receive().is_ok() && server.receive().is_ok() && server.is_empty(), "three at once");
    let many = site.browser().post("/password_reset", &[("email_address", "other@example.com")]).await;
    assert_eq!(many.status, StatusCode::TOO_MANY_REQUESTS);
    for wrong in ["", "ada", "ada@", "a@b@c", "ada@example.com\r\nBcc: eve@example.com"] {
        site.state.clock.advance(6 * MINUTE_MS);
        let refused = site.browser().post("/password_reset", &[("email_address", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    // A link in somebody's hands does not say whose it is.
    let _ = ada.browser.get("/").await;
}

#[tokio::test]
async fn people_are_invited_by_mail_within_limits() {
    let (site, _ada, server) = site_with_mail().await;
    let mut bob = site.join("Bob").await;
    assert!(bob.browser.get("/account/edit").await.text().contains("/account/invitations"));
    let sent = bob.browser.post("/account/invitations", &[("email_address", "cleo@example.com")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    jobs::run_due(&site.state).await.unwrap();
    let mail = server.receive().unwrap();
    assert_eq!(mail.recipient, "cleo@example.com");
    assert!(mail.content.contains("Bob invites you"), "{}", mail.content);
    assert_eq!(path_in(&mail.content), site.join_path().await);

    let refused = bob.browser.post("/account/invitations", &[("email_address", "cleo")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("value=\"cleo\"") && refused.text().contains("with one @"), "{}", refused.text());
    for number in 1..20 {
        let address = format!("{number}@example.com");
        let sent = bob.browser.post("/account/invitations", &[("email_address", address.as_str())]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{number}");
    }
    let many = bob.browser.post("/account/invitations", &[("email_address", "last@example.com")]).await;
    assert_eq!(many.status, StatusCode::TOO_MANY_REQUESTS);
    let nobody = site.browser().post("/account/invitations", &[("email_address", "last@example.com")]).await;
    assert_ne!(nobody.status, StatusCode::OK);
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_again() {
    let (site, _ada) = TestSite::with_ada().await;
    // The port of a listener that is closed again, until a server has it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mailer = Mailer::new(&format!("smtp://127.0.0.1:{port}"), "chat@example.com").unwrap();
    site.state.mail.turn_on(mailer, "https://chat.example.com".into());
    site.browser().post("/password_reset", &[("email_address", "ada@example.com")]).await;
    jobs::run_due(&site.state).await.unwrap();
    let server = MailServer::start_at(port).unwrap();
    site.state.clock.advance(10_000);
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(server.receive().unwrap().recipient, "ada@example.com");
}

#[tokio::test]
async fn without_a_mail_server_there_is_no_way_to_ask_for_mail() {
    let (site, mut ada) = TestSite::with_ada().await;
    assert!(!site.browser().get("/session/new").await.text().contains("/password_reset"));
    assert!(!ada.browser.get("/account/edit").await.text().contains("/account/invitations"));
    assert_eq!(site.browser().get("/password_reset").await.status, StatusCode::NOT_FOUND);
    let asked = site.browser().post("/password_reset", &[("email_address", "ada@example.com")]).await;
    assert_eq!(asked.status, StatusCode::NOT_FOUND);
    let invited = ada.browser.post("/account/invitations", &[("email_address", "cleo@example.com")]).await;
    assert_eq!(invited.status, StatusCode::NOT_FOUND);
}
