//! Those who use the site meanwhile: they read a room and post, each at a steady pace, on a new connection each time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::Site;
use crate::meter::http::{call, request};
use crate::meter::uuid;

/// The number of people who read, and who post; and how long each waits between two requests.
const READERS: usize = 4;
const POSTERS: usize = 2;
const READ_PAUSE: Duration = Duration::from_millis(20);
const POST_PAUSE: Duration = Duration::from_millis(250);

/// The number of the first of them among the people.
const FIRST: usize = 10;

/// After this time a request counts as failed, and with this time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The people at work.
pub struct Others {
    is_over: Arc<AtomicBool>,
    readers: Vec<JoinHandle<Times>>,
    posters: Vec<JoinHandle<Times>>,
}

/// The times of one person's requests, those that failed included.
#[derive(Default)]
struct Times {
    times: Vec<Duration>,
    failed_count: usize,
}

/// The times of all requests.
pub struct Measured {
    pub reads: Vec<Duration>,
    pub posts: Vec<Duration>,
    pub failed_count: usize,
}

impl Others {
    pub fn start(site: &Arc<Site>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut readers = Vec::new();
        let mut posters = Vec::new();
        for number in 0..READERS + POSTERS {
            let task = tokio::spawn(work(site.clone(), number, is_over.clone()));
            if number < READERS { readers.push(task) } else { posters.push(task) }
        }
        Self { is_over, readers, posters }
    }

    /// Lets them work for a time, and returns what was measured.
    pub async fn during(self, time: Duration) -> Measured {
        sleep(time).await;
        self.is_over.store(true, Ordering::Relaxed);
        let mut measured = Measured { reads: Vec::new(), posts: Vec::new(), failed_count: 0 };
        for (tasks, times) in [(self.readers, &mut measured.reads), (self.posters, &mut measured.posts)] {
            for task in tasks {
                let own = task.await.expect("they end well");
                times.extend(own.times);
                measured.failed_count += own.failed_count;
            }
        }
        measured
    }
}

async fn work(site: Arc<Site>, number: usize, is_over: Arc<AtomicBool>) -> Times {
    let mut all = Times::default();
    let reads = number < READERS;
    while !is_over.load(Ordering::Relaxed) {
        let cookie = site.cookie(FIRST + number);
        let (head, body) = if reads {
            (format!("GET /rooms/{} HTTP/1.1\r\ncookie: {cookie}\r\n", site.data.busy_room), String::new())
        } else {
            let (room_id, id) = (site.data.other_room, uuid());
            call(
                cookie,
                "messages/post",
                format!(r#"{{"room_id":{room_id},"client_message_id":"{id}","body":"words"}}"#),
            )
        };
        let request = request(site.address(), &(head + "connection: close\r\n"), &body);
        let began = Instant::now();
        let status = timeout(ANSWER_TIMEOUT, status(site.address(), &request)).await;
        all.times.push(began.elapsed());
        if !matches!(status, Ok(Ok(200))) {
            all.failed_count += 1;
        }
        sleep(if reads { READ_PAUSE } else { POST_PAUSE }).await;
    }
    all
}

/// Sends a request on a connection of its own, and reads the whole response. Returns its status.
pub async fn status(address: &str, request: &[u8]) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    status.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}
