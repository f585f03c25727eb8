//! What a request adds to any page it renders: the account's custom styles, a notice, and whether the browser is too old
//! for the live page.

pub use app::shell::PageContext;

tokio::task_local! {
    static PAGE_CONTEXT: PageContext;
}

/// The context of the request that is being answered.
#[must_use]
pub fn current() -> PageContext {
    PAGE_CONTEXT.try_with(Clone::clone).unwrap_or_default()
}

/// Runs `work` with a context.
pub async fn scope<F: Future>(context: PageContext, work: F) -> F::Output {
    PAGE_CONTEXT.scope(context, work).await
}
