//! Measures a running executable with up to 10,000 sockets: memory per socket, the time until all have received a post,
//! deliveries per second, sockets that do not read, and a restart of the server. Every frame is checked.
//!
//! Usage: cargo run --release -p server --example live EXECUTABLE [rooms|bare|stalled|restart]
//!
//! The server runs on the first core and this program on another, where `taskset` can arrange that. Both need 10,100 open
//! files: `ulimit -n`. Prints rows of a Markdown table. Fails only if a delivery is missing, duplicated or out of order,
//! or a socket was closed.

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[expect(dead_code, reason = "this program reads no pages and makes no messages")]
mod meter;
mod sockets;

use std::process::ExitCode;

use sockets::site::Site;
use sockets::{bare, rooms, trouble};

const PARTS: [&str; 4] = ["rooms", "bare", "stalled", "restart"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The baseline process, which this program starts from its own executable.
        ["--bare", socket_count] => {
            bare::run(socket_count.parse().expect("a number")).expect("the sockets stay open");
        }
        [executable] => measure(executable, &PARTS),
        [executable, part] if PARTS.contains(&part) => measure(executable, &[part]),
        _ => {
            eprintln!("Usage: live EXECUTABLE [{}]", PARTS.join("|"));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// All sockets are driven by one thread, so that the cost of receiving is known and small beside the server's.
fn measure(executable: &str, parts: &[&str]) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let site = Site::make(executable.to_owned()).await;
        for part in parts {
            match *part {
                "rooms" => rooms::measure(&site).await,
                "bare" => rooms::measure_bare(&site).await,
                "stalled" => trouble::measure_stalled(&site).await,
                "restart" => trouble::measure_restart(&site).await,
                other => unreachable!("{other} is no part"),
            }
        }
    });
}
