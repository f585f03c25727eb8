//! Why a request got no answer.

/// Why a request got no answer. Names neither URL nor address, so that it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL is not http or https, has no host, or is http where https is required.
    #[error("the URL cannot be requested")]
    Url,
    /// Every address of the host is one that the policy refuses.
    #[error("the address is refused")]
    Refused,
    /// The host has no address, or the name server did not answer.
    #[error("the host was not found")]
    Unresolved,
    /// No connection to any of the host's addresses.
    #[error("no connection")]
    Connect,
    /// The certificate is not trusted or is for another host, or the peer does not speak TLS.
    #[error("the TLS connection failed")]
    Tls,
    /// The peer did not answer as HTTP/1.1 requires, or closed the connection early.
    #[error("the answer is not valid HTTP")]
    Protocol,
    /// A redirect to something other than an absolute http(s) URL.
    #[error("the redirect cannot be followed")]
    Redirect,
    /// More redirects than the policy allows.
    #[error("too many redirects")]
    TooManyRedirects,
    /// The body is longer than the policy allows.
    #[error("the answer is too long")]
    TooLarge,
    /// The body is compressed, though the request said that it must not be.
    #[error("the answer is compressed")]
    Encoded,
    /// The deadline passed.
    #[error("the time is up")]
    Timeout,
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Unresolved | Self::Connect | Self::Tls | Self::Protocol | Self::Timeout)
    }
}
