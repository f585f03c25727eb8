//! `campfire healthcheck`: tells by the exit code whether a Campfire answers.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use campfire::model::paths;
use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::listen::Listen;
use super::output;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire healthcheck
  campfire healthcheck --listen 127.0.0.1:8080 || systemctl restart campfire";

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// The options of `campfire healthcheck`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub listen: Listen,
}

/// Asks once.
///
/// # Errors
/// If there is no answer within 5 s, or another one than that all is well.
pub async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let address = reachable(options.listen.address_by_environment());
    let status = ask(address).await.map_err(|reason| format!("{address}: {reason}"))?;
    if status.contains(" 200 ") {
        output::print("up");
        return Ok(());
    }
    Err(format!("{address}: {status}").into())
}

/// Asks the server at `address` how it is, and returns the first line of the answer.
///
/// # Errors
/// In words, if there is no answer in HTTP within 5 s.
pub async fn ask(address: SocketAddr) -> Result<String, String> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n", paths::UP);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_BYTES).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(TIMEOUT, ask).await.map_err(|_| "no answer within 5 s")?;
    let answer = answer.map_err(|error| error.to_string())?;
    let first = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    if first.starts_with("HTTP/1.1 ") { Ok(first) } else { Err("what answers there is no Campfire".into()) }
}

/// The address by which a server that listens on all addresses is reached from this machine.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}
