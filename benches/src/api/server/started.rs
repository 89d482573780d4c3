//! Servers that are started here: an apiserver and, if it has one of its own, the store behind it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base::certs::{Authority, CertOptions, Usage};

use super::command::{CommandLine, Places};
use crate::api::client::Access;
use crate::process::{Process, free_ports};

/// A store that takes no connection after this time is given up.
const STORE_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a starting store is tried.
const ASK: Duration = Duration::from_millis(10);
/// Days that certificates are valid.
const VALIDITY_DAYS: u32 = 30;
/// The token of the file that servers are given.
const TOKEN: &str = "keelson-bench";

/// An apiserver, its store, and their folder. The processes are gone when this is dropped.
pub(crate) struct Started {
    server_line: CommandLine,
    places: Places,
    folder: PathBuf,
    server: Option<Process>,
    store: Option<Process>,
}

impl Started {
    /// Makes the folder with certificates and a token, and starts the store if there is one. How the server will be reached
    /// is `access`, whose URL is that of its port unless it has one already.
    ///
    /// # Errors
    /// The folder cannot be written, or the store does not run.
    pub(crate) async fn new(
        server: &str,
        store: Option<&str>,
        folder: &Path,
        access: &mut Access,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let places = places(folder)?;
        if access.url.is_empty() {
            access.url = format!("https://127.0.0.1:{}", places["port"]);
        }
        let own = |name: &str| Some(PathBuf::from(&places[name]));
        if access.ca.is_none() && !access.insecure {
            access.ca = own("ca");
        }
        if access.cert.is_none() && access.token.is_none() {
            access.cert = own("client-cert");
            access.key = own("client-key");
            access.token = Some(TOKEN.to_owned());
        }
        let mut started = Self {
            server_line: CommandLine::parse(server)?,
            places,
            folder: folder.to_path_buf(),
            server: None,
            store: None,
        };
        // A place that does not exist is told before anything is started.
        started.server_line.command(&started.places)?;
        if let Some(store) = store {
            started.start_store(&CommandLine::parse(store)?).await?;
        }
        Ok(started)
    }

    async fn start_store(&mut self, line: &CommandLine) -> anyhow::Result<()> {
        let command = line.command(&self.places)?;
        let mut process = Process::start("the store", command, &self.folder.join("store.log"))?;
        let address = format!("127.0.0.1:{}", self.places["store-port"]);
        let began = Instant::now();
        while line.has("store-port") && TcpStream::connect(&address).is_err() {
            process.check_alive()?;
            if began.elapsed() > STORE_TIMEOUT {
                bail!("the store takes no connection at {address} after {STORE_TIMEOUT:?}");
            }
            tokio::time::sleep(ASK).await;
        }
        self.store = Some(process);
        Ok(())
    }

    /// Starts the apiserver, without waiting until it serves.
    ///
    /// # Errors
    /// The program cannot be run.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let command = self.server_line.command(&self.places)?;
        let log = self.folder.join("server.log");
        self.server = Some(Process::start("the server", command, &log)?);
        Ok(())
    }

    /// Asks the apiserver to end and waits for that; the store stays.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Fails if one of the processes has ended.
    ///
    /// # Errors
    /// One has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        let processes = [&mut self.store, &mut self.server];
        processes.into_iter().flatten().try_for_each(Process::check_alive)
    }

    /// The ids of the processes of the apiserver and of the store.
    pub(crate) fn pids(&self) -> (Vec<u32>, Vec<u32>) {
        let id = |process: &Option<Process>| process.iter().map(Process::pid).collect();
        (id(&self.server), id(&self.store))
    }
}

/// What stands for the places of command lines; the files are made.
fn places(folder: &Path) -> anyhow::Result<Places> {
    let authority = Authority::create("keelson-bench", VALIDITY_DAYS)?;
    let ca = authority.save(folder, "ca")?;
    let issue = |name: &str, usage: Usage| {
        let hosts = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
        let options = CertOptions {
            common_name: "keelson-bench".to_owned(),
            organizations: vec!["system:masters".to_owned()],
            hosts: if usage == Usage::Server {
                hosts.map(str::to_owned).to_vec()
            } else {
                Vec::new()
            },
            validity_days: VALIDITY_DAYS,
            usage,
        };
        authority.issue(&options)?.save(folder, name)
    };
    let server = issue("server", Usage::Server)?;
    let client = issue("client", Usage::Client)?;
    let token_file = folder.join("tokens.csv");
    fs::write(
        &token_file,
        format!("{TOKEN},keelson-bench,keelson-bench,system:masters\n"),
    )?;
    let ports = free_ports(3);
    let path = |path: &Path| path.display().to_string();
    Ok(Places::from([
        ("folder", path(folder)),
        ("port", ports[0].to_string()),
        ("store-port", ports[1].to_string()),
        ("store-peer-port", ports[2].to_string()),
        ("ca", path(&ca.cert_file)),
        ("cert", path(&server.cert_file)),
        ("key", path(&server.key_file)),
        ("client-cert", path(&client.cert_file)),
        ("client-key", path(&client.key_file)),
        ("token", TOKEN.to_owned()),
        ("token-file", path(&token_file)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_started_server_is_reached_with_what_was_made_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut access = Access::default();
        let mut started = Started::new("sleep 60", None, dir.path(), &mut access).await.unwrap();
        assert_eq!(access.url, format!("https://127.0.0.1:{}", started.places["port"]));
        assert!(access.ca.is_some_and(|ca| ca.exists()));
        assert_eq!(access.token.as_deref(), Some(TOKEN));
        started.start().unwrap();
        started.check_alive().unwrap();
        assert_eq!((started.pids().0.len(), started.pids().1.len()), (1, 0));
        started.stop().await.unwrap();
        assert!(started.pids().0.is_empty());
    }

    #[tokio::test]
    async fn own_credentials_are_kept_and_unknown_places_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut access = Access {
            url: "https://localhost:1".to_owned(),
            token: Some("own".to_owned()),
            insecure: true,
            ..Access::default()
        };
        let given = access.clone();
        Started::new("sleep 60", Some("sleep 60"), dir.path(), &mut access)
            .await
            .unwrap();
        assert_eq!(access, given);
        let error = Started::new("sleep {seconds}", None, dir.path(), &mut access).await;
        let error = error.err().unwrap().to_string();
        assert!(error.contains("there is no place {seconds}"), "{error}");
    }
}
