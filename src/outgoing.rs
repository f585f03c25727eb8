//! The client for requests that the program sends to others, and what those may reach.

use std::sync::OnceLock;

use outbound::{Client, IpNet, Policy};

/// What the client calls itself.
const USER_AGENT: &str =
    concat!("Campfire/", env!("CARGO_PKG_VERSION"), " (bot; webhooks, pushes and previews of links)");

/// The client, with the policies that the operator can widen. Costs nothing until the first request.
#[derive(Debug, Default)]
pub struct Outgoing {
    client: OnceLock<Client>,
    public: OnceLock<Policy>,
    chosen: OnceLock<Policy>,
    push: OnceLock<Policy>,
}

impl Outgoing {
    /// The client.
    pub fn client(&self) -> &Client {
        self.client.get_or_init(client)
    }

    /// The policy for URLs that anybody may have written.
    pub fn public(&self) -> &Policy {
        self.public.get_or_init(Policy::public)
    }

    /// The policy for URLs that administrators have entered.
    pub fn chosen(&self) -> &Policy {
        self.chosen.get_or_init(Policy::chosen)
    }

    /// The policy for endpoints of push services, which browsers report.
    pub fn push(&self) -> &Policy {
        self.push.get_or_init(Policy::push)
    }

    /// Lets pushes reach these networks beside the public ones. Only the first call has an effect, before any push.
    pub fn permit_pushes(&self, networks: impl IntoIterator<Item = IpNet>) {
        let _ = self.push.set(Policy::push().permitting(networks));
    }

    /// Lets requests for previews reach these networks beside the public ones. Only the first call has an effect, before
    /// any request.
    pub fn permit(&self, networks: impl IntoIterator<Item = IpNet>) {
        let _ = self.public.set(Policy::public().permitting(networks));
    }
}

#[cfg(not(test))]
fn client() -> Client {
    Client::new(USER_AGENT)
}

/// Tests ask no name server.
#[cfg(test)]
fn client() -> Client {
    struct NoNames;

    impl outbound::Resolve for NoNames {
        fn resolve(&self, _: &str) -> outbound::Addresses {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    Client::new(USER_AGENT).resolving_by(NoNames)
}
