//! The executable as a process: its data folder, its log, and what the operating system denies it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything that a test waits for takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

const CAMPFIRE: &str = env!("CARGO_BIN_EXE_campfire");

/// A running Campfire, which is killed when this is dropped.
struct Campfire {
    process: Child,
    port: u16,
    cookie: String,
}

/// The command of a Campfire with this data folder, on a port that the system chooses.
fn command(data: &Path) -> Command {
    let mut command = Command::new(CAMPFIRE);
    command.args(["--writes-per-second", "0", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

impl Campfire {
    async fn start(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("it starts").unwrap().unwrap();
        let port = line.rsplit_once(':').expect("an address").1.parse().unwrap();
        Self { process, port, cookie: String::new() }
    }

    /// Sends a request, whose body is a form, and returns the response.
    async fn send(&self, method: &str, path: &str, form: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.cookie,
            form.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(TEST_TIMEOUT, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer
    }

    /// The status of the response.
    async fn status(&self, method: &str, path: &str, form: &str) -> String {
        self.send(method, path, form).await[9..12].to_owned()
    }

    async fn post(&self, text: &str) -> String {
        self.status("POST", "/rooms/1/messages", &format!("body={text}")).await
    }

    async fn set_up(&mut self) {
        let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
        let answer = self.send("POST", "/first_run", form).await;
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a session");
        self.cookie = cookie.split(';').next().unwrap().to_owned();
    }
}

/// Runs a command that ends by itself. Returns its status and its standard error.
async fn run(command: &mut Command) -> (ExitStatus, String) {
    let output = timeout(TEST_TIMEOUT, command.stderr(Stdio::piped()).output()).await.expect("it ends").unwrap();
    (output.status, String::from_utf8(output.stderr).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_data_folder_is_private_and_used_by_one_process() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let mut first = Campfire::start(&mut command(&data)).await;
    first.set_up().await;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.ends_with("campfire.sqlite3-wal")), "{files:?}");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }

    let (status, error) = run(&mut command(&data)).await;
    assert_eq!(status.code(), Some(1));
    assert!(error.contains("another Campfire (process ") && error.contains("stop it first"), "{error}");
    assert_eq!(first.status("GET", "/up", "").await, "200");

    first.process.kill().await.unwrap();
    let next = Campfire::start(&mut command(&data)).await;
    assert_eq!(next.status("GET", "/up", "").await, "200", "the lock ended with the process");
}

/// Makes the writer log an error: another program locks the database for longer than a write waits.
async fn log_an_error_in_the_writer(campfire: &Campfire, data: &Path) {
    let path = data.join("campfire.sqlite3");
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    assert_eq!(campfire.post("locked").await, "503");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    // A pipe that nobody reads any more.
    let mut reader = std::process::Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    for (name, log) in [("full", Stdio::from(full)), ("gone", Stdio::from(pipe))] {
        let data = parent.path().join(name);
        let mut campfire = Campfire::start(command(&data).stderr(log).env("RUST_LOG", "debug")).await;
        campfire.set_up().await;
        log_an_error_in_the_writer(&campfire, &data).await;
        assert_eq!(campfire.post("unlocked").await, "303", "{name}");
        assert_eq!(campfire.status("GET", "/up", "").await, "200", "{name}");
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing_and_the_process_still_ends() {
    let parent = tempfile::tempdir().unwrap();
    // A pipe whose reader does not read: it takes 64 KiB.
    let mut command = command(parent.path());
    let mut campfire = Campfire::start(command.stderr(Stdio::piped()).env("RUST_LOG", "trace")).await;
    campfire.set_up().await;
    for number in 0..200 {
        assert_eq!(campfire.post(&format!("message+{number}")).await, "303");
    }
    log_an_error_in_the_writer(&campfire, parent.path()).await;
    assert_eq!(campfire.post("afterwards").await, "303");
    assert_eq!(campfire.status("GET", "/up", "").await, "200");

    let process_id = campfire.process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &process_id]).status().await.unwrap().success());
    timeout(TEST_TIMEOUT, campfire.process.wait()).await.expect("it ends").unwrap();
    let mut log = Vec::new();
    campfire.process.stderr.take().unwrap().read_to_end(&mut log).await.unwrap();
    assert!(log.len() > 48 * 1_024, "the pipe was full: {} bytes", log.len());
}

#[tokio::test]
async fn a_limit_of_the_size_of_files_refuses_writes_and_ends_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    // In blocks of 512 or 1,024 bytes: more than an installation needs, and less than the messages.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 4096 && exec \"$@\"", "sh", CAMPFIRE, "--writes-per-second", "0"]);
    shell.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data);
    shell.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut campfire = Campfire::start(&mut shell).await;
    campfire.set_up().await;
    let long = "words+".repeat(5_000);
    let mut refused = String::new();
    for number in 0..500 {
        refused = campfire.post(&format!("{number}+{long}")).await;
        if refused != "303" {
            break;
        }
    }
    assert_eq!(refused, "503");
    assert_eq!(campfire.status("GET", "/rooms/1", "").await, "200", "reads are served");
    assert_eq!(campfire.status("GET", "/up", "").await, "200");
}

#[tokio::test]
async fn the_log_has_no_colours_and_the_levels_of_its_variable() {
    let parent = tempfile::tempdir().unwrap();
    let log_of = async |variable: Option<&str>, name: &str| {
        let path = parent.path().join(format!("{name}.log"));
        let data = parent.path().join(name);
        let mut command = command(&data);
        command.stderr(fs::File::create(&path).unwrap()).env_remove("RUST_LOG");
        if let Some(variable) = variable {
            command.env("RUST_LOG", variable);
        }
        let mut campfire = Campfire::start(&mut command).await;
        let id = campfire.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        let status = timeout(TEST_TIMEOUT, campfire.process.wait()).await.expect("it ends").unwrap();
        assert!(status.success());
        fs::read_to_string(path).unwrap()
    };
    let log = log_of(None, "default").await;
    assert!(log.contains("INFO shutting down") && !log.contains('\u{1b}'), "{log}");
    assert_eq!(log_of(Some("warn"), "quiet").await, "");
    let log = log_of(Some("server=loud"), "wrong").await;
    assert!(log.contains("RUST_LOG is not understood") && log.contains("INFO shutting down"), "{log}");
}
