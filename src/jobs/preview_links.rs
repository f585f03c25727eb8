//! Makes the previews of a message's links: fetches a page, then its picture, and shows both in the message.
//!
//! Each step sends one request, under the policy for URLs that anybody may have written. What fails for good shows
//! nothing; what may succeed later is tried again a few times.

use bytes::Bytes;
use outbound::{Error, Request, Url};
use pictures::{Bounds, Outcome};
use sha2::{Digest, Sha256};

use super::Next;
use crate::AppResult;
use crate::facts::Fact;
use crate::model::{FileKey, MessageId};
use crate::state::AppState;
use crate::store::files::NewBlob;
use crate::store::previews::{PageDetails, WaitingPreview};
use crate::store::{self, Tx, previews};

/// How often a page is tried.
const MAX_ATTEMPTS: i64 = 3;

/// Pause after the first failure, in milliseconds. It is four times as long after the next one.
const RETRY_MS: i64 = 15_000;

/// The largest picture that is fetched, in bytes.
const MAX_PICTURE_BYTES: usize = 10 * 1024 * 1024;

/// Fetches what the message's next preview needs.
pub(super) async fn step(state: &AppState, message_id: MessageId) -> AppResult<Next> {
    let Some(waiting) = previews::find_waiting(state.db.reader(), message_id).await? else { return Ok(Next::Done) };
    match &waiting.picture_url {
        Some(picture_url) => show_picture(state, message_id, &waiting, picture_url).await,
        None => show_page(state, message_id, waiting).await,
    }
}

/// Fetches a page and stores what it says about itself. It is shown at once if it has no picture.
async fn show_page(state: &AppState, message_id: MessageId, waiting: WaitingPreview) -> AppResult<Next> {
    let WaitingPreview { link, attempts, .. } = waiting;
    let page = match fetch_page(state, &link).await {
        Ok(Some(fetched)) => read_page(state, &link, fetched).await?,
        Ok(None) => None,
        Err(error) if error.is_transient() && attempts + 1 < MAX_ATTEMPTS => {
            let count = async move |tx: &mut Tx| {
                tx.changes_nothing_visible();
                previews::count_attempt(tx.db(), message_id, &link).await?;
                // Others of the message that have not failed as often are tried before the pause.
                let next = previews::find_waiting(tx.db(), message_id).await?;
                let is_behind = next.is_some_and(|next| next.attempts <= attempts);
                Ok(if is_behind { Next::Continue } else { Next::At(tx.now_ms() + (RETRY_MS << (2 * attempts))) })
            };
            return state.db.write(count).await;
        }
        Err(error) => {
            tracing::debug!(%error, message.id = message_id.0, "no preview can be made");
            None
        }
    };
    let store = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        match page {
            Some(page) if previews::set_page(tx.db(), message_id, &link, &page).await? => show(tx, message_id).await?,
            Some(_) => {}
            None => previews::set_none(tx.db(), message_id, &link).await?,
        }
        Ok(Next::Continue)
    };
    state.db.write(store).await
}

/// Fetches the picture of a page, makes it small, and shows the preview with it; without, if that fails.
async fn show_picture(
    state: &AppState,
    message_id: MessageId,
    waiting: &WaitingPreview,
    picture_url: &str,
) -> AppResult<Next> {
    let picture = match fetch_picture(state, picture_url).await {
        Ok(Some(bytes)) => keep_picture(state, waiting, bytes).await?,
        Ok(None) => None,
        Err(error) => {
            tracing::debug!(%error, message.id = message_id.0, "the picture of a preview cannot be fetched");
            None
        }
    };
    let link = waiting.link.clone();
    let store = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        if let Some(picture) = &picture {
            // Expired, until the preview has it.
            store::files::insert_blob(tx.db(), picture, now_ms, 0).await?;
        }
        let key = picture.as_ref().map(|picture| &picture.key);
        if previews::set_picture(tx.db(), message_id, &link, key).await? {
            show(tx, message_id).await?;
        } else if picture.is_some() {
            tx.record(Fact::FilesReleased).await?;
        }
        Ok(Next::Continue)
    };
    state.db.write(store).await
}

/// Shows the previews of a message as they are now.
async fn show(tx: &mut Tx, message_id: MessageId) -> AppResult<()> {
    let Some(room_id) = store::messages::find_room(tx.db(), message_id).await? else { return Ok(()) };
    let extras_html = previews::extras_html(tx.db(), message_id).await?;
    Ok(tx.record(Fact::MessageExtended { room_id, message_id, extras_html }).await?)
}

/// A page, and the encoding that its header names.
struct FetchedPage {
    html: Bytes,
    charset: Option<String>,
}

/// Fetches the page of a link; `None` if it is no page that has metadata.
async fn fetch_page(state: &AppState, link: &str) -> Result<Option<FetchedPage>, Error> {
    let url = Url::parse(link).map_err(|_| Error::Url)?;
    let Some(source) = unfurl::source(&url) else { return Ok(None) };
    let is_elsewhere = source.host() != url.host();
    let mut request = Request::get(source);
    request.headers.insert("accept", "text/html".parse().expect("it is a header"));
    let response = state.outgoing.client().open(state.outgoing.public(), request).await?;
    let content_type = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if response.status() != 200 || !unfurl::is_html(content_type) {
        return Ok(None);
    }
    let charset = if is_elsewhere { Some("utf-8") } else { unfurl::charset(content_type) }.map(str::to_owned);
    Ok(Some(FetchedPage { html: response.read().await?.body, charset }))
}

/// Reads what a page says about itself.
async fn read_page(state: &AppState, link: &str, fetched: FetchedPage) -> AppResult<Option<PageDetails>> {
    let read = move || unfurl::read(&fetched.html, fetched.charset.as_deref());
    let Some(page) = state.renderings.turn().await?.run(read).await? else { return Ok(None) };
    let (client, policy) = (state.outgoing.client(), state.outgoing.public());
    let url = match page.url {
        Some(url) if client.check(policy, &url).await.is_ok() => url.into(),
        _ => Url::parse(link).map_or_else(|_| link.to_owned(), String::from),
    };
    let picture_url = page.image.filter(|_| state.files.thumbnailer().is_some()).map(String::from);
    Ok(Some(PageDetails { url, title: page.title, description: page.description, picture_url }))
}

/// Fetches a picture; `None` if it is none.
async fn fetch_picture(state: &AppState, picture_url: &str) -> Result<Option<Bytes>, Error> {
    let mut request = Request::get(Url::parse(picture_url).map_err(|_| Error::Url)?);
    request.headers.insert("accept", "image/jpeg, image/png, image/gif, image/webp".parse().expect("it is a header"));
    let policy = state.outgoing.public().clone().with_max_body_bytes(MAX_PICTURE_BYTES);
    let response = state.outgoing.client().open(&policy, request).await?;
    let content_type = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if response.status() != 200 || !unfurl::is_picture(content_type) {
        return Ok(None);
    }
    Ok(Some(response.read().await?.body))
}

/// Makes a picture small, in a process of its own, and puts it into the store of files; `None` if that fails.
async fn keep_picture(state: &AppState, waiting: &WaitingPreview, bytes: Bytes) -> AppResult<Option<NewBlob>> {
    let Some(thumbnailer) = state.files.thumbnailer().cloned() else { return Ok(None) };
    let key = FileKey::new(*uuid::Uuid::new_v4().as_bytes());
    let paths = async {
        let original = state.files.incoming.scratch(&key, "original").await?;
        std::io::Result::Ok((original, state.files.incoming.scratch(&key, "preview").await?))
    };
    let (original, small) = match paths.await {
        Ok(paths) => paths,
        Err(error) => return Ok(not_kept(&error)),
    };
    let target = small.clone();
    let make = move || {
        std::fs::write(&original, bytes)?;
        let outcome = thumbnailer.thumbnail(&original, &target, Bounds::LINK_PREVIEW, None);
        let _ = std::fs::remove_file(original);
        let Outcome::Done(thumbnail) = outcome else { return Ok(None) };
        let made = std::fs::read(&target)?;
        std::io::Result::Ok(Some((thumbnail, made.len(), Sha256::digest(&made))))
    };
    let (thumbnail, length, digest) = match state.files.threads.turn().await?.run(make).await? {
        Ok(Some(made)) => made,
        Ok(None) => return Ok(None),
        Err(error) => return Ok(not_kept(&error)),
    };
    let put = state.files.blobs.put(key.as_str(), &small).await;
    let _ = tokio::fs::remove_file(&small).await;
    if let Err(error) = put {
        return Ok(not_kept(&error));
    }
    Ok(Some(NewBlob {
        key,
        creator_id: waiting.creator_id,
        bytes: i64::try_from(length).unwrap_or(i64::MAX),
        sha256: digest.into(),
        content_type: thumbnail.format.content_type().to_owned(),
        size: Some((thumbnail.width, thumbnail.height)),
    }))
}

/// A failure of the disk: the preview is shown without its picture.
fn not_kept(error: &std::io::Error) -> Option<NewBlob> {
    tracing::warn!(%error, "the picture of a preview cannot be kept");
    None
}
