//! Environment variables of ONCE Campfire, for who moves in with the settings that they have. Those that mean the same are
//! taken where ours are not set; those of no use here are named once.

use std::env;

use super::tls::{Tls, parse_domain};

/// Completes the options by those of the reference's variables that have none of ours beside them.
///
/// # Errors
/// If one of them is not understood, in words.
pub fn complete(options: &mut Tls) -> Result<(), String> {
    complete_from(options, variable)
}

/// The domains that the variables ask TLS for.
pub fn tls_domains(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    variable("TLS_DOMAIN").filter(|_| variable("DISABLE_SSL").is_none())
}

/// A variable of the environment that has a value.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn complete_from(options: &mut Tls, variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    if variable("SECRET_KEY_BASE").is_some() {
        tracing::info!("SECRET_KEY_BASE is ignored: the keys are in the data folder");
    }
    let Some(domains) = tls_domains(&variable) else {
        if variable("TLS_DOMAIN").is_some() {
            tracing::info!("TLS_DOMAIN is ignored, because DISABLE_SSL is set");
        }
        return Ok(());
    };
    if !options.is_wanted() {
        let domains = domains.split(',').filter(|domain| !domain.trim().is_empty());
        let parsed =
            domains.map(|domain| parse_domain(domain).map_err(|error| format!("TLS_DOMAIN: {domain}: {error}")));
        options.domains = parsed.collect::<Result<_, _>>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::{Cli, Command};

    fn domains(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let cli = Cli::try_parse_from(["campfire"].iter().chain(arguments)).unwrap();
        let Command::Serve(mut options) = cli.command() else { panic!("another command") };
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        complete_from(&mut options.tls, find).map(|()| options.tls.domains)
    }

    #[test]
    fn the_domains_of_the_reference_are_taken_unless_there_are_others_or_no_tls_is_wanted() {
        let reference = ("TLS_DOMAIN", "a.example, b.example,");
        assert_eq!(domains(&[], &[reference]).unwrap(), ["a.example", "b.example"]);
        assert_eq!(domains(&["--domain", "c.example"], &[reference]).unwrap(), ["c.example"]);
        assert!(domains(&["--tls-cert", "a", "--tls-key", "b"], &[reference]).unwrap().is_empty());
        assert!(domains(&[], &[reference, ("DISABLE_SSL", "true")]).unwrap().is_empty());
        assert!(domains(&[], &[("SECRET_KEY_BASE", "abc")]).unwrap().is_empty());
        assert!(domains(&[], &[("TLS_DOMAIN", "a b")]).unwrap_err().contains("TLS_DOMAIN: a b"));
    }
}
