//! The command line and its environment variables, one file per command.

pub mod backup;
mod data_folder;
pub mod doctor;
pub mod export;
pub mod healthcheck;
pub mod import;
pub mod join_link;
pub mod listen;
pub mod make_admin;
pub mod move_files;
mod output;
mod process;
mod reference;
pub mod reset_password;
pub mod restore;
pub mod serve;
mod systemd;
pub mod tls;
pub mod verify;

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use campfire::clock::Clock;
use campfire::files::Location;
use campfire::state::AppState;
use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

use crate::http::forwarded::{LOOPBACK, parse_network};
use crate::logging::Format;

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
    #[command(after_help = serve::EXAMPLES)]
    Serve(Box<Serve>),
    /// Give somebody a new password, for example the only administrator who has forgotten theirs.
    ///
    /// Asks for the password on the terminal, or reads it from the standard input. Signs them out everywhere. Works while
    /// the chat is served and while it is not.
    #[command(after_help = RESET_PASSWORD_EXAMPLES)]
    ResetPassword(ResetPassword),
    /// Make somebody an administrator, for example after the only one has left.
    ///
    /// Works while the chat is served and while it is not.
    #[command(after_help = make_admin::EXAMPLES)]
    MakeAdmin(make_admin::Options),
    /// Print the link by which people join.
    ///
    /// Works while the chat is served and while it is not.
    #[command(after_help = join_link::EXAMPLES)]
    JoinLink(join_link::Options),
    /// Save everything as one archive, while the chat is served or not.
    ///
    /// The archive has a copy of the database, the files, and the SHA-256 of each. It gets its name once everything is on
    /// disk; a file that exists is never replaced. Beside the archive there must be room for a copy of the database, too.
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Options),
    /// Check an archive, or the data folder if none is named.
    ///
    /// Compares every file with its SHA-256, and checks the structure of the database, its references and the index of the
    /// search. Works while the chat is served and while it is not.
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Options),
    /// Make a data folder from an archive.
    ///
    /// Everything is checked before anything gets its final name. The data folder must be empty, or not exist.
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::Options),
    /// Move the files to a bucket of an S3-compatible store, or back to the data folder, while the chat is not served.
    ///
    /// They are copied and stay where they were, too. From the next start on they are read and stored where they are moved
    /// to. A command that was cut off goes on when it is run again.
    #[command(after_help = move_files::EXAMPLES)]
    MoveFiles(move_files::Options),
    /// Take the history of another chat along.
    Import(import::Options),
    /// Write what was said, readable without this program: a page and a file of JSON lines a room, files beside them.
    ///
    /// All rooms, closed ones and pings included; the log says so. Works while the chat is served and while it is not.
    #[command(after_help = export::EXAMPLES)]
    Export(export::Options),
    /// Look for what is wrong, or soon will be: one line a check, with what to do.
    ///
    /// Changes nothing. Works while the chat is served and while it is not. The exit code is 1 if a check failed.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Options),
    /// Tell by the exit code whether a Campfire answers: 0 if it does and is well.
    #[command(after_help = healthcheck::EXAMPLES)]
    Healthcheck(healthcheck::Options),
    /// Makes one preview of a picture. The program starts itself with this.
    #[command(name = PICTURE, hide = true, disable_help_flag = true)]
    Picture {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
        arguments: Vec<OsString>,
    },
}

/// The name of the command that makes a preview.
pub const PICTURE: &str = "picture";

const RESET_PASSWORD_EXAMPLES: &str = "\
Examples:
  campfire reset-password ada@example.com
  campfire reset-password --data /var/lib/campfire ada@example.com
  head -c 12 /dev/urandom | base64 | tee /dev/tty | campfire reset-password ada@example.com";

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// The folder with everything that is kept.
    #[arg(long = "data", env = "CAMPFIRE_DATA", default_value = "./data", value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// The options of `campfire reset-password`.
#[derive(Clone, Debug, Args)]
pub struct ResetPassword {
    /// The e-mail address that they sign in with.
    #[arg(value_name = "EMAIL")]
    pub email_address: String,
    /// The folder with everything that is kept.
    #[arg(long, env = "CAMPFIRE_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,
}

/// The options of `campfire serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub listen: listen::Listen,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub tls: tls::Tls,
    /// The folder with everything that is kept; it is made when it is missing.
    #[arg(long, env = "CAMPFIRE_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Where files are stored: a bucket of an S3-compatible store, as `s3://BUCKET` or `s3://BUCKET/PREFIX`, or `folder`
    /// for the data folder. The bucket is described by the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    /// AWS_REGION, AWS_ENDPOINT_URL. An installation keeps to what it was first told; see `campfire move-files`.
    #[arg(long, env = "CAMPFIRE_FILES", value_name = "LOCATION")]
    pub files: Option<Location>,
    /// Keep no files: no uploads and no pictures.
    #[arg(long, env = "CAMPFIRE_TEXT_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub text_only: bool,
    /// The largest file that is taken, in megabytes.
    #[arg(long, env = "CAMPFIRE_MAX_FILE_MB", default_value_t = campfire::files::MAX_FILE_BYTES >> 20, value_name = "MEGABYTES", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub max_file_mb: u64,
    /// Keep position and camera data in pictures, which are taken out otherwise.
    #[arg(long, env = "CAMPFIRE_KEEP_METADATA", value_parser = clap::builder::FalseyValueParser::new())]
    pub keep_metadata: bool,
    /// How many megabytes of what was read and rendered are kept in memory; 0 keeps nothing.
    #[arg(long, env = "CAMPFIRE_CACHE_MB", default_value_t = campfire::cache::CACHE_BYTES >> 20, value_name = "MEGABYTES", value_parser = clap::value_parser!(u64).range(..=65_536))]
    pub cache_mb: u64,
    /// A proxy whose X-Forwarded-For, -Proto and -Host are believed: its address or network. Can be repeated.
    #[arg(long, env = "CAMPFIRE_TRUST_PROXY", default_values = LOOPBACK, value_delimiter = ',', value_name = "CIDR", value_parser = parse_network)]
    pub trust_proxy: Vec<IpNet>,
    /// A network of your own whose pages are previewed, too, when somebody posts a link to one: an address or network. Can
    /// be repeated. Without it, only public addresses are.
    #[arg(long, env = "CAMPFIRE_PREVIEW_NETWORKS", value_delimiter = ',', value_name = "CIDR", value_parser = parse_network)]
    pub preview_networks: Vec<IpNet>,
    /// A network of your own whose push services may be used, too, and without TLS at a literal address: an address or
    /// network. Can be repeated. Without it, only public ones with https may.
    #[arg(long, env = "CAMPFIRE_PUSH_NETWORKS", value_delimiter = ',', value_name = "CIDR", value_parser = parse_network)]
    pub push_networks: Vec<IpNet>,
    /// The public key that browsers subscribe to notifications with, in URL-safe base64. Without a key pair, Campfire makes
    /// one and keeps it with its data.
    #[arg(long, env = "VAPID_PUBLIC_KEY", value_name = "KEY", requires = "vapid_private_key")]
    pub vapid_public_key: Option<String>,
    /// The private key that belongs to it. Better set in the environment: others can read arguments.
    #[arg(long, env = "VAPID_PRIVATE_KEY", value_name = "KEY", hide_env_values = true, requires = "vapid_public_key")]
    pub vapid_private_key: Option<String>,
    /// How many writes a second are accepted from one person, after 20 at once; 0 for no limit.
    #[arg(long, env = "CAMPFIRE_WRITES_PER_SECOND", default_value_t = campfire::state::WRITES_PER_SECOND, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub writes_per_second: u32,
    /// The mail server for links to set another password and for invitations: `smtps://USER:PASSWORD@HOST`, or
    /// `smtp://USER:PASSWORD@HOST:587?tls=required`. Without it no mail is sent. Better set in the environment: others can
    /// read arguments.
    #[arg(long, env = "CAMPFIRE_SMTP", value_name = "URL", hide_env_values = true)]
    pub smtp: Option<String>,
    /// The sender of mail, like `Chat <chat@example.com>`.
    #[arg(long, env = "CAMPFIRE_MAIL_FROM", value_name = "ADDRESS", requires = "smtp")]
    pub mail_from: Option<String>,
    /// Where people reach the site, like `https://chat.example.com`: links in mail begin with it. Not needed with --domain.
    #[arg(long, env = "CAMPFIRE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Serve a service worker that removes itself and what it has kept from every browser, in place of the usual one. For
    /// the case that the usual one does harm: browsers fetch it when a page is opened.
    #[arg(long, env = "CAMPFIRE_EMERGENCY_WORKER", value_parser = clap::builder::FalseyValueParser::new())]
    pub emergency_worker: bool,
    /// The form of the log: lines for people, or a JSON object a line.
    #[arg(long, env = "CAMPFIRE_LOG", value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub log: Format,
    /// Show metrics for Prometheus at this address and port, at /metrics. Whoever can reach it can read them.
    #[arg(long, env = "CAMPFIRE_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

impl Command {
    /// The form of the log while the command runs.
    #[must_use]
    pub fn log_format(&self) -> Format {
        match self {
            Self::Serve(serve) => serve.log,
            _ => Format::Text,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// If it fails, with the reason in words.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Serve(options) => serve::run(*options).await,
            Self::ResetPassword(options) => reset_password::run(options).await,
            Self::MakeAdmin(options) => make_admin::run(options).await,
            Self::JoinLink(options) => join_link::run(options).await,
            Self::Backup(options) => backup::run(&options),
            Self::Verify(options) => verify::run(&options),
            Self::Restore(options) => restore::run(&options),
            Self::MoveFiles(options) => move_files::run(options).await,
            Self::Import(options) => import::run(options).await,
            Self::Export(options) => export::run(options).await,
            Self::Doctor(options) => doctor::run(options).await,
            Self::Healthcheck(options) => healthcheck::run(&options).await,
            // A process of its own, without a runtime.
            Self::Picture { .. } => Ok(()),
        }
    }
}

/// Opens the installation in a data folder, beside a server that has it open or not.
///
/// # Errors
/// If there is none, which must not become an empty one, or if it cannot be used.
async fn open(folder: &Path) -> Result<AppState, Box<dyn Error>> {
    if !folder.join("campfire.sqlite3").is_file() {
        return Err(format!("there is no Campfire in {}; name its folder with --data", folder.display()).into());
    }
    let opened = AppState::open(folder, Clock::System).await;
    opened.map_err(|error| format!("the data in {} cannot be used: {error}", folder.display()).into())
}

impl Cli {
    /// The command, which is `serve` by default.
    #[must_use]
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve(Box::new(self.serve)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::forwarded::TrustedProxies;

    #[test]
    fn serve_is_the_default_command() {
        let serve = |arguments: &[&str]| match Cli::try_parse_from(arguments).unwrap().command() {
            Command::Serve(serve) => *serve,
            other => panic!("{other:?}"),
        };
        let implied = serve(&["campfire", "--listen", "127.0.0.1:4000"]);
        let explicit = serve(&["campfire", "serve", "--listen", "127.0.0.1:4000"]);
        assert_eq!(implied.listen.address(false).port(), 4000);
        assert_eq!(implied.listen.address(false), explicit.listen.address(false));
        assert_eq!(implied.data, PathBuf::from("./data"));
        assert!(!implied.text_only);
        assert!(serve(&["campfire", "--text-only"]).text_only);
        assert!(Cli::try_parse_from(["campfire", "--listen", "nonsense"]).is_err());
        assert_eq!((implied.cache_mb, explicit.cache_mb), (16, 16));
        assert_eq!(serve(&["campfire", "--cache-mb", "0"]).cache_mb, 0);
        assert_eq!(
            (implied.writes_per_second, serve(&["campfire", "--writes-per-second", "0"]).writes_per_second),
            (5, 0)
        );
        assert!(Cli::try_parse_from(["campfire", "--cache-mb", "65537"]).is_err());
    }

    #[test]
    fn the_proxies_of_this_machine_are_trusted_unless_others_are_named() {
        let trusted = |arguments: &[&str]| {
            let arguments = ["campfire"].iter().chain(arguments);
            Cli::try_parse_from(arguments).map(|cli| match cli.command() {
                Command::Serve(serve) => TrustedProxies::new(serve.trust_proxy),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(trusted(&[]).unwrap(), TrustedProxies::default());
        let both = trusted(&["--trust-proxy", "10.0.0.0/8", "--trust-proxy", "fd00::1"]).unwrap();
        assert_eq!(both, trusted(&["--trust-proxy", "10.0.0.0/8,fd00::1"]).unwrap());
        assert!(both.contains("10.1.2.3".parse().unwrap()) && both.contains("fd00::1".parse().unwrap()));
        assert!(!both.contains("127.0.0.1".parse().unwrap()));
        assert!(trusted(&["--trust-proxy", "everybody"]).is_err());
    }

    #[test]
    fn every_command_of_the_documentation_is_one() {
        let text = include_str!("../../../docs/self-hosting.md");
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    campfire ")).collect();
        assert!(lines.len() > 10, "{lines:?}");
        for line in lines {
            let line = line.replace("$(date +%F)", "2026-11-27");
            let parsed = Cli::try_parse_from(["campfire"].into_iter().chain(line.split_whitespace()));
            assert!(
                parsed.is_ok(),
                "campfire {line}: {}",
                parsed.err().map(|error| error.to_string()).unwrap_or_default()
            );
        }
    }

    #[test]
    fn tls_has_a_domain_or_a_certificate_with_its_key() {
        let parse = |arguments: &[&str]| Cli::try_parse_from(["campfire"].iter().chain(arguments));
        for wrong in [
            &["--tls-cert", "a.crt"][..],
            &["--tls-key", "a.key"],
            &["--domain", "a.example", "--tls-cert", "a.crt", "--tls-key", "a.key"],
            &["--domain", "*.example"],
            &["--acme-directory", "http://a.example"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        let Command::Serve(serve) = parse(&["--domain", "a.example,b.example"]).unwrap().command() else { panic!() };
        assert_eq!(serve.tls.domains, ["a.example", "b.example"]);
        let ports = serve.tls.ports(&serve.listen).unwrap();
        assert_eq!((ports.https, ports.http), (443, 80));
    }

    #[test]
    fn a_password_is_reset_by_the_address() {
        let parsed =
            Cli::try_parse_from(["campfire", "reset-password", "--data", "/tmp/x", "ada@example.com"]).unwrap();
        let Command::ResetPassword(options) = parsed.command() else { panic!("another command") };
        assert_eq!((options.email_address.as_str(), options.data), ("ada@example.com", PathBuf::from("/tmp/x")));
        assert!(Cli::try_parse_from(["campfire", "reset-password"]).is_err(), "whose?");
        let help = Cli::try_parse_from(["campfire", "reset-password", "--help"]).unwrap_err().to_string();
        assert!(help.contains("campfire reset-password ada@example.com"), "{help}");
    }
}
