//! The number in a close frame.

/// Why a connection is closed (RFC 6455, section 7.4): a code that may be sent in a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The connection has done what it was opened for.
    pub const NORMAL: Self = Self(1000);
    /// The server stops, or the page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the framing rules of RFC 6455.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A text message or a close reason is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The peer broke a rule of the application's.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is too large, or comes in too many fragments.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);

    /// A code as received.
    ///
    /// `None` for a number that must not be in a close frame: those below 1000, those that only stand for the absence of
    /// a close frame (1005, 1006, 1015), and those that neither RFC 6455 nor the IANA registry assigns. 3000–3999 are
    /// for libraries, 4000–4999 for applications.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_may_be_sent_exist() {
        for code in [1000, 1003, 1007, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(CloseCode::new(code).map(CloseCode::get), Some(code));
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2999, 5000, 65_535] {
            assert_eq!(CloseCode::new(code), None, "{code}");
        }
    }
}
