//! `campfire doctor`: one line a check, with what to do.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};

use campfire::clock::Clock;
use campfire::diagnosis::{self, Check, Verdict};
use clap::Args;
use tokio::net::lookup_host;

use super::healthcheck::{ask, reachable};
use super::listen::{Listen, in_words};
use super::output::{count, print};
use super::tls::Tls;
use super::{Data, process, reference};
use crate::http::tls::files;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire doctor
  campfire doctor --data /var/lib/campfire --listen 127.0.0.1:8080
  campfire doctor --data /var/lib/campfire --domain chat.example.com";

/// How long before the end of a certificate somebody is to look, in milliseconds: a renewal begins a third of its time
/// before, 30 days for most.
const MIN_VALID_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// How many files a process must be able to open: a socket is one, and so is each connection of a page.
const MIN_OPEN_FILES: usize = 4_096;

/// The options of `campfire doctor`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub listen: Listen,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub tls: Tls,
}

/// Prints the checks.
///
/// # Errors
/// If one of them failed.
pub async fn run(mut options: Options) -> Result<(), Box<dyn Error>> {
    reference::complete(&mut options.tls)?;
    let now_ms = Clock::System.now_ms();
    let mut checks = diagnosis::examine(&options.data.folder, now_ms).await;
    checks.push(examine_open_files());
    let listen = options.listen.address(options.tls.is_wanted());
    let port = examine_port(listen).await;
    let is_running = port.verdict == Verdict::Well && port.words.contains(ANSWERS);
    checks.push(port);
    if let Some(ports) = options.tls.ports(&options.listen) {
        checks.push(examine_public_port("port with TLS", ports.https, is_running));
        checks.push(examine_public_port("port without", ports.http, is_running));
    }
    for domain in &options.tls.domains {
        checks.push(examine_domain(domain).await);
    }
    checks.extend(examine_certificate(&options, now_ms));
    for Check { name, verdict, words } in &checks {
        let mark = match verdict {
            Verdict::Well => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "FAILED",
        };
        print(&format!("{mark:<8} {name}: {words}"));
    }
    let failure_count = checks.iter().filter(|check| check.verdict == Verdict::Failure).count() as u64;
    if failure_count > 0 { Err(format!("{} failed", count(failure_count, "check")).into()) } else { Ok(()) }
}

fn examine_open_files() -> Check {
    let name = "open files";
    match process::prepare() {
        limit if limit < MIN_OPEN_FILES => Check::warning(
            name,
            format!("at most {limit}, and each person takes one: raise it (LimitNOFILE, ulimit -n)"),
        ),
        usize::MAX => Check::well(name, "any number"),
        limit => Check::well(name, format!("at most {limit}")),
    }
}

/// What is said of a port at which a Campfire answers.
const ANSWERS: &str = "a Campfire answers at";

async fn examine_port(listen: SocketAddr) -> Check {
    let name = "port";
    match ask(reachable(listen)).await {
        Ok(status) if status.contains(" 200 ") => return Check::well(name, format!("{ANSWERS} {listen}")),
        Ok(status) => return Check::failure(name, format!("what answers at {listen} is not well: {status}")),
        Err(_) => {}
    }
    match TcpListener::bind(listen) {
        Ok(_) => Check::well(name, format!("{listen} is free")),
        Err(error) => Check::failure(name, in_words(listen, &error)),
    }
}

/// Examines a port that is to be reached from everywhere, of a Campfire that runs or not.
fn examine_public_port(name: &'static str, port: u16, is_running: bool) -> Check {
    let address = SocketAddr::new(IpAddr::from([0; 4]), port);
    match TcpListener::bind(address) {
        Ok(_) if is_running => Check::failure(name, format!("nothing listens on {port}: start it with these options")),
        Ok(_) => Check::well(name, format!("{port} is free")),
        Err(error) if is_running && error.kind() == ErrorKind::AddrInUse => {
            Check::well(name, format!("{port} is listened on"))
        }
        Err(error) => Check::failure(name, in_words(address, &error)),
    }
}

/// Whether a domain leads to this machine, as far as the machine can know.
async fn examine_domain(domain: &str) -> Check {
    let name = "domain";
    let addresses: BTreeSet<IpAddr> = match lookup_host((domain, 443)).await {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(error) => {
            let words = format!("{domain} is not found ({error}): add a record A or AAAA with this machine's address");
            return Check::failure(name, words);
        }
    };
    // An address that can be bound is one of this machine.
    let (own, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| TcpListener::bind(SocketAddr::new(*address, 0)).is_ok());
    if others.is_empty() {
        return Check::well(name, format!("{domain} leads here ({})", listed(&own)));
    }
    let words = format!(
        "{domain} leads to {}, which this machine does not have: right if a router sends port 443 on to it, otherwise set \
         the record",
        listed(&others)
    );
    Check::warning(name, words)
}

fn listed(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Examines the certificate in use; nothing without TLS.
fn examine_certificate(options: &Options, now_ms: i64) -> Option<Check> {
    let name = "certificate";
    let path = match (&options.tls.tls_cert, options.tls.order(&options.data.folder)) {
        (Some(path), _) => path.clone(),
        (None, Some(order)) => order.certificate_path(),
        (None, None) => return None,
    };
    if options.tls.tls_cert.is_none() && !path.exists() {
        let words = "none yet: it is ordered when the server starts, and the domain must lead to its port 443";
        return Some(Check::warning(name, words));
    }
    let validity = match files::validity_of(&path) {
        Ok(validity) => validity,
        Err(reason) => return Some(Check::failure(name, reason)),
    };
    let until = validity.until();
    if let Some(domain) = options.tls.domains.iter().find(|domain| !validity.covers(domain)) {
        return Some(Check::failure(
            name,
            format!("it is not valid for {domain}, but for {}", validity.names.join(", ")),
        ));
    }
    Some(if validity.until_ms <= now_ms {
        Check::failure(name, format!("it has expired on {until}: renew it; the server's log says why that fails"))
    } else if validity.from_ms > now_ms {
        Check::failure(name, "it is not valid yet: is the clock right?")
    } else if validity.until_ms - now_ms < MIN_VALID_MS {
        Check::warning(name, format!("it expires on {until}: renew it; the server's log says why that fails"))
    } else {
        Check::well(name, format!("valid until {until} for {}", validity.names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::{Cli, Command};

    fn options(arguments: &[&str]) -> Options {
        let cli = Cli::try_parse_from(["campfire", "doctor"].iter().chain(arguments)).unwrap();
        let Command::Doctor(options) = cli.command() else { panic!("another command") };
        options
    }

    #[test]
    fn a_certificate_is_examined_before_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["chat.example".to_owned()]).unwrap();
        let path = folder.path().join("a.pem");
        std::fs::write(&path, made.cert.pem()).unwrap();
        let shown = path.to_str().unwrap();
        let options = options(&["--tls-cert", shown, "--tls-key", shown]);
        let validity = files::validity_of(&path).unwrap();
        let verdict = |now_ms| examine_certificate(&options, now_ms).unwrap().verdict;
        assert_eq!(verdict(validity.until_ms - MIN_VALID_MS), Verdict::Well);
        assert_eq!(verdict(validity.until_ms - MIN_VALID_MS + 1), Verdict::Warning);
        assert_eq!(verdict(validity.until_ms), Verdict::Failure);
        assert_eq!(verdict(validity.from_ms - 1), Verdict::Failure);
    }

    #[test]
    fn a_certificate_that_is_not_there_or_of_another_domain_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let ordered = options(&["--data", data, "--domain", "chat.example,team.example"]);
        let check = examine_certificate(&ordered, 0).unwrap();
        assert!(check.verdict == Verdict::Warning && check.words.starts_with("none yet"), "{check:?}");
        let made = rcgen::generate_simple_self_signed(vec!["chat.example".to_owned()]).unwrap();
        let path = ordered.tls.order(folder.path()).unwrap().certificate_path();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        let check = examine_certificate(&ordered, 0).unwrap();
        assert!(check.words.contains("not valid for team.example, but for chat.example"), "{check:?}");
        assert!(examine_certificate(&options(&["--data", data]), 0).is_none());
    }

    #[tokio::test]
    async fn a_domain_leads_here_or_not() {
        assert_eq!(examine_domain("localhost").await.verdict, Verdict::Well);
        assert_eq!(examine_domain("none.invalid").await.verdict, Verdict::Failure);
        assert_eq!(examine_domain("192.0.2.1").await.verdict, Verdict::Warning);
    }
}
