//! How long a certificate is valid, and for which names.

use campfire::model::utc_timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when on it is valid, in milliseconds since the epoch.
    pub from_ms: i64,
    /// Until when it is valid, in milliseconds since the epoch.
    pub until_ms: i64,
    /// The names it is valid for; the first label of one may be `*`.
    pub names: Vec<String>,
}

impl Validity {
    /// Reads a certificate; `None` if it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(der).ok()?;
        let validity = certificate.validity();
        let of_alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = of_alternatives.into_iter().flat_map(|extension| &extension.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        Some(Self {
            from_ms: validity.not_before.timestamp().saturating_mul(1_000),
            until_ms: validity.not_after.timestamp().saturating_mul(1_000),
            names: names.collect(),
        })
    }

    /// Whether it is valid for this host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| *name == host || parent.is_some() && name.strip_prefix("*.") == parent)
    }

    /// Until when it is valid, in words.
    #[must_use]
    pub fn until(&self) -> String {
        utc_timestamp(self.until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_valid_for_its_names_alone() {
        let names = vec!["chat.example".to_owned(), "*.team.example".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let validity = Validity::read(made.cert.der()).unwrap();
        for host in ["chat.example", "CHAT.example", "a.team.example"] {
            assert!(validity.covers(host), "{host}");
        }
        for host in ["team.example", "a.b.team.example", "other.example", "example", "", "*"] {
            assert!(!validity.covers(host), "{host}");
        }
        assert!(validity.from_ms < validity.until_ms);
        assert_eq!(Validity::read(b"no certificate"), None);
    }
}
