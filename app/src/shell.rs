//! The HTML document around a page.

use campfire::html::HtmlWriter;
use campfire::model::{Anchor, Place, Theme, User, paths};
use leptos::either::Either;
use leptos::prelude::*;

use crate::Notice;
use crate::components::message::menu_template;
use crate::frame::FRAMED_ID;
use crate::names;

/// The paths of the embedded assets, which contain the hashes of their contents.
#[derive(Clone, Copy, Debug)]
pub struct Assets {
    /// The style sheet.
    pub style: &'static str,
    /// boot.js, the script of every page: local times, days, small conveniences, and the start of the WASM.
    pub boot: &'static str,
    /// chat.js, which boot.js loads when the chat is used first: the toolbar, completions, keys.
    pub chat: &'static str,
    /// The script that loads the WASM.
    pub loader: &'static str,
    /// The WASM.
    pub wasm: &'static str,
    /// The id of the build, if it has a service worker.
    pub build: Option<&'static str>,
    /// The icon.
    pub icon: &'static str,
    /// The icon on the home screen of an Apple device, which takes no SVG.
    pub apple_icon: &'static str,
    /// The stock icon with a safe zone, which systems cut to their shapes.
    pub maskable_icon: &'static str,
    /// The stock icon as a shape of one colour.
    pub monochrome_icon: &'static str,
}

/// The parts of a page that depend on the request rather than on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageContext {
    /// The path of the account's own CSS, if there is any.
    pub custom_styles: Option<String>,
    /// The path of the style sheet that shows people's pictures, if anybody has one.
    pub avatars: Option<String>,
    /// The number of the latest change to the account's logo; 0 without a logo.
    pub logo_version: i64,
    /// The theme of the viewer; of somebody who is not signed in, the one chosen last in this browser.
    pub theme: Theme,
    /// The notice of the redirect that led to the page.
    pub notice: Option<Notice>,
    /// The capabilities of the browser.
    pub browser: Browser,
}

/// The capabilities of a browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Browser {
    /// It runs the live page.
    #[default]
    Current,
    /// It is too old for the live page; the notice about that has not been shown yet.
    OldUnnotified,
    /// It is too old for the live page; the notice has been shown.
    Old,
}

/// The background of pages, as in `style/tokens.css`: browsers colour their own bars alike.
pub const LIGHT: &str = "#fbf9f6";

/// The same of the dark theme.
const DARK: &str = "#171311";

/// The document of a hydrated page at a place, whose URL may have a query. `title` is the initial title of the tab; for
/// `own_controls` see [`own_controls`].
pub fn live_document(
    assets: Assets,
    page_context: PageContext,
    (place, has_query): (Place, bool),
    title: String,
    own_controls: String,
    app: impl IntoView,
) -> impl IntoView {
    let browser = page_context.browser;
    let theme = page_context.theme.word();
    let runs = browser == Browser::Current;
    // Hydration expects the app as the first child of `<body>`, so the notice is added only where the WASM does not run.
    let app = match old_browser(browser) {
        Some(notice) => Either::Left((notice, app)),
        None => Either::Right(app),
    };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <Head assets page_context title/>
                {without_scripts(place, has_query)}
                <style>{own_controls}</style>
                <template id="message-menu" inner_html=menu_template()></template>
                <script src=assets.boot data-loader=runs.then_some(assets.loader) data-wasm=runs.then_some(assets.wasm) data-chat=assets.chat data-build=assets.build></script>
            </head>
            <body>{app}</body>
        </html>
    }
}

/// Where no script brings the message of a link into view, only a fragment can, and browsers do not send fragments: a
/// redirect would not end. Without scripts, the page is therefore loaded once more, with one and with a query. WebKit
/// also loads a page again that refreshes to a mere fragment.
fn without_scripts(place: Place, has_query: bool) -> Option<impl IntoView> {
    let Some(Anchor::Around(message_id)) = place.anchor() else { return None };
    let content = format!("0;url={}?scrolled#{}{message_id}", place.path(), names::id::MESSAGE_PREFIX);
    (!has_query).then(|| view! { <noscript><meta http-equiv="refresh" content=content/></noscript> })
}

/// The document of a page of forms and links without the frame. With `is_framable`, browsers put its main part into the
/// frame; other pages replace the document.
pub fn plain_document(
    assets: Assets,
    page_context: PageContext,
    title: String,
    page_html: String,
    is_framable: bool,
) -> impl IntoView {
    let browser = page_context.browser;
    let theme = page_context.theme.word();
    let id = is_framable.then_some(FRAMED_ID);
    let mut html = HtmlWriter::with_capacity(page_html.len() + 256);
    html.raw(&page_html);
    if let Some(notice) = page_context.notice {
        html.markup(r#"<p class="notice" role="alert">"#).text(notice.text()).markup("</p>");
    }
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <Head assets page_context title/>
                <script src=assets.boot data-chat=assets.chat data-build=assets.build></script>
            </head>
            <body class="plain">{old_browser(browser)} <main id=id inner_html=html.into_string()></main></body>
        </html>
    }
}

/// The style rules that depend on the viewer: they show the controls of the viewer's messages and the viewer's boosts,
/// and highlight the messages that mention the viewer.
///
/// The HTML of messages is the same for all viewers. The style sheet shows the controls of administrators.
#[must_use]
pub fn own_controls(viewer: &User) -> String {
    let id = viewer.id;
    let path = paths::user(id);
    format!(
        ".message[data-author=\"{id}\"] .menu__own{{display:flex}}\
         .message[data-author=\"{id}\"] .preview__remove{{display:grid}}\
         .boost[data-boosters~=\"{id}\"]{{display:none}}.boost--own[data-boosters~=\"{id}\"]{{display:inline-flex}}\
         .message:has(.mention[href=\"{path}\"]){{background:var(--mentioned)}}\
         .mention[href=\"{path}\"]{{background:var(--mention-own)}}"
    )
}

/// The notice that is shown once in a browser that cannot run the live page.
fn old_browser(browser: Browser) -> Option<impl IntoView> {
    (browser == Browser::OldUnnotified).then(|| {
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
        <meta name="color-scheme" content=match page_context.theme {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }/>
        {theme_colors(page_context.theme)}
        <title>{title}</title>
        {if page_context.logo_version == 0 {
            Either::Left(view! { <link rel="icon" href=assets.icon type="image/svg+xml"/> })
        } else {
            Either::Right(view! { <link rel="icon" href=paths::small_logo(page_context.logo_version) type="image/png"/> })
        }}
        <link rel="manifest" href=paths::MANIFEST/>
        <link rel="apple-touch-icon" href=if page_context.logo_version == 0 {
            assets.apple_icon.to_owned()
        } else {
            paths::logo(page_context.logo_version)
        }/>
        <link rel="stylesheet" href=assets.style/>
        {page_context.avatars.map(|href| view! { <link rel="stylesheet" id="avatars" href=href/> })}
        {page_context.custom_styles.map(|href| view! { <link rel="stylesheet" id="custom-styles" href=href/> })}
    }
}

/// The colours of the browser's own bars: for a theme of the system both, each with its condition.
fn theme_colors(theme: Theme) -> Vec<impl IntoView> {
    let colors: &[_] = match theme {
        Theme::System => &[(LIGHT, "(prefers-color-scheme: light)"), (DARK, "(prefers-color-scheme: dark)")],
        Theme::Light => &[(LIGHT, "all")],
        Theme::Dark => &[(DARK, "all")],
    };
    let meta = |(color, media): &(&'static str, &'static str)| {
        leptos::html::meta().name("theme-color").content(*color).attr("media", *media)
    };
    colors.iter().map(meta).collect()
}
