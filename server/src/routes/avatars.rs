//! Pictures of people and the account's logo: showing them, and the forms that change them.

use app::Notice;
use app::components::form::FormState;
use axum::Router;
use axum::body::Body;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::CurrentUser;
use campfire::model::paths;
use campfire::ops::avatars::{self, MAX_UPLOAD_BYTES, Received};
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use pictures::Crop;
use sha2::{Digest, Sha256};

use super::{account, users};
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb, is_named};
use crate::http::forwarded::Forwarded;
use crate::http::multipart::is_multipart;
use crate::http::path::PageQuery;
use crate::http::{etag, urls};
use crate::session::{Administers, SignedIn, Visitor};
use crate::{MAX_FORM_BYTES, Site};

/// Largest body with a picture, in bytes: the picture, and the form around it.
pub(super) const MAX_BODY_BYTES: usize = MAX_UPLOAD_BYTES as usize + 64 * 1024;

/// Longest field beside the picture, in bytes.
const MAX_FIELD_BYTES: usize = 8 * 1024;

/// Largest number of parts of the form.
const MAX_PARTS: usize = 16;

/// A picture whose URL has the number of its latest change.
const FOR_EVER: &str = "private, max-age=31536000, immutable";
/// A picture whose URL does not change with it: 30 minutes, then looked up again while the old one is shown for a week.
const FOR_A_WHILE: &str = "private, max-age=1800, stale-while-revalidate=604800";

/// The stock icon, made from `public/icon.svg`.
const STOCK_ICON: &[u8] = include_bytes!("../../../public/icon-512.png");
const SMALL_STOCK_ICON: &[u8] = include_bytes!("../../../public/icon-192.png");

/// The pictures, and their forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::OWN_AVATAR, get(own).post(change).put(change).delete(remove))
        .route("/users/{user_id}/avatar", get(show).delete(remove))
        .route("/users/avatars/{file}", get(sheet))
        .route(paths::LOGO, get(logo).post(change_logo).put(change_logo).delete(remove_logo))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// The picture of the user whom the path refers to.
async fn show(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Path(reference): Path<String>,
    Query(query): PageQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let shown = avatars::find(&state, &current, &reference).await?;
    let wanted = query.get("v").and_then(|version| version.parse().ok());
    let caching = if shown.version.is_some() && shown.version == wanted { FOR_EVER } else { FOR_A_WHILE };
    Ok(file(&headers, &shown.content_type, caching, shown.bytes))
}

/// A reload after a refused form requests the form's URL with GET.
async fn own() -> Redirect {
    Redirect::to(paths::OWN_PROFILE)
}

/// The style sheet that shows pictures, or a part of it. The number in its name only makes the URL another one: the sheet
/// is always the present one, and cached only under its own number.
async fn sheet(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let name = name.strip_suffix(".css").ok_or(AppError::NotFound)?;
    let (wanted, group) = name.split_once('-').map_or((name, None), |(version, group)| (version, Some(group)));
    let wanted: i64 = wanted.parse().map_err(|_| AppError::NotFound)?;
    // Pages before signing in link to it, too.
    let Some(SignedIn(current)) = signed_in else { return Ok(file(&headers, "text/css", "no-store", Vec::new())) };
    let (version, rules) = match group {
        None => avatars::sheet(&state, &current).await?,
        Some(group) => avatars::sheet_part(&state, &current, group.parse().map_err(|_| AppError::NotFound)?).await?,
    };
    let caching = if version == wanted { FOR_EVER } else { "no-store" };
    Ok(file(&headers, "text/css", caching, rules.into_bytes()))
}

/// The account's logo, also for pages before signing in and for the system that installs the app.
async fn logo(
    State(state): State<AppState>,
    Query(query): PageQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let is_small = query.get("size").is_some_and(|size| size == "small");
    let side = if is_small { avatars::LOGO_SIDES[0] } else { avatars::LOGO_SIDES[1] };
    let wanted: Option<i64> = query.get("v").and_then(|version| version.parse().ok());
    let (version, bytes) = avatars::logo(&state, side)
        .await?
        .unwrap_or_else(|| (0, if is_small { SMALL_STOCK_ICON } else { STOCK_ICON }.to_vec()));
    let caching = if wanted == Some(version) { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    Ok(file(&headers, "image/png", caching, bytes))
}

/// A file with an entity tag, or the answer that the browser has it.
fn file(headers: &HeaderMap, content_type: &str, caching: &str, bytes: Vec<u8>) -> Response {
    let digest = Sha256::digest(&bytes);
    let tag = format!("\"{}\"", campfire::model::hex(&digest[..16]));
    if etag::matches(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::CACHE_CONTROL, caching.to_owned())])
            .into_response();
    }
    let fields = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, tag),
    ];
    (fields, bytes).into_response()
}

/// Changes or removes one's own picture.
async fn change(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    visitor: Visitor,
    forwarded: Forwarded,
    request: Request,
) -> Result<Response, Response> {
    let changed = change_own(&site, &current, request).await?;
    match changed {
        Ok(notice) => Ok(urls::with_notice(paths::OWN_PROFILE, notice).into_response()),
        Err(AppError::Invalid(errors)) => users::refused(&site, &current, &visitor, &forwarded, errors)
            .await
            .map_err(|error| PageError(error).into_response()),
        Err(error) => Err(PageError(error).into_response()),
    }
}

async fn change_own(site: &Site, current: &CurrentUser, request: Request) -> Result<AppResult<Notice>, Response> {
    let PictureForm { form, crop, picture } = PictureForm::read(site, "avatar", request).await?;
    let changed: AppResult<Notice> = async {
        if form.verb() == Verb::Delete {
            avatars::remove(&site.state, current).await?;
            return Ok(Notice::PictureRemoved);
        }
        avatars::set(&site.state, current, chosen("avatar", picture)?, crop).await?;
        Ok(Notice::Saved)
    }
    .await;
    Ok(changed)
}

/// Removes one's own picture, whatever the id in the path.
async fn remove(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Redirect, PageError> {
    avatars::remove(&state, &current).await?;
    Ok(urls::with_notice(paths::OWN_PROFILE, Notice::PictureRemoved))
}

async fn change_logo(
    State(site): State<Site>,
    Administers(administrator): Administers,
    forwarded: Forwarded,
    request: Request,
) -> Result<Response, Response> {
    let PictureForm { form, crop, picture } = PictureForm::read(&site, "logo", request).await?;
    let changed: AppResult<Notice> = async {
        if form.verb() == Verb::Delete {
            avatars::remove_logo(&site.state, &administrator).await?;
            return Ok(Notice::PictureRemoved);
        }
        avatars::set_logo(&site.state, &administrator, chosen("logo", picture)?, crop).await?;
        Ok(Notice::Saved)
    }
    .await;
    match changed {
        Ok(notice) => Ok(urls::with_notice(paths::ACCOUNT_SETTINGS, notice).into_response()),
        Err(AppError::Invalid(errors)) => {
            let state = FormState { values: Vec::new(), errors };
            let current = administrator.current().clone();
            account::refused(&site, current, &forwarded, state).await.map_err(|error| PageError(error).into_response())
        }
        Err(error) => Err(PageError(error).into_response()),
    }
}

async fn remove_logo(
    State(state): State<AppState>,
    Administers(administrator): Administers,
) -> Result<Redirect, PageError> {
    avatars::remove_logo(&state, &administrator).await?;
    Ok(urls::with_notice(paths::ACCOUNT_SETTINGS, Notice::PictureRemoved))
}

/// The picture of a form, which has to have one.
pub(super) fn chosen(field: &'static str, picture: AppResult<Option<Received>>) -> AppResult<Received> {
    picture?.ok_or_else(|| AppError::invalid(field, "Choose a picture first."))
}

/// A form with a picture.
pub(super) struct PictureForm {
    /// The fields beside the picture.
    pub form: Form,
    /// The part of the picture that is to be shown, as the page's script has it.
    pub crop: Option<Crop>,
    /// The picture, if the form has one.
    pub picture: AppResult<Option<Received>>,
}

impl PictureForm {
    /// Reads a form whose field of this name is a picture.
    ///
    /// # Errors
    /// The response to a form that cannot be read.
    pub async fn read(site: &Site, field: &'static str, request: Request) -> Result<Self, Response> {
        read(site, field, request).await
    }
}

async fn read(site: &Site, field: &'static str, request: Request) -> Result<PictureForm, Response> {
    if !is_multipart(request.headers()) {
        let (parts, body) = request.into_parts();
        let body = Body::new(http_body_util::Limited::new(body, MAX_FORM_BYTES));
        let form = Form::from_request(Request::from_parts(parts, body), site).await?;
        return Ok(PictureForm { form, crop: None, picture: Ok(None) });
    }
    if site.state.is_text_only() {
        return Err(PageError(AppError::NotFound).into_response());
    }
    let mut multipart = Multipart::from_request(request, site).await.map_err(IntoResponse::into_response)?;
    let (mut fields, mut crop, mut picture) = (Vec::new(), None, Ok(None));
    for _ in 0..MAX_PARTS {
        let Some(mut part) = multipart.next_field().await.map_err(broken_off)? else {
            return Ok(PictureForm { form: Form::new(fields), crop, picture });
        };
        let name = part.name().unwrap_or_default().to_owned();
        if is_named(&name, field) && part.file_name().is_some() {
            picture = avatars::receive(&site.state, field, part).await;
            if picture.is_err() {
                return Ok(PictureForm { form: Form::new(fields), crop, picture });
            }
            continue;
        }
        let mut value = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(broken_off)? {
            value.extend_from_slice(&piece);
            if value.len() > MAX_FIELD_BYTES {
                return Err(PageError::too_large());
            }
        }
        let value = String::from_utf8_lossy(&value).into_owned();
        if name == "crop" {
            crop = value.parse().ok();
        }
        fields.push((name, value));
    }
    Err(PageError::too_large())
}

fn broken_off(error: MultipartError) -> Response {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return PageError::too_large();
    }
    PageError(AppError::invalid("form", "The form did not arrive whole. Go back and send it again.")).into_response()
}
