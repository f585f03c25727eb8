//! A certificate and its key in files, which whoever renews them replaces.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::validity::Validity;

/// The largest file that is read, in bytes: more than any chain of certificates has.
const MAX_BYTES: u64 = 1024 * 1024;

/// The certificate in two files, as it was when they were last read.
#[derive(Debug)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Files {
    /// Reads a chain of certificates, the site's own first, and its key, both in PEM.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<(Self, Validity), String> {
        let (current, validity) = load(&certificate, &key)?;
        Ok((Self { certificate, key, current: RwLock::new(Arc::new(current)) }, validity))
    }

    /// Reads the files again. Connections from now on get what is in them.
    ///
    /// # Errors
    /// What is wrong with them, in words; nothing changes then.
    pub fn reload(&self) -> Result<Validity, String> {
        let (current, validity) = load(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
        Ok(validity)
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Reads the certificate in a file that may have a chain, or other things too.
///
/// # Errors
/// What is wrong with it, in words.
pub fn validity_of(path: &Path) -> Result<Validity, String> {
    let chain = certificates(path)?;
    let first = chain.first().and_then(|first| Validity::read(first));
    first.ok_or_else(|| format!("the first certificate in {} cannot be read", path.display()))
}

fn load(certificate: &Path, key: &Path) -> Result<(CertifiedKey, Validity), String> {
    let chain = certificates(certificate)?;
    let validity = chain.first().and_then(|first| Validity::read(first));
    let validity =
        validity.ok_or_else(|| format!("the first certificate in {} cannot be read", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            format!("{} has no private key in PEM that is not encrypted (-----BEGIN PRIVATE KEY-----)", key.display())
        }
        error => format!("{} is no PEM: {error}", key.display()),
    })?;
    let certified = CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
            "the key in {} is not that of the first certificate in {}: name a pair, the site's own certificate first",
            key.display(),
            certificate.display()
        ),
        error => format!("the certificate in {} and the key in {}: {error}", certificate.display(), key.display()),
    })?;
    Ok((certified, validity))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| format!("{} is no PEM: {error}", path.display()))?;
    if chain.is_empty() {
        return Err(format!("{} has no certificate in PEM (-----BEGIN CERTIFICATE-----)", path.display()));
    }
    Ok(chain)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let in_words = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    if fs::metadata(path).map_err(in_words)?.len() > MAX_BYTES {
        return Err(format!("{} is too large for certificates or a key", path.display()));
    }
    fs::read(path).map_err(in_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, host: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
        let (certificate, key) = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    }

    #[test]
    fn bad_files_are_named_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = write(folder.path(), "a", "chat.example");
        let (_, other_key) = write(folder.path(), "b", "chat.example");
        let nonsense = folder.path().join("nonsense");
        fs::write(&nonsense, "nonsense").unwrap();
        let broken = folder.path().join("broken");
        fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let missing = folder.path().join("missing");
        for (certificate, key, words) in [
            (&certificate, &other_key, "is not that of the first certificate"),
            (&missing, &key, "missing cannot be read"),
            (&certificate, &missing, "missing cannot be read"),
            (&nonsense, &key, "has no certificate in PEM"),
            (&certificate, &nonsense, "has no private key in PEM"),
            (&broken, &key, "broken cannot be read"),
            (&key, &key, "has no certificate in PEM"),
        ] {
            let refused = Files::open(certificate.clone(), key.clone()).unwrap_err();
            assert!(refused.contains(words), "{words} in {refused}");
        }
    }

    #[test]
    fn replaced_files_are_used_only_if_they_are_a_pair() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = write(folder.path(), "a", "old.example");
        let (files, validity) = Files::open(certificate.clone(), key.clone()).unwrap();
        assert!(validity.covers("old.example"));
        let current = || files.current.read().unwrap().cert[0].clone();
        let old = current();
        let (new_certificate, new_key) = write(folder.path(), "b", "new.example");
        fs::copy(new_certificate, &certificate).unwrap();
        assert!(files.reload().unwrap_err().contains("is not that of the first certificate"));
        assert_eq!(current(), old);
        fs::copy(new_key, &key).unwrap();
        assert!(files.reload().unwrap().covers("new.example"));
        assert_ne!(current(), old);
        assert_eq!(validity_of(&certificate).unwrap().names, ["new.example"]);
    }
}
