//! Jobs: work that is enqueued by a write and runs after its commit.

use serde::{Deserialize, Serialize};

use super::{FileKey, Mail, MessageId, PushSubscriptionId, RoomId, SessionId, UserId};

/// A job with the arguments of its handler. Stored as JSON, so variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Removes the messages of a banned user, up to a message.
    RemoveContent {
        /// The banned user.
        user_id: UserId,
        /// The newest message at the time of the ban.
        up_to: MessageId,
    },
    /// Deletes the messages of a removed room, then the room.
    EmptyRoom {
        /// The removed room.
        room_id: RoomId,
    },
    /// Deletes old rows of the event log and old dead jobs. Runs every hour.
    Prune,
    /// Renders the stored messages anew, after an update has changed the renderer.
    Render,
    /// Closes the sockets of sessions that another program has ended.
    EndSessions {
        /// The user of the sessions.
        user_id: UserId,
        /// The sessions.
        session_ids: Vec<SessionId>,
    },
    /// Indexes messages anew for search, after an update that indexes them in another way.
    RenewSearch,
    /// Makes the preview of a picture.
    MakePreview {
        /// The file.
        key: FileKey,
    },
    /// Makes the previews of a message's links.
    PreviewLinks {
        /// The message.
        message_id: MessageId,
    },
    /// Deletes files that nothing has any more, and uploads that rested for too long.
    RemoveFiles,
    /// Deletes stored bytes that the database does not know. Runs at every start.
    SweepFiles,
    /// Delivers to the webhook of a bot what waits for it. A bot has one such job at most.
    DeliverWebhooks {
        /// The bot.
        bot_id: UserId,
    },
    /// Pushes a message to the devices of those who want to hear of it.
    Push {
        /// The message.
        message_id: MessageId,
        /// The subscriptions up to this one have had their turn.
        #[serde(default = "first_subscription")]
        after: PushSubscriptionId,
    },
    /// Pushes an entry of an inbox that is no message by itself: a boost, a reminder.
    PushEntry {
        /// The entry.
        entry_id: i64,
    },
    /// Pushes a message once more to those devices whose push services could not take it.
    PushAgain {
        /// The message.
        message_id: MessageId,
        /// The subscriptions.
        subscription_ids: Vec<PushSubscriptionId>,
        /// How often it was tried.
        attempts: u32,
    },
    /// Sends a mail.
    SendMail(Mail),
    /// Sends a reminder of a message that somebody keeps. There is one such job for it at most.
    Remind {
        /// The kept message.
        saved_id: i64,
    },
    /// Posts a message at the time that its writer chose. There is one such job for it at most.
    SendScheduled {
        /// The scheduled message.
        scheduled_id: i64,
    },
    /// Pushes to the devices of one person what concerns them alone.
    PushNotice {
        /// The person.
        user_id: UserId,
        /// What it is.
        notice: Notice,
        /// Only these subscriptions, for another try.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subscription_ids: Option<Vec<PushSubscriptionId>>,
        /// How often it was tried.
        #[serde(default)]
        attempts: u32,
    },
}

/// What concerns one person alone, by the id of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A reminder of a kept message.
    Reminder(i64),
    /// A scheduled message was sent late, or was not sent.
    Scheduled(i64),
}

/// Before every subscription.
const fn first_subscription() -> PushSubscriptionId {
    PushSubscriptionId(0)
}

/// The kind of a job. Each kind runs in a pool of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
pub enum JobKind {
    /// [`Job::RemoveContent`]
    RemoveContent,
    /// [`Job::EmptyRoom`]
    EmptyRoom,
    /// [`Job::Prune`]
    Prune,
    /// [`Job::Render`]
    Render,
    /// [`Job::EndSessions`]
    EndSessions,
    /// [`Job::RenewSearch`]
    RenewSearch,
    /// [`Job::MakePreview`]
    MakePreview,
    /// [`Job::PreviewLinks`]
    PreviewLinks,
    /// [`Job::RemoveFiles`]
    RemoveFiles,
    /// [`Job::SweepFiles`]
    SweepFiles,
    /// [`Job::DeliverWebhooks`]
    DeliverWebhooks,
    /// [`Job::Push`]
    Push,
    /// [`Job::PushEntry`]
    PushEntry,
    /// [`Job::PushAgain`]
    PushAgain,
    /// [`Job::SendMail`]
    SendMail,
    /// [`Job::Remind`]
    Remind,
    /// [`Job::SendScheduled`]
    SendScheduled,
    /// [`Job::PushNotice`]
    PushNotice,
}

impl Job {
    /// The kind of this job.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::RemoveContent { .. } => JobKind::RemoveContent,
            Self::EmptyRoom { .. } => JobKind::EmptyRoom,
            Self::Prune => JobKind::Prune,
            Self::Render => JobKind::Render,
            Self::EndSessions { .. } => JobKind::EndSessions,
            Self::RenewSearch => JobKind::RenewSearch,
            Self::MakePreview { .. } => JobKind::MakePreview,
            Self::PreviewLinks { .. } => JobKind::PreviewLinks,
            Self::RemoveFiles => JobKind::RemoveFiles,
            Self::SweepFiles => JobKind::SweepFiles,
            Self::DeliverWebhooks { .. } => JobKind::DeliverWebhooks,
            Self::Push { .. } => JobKind::Push,
            Self::PushEntry { .. } => JobKind::PushEntry,
            Self::PushAgain { .. } => JobKind::PushAgain,
            Self::SendMail(_) => JobKind::SendMail,
            Self::Remind { .. } => JobKind::Remind,
            Self::SendScheduled { .. } => JobKind::SendScheduled,
            Self::PushNotice { .. } => JobKind::PushNotice,
        }
    }
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::RemoveContent,
        Self::EmptyRoom,
        Self::Prune,
        Self::Render,
        Self::EndSessions,
        Self::RenewSearch,
        Self::MakePreview,
        Self::PreviewLinks,
        Self::RemoveFiles,
        Self::SweepFiles,
        Self::DeliverWebhooks,
        Self::Push,
        Self::PushEntry,
        Self::PushAgain,
        Self::SendMail,
        Self::Remind,
        Self::SendScheduled,
        Self::PushNotice,
    ];

    /// How many jobs of this kind run concurrently.
    #[must_use]
    pub const fn concurrency(self) -> usize {
        match self {
            // They wait for other servers.
            Self::PreviewLinks => 4,
            Self::DeliverWebhooks => 16,
            Self::Push => 4,
            Self::PushEntry | Self::PushAgain | Self::PushNotice | Self::SendMail => 2,
            // More would only queue for the single writer.
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_jobs_can_be_read() {
        for (job, json) in [
            (
                Job::RemoveContent { user_id: UserId(7), up_to: MessageId(41) },
                r#"{"kind":"remove_content","user_id":7,"up_to":41}"#,
            ),
            (Job::EmptyRoom { room_id: RoomId(4) }, r#"{"kind":"empty_room","room_id":4}"#),
            (Job::Prune, r#"{"kind":"prune"}"#),
            (Job::Render, r#"{"kind":"render"}"#),
            (
                Job::EndSessions { user_id: UserId(7), session_ids: vec![SessionId(2), SessionId(3)] },
                r#"{"kind":"end_sessions","user_id":7,"session_ids":[2,3]}"#,
            ),
            (Job::RenewSearch, r#"{"kind":"renew_search"}"#),
            (
                Job::MakePreview { key: FileKey::new([0xab; 16]) },
                r#"{"kind":"make_preview","key":"abababababababababababababababab"}"#,
            ),
            (Job::PreviewLinks { message_id: MessageId(41) }, r#"{"kind":"preview_links","message_id":41}"#),
            (Job::RemoveFiles, r#"{"kind":"remove_files"}"#),
            (Job::SweepFiles, r#"{"kind":"sweep_files"}"#),
            (Job::DeliverWebhooks { bot_id: UserId(9) }, r#"{"kind":"deliver_webhooks","bot_id":9}"#),
            (
                Job::Push { message_id: MessageId(41), after: PushSubscriptionId(100) },
                r#"{"kind":"push","message_id":41,"after":100}"#,
            ),
            (Job::PushEntry { entry_id: 41 }, r#"{"kind":"push_entry","entry_id":41}"#),
            (
                Job::PushAgain {
                    message_id: MessageId(41),
                    subscription_ids: vec![PushSubscriptionId(2)],
                    attempts: 1,
                },
                r#"{"kind":"push_again","message_id":41,"subscription_ids":[2],"attempts":1}"#,
            ),
            (
                Job::SendMail(Mail::Invitation { email_address: "bob@example.com".into(), user_id: UserId(7) }),
                r#"{"kind":"send_mail","mail":"invitation","email_address":"bob@example.com","user_id":7}"#,
            ),
            (Job::SendScheduled { scheduled_id: 3 }, r#"{"kind":"send_scheduled","scheduled_id":3}"#),
            (Job::Remind { saved_id: 3 }, r#"{"kind":"remind","saved_id":3}"#),
            (
                Job::PushNotice {
                    user_id: UserId(7),
                    notice: Notice::Reminder(3),
                    subscription_ids: Some(vec![PushSubscriptionId(2)]),
                    attempts: 1,
                },
                r#"{"kind":"push_notice","user_id":7,"notice":{"reminder":3},"subscription_ids":[2],"attempts":1}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&job).unwrap(), json);
            assert_eq!(serde_json::from_str::<Job>(json).unwrap(), job);
            assert!(JobKind::ALL.contains(&job.kind()));
        }
        let first = Job::Push { message_id: MessageId(41), after: PushSubscriptionId(0) };
        assert_eq!(serde_json::from_str::<Job>(r#"{"kind":"push","message_id":41}"#).unwrap(), first);
    }
}
