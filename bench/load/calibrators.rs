//! Baselines, measured in the same run on the same core: nginx with a file, and SQLite alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::meter::free_port;
use crate::meter::http::{HttpConnection, field, request};
use crate::meter::process::Process;
use crate::meter::table::{median, median_and_range, number, print_row, real};
use crate::rounds::{Asked, Client, ROUND, ROUNDS, Rounds, measure};

/// The path in Debian, which is not in every user's `PATH`.
const NGINX: &str = "/usr/sbin/nginx";

/// Transactions per call to SQLite, so that the round trip to its thread does not count.
const TRANSACTIONS_PER_CALL: usize = 64;

/// nginx with one file, on its own port and folder.
struct Nginx {
    process: Process,
    address: String,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Serves `body`, which is compressed already, as `/page`. `None` if nginx is not installed.
    async fn start(body: &[u8]) -> Option<Self> {
        Command::new(NGINX).arg("-v").stderr(Stdio::null()).status().ok()?;
        let folder = tempfile::tempdir().expect("a folder of its own");
        let address = format!("127.0.0.1:{}", free_port());
        let root = folder.path().display().to_string();
        std::fs::write(folder.path().join("page"), body).expect("the page is written");
        std::fs::write(folder.path().join("nginx.conf"), configuration(&address, &root)).expect("the configuration");
        let process = Process::start(NGINX, |command| {
            command.args(["-e", "stderr", "-p", &root, "-c", "nginx.conf"]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
        });
        for _ in 0..1_000 {
            if tokio::net::TcpStream::connect(&address).await.is_ok() {
                return Some(Self { process, address, _folder: folder });
            }
            // nginx has no way to report that it accepts connections.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("nginx does not listen on {address}");
    }
}

/// The configuration: a single process, so that its CPU time is that of one process id.
fn configuration(address: &str, root: &str) -> String {
    format!(
        "daemon off;
         master_process off;
         worker_processes 1;
         pid {root}/nginx.pid;
         events {{ worker_connections 1024; }}
         http {{
             access_log off;
             client_body_temp_path {root}/body;
             fastcgi_temp_path {root}/fastcgi;
             proxy_temp_path {root}/proxy;
             scgi_temp_path {root}/scgi;
             uwsgi_temp_path {root}/uwsgi;
             sendfile on;
             tcp_nopush on;
             keepalive_timeout 1h;
             keepalive_requests 1000000000;
             open_file_cache max=16 inactive=1h;
             server {{
                 listen {address};
                 root {root};
                 location = /page {{
                     types {{ }}
                     default_type 'text/html; charset=utf-8';
                     add_header Content-Encoding gzip;
                 }}
             }}
         }}"
    )
}

struct FileReader {
    connection: HttpConnection,
    request: Vec<u8>,
    body: Arc<Vec<u8>>,
}

impl Client for FileReader {
    async fn ask(&mut self) -> Asked {
        let began = Instant::now();
        let packed = self.connection.exchange(&self.request).await;
        let took = began.elapsed();
        assert_eq!(packed.status, 200, "nginx has the file");
        assert_eq!(field(packed.head, "content-encoding"), Some("gzip"));
        assert!(*packed.body == **self.body, "and it is the file");
        Asked { took, bytes: packed.body.len() }
    }
}

/// Measures nginx with the compressed room page as a file. `None` if nginx is not installed.
pub async fn nginx(body: Vec<u8>, client_count: usize) -> Option<Rounds> {
    let nginx = Nginx::start(&body).await?;
    let body = Arc::new(body);
    let mut clients = Vec::with_capacity(client_count);
    for _ in 0..client_count {
        let connection = HttpConnection::open(&nginx.address).await;
        let request = request(&nginx.address, "GET /page HTTP/1.1\r\n", "");
        clients.push(FileReader { connection, request, body: body.clone() });
    }
    Some(measure("nginx", &nginx.process, clients).await)
}

/// Measures the rows that SQLite alone stores per second, with the durability settings of the server and
/// `rows_together` rows per transaction.
pub async fn sqlite(workload: &str, folder: &Path, rows_together: usize) {
    let path = folder.join(format!("inserts-{rows_together}.sqlite3"));
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0");
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let table = "CREATE TABLE rows (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)";
    sqlx::query(table).execute(&mut database).await.expect("a table");
    let insert = "INSERT INTO rows (body) VALUES ('words of 01920000-0001-7fff-bfff-ffffffffffff');";
    let transaction = format!("BEGIN IMMEDIATE;{}COMMIT;", insert.repeat(rows_together));
    let batch = transaction.repeat(TRANSACTIONS_PER_CALL);

    let mut per_second = Vec::with_capacity(ROUNDS);
    let mut total = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut count = 0;
        while began.elapsed() < ROUND {
            sqlx::raw_sql(AssertSqlSafe(batch.as_str())).execute(&mut database).await.expect("rows");
            count += TRANSACTIONS_PER_CALL * rows_together;
        }
        per_second.push(real(count as u64) / began.elapsed().as_secs_f64());
        total += count;
    }
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rows").fetch_one(&mut database).await.expect("a count");
    assert_eq!(usize::try_from(stored), Ok(total), "every row is there");
    let transaction_ms = real(rows_together as u64) / median(&per_second) * 1_000.0;
    let beside = format!("{} ms a transaction", number(transaction_ms, 2));
    print_row(workload, &median_and_range(&per_second, 0, "/s"), &beside, None);
}
