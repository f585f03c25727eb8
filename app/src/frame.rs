//! Pages of forms in the frame: beside the sidebar, in place of a room.
//!
//! The server renders them as HTML that works without scripts, so none of their components is in the WASM. The browser
//! fetches the page alone and puts it in place.

use std::time::Duration;

use js_sys::futures::JsFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, HtmlElement, HtmlTemplateElement, Request, RequestInit, Response, Url, UrlSearchParams};

use crate::live::Live;
use crate::{browser, names};

/// The id of the element around the page.
pub const FRAMED_ID: &str = "framed";

/// The context that the server provides: the HTML of the page in the frame; `None` for a page of the chat.
#[derive(Clone, Debug, Default)]
pub struct Framed(pub Option<String>);

/// The page in the frame, if one is shown. Its HTML is empty if the server has rendered it.
#[derive(Clone, Copy)]
pub struct Frame(RwSignal<Option<String>>);

impl Frame {
    /// Whether a page is shown; subscribes to that.
    pub fn is_shown(self) -> bool {
        self.0.with(Option::is_some)
    }

    /// Whether a page is shown now.
    pub fn is_shown_now(self) -> bool {
        self.0.with_untracked(Option::is_some)
    }

    /// Shows a page.
    pub fn show(self, html: String) {
        self.0.set(Some(html));
    }

    /// Removes the page: one of the chat has taken its place.
    pub fn leave(self) {
        if self.is_shown_now() {
            self.0.set(None);
        }
    }
}

/// Provides the context of [`use_frame`].
pub fn provide_frame() -> Frame {
    let in_document = || document().get_element_by_id(FRAMED_ID).map(|_| String::new());
    let html = use_context::<Framed>().map_or_else(in_document, |Framed(html)| html);
    let frame = Frame(RwSignal::new(html));
    provide_context(frame);
    frame
}

/// The page in the frame.
pub fn use_frame() -> Frame {
    expect_context()
}

/// The page in the frame. It covers the main part until the room that follows it is there.
#[component]
pub fn FramedPage() -> impl IntoView {
    let Frame(html) = use_frame();
    let live = expect_context::<Live>();
    Effect::new(move |_| {
        let Some(is_new) = html.with(|html| html.as_ref().map(|html| !html.is_empty())) else { return };
        spawn_local(async move {
            // The page is there once all effects have run.
            browser::sleep(Duration::ZERO).await;
            if html.with_untracked(Option::is_some) {
                arrived(live, is_new);
            }
        });
    });
    move || html.get().map(|html| view! { <div class="framed" id=FRAMED_ID inner_html=html></div> })
}

/// The title follows the heading. A page that the browser has put in place gets the focus, as a new document would.
fn arrived(live: Live, is_new: bool) {
    let Some(page) = document().get_element_by_id(FRAMED_ID) else { return };
    let heading = page.query_selector("h1").ok().flatten();
    let title = heading.as_ref().and_then(|heading| heading.text_content()).unwrap_or_default();
    live.page.update(|page| {
        page.room_id = None;
        page.title = title;
    });
    if !is_new {
        return;
    }
    page.set_scroll_top(0);
    let hash = window().location().hash().unwrap_or_default();
    let target = document().get_element_by_id(hash.trim_start_matches('#'));
    let focused = page.query_selector("[autofocus]").ok().flatten().filter(|_| !browser::is_touch());
    if let Some(element) = target.clone().or(focused).or(heading) {
        if element.tag_name() != "INPUT" && element.tag_name() != "TEXTAREA" {
            let _ = element.set_attribute("tabindex", "-1");
        }
        if let Ok(element) = element.dyn_into::<HtmlElement>() {
            let _ = element.focus();
        }
    }
    if let Some(target) = target {
        target.scroll_into_view();
    }
    browser::dispatch(names::page_event::PAGE_SHOWN, &[]);
}

/// The answer to a request for a page.
pub struct Answer {
    /// Path, query and fragment of the page, after redirects.
    pub url: String,
    /// Whether there were redirects.
    pub is_redirected: bool,
    /// The page, if it is one for the frame.
    pub html: Option<String>,
}

/// Requests a page, or submits a form with these fields.
///
/// # Errors
/// If the server cannot be reached.
pub async fn request(url: &str, fields: Option<&UrlSearchParams>) -> Result<Answer, JsValue> {
    let (response, text) = fetch(url, fields, None).await?;
    let page = Url::new(&response.url())?;
    let hash = Url::new_with_base(url, &response.url())?.hash();
    let html = part(&text, &["#", FRAMED_ID].concat());
    Ok(Answer { url: page.pathname() + &page.search() + &hash, is_redirected: response.redirected(), html })
}

/// Sends a request with the header by which the server knows those of scripts. `signal` ends it.
///
/// # Errors
/// If the server cannot be reached.
pub async fn fetch(
    url: &str,
    fields: Option<&UrlSearchParams>,
    signal: Option<&AbortSignal>,
) -> Result<(Response, String), JsValue> {
    let init = RequestInit::new();
    init.set_signal(signal);
    if let Some(fields) = fields {
        init.set_method("POST");
        init.set_body_opt_url_search_params(Some(fields));
    }
    let request = Request::new_with_str_and_init(url, &init)?;
    request.headers().set("x-requested-with", "fetch")?;
    let response: Response = JsFuture::from(window().fetch_with_request(&request)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    Ok((response, text))
}

/// The content of the first element of a document that matches. Scripts in it do not run.
pub fn part(document_html: &str, selector: &str) -> Option<String> {
    let template: HtmlTemplateElement = document().create_element("template").ok()?.dyn_into().ok()?;
    template.set_inner_html(document_html);
    Some(template.content().query_selector(selector).ok()??.inner_html())
}
