//! The token that proves who calls: fetched when first needed, dropped when the store refuses it.

use parking_lot::Mutex;
use proto::etcd::AuthenticateRequest;
use proto::fault::Fault;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

use crate::client::Core;
use crate::retry::Repeat;
use crate::{Error, Result};

/// The metadata key under which the store looks for it.
const METADATA: &str = "token";

/// The token of a client, if it has a login at all.
pub(crate) struct Token {
    held: Mutex<Held>,
    /// Held while one is fetched, so that a hundred calls fetch one token and not a hundred.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    generation: u64,
    state: State,
}

#[derive(Clone)]
enum State {
    Unknown,
    /// The store has authentication switched off: calls go without.
    NotNeeded,
    Is(MetadataValue<Ascii>),
}

impl Token {
    pub(crate) fn new() -> Self {
        Self {
            held: Mutex::new(Held {
                generation: 0,
                state: State::Unknown,
            }),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Puts the token into a request. Gives the token's generation, for [`Token::expire`], if there is a login.
    pub(crate) async fn attach<Q>(&self, core: &Core, request: &mut Request<Q>) -> Result<Option<u64>> {
        if core.options.login.is_none() {
            return Ok(None);
        }
        let mut held = self.held.lock().clone();
        if matches!(held.state, State::Unknown) {
            let _one = self.fetching.lock().await;
            held = self.held.lock().clone();
            if matches!(held.state, State::Unknown) {
                held = Held {
                    generation: held.generation + 1,
                    state: fetch(core).await?,
                };
                *self.held.lock() = held.clone();
            }
        }
        if let State::Is(token) = held.state {
            request.metadata_mut().insert(METADATA, token);
        }
        Ok(Some(held.generation))
    }

    /// The store refused the token of this generation: the next call fetches another.
    pub(crate) fn expire(&self, generation: Option<u64>) {
        let mut held = self.held.lock();
        if generation == Some(held.generation) {
            held.state = State::Unknown;
        }
    }
}

async fn fetch(core: &Core) -> Result<State> {
    let Some(login) = &core.options.login else {
        return Ok(State::NotNeeded);
    };
    let request = AuthenticateRequest {
        name: login.user.clone(),
        password: login.password.clone(),
    };
    // Nothing is changed at the store by logging in twice.
    let answer = core
        .call_unauthenticated(Repeat::Safe, request, |link, request| async move {
            link.auth().authenticate(request).await
        })
        .await;
    match answer {
        Ok(answer) => answer
            .token
            .parse()
            .map(State::Is)
            .map_err(|_| Error::Malformed("a token that is no metadata value".to_owned())),
        Err(Error::Fault(Fault::AuthNotEnabled)) => Ok(State::NotNeeded),
        Err(error) => Err(error),
    }
}
