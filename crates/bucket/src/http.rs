//! The HTTP client that requests to the store go through: HTTP/1.1 over kept connections, with TLS by rustls.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request may take until its response begins: time enough to send a part of 8 MiB over a slow line.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a connection is kept that nobody uses. Stores close theirs after some 20 s or more.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Makes the client.
#[derive(Clone, Debug)]
pub struct Connector {
    client: Client<HttpsConnector<TcpConnector>, HttpRequestBody>,
}

impl Connector {
    /// A client that trusts the public certificate authorities, and those in this PEM file.
    ///
    /// # Errors
    /// When the file has no certificates.
    pub fn new(authorities: Option<&Path>) -> io::Result<Self> {
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = authorities {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector.wrap_connector(tcp));
        Ok(Self { client })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = tokio::time::timeout(RESPONSE_TIMEOUT, self.client.request(request));
        let response = response.await.map_err(|elapsed| HttpError::new(HttpErrorKind::Timeout, elapsed))?;
        let response = response.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { kind_of(&error) };
            HttpError::new(kind, error)
        })?;
        let body = |body: hyper::body::Incoming| {
            HttpResponseBody::new(body.map_err(|error| HttpError::new(kind_of(&error), error)))
        };
        Ok(response.map(body))
    }
}

/// Whether a request that failed may be sent again: only where the connection is to blame.
fn kind_of(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted())
        {
            return HttpErrorKind::Request;
        }
        if error.is::<io::Error>() {
            return HttpErrorKind::Interrupted;
        }
        source = error.source();
    }
    HttpErrorKind::Unknown
}
