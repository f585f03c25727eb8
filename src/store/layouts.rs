//! Layouts: the data of every chat page beside its messages.

use sqlx::SqliteExecutor;
use sqlx::types::Json;

use super::inbox::select_inbox_count;
use super::rooms::{SHOWN_DIRECT_ROOMS, named, select_sidebar};
use crate::model::{Account, InboxCount, Person, RoomKind, SidebarRoom, Theme, UserId};

/// The largest size of the names in the direct rooms of a sidebar, in bytes: there may be 50 people in each, with names
/// of 100 characters. Those of the rooms that were quiet for the longest time are left out first.
const MAX_DIRECT_ROOMS_BYTES: usize = 128 * 1024;

/// The account, a user's rooms, and users to ping: the same on all of the user's chat pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The account.
    pub account: Account,
    /// The user's visible rooms, in the order of [`SidebarRoom::sidebar_cmp`]; at most [`SHOWN_DIRECT_ROOMS`] direct ones.
    pub rooms: Vec<SidebarRoom>,
    /// The counts of the user's inbox.
    pub inbox: InboxCount,
    /// How many rooms the user has hidden from the sidebar.
    pub hidden_count: u32,
    /// Active users without a direct room with this user, in the order of their ids.
    pub unpinged: Vec<Person>,
    /// The theme that the user chose.
    pub theme: Theme,
}

/// The layout of a user, with at most `unpinged` users to ping, in one call. `None` before the account is set up.
pub async fn find(db: impl SqliteExecutor<'_>, user_id: UserId, unpinged: i64) -> sqlx::Result<Option<Layout>> {
    let (account, hidden_count, theme, Json(inbox), Json(rooms), Json(mut unpinged)): (
        _,
        _,
        _,
        _,
        _,
        Json<Vec<Person>>,
    ) = sqlx::query_as(concat!(
        "SELECT (SELECT json_array(name, join_code,
                                   json(CASE WHEN room_creation_restricted THEN 'true' ELSE 'false' END),
                                   custom_styles_digest, avatars_version, logo_version)
                   FROM accounts),
                (SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND involvement = 'invisible'),
                (SELECT theme FROM users WHERE id = $1),
                ",
        select_inbox_count!("$1"),
        ",
                (",
        select_sidebar!(
            "AND CASE rooms.kind
                 WHEN 'direct' THEN rooms.id IN (SELECT newest.id FROM memberships AS mine
                                                   JOIN rooms AS newest ON newest.id = mine.room_id
                                                  WHERE mine.user_id = $1 AND newest.kind = 'direct'
                                                  ORDER BY newest.updated_at DESC, newest.id DESC LIMIT $2 + 0)
                 ELSE memberships.involvement <> 'invisible' END"
        ),
        "),
                (SELECT json_group_array(json_array(id, name))
                   FROM (SELECT id, name FROM users
                          WHERE status = 0 AND id <> $1
                            AND id NOT IN (SELECT theirs.user_id FROM memberships AS mine
                                             JOIN rooms ON rooms.id = mine.room_id AND rooms.kind = 'direct'
                                             JOIN memberships AS theirs ON theirs.room_id = mine.room_id
                                            WHERE mine.user_id = $1)
                          ORDER BY id LIMIT $3 + 0))"
    ))
    .bind(user_id)
    .bind(SHOWN_DIRECT_ROOMS)
    .bind(unpinged)
    .fetch_one(db)
    .await?;
    unpinged.sort_unstable_by_key(|person| person.id);
    let mut rooms = named(rooms);
    let mut direct_bytes = 0;
    rooms.retain(|room| {
        if room.kind == RoomKind::Direct {
            direct_bytes += room.name.len() + room.people.iter().map(|person| person.name.len()).sum::<usize>();
        }
        room.kind != RoomKind::Direct || direct_bytes <= MAX_DIRECT_ROOMS_BYTES
    });
    let theme: Option<Theme> = theme;
    let account: Option<Json<Account>> = account;
    let theme = theme.unwrap_or_default();
    Ok(account.map(|Json(account)| Layout { account, rooms, inbox, hidden_count, unpinged, theme }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;
    use crate::{AppResult, ops, store, testing};

    #[tokio::test]
    async fn a_layout_has_the_users_rooms_and_the_users_without_a_direct_room() {
        let world = testing::world().await;
        world.open_closed_room("Zoo", &[]).await;
        ops::rooms::ping(&world.state, &world.ada, vec![world.cleo.id]).await.unwrap();
        let layout = async |user_id, unpinged| find(world.state.db.reader(), user_id, unpinged).await.unwrap().unwrap();
        let names = |rooms: &[SidebarRoom]| rooms.iter().map(|room| room.name.clone()).collect::<Vec<_>>();
        let of_ada = layout(world.ada.id, 20).await;
        assert_eq!(names(&of_ada.rooms), ["Cleo", "All Talk", "Zoo"]);
        assert_eq!(of_ada.unpinged.iter().map(|person| person.id).collect::<Vec<_>>(), [world.bob.id]);
        let of_bob = layout(world.bob.id, 1).await;
        assert_eq!(names(&of_bob.rooms), ["All Talk"]);
        assert_eq!(of_bob.unpinged.iter().map(|person| person.id).collect::<Vec<_>>(), [world.ada.id]);
        assert_eq!(of_bob.account, store::accounts::find(world.state.db.reader()).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_layout_has_the_direct_rooms_with_the_newest_messages() {
        let world = testing::world().await;
        let people = world.state.db.write(async |tx| -> AppResult<Vec<UserId>> {
            let mut people = Vec::new();
            for number in 0..SHOWN_DIRECT_ROOMS + 2 {
                let name = "Dora".parse()?;
                let address = format!("dora{number}@example.com").parse()?;
                people.push(store::users::insert(tx.db(), &name, &address, "x", Role::Member, 1).await?);
            }
            Ok(people)
        });
        let mut pinged = Vec::new();
        for user_id in people.await.unwrap() {
            pinged.push(ops::rooms::ping(&world.state, &world.ada, vec![user_id]).await.unwrap().id);
        }
        // Reverses the order: the first rooms have the newest messages.
        let mut other = world.other_connection().await;
        sqlx::query("UPDATE rooms SET updated_at = 1000 - id").execute(&mut other).await.unwrap();
        let layout = find(world.state.db.reader(), world.ada.id, 0).await.unwrap().unwrap();
        let shown: Vec<_> = layout.rooms.iter().map(|room| room.id).collect();
        let expected: Vec<_> = pinged[..pinged.len() - 2].iter().copied().chain([world.all_talk.id]).collect();
        assert_eq!(shown, expected);
    }

    #[tokio::test]
    async fn direct_rooms_with_many_long_names_are_left_out_beyond_a_size() {
        let world = testing::world().await;
        let people = world.state.db.write(async |tx| -> AppResult<Vec<UserId>> {
            let mut people = Vec::new();
            for number in 0..60 {
                let name = format!("{number:02}{}", "\u{1d54f}".repeat(90)).parse()?;
                let address = format!("dora{number}@example.com").parse()?;
                people.push(store::users::insert(tx.db(), &name, &address, "x", Role::Member, 1).await?);
            }
            Ok(people)
        });
        let people = people.await.unwrap();
        let mut pinged = Vec::new();
        for first in 0..10 {
            world.state.clock.advance(1_000);
            let others = people[first..first + 40].to_vec();
            pinged.push(ops::rooms::ping(&world.state, &world.ada, others).await.unwrap().id);
        }
        let layout = find(world.state.db.reader(), world.ada.id, 0).await.unwrap().unwrap();
        let json = serde_json::to_string(&layout.rooms).unwrap();
        assert!(json.len() < 2 * MAX_DIRECT_ROOMS_BYTES, "{}", json.len());
        let shown: Vec<_> = layout.rooms.iter().map(|room| room.id).collect();
        // Each has 29 KB of names: four fit, the newest first, and the open room stays.
        let expected: Vec<_> = pinged.iter().rev().take(4).copied().chain([world.all_talk.id]).collect();
        assert_eq!(shown, expected);
    }

    #[tokio::test]
    async fn there_is_no_layout_before_the_account_is_set_up() {
        let state = testing::state().await;
        assert_eq!(find(state.db.reader(), UserId(1), 20).await.unwrap(), None);
    }
}
