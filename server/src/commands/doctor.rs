//! `campfire doctor`: one line a check, with what to do.

use std::error::Error;
use std::net::{SocketAddr, TcpListener};

use campfire::clock::Clock;
use campfire::diagnosis::{self, Check, Verdict};
use clap::Args;

use super::healthcheck::{ask, reachable};
use super::output::{count, print};
use super::{Data, process};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire doctor
  campfire doctor --data /var/lib/campfire --listen 127.0.0.1:8080";

/// How many files a process must be able to open: a socket is one, and so is each connection of a page.
const MIN_OPEN_FILES: usize = 4_096;

/// The options of `campfire doctor`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
    /// The address and port that the Campfire listens on, or is to.
    #[arg(long, env = "CAMPFIRE_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: SocketAddr,
}

/// Prints the checks.
///
/// # Errors
/// If one of them failed.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut checks = diagnosis::examine(&options.data.folder, Clock::System.now_ms()).await;
    checks.push(examine_open_files());
    checks.push(examine_port(options.listen).await);
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

async fn examine_port(listen: SocketAddr) -> Check {
    let name = "port";
    match ask(reachable(listen)).await {
        Ok(status) if status.contains(" 200 ") => return Check::well(name, format!("a Campfire answers at {listen}")),
        Ok(status) => return Check::failure(name, format!("what answers at {listen} is not well: {status}")),
        Err(_) => {}
    }
    match TcpListener::bind(listen) {
        Ok(_) => Check::well(name, format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let words =
                format!("{listen} is for root alone: take a port from 1024 on, or `setcap cap_net_bind_service=+ep`");
            Check::failure(name, words)
        }
        Err(error) => Check::failure(
            name,
            format!("{listen} cannot be listened on ({error}): stop what uses it, or take another"),
        ),
    }
}
