//! The mail that the program sends, where the operator has named a mail server.

use std::sync::OnceLock;

use mail::Mailer;

/// Sends mail once it is turned on.
#[derive(Debug, Default)]
pub struct Mail(OnceLock<Turned>);

#[derive(Debug)]
struct Turned {
    mailer: Mailer,
    origin: String,
}

impl Mail {
    /// Sends by this mailer from now on. Links in mail begin with `origin`, like `https://chat.example.com`: not with what
    /// a request calls the site, which whoever requests a mail for somebody else chooses. Only the first call has an
    /// effect.
    pub fn turn_on(&self, mailer: Mailer, origin: String) {
        let _ = self.0.set(Turned { mailer, origin });
    }

    /// Whether mail is sent.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.get().is_some()
    }

    /// The mailer; `None` while mail is off.
    pub(crate) fn mailer(&self) -> Option<&Mailer> {
        self.0.get().map(|turned| &turned.mailer)
    }

    /// The URL of a path of the site; `None` while mail is off.
    pub(crate) fn url(&self, path: &str) -> Option<String> {
        self.0.get().map(|turned| [&turned.origin, path].concat())
    }
}
