//! A cluster of one kind: its members, their folder, and how clients reach them.

use std::path::{Path, PathBuf};

use base::task::Tasks;
use store_client::{Client, Options};

use super::{LONG, Member, free_ports, tools, until_async};

/// Whose processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Real etcd.
    Etcd,
    /// Ours.
    Keelson,
}

/// How a cluster is to be.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) members: usize,
    /// Flags beyond the usual ones, for all members.
    pub(crate) flags: Vec<String>,
    /// Scheme of client and of peer URLs.
    pub(crate) client_scheme: &'static str,
    pub(crate) peer_scheme: &'static str,
    /// The data folders are made in here, if it is set.
    pub(crate) data: Option<PathBuf>,
}

impl Setup {
    pub(crate) fn of(members: usize) -> Self {
        Self {
            members,
            flags: Vec::new(),
            client_scheme: "http",
            peer_scheme: "http",
            data: None,
        }
    }

    pub(crate) fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// TLS for clients, with these flags.
    pub(crate) fn client_tls(mut self, flags: &[String]) -> Self {
        self.client_scheme = "https";
        self.flags.extend_from_slice(flags);
        self
    }

    /// TLS between members, with these flags.
    pub(crate) fn peer_tls(mut self, flags: &[String]) -> Self {
        self.peer_scheme = "https";
        self.flags.extend_from_slice(flags);
        self
    }
}

/// A running cluster. Everything of it is gone when it is dropped.
pub(crate) struct Cluster {
    pub(crate) kind: Kind,
    pub(crate) members: Vec<Member>,
    setup: Setup,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts a cluster and waits until it works.
    pub(crate) fn start(kind: Kind, setup: Setup) -> Self {
        let mut cluster = Self::prepare(kind, setup);
        cluster.members.iter_mut().for_each(Member::start);
        cluster.members.iter_mut().for_each(Member::wait_healthy);
        cluster
    }

    /// The same without starting anything.
    pub(crate) fn prepare(kind: Kind, setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Self {
            kind,
            members: Vec::new(),
            setup,
            folder,
        };
        for n in 0..cluster.setup.members {
            let member = cluster.member(n);
            cluster.members.push(member);
        }
        let all = cluster.initial_cluster();
        for member in &mut cluster.members {
            member.arguments.push(format!("--initial-cluster={all}"));
            member.arguments.push("--initial-cluster-state=new".to_owned());
        }
        cluster
    }

    /// A member to be added to the running cluster: not started, and the cluster does not know it yet.
    pub(crate) fn newcomer(&mut self) -> &mut Member {
        let mut member = self.member(self.members.len());
        let all = format!("{},{}={}", self.initial_cluster(), member.name, member.peer_url);
        member.arguments.push(format!("--initial-cluster={all}"));
        member.arguments.push("--initial-cluster-state=existing".to_owned());
        self.members.push(member);
        self.members.last_mut().unwrap()
    }

    fn initial_cluster(&self) -> String {
        let named = self
            .members
            .iter()
            .map(|member| format!("{}={}", member.name, member.peer_url));
        named.collect::<Vec<_>>().join(",")
    }

    fn member(&self, n: usize) -> Member {
        let ports = free_ports(3);
        let (client_port, peer_port, metrics_port) = (ports[0], ports[1], ports[2]);
        let client_url = format!("{}://127.0.0.1:{client_port}", self.setup.client_scheme);
        let peer_url = format!("{}://127.0.0.1:{peer_port}", self.setup.peer_scheme);
        let name = format!("m{n}");
        let data = self.setup.data.as_deref().unwrap_or(self.folder.path()).join(&name);
        let flags = [
            ("name", name.clone()),
            ("data-dir", data.display().to_string()),
            ("listen-client-urls", client_url.clone()),
            ("advertise-client-urls", client_url.clone()),
            ("listen-peer-urls", peer_url.clone()),
            ("initial-advertise-peer-urls", peer_url.clone()),
            ("listen-metrics-urls", format!("http://127.0.0.1:{metrics_port}")),
            ("log-level", "info".to_owned()),
        ];
        let (program, first) = match self.kind {
            Kind::Keelson => (PathBuf::from(env!("CARGO_BIN_EXE_keelson")), Some("store".to_owned())),
            Kind::Etcd => (tools().unwrap().etcd.clone(), None),
        };
        let flags = flags.into_iter().map(|(name, value)| format!("--{name}={value}"));
        let arguments = first
            .into_iter()
            .chain(flags)
            .chain(self.setup.flags.iter().cloned())
            .collect();
        let log = self.folder.path().join(format!("{name}.log"));
        Member {
            name,
            client_port,
            peer_port,
            metrics_port,
            client_url,
            peer_url,
            data,
            arguments,
            program,
            log,
            process: None,
        }
    }

    /// A folder that lives as long as the cluster.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One client URL a member.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.client_url.clone()).collect()
    }

    /// The options of a client that knows all members and is patient.
    pub(crate) fn options(&self) -> Options {
        Options {
            retry_for: LONG,
            ..Options::new(self.endpoints())
        }
    }

    /// A client that knows all members.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.options(), &Tasks::new()).unwrap()
    }

    /// Kills a member and starts it again.
    pub(crate) fn restart(&mut self, member: usize) {
        self.members[member].kill();
        self.members[member].start();
    }

    /// Which of the members leads, as a running member sees it.
    pub(crate) async fn leader(&self) -> usize {
        let clients: Vec<Client> = self
            .members
            .iter()
            .map(|member| Client::new(Options::new([&*member.client_url]), &Tasks::new()).unwrap())
            .collect();
        until_async("there is a leader", || async {
            for (n, client) in clients.iter().enumerate() {
                let status = tokio::time::timeout(std::time::Duration::from_secs(1), client.status()).await;
                if let Ok(Ok(status)) = status
                    && status.leader != 0
                    && status
                        .header
                        .as_ref()
                        .is_some_and(|header| header.member_id == status.leader)
                {
                    return Some(n);
                }
            }
            None
        })
        .await
    }
}
