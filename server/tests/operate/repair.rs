//! What operators need who locked themselves out, or who want to know how it is.

use tokio::net::TcpListener;

use crate::support::{Served, fail, run, send, succeed, text};

#[tokio::test]
async fn somebody_becomes_an_administrator_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::set_up(&data).await;
    let data = text(&data);
    let link = succeed(["join-link", "--data", &data, "--url", "https://chat.example/"]).await;
    let path = link.trim_end().strip_prefix("https://chat.example").expect("the address").to_owned();
    assert_eq!(succeed(["join-link", "--data", &data]).await, format!("{path}\n"));
    let form = "name=Bob&email_address=bob%40example.com&password=correct+horse";
    let joined = send(served.port, "POST", &path, "", "application/x-www-form-urlencoded", form).await.unwrap();
    assert!(joined.starts_with("HTTP/1.1 303"), "{joined}");

    let bob = Served { cookie: served.sign_in("bob@example.com", "correct horse").await, ..served };
    let refused = bob.post("/account/join_code", "").await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    let refused = fail(["make-admin", "--data", &data, "nobody@example.com"]).await;
    assert!(refused.contains("nobody signs in with nobody@example.com"), "{refused}");
    for _ in 0..2 {
        let printed = succeed(["make-admin", "--data", &data, "BOB@example.com"]).await;
        assert_eq!(printed, "Bob is an administrator.\n");
    }
    assert!(bob.post("/account/join_code", "").await.starts_with("HTTP/1.1 303"));
    bob.kill().await;
}

#[tokio::test]
async fn nothing_is_made_where_there_is_no_installation() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [vec!["make-admin", "ada@example.com"], vec!["join-link"], vec!["verify"]] {
        let arguments = arguments.into_iter().map(str::to_owned).chain(["--data".into(), text(folder.path())]);
        let refused = fail(arguments).await;
        assert!(refused.contains("there is no Campfire in "), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn the_health_check_fails_for_nobody_and_for_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data")).await;
    assert_eq!(succeed(["healthcheck", "--listen", &served.address()]).await, "up\n");
    assert_eq!(succeed(["healthcheck", "--listen", &format!("0.0.0.0:{}", served.port)]).await, "up\n");
    let address = served.address();
    served.kill().await;
    let refused = fail(["healthcheck", "--listen", &address]).await;
    assert!(refused.contains(&address), "{refused}");

    // Something that closes every connection.
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            drop(other.accept().await);
        }
    });
    fail(["healthcheck", "--listen", &address]).await;
}

#[tokio::test]
async fn the_doctor_looks_at_a_running_installation_and_fails_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::set_up(&data).await;
    let printed = succeed(["doctor", "--data", &text(&data), "--listen", &served.address()]).await;
    for line in [
        "ok       folder: ",
        "ok       database: 0 messages, schema ",
        "ok       port: a Campfire answers at ",
        "ok       disk: ",
    ] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
    assert!(
        printed.contains("warning  last backup: none is known: run `campfire backup FILE` every night"),
        "{printed}"
    );
    served.kill().await;

    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let outcome = run(["doctor", "--data", &text(folder.path()), "--listen", &address]).await;
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.output.contains("FAILED   database: ") && outcome.output.contains("FAILED   port: "),
        "{outcome:?}"
    );
    assert!(outcome.error.contains("2 checks failed"), "{outcome:?}");
}

#[tokio::test]
async fn what_was_said_is_exported_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::set_up(&data).await;
    assert!(served.post("/rooms/1/messages", "body=hello+there").await.starts_with("HTTP/1.1 303"));
    let (data, target) = (text(&data), folder.path().join("export"));
    let printed = succeed(["export", "--data", &data, &text(&target)]).await;
    assert!(printed.contains(": 1 room, 1 message, 0 files"), "{printed}");
    assert!(std::fs::read_to_string(target.join("room-1.html")).unwrap().contains("hello there"));
    assert!(std::fs::read_to_string(target.join("room-1.jsonl")).unwrap().contains("\"markdown\":\"hello there\""));
    assert!(target.join("index.html").is_file());
    let refused = fail(["export", "--data", &data, &text(&target)]).await;
    assert!(refused.contains("is not empty"), "{refused}");
    let refused = fail(["export", "--data", &data, "--room", "9", &text(&folder.path().join("none"))]).await;
    assert!(refused.contains("there is no room 9"), "{refused}");
    assert_eq!(run(["export", "--data", &data, "--room", "nine", "/tmp/never"]).await.code, Some(2));
    served.kill().await;
}
