//! The client: one request at a time, each on a connection of its own.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::resolver::{Resolve, SystemResolver};
use crate::tls::Tls;
use crate::{Error, Policy};

/// Maximum length of the head of a response (status line and headers), in bytes: a head that is not complete by then is
/// refused, where one more read may have filled the buffer beyond.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Maximum number of headers of a response.
const MAX_HEADERS: usize = 128;

/// How many of a host's addresses are tried.
const MAX_ADDRESSES: usize = 3;

/// How long one address is tried, so that the next one has a chance before the deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A request. The client adds `Host`, `User-Agent`, `Accept-Encoding` and `Connection`.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to. A name, a password and a fragment in it are not sent.
    pub url: Url,
    /// The headers. `Authorization` is not sent to where a redirect leads.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A GET request.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A POST request with a body of a content type.
    #[must_use]
    pub fn post(url: Url, content_type: &'static str, body: Bytes) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { method: Method::POST, url, headers, body }
    }
}

/// Without URL, headers and body, which may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A whole response.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// The body.
    pub body: Bytes,
}

/// Without URL, headers and body, which may be secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A response whose body is not read yet. Dropping it closes the connection.
pub struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    url: Url,
    body: hyper::body::Incoming,
    max_body_bytes: usize,
    deadline: Deadline,
    connection: Connection,
}

impl Incoming {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The URL that answered, after redirects.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Reads the next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// `TooLarge` once it is longer than the policy allows, announced or not; `Encoded`, `Protocol`, `Timeout`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let Self { headers, body, max_body_bytes, deadline, .. } = self;
        check_encoding(headers)?;
        if usize::try_from(body.size_hint().lower()).map_or(true, |left_bytes| left_bytes > *max_body_bytes) {
            return Err(Error::TooLarge);
        }
        let next = async {
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.map_err(|_| Error::Protocol)?.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(None)
        };
        let Some(data) = deadline.limit(next).await? else { return Ok(None) };
        *max_body_bytes = max_body_bytes.checked_sub(data.len()).ok_or(Error::TooLarge)?;
        Ok(Some(data))
    }

    /// Reads the body.
    ///
    /// # Errors
    /// `TooLarge` if it is longer than the policy allows, announced or not; `Encoded`, `Protocol`, `Timeout`.
    pub async fn read(self) -> Result<Response, Error> {
        let Self { status, headers, url, mut body, max_body_bytes, mut deadline, connection } = self;
        check_encoding(&headers)?;
        let body = deadline.limit(collect(&mut body, max_body_bytes)).await?;
        drop(connection);
        Ok(Response { status, headers, url, body })
    }
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Error> {
    let coding = headers.get(CONTENT_ENCODING).filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coding.is_some() { Err(Error::Encoded) } else { Ok(()) }
}

/// Reads a body of at most `max_bytes`.
async fn collect(body: &mut hyper::body::Incoming, max_bytes: usize) -> Result<Bytes, Error> {
    let announced_bytes = body.size_hint().lower();
    if usize::try_from(announced_bytes).map_or(true, |announced_bytes| announced_bytes > max_bytes) {
        return Err(Error::TooLarge);
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Error::Protocol)?.into_data() else { continue };
        if data.len() > max_bytes - read.len() {
            return Err(Error::TooLarge);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The client for outgoing requests. Holds no connections; cheap until the first request.
pub struct Client {
    user_agent: HeaderValue,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
}

impl Client {
    /// A client that calls itself `user_agent`, with the resolver of the operating system.
    #[must_use]
    pub fn new(user_agent: &'static str) -> Self {
        Self {
            user_agent: HeaderValue::from_static(user_agent),
            resolver: Arc::new(SystemResolver),
            tls: Tls::default(),
        }
    }

    /// Finds addresses by `resolver`.
    #[must_use]
    pub fn resolving_by(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Trusts the certificates of `roots` beside those compiled in.
    #[must_use]
    pub fn trusting(mut self, roots: Vec<CertificateDer<'static>>) -> Self {
        self.tls = Tls::trusting(roots);
        self
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// Those of [`Client::open`] and [`Incoming::read`]. A status of failure is a response.
    pub async fn send(&self, policy: &Policy, request: Request) -> Result<Response, Error> {
        self.open(policy, request).await?.read().await
    }

    /// Sends a request, follows redirects if the policy says so, and reads the head of the response.
    ///
    /// # Errors
    /// See [`Error`]. `Refused` means that nothing was connected to.
    pub async fn open(&self, policy: &Policy, mut request: Request) -> Result<Incoming, Error> {
        let mut deadline = Deadline::after(policy.deadline);
        for _ in 0..policy.max_requests() {
            let (response, connection) = deadline.limit(self.request(policy, &request)).await?;
            let (head, body) = response.into_parts();
            if policy.follows_redirects()
                && let Some(location) = redirect(head.status, &head.headers)
            {
                request.url = location?;
                request.headers.remove(AUTHORIZATION);
                continue;
            }
            return Ok(Incoming {
                status: head.status,
                headers: head.headers,
                url: request.url,
                body,
                max_body_bytes: policy.max_body_bytes,
                deadline,
                connection,
            });
        }
        Err(Error::TooManyRedirects)
    }

    /// Whether a request to `url` would be permitted: resolves its host and connects to nothing.
    ///
    /// # Errors
    /// `Url`, `Refused`, `Unresolved` or `Timeout`.
    pub async fn check(&self, policy: &Policy, url: &Url) -> Result<(), Error> {
        policy.check_url(url)?;
        Deadline::after(policy.deadline).limit(self.addresses(policy, url)).await.map(drop)
    }

    /// One request on a new connection.
    async fn request(
        &self,
        policy: &Policy,
        request: &Request,
    ) -> Result<(http::Response<hyper::body::Incoming>, Connection), Error> {
        policy.check_url(&request.url)?;
        let message = self.message(request)?;
        let stream = self.connect(policy, &request.url).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Error::Protocol)?;
        let connection = Connection(tokio::spawn(async move {
            // Its errors are those of the request and of the body.
            let _ = connection.await;
        }));
        let response = sender.send_request(message).await.map_err(|_| Error::Protocol)?;
        Ok((response, connection))
    }

    /// A request as hyper sends it.
    fn message(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
        let url = &request.url;
        let target: Uri = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| Error::Url)?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|_| Error::Url)?;
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = target;
        let headers = message.headers_mut();
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.extend(request.headers.clone());
        Ok(message)
    }

    /// Connects to one of the permitted addresses of a URL's host, with TLS for https.
    async fn connect(&self, policy: &Policy, url: &Url) -> Result<Box<dyn Stream>, Error> {
        let addresses = self.addresses(policy, url).await?;
        let port = url.port_or_known_default().ok_or(Error::Url)?;
        let tcp = connect_first(&addresses, port).await.ok_or(Error::Connect)?;
        if url.scheme() == "http" {
            return Ok(Box::new(tcp));
        }
        let connector = TlsConnector::from(self.tls.config());
        Ok(Box::new(connector.connect(server_name(url)?, tcp).await.map_err(|_| Error::Tls)?))
    }

    /// The permitted addresses of a URL's host, IPv4 first. The only place that resolves names.
    async fn addresses(&self, policy: &Policy, url: &Url) -> Result<Vec<IpAddr>, Error> {
        let mut addresses = match url.host().ok_or(Error::Url)? {
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(name) => self.resolver.resolve(name).await.map_err(|_| Error::Unresolved)?,
        };
        if addresses.is_empty() {
            return Err(Error::Unresolved);
        }
        addresses.retain(|address| policy.permits(*address));
        if addresses.is_empty() {
            return Err(Error::Refused);
        }
        addresses.sort_by_key(IpAddr::is_ipv6);
        Ok(addresses)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

/// The first connection to one of `addresses`.
async fn connect_first(addresses: &[IpAddr], port: u16) -> Option<TcpStream> {
    for address in addresses.iter().take(MAX_ADDRESSES) {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        if let Ok(Ok(stream)) = timeout(CONNECT_TIMEOUT, connecting).await {
            let _ = stream.set_nodelay(true);
            return Some(stream);
        }
    }
    None
}

/// The name that the certificate has to be for.
fn server_name(url: &Url) -> Result<ServerName<'static>, Error> {
    match url.host().ok_or(Error::Url)? {
        Host::Domain(name) => {
            ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()).map_err(|_| Error::Url)
        }
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(address))),
    }
}

/// Where a redirect leads: an absolute http(s) URL, or an error. `None` for any other response.
fn redirect(status: StatusCode, headers: &HeaderMap) -> Option<Result<Url, Error>> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = redirects.then(|| headers.get(LOCATION)).flatten()?;
    let url = location.to_str().ok().and_then(|location| Url::parse(location).ok());
    Some(url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(Error::Redirect))
}

/// The time that is left for a request.
struct Deadline(Pin<Box<Sleep>>);

impl Deadline {
    fn after(duration: Duration) -> Self {
        Self(Box::pin(sleep(duration)))
    }

    /// The result of `work`, or `Timeout`.
    async fn limit<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            () = &mut self.0 => Err(Error::Timeout),
        }
    }
}

/// The task that drives a connection, which ends with this.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}
