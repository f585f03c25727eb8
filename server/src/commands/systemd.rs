//! What systemd gives to a service, and what it is told: sockets that it has opened (sd_listen_fds(3)), so that a restart
//! refuses no connection, and that the service is ready (sd_notify(3)). Without systemd, nothing of this does anything.

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use listenfd::ListenFd;

/// Everything is served from now on.
pub const READY: &str = "READY=1";

/// The program is about to end.
pub const STOPPING: &str = "STOPPING=1";

/// The sockets that systemd has opened for this process, each with its name.
///
/// # Errors
/// If one of them is none for connections by TCP, in words.
pub fn listeners() -> Result<Vec<(String, TcpListener)>, String> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut given = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..given.len() {
        let name = names.next().unwrap_or_default().to_owned();
        let listener = given.take_tcp_listener(index).map_err(|error| {
            format!("socket {index} of systemd is none that TCP is accepted from ({error}): see ListenStream")
        })?;
        listeners.extend(listener.map(|listener| (name, listener)));
    }
    Ok(listeners)
}

/// Tells systemd how the service is, if it asks.
pub fn notify(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return };
    let send = || -> io::Result<()> {
        let address = match socket.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&socket)?,
        };
        UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
        Ok(())
    };
    if let Err(error) = send() {
        tracing::warn!(%error, "systemd cannot be told: {state}");
    }
}
