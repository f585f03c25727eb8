//! Shared by the measuring programs: the server process, HTTP connections, sign-ins, generated data, and the table.

pub mod data;
pub mod http;
pub mod process;
pub mod random;
pub mod table;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use http::field;
use process::Process;

/// The password of every person.
pub const PASSWORD: &str = "correct horse";

/// The executable on a free port, pinned to the first core where `taskset` is installed. Dropping it kills it.
pub struct Server {
    pub process: Process,
    pub address: String,
}

impl Server {
    pub fn start(executable: &str, folder: &Path) -> Self {
        Self::start_with(executable, folder, &[])
    }

    /// Starts it with further options.
    pub fn start_with(executable: &str, folder: &Path, options: &[&str]) -> Self {
        Self::launch(executable, folder, format!("127.0.0.1:{}", free_port()), options)
    }

    /// Starts it at the address it had before, so that clients can reconnect.
    pub fn start_at(executable: &str, folder: &Path, address: String) -> Self {
        Self::launch(executable, folder, address, &[])
    }

    fn launch(executable: &str, folder: &Path, address: String, options: &[&str]) -> Self {
        let mut process = Process::start(executable, |command| {
            command.args(["--listen", &address, "--data"]).arg(folder).args(options);
            // One author posts as fast as the server takes it.
            if knows_option(executable, "--writes-per-second") {
                command.args(["--writes-per-second", "0"]);
            }
            command.stdout(Stdio::piped()).stderr(Stdio::null());
        });
        let mut lines = BufReader::new(process.take_output()).lines();
        let line = lines.next().expect("it says something").expect("in words");
        assert!(line.starts_with("Campfire is listening on"), "{line}");
        Self { process, address }
    }

    /// Sends SIGTERM and waits for the exit.
    pub fn end(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the signal is sent");
        let ended = self.process.wait();
        assert!(ended.success(), "it ends in order: {ended}");
    }
}

/// Whether the executable knows an option.
pub fn knows_option(executable: &str, option: &str) -> bool {
    let help = Command::new(executable).arg("--help").output().expect("the executable starts");
    String::from_utf8_lossy(&help.stdout).contains(option)
}

/// A free port.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// The head and body of a sign-in request.
pub fn sign_in_form(email_address: &str) -> (String, String) {
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email_address", email_address), ("password", PASSWORD)])
        .finish();
    let head = format!(
        "POST /session HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
        body.len()
    );
    (head, body)
}

/// The session cookie that a response sets.
pub fn session_cookie(head: &str) -> &str {
    let cookie = field(head, "set-cookie").expect("a cookie").split(';').next().unwrap_or_default();
    assert!(cookie.starts_with("session_token"), "{cookie}");
    cookie
}

/// A fresh id for a message.
pub fn uuid() -> String {
    uuid::Uuid::now_v7().to_string()
}
