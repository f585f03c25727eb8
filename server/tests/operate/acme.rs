//! Certificates from an authority: Pebble, which Let's Encrypt makes for tests. Debian has it (`apt-get install pebble`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use server::http::tls::acme::{Order, Pauses, Renewals};
use server::http::tls::files::Files;
use server::http::tls::{config, validity::Validity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::support::{TEST_TIMEOUT, command, run, text};
use crate::tls::{Encrypted, certificate_at, write_certificate};

const DOMAIN: &str = "chat.example";

/// An authority, and the name server that leads its checks here. Both are killed when this is dropped.
struct Authority {
    _names: Child,
    directory_process: Child,
    directory: String,
    /// The root that the directory's own certificate is checked with.
    root: PathBuf,
}

/// Ports that nothing uses now.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [_; N] = std::array::from_fn(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn start(program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).kill_on_drop(true);
    command.envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0")]);
    command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; apt-get install pebble"))
}

impl Authority {
    /// Starts one that checks domains at `tls_port` of this machine.
    async fn start(folder: &Path, tls_port: u16) -> Self {
        let [names, management, of_directory, of_management] = free_ports();
        let (root, key) = write_certificate(folder, "directory", "localhost");
        let settings = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{of_directory}"),
            "managementListenAddress": format!("127.0.0.1:{of_management}"),
            "certificate": root, "privateKey": key,
            "httpPort": 1, "tlsPort": tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        let path = folder.join("pebble.json");
        fs::write(&path, settings.to_string()).unwrap();
        let (names, management) = (format!("127.0.0.1:{names}"), format!("127.0.0.1:{management}"));
        let of_names = start(
            "pebble-challtestsrv",
            &[
                "-dns01",
                &names,
                "-management",
                &management,
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ],
        );
        let directory_process = start("pebble", &["-config", &text(&path), "-dnsserver", &names]);
        let waiting = async {
            while TcpStream::connect(("127.0.0.1", of_directory)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TEST_TIMEOUT, waiting).await.expect("the authority starts");
        let directory = format!("https://localhost:{of_directory}/dir");
        Self { _names: of_names, directory_process, directory, root }
    }
}

/// The certificate that a Campfire gets in the end.
async fn certificate_in_time(port: u16) -> Validity {
    let waiting = async {
        loop {
            if let Some(validity) = certificate_at(port).await {
                return validity;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(TEST_TIMEOUT, waiting).await.expect("a certificate")
}

#[tokio::test]
async fn a_certificate_is_issued_kept_and_used_again_without_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let [https, http] = free_ports();
    let mut authority = Authority::start(folder.path(), https).await;
    let data = folder.path().join("data");
    let (shown, root, directory) = (text(&data), text(&authority.root), authority.directory.clone());
    let (https_port, http_port) = (https.to_string(), http.to_string());
    let arguments = [
        ["--data", &shown],
        ["--listen", "127.0.0.1:0"],
        ["--https-port", &https_port],
        ["--http-port", &http_port],
        ["--domain", DOMAIN],
        ["--acme-directory", &directory],
        ["--acme-roots", &root],
        ["--acme-contact", "ada@example.com"],
    ];
    let mut served = Encrypted::start(&mut command(arguments.concat())).await;
    served.logged("a certificate is being ordered").await;
    served.logged("a new certificate is in use").await;
    let issued = certificate_in_time(https).await;
    assert_eq!(issued.names, [DOMAIN]);
    let kept = data.join("tls");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = async || {
        let waiting = async {
            while fs::read_dir(&kept).unwrap().count() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TEST_TIMEOUT, waiting).await.expect("certificate and account are kept");
        fs::read_dir(&kept).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>()
    };
    let files = files().await;
    assert!(mode(&kept) == 0o700 && files.iter().all(|file| mode(file) == 0o600), "{files:?}");

    let mut examining = vec!["doctor", "--data", &shown, "--https-port", &https_port, "--http-port", &http_port];
    let listen = format!("127.0.0.1:{}", served.ports[0]);
    examining.extend(["--listen", &listen, "--domain", DOMAIN, "--acme-directory", &directory]);
    let outcome = run(examining).await;
    for line in [
        format!("ok       port with TLS: {https} is listened on"),
        format!("ok       port without: {http} is listened on"),
        format!("FAILED   domain: {DOMAIN} is not found"),
        "ok       certificate: valid until ".into(),
    ] {
        assert!(outcome.output.contains(&line), "{line} in {outcome:?}");
    }

    served.signal("-TERM");
    timeout(TEST_TIMEOUT, served.process.wait()).await.expect("it ends").unwrap();
    authority.directory_process.kill().await.unwrap();
    let served = Encrypted::start(&mut command(arguments.concat())).await;
    assert_eq!(served.certificate().await, Some(issued), "at once, and without the authority");
}

/// A directory that answers every request with a status, and tells of each.
async fn failing_directory(folder: &Path, status: &'static str) -> (String, PathBuf, mpsc::UnboundedReceiver<()>) {
    let (root, key) = write_certificate(folder, "failing", "localhost");
    let (files, _) = Files::open(root.clone(), key).unwrap();
    let acceptor = TlsAcceptor::from(config(Arc::new(files), false).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4_096]).await;
            let body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"too many\"}";
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
            let _ = asked.send(());
        }
    });
    (format!("https://localhost:{port}/dir"), root, requests)
}

/// A certificate that has expired, as it is kept.
fn expired() -> String {
    let mut parameters = rcgen::CertificateParams::new(vec![DOMAIN.to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2020, 4, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    format!("{}\n{}", key.serialize_pem(), certificate.pem())
}

#[tokio::test]
async fn an_authority_that_fails_is_asked_less_and_less_and_the_old_certificate_stays() {
    for status in ["500 Internal Server Error", "429 Too Many Requests"] {
        let folder = tempfile::tempdir().unwrap();
        let (directory, roots, mut requests) = failing_directory(folder.path(), status).await;
        let order = Order {
            domains: vec![DOMAIN.into()],
            directory,
            contacts: Vec::new(),
            roots: Some(roots),
            folder: folder.path().join("tls"),
            pauses: Pauses { first: Duration::from_millis(100), longest: Duration::from_secs(3_600) },
        };
        fs::create_dir(&order.folder).unwrap();
        fs::write(order.certificate_path(), expired()).unwrap();
        let renewals = Renewals::begin(order).await.unwrap();
        let managed = renewals.managed();
        assert!(managed.has_certificate(), "it is served from the start");
        let acceptor = TlsAcceptor::from(config(managed, true).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
        tokio::spawn(renewals.run());
        let mut times = Vec::new();
        for _ in 0..4 {
            timeout(TEST_TIMEOUT, requests.recv()).await.expect("it is tried again").unwrap();
            times.push(campfire::clock::monotonic());
            assert_eq!(certificate_at(port).await.unwrap().until(), "2020-04-01T00:00:00Z");
        }
        let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (pause, least_ms) in pauses.iter().zip([90, 190, 390]) {
            assert!(*pause >= Duration::from_millis(least_ms), "{pauses:?}");
        }
    }
}

#[tokio::test]
async fn a_domain_that_leads_elsewhere_gets_no_certificate_until_it_leads_here() {
    let folder = tempfile::tempdir().unwrap();
    let [elsewhere] = free_ports();
    // At first, the authority finds nobody at the port where it looks.
    let authority = Authority::start(folder.path(), elsewhere).await;
    let order = Order {
        domains: vec![DOMAIN.into(), "team.example".into()],
        directory: authority.directory.clone(),
        contacts: Vec::new(),
        roots: Some(authority.root.clone()),
        folder: folder.path().join("tls"),
        pauses: Pauses { first: Duration::from_millis(200), longest: Duration::from_millis(200) },
    };
    let renewals = Renewals::begin(order).await.unwrap();
    let managed = renewals.managed();
    let running = tokio::spawn(renewals.run());
    let acceptor = TlsAcceptor::from(config(managed.clone(), true).unwrap());
    let checks = Arc::new(AtomicUsize::new(0));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!managed.has_certificate());

    let listener = TcpListener::bind(("127.0.0.1", elsewhere)).await.unwrap();
    let of_checks = checks.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            if stream.get_ref().1.alpn_protocol() == Some(b"acme-tls/1") {
                of_checks.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut names = certificate_in_time(elsewhere).await.names;
    names.sort();
    assert_eq!(names, [DOMAIN, "team.example"]);
    assert!(checks.load(Ordering::Relaxed) >= 2, "each domain is checked");
    running.abort();
}
