//! Mail by SMTP: plain text to one recipient.

#[cfg(feature = "testing")]
pub mod testing;

use std::net::IpAddr;
use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use thiserror::Error;
use url::Url;
use uuid::Uuid;

/// How long each step of a delivery may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why mail cannot be sent with the settings, in words.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The URL is none of a mail server.
    #[error("the mail server must be smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST:587?tls=required ({0})")]
    Url(String),
    /// The connection would not be encrypted.
    #[error(
        "mail would be sent unencrypted: write smtps://, or ?tls=required at the end; only a server on this machine needs neither"
    )]
    Unencrypted,
    /// The sender is no address.
    #[error("the sender must be an e-mail address like chat@example.com, or Chat <chat@example.com> ({0})")]
    Sender(AddressError),
}

/// Why a mail was not sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// The server does not take it, and will not later.
    #[error("the mail server refused it: {0}")]
    Refused(String),
    /// The server was not reached, or could not take it at the moment.
    #[error("the mail server did not take it: {0}")]
    Failed(String),
}

/// Sends mail through one server, as one sender.
#[derive(Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
}

impl Mailer {
    /// A mailer for the server at `url`: `smtps://USER:PASSWORD@HOST` for TLS from the start, or
    /// `smtp://USER:PASSWORD@HOST:587?tls=required` for STARTTLS. Nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is none of a mail server, or one without encryption on another machine, or the sender is no address.
    pub fn new(url: &str, sender: &str) -> Result<Self, SettingsError> {
        let parsed = Url::parse(url).map_err(|error| SettingsError::Url(error.to_string()))?;
        let is_encrypted = parsed.scheme() == "smtps"
            || parsed.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        // In URLs of mail servers, addresses are not parsed as such.
        let host = parsed.host_str().ok_or_else(|| SettingsError::Url("it names no host".into()))?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| SettingsError::Url(in_words(&error)))?
            .timeout(Some(TIMEOUT))
            .build();
        if !is_encrypted && !is_here {
            return Err(SettingsError::Unencrypted);
        }
        Ok(Self { transport, sender: sender.parse().map_err(SettingsError::Sender)? })
    }

    /// Sends a text. Line breaks in the subject are none in the mail.
    ///
    /// # Errors
    /// When the server was not reached, or does not take it.
    pub async fn send(&self, recipient: &str, subject: &str, text: &str) -> Result<(), SendError> {
        let recipient: Address =
            recipient.parse().map_err(|error: AddressError| SendError::Refused(error.to_string()))?;
        let subject: String = subject.split(char::is_control).collect::<Vec<_>>().join(" ");
        let message = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(None, recipient))
            .subject(subject)
            .message_id(Some(format!("<{}@{}>", Uuid::new_v4().simple(), self.sender.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|error| SendError::Refused(error.to_string()))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Refused(in_words(&error))),
            Err(error) => Err(SendError::Failed(in_words(&error))),
        }
    }

    /// Whether the server can be reached and accepts the user.
    ///
    /// # Errors
    /// As [`Mailer::send`].
    pub async fn check(&self) -> Result<(), SendError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::Failed("it closed the connection".into())),
            Err(error) if error.is_permanent() => Err(SendError::Refused(in_words(&error))),
            Err(error) => Err(SendError::Failed(in_words(&error))),
        }
    }
}

/// An error with its causes.
fn in_words(error: &smtp::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
        source = error.source();
    }
    words
}

/// Says that a program has written the mail, so that no other program answers it (RFC 3834, section 5).
#[derive(Clone, Copy, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_servers_are_taken_unless_they_are_on_this_machine() {
        let sender = "Chat <chat@example.com>";
        for url in [
            "smtps://user:pass@mail.example.com",
            "smtp://user:pass@mail.example.com:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
            "smtp://[::1]:25",
        ] {
            assert!(Mailer::new(url, sender).is_ok(), "{url}");
        }
        for url in
            ["smtp://mail.example.com", "smtp://mail.example.com?tls=opportunistic", "smtp://localhost.example.com"]
        {
            assert!(matches!(Mailer::new(url, sender), Err(SettingsError::Unencrypted)), "{url}");
        }
        for url in ["", "mail.example.com", "https://mail.example.com", "smtp:", "smtps://"] {
            assert!(matches!(Mailer::new(url, sender), Err(SettingsError::Url(_))), "{url}");
        }
        for sender in ["", "chat", "Chat <chat>", "a@b.example, c@d.example"] {
            assert!(matches!(Mailer::new("smtp://localhost", sender), Err(SettingsError::Sender(_))), "{sender}");
        }
    }
}
