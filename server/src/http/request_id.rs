//! The number of a request: in the lines that are logged while it is handled, and on the page of an internal failure, so
//! that who reports one can name it.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The number: eight digits of the process, then one more with each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId {
    process: u32,
    request: u64,
}

impl RequestId {
    /// The number of a new request.
    #[must_use]
    pub fn next() -> Self {
        static PROCESS: OnceLock<u32> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let process = *PROCESS.get_or_init(|| Uuid::new_v4().as_fields().0);
        Self { process, request: COUNT.fetch_add(1, Ordering::Relaxed) }
    }

    /// The number of the request that this task handles now.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|id| *id).ok()
    }

    /// Handles the request with this number.
    pub async fn scope<F: Future>(self, handling: F) -> F::Output {
        CURRENT.scope(self, handling).await
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.process, self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_has_its_number_while_it_is_handled() {
        let (first, second) = (RequestId::next(), RequestId::next());
        assert_ne!(first.to_string(), second.to_string());
        assert_eq!(RequestId::current(), None);
        let both =
            tokio::join!(first.scope(async { RequestId::current() }), second.scope(async { RequestId::current() }));
        assert_eq!(both, (Some(first), Some(second)));
    }
}
