//! The flags that say which servers are measured, how they are reached, and how they are started.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::kubeconfig;
use crate::api::client::Access;

/// A server as the flags describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    url: Option<String>,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    certificate_authority: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
    insecure: bool,
    pub(crate) server_command: Option<String>,
    pub(crate) store_command: Option<String>,
    pub(crate) server_pids: Vec<u32>,
    pub(crate) store_pids: Vec<u32>,
}

/// Both servers have the same flags under other names; the names of flags are also their ids.
macro_rules! endpoint_flags {
    (
        $(#[$meta:meta])* $flags:ident, under $heading:literal, called $usual:literal, prefix $prefix:literal,
        url $url:literal, command $command:literal, pid $pid:literal
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Args)]
        pub(crate) struct $flags {
            /// Where it is: https://HOST:PORT
            #[arg(help_heading = $heading, id = $url, long = $url, value_name = "URL")]
            url: Option<String>,
            /// What it is called in the report
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "name"),
                long = concat!($prefix, "name"),
                value_name = "NAME",
                default_value = $usual
            )]
            name: String,
            /// Take address and credentials from a kubeconfig; flags go before it
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "kubeconfig"),
                long = concat!($prefix, "kubeconfig"),
                value_name = "FILE"
            )]
            kubeconfig: Option<PathBuf>,
            /// The context of the kubeconfig (default: the current one)
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "context"),
                long = concat!($prefix, "context"),
                value_name = "NAME"
            )]
            context: Option<String>,
            /// Bearer token
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "token"),
                long = concat!($prefix, "token"),
                value_name = "TOKEN"
            )]
            token: Option<String>,
            /// File with the bearer token
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "token-file"),
                long = concat!($prefix, "token-file"),
                value_name = "FILE"
            )]
            token_file: Option<PathBuf>,
            /// Authorities that are believed
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "certificate-authority"),
                long = concat!($prefix, "certificate-authority"),
                value_name = "FILE"
            )]
            certificate_authority: Option<PathBuf>,
            /// Certificate to show
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "client-certificate"),
                long = concat!($prefix, "client-certificate"),
                value_name = "FILE",
                requires = concat!($prefix, "client-key")
            )]
            client_certificate: Option<PathBuf>,
            /// Private key of the certificate
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "client-key"),
                long = concat!($prefix, "client-key"),
                value_name = "FILE",
                requires = concat!($prefix, "client-certificate")
            )]
            client_key: Option<PathBuf>,
            /// Believe any server
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "insecure"),
                long = concat!($prefix, "insecure-skip-tls-verify")
            )]
            insecure: bool,
            /// Start it with this command; {port}, {folder}, {cert}, {key}, {ca}, {token-file} and others are filled in
            #[arg(
                help_heading = $heading,
                id = $command,
                long = $command,
                value_name = "COMMAND",
                conflicts_with = $pid
            )]
            server_command: Option<String>,
            /// Start the store behind it with this command, before it: {store-port}, {store-peer-port}, {folder}
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "store-command"),
                long = concat!($prefix, "store-command"),
                value_name = "COMMAND",
                requires = $command
            )]
            store_command: Option<String>,
            /// Its processes, to measure them: ids with commas between them
            #[arg(help_heading = $heading, id = $pid, long = $pid, value_name = "PID", value_delimiter = ',')]
            server_pids: Vec<u32>,
            /// The processes of its store
            #[arg(
                help_heading = $heading,
                id = concat!($prefix, "store-pid"),
                long = concat!($prefix, "store-pid"),
                value_name = "PID",
                value_delimiter = ',',
                conflicts_with = concat!($prefix, "store-command")
            )]
            store_pids: Vec<u32>,
        }

        impl From<&$flags> for Endpoint {
            fn from(flags: &$flags) -> Self {
                let flags = flags.clone();
                Self {
                    name: flags.name,
                    url: flags.url,
                    kubeconfig: flags.kubeconfig,
                    context: flags.context,
                    token: flags.token,
                    token_file: flags.token_file,
                    certificate_authority: flags.certificate_authority,
                    client_certificate: flags.client_certificate,
                    client_key: flags.client_key,
                    insecure: flags.insecure,
                    server_command: flags.server_command,
                    store_command: flags.store_command,
                    server_pids: flags.server_pids,
                    store_pids: flags.store_pids,
                }
            }
        }
    };
}

endpoint_flags!(
    /// The server that is measured.
    ServerFlags, under "Server", called "server", prefix "",
    url "server", command "server-command", pid "server-pid"
);
endpoint_flags!(
    /// The server that it is compared with.
    PeerFlags, under "Peer, a second server to compare with", called "peer", prefix "peer-",
    url "peer", command "peer-command", pid "peer-pid"
);

impl Endpoint {
    /// Whether anything says where the server is.
    pub(crate) fn is_given(&self) -> bool {
        self.url.is_some() || self.kubeconfig.is_some() || self.server_command.is_some()
    }

    /// Takes the credentials of another server if it has none of its own, and is neither started here nor in a kubeconfig.
    pub(crate) fn or_credentials_of(mut self, other: &Self) -> Self {
        let alone = Self {
            name: self.name.clone(),
            url: self.url.clone(),
            server_pids: self.server_pids.clone(),
            store_pids: self.store_pids.clone(),
            ..Self::default()
        };
        if self == alone {
            self = Self {
                token: other.token.clone(),
                token_file: other.token_file.clone(),
                certificate_authority: other.certificate_authority.clone(),
                client_certificate: other.client_certificate.clone(),
                client_key: other.client_key.clone(),
                insecure: other.insecure,
                ..self
            };
        }
        self
    }

    /// How it is reached, as far as flags and kubeconfig say so. Certificates of the kubeconfig are written to `folder`.
    ///
    /// # Errors
    /// Nothing says where it is, or a file cannot be read.
    pub(crate) fn access(&self, folder: &Path) -> anyhow::Result<Access> {
        if !self.is_given() {
            bail!("nothing says which server to measure: give --server, --kubeconfig or --server-command");
        }
        let mut access = match &self.kubeconfig {
            Some(path) => kubeconfig::read(path, self.context.as_deref(), &folder.join("kubeconfig"))?,
            None => Access::default(),
        };
        if let Some(url) = &self.url {
            access.url.clone_from(url);
        }
        if let Some(file) = &self.token_file {
            access.token = Some(kubeconfig::read_token(file)?);
        }
        let instead = |flag: &Option<PathBuf>, of: &mut Option<PathBuf>| {
            if flag.is_some() {
                of.clone_from(flag);
            }
        };
        instead(&self.certificate_authority, &mut access.ca);
        instead(&self.client_certificate, &mut access.cert);
        instead(&self.client_key, &mut access.key);
        access.token = self.token.clone().or(access.token);
        access.insecure |= self.insecure;
        Ok(access)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Both {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        peer: PeerFlags,
    }

    fn parse(flags: &str) -> Result<(Endpoint, Endpoint), clap::Error> {
        let words = std::iter::once("both").chain(flags.split_whitespace());
        let both = Both::try_parse_from(words)?;
        Ok(((&both.server).into(), (&both.peer).into()))
    }

    #[test]
    fn a_peer_without_credentials_has_those_of_the_server() {
        let (server, peer) = parse("--server a:1 --token t --insecure-skip-tls-verify --peer b:1").unwrap();
        let peer = peer.or_credentials_of(&server).access(Path::new("/nowhere")).unwrap();
        assert_eq!(
            (peer.url.as_str(), peer.token.as_deref(), peer.insecure),
            ("b:1", Some("t"), true)
        );
        let (server, peer) = parse("--server a:1 --token t --peer b:1 --peer-certificate-authority ca").unwrap();
        let peer = peer.or_credentials_of(&server).access(Path::new("/nowhere")).unwrap();
        assert_eq!((peer.token, peer.ca), (None, Some("ca".into())));
        assert!(!parse("--server a:1").unwrap().1.is_given());
    }

    #[test]
    fn flags_that_do_not_fit_together_are_refused() {
        for flags in [
            "--server-command x --server-pid 1",
            "--store-command x",
            "--peer b:1 --peer-client-key k",
        ] {
            assert!(parse(flags).is_err(), "{flags}");
        }
        let (server, peer) = parse("--server-pid 1,2 --peer-pid 3 --store-pid 4").unwrap();
        assert_eq!(
            (server.server_pids, peer.server_pids, server.store_pids),
            (vec![1, 2], vec![3], vec![4])
        );
        let error = parse("")
            .unwrap()
            .0
            .access(Path::new("/nowhere"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--server-command"), "{error}");
    }
}
