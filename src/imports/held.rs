//! Private rooms that an import holds back: nothing proves that an account with the address of somebody in an export is
//! that person. Anybody may have joined with the address, or taken it since.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::import::RoomKind;
use ::import::slack::Source;

use super::report::{Held, Report};
use super::{ImportError, slack::KIND};
use crate::AppError;
use crate::model::UserId;
use crate::state::AppState;
use crate::store::{self, Tx};

/// The users with these addresses, for whom the operator vouches.
pub(super) async fn trusted(state: &AppState, addresses: &[String]) -> Result<Vec<UserId>, ImportError> {
    let mut trusted = Vec::new();
    for address in addresses {
        let found = store::users::find_by_email(state.db.reader(), address.trim()).await.map_err(AppError::from)?;
        let (user_id, _) = found.ok_or_else(|| ImportError::Unknown(address.clone()))?;
        trusted.push(user_id);
    }
    Ok(trusted)
}

/// Gives trusted users what is held back from them, and tells from whom something still is.
pub(super) async fn settle(
    state: &AppState,
    identity: &str,
    trusted: &[UserId],
    report: &mut Report,
) -> Result<(), ImportError> {
    if !trusted.is_empty() {
        let user_ids: Vec<i64> = trusted.iter().map(|user_id| user_id.0).collect();
        let release = async move |tx: &mut Tx| {
            let given = store::imports::held::release(tx.db(), &user_ids).await?;
            if given > 0 {
                // Browsers load their rooms again.
                store::imports::begin_epoch(tx.db()).await?;
            }
            Ok(given)
        };
        let given = state.db.write(release).await?;
        if given > 0 {
            report.keep("memberships of private rooms for people whom --trust names", given);
        }
    }
    let held = store::imports::held::list(state.db.reader(), KIND, identity).await.map_err(AppError::from)?;
    tell(state, held, report).await
}

/// Notes in the report from whom how many rooms are held back.
async fn tell(
    state: &AppState,
    held: impl IntoIterator<Item = (UserId, i64)>,
    report: &mut Report,
) -> Result<(), ImportError> {
    report.held.clear();
    for (user_id, count) in held {
        let found = store::imports::held::find_signing_in(state.db.reader(), user_id).await;
        if let Some((name, address)) = found.map_err(AppError::from)? {
            report.held.push(Held { name, address, room_count: count.unsigned_abs() });
        }
    }
    Ok(())
}

/// Whose private rooms an import would hold back, from what is in the installation by now.
pub(super) async fn foresee(
    state: &AppState,
    source: &Source,
    trusted: &[UserId],
    report: &mut Report,
) -> Result<(), ImportError> {
    let identity = source.identity();
    let mut rooms = HashMap::<i64, i64>::new();
    let held = store::imports::held::list(state.db.reader(), KIND, identity).await.map_err(AppError::from)?;
    let mut held: BTreeMap<UserId, i64> = held.into_iter().collect();
    let known = store::imports::slack::list_rooms(state.db.reader(), KIND, identity).await.map_err(AppError::from)?;
    let known: HashSet<String> = known.into_iter().filter(|room| room.ready).map(|room| room.source_id).collect();
    for channel in source.channels() {
        if channel.room.kind != RoomKind::Open && !known.contains(&channel.slack_id) {
            for person in source.members(channel.room.id)? {
                *rooms.entry(person).or_default() += 1;
            }
        }
    }
    let imported = store::imports::slack::list_users(state.db.reader(), KIND, identity).await;
    let imported: HashMap<String, i64> =
        imported.map_err(AppError::from)?.into_iter().map(|user| (user.source_id, user.user_id)).collect();
    for person in source.people() {
        let Some(room_count) = rooms.get(&person.user.id).copied() else { continue };
        let user_id = match (imported.get(&person.slack_id), &person.user.email_address) {
            (Some(user_id), _) => Some(UserId(*user_id)),
            (None, Some(address)) => {
                let found = store::users::find_by_email(state.db.reader(), address.trim()).await;
                found.map_err(AppError::from)?.map(|(user_id, _)| user_id)
            }
            (None, None) => None,
        };
        if let Some(user_id) = user_id {
            *held.entry(user_id).or_default() += room_count;
        }
    }
    held.retain(|user_id, _| !trusted.contains(user_id));
    tell(state, held, report).await
}
