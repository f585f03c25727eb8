//! A served Campfire, and commands beside it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything that a test waits for takes.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

pub const CAMPFIRE: &str = env!("CARGO_BIN_EXE_campfire");

/// How a command has ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub output: String,
    pub error: String,
}

/// A command of the executable, without a terminal.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(CAMPFIRE);
    command.args(arguments).env_remove("RUST_LOG").env_remove("CAMPFIRE_DATA").env_remove("CAMPFIRE_LISTEN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub async fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    let output = timeout(TEST_TIMEOUT, command(arguments).output()).await.expect("it ends").unwrap();
    Outcome {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command that must succeed, and returns what it printed.
pub async fn succeed<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let outcome = run(arguments).await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.output
}

/// Runs a command that must fail, and returns the reason that it gave.
pub async fn fail<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let outcome = run(arguments).await;
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.error.contains("campfire: "), "{outcome:?}");
    outcome.error
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A connection to the database in a data folder.
pub async fn database(data: &Path) -> SqliteConnection {
    let path: PathBuf = data.join("campfire.sqlite3");
    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

pub async fn count(db: &mut SqliteConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

/// A served Campfire, which is killed when this is dropped.
pub struct Served {
    pub process: Child,
    pub port: u16,
    pub cookie: String,
}

impl Served {
    /// Serves a data folder on a port that the system chooses.
    pub async fn start(data: &Path) -> Self {
        let data = text(data);
        let arguments = ["--writes-per-second", "0", "--listen", "127.0.0.1:0", "--data", &data];
        Self::spawn(command(arguments)).await
    }

    /// Serves with this command.
    pub async fn spawn(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("it starts").unwrap().unwrap();
        let port = line.rsplit_once(':').expect("an address").1.parse().unwrap();
        Self { process, port, cookie: String::new() }
    }

    /// The same, set up by Ada, who is signed in.
    pub async fn set_up(data: &Path) -> Self {
        let mut served = Self::start(data).await;
        served.set_up_by_ada().await;
        served
    }

    /// Sets it up as Ada, who is signed in then.
    pub async fn set_up_by_ada(&mut self) {
        let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
        let answer = self.post("/first_run", form).await;
        self.cookie = cookie_of(&answer);
    }

    /// The address that it listens on.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Signs somebody in, and returns the cookie; empty if the password is wrong.
    pub async fn sign_in(&self, address: &str, password: &str) -> String {
        let form = format!("email_address={}&password={}", address.replace('@', "%40"), password.replace(' ', "+"));
        let answer = send(self.port, "POST", "/session", "", "application/x-www-form-urlencoded", &form).await.unwrap();
        if answer.starts_with("HTTP/1.1 303") { cookie_of(&answer) } else { String::new() }
    }

    /// Gets a page as whoever is signed in. Returns the whole response.
    pub async fn get(&self, path: &str) -> String {
        send(self.port, "GET", path, &self.cookie, "text/plain", "").await.unwrap()
    }

    /// Posts a form as whoever is signed in. Returns the whole response.
    pub async fn post(&self, path: &str, form: &str) -> String {
        send(self.port, "POST", path, &self.cookie, "application/x-www-form-urlencoded", form).await.unwrap()
    }

    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

fn cookie_of(answer: &str) -> String {
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    cookie.unwrap_or_else(|| panic!("nobody is signed in: {answer}")).split(';').next().unwrap().to_owned()
}

/// Sends a request. Bytes of the response that are not UTF-8 are replaced.
pub async fn send(
    port: u16,
    method: &str,
    path: &str,
    cookie: &str,
    content_type: &str,
    body: &str,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: {cookie}\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(TEST_TIMEOUT, stream.read_to_end(&mut answer)).await.expect("an answer")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
