//! Fetches files of an export from where it says that they are.
//!
//! The URLs are part of the export, which anybody may have written; the token reads the files of a whole workspace, and its
//! conversations. So it is sent to where Slack has files alone ([`is_file_of_slack`]), by TLS, never to where a redirect
//! leads, and only public addresses are connected to.
//!
//! Whether the token is one is asked once, before the first file. After that, a file that Slack does not give is one that is
//! missing; whenever Slack cannot answer, the import ends, and goes on with that file when it is run again.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::import::{Copied, FileProblem};
use outbound::{Client, Error, Incoming, Policy, Request, Url};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The largest file that is fetched, in bytes: the largest that Slack takes.
const MAX_BYTES: usize = 1024 * 1024 * 1024;

/// How long one file may take.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How often a file is asked for whose server is busy or cannot be reached.
const MAX_TRIES: u32 = 4;

/// Where Slack says whether a token is one.
const CHECK_URL: &str = "https://slack.com/api/auth.test";

/// The longest answer to that, in bytes.
const MAX_CHECK_BYTES: usize = 64 * 1024;

/// The rights of a token that let it read files: today's, and those of the first tokens.
const RIGHTS: [&str; 3] = ["files:read", "read", "client"];

/// The longest pause before another try, whatever the server asks for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How files at URLs are fetched.
pub struct Downloads {
    token: String,
    policy: Policy,
    is_trusted: fn(&Url) -> bool,
    first_pause: Duration,
    check_url: String,
    /// Slack has said that the token is one.
    is_checked: AtomicBool,
}

/// Without the token.
impl fmt::Debug for Downloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloads").finish_non_exhaustive()
    }
}

impl Downloads {
    /// Fetches files from Slack with this token, one that has the right `files:read`.
    #[must_use]
    pub fn from_slack(token: &str) -> Self {
        Self {
            token: token.trim().to_owned(),
            policy: Policy::push().with_deadline(DEADLINE).with_max_body_bytes(MAX_BYTES),
            is_trusted: is_file_of_slack,
            first_pause: Duration::from_secs(1),
            check_url: CHECK_URL.to_owned(),
            is_checked: AtomicBool::new(false),
        }
    }

    /// Writes the file at `url` into what `target` makes, anew for each try.
    pub(super) async fn copy<W: Write>(
        &self,
        client: &Client,
        url: &str,
        target: impl Fn() -> std::io::Result<W>,
    ) -> Result<Copied, FileProblem> {
        let url = Url::parse(url).ok().filter(self.is_trusted);
        let url = url.ok_or_else(|| FileProblem::Refused("its URL is not one of a file of Slack".into()))?;
        if !self.is_checked.load(Ordering::Relaxed) {
            self.until_answered(async || self.check(client).await).await?;
            self.is_checked.store(true, Ordering::Relaxed);
        }
        self.until_answered(async || {
            let mut target = target().map_err(|error| Failure::Final(FileProblem::Write(error)))?;
            self.try_copy(client, &url, &mut target).await
        })
        .await
    }

    /// Tries again while a server is busy, for a while.
    async fn until_answered<T>(&self, attempt: impl AsyncFn() -> Result<T, Failure>) -> Result<T, FileProblem> {
        let mut pause = self.first_pause;
        let mut tries = 1;
        loop {
            let wanted_pause = match attempt().await {
                Ok(done) => return Ok(done),
                Err(Failure::Final(problem)) => return Err(problem),
                Err(Failure::Busy(why, _)) if tries == MAX_TRIES => return Err(FileProblem::Unreachable(why)),
                Err(Failure::Busy(_, wanted)) => wanted.unwrap_or(pause),
            };
            tokio::time::sleep(wanted_pause.min(MAX_PAUSE)).await;
            tries += 1;
            pause *= 4;
        }
    }

    fn request(&self, url: Url) -> Result<Request, Failure> {
        let mut request = Request::get(url);
        let bearer = format!("Bearer {}", self.token).parse();
        let bearer =
            bearer.map_err(|_| Failure::Final(FileProblem::Unreachable("this is no token of Slack".into())))?;
        request.headers.insert("authorization", bearer);
        Ok(request)
    }

    /// Asks Slack whether the token is one that reads files.
    async fn check(&self, client: &Client) -> Result<(), Failure> {
        let ended = |why: String| Failure::Final(FileProblem::Unreachable(why));
        let url = Url::parse(&self.check_url).map_err(|error| ended(error.to_string()))?;
        let policy = self.policy.clone().with_max_body_bytes(MAX_CHECK_BYTES);
        let incoming = client.open(&policy, self.request(url)?).await.map_err(Failure::of_check)?;
        let status = incoming.status().as_u16();
        if let Some(busy) = busy(&incoming, "Slack") {
            return Err(busy);
        }
        let response = incoming.read().await.map_err(Failure::of_check)?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if answer["ok"] != Value::Bool(true) {
            let why: String = answer["error"].as_str().unwrap_or_default().chars().take(60).collect();
            let why = if why.is_empty() { status.to_string() } else { format!("{status}, {why:?}") };
            return Err(ended(format!("Slack refuses the token ({why}): it is wrong, or has expired")));
        }
        // Without it, each file would be refused by itself, and be missing.
        let rights = response.headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok());
        if rights.is_some_and(|rights| !rights.split(',').any(|right| RIGHTS.contains(&right.trim()))) {
            return Err(ended("the token has not the right files:read".into()));
        }
        Ok(())
    }

    async fn try_copy(&self, client: &Client, url: &Url, target: &mut impl Write) -> Result<Copied, Failure> {
        let request = self.request(url.clone())?;
        let mut incoming = client.open(&self.policy, request).await.map_err(Failure::of)?;
        let status = incoming.status().as_u16();
        let is_page = incoming.headers().get("content-type").is_some_and(|kind| {
            // Slack answers with a page where it does not give a file.
            kind.as_bytes().starts_with(b"text/html") && !url.path().ends_with("html") && !url.path().ends_with("htm")
        });
        if let Some(busy) = busy(&incoming, "its server") {
            return Err(busy);
        }
        match status {
            200 if !is_page => {}
            200 => return Err(Failure::Final(FileProblem::Refused("its server answers with a page".into()))),
            401 => {
                let problem = "Slack refuses the token: it was withdrawn, or has expired";
                return Err(Failure::Final(FileProblem::Unreachable(problem.into())));
            }
            _ => return Err(Failure::Final(FileProblem::Refused(format!("its server answers {status}")))),
        }
        let (mut sha256, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = incoming.chunk().await.map_err(Failure::of)? {
            sha256.update(&piece);
            bytes += piece.len() as u64;
            target.write_all(&piece).map_err(|error| Failure::Final(FileProblem::Write(error)))?;
        }
        Ok(Copied { bytes, sha256: sha256.finalize().into() })
    }
}

/// The failure that a busy server answers with.
fn busy(incoming: &Incoming, who: &str) -> Option<Failure> {
    let status = incoming.status().as_u16();
    let is_busy = matches!(status, 408 | 429 | 500..=599);
    is_busy.then(|| {
        let seconds = incoming.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Failure::Busy(format!("{who} answers {status}, again and again"), seconds.map(Duration::from_secs))
    })
}

/// Why a try failed.
enum Failure {
    Final(FileProblem),
    /// Perhaps another time: why, and after what pause.
    Busy(String, Option<Duration>),
}

impl Failure {
    fn of(error: Error) -> Self {
        match error {
            error if error.is_transient() => Self::Busy(format!("its server cannot be reached: {error}"), None),
            Error::TooLarge => Self::Final(FileProblem::Refused("it has more than 1 GiB".into())),
            error => Self::Final(FileProblem::Refused(error.to_string())),
        }
    }

    /// The token is not known to be one: nothing can be fetched.
    fn of_check(error: Error) -> Self {
        match error {
            error if error.is_transient() => Self::Busy(format!("Slack cannot be reached: {error}"), None),
            error => Self::Final(FileProblem::Unreachable(format!("Slack cannot be asked about the token: {error}"))),
        }
    }
}

/// Whether the token may be sent to this URL: one of a file of Slack. On the same hosts there are methods that do or read
/// anything that the token has the right to.
fn is_file_of_slack(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_host = host.ends_with(".slack.com") || host.ends_with(".slack-files.com");
    let path = url.path();
    let is_file = ["/files-pri/", "/files-tmb/", "/files/"].iter().any(|folder| path.starts_with(folder));
    // A server may read these as separators, and find something else.
    let lower = path.to_ascii_lowercase();
    let leads_out = path.contains('\\') || ["%2f", "%5c", "%2e", "%00", "//"].iter().any(|sign| lower.contains(sign));
    url.scheme() == "https" && url.port().is_none() && is_host && is_file && !leads_out
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers requests in turn, and keeps what was asked.
    pub struct Server {
        pub url: String,
        pub asked: Arc<Mutex<Vec<String>>>,
    }

    impl Server {
        pub async fn start(answers: Vec<String>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let asked = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&asked);
            tokio::spawn(async move {
                for answer in answers {
                    let (stream, _) = listener.accept().await.unwrap();
                    let mut stream = BufReader::new(stream);
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if stream.read_line(&mut head).await.unwrap() == 0 {
                            break;
                        }
                    }
                    kept.lock().unwrap().push(head);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
            Self { url, asked }
        }
    }

    pub fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }

    /// What Slack answers about a token.
    pub fn token_is_right() -> String {
        answer("200 OK", "X-OAuth-Scopes: identify,files:read\r\n", r#"{"ok":true}"#)
    }

    /// Fetches from a server of the test, which is asked about the token first.
    pub fn permitted(server: &Server) -> Downloads {
        let policy = Policy::public().permitting(["127.0.0.0/8".parse().unwrap()]).with_max_body_bytes(1_000);
        let first_pause = Duration::from_millis(1);
        let check_url = format!("{}/api/auth.test", server.url);
        Downloads { policy, is_trusted: |_| true, first_pause, check_url, ..Downloads::from_slack(" xoxp-secret ") }
    }

    async fn fetch(downloads: &Downloads, url: &str) -> Result<Copied, FileProblem> {
        downloads.copy(&Client::new("test"), url, || Ok(Vec::new())).await
    }

    #[tokio::test]
    async fn a_file_is_fetched_with_the_token_and_asked_for_again_when_the_server_is_busy() {
        let busy = || answer("429 Too Many Requests", "Retry-After: 0\r\n", "");
        let found = || answer("200 OK", "", "bytes");
        let server = Server::start(vec![busy(), token_is_right(), busy(), found(), found()]).await;
        let downloads = permitted(&server);
        for _ in 0..2 {
            let copied = fetch(&downloads, &format!("{}/files-pri/a.txt", server.url)).await.unwrap();
            assert_eq!(copied.bytes, 5);
        }
        let asked = server.asked.lock().unwrap().clone();
        let paths: Vec<_> = asked.iter().filter_map(|head| head.split(' ').nth(1)).collect();
        let (check, file) = ("/api/auth.test", "/files-pri/a.txt");
        assert_eq!(paths, [check, check, file, file, file], "the token is checked once");
        assert!(asked.iter().all(|head| head.to_lowercase().contains("authorization: bearer xoxp-secret\r\n")));
    }

    #[tokio::test]
    async fn a_wrong_token_ends_the_import_before_the_first_file() {
        for (first, expected) in [
            (answer("200 OK", "", r#"{"ok":false,"error":"invalid_auth"}"#), "invalid_auth"),
            (answer("200 OK", "X-OAuth-Scopes: chat:write\r\n", r#"{"ok":true}"#), "files:read"),
            (answer("302 Found", "Location: https://slack.com/\r\n", ""), "refuses the token"),
            (answer("403 Forbidden", "", ""), "refuses the token"),
            (answer("200 OK", "", "no JSON"), "refuses the token"),
            (answer("200 OK", "", &"x".repeat(MAX_CHECK_BYTES + 1)), "about the token"),
        ] {
            // Redirects are not followed, whatever the policy.
            let server = Server::start(vec![first]).await;
            let downloads = Downloads { policy: loopback(), ..permitted(&server) };
            let failed = fetch(&downloads, &server.url).await;
            assert!(matches!(&failed, Err(FileProblem::Unreachable(why)) if why.contains(expected)), "{failed:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_given_is_missing_even_if_it_is_the_first() {
        let page = answer("200 OK", "Content-Type: text/html\r\n", "sign in");
        let moved = answer("302 Found", "Location: https://slack.com/\r\n", "");
        let answers = [moved, answer("403 Forbidden", "", ""), answer("404 Not Found", "", ""), page];
        let server = Server::start([vec![token_is_right()], answers.to_vec()].concat()).await;
        let downloads = Downloads { policy: loopback(), ..permitted(&server) };
        for _ in answers {
            let failed = fetch(&downloads, &server.url).await;
            assert!(matches!(failed, Err(FileProblem::Refused(_))), "{failed:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_stays_busy_and_a_token_that_is_withdrawn_end_the_import() {
        for status in ["429 Too Many Requests", "503 Service Unavailable", "500 Internal Server Error"] {
            let busy = || answer(status, "Retry-After: 0\r\n", "");
            let server = Server::start(vec![token_is_right(), busy(), busy(), busy(), busy()]).await;
            let failed = fetch(&permitted(&server), &server.url).await;
            assert!(matches!(&failed, Err(FileProblem::Unreachable(why)) if why.contains(&status[..3])), "{failed:?}");
            let unchecked = Server::start(vec![busy(), busy(), busy(), busy()]).await;
            let failed = fetch(&permitted(&unchecked), &unchecked.url).await;
            assert!(matches!(failed, Err(FileProblem::Unreachable(_))), "{failed:?}");
        }
        let withdrawn = answer("401 Unauthorized", "", "");
        let server = Server::start(vec![token_is_right(), answer("200 OK", "", "bytes"), withdrawn]).await;
        let downloads = permitted(&server);
        fetch(&downloads, &server.url).await.unwrap();
        let failed = fetch(&downloads, &server.url).await;
        assert!(matches!(failed, Err(FileProblem::Unreachable(_))), "{failed:?}");
    }

    fn loopback() -> Policy {
        Policy::chosen().with_max_body_bytes(1_000)
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_or_torn_is_none() {
        let large = answer("200 OK", "", &"x".repeat(1_001));
        let torn = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort".to_owned();
        let server = Server::start(vec![token_is_right(), large, torn.clone(), torn.clone(), torn.clone(), torn]).await;
        let downloads = permitted(&server);
        let failed = fetch(&downloads, &server.url).await;
        assert!(matches!(&failed, Err(FileProblem::Refused(why)) if why.contains("1 GiB")), "{failed:?}");
        let failed = fetch(&downloads, &server.url).await;
        assert!(matches!(&failed, Err(FileProblem::Unreachable(_))), "{failed:?}");
    }

    #[tokio::test]
    async fn the_token_is_sent_to_files_of_slack_alone() {
        for (url, expected) in [
            ("https://files.slack.com/files-pri/T1-F1/a.txt", true),
            ("https://files.slack.com/files-pri/T1-F1/download/a%20b.txt?x=1", true),
            ("https://files.slack.com/files-tmb/T1-F1/a_720.png", true),
            ("https://x.slack-files.com/files-pri/T1-F1/a.txt", true),
            ("https://acme.slack.com/files/a", true),
            ("https://acme.enterprise.slack.com/files-pri/T1-F1/a", true),
            ("https://slack.com/api/auth.revoke", false),
            ("https://slack.com/files/a", false),
            ("https://acme.slack.com/api/conversations.history?channel=C1", false),
            ("https://files.slack.com/api/files.list", false),
            ("https://files.slack.com/files-pri/../api/auth.revoke", false),
            ("https://files.slack.com/files-pri/%2e%2e/api/auth.revoke", false),
            ("https://files.slack.com/files-pri/..%2Fapi%2fauth.revoke", false),
            ("https://acme.slack.com/x?/files/", false),
            ("http://files.slack.com/files-pri/a", false),
            ("https://files.slack.com:8443/files-pri/a", false),
            ("https://files.slack.com.evil.example/files-pri/a", false),
            ("https://evilslack.com/files-pri/a", false),
            ("https://user@evil.example/files-pri/files.slack.com", false),
            ("https://127.0.0.1/files-pri/a", false),
        ] {
            assert_eq!(is_file_of_slack(&Url::parse(url).unwrap()), expected, "{url}");
        }
        let downloads = Downloads::from_slack("xoxp-secret");
        for url in ["https://evil.example/files-pri/a", "https://slack.com/api/auth.revoke"] {
            let failed = fetch(&downloads, url).await;
            assert!(matches!(failed, Err(FileProblem::Refused(_))));
        }
        assert!(!format!("{downloads:?}").contains("secret"));
    }
}
