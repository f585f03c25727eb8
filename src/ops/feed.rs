//! The event log as programs follow it: what happens in a bot's rooms, in the order of the log's numbers.
//!
//! Each step reads a window of the log, so that somebody who comes back after days costs many short queries and not a long
//! one. The key and the memberships are read with every step.

use std::collections::HashMap;

use super::api::{self, ApiMessage};
use crate::access::CurrentBot;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

pub use crate::store::events::{EventKind, LoggedEvent};

/// How many numbers of the log a step covers.
const WINDOW: i64 = 2_000;

/// How many events a step returns at most.
const MAX_EVENTS: i64 = 50;

/// A bot that follows the log.
#[derive(Clone, Debug)]
pub struct Feed {
    bot: CurrentBot,
    /// The number up to which it has been told everything.
    position: i64,
}

/// An event, with its message as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// The event.
    pub logged: LoggedEvent,
    /// Its message, if it is still there.
    pub message: Option<ApiMessage>,
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The events, in the order of their numbers.
    pub events: Vec<FeedEvent>,
    /// Whether that was the end of the log.
    pub is_current: bool,
}

impl Feed {
    /// Begins after the event with the number `after`, or after the last one. Returns whether events since then are
    /// missing: the log does not go back that far, or is that of another database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(state: &AppState, bot: CurrentBot, after: Option<i64>) -> AppResult<(Self, bool)> {
        let (pruned_seq, last_seq) = store::events::range(state.db.reader()).await?;
        let is_covered = after.is_none_or(|after| (pruned_seq..=last_seq).contains(&after));
        let position = after.filter(|_| is_covered).unwrap_or(last_seq);
        Ok((Self { bot, position }, !is_covered))
    }

    /// The number up to which everything has been told.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// Reads what follows.
    ///
    /// # Errors
    /// `SignedOut` when the bot's key has ended.
    pub async fn step(&mut self, state: &AppState) -> AppResult<Step> {
        let db = state.db.reader();
        let user_id = self.bot.user.id;
        if !store::bots::has_key(db, user_id, self.bot.key_number).await? {
            return Err(AppError::SignedOut);
        }
        let (_, last_seq) = store::events::range(db).await?;
        let end = last_seq.min(self.position + WINDOW);
        let logged = store::events::list_for(db, user_id, self.position, end, MAX_EVENTS).await?;
        // With as many events as a step may have, there may be more in the window.
        let is_full = i64::try_from(logged.len()).is_ok_and(|count| count == MAX_EVENTS);
        self.position = logged.last().filter(|_| is_full).map_or(end, |last| last.seq).max(self.position);
        let mut ids: Vec<_> = logged.iter().filter_map(|event| event.message_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let messages = store::messages::list(db, &ids).await?;
        let described = api::described(state, messages).await?;
        let described: HashMap<_, _> = described.into_iter().map(|found| (found.message.id, found)).collect();
        let events = logged.into_iter().map(|logged| {
            let message = logged.message_id.and_then(|id| described.get(&id)).cloned();
            FeedEvent { logged, message }
        });
        Ok(Step { events: events.collect(), is_current: self.position >= last_seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::ops::{bots, messages};
    use crate::testing::{self, LOCAL, as_administrator};

    #[tokio::test]
    async fn a_bot_hears_of_its_own_rooms_in_the_order_of_the_log() {
        let world = testing::world().await;
        let (state, ada) = (&world.state, as_administrator(&world.ada));
        let form = bots::BotForm { name: "Logger".parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let bot_id = bots::create(state, &ada, form).await.unwrap();
        let key = bots::find(state, &ada, bot_id).await.unwrap().key.to_string();
        let bot = bots::authenticate(state, &key, LOCAL).await.unwrap();
        let (mut feed, is_behind) = Feed::begin(state, bot.clone(), None).await.unwrap();
        assert!(!is_behind);
        let start = feed.position();
        let kinds = async |feed: &mut Feed| {
            let step = feed.step(state).await.unwrap();
            assert!(step.is_current);
            step.events.into_iter().map(|event| event.logged.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&mut feed).await, []);
        let secret = world.open_closed_room("Secret", &[]).await;
        world.post(&world.ada, secret.id, "not for bots").await;
        let message = world.post(&world.bob, world.all_talk.id, "for all").await;
        let member = world.member(&world.bob, world.all_talk.id).await;
        messages::remove(state, &member, message.id).await.unwrap();
        assert_eq!(kinds(&mut feed).await, [EventKind::MessagePosted, EventKind::MessageRemoved]);
        assert_eq!(kinds(&mut feed).await, []);

        let (mut resumed, is_behind) = Feed::begin(state, bot.clone(), Some(start)).await.unwrap();
        assert!(!is_behind);
        assert_eq!(kinds(&mut resumed).await, [EventKind::MessagePosted, EventKind::MessageRemoved]);
        let (_, is_behind) = Feed::begin(state, bot.clone(), Some(1_000_000)).await.unwrap();
        assert!(is_behind, "a number of another database");

        let member = state.members.find(bot.user(), world.all_talk.id).await;
        assert!(member.is_ok());
        bots::reset_key(state, &ada, bot_id).await.unwrap();
        assert_eq!(feed.step(state).await, Err(AppError::SignedOut));
    }

    #[tokio::test]
    async fn a_long_log_is_read_in_steps() {
        let world = testing::world_in_memory().await;
        let (state, ada) = (&world.state, as_administrator(&world.ada));
        let form = bots::BotForm { name: "Logger".parse().unwrap(), webhook_url: None, commands: Vec::new() };
        let bot_id = bots::create(state, &ada, form).await.unwrap();
        let key = bots::find(state, &ada, bot_id).await.unwrap().key.to_string();
        let bot = bots::authenticate(state, &key, LOCAL).await.unwrap();
        let (mut feed, _) = Feed::begin(state, bot, None).await.unwrap();
        for number in 0..120 {
            world.post(&world.ada, world.all_talk.id, &format!("{number}")).await;
        }
        let mut texts = Vec::new();
        let mut step_count = 0;
        loop {
            let step = feed.step(state).await.unwrap();
            step_count += 1;
            texts.extend(step.events.into_iter().map(|event| event.message.unwrap().plain_text));
            if step.is_current {
                break;
            }
        }
        assert_eq!(texts, (0..120).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(step_count, 3);
    }
}
