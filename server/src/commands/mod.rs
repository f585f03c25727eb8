//! The command line and its environment variables, one file per command.

mod data_folder;
mod process;
pub mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

use crate::http::forwarded::{LOOPBACK, parse_network};

/// Team chat that a small company runs itself: one executable, one data folder.
#[derive(Debug, Parser)]
#[command(name = "campfire", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub command: Option<Command>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub serve: Serve,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the chat; the same as no command.
    Serve(Serve),
}

/// The options of `campfire serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// The address and port to listen on.
    #[arg(long, env = "CAMPFIRE_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The folder with everything that is kept; it is made when it is missing.
    #[arg(long, env = "CAMPFIRE_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Keep no files: no uploads and no pictures.
    #[arg(long, env = "CAMPFIRE_TEXT_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub text_only: bool,
    /// How many megabytes of what was read and rendered are kept in memory; 0 keeps nothing.
    #[arg(long, env = "CAMPFIRE_CACHE_MB", default_value_t = campfire::cache::CACHE_BYTES >> 20, value_name = "MEGABYTES", value_parser = clap::value_parser!(u64).range(..=65_536))]
    pub cache_mb: u64,
    /// A proxy whose X-Forwarded-For, -Proto and -Host are believed: its address or network. Can be repeated.
    #[arg(long, env = "CAMPFIRE_TRUST_PROXY", default_values = LOOPBACK, value_delimiter = ',', value_name = "CIDR", value_parser = parse_network)]
    pub trust_proxy: Vec<IpNet>,
}

impl Cli {
    /// The options of `serve`, which is also the default command.
    #[must_use]
    pub fn serve(self) -> Serve {
        match self.command {
            Some(Command::Serve(serve)) => serve,
            None => self.serve,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::forwarded::TrustedProxies;

    #[test]
    fn serve_is_the_default_command() {
        let implied = Cli::try_parse_from(["campfire", "--listen", "127.0.0.1:4000"]).unwrap().serve();
        let explicit = Cli::try_parse_from(["campfire", "serve", "--listen", "127.0.0.1:4000"]).unwrap().serve();
        assert_eq!(implied.listen, explicit.listen);
        assert_eq!(implied.data, PathBuf::from("./data"));
        assert!(!implied.text_only);
        assert!(Cli::try_parse_from(["campfire", "--text-only"]).unwrap().serve().text_only);
        assert!(Cli::try_parse_from(["campfire", "--listen", "nonsense"]).is_err());
        assert_eq!((implied.cache_mb, explicit.cache_mb), (16, 16));
        assert_eq!(Cli::try_parse_from(["campfire", "--cache-mb", "0"]).unwrap().serve().cache_mb, 0);
        assert!(Cli::try_parse_from(["campfire", "--cache-mb", "65537"]).is_err());
    }

    #[test]
    fn the_proxies_of_this_machine_are_trusted_unless_others_are_named() {
        let trusted = |arguments: &[&str]| {
            let arguments = ["campfire"].iter().chain(arguments);
            Cli::try_parse_from(arguments).map(|cli| TrustedProxies::new(cli.serve().trust_proxy))
        };
        assert_eq!(trusted(&[]).unwrap(), TrustedProxies::default());
        let both = trusted(&["--trust-proxy", "10.0.0.0/8", "--trust-proxy", "fd00::1"]).unwrap();
        assert_eq!(both, trusted(&["--trust-proxy", "10.0.0.0/8,fd00::1"]).unwrap());
        assert!(both.contains("10.1.2.3".parse().unwrap()) && both.contains("fd00::1".parse().unwrap()));
        assert!(!both.contains("127.0.0.1".parse().unwrap()));
        assert!(trusted(&["--trust-proxy", "everybody"]).is_err());
    }
}
