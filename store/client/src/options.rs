//! What a client must be told, with upstream's defaults.

use std::time::Duration;

use base::tls::ClientOptions;

/// How to reach a store and how long to try.
#[derive(Clone)]
pub struct Options {
    /// `http://host:port`, `https://host:port`, `host:port` (TLS if `tls` is set), `unix:///path` or `unixs:///path`.
    pub endpoints: Vec<String>,
    /// For `https` and `unixs`. Without it such endpoints are refused. The protocol list (ALPN) is set by the client.
    pub tls: Option<ClientOptions>,
    /// Who calls, if the store has authentication enabled.
    pub login: Option<Login>,
    /// Longest wait for a connection, TLS handshake included.
    pub dial_timeout: Duration,
    /// A silent connection is asked for a sign of life this often. Upstream's kube-apiserver uses 30 s.
    pub keepalive_interval: Duration,
    /// A connection that gives no sign of life for so long is dropped.
    pub keepalive_timeout: Duration,
    /// Longest request, in bytes.
    pub send_bytes_max: usize,
    /// Longest answer, in bytes.
    pub receive_bytes_max: usize,
    /// What may be repeated is repeated for so long.
    pub retry_for: Duration,
    /// A watch whose consumer lags by more bytes than this is stopped at the store and resumed when it has caught up.
    pub watch_bytes_max: usize,
}

/// A user and the password.
#[derive(Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// In clear: hide the connection with TLS.
    pub password: String,
}

impl Options {
    /// The defaults, for these endpoints.
    #[must_use]
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            tls: None,
            login: None,
            dial_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            send_bytes_max: 2 * 1024 * 1024,
            receive_bytes_max: i32::MAX as usize,
            retry_for: Duration::from_secs(10),
            watch_bytes_max: 16 * 1024 * 1024,
        }
    }

    /// The same, with TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: ClientOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same, as this user.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some(Login {
            user: user.into(),
            password: password.into(),
        });
        self
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("endpoints", &self.endpoints)
            .field("tls", &self.tls.is_some())
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
