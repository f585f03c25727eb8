//! The document around a page.

use campfire::model::{Role, User};
use leptos::prelude::*;

/// Where the embedded assets are found, by their hashed names.
#[derive(Clone, Copy, Debug)]
pub struct Assets {
    pub style: &'static str,
    /// The small script of every page: local times, days, and the start of the WASM.
    pub boot: &'static str,
    pub loader: &'static str,
    pub wasm: &'static str,
    pub icon: &'static str,
}

/// A page that the browser takes over. `title` is what the tab says first; for `own_controls` see [`own_controls`].
pub fn live_document(assets: Assets, title: String, own_controls: String, app: impl IntoView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <Head assets title/>
                <style>{own_controls}</style>
                <script src=assets.boot data-loader=assets.loader data-wasm=assets.wasm></script>
            </head>
            <body>{app}</body>
        </html>
    }
}

/// A page of forms and links, which needs no script.
pub fn plain_document(assets: Assets, title: String, page: impl IntoView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <Head assets title/>
                <script src=assets.boot></script>
            </head>
            <body class="plain">{page}</body>
        </html>
    }
}

/// The style that shows a viewer the controls of the messages they may change: the messages themselves are the same
/// for everyone.
#[must_use]
pub fn own_controls(viewer: &User) -> String {
    match viewer.role {
        Role::Administrator => ".menu .menu__own{display:flex}".to_owned(),
        Role::Member | Role::Bot => {
            format!(".message[data-author=\"{}\"] .menu__own{{display:flex}}", viewer.id)
        }
    }
}

#[component]
fn Head(assets: Assets, title: String) -> impl IntoView {
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content, viewport-fit=cover"/>
        <meta name="color-scheme" content="light dark"/>
        <title>{title}</title>
        <link rel="icon" href=assets.icon type="image/svg+xml"/>
        <link rel="stylesheet" href=assets.style/>
    }
}
