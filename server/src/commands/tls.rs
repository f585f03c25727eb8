//! The options of TLS, and what they make.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use campfire::clock::Clock;
use clap::Args;
use rustls::ServerConfig;
use rustls::pki_types::DnsName;
use tokio::signal::unix::Signal;

use super::listen::{Listen, Ports};
use crate::http::redirect::Target;
use crate::http::tls::acme::{LETS_ENCRYPT, Order, Pauses, Renewals};
use crate::http::tls::files::Files;
use crate::http::tls::validity::Validity;
use crate::http::tls::{acme, config};

/// The folder of certificates and accounts, in the data folder.
const FOLDER: &str = "tls";

/// How many domains one certificate may have, as at Let's Encrypt.
const MAX_DOMAINS: usize = 100;

/// The options of TLS.
#[derive(Clone, Debug, Args)]
pub struct Tls {
    /// Serve HTTPS for this domain, on ports 443 and 80, with certificates that are ordered and renewed by itself. Several
    /// by comma.
    #[arg(long = "domain", env = "CAMPFIRE_DOMAIN", value_delimiter = ',', value_name = "DOMAIN", value_parser = parse_domain)]
    pub domains: Vec<String>,
    /// The directory of the authority that certificates are ordered from (ACME).
    #[arg(long, env = "CAMPFIRE_ACME_DIRECTORY", default_value = LETS_ENCRYPT, value_name = "URL", value_parser = parse_directory)]
    pub acme_directory: String,
    /// An e-mail address that the authority may write to. Can be repeated.
    #[arg(long, env = "CAMPFIRE_ACME_CONTACT", value_delimiter = ',', value_name = "EMAIL")]
    pub acme_contact: Vec<String>,
    /// A file with the root certificates that the directory's own certificate is checked with, for an authority within your
    /// network.
    #[arg(long, env = "CAMPFIRE_ACME_ROOTS", value_name = "FILE")]
    pub acme_roots: Option<PathBuf>,
    /// Serve HTTPS with the certificate in this file: PEM, the site's own first, then the chain. Read again on SIGHUP.
    #[arg(long, env = "CAMPFIRE_TLS_CERT", value_name = "FILE", requires = "tls_key", conflicts_with = "domains")]
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate: PEM, not encrypted.
    #[arg(long, env = "CAMPFIRE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The port with TLS.
    #[arg(long, env = "HTTPS_PORT", value_name = "PORT", default_value_t = 443)]
    pub https_port: u16,
}

/// How a site has TLS.
#[derive(Debug)]
pub struct Encryption {
    /// What connections are accepted with.
    pub config: Arc<ServerConfig>,
    /// Where those without TLS are led to; its port is to be that of the listener.
    pub target: Target,
    certificates: Certificates,
}

#[derive(Debug)]
enum Certificates {
    InFiles(Arc<Files>),
    Ordered(Box<Renewals>),
}

impl Tls {
    /// Whether the site has TLS.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.domains.is_empty() || self.tls_cert.is_some()
    }

    /// The ports of a site with TLS.
    #[must_use]
    pub fn ports(&self, listen: &Listen) -> Option<Ports> {
        self.is_wanted().then_some(Ports { https: self.https_port, http: listen.http_port.unwrap_or(80) })
    }

    /// What is ordered from the authority, if the site has domains.
    #[must_use]
    pub fn order(&self, data: &Path) -> Option<Order> {
        (!self.domains.is_empty()).then(|| Order {
            domains: self.domains.clone(),
            directory: self.acme_directory.clone(),
            contacts: self.acme_contact.clone(),
            roots: self.acme_roots.clone(),
            folder: data.join(FOLDER),
            pauses: Pauses::default(),
        })
    }

    /// Reads the certificates; `None` for a site without TLS.
    ///
    /// # Errors
    /// What is wrong with the options or the files, in words.
    pub async fn prepare(&self, data: &Path) -> Result<Option<Encryption>, String> {
        let target = Target { port: self.https_port, domains: self.domains.clone() };
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let (files, validity) = Files::open(certificate.clone(), key.clone())?;
            warn_of_expiry(&validity);
            let files = Arc::new(files);
            let config = config(files.clone(), false).map_err(|error| error.to_string())?;
            return Ok(Some(Encryption { config, target, certificates: Certificates::InFiles(files) }));
        }
        let Some(order) = self.order(data) else { return Ok(None) };
        if order.domains.len() > MAX_DOMAINS {
            return Err(format!("a certificate has at most {MAX_DOMAINS} domains"));
        }
        let renewals = Renewals::begin(order).await?;
        let managed = renewals.managed();
        if !managed.has_certificate() {
            tracing::info!(domains = ?self.domains, "a certificate is being ordered; until it is there, HTTPS fails");
        }
        let config = config(managed, true).map_err(|error| error.to_string())?;
        Ok(Some(Encryption { config, target, certificates: Certificates::Ordered(Box::new(renewals)) }))
    }
}

impl Certificates {
    /// Keeps the certificates current from now on.
    fn keep(self) {
        if let Self::Ordered(renewals) = self {
            tokio::spawn(renewals.run());
        }
    }
}

impl Encryption {
    /// Keeps the certificates current from now on, and returns the rest.
    #[must_use]
    pub fn keep(self) -> (Arc<ServerConfig>, Target) {
        self.certificates.keep();
        (self.config, self.target)
    }

    /// The files of the certificate, if it comes from files.
    #[must_use]
    pub fn files(&self) -> Option<Arc<Files>> {
        match &self.certificates {
            Certificates::InFiles(files) => Some(files.clone()),
            Certificates::Ordered(_) => None,
        }
    }
}

/// Reads the files again at each SIGHUP; without any, says so.
pub async fn reload_at(mut hangup: Signal, files: Option<Arc<Files>>) {
    while hangup.recv().await.is_some() {
        match &files {
            Some(files) => reload(files),
            None => tracing::info!("SIGHUP: there are no files to read again"),
        }
    }
}

fn reload(files: &Files) {
    match files.reload() {
        Ok(validity) => {
            warn_of_expiry(&validity);
            tracing::info!(until = validity.until(), "the certificate was read again");
        }
        Err(reason) => tracing::error!("the old certificate stays: {reason}"),
    }
}

fn warn_of_expiry(validity: &Validity) {
    let now_ms = Clock::System.now_ms();
    if validity.until_ms < now_ms {
        tracing::warn!(until = validity.until(), "the certificate has expired, and browsers refuse it: renew it");
    } else if validity.from_ms > now_ms {
        tracing::warn!("the certificate is not valid yet, and browsers refuse it: is the clock right?");
    }
}

/// Parses a domain, in Unicode or as it is in DNS.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_domain(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.contains("*") {
        return Err("name each domain: an authority gives no certificate for * in this way".into());
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Err("name a domain: an authority gives certificates for names, not for addresses".into());
    }
    let ascii = idna::domain_to_ascii(text).ok().filter(|ascii| DnsName::try_from(ascii.as_str()).is_ok());
    ascii.ok_or_else(|| "use the name alone, like chat.example.com".into())
}

fn parse_directory(text: &str) -> Result<String, String> {
    if text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err(format!("use an address like {}", acme::LETS_ENCRYPT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name() {
        assert_eq!(parse_domain(" Chat.Example.COM").unwrap(), "chat.example.com");
        assert_eq!(parse_domain("bücher.example").unwrap(), "xn--bcher-kva.example");
        for wrong in ["", "*.example.com", "192.0.2.1", "::1", "https://a.example", "a.example:443", "a b", "a/b"] {
            assert!(parse_domain(wrong).is_err(), "{wrong}");
        }
    }
}
