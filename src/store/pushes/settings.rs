//! What people want of pushes.

use sqlx::SqliteExecutor;

use crate::model::{PushSettings, UserId};

/// The settings of a user; the default ones if nothing was changed.
pub async fn find_settings(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<PushSettings> {
    let found = sqlx::query_as(
        "SELECT names_only, paused_until, quiet_from, quiet_to, quiet_nights, quiet_days, time_zone
           FROM push_settings WHERE user_id = $1",
    )
    .bind(user_id)
    .fetch_optional(db)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Stores the settings of a user, but for the pause.
pub async fn set_settings(db: impl SqliteExecutor<'_>, user_id: UserId, settings: &PushSettings) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO push_settings (user_id, names_only, quiet_from, quiet_to, quiet_nights, quiet_days, time_zone)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (user_id) DO UPDATE
            SET names_only = $2, quiet_from = $3, quiet_to = $4, quiet_nights = $5, quiet_days = $6, time_zone = $7",
    )
    .bind(user_id)
    .bind(settings.names_only)
    .bind(settings.quiet.from)
    .bind(settings.quiet.to)
    .bind(settings.quiet.nights)
    .bind(settings.quiet.days)
    .bind(&settings.time_zone)
    .execute(db)
    .await
    .map(drop)
}

/// Pauses the pushes of a user until a time, in milliseconds since the epoch; `None` ends the pause.
pub async fn pause(db: impl SqliteExecutor<'_>, user_id: UserId, until_ms: Option<i64>) -> sqlx::Result<()> {
    let PushSettings { quiet, .. } = PushSettings::default();
    sqlx::query(
        "INSERT INTO push_settings (user_id, paused_until, quiet_from, quiet_to) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE SET paused_until = $2",
    )
    .bind(user_id)
    .bind(until_ms)
    .bind(quiet.from)
    .bind(quiet.to)
    .execute(db)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Minute, QuietHours, Weekdays};
    use crate::testing;

    #[tokio::test]
    async fn settings_and_pause_are_kept_apart() {
        let world = testing::world().await;
        let (state, bob) = (&world.state, world.bob.id);
        let find = async || find_settings(state.db.reader(), bob).await.unwrap();
        assert_eq!(find().await, PushSettings::default());
        state.db.write(async move |tx| Ok(pause(tx.db(), bob, Some(77)).await?)).await.unwrap();
        assert_eq!(find().await, PushSettings { paused_until: Some(77), ..PushSettings::default() });
        let wanted = PushSettings {
            names_only: true,
            paused_until: None,
            quiet: QuietHours {
                from: Minute::new(18, 30).unwrap(),
                to: Minute::new(8, 0).unwrap(),
                nights: Weekdays::new(0..5),
                days: Weekdays::new([5, 6]),
            },
            time_zone: "Europe/Berlin".into(),
        };
        let stored = wanted.clone();
        state.db.write(async move |tx| Ok(set_settings(tx.db(), bob, &stored).await?)).await.unwrap();
        assert_eq!(find().await, PushSettings { paused_until: Some(77), ..wanted.clone() });
        state.db.write(async move |tx| Ok(pause(tx.db(), bob, None).await?)).await.unwrap();
        assert_eq!(find().await, wanted);
        assert_eq!(find_settings(state.db.reader(), world.ada.id).await.unwrap(), PushSettings::default());
    }
}
