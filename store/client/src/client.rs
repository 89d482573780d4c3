//! The client itself: what its calls share, and its end.

use std::sync::Arc;

use base::task::Tasks;
use base::tls::{ClientOptions, ClientTls};
use parking_lot::RwLock;

use crate::channel::Endpoints;
use crate::lease::Renewals;
use crate::token::Token;
use crate::watch::Hubs;
use crate::{Error, Options, Result};

/// A client of an etcd v3 store. Cheap to clone; all clones share connections, the watch stream and the renewals.
///
/// Its tasks end when the [`Tasks`] it was given are shut down or the last clone is dropped.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

/// What belongs to the owner of a client. Its tasks hold the [`Core`] only, so that they end with the last clone.
pub(crate) struct Inner {
    pub(crate) core: Arc<Core>,
    pub(crate) tasks: Tasks,
    pub(crate) hubs: Hubs,
    pub(crate) renewals: Renewals,
}

/// What a call needs.
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) token: Token,
    tls: Option<ClientTls>,
    endpoints: RwLock<Arc<Endpoints>>,
}

impl Client {
    /// Makes a client. Connections are opened when they are first needed: a store that is down is no error yet.
    ///
    /// # Errors
    /// [`Error::Options`] if there is no endpoint, one cannot be read or needs TLS without any, or the TLS files are
    /// not usable.
    pub fn new(options: Options, tasks: &Tasks) -> Result<Self> {
        let tls = match &options.tls {
            // A gRPC server may refuse a connection that does not ask for HTTP/2.
            Some(tls) => Some(
                ClientTls::new(ClientOptions {
                    alpn: vec![b"h2".to_vec()],
                    ..tls.clone()
                })
                .map_err(|error| Error::Options(error.to_string()))?,
            ),
            None => None,
        };
        let endpoints = RwLock::new(Arc::new(Endpoints::new(&options, tls.as_ref())?));
        let core = Arc::new(Core {
            options,
            token: Token::new(),
            tls,
            endpoints,
        });
        let inner = Inner {
            core,
            tasks: tasks.child(),
            hubs: Hubs::default(),
            renewals: Renewals::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A client with the same login and TLS that talks to one endpoint only: status, hashes and defragmentation are
    /// a member's own.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn at(&self, endpoint: impl Into<String>) -> Result<Self> {
        let options = Options {
            endpoints: vec![endpoint.into()],
            ..self.inner.core.options.clone()
        };
        Self::new(options, &self.inner.tasks)
    }

    /// Uses other endpoints from the next call on. Streams that are open stay where they are until they break.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn set_endpoints<E: Into<String>>(&self, endpoints: impl IntoIterator<Item = E>) -> Result<()> {
        let core = &self.inner.core;
        let endpoints = endpoints.into_iter().map(Into::into).collect();
        let options = Options {
            endpoints,
            ..core.options.clone()
        };
        *core.endpoints.write() = Arc::new(Endpoints::new(&options, core.tls.as_ref())?);
        Ok(())
    }

    /// Ends every watch and renewal of this client and waits for its tasks.
    pub async fn close(&self) {
        self.inner.tasks.shutdown().await;
    }

    pub(crate) fn core(&self) -> &Core {
        &self.inner.core
    }
}

impl Core {
    pub(crate) fn endpoints(&self) -> Arc<Endpoints> {
        Arc::clone(&self.endpoints.read())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.core().options).finish()
    }
}
