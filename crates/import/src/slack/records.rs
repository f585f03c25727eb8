//! Records of people and channels.

use serde_json::{Map, Value};

use super::json::Fields;
use super::{Channel, Tally};
use crate::record::{Role, Room, RoomKind, Status, User};

/// A user who cannot sign in.
pub(super) fn absent() -> User {
    User {
        id: 0,
        name: String::new(),
        email_address: None,
        password_hash: None,
        role: Role::Member,
        status: Status::Deactivated,
        bio: String::new(),
        avatar: None,
        bot_token: None,
        webhook_url: None,
        created_at: 0,
    }
}

/// A person as `users.json` has them.
pub(super) struct Listed {
    pub slack_id: String,
    /// The workspace.
    pub team: String,
    /// What messages call a bot.
    pub bot_id: String,
    pub user: User,
}

/// A record of `users.json`.
pub(super) fn user(object: &Map<String, Value>, tally: &mut Tally) -> Listed {
    let mut fields = Fields::new(object);
    let slack_id = fields.text("id").to_owned();
    let empty = Map::new();
    let mut profile = Fields::new(fields.object("profile").unwrap_or(&empty));
    let names =
        [profile.text("display_name"), profile.text("real_name"), fields.text("real_name"), fields.text("name")];
    let name = names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or(&slack_id).to_owned();
    let is_bot = fields.truth("is_bot") || fields.truth("is_workflow_bot") || slack_id == "USLACKBOT";
    let is_gone = fields.truth("deleted");
    if (fields.truth("is_admin") || fields.truth("is_owner")) && !is_gone {
        tally.change("administrators of Slack, who become members: make somebody one here", 1);
    }
    if (fields.truth("is_restricted") || fields.truth("is_ultra_restricted")) && !is_gone {
        tally.change("guests of Slack, who see all open rooms once they have joined", 1);
    }
    let email_address = profile.text("email").trim();
    let joins = !is_gone && !is_bot && !email_address.is_empty();
    if is_gone {
        tally.change("people and bots who had left: they are deactivated", 1);
    } else if is_bot {
        tally.change("bots, whose messages stay under their names: they do nothing here", 1);
    } else if !joins {
        tally.change("people without an e-mail address, whom nobody can join as: they are deactivated", 1);
    }
    let user = User {
        name,
        email_address: Some(email_address.to_owned()).filter(|_| joins),
        role: if is_bot { Role::Bot } else { Role::Member },
        status: if joins { Status::Active } else { Status::Deactivated },
        bio: profile.text("title").to_owned(),
        created_at: fields.seconds("updated"),
        ..absent()
    };
    let (team, bot_id) = (fields.text("team_id").to_owned(), profile.text("bot_id").to_owned());
    let wrong = fields.wrong_count + profile.wrong_count;
    tally.change("records with fields of another type than Slack's, which are read as missing", u64::from(wrong > 0));
    Listed { slack_id, team, bot_id, user }
}

/// A record of one of the lists of rooms, the id of its maker, and those of its members.
pub(super) fn channel(
    object: &Map<String, Value>,
    kind: RoomKind,
    tally: &mut Tally,
) -> (Channel, String, Vec<String>) {
    let mut fields = Fields::new(object);
    let created_at = fields.seconds("created");
    let members = fields.list("members");
    let room =
        Room { id: 0, kind, name: fields.text("name").to_owned(), creator_id: 0, created_at, updated_at: created_at };
    let channel = Channel { slack_id: fields.text("id").to_owned(), room, is_archived: fields.truth("is_archived") };
    let creator = fields.text("creator").to_owned();
    let ids: Vec<String> = members.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let wrong = fields.wrong_count + (members.len() - ids.len()) as u64;
    tally.change("records with fields of another type than Slack's, which are read as missing", u64::from(wrong > 0));
    (channel, creator, ids)
}
