//! Certificates.

use std::sync::Arc;

use outbound::{CertificateDer, Error, Policy, Request};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Names, PERMITTED, client};

/// Serves `reached` over TLS with a certificate for `host`; returns the port and the certificate.
async fn serve(host: &str) -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((PERMITTED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nreached").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, certificate)
}

/// The policy for pushes, with the test's server beside public addresses.
fn policy() -> Policy {
    Policy::push().permitting(["127.0.0.1/32".parse().unwrap()])
}

#[tokio::test]
async fn a_trusted_certificate_for_the_host_is_accepted() {
    let (port, certificate) = serve("push.example").await;
    let names = Names::of([("push.example", vec![vec![PERMITTED]]), ("push.example.", vec![vec![PERMITTED]])]);
    let client = client().resolving_by(names).trusting(vec![certificate]);
    for host in ["push.example", "push.example."] {
        let url = format!("https://{host}:{port}/").parse().unwrap();
        let response = client.send(&policy(), Request::get(url)).await.unwrap();
        assert_eq!(&*response.body, b"reached");
    }
}

#[tokio::test]
async fn any_other_certificate_is_refused() {
    let (port, certificate) = serve("push.example").await;
    let names = Names::of([("push.example", vec![vec![PERMITTED]]), ("other.example", vec![vec![PERMITTED]])]);
    // Trusted by nobody.
    let stranger = client().resolving_by(names.clone());
    let url = format!("https://push.example:{port}/").parse().unwrap();
    assert_eq!(stranger.send(&policy(), Request::get(url)).await.unwrap_err(), Error::Tls);
    // Trusted, for another host.
    let client = client().resolving_by(names).trusting(vec![certificate]);
    for host in ["other.example", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/").parse().unwrap();
        assert_eq!(client.send(&policy(), Request::get(url)).await.unwrap_err(), Error::Tls);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let listener = TcpListener::bind((PERMITTED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 1_024]).await;
    });
    let url = format!("https://127.0.0.1:{port}/").parse().unwrap();
    assert_eq!(client().send(&policy(), Request::get(url)).await.unwrap_err(), Error::Tls);
}
