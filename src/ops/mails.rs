//! Mail: links to set another password, and invitations.

use std::net::IpAddr;

use mail::SendError;

use crate::access::{CurrentUser, network};
use crate::facts::Fact;
use crate::model::{EmailAddress, Mail, Role, User, UserId, paths};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_exempt};
use super::{accounts, sessions, transfers};

/// How long after its request a link is still sent, in milliseconds: 30 minutes. Later, nobody waits for it any more.
const MAX_DELAY_MS: i64 = 30 * 60 * 1_000;

/// Requests a mail with a link by which whoever has this address sets another password. The answer does not tell whether
/// somebody has it: what is to be sent is decided when it is.
///
/// # Errors
/// `NotFound` while no mail is sent, `Invalid` for what is no address, and `TooManyTries` when too many are requested from
/// this network.
pub async fn request_password_reset(state: &AppState, address: &str, from: IpAddr) -> AppResult<()> {
    if !state.mail.is_on() {
        return Err(AppError::NotFound);
    }
    let address: EmailAddress = address.parse()?;
    state.mail_requests.take(network(from))?;
    // Nobody fills the mailbox of somebody else.
    if state.mails.take(sessions::email_digest(address.as_str())).is_err() {
        return Ok(());
    }
    let queue = async move |tx: &mut Tx| {
        let email_address = address.as_str().to_owned();
        let mail = Mail::PasswordReset { email_address, requested_at: tx.now_ms() };
        Ok(tx.record(Fact::MailQueued(mail)).await?)
    };
    write_exempt(state, Exempt::NobodyIsSignedIn, queue).await
}

/// Sends somebody the link by which people join.
///
/// # Errors
/// `NotFound` while no mail is sent, `Invalid` for what is no address, `TooManyTries` when the user, or everybody for this
/// address, has sent too many.
pub async fn invite(state: &AppState, current: &CurrentUser, address: &str) -> AppResult<()> {
    if !state.mail.is_on() {
        return Err(AppError::NotFound);
    }
    let address: EmailAddress = address.parse()?;
    state.invitations.take(current.user.id)?;
    state.mails.take(sessions::email_digest(address.as_str()))?;
    let queue = async move |tx: &mut Tx, user: User| {
        let mail = Mail::Invitation { email_address: address.as_str().to_owned(), user_id: user.id };
        Ok(tx.record(Fact::MailQueued(mail)).await?)
    };
    write_as(state, current, queue).await
}

/// Sends a mail, unless there is nobody to send it to any more.
///
/// # Errors
/// `Unavailable` when the mail server did not take it, but may do so later.
pub async fn send(state: &AppState, mail: &Mail) -> AppResult<()> {
    let written = match mail {
        Mail::PasswordReset { email_address, requested_at } => reset(state, email_address, *requested_at).await?,
        Mail::Invitation { email_address, user_id } => invitation(state, email_address, *user_id).await?,
    };
    let (Some(Written { recipient, subject, text }), Some(mailer)) = (written, state.mail.mailer()) else {
        return Ok(());
    };
    match mailer.send(&recipient, &subject, &text).await {
        Ok(()) => Ok(()),
        // The address is not logged: logs are read by more people than mail.
        Err(SendError::Refused(reason)) => {
            tracing::warn!(reason, "a mail was refused and is not sent");
            Ok(())
        }
        Err(SendError::Failed(reason)) => Err(AppError::Unavailable(reason)),
    }
}

struct Written {
    recipient: String,
    subject: String,
    text: String,
}

async fn reset(state: &AppState, address: &str, requested_at: i64) -> AppResult<Option<Written>> {
    if state.clock.now_ms() - requested_at > MAX_DELAY_MS {
        return Ok(None);
    }
    let Some((user_id, _)) = store::users::find_by_email(state.db.reader(), address).await? else { return Ok(None) };
    let found = store::users::find(state.db.reader(), user_id).await?;
    let Some(user) = found.filter(|user| user.role != Role::Bot) else { return Ok(None) };
    let id = transfers::mint_for_mail(state, user.id).await?;
    let Some(url) = state.mail.url(&paths::transfer(&id)) else { return Ok(None) };
    let account = account_name(state).await?;
    let text = format!(
        "Hello {},\n\nsomebody, you most likely, has asked for a new password for {account}. This link signs you in and lets \
         you set one:\n\n{url}\n\nIt works once, and for 30 minutes. If it was not you, there is nothing to do: your password \
         stays as it is.\n",
        user.name
    );
    // To the address that is stored: another spelling of it may be somebody else's mailbox.
    let Some(recipient) = store::users::email_address(state.db.reader(), user.id).await? else { return Ok(None) };
    Ok(Some(Written { recipient, subject: format!("A new password for {account}"), text }))
}

async fn invitation(state: &AppState, address: &str, user_id: UserId) -> AppResult<Option<Written>> {
    // Of somebody who was removed meanwhile, no invitation is sent.
    let Some(inviter) = store::users::find(state.db.reader(), user_id).await? else { return Ok(None) };
    let Some(found) = accounts::find(state).await? else { return Ok(None) };
    let Some(url) = state.mail.url(&paths::join(&found.join_code)) else { return Ok(None) };
    let text = format!(
        "Hello,\n\n{} invites you to {}, a chat for people who work together. Join here:\n\n{url}\n",
        inviter.name, found.name
    );
    Ok(Some(Written {
        recipient: address.to_owned(),
        subject: format!("{} invites you to {}", inviter.name, found.name),
        text,
    }))
}

async fn account_name(state: &AppState) -> AppResult<String> {
    Ok(accounts::find(state).await?.map_or_else(|| "Campfire".to_owned(), |account| account.name))
}
