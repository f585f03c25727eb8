//! Pushes (RFC 8030): the devices that take them, what their owners want of them, and sending them.
//!
//! A device is a browser's subscription. It belongs to the session in which it was registered and ends with it, so that
//! signing out, a revocation and a ban end its pushes in the same write. Whom a message concerns is decided when it is
//! sent, by [`send_message`], and not when it is posted.

mod content;
mod notices;
mod send;

use std::net::IpAddr;

use outbound::Url;
use push::{KeyPair, Receiver, decode_key, encode_key};
use sha2::{Digest, Sha256};

use crate::access::CurrentUser;
use crate::model::{PushSettings, PushSubscriptionId, User};
use crate::search::Zone;
use crate::state::AppState;
use crate::store::pushes::NewSubscription;
use crate::store::{self, Tx, pushes};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_exempt};

pub use self::notices::send_notice;
pub use self::send::{Batch, Outcome, Sent, send_entry, send_message, test};
pub use crate::store::pushes::PushDevice;

/// How many devices of one person take pushes.
pub const MAX_DEVICES: i64 = 16;

/// Longest endpoint of a push service, in bytes. Those in use have up to 1,000.
const MAX_ENDPOINT_BYTES: usize = 2_000;

/// How long a short pause lasts, in milliseconds: 30 minutes.
const PAUSE_MS: i64 = 30 * 60 * 1_000;

/// The hour at which a pause until tomorrow ends.
const MORNING_HOUR: i8 = 8;

/// What a browser registers for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Where its push service takes pushes.
    pub endpoint: String,
    /// Its public key, in URL-safe base64.
    pub p256dh: String,
    /// Its authentication secret, in URL-safe base64.
    pub auth: String,
    /// The key that it subscribed with, in URL-safe base64; empty for the present one.
    pub server_key: String,
    /// The origin from which it has the site.
    pub origin: String,
    /// Its user agent.
    pub user_agent: String,
    /// Whether its owner has asked for it right now, and not a script.
    pub is_by_click: bool,
}

/// The state of a device after it has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It gets pushes.
    Done,
    /// Nothing that is sent to this subscription arrives: it was made for another key, or its push service has refused
    /// pushes for good. The browser is to subscribe anew.
    Renew,
    /// Its owner has removed it: the browser is to unsubscribe. Only its owner turns it on again.
    Off,
}

/// A change of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// It begins now, and lasts 30 minutes.
    Short,
    /// It begins now, and lasts until 8 o'clock tomorrow; in the night, until 8 o'clock in the morning.
    UntilTomorrow,
    /// It ends.
    End,
}

/// The key pair that pushes are signed with: the operator's, or one that is made when it is needed first and kept in the
/// database, so that a backup has it.
///
/// # Errors
/// When the database does not answer, or what it has is no key.
pub async fn key_pair(state: &AppState) -> AppResult<KeyPair> {
    if let Some(pair) = state.push_key.get() {
        return Ok(pair.clone());
    }
    let stored = match store::signing_keys::push(state.db.reader()).await? {
        Some(stored) => stored,
        None => {
            let new = KeyPair::generate(random).private_key();
            let keep = async move |tx: &mut Tx| {
                tx.changes_nothing_visible();
                // Another program may have made one.
                Ok(store::signing_keys::set_push(tx.db(), &new).await?)
            };
            write_exempt(state, Exempt::Operator, keep).await?
        }
    };
    let pair = KeyPair::from_private_key(&stored).map_err(|error| {
        tracing::error!(%error, "the stored key of pushes cannot be used");
        AppError::Internal
    })?;
    Ok(state.push_key.get_or_init(|| pair).clone())
}

/// The public key, in URL-safe base64: browsers subscribe with it.
///
/// # Errors
/// Those of [`key_pair`].
pub async fn public_key(state: &AppState) -> AppResult<String> {
    Ok(encode_key(&key_pair(state).await?.public_key()))
}

/// 32 random bytes.
fn random() -> [u8; 32] {
    // A UUID of version 4 has 122 random bits: three of them have more than the 256 that the digest gives.
    let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let mut hasher = Sha256::new();
    random.iter().for_each(|part| hasher.update(part.as_bytes()));
    hasher.finalize().into()
}

/// Registers the browser of the request, which gets the user's pushes from now on, until its session ends. What was
/// registered for the same endpoint before, by whomever, ends. A device that its owner has removed stays removed, unless the
/// owner asks for it.
///
/// # Errors
/// `Invalid` for an endpoint or keys that no push service and no browser has, and when the user has [`MAX_DEVICES`] others;
/// `SignedOut` when the session has ended.
pub async fn register(state: &AppState, current: &CurrentUser, registration: Registration) -> AppResult<Registered> {
    let own_key = key_pair(state).await?.public_key();
    let is_by_click = registration.is_by_click;
    let new = checked(state, registration, &own_key)?;
    let session_id = current.session_id;
    let register = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        let own = pushes::find_by_endpoint(tx.db(), &new.endpoint).await?.filter(|known| known.user_id == user.id);
        if own.is_some_and(|own| own.is_removed) && !is_by_click {
            return Ok(Registered::Off);
        }
        if new.server_key != own_key {
            pushes::delete_of_other_key(tx.db(), user.id, &new.endpoint, &own_key).await?;
            return Ok(Registered::Renew);
        }
        if own.is_some_and(|own| own.is_dead) {
            return Ok(Registered::Renew);
        }
        if own.is_none_or(|own| own.is_removed) && pushes::count_live(tx.db(), user.id, &own_key).await? >= MAX_DEVICES
        {
            let words = format!("You get notifications on {MAX_DEVICES} devices already. Remove one of them first.");
            return Err(AppError::invalid("endpoint", words));
        }
        pushes::register(tx.db(), user.id, session_id, &new, now_ms).await?;
        Ok(Registered::Done)
    };
    write_as(state, current, register).await
}

/// The subscription, if it may be one.
fn checked(state: &AppState, registration: Registration, own_key: &[u8]) -> AppResult<NewSubscription> {
    let Registration { endpoint, p256dh, auth, server_key, origin, user_agent, is_by_click: _ } = registration;
    let invalid = |words: &str| AppError::invalid("endpoint", words);
    if endpoint.len() > MAX_ENDPOINT_BYTES {
        return Err(invalid("The address of the push service is too long."));
    }
    let policy = state.outgoing.push();
    let url = Url::parse(&endpoint).ok().filter(|url| policy.accepts(url));
    let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !url.as_ref().is_some_and(is_plain) {
        return Err(invalid("The address of the push service must be a public one, with https."));
    }
    let keys = decode_key(&p256dh).zip(decode_key(&auth));
    let (p256dh, auth) = keys.filter(|(p256dh, auth)| Receiver::new(p256dh, auth).is_ok()).ok_or_else(|| {
        AppError::invalid("p256dh_key", "These are not the keys of a subscription. Turn notifications on again.")
    })?;
    let server_key = match server_key.as_str() {
        "" => own_key.to_vec(),
        // Of another length, it is not the present one.
        key => decode_key(key).unwrap_or_default(),
    };
    Ok(NewSubscription { endpoint, p256dh, auth, server_key, origin, user_agent })
}

/// The devices of the user, the one that registered last first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, current: &CurrentUser) -> AppResult<Vec<PushDevice>> {
    Ok(pushes::list(state.db.reader(), current.user.id).await?)
}

/// Ends the pushes to one of the user's devices.
///
/// # Errors
/// `NotFound` for one that is not the user's.
pub async fn remove(state: &AppState, current: &CurrentUser, id: PushSubscriptionId) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        if pushes::remove(tx.db(), user.id, id, now_ms).await? { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, current, remove).await
}

/// Ends the pushes to the user's device with this endpoint. Does nothing if there is none.
///
/// # Errors
/// `SignedOut` when the session has ended.
pub async fn remove_endpoint(state: &AppState, current: &CurrentUser, endpoint: String) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(pushes::remove_endpoint(tx.db(), user.id, &endpoint, now_ms).await?)
    };
    write_as(state, current, remove).await
}

/// What the user wants of pushes. A pause that is over is none.
///
/// # Errors
/// When the database does not answer.
pub async fn settings(state: &AppState, current: &CurrentUser) -> AppResult<PushSettings> {
    let mut settings = pushes::find_settings(state.db.reader(), current.user.id).await?;
    settings.paused_until = settings.paused_until.filter(|until_ms| *until_ms > state.clock.now_ms());
    Ok(settings)
}

/// Stores what the user wants of pushes, but for a pause.
///
/// # Errors
/// `Invalid` for a time zone that is none, and for a night that begins and ends at the same time.
pub async fn change_settings(state: &AppState, current: &CurrentUser, settings: PushSettings) -> AppResult<()> {
    if Zone::named(&settings.time_zone).is_none() {
        return Err(AppError::invalid("time_zone", "The time zone is unknown."));
    }
    if !settings.quiet.nights.is_empty() && settings.quiet.from == settings.quiet.to {
        return Err(AppError::invalid(
            "quiet_from",
            "The quiet hours begin and end at the same time. Change one of them.",
        ));
    }
    let change = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        Ok(pushes::set_settings(tx.db(), user.id, &settings).await?)
    };
    write_as(state, current, change).await
}

/// Pauses the user's pushes, or ends the pause. What is posted meanwhile is not pushed later. Returns until when, in
/// milliseconds since the epoch.
///
/// # Errors
/// `SignedOut` when the session has ended.
pub async fn pause(state: &AppState, current: &CurrentUser, pause: Pause, zone: Zone) -> AppResult<Option<i64>> {
    let set = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        let until_ms = match pause {
            Pause::Short => Some(now_ms + PAUSE_MS),
            Pause::UntilTomorrow => zone.tomorrow_at(MORNING_HOUR, now_ms),
            Pause::End => None,
        };
        pushes::pause(tx.db(), user.id, until_ms).await?;
        Ok(until_ms)
    };
    write_as(state, current, set).await
}

/// Whether an origin can be reached by everybody, so that it tells push services whom to ask: `https`, and not this machine.
fn is_subject(origin: &str) -> bool {
    let Some(url) = Url::parse(origin).ok().filter(|url| url.scheme() == "https") else { return false };
    let host = url.host_str().unwrap_or_default();
    let is_here = host == "localhost" || host.ends_with(".localhost");
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    !is_here && !literal.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}
