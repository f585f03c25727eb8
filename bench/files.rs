//! Times and memory of files: uploads, previews, downloads beside nginx, and a page with pictures.
//! Usage: cargo run --release -p server --example files -- EXECUTABLE [upload|previews|downloads|page]

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[expect(dead_code, reason = "this program needs a part of it")]
#[path = "meter/mod.rs"]
mod meter;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use meter::http::{HttpConnection, field, request};
use meter::process::Process;
use meter::table::{Budget, print_row};
use meter::{Server, free_port, session_cookie};
use serde_json::{Value, json};

const PIECE_BYTES: usize = 1024 * 1024;
const LARGE_PIECES: usize = 1024;
const DOWNLOAD_BYTES: usize = 100 * 1024 * 1024;
const CLIENTS: usize = 16;
const PICTURES: usize = 10;
const ROUNDS: usize = 20;

/// A server with its first person, and their connection.
struct Site {
    server: Server,
    cookie: String,
    connection: HttpConnection,
    folder: tempfile::TempDir,
}

impl Site {
    async fn start(executable: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let server = Server::start_with(executable, folder.path(), &["--max-file-mb", "2048"]);
        let mut connection = HttpConnection::open(&server.address).await;
        let body = "name=Ada&email_address=ada%40example.com&password=correct+horse";
        let head = format!(
            "POST /first_run HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
            body.len()
        );
        let answer = connection.ask(&server.address, &head, body).await;
        assert_eq!(answer.status, 303, "the account is set up");
        let cookie = session_cookie(&answer.head).to_owned();
        Self { server, cookie, connection, folder }
    }

    fn head(&self, method: &str, path: &str, headers: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\ncookie: {}\r\n{headers}", self.cookie)
    }

    async fn get(&mut self, path: &str) -> u16 {
        let head = self.head("GET", path, "");
        self.connection.exchange(&request(&self.server.address, &head, "")).await.status
    }

    /// Begins an upload and returns its path.
    async fn begin(&mut self, name: &str, bytes: usize) -> String {
        let body = json!({"client_upload_id": meter::uuid(), "name": name, "size_bytes": bytes}).to_string();
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        let head = self.head("POST", "/uploads", &headers);
        let answer = self.connection.ask(&self.server.address, &head, &body).await;
        assert_eq!(answer.status, 201, "the upload begins");
        field(&answer.head, "location").expect("its path").to_owned()
    }

    /// Sends a piece.
    async fn append(&mut self, path: &str, offset: usize, piece: &[u8]) {
        let headers = format!("upload-offset: {offset}\r\ncontent-length: {}\r\n", piece.len());
        let mut message = request(&self.server.address, &self.head("PATCH", path, &headers), "");
        message.extend_from_slice(piece);
        assert_eq!(self.connection.exchange(&message).await.status, 204, "the piece is taken");
    }

    async fn upload(&mut self, name: &str, content: &[u8]) -> String {
        let path = self.begin(name, content.len()).await;
        for (number, piece) in content.chunks(PIECE_BYTES).enumerate() {
            self.append(&path, number * PIECE_BYTES, piece).await;
        }
        path.rsplit('/').next().expect("a key").to_owned()
    }

    async fn post(&mut self, body: &str, keys: &[String]) -> Value {
        let arguments =
            json!({"room_id": 1, "client_message_id": meter::uuid(), "body": body, "files": keys}).to_string();
        let (head, body) = meter::http::call(&self.cookie, "messages/post", arguments);
        let answer = self.connection.ask(&self.server.address, &head, &body).await;
        assert_eq!(answer.status, 200, "the message is posted");
        serde_json::from_slice(&answer.body).expect("a message")
    }

    /// Waits until a file has its preview.
    async fn previewed(&mut self, path: &str) {
        while self.get(path).await != 200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let executable = arguments.next().expect("the executable is named");
    let case = arguments.next();
    let is_wanted = |name: &str| case.as_deref().is_none_or(|case| case == name);
    if is_wanted("upload") {
        upload(&executable).await;
    }
    if is_wanted("previews") {
        previews(&executable).await;
    }
    if is_wanted("downloads") {
        downloads(&executable).await;
    }
    if is_wanted("page") {
        page(&executable).await;
    }
}

/// 1 GiB in pieces of 1 MiB, beside writing and flushing the same bytes.
async fn upload(executable: &str) {
    let mut site = Site::start(executable).await;
    let piece: Vec<u8> = (0..PIECE_BYTES).map(|at| (at * 7 % 251) as u8).collect();
    let source = site.folder.path().join("source");
    let mut file = File::create(&source).expect("a file");
    (0..LARGE_PIECES).for_each(|_| file.write_all(&piece).expect("room on the disk"));
    drop(file);
    let copied = {
        let target = site.folder.path().join("copy");
        let began = Instant::now();
        fs::copy(&source, &target).expect("a copy");
        File::open(&target).and_then(|copy| copy.sync_all()).expect("it is flushed");
        let took = began.elapsed();
        fs::remove_file(target).expect("it goes");
        took
    };
    let before = site.server.process.rss_anon_bytes();
    let mut most = before;
    let began = Instant::now();
    let path = site.begin("large.bin", LARGE_PIECES * PIECE_BYTES).await;
    for number in 0..LARGE_PIECES {
        site.append(&path, number * PIECE_BYTES, &piece).await;
        if number % 64 == 0 {
            most = most.max(site.server.process.rss_anon_bytes());
        }
    }
    let took = began.elapsed();
    let ratio = copied.as_secs_f64() / took.as_secs_f64();
    let grown_mb = (most - before) as f64 / 1_048_576.0;
    print_row(
        "upload of 1 GiB in pieces of 1 MiB, each flushed",
        &format!("{:.1} s, {ratio:.2} × cp and fsync; RssAnon + {grown_mb:.1} MB", took.as_secs_f64()),
        &format!("cp and fsync {:.1} s", copied.as_secs_f64()),
        Some(&Budget::new("≥ 0.6 ×", ratio >= 0.6).and(Budget::new("≤ 8 MB", grown_mb <= 8.0))),
    );
}

/// From a posted photo to its preview.
async fn previews(executable: &str) {
    let mut site = Site::start(executable).await;
    let photo = photo();
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let key = site.upload("photo.jpg", &photo).await;
        let began = Instant::now();
        site.post(&format!("photo {number}"), std::slice::from_ref(&key)).await;
        site.previewed(&format!("/files/{key}/photo.jpg/thumb")).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let p50 = times[times.len() / 2];
    print_row(
        &format!("JPEG of {} KB, 2400 × 1600, posted → preview served, p50", photo.len() / 1_000),
        &format!("{:.0} ms", p50.as_secs_f64() * 1_000.0),
        "37signals: 29 ms with libvips, on a faster machine",
        Some(&Budget::new("≤ 120 ms", p50 <= Duration::from_millis(120))),
    );
}

/// A picture with enough detail that it has the size of a photo.
fn photo() -> Vec<u8> {
    let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(97) >> 28;
    let picture = RgbImage::from_fn(2_400, 1_600, |x, y| {
        let base = (x / 12 + y / 9) % 200;
        Rgb([(base + noise(x, y)) as u8, (base / 2 + noise(y, x)) as u8, (255 - base) as u8])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 72).encode_image(&picture).expect("a JPEG");
    bytes
}

/// A file of 100 MiB read by 16 clients, beside nginx with the same file.
async fn downloads(executable: &str) {
    let mut site = Site::start(executable).await;
    let content = vec![b'x'; DOWNLOAD_BYTES];
    let key = site.upload("large.bin", &content).await;
    site.post("a large file", std::slice::from_ref(&key)).await;
    let path = format!("/files/{key}/large.bin");
    let before = site.server.process.rss_anon_bytes();
    let (ours, most) = read_by_all(&site.server.address, &site.head("GET", &path, ""), &site.server.process).await;
    let grown_mb = (most.max(before) - before) as f64 / 1_048_576.0;
    let nginx = Nginx::start(site.folder.path(), &content);
    let head = "GET /large.bin HTTP/1.1\r\n";
    let (theirs, _) = read_by_all(&nginx.address, head, &nginx.process).await;
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    let rate = |time: Duration| (CLIENTS * DOWNLOAD_BYTES) as f64 / 1e9 / time.as_secs_f64();
    print_row(
        "download of 100 MiB by 16 clients",
        &format!("{:.2} GB/s, {ratio:.2} × nginx; RssAnon + {grown_mb:.1} MB", rate(ours)),
        &format!("nginx {:.2} GB/s", rate(theirs)),
        Some(&Budget::new("≥ 0.5 ×", ratio >= 0.5).and(Budget::new("≤ 16 MB", grown_mb <= 16.0))),
    );
}

/// Reads one response in each of the clients. Returns how long all took, and the most memory the server had.
async fn read_by_all(address: &str, head: &str, process: &Process) -> (Duration, u64) {
    let began = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, head) = (address.to_owned(), head.to_owned());
        clients.spawn(async move { drain(&address, &head).await });
    }
    let mut most = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            ended = clients.join_next() => match ended {
                Some(read) => assert!(read.expect("a client") >= DOWNLOAD_BYTES, "all of it"),
                None => return (began.elapsed(), most),
            },
            _ = ticks.tick() => most = most.max(process.rss_anon_bytes()),
        }
    }
}

/// Reads a response without keeping it, and returns its size with the head.
async fn drain(address: &str, head: &str) -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    let message = format!("{head}host: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(message.as_bytes()).await.expect("the server takes a request");
    let mut buffer = vec![0; 256 * 1024];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer).await.expect("the server answers") {
            0 => return count,
            read => count += read,
        }
    }
}

/// nginx with one worker on the same core.
struct Nginx {
    process: Process,
    address: String,
}

impl Nginx {
    fn start(folder: &Path, content: &[u8]) -> Self {
        let root = folder.join("nginx");
        fs::create_dir_all(&root).expect("a folder");
        fs::write(root.join("large.bin"), content).expect("a file");
        let address = format!("127.0.0.1:{}", free_port());
        let shown = root.display();
        let configuration = format!(
            "daemon off; master_process off; worker_processes 1; pid {shown}/pid; error_log stderr;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; sendfile on; client_body_temp_path {shown}; proxy_temp_path {shown};\n\
             fastcgi_temp_path {shown}; uwsgi_temp_path {shown}; scgi_temp_path {shown};\n\
             server {{ listen {address}; root {shown}; }} }}"
        );
        let path = root.join("nginx.conf");
        fs::write(&path, configuration).expect("its configuration");
        let start = |command: &mut Command| {
            command.arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        };
        let process = Process::start("/usr/sbin/nginx", start);
        let is_listening = || std::net::TcpStream::connect(&address).is_ok();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !is_listening() {
            assert!(Instant::now() < deadline, "nginx listens");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, address }
    }
}

/// A page of forty messages, ten of them pictures.
async fn page(executable: &str) {
    let mut site = Site::start(executable).await;
    let photo = photo();
    let mut previews = Vec::new();
    for number in 0..40 {
        let mut keys = Vec::new();
        if number % 4 == 0 && previews.len() < PICTURES {
            let key = site.upload("photo.jpg", &photo).await;
            previews.push(format!("/files/{key}/photo.jpg/thumb"));
            keys.push(key);
        }
        site.post(&format!("message number {number}"), &keys).await;
    }
    for path in &previews {
        site.previewed(path).await;
    }
    let up = cpu_of(&mut site, "/up").await;
    let page = cpu_of(&mut site, "/rooms/1").await;
    let ratio = page.as_secs_f64() / up.as_secs_f64();
    print_row(
        "room page of 40 messages with 10 pictures, cached, CPU",
        &format!("{:.0} µs, {ratio:.1} × /up", page.as_secs_f64() * 1e6),
        &format!("/up {:.0} µs", up.as_secs_f64() * 1e6),
        Some(&Budget::new("≤ 3 ×", ratio <= 3.0)),
    );
}

/// CPU time of the server per request.
async fn cpu_of(site: &mut Site, path: &str) -> Duration {
    const REQUESTS: u32 = 2_000;
    for _ in 0..50 {
        assert_eq!(site.get(path).await, 200, "{path}");
    }
    let before = site.server.process.cpu();
    for _ in 0..REQUESTS {
        site.get(path).await;
    }
    (site.server.process.cpu() - before) / REQUESTS
}
