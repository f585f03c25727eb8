//! Fetches files of an export from where it says that they are.
//!
//! The URLs are part of the export, which anybody may have written; the token reads the files of a whole workspace. So it is
//! sent to hosts of Slack alone, by TLS, never to where a redirect leads, and only public addresses are connected to.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::import::{Copied, FileProblem};
use outbound::{Client, Error, Policy, Request, Url};
use sha2::{Digest, Sha256};

/// The largest file that is fetched, in bytes: the largest that Slack takes.
const MAX_BYTES: usize = 1024 * 1024 * 1024;

/// How long one file may take.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How often a file is asked for whose server is busy or cannot be reached.
const MAX_TRIES: u32 = 4;

/// The longest pause before another try, whatever the server asks for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How files at URLs are fetched.
pub struct Downloads {
    token: String,
    policy: Policy,
    is_trusted: fn(&Url) -> bool,
    first_pause: Duration,
    /// A file has been fetched: the token is one.
    has_succeeded: AtomicBool,
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
            is_trusted: is_slack,
            first_pause: Duration::from_secs(1),
            has_succeeded: AtomicBool::new(false),
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
        let url = url.ok_or_else(|| FileProblem::Refused("its URL is not one of Slack".into()))?;
        let mut pause = self.first_pause;
        let mut tries = 1;
        loop {
            let tried = self.try_copy(client, &url, &mut target().map_err(FileProblem::Write)?).await;
            let wanted_pause = match tried {
                Ok(copied) => {
                    self.has_succeeded.store(true, Ordering::Relaxed);
                    return Ok(copied);
                }
                Err(Failure::Final(problem)) => return Err(problem),
                Err(Failure::Busy(problem, _)) if tries == MAX_TRIES => return Err(problem),
                Err(Failure::Busy(_, wanted)) => wanted.unwrap_or(pause),
            };
            tokio::time::sleep(wanted_pause.min(MAX_PAUSE)).await;
            tries += 1;
            pause *= 4;
        }
    }

    async fn try_copy(&self, client: &Client, url: &Url, target: &mut impl Write) -> Result<Copied, Failure> {
        let mut request = Request::get(url.clone());
        let bearer = format!("Bearer {}", self.token).parse();
        let bearer =
            bearer.map_err(|_| Failure::Final(FileProblem::Unreachable("this is no token of Slack".into())))?;
        request.headers.insert("authorization", bearer);
        let mut incoming = client.open(&self.policy, request).await.map_err(Failure::of)?;
        let status = incoming.status().as_u16();
        let is_page = incoming.headers().get("content-type").is_some_and(|kind| {
            // Slack answers with its page for signing in when the token is wrong.
            kind.as_bytes().starts_with(b"text/html") && !url.path().ends_with("html") && !url.path().ends_with("htm")
        });
        match status {
            200 if !is_page => {}
            429 | 500..=599 => {
                let seconds = incoming.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                let problem = FileProblem::Refused(format!("its server answers {status}"));
                return Err(Failure::Busy(problem, seconds.map(Duration::from_secs)));
            }
            200 | 300..=399 | 401 | 403 if !self.has_succeeded.load(Ordering::Relaxed) => {
                let problem = "Slack asks to sign in: the token is wrong, has expired, or has not the right files:read";
                return Err(Failure::Final(FileProblem::Unreachable(problem.into())));
            }
            200 => return Err(Failure::Final(FileProblem::Refused("its server answers with a page".into()))),
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

/// Why a try failed.
enum Failure {
    Final(FileProblem),
    /// Perhaps another time, and after what pause.
    Busy(FileProblem, Option<Duration>),
}

impl Failure {
    fn of(error: Error) -> Self {
        match error {
            error if error.is_transient() => {
                let problem = FileProblem::Unreachable(format!("its server cannot be reached: {error}"));
                Self::Busy(problem, None)
            }
            Error::TooLarge => Self::Final(FileProblem::Refused("it has more than 1 GiB".into())),
            error => Self::Final(FileProblem::Refused(error.to_string())),
        }
    }
}

/// Whether the token may be sent to this URL.
fn is_slack(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_host = host == "slack.com" || host.ends_with(".slack.com") || host.ends_with(".slack-files.com");
    url.scheme() == "https" && is_host && url.port().is_none()
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

    /// Fetches from a server of the test.
    pub fn permitted() -> Downloads {
        let policy = Policy::public().permitting(["127.0.0.0/8".parse().unwrap()]).with_max_body_bytes(1_000);
        let first_pause = Duration::from_millis(1);
        Downloads { policy, is_trusted: |_| true, first_pause, ..Downloads::from_slack(" xoxp-secret ") }
    }

    async fn fetch(downloads: &Downloads, url: &str) -> Result<Copied, FileProblem> {
        downloads.copy(&Client::new("test"), url, || Ok(Vec::new())).await
    }

    #[tokio::test]
    async fn a_file_is_fetched_with_the_token_and_asked_for_again_when_the_server_is_busy() {
        let busy = answer("429 Too Many Requests", "Retry-After: 0\r\n", "");
        let server = Server::start(vec![busy, answer("200 OK", "", "bytes")]).await;
        let copied = fetch(&permitted(), &format!("{}/files-pri/a.txt", server.url)).await.unwrap();
        assert_eq!(copied.bytes, 5);
        let asked = server.asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 2);
        assert!(asked[1].to_lowercase().contains("authorization: bearer xoxp-secret\r\n"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_wrong_token_ends_the_import_and_one_missing_file_does_not() {
        for first in [answer("302 Found", "Location: https://slack.com/\r\n", ""), answer("403 Forbidden", "", "")] {
            // Redirects are not followed, whatever the policy.
            let server = Server::start(vec![first]).await;
            let downloads = Downloads { policy: loopback(), ..permitted() };
            let failed = fetch(&downloads, &server.url).await;
            assert!(matches!(&failed, Err(FileProblem::Unreachable(why)) if why.contains("files:read")), "{failed:?}");
        }
        let page = answer("200 OK", "Content-Type: text/html\r\n", "sign in");
        let server = Server::start(vec![answer("200 OK", "", "bytes"), answer("404 Not Found", "", ""), page]).await;
        let downloads = permitted();
        fetch(&downloads, &server.url).await.unwrap();
        for _ in 0..2 {
            let failed = fetch(&downloads, &server.url).await;
            assert!(matches!(failed, Err(FileProblem::Refused(_))), "{failed:?}");
        }
    }

    fn loopback() -> Policy {
        Policy::chosen().with_max_body_bytes(1_000)
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_or_torn_is_none() {
        let large = answer("200 OK", "", &"x".repeat(1_001));
        let torn = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort".to_owned();
        let server = Server::start(vec![large, torn.clone(), torn.clone(), torn.clone(), torn]).await;
        let failed = fetch(&permitted(), &server.url).await;
        assert!(matches!(&failed, Err(FileProblem::Refused(why)) if why.contains("1 GiB")), "{failed:?}");
        let failed = fetch(&permitted(), &server.url).await;
        assert!(matches!(&failed, Err(FileProblem::Unreachable(_))), "{failed:?}");
    }

    #[tokio::test]
    async fn the_token_is_sent_to_slack_alone() {
        for (url, expected) in [
            ("https://files.slack.com/files-pri/T1-F1/a.txt", true),
            ("https://acme.slack.com/files/a", true),
            ("http://files.slack.com/a", false),
            ("https://files.slack.com:8443/a", false),
            ("https://files.slack.com.evil.example/a", false),
            ("https://evilslack.com/a", false),
            ("https://user@evil.example/files.slack.com", false),
            ("https://127.0.0.1/", false),
        ] {
            assert_eq!(is_slack(&Url::parse(url).unwrap()), expected, "{url}");
        }
        let downloads = Downloads::from_slack("xoxp-secret");
        let failed = fetch(&downloads, "https://evil.example/a").await;
        assert!(matches!(failed, Err(FileProblem::Refused(_))));
        assert!(!format!("{downloads:?}").contains("secret"));
    }
}
