//! Pictures of people, and the account's logo: changing them, and showing them.
//!
//! A picture that somebody sends is made into one of at most 512 pixels by a process of its own; only that is kept, in
//! the database. Its URL has a signed reference to the user, and the number of its latest change, so that it can be
//! cached for ever. Pages do not contain these URLs: HTML of a person has the id, and one style sheet shows the pictures
//! of all people by it. So nothing that is stored or cached depends on who has a picture, and a page that is open shows
//! a new one by fetching that sheet.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use pictures::{Bounds, Crop, Encoding, Outcome, Refusal};
use sha2::Sha256;
use tokio::io::AsyncWriteExt;

use super::accounts;
use super::permissions::write_as;
use crate::access::{Administrator, CurrentUser};
use crate::facts::Fact;
use crate::model::{BOT_SVG, FileKey, Role, User, UserId, initials_svg, paths};
use crate::state::AppState;
use crate::store::avatars::Picture;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// Largest picture that is taken, in bytes: more than a camera of 50 megapixels makes.
pub const MAX_UPLOAD_BYTES: u64 = 25 * 1024 * 1024;

/// Largest picture that is kept, in bytes: one of 512 × 512 pixels that cannot be compressed has 1 MiB.
pub(crate) const MAX_KEPT_BYTES: usize = 2 * 1024 * 1024;

/// The sides of the logo, in pixels.
pub const LOGO_SIDES: [u16; 2] = [192, 512];

/// The first bytes that are signed, so that a signature made for another purpose is never valid here.
const PURPOSE: &[u8] = b"campfire avatar 1";

/// Bytes of a signature that are kept: 128 bits cannot be guessed, and a short URL is in the style sheet once a user.
const SIGNATURE_BYTES: usize = 16;

/// Size of a decoded reference, in bytes: the user's id and the signature.
const REFERENCE_BYTES: usize = 8 + SIGNATURE_BYTES;

/// A picture that somebody sent, as a file that is deleted with this value.
#[derive(Debug)]
pub struct Received {
    key: FileKey,
    path: PathBuf,
}

impl Drop for Received {
    fn drop(&mut self) {
        // What is left behind is swept at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes the bytes of a picture; `None` if there are none, as of a field without a choice.
///
/// # Errors
/// `Invalid` for more than [`MAX_UPLOAD_BYTES`] or when it does not arrive whole, `Internal` when it cannot be written.
pub async fn receive<E>(
    state: &AppState,
    field: &'static str,
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> AppResult<Option<Received>> {
    let key = FileKey::new(*uuid::Uuid::new_v4().as_bytes());
    let path = state.files.incoming.scratch(&key, "avatar").await.map_err(failed)?;
    let received = Received { key, path };
    let mut file = tokio::fs::File::create_new(&received.path).await.map_err(failed)?;
    let mut bytes: u64 = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| AppError::invalid(field, "The picture did not arrive whole. Send it again."))?;
        bytes += piece.len() as u64;
        if bytes > MAX_UPLOAD_BYTES {
            return Err(AppError::invalid(field, "A picture has at most 25 MB. Choose a smaller one."));
        }
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok((bytes > 0).then_some(received))
}

/// Changes the current user's picture to the part of another one, or to all of it.
///
/// # Errors
/// `Invalid` when it is not a picture that can be shown; the one before stays.
pub async fn set(state: &AppState, current: &CurrentUser, received: Received, crop: Option<Crop>) -> AppResult<()> {
    // Decoding costs more than a write.
    state.writes.take(current.user.id)?;
    let picture = shrink_avatar(state, &received, crop).await?;
    let set = async move |tx: &mut Tx, user: User| {
        store::avatars::set(tx.db(), user.id, &picture).await?;
        record_pictures(tx).await
    };
    let account = write_as(state, current, set).await?;
    state.note_account(&account);
    Ok(())
}

/// Removes the current user's picture.
///
/// # Errors
/// `SignedOut` when the session has ended.
pub async fn remove(state: &AppState, current: &CurrentUser) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, user: User| {
        store::avatars::remove(tx.db(), user.id).await?;
        record_pictures(tx).await
    };
    let account = write_as(state, current, remove).await?;
    state.note_account(&account);
    Ok(())
}

/// Records that somebody's picture changed, or who is a bot.
pub(super) async fn record_pictures(tx: &mut Tx) -> AppResult<crate::model::Account> {
    let account = store::accounts::find(tx.db()).await?.ok_or(AppError::NotFound)?;
    tx.record(Fact::AccountChanged(account.clone())).await?;
    Ok(account)
}

/// Whether the current user has a picture.
///
/// # Errors
/// When the database does not answer.
pub async fn has_own(state: &AppState, current: &CurrentUser) -> AppResult<bool> {
    Ok(store::avatars::exists(state.db.reader(), current.user.id).await?)
}

/// Changes the account's logo to the part of a picture, or to all of it.
///
/// # Errors
/// `Forbidden` unless an administrator asks; `Invalid` when it is not a picture that can be shown.
pub async fn set_logo(
    state: &AppState,
    administrator: &Administrator,
    received: Received,
    crop: Option<Crop>,
) -> AppResult<()> {
    state.writes.take(administrator.user().id)?;
    let mut logos = Vec::new();
    for side in LOGO_SIDES {
        let bounds = Bounds { width: side, height: side };
        logos.push((side, shrink(state, &received, "logo", bounds, crop, Encoding::Png).await?.bytes));
    }
    let set = async move |tx: &mut Tx| Ok(store::avatars::set_logo(tx.db(), &logos).await?);
    accounts::change(state, administrator, set).await
}

/// Removes the account's logo.
///
/// # Errors
/// `Forbidden` unless an administrator asks.
pub async fn remove_logo(state: &AppState, administrator: &Administrator) -> AppResult<()> {
    let remove = async move |tx: &mut Tx| Ok(store::avatars::remove_logo(tx.db()).await?);
    accounts::change(state, administrator, remove).await
}

/// The account's logo as PNG, with the number of its latest change; `None` without one. `side` is one of [`LOGO_SIDES`].
///
/// # Errors
/// When the database does not answer.
pub async fn logo(state: &AppState, side: u16) -> AppResult<Option<(i64, Vec<u8>)>> {
    let account = store::accounts::find(state.db.reader()).await?;
    let Some(version) = account.map(|account| account.logo_version).filter(|version| *version > 0) else {
        return Ok(None);
    };
    Ok(store::avatars::find_logo(state.db.reader(), side).await?.map(|bytes| (version, bytes)))
}

/// Makes the picture of a user that is kept.
pub(super) async fn shrink_avatar(state: &AppState, received: &Received, crop: Option<Crop>) -> AppResult<Picture> {
    shrink(state, received, "avatar", Bounds::AVATAR, crop, Encoding::Small).await
}

/// Makes the picture that is kept.
async fn shrink(
    state: &AppState,
    received: &Received,
    field: &'static str,
    bounds: Bounds,
    crop: Option<Crop>,
    encoding: Encoding,
) -> AppResult<Picture> {
    let Some(thumbnailer) = state.files.thumbnailer().cloned() else {
        return Err(AppError::invalid(field, "No pictures are taken here."));
    };
    let output = state.files.incoming.scratch(&received.key, "shrunk").await.map_err(failed)?;
    let input = received.path.clone();
    let make = move || {
        let outcome = thumbnailer.thumbnail_as(&input, &output, bounds, crop, encoding);
        let bytes = std::fs::read(&output);
        let _ = std::fs::remove_file(&output);
        (outcome, bytes)
    };
    let (outcome, bytes) = state.files.threads.turn().await?.run(make).await?;
    match outcome {
        Outcome::Done(made) => {
            let bytes = bytes.map_err(failed)?;
            if bytes.len() > MAX_KEPT_BYTES {
                return Err(AppError::invalid(field, "This picture cannot be made small. Choose another."));
            }
            Ok(Picture { content_type: made.format.content_type().into(), bytes })
        }
        Outcome::Refused(refusal) => Err(AppError::invalid(field, words(&refusal))),
        Outcome::Failed(error) => {
            tracing::warn!(error, "a picture could not be made small");
            Err(AppError::invalid(field, "This picture cannot be read. Choose another."))
        }
    }
}

fn words(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unsupported => "Choose a JPEG, PNG, GIF or WebP. Other files cannot be shown as a picture.",
        Refusal::TooLarge { .. } | Refusal::TooDeep(_) => {
            "This picture has more than 50 megapixels. Choose a smaller one."
        }
        _ => "This picture is damaged. Choose another.",
    }
}

fn failed(error: std::io::Error) -> AppError {
    tracing::error!(%error, "a picture could not be stored");
    AppError::Internal
}

/// What is shown of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The media type: of the picture, or SVG.
    pub content_type: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The number of the picture's latest change; `None` if the user has none, and initials are shown.
    pub version: Option<i64>,
}

/// The picture of the user that a reference is for, or their initials.
///
/// # Errors
/// `NotFound` for a reference that this installation did not sign.
pub async fn find(state: &AppState, _: &CurrentUser, reference: &str) -> AppResult<Shown> {
    let user_id = verify(&key(state).await?, reference).ok_or(AppError::NotFound)?;
    let found = store::avatars::find(state.db.reader(), user_id).await?;
    let store::avatars::Shown { name, role, version, picture } = found.ok_or(AppError::NotFound)?;
    let svg = |svg: String| Shown { content_type: "image/svg+xml".into(), bytes: svg.into_bytes(), version: None };
    Ok(match picture {
        Some(Picture { content_type, bytes }) => Shown { content_type, bytes, version: Some(version) },
        None if role == Role::Bot => svg(BOT_SVG.to_owned()),
        None => svg(initials_svg(user_id, &name)),
    })
}

/// The style sheet that shows everybody's pictures and who is a bot, and the number of the latest change that it contains.
///
/// With more than one group of users it imports a part for each, so that a change of one picture makes browsers fetch
/// one part again.
///
/// # Errors
/// When the database does not answer.
pub async fn sheet(state: &AppState, _: &CurrentUser) -> AppResult<(i64, String)> {
    // Read first: a change in between is in the sheet, under the number before it, and has a number of its own.
    let version = store::accounts::find(state.db.reader()).await?.map_or(0, |account| account.avatars_version);
    let groups = store::avatars::list_groups(state.db.reader()).await?;
    let sheet = match groups.as_slice() {
        [] => String::new(),
        [(number, _)] => rules(state, *number).await?,
        groups => {
            let mut imports = String::new();
            for (number, version) in groups {
                imports += &format!("@import \"{}\";\n", paths::avatar_sheet_part(*version, *number));
            }
            imports
        }
    };
    Ok((version, sheet))
}

/// The part of the sheet for one group of users, and the number of the latest change in it.
///
/// # Errors
/// `NotFound` for a group in which nobody ever had a picture.
pub async fn sheet_part(state: &AppState, _: &CurrentUser, number: i64) -> AppResult<(i64, String)> {
    let groups = store::avatars::list_groups(state.db.reader()).await?;
    let (_, version) = groups.into_iter().find(|(other, _)| *other == number).ok_or(AppError::NotFound)?;
    Ok((version, rules(state, number).await?))
}

async fn rules(state: &AppState, number: i64) -> AppResult<String> {
    let key = key(state).await?;
    let mut rules = String::new();
    for (user_id, version) in store::avatars::list_bots(state.db.reader(), number).await? {
        let picture = paths::avatar(&sign(&key, user_id), version);
        rules += &format!(".avatar[data-person=\"{user_id}\"]{{background-image:url({picture});color:#0000}}\n");
        // `style/message.css` shows it beside the name.
        rules += &format!("[href=\"{}\"]{{--bot-mark:\"Bot\"}}\n", paths::user(user_id));
    }
    for (user_id, version) in store::avatars::list_group(state.db.reader(), number).await? {
        let path = paths::avatar(&sign(&key, user_id), version);
        // The initials stay for whoever sees no pictures.
        rules += &format!(".avatar[data-person=\"{user_id}\"]{{background-image:url({path});color:#0000}}\n");
    }
    Ok(rules)
}

async fn key(state: &AppState) -> AppResult<Vec<u8>> {
    Ok(store::signing_keys::avatar(state.db.reader()).await?)
}

/// The path of a user's picture, for whoever shows one user outside of a page.
///
/// # Errors
/// When the database does not answer.
pub async fn path(state: &AppState, user_id: UserId) -> AppResult<String> {
    let version = store::avatars::find(state.db.reader(), user_id).await?.map_or(0, |shown| shown.version);
    Ok(paths::avatar(&sign(&key(state).await?, user_id), version))
}

/// The paths of users' pictures, by the number of the latest change to each.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn paths_of(
    state: &AppState,
    versions: impl IntoIterator<Item = (UserId, i64)>,
) -> AppResult<Vec<String>> {
    let key = key(state).await?;
    Ok(versions.into_iter().map(|(user_id, version)| paths::avatar(&sign(&key, user_id), version)).collect())
}

/// A reference to a user: 32 characters of URL-safe base64.
fn sign(key: &[u8], user_id: UserId) -> String {
    let mut reference = [0; REFERENCE_BYTES];
    reference[..8].copy_from_slice(&user_id.0.to_be_bytes());
    reference[8..].copy_from_slice(&signature(key, user_id));
    URL_SAFE_NO_PAD.encode(reference)
}

/// The user of a reference; `None` unless it was signed with this key.
fn verify(key: &[u8], reference: &str) -> Option<UserId> {
    let bytes: [u8; REFERENCE_BYTES] = URL_SAFE_NO_PAD.decode(reference).ok()?.try_into().ok()?;
    let user_id = UserId(i64::from_be_bytes(bytes[..8].try_into().ok()?));
    signer(key, user_id).verify_truncated_left(&bytes[8..]).ok().map(|()| user_id)
}

fn signature(key: &[u8], user_id: UserId) -> [u8; SIGNATURE_BYTES] {
    let whole = signer(key, user_id).finalize().into_bytes();
    std::array::from_fn(|at| whole[at])
}

fn signer(key: &[u8], user_id: UserId) -> Hmac<Sha256> {
    let mut signer = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    signer.update(PURPOSE);
    signer.update(&user_id.0.to_be_bytes());
    signer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, current};

    async fn db_set(state: &AppState, user_id: UserId, byte: u8) {
        let picture = Picture { content_type: "image/jpeg".into(), bytes: vec![byte] };
        let set = async move |tx: &mut Tx| {
            store::avatars::set(tx.db(), user_id, &picture).await?;
            record_pictures(tx).await
        };
        let account = state.db.write(set).await.unwrap();
        state.note_account(&account);
    }

    #[test]
    fn a_reference_is_for_one_user_and_one_installation() {
        let reference = sign(b"key", UserId(7));
        assert_eq!(reference.len(), 32);
        assert_eq!(verify(b"key", &reference), Some(UserId(7)));
        assert_eq!(verify(b"other", &reference), None);
        for index in 0..reference.len() {
            let mut forged = reference.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(verify(b"key", &String::from_utf8(forged).unwrap()), None, "character {index}");
        }
        for reference in ["", "7", "me", &reference[..31], &format!("{reference}A"), "not base64!"] {
            assert_eq!(verify(b"key", reference), None, "{reference}");
        }
    }

    #[tokio::test]
    async fn a_user_without_a_picture_is_shown_by_initials_and_a_bot_by_the_stock_picture() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = current(&world.ada);
        let shown = async |user_id| {
            let path = path(state, user_id).await.unwrap();
            let reference = path.strip_prefix("/users/").unwrap().split('/').next().unwrap().to_owned();
            find(state, &ada, &reference).await.unwrap()
        };
        let initials = shown(world.bob.id).await;
        assert_eq!((initials.content_type.as_str(), initials.version), ("image/svg+xml", None));
        assert!(String::from_utf8(initials.bytes).unwrap().contains(">B</text>"));

        db_set(state, world.bob.id, 9).await;
        let picture = shown(world.bob.id).await;
        assert_eq!((picture.content_type.as_str(), picture.version), ("image/jpeg", Some(1)));
        assert_eq!(picture.bytes, [9]);

        let cleo = world.cleo.id;
        let make_bot = async move |tx: &mut Tx| Ok(store::users::update_role(tx.db(), cleo, Role::Bot, 1).await?);
        state.db.write(make_bot).await.unwrap();
        assert_eq!(shown(cleo).await.bytes, BOT_SVG.as_bytes());
        assert_eq!(find(state, &ada, "me").await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn the_sheet_shows_all_pictures_and_changes_its_number_with_each() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = current(&world.ada);
        assert_eq!(sheet(state, &ada).await, Ok((0, String::new())));
        db_set(state, world.bob.id, 1).await;
        let (version, rules) = sheet(state, &ada).await.unwrap();
        assert_eq!((version, rules.lines().count(), state.picture_versions().avatars), (1, 1, 1));
        let expected = format!(
            ".avatar[data-person=\"{}\"]{{background-image:url({});color:#0000}}\n",
            world.bob.id,
            path(state, world.bob.id).await.unwrap()
        );
        assert_eq!(rules, expected);

        remove(state, &current(&world.bob)).await.unwrap();
        assert_eq!(sheet(state, &ada).await, Ok((2, String::new())));
        assert_eq!(sheet_part(state, &ada, 0).await, Ok((2, String::new())));
        assert_eq!(sheet_part(state, &ada, 1).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_change_is_announced_to_everyone_and_one_of_an_ended_session_is_not_made() {
        let world = testing::world().await;
        let state = &world.state;
        let ended = crate::access::CurrentUser { session_id: crate::model::SessionId(99), ..current(&world.bob) };
        assert_eq!(remove(state, &ended).await, Err(AppError::SignedOut));
        let pretender = testing::as_administrator(&world.bob);
        assert_eq!(remove_logo(state, &pretender).await, Err(AppError::Forbidden));
        remove_logo(state, &testing::as_administrator(&world.ada)).await.unwrap();
        assert_eq!(state.picture_versions(), crate::state::PictureVersions { avatars: 1, logo: 0 });
        assert_eq!(logo(state, 512).await, Ok(None));
    }
}
