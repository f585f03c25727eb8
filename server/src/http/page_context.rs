//! The page context of the current request: the account's custom styles, a notice, and the capabilities of the browser.
//!
//! It is task-local, so that any code which renders a page, like the response of an error, can read it.

pub use app::shell::PageContext;

tokio::task_local! {
    static PAGE_CONTEXT: PageContext;
}

/// The context of the current request; the default outside of one.
#[must_use]
pub fn current() -> PageContext {
    PAGE_CONTEXT.try_with(Clone::clone).unwrap_or_default()
}

/// Runs `work`, the handling of a request, with its context.
pub async fn scope<F: Future>(context: PageContext, work: F) -> F::Output {
    PAGE_CONTEXT.scope(context, work).await
}
