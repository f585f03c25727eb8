//! Keys of names and e-mail addresses: what their sameness and order are by, stored beside the values.
//!
//! SQLite compares bytes, and folds the case of ASCII letters only. The keys are computed by [`folding`] and
//! [`order_key`] whenever a value is written; [`renew`] computes all of them anew when their version has changed.

use std::collections::HashSet;

use sqlx::{Connection, SqliteConnection};

use crate::folding;
use crate::model::{UserId, hex, order_key};

/// The version of the keys of names and addresses: that of the folding, and that of the collation's data.
const NAMES_VERSION: i64 = folding::VERSION * 1_000 + COLLATION_VERSION;

/// Grows whenever [`order_key`] returns another key for some name, which an update of its data can cause.
const COLLATION_VERSION: i64 = 1;

/// Computes all keys anew, in one transaction, if those in the database are of another version.
pub(super) async fn renew(db: &mut SqliteConnection) -> sqlx::Result<()> {
    let stored: i64 =
        sqlx::query_scalar("SELECT version FROM key_versions WHERE kind = 'names'").fetch_one(&mut *db).await?;
    if stored == NAMES_VERSION {
        return Ok(());
    }
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    renew_names(&mut transaction).await?;
    renew_addresses(&mut transaction).await?;
    sqlx::query("UPDATE key_versions SET version = $1 WHERE kind = 'names'")
        .bind(NAMES_VERSION)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

async fn renew_names(db: &mut SqliteConnection) -> sqlx::Result<()> {
    let users: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM users").fetch_all(&mut *db).await?;
    let keys: Vec<_> =
        users.into_iter().map(|(id, name)| (id, folding::words(&name), hex(&order_key(&name)))).collect();
    sqlx::query(
        "UPDATE users SET name_key = new.value ->> 1, name_order = unhex(new.value ->> 2)
           FROM json_each($1) AS new WHERE users.id = new.value ->> 0",
    )
    .bind(super::json_ids(&keys))
    .execute(&mut *db)
    .await?;
    let rooms: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, name FROM rooms WHERE kind <> 'direct'").fetch_all(&mut *db).await?;
    let keys: Vec<_> = rooms.into_iter().map(|(id, name)| (id, hex(&order_key(&name)))).collect();
    sqlx::query(
        "UPDATE rooms SET name_order = unhex(new.value ->> 1)
           FROM json_each($1) AS new WHERE rooms.id = new.value ->> 0",
    )
    .bind(super::json_ids(&keys))
    .execute(db)
    .await
    .map(drop)
}

async fn renew_addresses(db: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET email_key = NULL").execute(&mut *db).await?;
    for user_id in fill_address_keys(db).await? {
        tracing::warn!(
            user.id = user_id.0,
            "another user's e-mail address is now the same as this one's; this user signs in by its exact spelling"
        );
    }
    Ok(())
}

/// Gives every address without a key its own, unless another user has it: active users first, then by id. Returns the
/// users who remain without.
///
/// Called whenever an address becomes free, for those that waited for it. Bots have no address.
pub(super) async fn fill_address_keys(db: &mut SqliteConnection) -> sqlx::Result<Vec<UserId>> {
    let without: Vec<(UserId, String)> = sqlx::query_as(
        "SELECT id, email_address FROM users
          WHERE email_key IS NULL AND email_address IS NOT NULL ORDER BY status <> 0, id",
    )
    .fetch_all(&mut *db)
    .await?;
    let mut seen = HashSet::new();
    let mut keyed = Vec::new();
    let mut rest = Vec::new();
    for (user_id, email_address) in without {
        let key = folding::address(&email_address);
        if seen.insert(key.clone()) {
            keyed.push((user_id, key));
        } else {
            rest.push(user_id);
        }
    }
    if keyed.is_empty() {
        return Ok(rest);
    }
    let taken: Vec<UserId> = sqlx::query_scalar(
        "SELECT new.value ->> 0 FROM json_each($1) AS new
          WHERE EXISTS (SELECT 1 FROM users WHERE email_key = new.value ->> 1)",
    )
    .bind(super::json_ids(&keyed))
    .fetch_all(&mut *db)
    .await?;
    keyed.retain(|(user_id, _)| !taken.contains(user_id));
    sqlx::query(
        "UPDATE users SET email_key = new.value ->> 1 FROM json_each($1) AS new WHERE users.id = new.value ->> 0",
    )
    .bind(super::json_ids(&keyed))
    .execute(db)
    .await?;
    rest.extend(taken);
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::store::users::{self, find_by_email};
    use crate::store::{Tx, memberships};
    use crate::testing::{self, World};

    /// Inserts users as a version without keys did, and marks the keys of the database as those of that version.
    async fn insert_old(world: &World, people: &'static [(&'static str, &'static str, i64)]) -> Vec<UserId> {
        let insert = async move |tx: &mut Tx| {
            let mut ids = Vec::new();
            for (name, email_address, status) in people {
                let insert = "INSERT INTO users (name, email_address, password_hash, status, created_at, updated_at)
                              VALUES ($1, $2, 'x', $3, 1, 1) RETURNING id";
                let id: UserId = sqlx::query_scalar(insert)
                    .bind(*name)
                    .bind(*email_address)
                    .bind(*status)
                    .fetch_one(tx.db())
                    .await?;
                ids.push(id);
            }
            sqlx::query("UPDATE key_versions SET version = 0").execute(tx.db()).await?;
            Ok(ids)
        };
        world.state.db.write(insert).await.unwrap()
    }

    async fn signed_in_by(world: &World, email_address: &str) -> Option<UserId> {
        find_by_email(world.state.db.reader(), email_address).await.unwrap().map(|(user_id, _)| user_id)
    }

    #[tokio::test]
    async fn users_whose_addresses_have_become_the_same_each_sign_in_by_their_own() {
        let world = testing::world().await;
        let ids = insert_old(
            &world,
            &[
                ("Former", "E\u{301}lodie@example.com", 1),
                ("Élodie", "Élodie@example.com", 0),
                ("Elodie", "élodie@example.com", 0),
                ("Иван", "Иван@example.com", 0),
            ],
        )
        .await;
        let mut db = world.other_connection().await;
        renew(&mut db).await.unwrap();
        renew(&mut db).await.unwrap();
        let by = async |address| signed_in_by(&world, address).await;
        assert_eq!(by("Élodie@example.com").await, Some(ids[1]));
        assert_eq!(by("élodie@example.com").await, Some(ids[2]), "as it is written");
        assert_eq!(by("éLODIE@EXAMPLE.com").await, Some(ids[2]), "in any case of ASCII, as before");
        assert_eq!(by("ÉLODIE@example.com").await, Some(ids[1]), "otherwise the first active user");
        assert_eq!(by("ИВАН@EXAMPLE.COM").await, Some(ids[3]));
        assert_eq!(by("ADA@example.com").await, Some(world.ada.id));
        assert_eq!(by("elodie@example.com").await, None, "an accent makes another address");

        let (first, second) = (ids[1], ids[2]);
        let update = async |user_id, address: Option<&'static str>| {
            let update = async move |tx: &mut Tx| {
                let address = address.map(str::parse).transpose()?;
                Ok(users::update_profile(tx.db(), user_id, address.as_ref(), &"".parse()?, 2).await?)
            };
            world.state.db.write(update).await
        };
        assert_eq!(update(second, None).await, Ok(()), "another part of the profile");
        assert_eq!(update(second, Some("élodie@example.com")).await, Ok(()), "the same address");
        assert!(update(second, Some("ÉLODIE@EXAMPLE.COM")).await.is_err(), "the other's");
        assert_eq!(by("élodie@example.com").await, Some(second));
        assert_eq!(update(first, Some("somewhere@example.com")).await, Ok(()));
        assert_eq!(by("ÉLODIE@example.com").await, Some(ids[2]), "who waited has it now");
    }

    #[tokio::test]
    async fn names_of_older_versions_are_ordered_and_found_after_a_renewal() {
        let world = testing::world().await;
        insert_old(&world, &[("Zoë", "z@x", 0), ("Ärger 10", "a10@x", 0), ("Ärger 9", "a9@x", 0)]).await;
        let make_rooms_old = async |tx: &mut Tx| {
            Ok(sqlx::query("UPDATE rooms SET name_order = x''").execute(tx.db()).await.map(drop)?)
        };
        let zoo = world.open_closed_room("Zoo 10", &[]).await.id;
        let other = world.open_closed_room("zoo 9", &[]).await.id;
        world.state.db.write(make_rooms_old).await.unwrap();
        renew(&mut world.other_connection().await).await.unwrap();
        let reader = world.state.db.reader();
        let names: Vec<_> = users::list(reader).await.unwrap().into_iter().map(|person| person.name).collect();
        assert_eq!(names, ["Ada", "Ärger 9", "Ärger 10", "Bob", "Cleo", "Zoë"]);
        assert_eq!(users::list_called(reader, "arg").await.unwrap().len(), 2);
        let rooms = memberships::list_involvements(reader, world.ada.id).await.unwrap();
        assert_eq!(rooms.iter().map(|room| room.0).collect::<Vec<_>>(), [world.all_talk.id, other, zoo]);
    }

    #[test]
    fn keys_do_not_change_without_a_new_version() {
        let mut hash = Sha256::new();
        let letters = (0x20..0x3100).chain(0x4e00..0x4e40).chain(0xac00..0xac40).chain(0x1_f600..0x1_f640);
        for letter in letters.filter_map(char::from_u32) {
            let name = format!("{letter}a {letter}2");
            hash.update(folding::address(&name));
            hash.update(folding::words(&name));
            hash.update(order_key(&name));
        }
        // If this fails after an update of the tables of Unicode, COLLATION_VERSION or folding::VERSION has to grow:
        // the keys in existing databases are of the earlier tables.
        let digest = hex(&hash.finalize());
        assert_eq!((NAMES_VERSION, &digest[..16]), (2_001, "5cc6db272154b9c5"));
    }
}
