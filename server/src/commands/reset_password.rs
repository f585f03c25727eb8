//! `campfire reset-password`: the operator's way back in for somebody who has forgotten the password.

use std::error::Error;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

use campfire::model::{Password, User};
use campfire::{AppError, ops};

use super::{ResetPassword, output};

/// Asks for the new password, and stores it.
///
/// # Errors
/// If there is no data, nobody with that address, or no acceptable password, with the reason.
pub async fn run(options: ResetPassword) -> Result<(), Box<dyn Error>> {
    let ResetPassword { email_address, data } = options;
    let password = read_password()?;
    let user = reset(&data, &email_address, &password).await?;
    output::print(&format!("{} has a new password and is signed out everywhere.", user.name));
    Ok(())
}

/// Stores a new password for the user with this address in the data folder.
///
/// # Errors
/// If there is no data, nobody with that address, or the password is not acceptable, with the reason.
pub async fn reset(folder: &Path, email_address: &str, password: &Password) -> Result<User, Box<dyn Error>> {
    let state = super::open(folder).await?;
    match ops::users::reset_password(&state, email_address, password).await {
        Ok(user) => Ok(user),
        Err(AppError::NotFound) => Err(format!("nobody signs in with {email_address}").into()),
        Err(error) => Err(error.to_string().into()),
    }
}

/// The new password: asked for twice on a terminal, else the first line of the standard input.
fn read_password() -> Result<Password, Box<dyn Error>> {
    let input = std::io::stdin();
    let entered = if input.is_terminal() {
        let entered = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("Again: ")? != entered {
            return Err("these are two different passwords".into());
        }
        entered
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    entered.parse().map_err(|error: AppError| error.to_string().into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use campfire::clock::Clock;
    use campfire::ops::accounts::Registration;
    use campfire::state::AppState;

    use super::*;

    #[tokio::test]
    async fn a_password_is_reset_while_the_chat_is_served_and_never_in_an_empty_folder() {
        let folder = tempfile::tempdir().unwrap();
        let new: Password = "another horse".parse().unwrap();
        let missing = reset(folder.path(), "ada@example.com", &new).await.unwrap_err().to_string();
        assert!(missing.starts_with("there is no Campfire in"), "{missing}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");

        let served = AppState::open(folder.path(), Clock::System).await.unwrap();
        let registration = Registration {
            name: "Ada".parse().unwrap(),
            email_address: "ada@example.com".parse().unwrap(),
            password: "correct horse".parse().unwrap(),
            from: Ipv4Addr::LOCALHOST.into(),
        };
        ops::accounts::set_up(&served, registration).await.unwrap();
        let nobody = reset(folder.path(), "bob@example.com", &new).await.unwrap_err().to_string();
        assert_eq!(nobody, "nobody signs in with bob@example.com");
        let common = reset(folder.path(), "ada@example.com", &"password1".parse().unwrap()).await.unwrap_err();
        assert!(common.to_string().contains("tried first"), "{common}");
        assert_eq!(reset(folder.path(), "ADA@example.com", &new).await.unwrap().name, "Ada");
        let sign_in = async |password: &str| {
            let password = Password::to_check(password.into());
            ops::sessions::authenticate(&served, "ada@example.com", password, Ipv4Addr::LOCALHOST.into()).await
        };
        assert!(sign_in("another horse").await.is_ok());
        assert_eq!(sign_in("correct horse").await.err(), Some(AppError::SignedOut));
    }
}
