//! `campfire serve`: opens the data folder, serves, and shuts down gracefully.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use campfire::clock::Clock;
use campfire::state::AppState;
use campfire::{files, jobs};
use futures::{FutureExt, future};
use mail::Mailer;
use pictures::Thumbnailer;
use push::KeyPair;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use url::Url;

use super::data_folder::DataFolder;
use super::listen::{Listeners, listen_at};
use super::tls::Encryption;
use super::{PICTURE, Serve, process, reference, systemd, tls};
use crate::http::forwarded::TrustedProxies;
use crate::http::limits::Limits;
use crate::http::redirect;
use crate::{Site, app, http, metrics};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire serve --data /var/lib/campfire
  campfire serve --data /var/lib/campfire --domain chat.example.com --acme-contact ada@example.com
  campfire serve --listen 127.0.0.1:8080 --trust-proxy 10.0.0.2
  campfire serve --files s3://team-files/campfire";

/// How long sockets may take to close on shutdown.
const SOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or Ctrl-C, or until a part that the program needs ends.
///
/// # Errors
/// If the folder or the address cannot be used, or when a part ended, with the reason. Whoever started the program then
/// starts it again.
pub async fn run(mut options: Serve) -> Result<(), Box<dyn Error>> {
    // Without a handler, the signal ends the process. One that comes during the start is answered after it.
    let hangup = signal(SignalKind::hangup())?;
    reference::complete(&mut options.tls)?;
    let limits = Limits::default().with_descriptors(process::prepare());
    let folder = options.data;
    let _in_use = DataFolder::open(&folder)?;
    if let Some(location) = &options.files {
        files::choose(&folder, location).await?;
    }
    let listen = options.listen.address(options.tls.is_wanted());
    let listeners = Listeners::open(listen, options.tls.ports(&options.listen))?;
    let encryption = options.tls.prepare(&folder).await?;
    tokio::spawn(tls::reload_at(hangup, encryption.as_ref().and_then(Encryption::files)));
    let metrics = options
        .metrics
        .map(|address| Ok::<_, String>(Metrics { listener: listen_at(address)?, folder: folder.clone() }));
    let metrics = metrics.transpose()?;
    let state = AppState::open_with_cache(&folder, Clock::System, options.cache_mb << 20)
        .await
        .map_err(|error| format!("the data in {} cannot be used: {error}", folder.display()))?;
    state.limit_writes(options.writes_per_second);
    state.outgoing.permit(options.preview_networks);
    state.outgoing.permit_pushes(options.push_networks);
    if let Some(pair) = key_pair(options.vapid_public_key.as_deref(), options.vapid_private_key.as_deref())? {
        // The state is new, and has none yet.
        let _ = state.push_key.set(pair);
    }
    if let Some(url) = options.smtp.as_deref().filter(|url| !url.is_empty()) {
        let origin = mail_origin(options.public_url.as_deref(), options.tls.domains.first().map(String::as_str))?;
        let sender = options.mail_from.as_deref().filter(|sender| !sender.is_empty());
        let sender = sender.ok_or("mail needs a sender: name one with --mail-from, like chat@example.com")?;
        state.mail.turn_on(Mailer::new(url, sender)?, origin);
    }
    state.files.set_max_file_bytes(options.max_file_mb << 20);
    state.files.set_keeps_metadata(options.keep_metadata);
    if options.text_only {
        state.keep_text_only();
    }
    match Thumbnailer::this_program([PICTURE.into()]) {
        // Nothing serves a picture.
        _ if options.text_only => {}
        Ok(thumbnailer) => state.files.set_thumbnailer(thumbnailer),
        Err(error) => tracing::warn!(%error, "no previews of pictures are made"),
    }
    let proxies = TrustedProxies::new(options.trust_proxy);
    let is_counted = metrics.is_some();
    let configure = |site: Site| {
        let site = site.limits(limits).proxies(proxies);
        let site = if is_counted { site.counted() } else { site };
        if options.emergency_worker { site.emergency_worker() } else { site }
    };
    until_ended(Doors { listeners, encryption, metrics }, state, configure).await
}

/// What links in mail begin with. The operator says so: a request could be made under any name.
fn mail_origin(public_url: Option<&str>, domain: Option<&str>) -> Result<String, String> {
    match (public_url.filter(|url| !url.is_empty()), domain) {
        (Some(text), _) => {
            let wrong = || format!("--public-url must be like https://chat.example.com, not {text}");
            let url = Url::parse(text).map_err(|_| wrong())?;
            let is_origin = ["http", "https"].contains(&url.scheme())
                && url.path() == "/"
                && url.query().is_none()
                && url.username().is_empty();
            if is_origin { Ok(url.origin().ascii_serialization()) } else { Err(wrong()) }
        }
        (None, Some(domain)) => Ok(format!("https://{domain}")),
        (None, None) => Err("mail has links: name where people reach the site with --public-url".to_owned()),
    }
}

/// The operator's key pair for pushes. Empty ones are none, as files of environments have them.
fn key_pair(public_key: Option<&str>, private_key: Option<&str>) -> Result<Option<KeyPair>, String> {
    match (public_key.unwrap_or_default(), private_key.unwrap_or_default()) {
        ("", "") => Ok(None),
        (public_key, private_key) => KeyPair::parse(public_key, private_key).map(Some).map_err(|_| {
            "VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY are no pair: set both as they were made together, or neither"
                .to_owned()
        }),
    }
}

/// Where a site is reached.
#[derive(Debug, Default)]
pub struct Doors {
    /// The sockets that connections arrive at.
    pub listeners: Listeners,
    /// What those with TLS are served with.
    pub encryption: Option<Encryption>,
    /// Where metrics are shown.
    pub metrics: Option<Metrics>,
}

/// Where metrics are shown, and the data folder.
#[derive(Debug)]
pub struct Metrics {
    /// The socket of those who read them.
    pub listener: TcpListener,
    /// The data folder, whose files are measured.
    pub folder: PathBuf,
}

/// Serves the site of `state`, as `configure` wants it, like [`run`]; with TLS at those listeners that are for it.
///
/// # Errors
/// When a part of the program ended, with the reason.
pub async fn until_ended(
    doors: Doors,
    state: AppState,
    configure: impl FnOnce(Site) -> Site,
) -> Result<(), Box<dyn Error>> {
    tokio::spawn(jobs::run(state.clone()));
    let (close, closing) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let health = state.health.clone();
    let end = tokio::spawn(async move {
        let failure = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            reason = health.failed() => Some(reason),
        };
        match failure {
            None => tracing::info!("shutting down"),
            Some(reason) => tracing::error!("shutting down, to be started again: {reason}"),
        }
        systemd::notify(systemd::STOPPING);
        let _ = close.send(true);
        failure
    });

    let site = configure(Site::new(state.clone(), closing));
    let router = app(site.clone());
    let mut serving = Vec::new();
    for listener in doors.listeners.plain {
        announce("http", &listener)?;
        serving.push(http::serve::serve(listener, site.clone(), router.clone()).boxed());
    }
    if let Some(encryption) = doors.encryption {
        let (config, mut target) = encryption.keep();
        for listener in doors.listeners.encrypted {
            announce("https", &listener)?;
            if target.port == 0 {
                target.port = listener.local_addr()?.port();
            }
            serving.push(http::serve::serve_tls(listener, config.clone(), site.clone(), router.clone()).boxed());
        }
        for listener in doors.listeners.redirecting {
            announce("http", &listener)?;
            serving.push(
                http::serve::serve(listener, site.clone(), redirect::app(target.clone(), router.clone())).boxed(),
            );
        }
    }
    if let Some(Metrics { listener, folder }) = doors.metrics {
        let shown = metrics::app(site.clone(), &folder);
        serving.push(http::serve::serve(listener, site.clone(), shown).boxed());
    }
    systemd::notify(systemd::READY);
    future::try_join_all(serving).await?;
    // The tasks of the sockets see `closing` too and close their sockets; unresponsive browsers are not waited for.
    let sockets_closed = async {
        while state.live.socket_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(SOCKET_CLOSE_TIMEOUT, sockets_closed).await;
    match end.await? {
        None => Ok(()),
        Some(reason) => Err(reason.into()),
    }
}

/// Prints where it listens. It serves as well if nobody reads this.
fn announce(scheme: &str, listener: &TcpListener) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let mut output = std::io::stdout();
    let _ = writeln!(output, "Campfire is listening on {scheme}://{address}").and_then(|()| output.flush());
    Ok(())
}

#[cfg(test)]
mod tests {
    use campfire::clock::Clock;

    use super::*;

    #[test]
    fn a_key_pair_is_whole_or_not_there() {
        let pair = KeyPair::from_private_key(&[7; 32]).unwrap();
        let (public_key, private_key) = (push::encode_key(&pair.public_key()), push::encode_key(&pair.private_key()));
        assert!(key_pair(Some(&public_key), Some(&private_key)).unwrap().is_some());
        assert!(key_pair(None, None).unwrap().is_none() && key_pair(Some(""), Some("")).unwrap().is_none());
        for (public_key, private_key) in
            [(None, Some(&*private_key)), (Some(&*public_key), None), (Some(&*private_key), Some(&*private_key))]
        {
            assert!(key_pair(public_key, private_key).unwrap_err().contains("VAPID_PRIVATE_KEY"));
        }
    }

    #[test]
    fn links_in_mail_begin_with_what_the_operator_says() {
        for (public_url, domain, origin) in [
            (Some("https://chat.example.com"), None, "https://chat.example.com"),
            (Some("https://chat.example.com:8443/"), Some("other.example"), "https://chat.example.com:8443"),
            (None, Some("chat.example.com"), "https://chat.example.com"),
            (Some(""), Some("chat.example.com"), "https://chat.example.com"),
        ] {
            assert_eq!(mail_origin(public_url, domain).unwrap(), origin);
        }
        for wrong in
            ["chat.example.com", "https://chat.example.com/chat", "ftp://chat.example.com", "https://a@b.example"]
        {
            assert!(mail_origin(Some(wrong), None).unwrap_err().contains("--public-url"), "{wrong}");
        }
        assert!(mail_origin(None, None).unwrap_err().contains("--public-url"));
    }

    #[tokio::test]
    async fn the_program_ends_with_the_reason_when_a_part_of_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let state = AppState::open(folder.path(), Clock::System).await.unwrap();
        let listeners = Listeners::open("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let health = state.health.clone();
        let (started, is_started) = tokio::sync::oneshot::channel();
        let configure = |site: Site| {
            let _ = started.send(());
            site
        };
        let served = tokio::spawn(async move {
            until_ended(Doors { listeners, ..Doors::default() }, state, configure).await.map_err(|e| e.to_string())
        });
        is_started.await.unwrap();
        drop(health.pulse("Nothing is saved any more."));
        assert_eq!(served.await.unwrap(), Err("Nothing is saved any more.".to_owned()));
    }
}
