//! Names that look alike. Two people may have the same name, but nobody may pose as somebody else: who takes a name that
//! looks like that of another active user gets it with a number, like `Ada (2)`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton as confusable_skeleton;

use crate::AppResult;
use crate::model::{UserId, UserName};
use crate::store::{self, Db, Tx};

/// Number of names that one write of [`mark_stored`] works out.
const BATCH_SIZE: i64 = 500;

/// What a name looks like: without the differences between letters that look alike in some script (UTS #39), small and
/// capital letters, accents, and whatever is neither a letter nor a digit.
fn skeleton(name: &str) -> String {
    let lowercase = name.nfkc().flat_map(char::to_lowercase).collect::<String>();
    let letters: String = lowercase.chars().filter(|character| character.is_alphanumeric()).collect();
    // Names of emoji alone.
    let compared = if letters.is_empty() { &lowercase } else { &letters };
    // The skeleton of some letters, like that of י, is punctuation.
    let bones = confusable_skeleton(compared).flat_map(char::to_lowercase).filter(|mark| !is_combining_mark(*mark));
    // A capital i looks like a small L, and both are small letters here.
    bones.map(|character| if character == 'i' { 'l' } else { character }).collect()
}

/// Stores `name` as that of the user, with a number if it looks like that of another active user.
///
/// # Errors
/// When the database does not answer.
pub async fn store(tx: &mut Tx, user_id: UserId, name: &UserName) -> AppResult<UserName> {
    let mut number = 1;
    loop {
        let stored = if number == 1 { name.clone() } else { name.numbered(number) };
        let skeleton = skeleton(stored.as_str());
        if !store::users::is_skeleton_taken(tx.db(), &skeleton, Some(user_id)).await? {
            store::users::update_name(tx.db(), user_id, &stored, &skeleton).await?;
            return Ok(stored);
        }
        number += 1;
    }
}

/// Works out the skeletons of names that were stored without one, by an older version or another program, those with
/// the lowest ids first.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_stored(db: &Db) -> AppResult<()> {
    while !store::users::list_without_skeleton(db.reader(), 1).await?.is_empty() {
        let mark = async |tx: &mut Tx| {
            for (user_id, name) in store::users::list_without_skeleton(tx.db(), BATCH_SIZE).await? {
                store(tx, user_id, &UserName::stored(name)).await?;
            }
            Ok(())
        };
        db.write(mark).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::testing;

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (one, other) in [
            ("Ada", "ADA"),
            ("Ada", "Аdа"),
            ("Ada", "A d a."),
            ("Ada", "Àdā"),
            ("Ada", "Ａｄａ"),
            ("Ada Lovelace", "Ada\u{a0}LoveIace"),
            ("Paul", "Pau1"),
            ("Ida", "ida"),
            ("Marna", "Mama"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("Ada", "Ida"), ("Ada", "Ada (2)"), ("王小明", "王小月"), ("🦊", "🐻"), ("דנה", "דינה")]
        {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[tokio::test]
    async fn a_name_like_another_active_users_gets_a_number() {
        let world = testing::world().await;
        let (bob, cleo) = (world.bob.id, world.cleo.id);
        let take = async |user_id, name: &str| {
            let name: UserName = name.parse().unwrap();
            let stored = world.state.db.write(async move |tx: &mut Tx| store(tx, user_id, &name).await).await.unwrap();
            stored.as_str().to_owned()
        };
        assert_eq!(take(bob, "ada").await, "ada (2)");
        assert_eq!(take(cleo, "Аda").await, "Аda (3)");
        assert_eq!(take(bob, "ada (2)").await, "ada (2)", "their own");
        assert_eq!(take(bob, "Bob").await, "Bob");
        let long = "x".repeat(100);
        assert_eq!(take(bob, &long).await, long);
        assert_eq!(take(cleo, &long).await, format!("{} (2)", "x".repeat(96)));
        let ban = async move |tx: &mut Tx| Ok(store::users::update_status(tx.db(), bob, Status::Banned, 1).await?);
        world.state.db.write(ban).await.unwrap();
        assert_eq!(take(cleo, &long).await, long, "the name of somebody who is no longer active");
    }

    #[tokio::test]
    async fn names_of_an_older_version_are_marked_from_the_oldest_user_on() {
        let world = testing::world().await;
        let older = async |tx: &mut Tx| {
            let all_ada = "UPDATE users SET name = 'Ada', name_skeleton = NULL";
            Ok(sqlx::query(all_ada).execute(tx.db()).await.map(drop)?)
        };
        world.state.db.write(older).await.unwrap();
        mark_stored(&world.state.db).await.unwrap();
        let mut names: Vec<_> = store::users::list(world.state.db.reader()).await.unwrap();
        names.sort_by_key(|person| person.id);
        assert_eq!(names.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["Ada", "Ada (2)", "Ada (3)"]);
    }
}
