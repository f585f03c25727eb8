//! All lasting changes as one enum, and the consequences of each.
//!
//! A write calls [`Tx::record`] with a [`Fact`]. One `match` then appends the row of the event log, marks cached values
//! as stale, announces the change to sockets and enqueues jobs. The row and the jobs are part of the same transaction;
//! stale marks and announcements take effect after its commit. A new consequence (a push, a webhook) is one more line
//! in the arm of its fact.

use crate::cache::invalidation::Stale;
use crate::live::Announcement;
use crate::model::{Account, Involvement, Job, Message, MessageId, Room, RoomId, SessionId, SidebarRoom, User, UserId};
use crate::protocol::ServerEvent;
use crate::store::events::{EventKind, NewEvent};
use crate::store::{self, Tx};

/// A lasting change, with the data that its consequences need.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The account, its first administrator and its first room were created.
    AccountSetUp,
    /// The account's name, settings, join code or custom styles changed.
    AccountChanged(Account),

    /// A user joined the account.
    UserJoined {
        /// The new user.
        user_id: UserId,
        /// The open rooms of which they became a member.
        room_ids: Vec<RoomId>,
    },
    /// A user's name, role or other profile fields changed.
    UserChanged(User),
    /// An administrator removed a user from the account.
    UserDeactivated {
        /// The removed user.
        user_id: UserId,
    },
    /// A user was banned.
    UserBanned {
        /// The banned user.
        user_id: UserId,
        /// The newest message at that time: everything the user posted up to it is to be removed.
        up_to: MessageId,
    },
    /// A ban was lifted.
    UserUnbanned {
        /// The formerly banned user.
        user_id: UserId,
    },

    /// A browser signed in. Its token is new, so that no cached value can contain it.
    SessionStarted {
        /// The user of the session.
        user_id: UserId,
    },
    /// A session's latest activity was stored.
    SessionSeen {
        /// The user of the session.
        user_id: UserId,
    },
    /// A session was signed out, by itself, from another device or by an administrator.
    SessionEnded {
        /// The user of the session.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
    },

    /// A room was created. It has no members yet.
    RoomOpened {
        /// The room.
        room_id: RoomId,
    },
    /// A room's name or kind changed.
    RoomChanged(Room),
    /// A room was removed for all its members. Its messages are still to be deleted.
    RoomRemoved {
        /// The room.
        room_id: RoomId,
    },
    /// Users became members of a room.
    MembershipsGranted {
        /// The room, as their sidebars show it.
        room: SidebarRoom,
        /// The new members.
        user_ids: Vec<UserId>,
    },
    /// A membership ended.
    MembershipRevoked {
        /// The room.
        room_id: RoomId,
        /// The former member.
        user_id: UserId,
    },
    /// A member changed their involvement.
    InvolvementChanged {
        /// The member.
        user_id: UserId,
        /// The room, as their sidebar shows it.
        room: SidebarRoom,
        /// The new involvement.
        involvement: Involvement,
    },
    /// A member's read position moved forward.
    RoomRead {
        /// The member.
        user_id: UserId,
        /// The room.
        room_id: RoomId,
        /// The new read position.
        message_id: MessageId,
    },
    /// A member marked a message and all later ones as unread.
    RoomMarkedUnread {
        /// The member.
        user_id: UserId,
        /// The room.
        room_id: RoomId,
        /// The first unread message.
        message_id: MessageId,
    },

    /// A message was posted. Its row in the event log exists already, see [`store::messages::insert_all`].
    MessagePosted {
        /// The number of its row in the event log.
        seq: i64,
        /// The message.
        message: Message,
        /// The users it mentions.
        mentioned: Vec<UserId>,
        /// Whether its creator had unread messages in the room: posting has marked them as read.
        caught_up: bool,
    },
    /// A message's body was replaced.
    MessageEdited {
        /// The message with its new body.
        message: Message,
        /// The users it mentioned before or mentions now.
        mentioned: Vec<UserId>,
    },
    /// A message was removed.
    MessageRemoved {
        /// Its room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
    },
    /// The boosts of a message changed.
    MessageBoosted {
        /// Its room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
    },

    /// The oldest rows of the event log were deleted. Cached pages contain the position they were read at, which may no
    /// longer be covered.
    EventsPruned,
}

impl Tx {
    /// Records a fact: its log row, the stale caches, the announcements and the jobs that follow from it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record(&mut self, fact: Fact) -> sqlx::Result<()> {
        // Each arm marks the data that it changed; without this call, an arm without a mark would invalidate
        // everything.
        self.changes_nothing_visible();
        match fact {
            Fact::AccountSetUp => self.mark_stale(Stale::Everything),
            Fact::AccountChanged(account) => {
                self.mark_stale(Stale::Account);
                self.announce(Announcement::Everyone { event: ServerEvent::Account { account } });
            }

            Fact::UserJoined { user_id, room_ids } => {
                for room_id in room_ids {
                    self.append(EventKind::MembershipGranted, room_id, None, Some(user_id)).await?;
                }
                self.mark_stale(Stale::People);
            }
            Fact::UserChanged(user) => {
                self.mark_stale(Stale::People);
                self.announce(Announcement::Person { user_id: user.id, event: ServerEvent::Viewer { user } });
            }
            Fact::UserDeactivated { .. } | Fact::UserUnbanned { .. } => self.mark_stale(Stale::People),
            Fact::UserBanned { user_id, up_to } => {
                self.mark_stale(Stale::People);
                self.enqueue(&Job::RemoveContent { user_id, up_to }).await?;
            }

            Fact::SessionStarted { .. } => {}
            Fact::SessionSeen { .. } => self.mark_stale(Stale::Sessions),
            Fact::SessionEnded { user_id, session_id } => {
                self.mark_stale(Stale::Sessions);
                self.announce(Announcement::SessionEnded { user_id, session_id });
            }

            Fact::RoomOpened { room_id } => {
                self.append(EventKind::RoomAdded, room_id, None, None).await?;
            }
            Fact::RoomChanged(Room { id: room_id, kind, name, .. }) => {
                self.append(EventKind::RoomChanged, room_id, None, None).await?;
                self.mark_stale(Stale::Rooms);
                let event = ServerEvent::RoomChanged { room_id, kind, name };
                self.announce(Announcement::Members { room_id, event });
            }
            Fact::RoomRemoved { room_id } => {
                self.append(EventKind::RoomRemoved, room_id, None, None).await?;
                self.mark_stale(Stale::Rooms);
                self.announce(Announcement::RoomRemoved { room_id });
                self.enqueue(&Job::EmptyRoom { room_id }).await?;
            }
            Fact::MembershipsGranted { room, user_ids } => {
                for user_id in &user_ids {
                    self.append(EventKind::MembershipGranted, room.id, None, Some(*user_id)).await?;
                    self.mark_stale(Stale::Memberships(*user_id));
                }
                self.announce(Announcement::Granted { room, user_ids });
            }
            Fact::MembershipRevoked { room_id, user_id } => {
                self.append(EventKind::MembershipRevoked, room_id, None, Some(user_id)).await?;
                self.mark_stale(Stale::Memberships(user_id));
                self.announce(Announcement::Revoked { room_id, user_ids: vec![user_id] });
            }
            Fact::InvolvementChanged { user_id, room, involvement } => {
                self.mark_stale(Stale::Memberships(user_id));
                self.announce(Announcement::Person { user_id, event: ServerEvent::Involvement { room, involvement } });
            }
            Fact::RoomRead { user_id, room_id, message_id } => {
                self.mark_stale(Stale::Unread(user_id));
                self.announce(Announcement::Person { user_id, event: ServerEvent::Read { room_id, message_id } });
            }
            Fact::RoomMarkedUnread { user_id, room_id, message_id } => {
                self.mark_stale(Stale::Unread(user_id));
                let event = ServerEvent::MarkedUnread { room_id, message_id };
                self.announce(Announcement::Person { user_id, event });
            }

            Fact::MessagePosted { seq, message, mentioned, caught_up } => {
                let Message { id: message_id, room_id, creator_id, created_at: at, .. } = message;
                self.mark_stale(Stale::Posted(room_id));
                if caught_up {
                    self.mark_stale(Stale::Unread(creator_id));
                }
                for user_id in &mentioned {
                    self.mark_stale(Stale::Unread(*user_id));
                }
                let event = ServerEvent::MessagePosted { seq, at, message };
                self.announce(Announcement::Room { room_id, event });
                self.announce(Announcement::Posted { room_id, message_id, creator_id, mentioned });
            }
            Fact::MessageEdited { message, mentioned } => {
                let room_id = message.room_id;
                let (seq, at) = self.append(EventKind::MessageEdited, room_id, Some(message.id), None).await?;
                self.mark_stale(Stale::Messages(room_id));
                for user_id in mentioned {
                    self.mark_stale(Stale::Unread(user_id));
                }
                self.announce(Announcement::Room { room_id, event: ServerEvent::MessageEdited { seq, at, message } });
            }
            Fact::MessageRemoved { room_id, message_id } => {
                let (seq, at) = self.append(EventKind::MessageRemoved, room_id, Some(message_id), None).await?;
                self.mark_stale(Stale::Removed(room_id));
                let event = ServerEvent::MessageRemoved { seq, at, room_id, message_id };
                self.announce(Announcement::Room { room_id, event });
            }
            Fact::MessageBoosted { room_id, message_id } => {
                let (seq, at) = self.append(EventKind::MessageBoosted, room_id, Some(message_id), None).await?;
                store::messages::update_boosts_seq(self.db(), message_id, seq).await?;
                let message = store::messages::find(self.db(), room_id, message_id).await?;
                self.mark_stale(Stale::Messages(room_id));
                // The event carries the resulting state, not the change, so that a repeated or late event does no harm.
                let boosts_html = message.map(|message| message.boosts_html).unwrap_or_default();
                let event = ServerEvent::MessageBoosted { seq, at, room_id, message_id, boosts_html };
                self.announce(Announcement::Room { room_id, event });
            }

            Fact::EventsPruned => self.mark_stale(Stale::Everything),
        }
        Ok(())
    }

    /// Appends a row to the event log. Returns its number and its time in milliseconds since the epoch.
    async fn append(
        &mut self,
        kind: EventKind,
        room_id: RoomId,
        message_id: Option<MessageId>,
        user_id: Option<UserId>,
    ) -> sqlx::Result<(i64, i64)> {
        let at = self.now_ms();
        let seq = store::events::append(self.db(), NewEvent { kind, room_id, message_id, user_id }, at).await?;
        Ok((seq, at))
    }
}
