//! Which members `keelson up` runs and on which ports; remembered in the data folder, so that a restart finds its own.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use base::folder;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// More would share one disk and one process for nothing; so many fit into the ports, too.
const MOST_MEMBERS: usize = 5;
const FILE: &str = "cluster.json";
const HOST: &str = "127.0.0.1";

/// A cluster in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    /// Whether the folder has it already.
    known: bool,
    kept: Kept,
}

/// What the folder remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Ports for clients and peers, one pair a member.
    ports: Vec<(u16, u16)>,
    /// What was asked for with `--port-base`.
    port_base: Option<u16>,
    /// The port of the apiserver; none where only a store was asked for. Folders of before there was one have none.
    #[serde(default)]
    api: Option<u16>,
}

impl Plan {
    /// What to run: what the folder remembers, or what is asked for in a new one.
    ///
    /// # Errors
    /// A folder of something else, a cluster of another shape than asked for, or a number that cannot be.
    pub(super) fn settle(dir: &Path, members: Option<usize>, port_base: Option<u16>, store_only: bool) -> Result<Self> {
        let shown = dir.display();
        let file = dir.join(FILE);
        let known = match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str::<Kept>(&text).map_err(|error| {
                Error::new(format!(
                    "{} is damaged ({error}); put it back, or give another --data-dir",
                    file.display()
                ))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                refuse_foreign(dir)?;
                let ports = ports(members.unwrap_or(1), port_base)?;
                let kept = Kept {
                    api: if store_only {
                        None
                    } else {
                        Some(api_port(&ports, port_base)?)
                    },
                    ports,
                    port_base,
                };
                return Ok(Self {
                    dir: dir.to_path_buf(),
                    known: false,
                    kept,
                });
            }
            Err(error) => return Err(Error::new(format!("cannot read {}: {error}", file.display()))),
        };
        let has = known.ports.len();
        if members.is_some_and(|members| members != has) {
            return Err(Error::new(format!(
                "{shown} has a cluster of {has} members; leave --members out to go on with it, or give another --data-dir"
            )));
        }
        if port_base.is_some() && port_base != known.port_base {
            return Err(Error::new(format!(
                "{shown} has a cluster on other ports; leave --port-base out to go on with it, or give another --data-dir"
            )));
        }
        if store_only && known.api.is_some() {
            return Err(Error::new(format!(
                "{shown} has an apiserver; leave --store-only out to go on with it, or give another --data-dir"
            )));
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            known: true,
            kept: known,
        })
    }

    /// Looks whether the ports are free, before anything is written.
    ///
    /// # Errors
    /// The first one that is not.
    pub(super) fn check_ports(&self) -> Result<()> {
        let ports = self.kept.ports.iter().flat_map(|(client, peer)| [*client, *peer]);
        for port in ports.chain(self.kept.api) {
            if let Err(error) = TcpListener::bind((HOST, port)) {
                let other = if self.known { "" } else { ", or give --port-base" };
                return Err(Error::new(format!(
                    "cannot listen on port {port} ({error}); stop the process that has it (another keelson up?){other}"
                )));
            }
        }
        Ok(())
    }

    /// Writes the plan into its folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn save(&self) -> Result<()> {
        if self.known {
            return Ok(());
        }
        let write = || {
            folder::create(&self.dir)?;
            fs::write(self.dir.join(FILE), serde_json::to_string(&self.kept)?)
        };
        write().map_err(|error| {
            Error::new(format!(
                "cannot write to {}: {error}; give another --data-dir",
                self.dir.display()
            ))
        })
    }

    /// The port of the apiserver, if there is one.
    pub(super) const fn api(&self) -> Option<u16> {
        self.kept.api
    }

    /// Where clients of the store reach its members.
    pub(super) fn endpoints(&self) -> Vec<String> {
        let ports = self.kept.ports.iter();
        ports.map(|(client, _)| Self::endpoint(*client)).collect()
    }

    fn endpoint(port: u16) -> String {
        format!("http://{HOST}:{port}")
    }

    /// The flags of each member, those of `keelson store`.
    pub(super) fn flags(&self) -> Vec<Vec<String>> {
        let named = || {
            self.kept
                .ports
                .iter()
                .enumerate()
                .map(|(place, ports)| (format!("m{}", place + 1), ports))
        };
        let all: Vec<String> = named()
            .map(|(name, (_, peer))| format!("{name}={}", Self::endpoint(*peer)))
            .collect();
        let flags = named().map(|(name, (client, peer))| {
            let (client, peer) = (Self::endpoint(*client), Self::endpoint(*peer));
            vec![
                format!("--data-dir={}", self.dir.join(&name).display()),
                format!("--name={name}"),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster={}", all.join(",")),
                "--initial-cluster-token=keelson-up".to_owned(),
            ]
        });
        flags.collect()
    }

    /// What a user wants to know once the cluster runs.
    pub(super) fn greeting(&self) -> String {
        let endpoints = self.endpoints();
        let list = endpoints.join(",");
        let dir = self.dir.display();
        let count = match endpoints.len() {
            1 => "1 member is".to_owned(),
            count => format!("{count} members are"),
        };
        let api = self.kept.api.map_or_else(String::new, |port| {
            format!(
                "The Kubernetes API is up: https://{HOST}:{port}

Try, in another terminal:
  export KUBECONFIG={dir}/admin.conf
  kubectl get namespaces
  kubectl create configmap greeting --from-literal=hello=world
  kubectl get configmaps --watch

"
            )
        });
        format!(
            "{count} up: {list}
{api}The store speaks etcd's API:
  etcdctl --endpoints {list} put greeting hello
  etcdctl --endpoints {list} get greeting
  etcdctl --endpoints {list} watch greeting
  etcdctl --endpoints {list} endpoint status -w table

The data are in {dir}. Ctrl-C stops it; `keelson up --data-dir {dir}` goes on from the same data. Remove the folder to begin anew.
"
        )
    }
}

fn refuse_foreign(dir: &Path) -> Result<()> {
    let shown = dir.display();
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::new(format!(
            "cannot read the folder {shown}: {error}; give another --data-dir"
        ))),
        Ok(true) => Ok(()),
        Ok(false) if dir.join("member").exists() => Err(Error::new(format!(
            "{shown} is the data folder of one member; start it with keelson store --data-dir {shown}, or give another --data-dir"
        ))),
        Ok(false) => Err(Error::new(format!(
            "{shown} is not empty and not from keelson up; give another --data-dir"
        ))),
    }
}

/// Ports for clients and peers. Without a base they are those of etcd's own example of three members.
fn ports(members: usize, base: Option<u16>) -> Result<Vec<(u16, u16)>> {
    if !(1..=MOST_MEMBERS).contains(&members) {
        return Err(Error::new(format!(
            "--members {members} cannot be; give 1 to {MOST_MEMBERS}, best 1, 3 or 5"
        )));
    }
    let pair = |place: usize| {
        let first = match base {
            Some(base) => usize::from(base) + 2 * place,
            None if place == 0 => 2379,
            None => 2379 + 10_000 * (place + 1),
        };
        let client = u16::try_from(first).ok().filter(|port| *port > 0)?;
        Some((client, client.checked_add(1)?))
    };
    (0..members)
        .map(pair)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::new("--port-base must leave two ports a member between 1 and 65535"))
}

/// The port of the apiserver: Kubernetes' own, or the first behind those of the members.
fn api_port(ports: &[(u16, u16)], base: Option<u16>) -> Result<u16> {
    const USUAL: u16 = 6443;
    let last = ports.last().map_or(USUAL, |(_, peer)| *peer);
    match base {
        None => Ok(USUAL),
        Some(_) => last.checked_add(1).ok_or_else(|| {
            Error::new("--port-base must leave two ports a member and one for the apiserver below 65536")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_are_those_of_etcds_example() {
        assert_eq!(ports(3, None).unwrap(), [(2379, 2380), (22379, 22380), (32379, 32380)]);
        assert_eq!(ports(2, Some(7000)).unwrap(), [(7000, 7001), (7002, 7003)]);
        for (members, base) in [(0, None), (6, None), (1, Some(0)), (1, Some(65535)), (3, Some(65531))] {
            assert!(ports(members, base).is_err(), "{members} {base:?}");
        }
        assert!(ports(5, None).is_ok());
    }

    #[test]
    fn a_restart_finds_its_own_and_refuses_another_shape() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = Plan::settle(&data, Some(3), Some(7000), false).unwrap();
        assert!(!data.exists());
        first.save().unwrap();
        let again = Plan::settle(&data, None, None, false).unwrap();
        assert_eq!((again.flags(), again.known), (first.flags(), true));
        assert!(Plan::settle(&data, Some(3), Some(7000), false).is_ok());
        let other = Plan::settle(&data, Some(1), None, false).unwrap_err().text;
        assert!(
            other.contains("has a cluster of 3 members; leave --members out"),
            "{other}"
        );
        assert!(
            Plan::settle(&data, None, Some(8000), false)
                .unwrap_err()
                .text
                .contains("on other ports")
        );
        fs::write(data.join(FILE), "{").unwrap();
        assert!(
            Plan::settle(&data, None, None, false)
                .unwrap_err()
                .text
                .contains("is damaged")
        );
    }

    #[test]
    fn folders_of_others_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let text = Plan::settle(dir.path(), None, None, false).unwrap_err().text;
        assert!(
            text.ends_with("is not empty and not from keelson up; give another --data-dir"),
            "{text}"
        );
        fs::create_dir(dir.path().join("member")).unwrap();
        assert!(
            Plan::settle(dir.path(), None, None, false)
                .unwrap_err()
                .text
                .contains("keelson store --data-dir")
        );
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind((HOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let plan = Plan {
            dir: PathBuf::new(),
            known: false,
            kept: Kept {
                ports: vec![(port, 1)],
                port_base: None,
                api: None,
            },
        };
        let text = plan.check_ports().unwrap_err().text;
        assert!(
            text.starts_with(&format!("cannot listen on port {port} (")) && text.contains("--port-base"),
            "{text}"
        );
    }

    #[test]
    fn the_members_know_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::settle(dir.path(), Some(3), None, false).unwrap();
        for flags in plan.flags() {
            let settings = crate::store::settings(&flags).unwrap();
            assert_eq!(settings.cluster.initial.len(), 3);
            assert_eq!(
                settings.cluster.initial[&settings.name],
                settings.cluster.advertise_peer
            );
            assert!(settings.notes.is_empty(), "{:?}", settings.notes);
        }
        assert!(
            plan.greeting()
                .starts_with("3 members are up: http://127.0.0.1:2379,http://127.0.0.1:22379,")
        );
    }
}
