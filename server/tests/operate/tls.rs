//! A served Campfire with TLS: certificates in files, replaced while it runs, and what cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use server::http::tls::validity::Validity;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{TEST_TIMEOUT, command, fail, send, succeed, text};

/// A served Campfire with TLS, which is killed when this is dropped.
pub struct Encrypted {
    pub process: Child,
    /// The ports without TLS, with TLS, and the one that leads to it.
    pub ports: [u16; 3],
    log: Lines<BufReader<ChildStderr>>,
}

impl Encrypted {
    /// Starts the command, which has the options of TLS, and waits until it listens.
    pub async fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ports = [0; 3];
        for (port, scheme) in ports.iter_mut().zip(["http", "https", "http"]) {
            let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("it starts").unwrap().expect("a line");
            assert!(line.contains(&format!(" {scheme}://")), "{line}");
            *port = line.rsplit_once(':').expect("an address").1.parse().unwrap();
        }
        Self { process, ports, log }
    }

    /// Waits for a line of the log.
    pub async fn logged(&mut self, words: &str) -> String {
        let waiting = async {
            loop {
                let line = self.log.next_line().await.unwrap().unwrap_or_else(|| panic!("{words} was not logged"));
                if line.contains(words) {
                    return line;
                }
            }
        };
        timeout(TEST_TIMEOUT, waiting).await.unwrap_or_else(|_| panic!("{words} was not logged in time"))
    }

    pub fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// The certificate that it has now.
    pub async fn certificate(&self) -> Option<Validity> {
        certificate_at(self.ports[1]).await
    }
}

/// Takes every certificate, to look at it.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A connection with TLS, whatever the certificate; `None` if the handshake fails.
pub async fn connect(port: u16) -> Option<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Anything)).with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("chat.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()
}

/// The certificate that is presented at a port; `None` if there is none.
pub async fn certificate_at(port: u16) -> Option<Validity> {
    let stream = connect(port).await?;
    let chain = stream.get_ref().1.peer_certificates()?;
    Validity::read(chain.first()?)
}

/// Writes a certificate for `host` and its key under a name.
pub fn write_certificate(folder: &Path, name: &str, host: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let (certificate, key) = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

/// The options of a Campfire at ports that the system chooses.
pub fn options(folder: &Path, more: &[&str]) -> Vec<String> {
    let data = text(&folder.join("data"));
    let ports = ["--data", &data, "--listen", "127.0.0.1:0", "--https-port", "0", "--http-port", "0"];
    ports.iter().chain(more).map(|option| (*option).to_owned()).collect()
}

#[tokio::test]
async fn a_replaced_certificate_is_read_on_sighup_and_a_bad_one_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = write_certificate(folder.path(), "own", "old.example");
    let (shown, shown_key) = (text(&certificate), text(&key));
    let arguments = options(folder.path(), &["--tls-cert", &shown, "--tls-key", &shown_key]);
    let mut served = Encrypted::start(&mut command(&arguments)).await;
    assert_eq!(served.certificate().await.unwrap().names, ["old.example"]);
    let kept_open = connect(served.ports[1]).await.unwrap();

    // A page with TLS, the way to it, and the health check without.
    let mut stream = connect(served.ports[1]).await.unwrap();
    stream.write_all(b"GET /first_run HTTP/1.1\r\nhost: chat.example\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security: "), "{answer}");
    let redirect = send(served.ports[2], "GET", "/a?b", "", "text/plain", "").await.unwrap();
    let location = format!("location: https://localhost:{}/a?b\r\n", served.ports[1]);
    assert!(redirect.starts_with("HTTP/1.1 308") && redirect.contains(&location), "{redirect}");
    let address = format!("127.0.0.1:{}", served.ports[0]);
    assert_eq!(succeed(["healthcheck", "--listen", &address]).await, "up\n");

    let (new_certificate, new_key) = write_certificate(folder.path(), "new", "new.example");
    fs::copy(&new_certificate, &certificate).unwrap();
    served.signal("-HUP");
    let logged = served.logged("the old certificate stays").await;
    assert!(logged.contains("is not that of the first certificate"), "{logged}");
    assert_eq!(served.certificate().await.unwrap().names, ["old.example"]);
    fs::copy(&new_key, &key).unwrap();
    served.signal("-HUP");
    served.logged("the certificate was read again").await;
    assert_eq!(served.certificate().await.unwrap().names, ["new.example"]);

    // Connections that are open are not ended by it.
    let mut stream = kept_open;
    stream.write_all(b"GET /up HTTP/1.1\r\nhost: chat.example\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    served.signal("-TERM");
    let status = timeout(TEST_TIMEOUT, served.process.wait()).await.expect("it ends").unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = write_certificate(folder.path(), "own", "chat.example");
    let (_, other_key) = write_certificate(folder.path(), "other", "chat.example");
    let (certificate, key, other_key) = (text(&certificate), text(&key), text(&other_key));
    let refused = fail(options(folder.path(), &["--tls-cert", &certificate, "--tls-key", &other_key])).await;
    assert!(refused.contains("is not that of the first certificate"), "{refused}");
    let refused = fail(options(folder.path(), &["--tls-cert", "/none", "--tls-key", &key])).await;
    assert!(refused.contains("/none cannot be read"), "{refused}");

    let taken = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = text(&folder.path().join("data"));
    let of_tls = ["--tls-cert", &certificate, "--tls-key", &key];
    let listen = ["--data", &data, "--listen", "127.0.0.1:0", "--http-port", "0", "--https-port", &port];
    let refused = fail(listen.iter().chain(&of_tls)).await;
    assert!(refused.contains(&format!("something else uses port {port}")), "{refused}");
}

#[tokio::test]
async fn variables_of_the_reference_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    let mut process = command(["--data", &data])
        .envs([("TLS_DOMAIN", "chat.example"), ("DISABLE_SSL", "true"), ("HTTP_PORT", "0"), ("SECRET_KEY_BASE", "x")])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("it starts").unwrap().unwrap();
    assert!(line.contains("http://[::]:") || line.contains("http://0.0.0.0:"), "{line}");
    let id = process.id().unwrap().to_string();
    let signal = |name: &str| {
        assert!(std::process::Command::new("kill").args([name, id.as_str()]).status().unwrap().success());
    };
    // It has no files of certificates, and goes on.
    signal("-HUP");
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut logged = String::new();
    while !logged.contains("there are no files to read again") {
        let line = timeout(TEST_TIMEOUT, log.next_line()).await.expect("a line").unwrap().expect("it goes on");
        logged += &format!("{line}\n");
    }
    signal("-TERM");
    let status = timeout(TEST_TIMEOUT, process.wait()).await.expect("it ends").unwrap();
    assert!(status.success(), "{logged}");
    assert_eq!(logged.matches("SECRET_KEY_BASE is ignored").count(), 1, "{logged}");
    assert_eq!(logged.matches("TLS_DOMAIN is ignored").count(), 1, "{logged}");
}
