//! The document around a page.

use campfire::model::{User, paths};
use leptos::either::Either;
use leptos::prelude::*;

use crate::Notice;
use crate::components::message::menu_template;

/// Where the embedded assets are found, by their hashed names.
#[derive(Clone, Copy, Debug)]
pub struct Assets {
    pub style: &'static str,
    /// The small script of every page: local times, days, small comforts, and the start of the WASM.
    pub boot: &'static str,
    /// What the chat adds to it once it is used: the toolbar, completions, the picker of emoji.
    pub chat: &'static str,
    pub loader: &'static str,
    pub wasm: &'static str,
    pub icon: &'static str,
}

/// What a request adds to its page, whatever page that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageContext {
    /// Where the account's own CSS is found, if there is any.
    pub custom_styles: Option<String>,
    /// What the last request has to say.
    pub notice: Option<Notice>,
    pub browser: Browser,
}

/// What the visitor's browser can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Browser {
    /// Everything.
    #[default]
    Current,
    /// It is too old for the live page and has not been told yet.
    OldUntold,
    /// It is too old for the live page and knows.
    Old,
}

/// A page that the browser takes over. `title` is what the tab says first; for `own_controls` see [`own_controls`].
pub fn live_document(
    assets: Assets,
    page_context: PageContext,
    title: String,
    own_controls: String,
    app: impl IntoView,
) -> impl IntoView {
    let browser = page_context.browser;
    let runs = browser == Browser::Current;
    // A page that is taken over begins with what takes it over.
    let app = match old_browser(browser) {
        Some(line) => Either::Left((line, app)),
        None => Either::Right(app),
    };
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <Head assets page_context title/>
                <style>{own_controls}</style>
                <template id="message-menu" inner_html=menu_template()></template>
                <script src=assets.boot data-loader=runs.then_some(assets.loader) data-wasm=runs.then_some(assets.wasm) data-chat=assets.chat></script>
            </head>
            <body>{app}</body>
        </html>
    }
}

/// A page of forms and links, which needs no script.
pub fn plain_document(assets: Assets, page_context: PageContext, title: String, page: impl IntoView) -> impl IntoView {
    let browser = page_context.browser;
    let notice = page_context.notice.map(|notice| view! { <p class="notice" role="alert">{notice.text()}</p> });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <Head assets page_context title/>
                <script src=assets.boot data-chat=assets.chat></script>
            </head>
            <body class="plain">{old_browser(browser)} {page} {notice}</body>
        </html>
    }
}

/// The style that shows a viewer what is theirs: the controls of the messages they may change, the boosts they gave,
/// and the messages that mention them. The messages themselves are the same for everyone. The controls of an
/// administrator are shown by the style sheet.
#[must_use]
pub fn own_controls(viewer: &User) -> String {
    let (id, path) = (viewer.id, paths::user(viewer.id));
    format!(
        ".message[data-author=\"{id}\"] .menu__own{{display:flex}}\
         .boost[data-boosters~=\"{id}\"]{{display:none}}.boost--own[data-boosters~=\"{id}\"]{{display:inline-flex}}\
         .message:has(.mention[href=\"{path}\"]){{background:var(--mentioned)}}\
         .mention[href=\"{path}\"]{{background:var(--mention-own)}}"
    )
}

/// Said once to a browser that cannot run the live page.
fn old_browser(browser: Browser) -> Option<impl IntoView> {
    (browser == Browser::OldUntold).then(|| {
        view! {
            <p class="old-browser" role="status">
                "This browser is too old for the live page, so you get the plain one: everything works, and a reload shows what is new. \
                 Safari 17.2, Chrome 120, Firefox 121, Opera 104 or newer show messages as they come."
            </p>
        }
    })
}

#[component]
fn Head(assets: Assets, page_context: PageContext, title: String) -> impl IntoView {
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content, viewport-fit=cover"/>
        <meta name="color-scheme" content="light dark"/>
        <title>{title}</title>
        <link rel="icon" href=assets.icon type="image/svg+xml"/>
        <link rel="stylesheet" href=assets.style/>
        {page_context.custom_styles.map(|href| view! { <link rel="stylesheet" id="custom-styles" href=href/> })}
    }
}
