//! Servers and resolvers for the tests.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use outbound::{Addresses, Client, Policy, Resolve, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The address of servers that tests may talk to.
pub const PERMITTED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The address of servers that nothing may connect to. All of 127/8 is this machine.
pub const REFUSED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The policy for public URLs, with [`PERMITTED`] beside them.
pub fn policy() -> Policy {
    Policy::public().permitting(["127.0.0.1/32".parse().unwrap()])
}

/// A client with the system's resolver.
pub fn client() -> Client {
    Client::new("Test/1")
}

/// A server that answers every request by a function of its head.
pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request with bytes, and closes the connection.
    pub async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::serving(move |head, mut stream| {
            let answer = answer(&head);
            async move {
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    /// Handles each connection by a function of the request's head and the stream.
    pub async fn serving<F>(handle: impl Fn(String, TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((PERMITTED, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let handle = Arc::new(handle);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, handle) = (Arc::clone(&seen), Arc::clone(&handle));
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    seen.lock().unwrap().push(head.clone());
                    handle(head, stream).await;
                });
            }
        });
        Self { address, requests }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads up to the end of a request's head.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A listener that must not be connected to.
pub struct Untouched(TcpListener);

impl Untouched {
    pub async fn listen(address: IpAddr) -> Self {
        Self(TcpListener::bind((address, 0)).await.unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Connects once, and checks that this is the first connection that the listener sees.
    pub async fn assert_untouched(self) {
        let own = TcpStream::connect(self.0.local_addr().unwrap()).await.unwrap();
        let (_, first) = self.0.accept().await.unwrap();
        assert_eq!(first, own.local_addr().unwrap(), "something connected");
    }
}

/// A resolver whose answer to the n-th question about a name is the n-th of a list, then the last one.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<HashMap<String, Name>>>);

/// What is answered about a name, and how often it was asked for.
struct Name {
    answers: Vec<Vec<IpAddr>>,
    asked: usize,
}

impl Names {
    pub fn of(names: impl IntoIterator<Item = (&'static str, Vec<Vec<IpAddr>>)>) -> Self {
        let names = names.into_iter().map(|(name, answers)| (name.to_owned(), Name { answers, asked: 0 }));
        Self(Arc::new(Mutex::new(names.collect())))
    }

    /// How many questions were asked about a name.
    pub fn asked(&self, name: &str) -> usize {
        self.0.lock().unwrap().get(name).map_or(0, |name| name.asked)
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> Addresses {
        let mut names = self.0.lock().unwrap();
        let answer = names.get_mut(host).map(|name| {
            name.asked += 1;
            name.answers.get(name.asked - 1).or(name.answers.last()).cloned().unwrap_or_default()
        });
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// A response with headers and a body.
pub fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
