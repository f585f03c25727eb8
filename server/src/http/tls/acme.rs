//! Certificates from an authority (ACME, RFC 8555), which checks by a connection to port 443 who has the domain
//! (TLS-ALPN-01, RFC 8737): ordered at the first start, kept in the data folder, renewed when a third of their time is left.
//!
//! The orders are those of `rustls-acme`. Its state is begun anew after each failure, with pauses of our own that grow, and
//! when it has not ended in time: it has no time limits, and a directory that never answers would end all renewals.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::{AccountCache, AcmeConfig, AcmeState, CertCache, EventError, EventOk, ResolvesServerCertAcme};
use sha2::{Digest, Sha256};
use tokio::time::{sleep, timeout};

/// How ALPN calls a connection by which the authority checks who has the domain.
pub const ALPN: &[u8] = b"acme-tls/1";

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How long an order may take. The authority looks at each domain for up to a minute.
const ORDER_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// After how long the certificate in use is looked at again: the timer of a machine that slept is late.
const LOOK_INTERVAL: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a certificate that is kept may take to be read at the start.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of the reason of a failure is logged, in characters.
const MAX_REASON_CHARS: usize = 600;

/// The pauses after failures: the first, and the longest, each twice the one before.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

/// Five failures of a host in an hour are what Let's Encrypt permits: after 0, 2, 6, 14 and 30 minutes.
impl Default for Pauses {
    fn default() -> Self {
        Self { first: Duration::from_secs(2 * 60), longest: Duration::from_secs(6 * 60 * 60) }
    }
}

/// What is ordered, and where.
#[derive(Clone, Debug)]
pub struct Order {
    /// The domains, as one certificate.
    pub domains: Vec<String>,
    /// The address of the authority's directory.
    pub directory: String,
    /// The e-mail addresses that the authority may write to.
    pub contacts: Vec<String>,
    /// The file with the roots that the directory's own certificate is checked with, instead of Mozilla's.
    pub roots: Option<PathBuf>,
    /// The folder in which certificate and account are kept.
    pub folder: PathBuf,
    /// The pauses after failures.
    pub pauses: Pauses,
}

impl Order {
    /// The file of the certificate and its key.
    #[must_use]
    pub fn certificate_path(&self) -> PathBuf {
        let domains = self.domains.join(",");
        self.folder.join(format!("certificate-{}.pem", digest(&[&self.directory, &domains])))
    }

    fn account_path(&self) -> PathBuf {
        self.folder.join(format!("account-{}.key", digest(&[&self.directory])))
    }

    fn config(&self, client: Arc<ClientConfig>) -> AcmeConfig<io::Error> {
        let contacts = self.contacts.iter().map(|contact| format!("mailto:{contact}"));
        AcmeConfig::new_with_client_config(&self.domains, client)
            .directory(&self.directory)
            .contact(contacts)
            .cache(Kept(self.clone()))
    }
}

/// A name for files, from what they belong to.
fn digest(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The certificate in use, and the answer to the authority's checks.
#[derive(Debug, Default)]
pub struct Managed(RwLock<Resolvers>);

#[derive(Debug, Default)]
struct Resolvers {
    /// That with the certificate; `None` before the first one.
    serving: Option<Arc<ResolvesServerCertAcme>>,
    /// That of the order under way.
    ordering: Option<Arc<ResolvesServerCertAcme>>,
}

impl Managed {
    /// Whether there is a certificate.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).serving.is_some()
    }

    fn change(&self, change: impl FnOnce(&mut Resolvers)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ResolvesServerCert for Managed {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_check = hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ALPN));
        let resolvers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let resolver = if is_check { &resolvers.ordering } else { &resolvers.serving };
        let resolver = resolver.clone();
        drop(resolvers);
        resolver?.resolve(hello)
    }
}

/// Orders and renews a certificate for as long as [`Renewals::run`] runs.
pub struct Renewals {
    order: Order,
    client: Arc<ClientConfig>,
    managed: Arc<Managed>,
    state: AcmeState<io::Error>,
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").field("order", &self.order).finish_non_exhaustive()
    }
}

/// Why an order is begun anew.
enum Ended {
    Failed(String),
    ToLook,
}

impl Renewals {
    /// Reads the certificate that is kept, if there is one. Nothing is ordered before [`Renewals::run`].
    ///
    /// # Errors
    /// If the folder or the roots cannot be used, in words.
    pub async fn begin(order: Order) -> Result<Self, String> {
        let client = client_config(order.roots.as_deref())?;
        let shown = order.folder.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&order.folder)
            .map_err(|error| format!("{shown} cannot be made: {error}"))?;
        let managed = Arc::new(Managed::default());
        let state = order.config(client.clone()).state();
        let mut renewals = Self { order, client, managed, state };
        renewals.managed.change(|resolvers| resolvers.ordering = Some(renewals.state.resolver()));
        if renewals.order.certificate_path().is_file()
            && let Ok(Some(event)) = timeout(READ_TIMEOUT, renewals.state.next()).await
        {
            let _ = renewals.handle(event);
        }
        Ok(renewals)
    }

    /// What handshakes ask for the certificate.
    #[must_use]
    pub fn managed(&self) -> Arc<Managed> {
        self.managed.clone()
    }

    /// Orders and renews, for ever.
    pub async fn run(mut self) {
        let mut pause = self.order.pauses.first;
        loop {
            match self.until_ended().await {
                Ended::ToLook => pause = self.order.pauses.first,
                Ended::Failed(reason) => {
                    let kept =
                        if self.managed.has_certificate() { "the old certificate stays" } else { "there is none" };
                    let directory = &self.order.directory;
                    let pause_s = pause.as_secs();
                    tracing::warn!(
                        directory,
                        pause_s,
                        "no certificate was issued, {kept}, and it is tried again: {reason}"
                    );
                    sleep(pause).await;
                    pause = (pause * 2).min(self.order.pauses.longest);
                }
            }
            self.state = self.order.config(self.client.clone()).state();
            self.managed.change(|resolvers| resolvers.ordering = Some(self.state.resolver()));
        }
    }

    async fn until_ended(&mut self) -> Ended {
        loop {
            let is_waiting = self.is_waiting();
            let limit = if is_waiting { LOOK_INTERVAL } else { ORDER_TIMEOUT };
            match timeout(limit, self.state.next()).await {
                Ok(Some(event)) => {
                    if let Err(reason) = self.handle(event) {
                        return Ended::Failed(reason);
                    }
                }
                Err(_) if is_waiting => return Ended::ToLook,
                Ok(None) | Err(_) => return Ended::Failed("the directory does not answer in time".into()),
            }
        }
    }

    /// Whether the resolver of this state has its certificate, so that nothing happens until the renewal.
    fn is_waiting(&self) -> bool {
        let own = self.state.resolver();
        let resolvers = self.managed.0.read().unwrap_or_else(PoisonError::into_inner);
        resolvers.serving.as_ref().is_some_and(|serving| Arc::ptr_eq(serving, &own))
    }

    /// Takes note of an event; the reason if an order failed.
    fn handle(&self, event: Result<EventOk, EventError<io::Error, io::Error>>) -> Result<(), String> {
        let domains = &self.order.domains;
        match event {
            Ok(EventOk::DeployedCachedCert) => self.deploy(),
            Ok(EventOk::DeployedNewCert) => {
                self.deploy();
                tracing::info!(?domains, "a new certificate is in use");
            }
            Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
            Err(error @ (EventError::Order(_) | EventError::NewCertParse(_))) => {
                return Err(error.to_string().chars().take(MAX_REASON_CHARS).collect());
            }
            // It goes on without what cannot be read or kept.
            Err(error) => {
                let folder = self.order.folder.display();
                tracing::warn!(%error, %folder, "certificate or account cannot be kept there");
            }
        }
        Ok(())
    }

    fn deploy(&self) {
        let resolver = self.state.resolver();
        self.managed.change(|resolvers| resolvers.serving = Some(resolver));
    }
}

/// The client of the directory, which trusts the roots in a file, or Mozilla's.
fn client_config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let in_words = |error: &dyn fmt::Display| format!("{} has no root certificate: {error}", path.display());
            for root in CertificateDer::pem_file_iter(path).map_err(|error| in_words(&error))? {
                store.add(root.map_err(|error| in_words(&error))?).map_err(|error| in_words(&error))?;
            }
            if store.is_empty() {
                return Err(in_words(&"nothing in it is one in PEM"));
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
}

/// Certificate and account in the folder of an order, private, replaced as a whole.
struct Kept(Order);

#[async_trait]
impl CertCache for Kept {
    type EC = io::Error;

    async fn load_cert(&self, _: &[String], _: &str) -> io::Result<Option<Vec<u8>>> {
        load(&self.0.certificate_path())
    }

    async fn store_cert(&self, _: &[String], _: &str, certificate: &[u8]) -> io::Result<()> {
        store(self.0.certificate_path(), certificate.to_vec()).await
    }
}

#[async_trait]
impl AccountCache for Kept {
    type EA = io::Error;

    async fn load_account(&self, _: &[String], _: &str) -> io::Result<Option<Vec<u8>>> {
        load(&self.0.account_path())
    }

    async fn store_account(&self, _: &[String], _: &str, account: &[u8]) -> io::Result<()> {
        store(self.0.account_path(), account.to_vec()).await
    }
}

fn load(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes beside the file, then replaces it: a crash leaves the old one.
async fn store(path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
    let write = move || {
        let beside = path.with_extension("new");
        // One that a crash left behind may have other permissions.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn order(folder: &Path) -> Order {
        Order {
            domains: vec!["chat.example".into()],
            directory: "https://127.0.0.1:1/dir".into(),
            contacts: Vec::new(),
            roots: None,
            folder: folder.join("tls"),
            pauses: Pauses::default(),
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_private_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let order = order(folder.path());
        let renewals = Renewals::begin(order.clone()).await.unwrap();
        assert!(!renewals.managed().has_certificate());
        let kept = Kept(order.clone());
        assert_eq!(kept.load_cert(&[], "").await.unwrap(), None);
        for text in ["first", "second"] {
            kept.store_cert(&[], "", text.as_bytes()).await.unwrap();
            kept.store_account(&[], "", text.as_bytes()).await.unwrap();
            assert_eq!(kept.load_cert(&[], "").await.unwrap().unwrap(), text.as_bytes());
            assert_eq!(kept.load_account(&[], "").await.unwrap().unwrap(), text.as_bytes());
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&order.folder), 0o700);
        let files: Vec<_> = fs::read_dir(&order.folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600));
    }

    #[test]
    fn other_domains_and_directories_have_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let first = order(folder.path());
        let other_domain = Order { domains: vec!["b.example".into()], ..first.clone() };
        let other_directory = Order { directory: LETS_ENCRYPT.into(), ..first.clone() };
        assert_ne!(first.certificate_path(), other_domain.certificate_path());
        assert_eq!(first.account_path(), other_domain.account_path());
        assert_ne!(first.account_path(), other_directory.account_path());
    }

    #[test]
    fn roots_that_are_none_are_refused_in_words() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(client_config(Some(file.path())).unwrap_err().contains("has no root certificate"));
        assert!(client_config(Some(Path::new("/none"))).unwrap_err().contains("has no root certificate"));
        client_config(None).unwrap();
    }
}
