//! Where the program listens: its ports, and what cannot be listened on, in words.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};

use clap::Args;
use tokio::net::TcpListener;

use super::{reference, systemd};

/// The address without any other wish.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

/// Environment variables by which a site has TLS, beside those of the reference.
const OF_TLS: [&str; 2] = ["CAMPFIRE_DOMAIN", "CAMPFIRE_TLS_CERT"];

/// Where plain HTTP is spoken.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// The address and port to listen on, without TLS [default: 127.0.0.1:3000]
    #[arg(long, env = "CAMPFIRE_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The port without TLS. With TLS, the one that leads to it, 80 unless named. Without, it is listened on at every
    /// address if --listen is not given.
    #[arg(long, env = "HTTP_PORT", value_name = "PORT")]
    pub http_port: Option<u16>,
}

impl Listen {
    /// The address of plain HTTP, for a site with TLS or without.
    #[must_use]
    pub fn address(&self, has_tls: bool) -> SocketAddr {
        let on_every_address = || self.http_port.filter(|_| !has_tls).map(|port| every_address(port).0);
        self.listen.or_else(on_every_address).unwrap_or(DEFAULT)
    }

    /// The same for a command that knows of TLS only what the environment says.
    #[must_use]
    pub fn address_by_environment(&self) -> SocketAddr {
        self.address_by(reference::variable)
    }

    fn address_by(&self, variable: impl Fn(&str) -> Option<String>) -> SocketAddr {
        self.address(OF_TLS.iter().any(|name| variable(name).is_some()) || reference::tls_domains(variable).is_some())
    }
}

/// The two ports of a site with TLS.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// That with TLS.
    pub https: u16,
    /// That which leads to it.
    pub http: u16,
}

/// The sockets that connections arrive at.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Those of plain HTTP.
    pub plain: Vec<TcpListener>,
    /// Those with TLS.
    pub encrypted: Vec<TcpListener>,
    /// Those that lead to TLS.
    pub redirecting: Vec<TcpListener>,
}

impl Listeners {
    /// Takes the sockets that systemd has opened, and opens those that are missing.
    ///
    /// # Errors
    /// What cannot be listened on, in words.
    pub fn open(listen: SocketAddr, ports: Option<Ports>) -> Result<Self, String> {
        let mut listeners = Self::default();
        for (name, listener) in systemd::listeners()? {
            let port = listener.local_addr().map_err(|error| format!("a socket of systemd: {error}"))?.port();
            let of_kind = match (name.as_str(), ports) {
                ("https", Some(_)) => &mut listeners.encrypted,
                ("http", Some(_)) => &mut listeners.redirecting,
                (_, Some(ports)) if port == ports.https => &mut listeners.encrypted,
                (_, Some(ports)) if port == ports.http => &mut listeners.redirecting,
                _ => &mut listeners.plain,
            };
            of_kind.push(of_tokio(listener).map_err(|error| format!("a socket of systemd: {error}"))?);
        }
        let mut is_taken = false;
        if let Some(ports) = ports {
            is_taken = [ports.https, ports.http].contains(&listen.port()) && listen.port() != 0;
            for (port, of_kind) in [(ports.https, &mut listeners.encrypted), (ports.http, &mut listeners.redirecting)] {
                if of_kind.is_empty() {
                    of_kind.push(bind_every_address(port)?);
                }
            }
        }
        if listeners.plain.is_empty() && !is_taken {
            listeners.plain.push(listen_at(listen)?);
        }
        Ok(listeners)
    }
}

/// Listens at an address.
///
/// # Errors
/// Why it cannot be listened on, in words.
pub fn listen_at(address: SocketAddr) -> Result<TcpListener, String> {
    if address.ip().is_unspecified() && address.is_ipv6() {
        return bind_every_address(address.port());
    }
    bind(address).map_err(|error| in_words(address, &error))
}

/// All addresses of both versions of IP, and those of the older one alone.
fn every_address(port: u16) -> (SocketAddr, SocketAddr) {
    ((Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into())
}

/// Listens on all addresses, those of IPv6 included unless the machine has none.
fn bind_every_address(port: u16) -> Result<TcpListener, String> {
    let (both, older) = every_address(port);
    bind(both).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(in_words(both, &error)),
        _ => bind(older).map_err(|error| in_words(older, &error)),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    of_tokio(StdListener::bind(address)?)
}

fn of_tokio(listener: StdListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Why an address cannot be listened on, and what to do.
#[must_use]
pub fn in_words(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "something else uses port {port}: stop it (`ss -ltnp 'sport = :{port}'` names it), or take another port"
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "port {port} is for root alone: `setcap cap_net_bind_service=+ep` on the executable, or let systemd open it \
             (dist/campfire.socket), or take a port from 1024 on"
        ),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: take one of its own, or 0.0.0.0".into(),
        _ => error.to_string(),
    };
    format!("{address} cannot be listened on: {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_option_then_that_of_the_port() {
        let listen = |listen: Option<&str>, http_port| Listen {
            listen: listen.map(|address| address.parse().unwrap()),
            http_port,
        };
        let shown = |listen: &Listen, has_tls| listen.address(has_tls).to_string();
        assert_eq!(shown(&listen(None, None), false), "127.0.0.1:3000");
        assert_eq!(shown(&listen(None, Some(8080)), false), "[::]:8080");
        assert_eq!(shown(&listen(None, Some(8080)), true), "127.0.0.1:3000");
        assert_eq!(shown(&listen(Some("0.0.0.0:80"), Some(8080)), false), "0.0.0.0:80");
    }

    #[test]
    fn a_command_looks_for_the_server_where_the_variables_let_it_listen() {
        let listen = Listen { listen: None, http_port: Some(8080) };
        let address =
            |set: &[&str]| listen.address_by(|name| set.contains(&name).then(|| "chat.example".to_owned())).to_string();
        assert_eq!(address(&[]), "[::]:8080");
        assert_eq!(address(&["CAMPFIRE_DOMAIN"]), "127.0.0.1:3000");
        assert_eq!(address(&["TLS_DOMAIN"]), "127.0.0.1:3000");
        assert_eq!(address(&["TLS_DOMAIN", "DISABLE_SSL"]), "[::]:8080");
    }

    #[tokio::test]
    async fn what_cannot_be_listened_on_is_said_with_what_to_do() {
        let taken = StdListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refused = Listeners::open(address, None).unwrap_err();
        assert!(refused.contains("something else uses port") && refused.contains("ss -ltnp"), "{refused}");
        let refused = Listeners::open("192.0.2.1:0".parse().unwrap(), None).unwrap_err();
        assert!(refused.contains("this machine has no such address"), "{refused}");
        let denied = in_words("0.0.0.0:443".parse().unwrap(), &io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("setcap cap_net_bind_service") && denied.contains("dist/campfire.socket"), "{denied}");
    }

    #[tokio::test]
    async fn a_site_with_tls_has_three_sockets_unless_they_are_the_same() {
        let any = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::open(any, Some(Ports { https: 0, http: 0 })).unwrap();
        let counts = [&listeners.plain, &listeners.encrypted, &listeners.redirecting].map(Vec::len);
        assert_eq!(counts, [1, 1, 1]);
        let free = StdListener::bind("[::]:0").or_else(|_| StdListener::bind("0.0.0.0:0")).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let same = SocketAddr::new(any.ip(), port);
        let listeners = Listeners::open(same, Some(Ports { https: 0, http: port })).unwrap();
        assert!(listeners.plain.is_empty(), "the port leads to TLS");
    }
}
