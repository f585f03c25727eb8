//! Tests of permissions that end while a write that needs them is on its way: each pair a thousand times, in an order
//! that a seed decides. Triggers log what is written in the order of the commits.

use sqlx::AssertSqlSafe;

use super::sessions::{SessionActivity, SignIn};
use super::users::{NewPassword, OtherSessions, ProfileChange};
use super::{accounts, boosts, memberships, messages, rooms, sessions, users};
use crate::access::{CurrentUser, Member};
use crate::model::{ClientMessageId, MessageId, Password, Role, Status, User, UserId};
use crate::store::{self, Tx};
use crate::testing::{self, PASSWORD, World, as_administrator, current};
use crate::{AppError, AppResult};

const ROUNDS: u64 = 1_000;

/// SplitMix64, to be the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}

/// Runs both, each after a random number of round trips to the database: what an operation reads before it writes takes
/// one or two.
async fn race<A, B>(
    world: &World,
    random: &mut Random,
    one: impl Future<Output = A>,
    other: impl Future<Output = B>,
) -> (A, B) {
    let later = async |trips| {
        for _ in 0..trips {
            store::users::find(world.state.db.reader(), UserId(1)).await.unwrap();
        }
    };
    let (first, second) = (random.below(6), random.below(6));
    tokio::join!(
        async {
            later(first).await;
            one.await
        },
        async {
            later(second).await;
            other.await
        }
    )
}

/// Makes the database log what `AFTER {event}` describes as `{what}`, an SQL expression.
async fn log(world: &World, triggers: &[(&str, &str)]) {
    let mut sql = "CREATE TABLE written (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL);".to_owned();
    for (number, (event, what)) in triggers.iter().enumerate() {
        sql += &format!(
            "CREATE TRIGGER written_{number} AFTER {event} BEGIN INSERT INTO written (what) VALUES ({what}); END;"
        );
    }
    let create = async move |tx: &mut Tx| Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx.db()).await.map(drop)?);
    world.state.db.write(create).await.unwrap();
}

/// What was logged, in the order of the commits. Checks that `done` was never written between `ended` and `began`.
async fn check(world: &World, began: &str, ended: &str, done: &str) -> usize {
    let written: Vec<String> =
        sqlx::query_scalar("SELECT what FROM written ORDER BY id").fetch_all(world.state.db.reader()).await.unwrap();
    let mut may = true;
    let mut count = 0;
    for what in written {
        if what == began {
            may = true;
        } else if what == ended {
            may = false;
        } else if what == done {
            assert!(may, "{done} after {ended}");
            count += 1;
        }
    }
    count
}

/// Counts the results of the racing write, which must be a success or this error.
#[derive(Default)]
struct Outcomes {
    success_count: usize,
    refusal_count: usize,
}

impl Outcomes {
    fn add<T: std::fmt::Debug>(&mut self, result: AppResult<T>, refusal: &AppError) {
        match result {
            Ok(_) => self.success_count += 1,
            Err(error) if error == *refusal => self.refusal_count += 1,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Both happened often enough to mean something, and each success was written.
    fn check(&self, written_count: usize) {
        let Self { success_count, refusal_count } = self;
        assert!(
            *success_count > 100 && *refusal_count > 100,
            "{success_count} succeeded, {refusal_count} were refused"
        );
        assert_eq!(written_count, *success_count);
    }
}

const ROLE: (&str, &str) = ("UPDATE OF role ON users WHEN NEW.id = 2", "'role ' || NEW.role");

/// Bob is demoted while `write` is on its way with his rights as an administrator. It gets a message of Cleo's.
async fn demote_against(
    seed: u64,
    event: (&str, &str),
    mut write: impl AsyncFnMut(&World, &Member, MessageId, u64) -> AppResult<()>,
) {
    let world = testing::world_in_memory().await;
    log(&world, &[ROLE, event]).await;
    let ada = as_administrator(&world.ada);
    let bob = User { role: Role::Administrator, ..world.bob.clone() };
    let mut random = Random(seed);
    let mut outcomes = Outcomes::default();
    for round in 0..ROUNDS {
        users::change_role(&world.state, &ada, bob.id, Role::Administrator).await.unwrap();
        let member = Member { user: bob.clone(), ..world.member(&world.bob, world.all_talk.id).await };
        let message = world.post(&world.cleo, world.all_talk.id, "hello").await;
        let demote = users::change_role(&world.state, &ada, bob.id, Role::Member);
        let (demoted, written) = race(&world, &mut random, demote, write(&world, &member, message.id, round)).await;
        demoted.unwrap();
        outcomes.add(written, &AppError::Forbidden);
    }
    outcomes.check(check(&world, "role 1", "role 0", "done").await);
}

#[tokio::test]
async fn a_demoted_administrator_edits_no_more() {
    let event = ("UPDATE OF body_source ON messages", "'done'");
    demote_against(1, event, async |world: &World, member: &Member, message_id, round| {
        messages::edit(&world.state, member, message_id, format!("edit {round}").parse().unwrap()).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_demoted_administrator_deletes_no_more() {
    demote_against(2, ("DELETE ON messages", "'done'"), async |world: &World, member: &Member, message_id, _| {
        messages::remove(&world.state, member, message_id).await
    })
    .await;
}

#[tokio::test]
async fn a_demoted_administrator_renames_no_room_any_more() {
    let event = ("UPDATE OF name ON rooms", "'done'");
    demote_against(3, event, async |world: &World, member: &Member, _, round| {
        let name = format!("Room {round}").parse().unwrap();
        rooms::change(&world.state, member, name, rooms::Audience::Everyone).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_demoted_administrator_changes_the_account_no_more() {
    let event = ("UPDATE OF name ON accounts", "'done'");
    demote_against(4, event, async |world: &World, _: &Member, _, round| {
        accounts::rename(&world.state, &as_administrator(&world.bob), format!("Name {round}").parse().unwrap()).await
    })
    .await;
}

/// Bob leaves a closed room while `write` is on its way with his membership. It gets a message of his.
async fn leave_against(
    seed: u64,
    event: (&str, &str),
    mut write: impl AsyncFnMut(&World, &Member, MessageId, u64) -> AppResult<()>,
) {
    let world = testing::world_in_memory().await;
    let room = world.open_closed_room("Room", &[&world.bob]).await;
    let ended = ("DELETE ON memberships WHEN OLD.user_id = 2", "'left'");
    log(&world, &[("INSERT ON memberships WHEN NEW.user_id = 2", "'joined'"), ended, event]).await;
    let ada = world.member(&world.ada, room.id).await;
    let everybody = rooms::Audience::Chosen(vec![world.ada.id, world.bob.id]);
    let mut random = Random(seed);
    let mut outcomes = Outcomes::default();
    for round in 0..ROUNDS {
        rooms::change(&world.state, &ada, "Room".parse().unwrap(), everybody.clone()).await.unwrap();
        let member = world.member(&world.bob, room.id).await;
        let message = world.post(&world.bob, room.id, "hello").await;
        let leave = memberships::leave(&world.state, &member);
        let (left, written) = race(&world, &mut random, leave, write(&world, &member, message.id, round)).await;
        left.unwrap();
        outcomes.add(written, &AppError::NotFound);
    }
    outcomes.check(check(&world, "joined", "left", "done").await);
}

#[tokio::test]
async fn nobody_boosts_in_a_room_that_they_left() {
    leave_against(5, ("INSERT ON boosts", "'done'"), async |world: &World, member: &Member, message_id, _| {
        boosts::boost(&world.state, member, message_id, "👍".parse().unwrap()).await
    })
    .await;
}

#[tokio::test]
async fn nobody_edits_in_a_room_that_they_left() {
    let event = ("UPDATE OF body_source ON messages", "'done'");
    leave_against(6, event, async |world: &World, member: &Member, message_id, round| {
        messages::edit(&world.state, member, message_id, format!("edit {round}").parse().unwrap()).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn nobody_posts_after_they_were_removed() {
    let world = testing::world_in_memory().await;
    let status = ("UPDATE OF status ON users WHEN NEW.id = 2", "'status ' || NEW.status");
    log(&world, &[status, ("INSERT ON messages", "'done'")]).await;
    let (bob, room_id) = (world.bob.id, world.all_talk.id);
    let member = world.member(&world.bob, room_id).await;
    let mut random = Random(7);
    let mut outcomes = Outcomes::default();
    for round in 0..ROUNDS {
        let restore = async move |tx: &mut Tx| {
            store::users::update_status(tx.db(), bob, Status::Active, 1).await?;
            store::users::update_email(tx.db(), bob, "bob@example.com").await?;
            Ok(store::memberships::grant_open_rooms(tx.db(), bob, 1).await.map(drop)?)
        };
        world.state.db.write(restore).await.unwrap();
        let id = ClientMessageId::v7(round, [7; 10]);
        let ada = as_administrator(&world.ada);
        let deactivate = users::deactivate(&world.state, &ada, bob);
        let post = messages::post(&world.state, &member, id, "hello".parse().unwrap());
        let (deactivated, posted) = race(&world, &mut random, deactivate, post).await;
        deactivated.unwrap();
        outcomes.add(posted, &AppError::NotFound);
    }
    outcomes.check(check(&world, "status 0", "status 1", "done").await);
}

/// Bob is signed out everywhere while `write` is on its way with his session. It gets a message of his.
async fn sign_out_against(
    seed: u64,
    event: (&str, &str),
    mut write: impl AsyncFnMut(&World, &Member, MessageId, u64) -> AppResult<()>,
) {
    let world = testing::world_in_memory().await;
    let began = ("INSERT ON sessions WHEN NEW.user_id = 2", "'began'");
    let ended = ("DELETE ON sessions WHEN OLD.user_id = 2", "'ended'");
    log(&world, &[began, ended, event]).await;
    let (bob, room_id) = (world.bob.id, world.all_talk.id);
    let mut random = Random(seed);
    let mut outcomes = Outcomes::default();
    for round in 0..ROUNDS {
        let begin = async move |tx: &mut Tx| {
            let activity = SessionActivity { user_id: bob, ..activity() };
            Ok(store::sessions::insert(tx.db(), &[round.to_be_bytes(); 4].concat(), &activity).await?)
        };
        let message = world.post(&world.bob, room_id, "hello").await;
        let session_id = world.state.db.write(begin).await.unwrap();
        let current = CurrentUser { session_id, ..current(&world.bob) };
        let member = world.state.members.find(&current, room_id).await.unwrap();
        let end = async move |tx: &mut Tx| Ok(sessions::end_all(tx, bob, None).await.map(drop)?);
        let (ended, written) =
            race(&world, &mut random, world.state.db.write(end), write(&world, &member, message.id, round)).await;
        ended.unwrap();
        outcomes.add(written, &AppError::SignedOut);
    }
    outcomes.check(check(&world, "began", "ended", "done").await);
}

#[tokio::test]
async fn nobody_posts_with_a_session_that_has_ended() {
    // Not the message that each round begins with, which is sent without a session.
    let event = ("INSERT ON messages WHEN NEW.body_source = 'late'", "'done'");
    sign_out_against(20, event, async |world: &World, member: &Member, _, round| {
        let id = ClientMessageId::v7(round, [8; 10]);
        messages::post(&world.state, member, id, "late".parse().unwrap()).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn nobody_edits_with_a_session_that_has_ended() {
    let event = ("UPDATE OF body_source ON messages", "'done'");
    sign_out_against(21, event, async |world: &World, member: &Member, message_id, round| {
        messages::edit(&world.state, member, message_id, format!("edit {round}").parse().unwrap()).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn nobody_boosts_with_a_session_that_has_ended() {
    sign_out_against(22, ("INSERT ON boosts", "'done'"), async |world: &World, member: &Member, message_id, _| {
        boosts::boost(&world.state, member, message_id, "👍".parse().unwrap()).await
    })
    .await;
}

#[tokio::test]
async fn nobody_opens_a_room_with_a_session_that_has_ended() {
    let event = ("INSERT ON rooms", "'done'");
    sign_out_against(23, event, async |world: &World, member: &Member, _, round| {
        let session_id = member.credential.session_id().unwrap();
        let current = CurrentUser { session_id, ..current(&member.user) };
        let name = format!("Room {round}").parse().unwrap();
        let room = rooms::open(&world.state, &current, name, rooms::Audience::Everyone).await?;
        // A person can make 200.
        let remove = async move |tx: &mut Tx| Ok(store::rooms::remove(tx.db(), room.id).await?);
        world.state.db.write(remove).await
    })
    .await;
}

#[tokio::test]
async fn a_retry_with_a_session_that_has_ended_is_refused() {
    let world = testing::world_in_memory().await;
    let (state, room_id) = (&world.state, world.all_talk.id);
    let member = state.members.find(&current(&world.bob), room_id).await.unwrap();
    let id = ClientMessageId::v7(1, [9; 10]);
    let post = async || messages::post(state, &member, id.clone(), "hello".parse().unwrap()).await;
    post().await.unwrap();
    let end = async |tx: &mut Tx| Ok(sessions::end_all(tx, UserId(2), None).await.map(drop)?);
    state.db.write(end).await.unwrap();
    assert_eq!(post().await, Err(AppError::SignedOut));
}

fn activity() -> SessionActivity {
    SessionActivity {
        user_id: UserId(0),
        ip_address: String::new(),
        user_agent: String::new(),
        last_active_at: 1,
        expires_at: i64::MAX,
    }
}

/// Signs in with `sign_in` under a token of its own.
async fn begin(world: &World, sign_in: SignIn, number: u64) -> AppResult<()> {
    let mut token_hash = [9; 32];
    token_hash[..8].copy_from_slice(&number.to_be_bytes());
    sessions::begin(&world.state, sign_in, token_hash, activity(), None).await
}

async fn session_count(world: &World, current: &CurrentUser) -> usize {
    sessions::list(&world.state, current).await.unwrap().len()
}

#[tokio::test]
async fn no_sign_in_survives_the_sign_out_of_all_other_devices() {
    let world = testing::world_in_memory().await;
    let bob = current(&world.bob);
    let mut random = Random(8);
    let mut outcomes = Outcomes::default();
    for round in 0..ROUNDS {
        // What `authenticate` returns once the password is verified.
        let credentials = store::users::credentials(world.state.db.reader(), bob.user.id).await.unwrap().unwrap();
        let sign_in = SignIn::by_password(credentials);
        let revoke = sessions::revoke_others(&world.state, &bob);
        let (revoked, begun) = race(&world, &mut random, revoke, begin(&world, sign_in, round)).await;
        assert_eq!(revoked, Ok(usize::from(begun.is_ok())));
        outcomes.add(begun, &AppError::SignedOut);
        assert_eq!(session_count(&world, &bob).await, 1, "the device that signed the others out");
    }
    outcomes.check(outcomes.success_count);
}

#[tokio::test]
async fn no_sign_in_with_the_old_password_survives_a_new_one() {
    let world = testing::world_in_memory().await;
    let bob = current(&world.bob);
    let mut random = Random(9);
    for round in 0..10 {
        let password = || PASSWORD.parse::<Password>().unwrap();
        let change = ProfileChange {
            name: "Bob".parse().unwrap(),
            email_address: None,
            bio: "".parse().unwrap(),
            password: Some(NewPassword { password: password(), others: OtherSessions::Ended }),
            present_password: Some(password()),
            from: testing::LOCAL,
        };
        let sign_in =
            sessions::authenticate(&world.state, "bob@example.com", password(), testing::LOCAL).await.unwrap();
        let change = users::update_profile(&world.state, &bob, change);
        let (changed, _) = race(&world, &mut random, change, begin(&world, sign_in.clone(), round)).await;
        changed.unwrap();
        assert_eq!(begin(&world, sign_in, round + 100).await, Err(AppError::SignedOut));
        assert_eq!(session_count(&world, &bob).await, 1);
    }
}

#[tokio::test]
async fn a_session_that_was_signed_out_changes_nothing_any_more() {
    let world = testing::world_in_memory().await;
    let state = &world.state;
    let bob = current(&world.bob);
    let ended =
        async move |tx: &mut Tx| Ok(store::sessions::remove_all_of(tx.db(), UserId(2), None).await.map(drop)?);
    state.db.write(ended).await.unwrap();
    let change = ProfileChange {
        name: "Robert".parse().unwrap(),
        email_address: None,
        bio: "".parse().unwrap(),
        password: None,
        present_password: None,
        from: testing::LOCAL,
    };
    assert_eq!(users::update_profile(state, &bob, change).await, Err(AppError::SignedOut));
    assert_eq!(sessions::revoke_others(state, &bob).await, Err(AppError::SignedOut));
    assert_eq!(super::searches::remember(state, &bob, "x").await, Err(AppError::SignedOut));
    let administrator = as_administrator(&world.bob);
    assert_eq!(users::deactivate(state, &administrator, world.ada.id).await, Err(AppError::SignedOut));
}
