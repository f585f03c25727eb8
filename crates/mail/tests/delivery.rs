//! Mail to a server on this machine, over its socket.

use mail::testing::MailServer;
use mail::{Mailer, SendError};

#[tokio::test]
async fn a_text_arrives_with_its_subject_in_every_script() {
    let server = MailServer::start().unwrap();
    let mailer = Mailer::new(&server.url, "Chat <chat@example.com>").unwrap();
    mailer.check().await.unwrap();
    mailer
        .send("bob@example.com", "Hello\r\nBcc: eve@example.com", "Dear Bob,\n.\nhttps://chat.example/x")
        .await
        .unwrap();
    let mail = server.receive().unwrap();
    assert_eq!(mail.recipient, "bob@example.com");
    for line in
        ["Subject: Hello  Bcc: eve@example.com", "From: Chat <chat@example.com>", "Auto-Submitted: auto-generated"]
    {
        assert!(mail.content.contains(line), "{line} in {}", mail.content);
    }
    assert!(!mail.content.lines().any(|line| line.starts_with("Bcc:")), "{}", mail.content);
    assert!(mail.content.contains("https://chat.example/x"), "{}", mail.content);

    mailer.send("bob@example.com", "Καλημέρα", "你好").await.unwrap();
    let mail = server.receive().unwrap();
    assert!(mail.content.contains("Subject: =?utf-8?"), "{}", mail.content);
}

#[tokio::test]
async fn a_refusal_is_for_good_and_a_server_that_is_away_may_come_back() {
    let server = MailServer::start().unwrap();
    let mailer = Mailer::new(&server.url, "chat@example.com").unwrap();
    for recipient in ["refused@example.com", "nobody", "a@b.example\r\nDATA"] {
        let refused = mailer.send(recipient, "Hello", "text").await;
        assert!(matches!(refused, Err(SendError::Refused(_))), "{recipient}: {refused:?}");
    }
    assert!(server.is_empty());
    // The port of a listener that is closed again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = Mailer::new(&format!("smtp://127.0.0.1:{port}"), "chat@example.com").unwrap();
    assert!(matches!(away.send("bob@example.com", "Hello", "text").await, Err(SendError::Failed(_))));
    assert!(away.check().await.is_err());
}
