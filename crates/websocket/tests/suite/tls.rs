//! Writing and reading through TLS, without waiting.

use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use websocket::{Tcp, Transport};

/// Both ends of an encrypted connection, with small buffers of the kernel.
async fn pair() -> (TlsStream<TcpStream>, Tcp) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connecting = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap()
    };
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap().into_inner()
    };
    let (client, server) = tokio::join!(connecting, accepting);
    (client, Tcp::from(server))
}

/// Bytes whose order can be seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

#[tokio::test]
async fn whatever_the_kernel_takes_every_byte_arrives_once_and_in_order() {
    const TOTAL: usize = 8 * 1024 * 1024;
    let (mut client, server) = pair().await;
    let reading = tokio::spawn(async move {
        let mut received = vec![0; TOTAL];
        client.read_exact(&mut received).await.unwrap();
        received
    });
    let sent = pattern(TOTAL);
    let mut written = 0;
    let mut blocked_count = 0;
    while written < TOTAL {
        // Pieces of many sizes, several at once, and some of them empty.
        let rest = &sent[written..];
        let length = 1 + written % 7_919;
        let (first, rest) = rest.split_at(rest.len().min(length));
        let (second, _) = rest.split_at(rest.len().min(40_000));
        match server.try_write(&[IoSlice::new(first), IoSlice::new(&[]), IoSlice::new(second)]) {
            Ok(count) => {
                assert!(count > 0 && count <= first.len() + second.len());
                written += count;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                blocked_count += 1;
                assert!(server.writable().await);
            }
        }
    }
    assert!(blocked_count > 0, "the kernel took everything at once");
    assert_eq!(reading.await.unwrap(), sent);
}

#[tokio::test]
async fn a_last_byte_is_not_written_before_its_record_is() {
    let (mut client, server) = pair().await;
    let filling = pattern(64 * 1024);
    let mut written = 0;
    // Fills the buffers of both ends.
    loop {
        match server.try_write(&[IoSlice::new(&filling)]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(server.try_write(&[IoSlice::new(b"x")]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // The byte that counts as not written comes again, as it must.
    let again = [filling[written % filling.len()]];
    let reading = tokio::spawn(async move {
        let mut received = vec![0; written + 1];
        client.read_exact(&mut received).await.unwrap();
        let more = tokio::time::timeout(Duration::from_millis(100), client.read_u8()).await;
        (received, more.is_err())
    });
    let count = loop {
        match server.try_write(&[IoSlice::new(&again)]) {
            Ok(count) => break count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => assert!(server.writable().await),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(count, 1);
    let (received, is_all) = reading.await.unwrap();
    let expected: Vec<u8> = filling.iter().copied().cycle().take(written + 1).collect();
    assert!(received == expected && is_all, "no byte came twice");
}
