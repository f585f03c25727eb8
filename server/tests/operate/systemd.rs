//! What systemd does with a service: it opens the sockets, and is told when the service is ready.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::{CAMPFIRE, TEST_TIMEOUT};

/// Starts a Campfire like systemd: with `listener` as file 3, and a socket to tell it.
fn activate(listener: &std::net::TcpListener, notify: &Path, data: &Path) -> Child {
    let mut command = Command::new("sh");
    // The number of the process is known only once it runs.
    command.args([
        "-c",
        "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http; exec \"$@\"",
        "sh",
    ]);
    command.args([CAMPFIRE, "--data"]).arg(data).args(["--listen", "127.0.0.1:1"]);
    command.env("NOTIFY_SOCKET", notify).stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

async fn told(socket: &tokio::net::UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = timeout(TEST_TIMEOUT, socket.recv(&mut buffer)).await.expect("it tells").unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

async fn is_up(port: u16) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("no connection is refused");
    let request = "GET /up HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = String::new();
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = timeout(TEST_TIMEOUT, stream.read_to_string(&mut answer)).await.expect("an answer");
    answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn a_restart_refuses_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    let mut first = activate(&listener, &path, &data);
    assert_eq!(told(&socket).await, "READY=1");
    assert!(is_up(port).await);
    let id = first.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(told(&socket).await, "STOPPING=1");
    timeout(TEST_TIMEOUT, first.wait()).await.expect("it ends").unwrap();

    // Nobody serves now; the connection waits for the next one.
    let waiting = tokio::spawn(is_up(port));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    let _second = activate(&listener, &path, &data);
    assert_eq!(told(&socket).await, "READY=1");
    assert!(waiting.await.unwrap());
}
