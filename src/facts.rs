//! All lasting changes as one enum, and the consequences of each.
//!
//! A write calls [`Tx::record`] with a [`Fact`]. One `match` then appends the row of the event log, marks cached values
//! as stale, announces the change to sockets and enqueues jobs. The row and the jobs are part of the same transaction;
//! stale marks and announcements take effect after its commit. A new consequence (a push, a webhook) is one more line
//! in the arm of its fact.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::invalidation::Stale;
use crate::live::Announcement;
use crate::model::{
    Account, Answer, FileKey, Involvement, Job, Mail, Message, MessageId, Notice, Person, Room, RoomId, SessionId,
    SidebarRoom, User, UserId,
};
use crate::protocol::ServerEvent;
use crate::richtext::pins_html;
use crate::store::events::{EventKind, NewEvent};
use crate::store::memberships::Marks;
use crate::store::{self, Tx};

/// A lasting change, with the data that its consequences need.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The account, its first administrator and its first room were created.
    AccountSetUp,
    /// The account's name, settings, join code, custom styles or logo changed, or somebody's picture.
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
    /// A user chose another theme.
    ThemeChanged {
        /// The user.
        user_id: UserId,
    },
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
        /// The open rooms made meanwhile, of which they became a member.
        room_ids: Vec<RoomId>,
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

    /// The operator gave a user a new password, which ended these sessions. Their sockets are open in another process.
    PasswordReset {
        /// The user.
        user_id: UserId,
        /// The ended sessions.
        session_ids: Vec<SessionId>,
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
        /// Who removed it.
        by: Person,
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
        /// Who ended it: the member or somebody else. `None` where the user left the account.
        by: Option<Person>,
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
        /// How many unread messages mention the member.
        mention_count: u32,
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
        /// Those of its files of which previews are to be made.
        pictures: Vec<FileKey>,
        /// The users in whose inboxes it is.
        inbox: Vec<UserId>,
    },
    /// A message was posted as an answer in a thread. If the room shows it, [`Fact::MessagePosted`] is recorded before.
    ThreadAnswered {
        /// The number of its row in the event log.
        seq: i64,
        /// The message.
        message: Message,
        /// Where it stands.
        answer: Answer,
        /// The users it mentions.
        mentioned: Vec<UserId>,
        /// Those who follow the thread, without its author. It is new to them.
        followers: Vec<UserId>,
        /// Those of its files of which previews are to be made.
        pictures: Vec<FileKey>,
        /// The users in whose inboxes it is.
        inbox: Vec<UserId>,
    },
    /// A follower has read a thread, or follows it from now on or no longer.
    ThreadRead {
        /// The user.
        user_id: UserId,
        /// The room.
        room_id: RoomId,
        /// The root of the thread.
        root_id: MessageId,
        /// How many answers are still new to the user.
        news_count: u32,
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
        /// The users it mentioned.
        mentioned: Vec<UserId>,
        /// Whether it had files, which are to be deleted.
        had_files: bool,
        /// Whether it was pinned.
        was_pinned: bool,
        /// The users in whose inboxes it was.
        inbox: Vec<UserId>,
    },
    /// A message was pinned to its room, or its pin was taken away.
    PinsChanged {
        /// The room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
    },
    /// Answers of a thread were removed, after [`Fact::MessageRemoved`] of each.
    ThreadShortened {
        /// The room.
        room_id: RoomId,
        /// The root of the thread.
        root_id: MessageId,
        /// The newest of the removed answers.
        newest_removed: MessageId,
        /// If no answer is left: those who followed the thread, which is gone.
        followers: Vec<UserId>,
    },
    /// The boosts of a message changed.
    MessageBoosted {
        /// Its room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
    },
    /// What a message shows below its body changed.
    MessageExtended {
        /// Its room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// All that it shows there now, as HTML.
        extras_html: String,
    },
    /// A message has links whose previews are to be made.
    LinksPosted {
        /// The message.
        message_id: MessageId,
    },
    /// Entries of inboxes are new, gone, or read.
    InboxChanged {
        /// The users whose they are.
        user_ids: Vec<UserId>,
        /// The room that shows something new that was said to them; without one nothing is new, or a thread alone shows it.
        room_id: Option<RoomId>,
    },
    /// An entry of an inbox that is no message by itself is to notify its owner.
    EntryNotifies {
        /// The entry.
        entry_id: i64,
    },
    /// Something is to be delivered to the webhooks of these bots.
    DeliveriesQueued {
        /// The bots.
        bot_ids: Vec<UserId>,
    },
    /// Something is to be told to one user alone, in the pages that show a room now. It is stored nowhere.
    NoteWritten {
        /// The user.
        user_id: UserId,
        /// The room.
        room_id: RoomId,
        /// The note, as HTML.
        html: String,
    },
    /// A mail is to be sent.
    MailQueued(Mail),
    /// Somebody is to be reminded of a message that they keep.
    ReminderSet {
        /// The kept message.
        saved_id: i64,
        /// When, in milliseconds since the epoch.
        remind_at: i64,
    },
    /// A reminder is due.
    Reminded {
        /// Who is reminded.
        user_id: UserId,
        /// The kept message.
        saved_id: i64,
    },
    /// A message is to be posted at a time that its writer chose.
    MessageScheduled {
        /// The scheduled message.
        scheduled_id: i64,
        /// When, in milliseconds since the epoch.
        send_at: i64,
    },
    /// A scheduled message was posted late, or was not posted.
    ScheduledEnded {
        /// Its writer.
        user_id: UserId,
        /// The scheduled message.
        scheduled_id: i64,
    },
    /// Files have expired, because what they belonged to is gone.
    FilesReleased,

    /// Stored messages were rendered anew: their HTML changed, and perhaps whom they mention, but not what was written.
    MessagesRendered {
        /// The rooms in which messages look different.
        room_ids: BTreeSet<RoomId>,
        /// The users who are mentioned in more or fewer of them.
        user_ids: BTreeSet<UserId>,
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

            Fact::UserJoined { user_id, room_ids } | Fact::UserUnbanned { user_id, room_ids } => {
                for room_id in room_ids {
                    self.append(EventKind::MembershipGranted, room_id, None, Some(user_id)).await?;
                }
                self.mark_stale(Stale::People);
            }
            Fact::UserChanged(user) => {
                self.mark_stale(Stale::People);
                let person = user.person();
                self.announce(Announcement::Person { user_id: user.id, event: ServerEvent::Viewer { user } });
                self.announce(Announcement::Everyone { event: ServerEvent::PersonChanged { person } });
            }
            Fact::ThemeChanged { user_id } => self.mark_stale(Stale::Memberships(user_id)),
            Fact::UserDeactivated { .. } => self.mark_stale(Stale::People),
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

            Fact::PasswordReset { user_id, session_ids } => {
                self.mark_stale(Stale::Sessions);
                self.enqueue(&Job::EndSessions { user_id, session_ids }).await?;
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
            Fact::RoomRemoved { room_id, by } => {
                self.append(EventKind::RoomRemoved, room_id, None, None).await?;
                self.mark_stale(Stale::Rooms);
                self.announce(Announcement::RoomRemoved { room_id, by });
                self.enqueue(&Job::EmptyRoom { room_id }).await?;
            }
            Fact::MembershipsGranted { room, user_ids } => {
                for user_id in &user_ids {
                    self.append(EventKind::MembershipGranted, room.id, None, Some(*user_id)).await?;
                    self.mark_stale(Stale::Memberships(*user_id));
                }
                self.announce(Announcement::Granted { room, user_ids });
            }
            Fact::MembershipRevoked { room_id, user_id, by } => {
                self.append(EventKind::MembershipRevoked, room_id, None, Some(user_id)).await?;
                self.mark_stale(Stale::Memberships(user_id));
                self.announce(Announcement::Revoked { room_id, user_ids: vec![user_id], by });
            }
            Fact::InvolvementChanged { user_id, room, involvement } => {
                self.mark_stale(Stale::Memberships(user_id));
                self.announce(Announcement::Person { user_id, event: ServerEvent::Involvement { room, involvement } });
            }
            Fact::RoomRead { user_id, room_id, message_id } => {
                self.mark_stale(Stale::Unread(user_id));
                self.announce(Announcement::Person { user_id, event: ServerEvent::Read { room_id, message_id } });
            }
            Fact::RoomMarkedUnread { user_id, room_id, message_id, mention_count } => {
                self.mark_stale(Stale::Unread(user_id));
                let event = ServerEvent::MarkedUnread { room_id, message_id, mention_count };
                self.announce(Announcement::Person { user_id, event });
            }

            Fact::MessagePosted { seq, message, mentioned, caught_up, pictures, inbox } => {
                for key in pictures {
                    self.enqueue(&Job::MakePreview { key }).await?;
                }
                let Message { id: message_id, room_id, creator_id, created_at: at, .. } = message;
                self.enqueue_push(message_id, creator_id).await?;
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
                self.announce_inboxes(inbox, Some(room_id)).await?;
            }
            Fact::ThreadAnswered { seq, message, answer, mentioned, followers, pictures, inbox } => {
                for key in pictures {
                    self.enqueue(&Job::MakePreview { key }).await?;
                }
                let Message { id: message_id, room_id, creator_id, created_at: at, .. } = message;
                let Answer { root_id, in_room } = answer;
                if !in_room {
                    self.enqueue_push(message_id, creator_id).await?;
                }
                for user_id in followers.iter().chain(&mentioned).chain([&creator_id]) {
                    self.mark_stale(Stale::Unread(*user_id));
                }
                let event = ServerEvent::ThreadAnswer { seq, at, root_id, is_new: true, message };
                self.announce(Announcement::Room { room_id, event });
                self.update_thread_line(room_id, root_id).await?;
                let event = ServerEvent::ThreadNews { room_id, root_id, count: 1, is_total: false };
                self.announce(Announcement::People { user_ids: followers, event });
                let event = ServerEvent::ThreadNews { room_id, root_id, count: 0, is_total: true };
                self.announce(Announcement::Person { user_id: creator_id, event });
                // A tab that shows the room does not show what the thread alone has.
                self.announce_inboxes(inbox, Some(room_id).filter(|_| in_room)).await?;
            }
            Fact::ThreadRead { user_id, room_id, root_id, news_count } => {
                self.mark_stale(Stale::Unread(user_id));
                let event = ServerEvent::ThreadNews { room_id, root_id, count: news_count, is_total: true };
                self.announce(Announcement::Person { user_id, event });
            }
            Fact::MessageEdited { message, mentioned } => {
                let room_id = message.room_id;
                let (seq, at) = self.append(EventKind::MessageEdited, room_id, Some(message.id), None).await?;
                self.mark_stale(Stale::Messages(room_id));
                for user_id in &mentioned {
                    self.mark_stale(Stale::Unread(*user_id));
                }
                let message_id = message.id;
                let event = match store::threads::find_answer(self.db(), message_id).await? {
                    Some((_, Answer { root_id, in_room: false })) => {
                        ServerEvent::ThreadAnswer { seq, at, root_id, is_new: false, message }
                    }
                    _ => ServerEvent::MessageEdited { seq, at, message },
                };
                self.announce(Announcement::Room { room_id, event });
                self.announce_reply_line(room_id, message_id).await?;
                if !mentioned.is_empty() {
                    self.announce_marks(room_id, message_id, &mentioned).await?;
                }
                if store::pins::exists(self.db(), message_id).await? {
                    self.announce_pins(room_id, message_id).await?;
                }
            }
            Fact::MessageRemoved { room_id, message_id, mentioned, had_files, was_pinned, inbox } => {
                if had_files {
                    self.enqueue(&Job::RemoveFiles).await?;
                }
                let (seq, at) = self.append(EventKind::MessageRemoved, room_id, Some(message_id), None).await?;
                self.mark_stale(Stale::Removed(room_id));
                let event = ServerEvent::MessageRemoved { seq, at, room_id, message_id };
                self.announce(Announcement::Room { room_id, event });
                self.announce_reply_line(room_id, message_id).await?;
                self.announce_marks(room_id, message_id, &mentioned).await?;
                self.announce_inboxes(inbox, None).await?;
                if was_pinned {
                    self.announce_pins(room_id, message_id).await?;
                }
            }
            Fact::PinsChanged { room_id, message_id } => {
                self.mark_stale(Stale::Messages(room_id));
                self.announce_pins(room_id, message_id).await?;
            }
            Fact::ThreadShortened { room_id, root_id, newest_removed, followers } => {
                self.update_thread_line(room_id, root_id).await?;
                let read = followers.into_iter().map(|user_id| (user_id, 0));
                let counts = store::threads::recount(self.db(), root_id, None, newest_removed).await?;
                self.announce_news(room_id, root_id, counts.into_iter().chain(read));
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

            Fact::MessageExtended { room_id, message_id, extras_html } => {
                self.extend(room_id, message_id, extras_html).await?;
            }

            Fact::InboxChanged { user_ids, room_id } => self.announce_inboxes(user_ids, room_id).await?,

            Fact::EntryNotifies { entry_id } => self.enqueue(&Job::PushEntry { entry_id }).await?,
            Fact::LinksPosted { message_id } => self.enqueue(&Job::PreviewLinks { message_id }).await?,
            Fact::MailQueued(mail) => self.enqueue(&Job::SendMail(mail)).await?,
            Fact::FilesReleased => self.enqueue(&Job::RemoveFiles).await?,
            Fact::DeliveriesQueued { bot_ids } => {
                for bot_id in bot_ids {
                    self.enqueue(&Job::DeliverWebhooks { bot_id }).await?;
                }
            }

            Fact::NoteWritten { user_id, room_id, html } => {
                self.announce(Announcement::Person { user_id, event: ServerEvent::Note { room_id, html } });
            }

            Fact::ReminderSet { saved_id, remind_at } => self.enqueue_at(&Job::Remind { saved_id }, remind_at).await?,
            Fact::Reminded { user_id, saved_id } => {
                let notice = Notice::Reminder(saved_id);
                self.enqueue(&Job::PushNotice { user_id, notice, subscription_ids: None, attempts: 0 }).await?;
            }

            Fact::MessageScheduled { scheduled_id, send_at } => {
                self.enqueue_at(&Job::SendScheduled { scheduled_id }, send_at).await?;
            }
            Fact::ScheduledEnded { user_id, scheduled_id } => {
                let notice = Notice::Scheduled(scheduled_id);
                self.enqueue(&Job::PushNotice { user_id, notice, subscription_ids: None, attempts: 0 }).await?;
            }

            // No event: nobody edited anything.
            Fact::MessagesRendered { room_ids, user_ids } => {
                room_ids.into_iter().for_each(|room_id| self.mark_stale(Stale::Messages(room_id)));
                user_ids.into_iter().for_each(|user_id| self.mark_stale(Stale::Unread(user_id)));
            }

            Fact::EventsPruned => self.mark_stale(Stale::Everything),
        }
        Ok(())
    }

    /// Stores and announces what a message shows below its body now.
    async fn extend(&mut self, room_id: RoomId, message_id: MessageId, extras_html: String) -> sqlx::Result<()> {
        let (seq, at) = self.append(EventKind::MessageExtended, room_id, Some(message_id), None).await?;
        store::files::note_extras(self.db(), message_id, &extras_html, Some(seq)).await?;
        self.mark_stale(Stale::Messages(room_id));
        let event = ServerEvent::MessageExtended { seq, at, room_id, message_id, extras_html };
        self.announce(Announcement::Room { room_id, event });
        Ok(())
    }

    /// Writes the line of a thread under its root anew, if the root is still there.
    async fn update_thread_line(&mut self, room_id: RoomId, root_id: MessageId) -> sqlx::Result<()> {
        if store::messages::find_room(self.db(), root_id).await?.is_none() {
            return Ok(());
        }
        let extras_html = store::previews::extras_html(self.db(), root_id).await?;
        self.extend(room_id, root_id, extras_html).await
    }

    /// Announces how many answers of a thread are new to each of these users.
    fn announce_news(&mut self, room_id: RoomId, root_id: MessageId, counts: impl IntoIterator<Item = (UserId, u32)>) {
        let mut groups: BTreeMap<u32, Vec<UserId>> = BTreeMap::new();
        for (user_id, count) in counts {
            self.mark_stale(Stale::Unread(user_id));
            groups.entry(count).or_default().push(user_id);
        }
        for (count, user_ids) in groups {
            let event = ServerEvent::ThreadNews { room_id, root_id, count, is_total: true };
            self.announce(Announcement::People { user_ids, event });
        }
    }

    /// Announces the room's marks to the members who have not read up to this message, which was removed or mentions
    /// others now: there may be nothing unread any more.
    async fn announce_marks(
        &mut self,
        room_id: RoomId,
        message_id: MessageId,
        mentioned: &[UserId],
    ) -> sqlx::Result<()> {
        let marks = store::memberships::list_marks(self.db(), room_id, message_id, mentioned).await?;
        if marks.is_empty() {
            return Ok(());
        }
        let newest_id = store::rooms::newest_message(self.db(), room_id).await?.unwrap_or(MessageId(0));
        // Most members have the same marks, and receive the same event.
        let mut groups: BTreeMap<_, Vec<UserId>> = BTreeMap::new();
        for Marks { user_id, unread, mention_count } in marks {
            groups.entry((unread, mention_count)).or_default().push(user_id);
        }
        for ((unread, mention_count), user_ids) in groups {
            let event = ServerEvent::Marks { room_id, newest_id, unread, mention_count };
            self.announce(Announcement::People { user_ids, event });
        }
        Ok(())
    }

    /// Logs and announces what the room's page shows of its pins, after that of a message changed.
    async fn announce_pins(&mut self, room_id: RoomId, message_id: MessageId) -> sqlx::Result<()> {
        let (seq, at) = self.append(EventKind::PinsChanged, room_id, Some(message_id), None).await?;
        let pins_html = pins_html(room_id, &store::pins::summary(self.db(), room_id).await?);
        self.announce(Announcement::Room { room_id, event: ServerEvent::PinsChanged { seq, at, room_id, pins_html } });
        Ok(())
    }

    /// Announces the line above the answers to a message, which was edited or removed, if there are answers.
    async fn announce_reply_line(&mut self, room_id: RoomId, message_id: MessageId) -> sqlx::Result<()> {
        for (message_id, reply_html) in store::messages::list_reply_lines(self.db(), room_id, &[message_id]).await? {
            let event = ServerEvent::ReplyChanged { room_id, message_id, reply_html };
            self.announce(Announcement::Room { room_id, event });
        }
        Ok(())
    }

    /// Announces the counts of these users' inboxes. `room_id` is the room that shows something new that was said to them.
    async fn announce_inboxes(&mut self, user_ids: Vec<UserId>, room_id: Option<RoomId>) -> sqlx::Result<()> {
        if user_ids.is_empty() {
            return Ok(());
        }
        let user_ids: Vec<_> = user_ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut groups: BTreeMap<_, Vec<UserId>> = BTreeMap::new();
        for (user_id, count) in store::inbox::list_counts(self.db(), &user_ids).await? {
            self.mark_stale(Stale::Unread(user_id));
            groups.entry(count).or_default().push(user_id);
        }
        for (count, user_ids) in groups {
            self.announce(Announcement::People { user_ids, event: ServerEvent::Inbox { count, room_id } });
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::live::testing::TestClient;
    use crate::model::{Anchor, Answering, Answers, Bio, ClientMessageId, FileName, Posted, Role};
    use crate::ops::rooms::Audience;
    use crate::ops::{
        accounts, bans, boosts, files, memberships, messages, pins, rooms, sessions, sync, threads, users,
    };
    use crate::protocol::{Timeline, ViewerState};
    use crate::testing::World;
    use crate::{jobs, testing};

    /// A hidden tab with a room in view, brought up to date by what its socket receives.
    struct Tab {
        user: User,
        room_id: RoomId,
        client: TestClient,
        state: ViewerState,
        timeline: Timeline,
    }

    impl Tab {
        async fn open(world: &World, user: &User, room_id: RoomId) -> Self {
            let room_ids: Vec<_> = world.sidebar(user.id).await.iter().map(|room| room.id).collect();
            let client = TestClient::connect(&world.state.live, user.id.0, &room_ids);
            assert!(client.focus(room_id), "{} is in the room", user.name);
            let (state, timeline) = load(world, user, room_id).await;
            Self { user: user.clone(), room_id, client, state, timeline: timeline.unwrap() }
        }

        /// Applies everything that was sent, up to an event that nothing else sends.
        async fn receive(&mut self, world: &World) {
            let user_id = self.user.id;
            let last = async move |tx: &mut Tx| {
                tx.changes_nothing_visible();
                tx.announce(Announcement::Person { user_id, event: ServerEvent::Unknown });
                Ok(())
            };
            world.state.db.write(last).await.unwrap();
            let receive_until_last = async {
                loop {
                    let Some(json) = self.client.receive() else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let event: ServerEvent = serde_json::from_str(&json).unwrap();
                    if event == ServerEvent::Unknown {
                        return;
                    }
                    self.state.apply(&event, None, 0);
                    self.timeline.apply(&event);
                }
            };
            tokio::time::timeout(Duration::from_secs(10), receive_until_last).await.expect("the last event arrives");
        }

        /// Checks that the tab shows what a fresh load of the page would.
        async fn check(&mut self, world: &World, after: &str) {
            self.receive(world).await;
            let (mut fresh, timeline) = load(world, &self.user, self.room_id).await;
            let name = &self.user.name;
            assert_eq!(self.state.viewer, fresh.viewer, "{name} after {after}");
            assert_eq!(self.state.account, fresh.account, "{name} after {after}");
            // What orders direct rooms is a count in the tab and a time in the database: only the order is compared.
            let mut rooms = self.state.rooms.clone();
            rooms.iter_mut().chain(&mut fresh.rooms).for_each(|room| room.active_at = 0);
            assert_eq!(rooms, fresh.rooms, "{name} after {after}");
            assert_eq!(self.state.inbox, fresh.inbox, "{name} after {after}");
            // Who is no longer in the room is taken to another one.
            if let Some(timeline) = timeline {
                assert_eq!(shown(&self.timeline), shown(&timeline), "{name} after {after}");
                assert_eq!(self.timeline.pins_html, timeline.pins_html, "{name} after {after}");
            }
        }
    }

    /// The messages without the ids by which a browser recognises what it sent itself.
    fn shown(timeline: &Timeline) -> Vec<Message> {
        let without_id = |message: &Message| Message { client_message_id: None, ..message.clone() };
        timeline.messages.iter().map(without_id).collect()
    }

    async fn load(world: &World, user: &User, room_id: RoomId) -> (ViewerState, Option<Timeline>) {
        let rooms = sync::rooms(&world.state, &testing::current(user)).await.unwrap();
        let ServerEvent::Rooms { viewer, account, rooms, inbox } = rooms else { panic!("a snapshot") };
        let timeline = match world.state.members.find(user, room_id).await {
            Ok(member) => Some(messages::room_page(&world.state, &member, Anchor::Newest).await.unwrap().timeline),
            Err(_) => None,
        };
        let mut state = ViewerState::new(viewer, account, rooms);
        state.inbox = inbox;
        (state, timeline)
    }

    /// The step of [`a_tab_shows_after_every_fact_what_a_fresh_load_shows`] that makes a fact happen. A new fact needs a
    /// step, or a reason why it has none.
    fn step_of(fact: &Fact) -> &'static str {
        match fact {
            Fact::AccountSetUp => "none: nobody is connected before it",
            Fact::AccountChanged(_) => "rename account",
            Fact::UserJoined { .. } => "join",
            Fact::UserChanged(_) => "change role, rename",
            Fact::ThemeChanged { .. } => "none: a tab shows it at its next load",
            Fact::UserDeactivated { .. } => "deactivate",
            Fact::UserBanned { .. } => "ban",
            Fact::UserUnbanned { .. } => "unban",
            Fact::SessionStarted { .. } | Fact::SessionSeen { .. } => "none: no page shows it to others",
            Fact::SessionEnded { .. } | Fact::PasswordReset { .. } => "end other sessions",
            Fact::RoomOpened { .. } | Fact::MembershipsGranted { .. } => "open room, ping",
            Fact::RoomChanged(_) => "rename room",
            Fact::RoomRemoved { .. } => "remove room",
            Fact::MembershipRevoked { .. } => "revoke",
            Fact::InvolvementChanged { .. } => "hide and show room",
            Fact::RoomRead { .. } => "read",
            Fact::RoomMarkedUnread { .. } => "mark unread",
            Fact::MessagePosted { .. } => "post, post in a ping",
            Fact::ThreadAnswered { .. } => "answer, answer in the room too",
            Fact::ThreadRead { .. } => "read thread, unfollow",
            Fact::MessageEdited { .. } => "edit, edit a mention away",
            Fact::MessageRemoved { .. } => "remove message, remove the only unread message, remove an unread mention",
            Fact::ThreadShortened { .. } => "remove message, remove the last answer",
            Fact::MessageBoosted { .. } => "boost",
            Fact::PinsChanged { .. } => "pin, unpin",
            Fact::MessageExtended { .. } => "post a picture",
            Fact::LinksPosted { .. } => "post a link",
            Fact::InboxChanged { .. } => "edit a mention away, boost, read",
            Fact::FilesReleased | Fact::DeliveriesQueued { .. } | Fact::EntryNotifies { .. } | Fact::MailQueued(_) => {
                "none: no page shows it"
            }
            Fact::ReminderSet { .. }
            | Fact::Reminded { .. }
            | Fact::MessageScheduled { .. }
            | Fact::ScheduledEnded { .. } => "none: no page of the chat shows it",
            Fact::NoteWritten { .. } => "none: it is gone after a load",
            Fact::MessagesRendered { .. } => "none: a tab shows it at its next load",
            Fact::EventsPruned => "prune",
        }
    }

    #[tokio::test]
    async fn a_tab_shows_after_every_fact_what_a_fresh_load_shows() {
        assert_eq!(step_of(&Fact::EventsPruned), "prune");
        let world = testing::world().await;
        let (state, ada, bob, cleo) = (&world.state, &world.ada, &world.bob, &world.cleo);
        let (all_talk, administrator) = (world.all_talk.id, testing::as_administrator(ada));
        let first = world.post(cleo, all_talk, "first").await;
        let second = world.post(ada, all_talk, "second").await;
        let mut tabs = [Tab::open(&world, ada, all_talk).await, Tab::open(&world, bob, all_talk).await];
        let member = async |user: &User, room_id| world.member(user, room_id).await;

        macro_rules! step {
            ($after:literal, $op:expr) => {{
                state.clock.advance(1_000);
                let done = $op;
                for tab in &mut tabs {
                    tab.check(&world, $after).await;
                }
                done
            }};
        }

        step!("rename account", accounts::rename(state, &administrator, "Kiln".parse().unwrap()).await.unwrap());
        let code = accounts::find(state).await.unwrap().unwrap().join_code;
        let dora = step!("join", accounts::join(state, &code, testing::registration("Dora")).await.unwrap()).user;
        testing::begin_sessions(state, [dora.id]).await;
        step!("change role", users::change_role(state, &administrator, bob.id, Role::Administrator).await.unwrap());
        step!("end other sessions", sessions::revoke_others(state, &testing::current(ada)).await.unwrap());

        step!("post", world.post(ada, all_talk, "hello @Bob").await);
        step!("post a link", world.post(ada, all_talk, "http://127.0.0.1:9/").await);
        step!("post", world.post(cleo, all_talk, "from Cleo").await);
        let draft = "second, edited".parse().unwrap();
        step!("edit", messages::edit(state, &member(ada, all_talk).await, second.id, draft).await.unwrap());
        let content = "👍".parse().unwrap();
        step!("boost", boosts::boost(state, &member(bob, all_talk).await, second.id, content).await.unwrap());
        step!("pin", pins::pin(state, &member(bob, all_talk).await, second.id).await.unwrap());
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"a picture"))]);
        let (id, name) = (ClientMessageId::v7(1, [1; 10]), FileName::clean("a.png"));
        let upload = files::receive(state, &testing::current(cleo), id.clone(), name, bytes).await.unwrap();
        let author = member(cleo, all_talk).await;
        let with_file = messages::post_with_files(state, &author, id, "", vec![upload.key], Answers::default());
        let Posted::Stored(with_file) = step!("post a picture", with_file.await.unwrap()) else { panic!("it is new") };
        assert!(with_file.extras_html.contains("a.png") && with_file.extras_seq == 0);
        let extended = async move |tx: &mut Tx| {
            let extras_html = "<p>its preview</p>".to_owned();
            Ok(tx.record(Fact::MessageExtended { room_id: all_talk, message_id: with_file.id, extras_html }).await?)
        };
        step!("post a picture", state.db.write(extended).await.unwrap());
        step!("pin", pins::pin(state, &member(ada, all_talk).await, first.id).await.unwrap());
        let draft = "second, edited while pinned".parse().unwrap();
        step!("edit", messages::edit(state, &member(ada, all_talk).await, second.id, draft).await.unwrap());
        step!("remove message", messages::remove(state, &member(ada, all_talk).await, first.id).await.unwrap());
        step!("unpin", pins::unpin(state, &member(bob, all_talk).await, second.id).await.unwrap());
        let reader = testing::current(bob);
        step!("read", memberships::mark_read(state, &reader, all_talk, with_file.id).await.unwrap());
        let unread = member(bob, all_talk).await;
        step!("mark unread", memberships::mark_unread(state, &unread, second.id).await.unwrap());

        let mut number = 0;
        let mut answer = async |user: &User, message_id, in_room, text: &str| {
            number += 1;
            let id = ClientMessageId::v7(number, [7; 10]);
            let answers = Answering { message_id, in_room }.into();
            let author = member(user, all_talk).await;
            match messages::post_with_files(state, &author, id, text, Vec::new(), answers).await.unwrap() {
                Posted::Stored(message) => message,
                Posted::Removed(_) => panic!("it is new"),
            }
        };
        let first_answer = step!("answer", answer(bob, second.id, false, "an answer").await);
        let shown = step!("answer in the room too", answer(cleo, second.id, true, "shown twice, @Bob").await);
        let last = step!("answer", answer(cleo, second.id, false, "another").await);
        assert_eq!(world.sidebar(ada.id).await[0].threads[0].count, 3, "of the author of the root");
        let edit = async |user: &User, id, text: &str| {
            messages::edit(state, &member(user, all_talk).await, id, text.parse().unwrap()).await.unwrap()
        };
        step!("edit", edit(cleo, last.id, "another, edited").await);
        step!("edit", edit(cleo, shown.id, "shown twice, edited").await);
        step!(
            "boost",
            boosts::boost(state, &member(bob, all_talk).await, shown.id, "👍".parse().unwrap()).await.unwrap()
        );
        let reader = testing::current(ada);
        step!("read thread", threads::mark_read(state, &reader, all_talk, second.id, shown.id).await.unwrap());
        step!("remove message", messages::remove(state, &member(cleo, all_talk).await, last.id).await.unwrap());
        step!("answer", answer(bob, second.id, false, "news").await);
        let (of_ada, of_bob) = (member(ada, all_talk).await, member(bob, all_talk).await);
        step!("unfollow", threads::set_followed(state, &of_ada, second.id, false).await.unwrap());
        step!("answer", answer(cleo, second.id, false, "not news to Ada").await);
        step!("remove message", messages::remove(state, &of_bob, first_answer.id).await.unwrap());
        step!("read", memberships::mark_read(state, &reader, all_talk, shown.id).await.unwrap());
        let root = step!("post", world.post(ada, all_talk, "a root with one answer").await);
        let lone = step!("answer", answer(bob, root.id, false, "the only answer").await);
        assert_eq!(world.sidebar(ada.id).await[0].threads[0].count, 1);
        step!("remove the last answer", messages::remove(state, &of_bob, lone.id).await.unwrap());
        assert_eq!(world.sidebar(ada.id).await[0].threads, []);
        step!("remove message", messages::remove(state, &of_ada, root.id).await.unwrap());

        let ping = step!("ping", rooms::ping(state, ada, vec![bob.id]).await.unwrap());
        step!("ping", rooms::ping(state, cleo, vec![bob.id]).await.unwrap());
        let psst = step!("post in a ping", world.post(ada, ping.id, "psst").await);
        let in_ping = member(ada, ping.id).await;
        step!("remove the only unread message", messages::remove(state, &in_ping, psst.id).await.unwrap());
        step!("ping", rooms::ping(state, &dora, vec![bob.id, ada.id]).await.unwrap());
        let renamed = users::ProfileChange {
            name: "Theodora".parse().unwrap(),
            email_address: None,
            bio: Bio::default(),
            password: None,
            present_password: None,
            from: testing::LOCAL,
        };
        step!("rename", users::update_profile(state, &testing::current(&dora), renamed).await.unwrap());
        let room = step!("open room", world.open_closed_room("Room", &[bob, cleo]).await);
        let (named, everyone) = ("Zed's room".parse().unwrap(), Audience::Chosen(vec![ada.id, bob.id, cleo.id]));
        step!("rename room", rooms::change(state, &member(ada, room.id).await, named, everyone).await.unwrap());
        let hidden = member(bob, room.id).await;
        step!("hide room", memberships::set_involvement(state, &hidden, Involvement::Invisible).await.unwrap());
        step!("show room", memberships::set_involvement(state, &hidden, Involvement::Everything).await.unwrap());
        step!("revoke", memberships::leave(state, &member(bob, room.id).await).await.unwrap());
        step!("remove room", rooms::remove(state, &member(ada, room.id).await).await.unwrap());

        for user in [ada, bob] {
            let current = testing::current(user);
            step!("read", memberships::mark_read(state, &current, all_talk, shown.id).await.unwrap());
        }
        // Cleo's messages are removed with the ban below: nothing is unread then.
        let mention = step!("post", world.post(cleo, all_talk, "@Bob and @Ada").await);
        let of_cleo = member(cleo, all_talk).await;
        let draft = "@Bob alone".parse().unwrap();
        step!("edit a mention away", messages::edit(state, &of_cleo, mention.id, draft).await.unwrap());
        step!("post", world.post(cleo, all_talk, "@Bob again").await);
        step!("remove an unread mention", messages::remove(state, &of_cleo, mention.id).await.unwrap());
        let hidden = member(bob, all_talk).await;
        step!("hide room", memberships::set_involvement(state, &hidden, Involvement::Invisible).await.unwrap());
        step!("post", world.post(cleo, all_talk, "@Bob while it is hidden").await);
        step!("show room", memberships::set_involvement(state, &hidden, Involvement::Mentions).await.unwrap());
        assert!(!world.sidebar(bob.id).await.iter().find(|room| room.id == all_talk).unwrap().unread);
        step!("ban", bans::ban(state, &administrator, cleo.id).await.unwrap());
        step!("remove content", jobs::run_due(state).await.unwrap());
        step!("unban", bans::unban(state, &administrator, cleo.id).await.unwrap());
        step!("deactivate", users::deactivate(state, &administrator, cleo.id).await.unwrap());
        state.clock.advance(8 * 24 * 60 * 60 * 1_000);
        step!("prune", state.db.write(async |tx: &mut Tx| Ok(tx.enqueue(&Job::Prune).await?)).await.unwrap());
        step!("prune", jobs::run_due(state).await.unwrap());
    }
}
