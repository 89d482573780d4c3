//! `store-ctl snapshot restore`: the data folder of a first member, filled from a snapshot file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{flags, folder};
use proto::etcd::Member;
use store_bolt::Hash;
use store_bolt::etcd::{Contents, Import};
use store_engine::Engine;
use store_machine::Genesis;
use store_machine::restore::{self, Content, ImportOptions};
use store_node::{Config, Folder, Identity, IdentityStore};
use store_rocks::Rocks;

use super::{compacted, open, unusable, version};
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub(in crate::store_ctl) struct Args {
    /// The snapshot file
    file: PathBuf,
    /// Name of the member
    #[arg(long, default_value = "default")]
    name: String,
    /// All members of the new cluster as name=peer-url pairs (default: this member alone)
    #[arg(long)]
    initial_cluster: Option<String>,
    /// A text that sets the new cluster apart from others
    #[arg(long, default_value = "etcd-cluster")]
    initial_cluster_token: String,
    /// Peer URLs of this member
    #[arg(long, default_value = "http://localhost:2380")]
    initial_advertise_peer_urls: String,
    /// The folder to make (default: the name with .etcd)
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Folder that the member will keep its log in, if not below the data folder
    #[arg(long)]
    wal_dir: Option<PathBuf>,
    /// Do without the hash at the end of the file: it was copied and not saved, or is damaged
    #[arg(long)]
    skip_hash_check: bool,
    /// How far the revision is moved on, so that no client sees it go back
    #[arg(long, default_value_t = 1_000_000_000)]
    bump_revision: u64,
    /// Compact everything restored, so that watches from before are told to start anew (default: as --bump-revision asks)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    mark_compacted: Option<bool>,
}

/// What the flags say about the new cluster.
struct Plan {
    config: Config,
    identity: Identity,
    genesis: Genesis,
    bump: u64,
    mark: bool,
}

/// Restores, and says what to do next.
///
/// # Errors
/// Flags that do not fit together, a folder that is in use, or a file that cannot be used; nothing is left behind.
pub(super) fn run(args: &Args) -> Result<String> {
    let mut plan = Plan::new(args)?;
    let target = plan.config.data_dir.clone();
    refuse_used(&target, "data-dir")?;
    if let Some(dir) = &plan.config.wal_dir {
        refuse_used(dir, "wal-dir")?;
    }
    // Filled beside its place and moved there when whole: half a restore is never taken for a member's folder.
    let beside = beside(&target);
    remove(&beside)?;
    plan.config.data_dir.clone_from(&beside);
    let restored = fill(args, &plan).and_then(|revision| move_to(&beside, &target).map(|()| revision));
    let revision = restored.inspect_err(|_| drop(remove(&beside)))?;
    Ok(plan.said(&target, args, revision))
}

impl Plan {
    fn new(args: &Args) -> Result<Self> {
        let mark = args.mark_compacted.unwrap_or(args.bump_revision > 0);
        if mark != (args.bump_revision > 0) {
            return Err(Error::usage(
                "--mark-compacted required if --bump-revision > 0, and disallowed otherwise; leave --mark-compacted out",
            ));
        }
        let own = flags::urls("--initial-advertise-peer-urls", &args.initial_advertise_peer_urls)?;
        let cluster = match &args.initial_cluster {
            Some(text) => flags::name_urls("--initial-cluster", text)?,
            None => BTreeMap::from([(args.name.clone(), own.clone())]),
        };
        check_own(&cluster, &args.name, &own)?;
        let id = |urls: &[String]| store_node::member_id(urls, &args.initial_cluster_token, None);
        let members: Vec<Member> = cluster
            .values()
            .map(|urls| Member {
                id: id(urls),
                peer_ur_ls: urls.clone(),
                ..Member::default()
            })
            .collect();
        let cluster_id = store_node::cluster_id(members.iter().map(|member| member.id));
        let config = Config {
            name: args.name.clone(),
            data_dir: args
                .data_dir
                .clone()
                .unwrap_or_else(|| format!("{}.etcd", args.name).into()),
            ..Config::default()
        };
        let identity = Identity::new(cluster_id, id(&own));
        let genesis = Genesis {
            cluster_id,
            members,
            cluster_version: None,
        };
        let config = Config {
            wal_dir: args.wal_dir.clone(),
            ..config
        };
        Ok(Self {
            config,
            identity,
            genesis,
            bump: args.bump_revision,
            mark,
        })
    }

    fn said(&self, target: &Path, args: &Args, revision: i64) -> String {
        let dir = target.display();
        let wal = self
            .config
            .wal_dir
            .as_ref()
            .map(|dir| format!(" --wal-dir {}", dir.display()))
            .unwrap_or_default();
        let (cluster, member) = (self.identity.cluster_id, self.identity.member_id);
        let others = match self.genesis.members.len() {
            1 => String::new(),
            count => format!(
                "Restore the same file for the other {} members of --initial-cluster, each with its own --name, \
                 --initial-advertise-peer-urls and --data-dir, then start all.\n",
                count - 1
            ),
        };
        format!(
            "Restored {file} to {dir}: member {member:x} of the new cluster {cluster:x}, revision {revision}.\n{others}\
             Start it with:\n  keelson store --name {name} --data-dir {dir}{wal} --listen-peer-urls {urls} \
             --initial-advertise-peer-urls {urls} ...\n",
            file = args.file.display(),
            name = args.name,
            urls = args.initial_advertise_peer_urls,
        )
    }
}

fn check_own(cluster: &BTreeMap<String, Vec<String>>, name: &str, own: &[String]) -> Result<()> {
    match cluster.get(name) {
        None => Err(Error::new(format!(
            "couldn't find local name {name:?} in the initial cluster configuration; add it to --initial-cluster or give another --name"
        ))),
        Some(urls) if urls != own => Err(Error::new(format!(
            "--initial-cluster has {name}={} but --initial-advertise-peer-urls is {}; give both the same",
            urls.join(","),
            own.join(",")
        ))),
        Some(_) => Ok(()),
    }
}

fn refuse_used(dir: &Path, flag: &str) -> Result<()> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(Error::new(format!(
            "{flag} {:?} not empty or could not be read; give a folder that is empty or not there",
            dir.display().to_string()
        ))),
    }
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".restoring");
    target.with_file_name(name)
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(format!("cannot remove {}: {error}", dir.display())))
        }
        _ => Ok(()),
    }
}

fn move_to(from: &Path, to: &Path) -> Result<()> {
    folder::rename(from, to)
        .map_err(|error| Error::new(format!("cannot move {} to {}: {error}", from.display(), to.display())))
}

/// Fills the folder; the revision that the store then has.
fn fill(args: &Args, plan: &Plan) -> Result<i64> {
    let bad = |error: store_bolt::Error| unusable(&args.file, &error);
    let hash = if args.skip_hash_check {
        Hash::Ignored
    } else {
        Hash::Required
    };
    let mut file = Import::open(open(&args.file)?, hash).map_err(bad)?;
    let contents = file.contents().map_err(bad)?;
    // The log is made by the member's first start, wherever its flags say.
    let config = Config {
        wal_dir: None,
        ..plan.config.clone()
    };
    let folder = Folder::open(&config).map_err(|error| Error::chain(&error))?;
    let engine = Rocks::open(folder.db(), store_rocks::Options::default()).map_err(|error| Error::chain(&error))?;
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let genesis = Genesis {
        cluster_version: contents.cluster_version.clone(),
        ..plan.genesis.clone()
    };
    let compacted = compacted(&contents);
    let options = ImportOptions {
        compacted,
        bump_revision: plan.bump,
        mark_compacted: plan.mark,
    };
    let mut failed = None;
    let versions = file.versions().map_err(bad)?.map_while(|found| {
        found
            .map_err(|error| failed = Some(error))
            .ok()
            .map(|found| Content::Version(version(found)))
    });
    let filled = restore::fill(&engine, &genesis, options, small(contents).into_iter().chain(versions));
    if let Some(error) = failed {
        return Err(bad(error));
    }
    let revision = filled.map_err(|error| Error::chain(&error))?;
    drop(engine);
    folder.save(&plan.identity).map_err(|error| Error::chain(&error))?;
    Ok(revision)
}

/// All but the keys. The old cluster's members and alarms stay behind.
fn small(contents: Contents) -> Vec<Content> {
    let auth = Content::Auth {
        enabled: contents.auth_enabled,
        revision: contents.auth_revision.max(1),
    };
    let leases = contents.leases.into_iter().map(|lease| Content::Lease {
        id: lease.id,
        ttl: lease.ttl,
        remaining: lease.remaining_ttl,
    });
    let users = contents.users.into_iter().map(Content::User);
    let roles = contents.roles.into_iter().map(Content::Role);
    std::iter::once(auth).chain(leases).chain(users).chain(roles).collect()
}

#[cfg(test)]
mod tests;
