//! The flags of `keelson-bench api`, and the work that they ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::object::{self, Resource, Verb};
use super::report::Group;
use super::server::{Endpoint, PeerFlags, ServerFlags};
use super::unit::{Form, Lists, Renewals, Start, Unit, Verbs, Watches};

/// A phase is no shorter, however small the scale is.
const DURATION_MIN: Duration = Duration::from_millis(200);

/// Kinds of objects that verbs are measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lowercase")]
enum Kind {
    /// Config maps of 1 KiB
    ConfigMaps,
    /// Pods of 1.5 to 2 KiB
    Pods,
}

impl Kind {
    fn resource(self) -> Resource {
        match self {
            Self::ConfigMaps => object::config_maps(),
            Self::Pods => object::pods(),
        }
    }
}

/// Send load to a Kubernetes apiserver, or to two side by side
#[derive(Clone, Debug, Args)]
pub(crate) struct Api {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    peer: PeerFlags,

    /// Only these groups of phases, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUP")]
    only: Vec<Group>,
    /// How often each phase runs on each server; medians are told
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Multiply all sizes and times by this, as for a short look: 0.01
    #[arg(long, default_value_t = 1.0, value_parser = crate::options::positive)]
    pub(crate) scale: f64,
    /// How long requests of one sort are sent
    #[arg(long, value_parser = crate::options::duration, default_value = "5s")]
    duration: Duration,

    /// Clients that send verbs at the same time
    #[arg(long, value_delimiter = ',', default_value = "1,50,500")]
    concurrency: Vec<usize>,
    /// Kinds of objects that verbs are sent for
    #[arg(long, value_enum, value_delimiter = ',', default_value = "configmaps,pods")]
    kinds: Vec<Kind>,
    /// Clients that write rich Deployments at the same time
    #[arg(long, value_delimiter = ',', default_value = "1,50")]
    rich_concurrency: Vec<usize>,

    /// How many nodes pods are spread over
    #[arg(long, default_value_t = 1000)]
    nodes: u64,
    /// How many nodes renew Leases
    #[arg(long, default_value_t = 5000)]
    lease_nodes: u64,
    /// Clients that renew them
    #[arg(long, default_value_t = 50)]
    lease_clients: usize,

    /// How many watchers there are
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    watchers: Vec<u64>,
    /// About how many events are delivered
    #[arg(long, default_value_t = 1_000_000)]
    watch_events: u64,
    /// How many writes cause them at most
    #[arg(long, default_value_t = 10_000)]
    watch_writes: u64,
    /// Clients that write what is watched
    #[arg(long, default_value_t = 10)]
    watch_writers: usize,
    /// Writes a second of what is watched (default: as many as the server takes); the scale does not change it
    #[arg(long, value_parser = crate::options::positive)]
    watch_rate: Option<f64>,
    /// Watches that share a connection; servers allow so many, or fewer
    #[arg(long, default_value_t = 100)]
    watches_per_connection: usize,

    /// How many pods are listed
    #[arg(long, value_delimiter = ',', default_value = "10000,150000")]
    list_pods: Vec<u64>,
    /// Clients that list at the same time
    #[arg(long, default_value_t = 1)]
    list_clients: usize,
    /// How many pods a server starts with
    #[arg(long, default_value_t = 150_000)]
    start_pods: u64,

    /// Leave the pods and Leases of servers that were not started here
    #[arg(long)]
    pub(crate) keep: bool,
    /// Threads of the generator (default: one a core)
    #[arg(long)]
    threads: Option<usize>,
    /// Write everything that was measured to this file, after each phase
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the tables to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show the tables of what was measured before, without measuring anything
    #[arg(long, value_name = "FILE")]
    pub(crate) render: Option<PathBuf>,
}

impl Api {
    /// The servers: the one that is measured, and the one that it is compared with if there is one.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let server = Endpoint::from(&self.server);
        let peer = Endpoint::from(&self.peer).or_credentials_of(&server);
        if peer.is_given() {
            vec![server, peer]
        } else {
            vec![server]
        }
    }

    /// Threads of the generator.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(crate::facts::cores).max(1)
    }

    fn scaled(&self, size: u64) -> u64 {
        ((size as f64 * self.scale).round() as u64).max(1)
    }

    fn time(&self) -> Duration {
        self.duration.mul_f64(self.scale).max(DURATION_MIN.min(self.duration))
    }

    /// What is done, stage by stage; the units of a stage run once, then again, and so on.
    pub(crate) fn stages(&self) -> Vec<Vec<Box<dyn Unit>>> {
        let groups = Group::ALL
            .iter()
            .filter(|group| self.only.is_empty() || self.only.contains(group));
        groups.flat_map(|group| self.stages_of(*group)).collect()
    }

    fn stages_of(&self, group: Group) -> Vec<Vec<Box<dyn Unit>>> {
        match group {
            Group::Verbs => {
                let kinds = self.kinds.iter().map(|kind| kind.resource());
                let units = kinds.flat_map(|resource| self.verbs(group, &resource, Verb::ALL, &self.concurrency));
                vec![units.collect()]
            }
            Group::Rich => {
                let verbs = [Verb::Create, Verb::Update, Verb::Apply, Verb::Delete];
                vec![self.verbs(group, &object::deployments(), &verbs, &self.rich_concurrency)]
            }
            Group::Leases => vec![self.leases()],
            Group::Watches => vec![self.watches()],
            // More pods come in only when all rounds with fewer are done.
            Group::Lists => self.list_pods.iter().map(|pods| self.lists(*pods)).collect(),
            Group::Start => vec![vec![Box::new(Start {
                pods: self.scaled(self.start_pods),
                nodes: self.scaled(self.nodes),
            })]],
        }
    }

    fn verbs(&self, group: Group, resource: &Resource, verbs: &[Verb], concurrency: &[usize]) -> Vec<Box<dyn Unit>> {
        let unit = |clients: &usize| {
            Box::new(Verbs {
                group,
                resource: resource.clone(),
                order: verbs.to_vec(),
                clients: *clients,
                duration: self.time(),
                nodes: self.scaled(self.nodes),
            }) as Box<dyn Unit>
        };
        concurrency.iter().map(unit).collect()
    }

    fn leases(&self) -> Vec<Box<dyn Unit>> {
        let unit = |paced| {
            Box::new(Renewals {
                nodes: self.scaled(self.lease_nodes),
                clients: self.lease_clients,
                duration: self.time(),
                paced,
            }) as Box<dyn Unit>
        };
        [false, true].map(unit).into()
    }

    fn watches(&self) -> Vec<Box<dyn Unit>> {
        let mut units: Vec<Box<dyn Unit>> = Vec::new();
        for watchers in &self.watchers {
            for by_node in [false, true] {
                units.push(Box::new(Watches {
                    watchers: self.scaled(*watchers),
                    by_node,
                    nodes: self.scaled(self.nodes),
                    writers: self.watch_writers,
                    events: self.scaled(self.watch_events),
                    writes: self.scaled(self.watch_writes),
                    rate: self.watch_rate,
                    streams: self.watches_per_connection,
                }));
            }
        }
        units
    }

    fn lists(&self, pods: u64) -> Vec<Box<dyn Unit>> {
        let mut units: Vec<Box<dyn Unit>> = Vec::new();
        for form in Form::ALL {
            for gzip in [false, true] {
                // An answer without objects is too short to be compressed.
                if gzip && *form == Form::Nothing {
                    continue;
                }
                units.push(Box::new(Lists {
                    pods: self.scaled(pods),
                    nodes: self.scaled(self.nodes),
                    form: *form,
                    gzip,
                    clients: self.list_clients,
                    duration: self.time(),
                }));
            }
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        api: Api,
    }

    fn names(flags: &str) -> Vec<Vec<String>> {
        let words = std::iter::once("api").chain(flags.split_whitespace());
        let api = Line::try_parse_from(words).unwrap().api;
        let stages = api.stages().into_iter();
        stages
            .map(|units| units.iter().map(|unit| unit.name()).collect())
            .collect()
    }

    #[test]
    fn the_flags_are_well_formed() {
        Line::command().debug_assert();
        assert!(Line::try_parse_from(["api", "--scale", "0"]).is_err());
        assert!(Line::try_parse_from(["api", "--only", "everything"]).is_err());
    }

    #[test]
    fn all_is_done_unless_less_is_asked_for() {
        let all = names("");
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [6, 2, 2, 4, 11, 11, 1]);
        assert_eq!(all[0][2], "configmaps, 500 clients");
        assert_eq!(all[3][3], "10000 watchers of pods of a node each");
        assert_eq!(all[5][1], "150000 pods, JSON, gzip");
        assert_eq!(
            names("--only start,rich --rich-concurrency 7"),
            [["deployments, 7 clients"], ["start with 150000 pods"]]
        );
    }

    #[test]
    fn the_scale_shrinks_sizes_and_times() {
        let small = names("--scale 0.01");
        assert_eq!(small[3][0], "10 watchers of all pods");
        assert_eq!(small[5][0], "1500 pods, JSON");
        assert_eq!(small[2][1], "heartbeats of 50 nodes, one each 10s");
        let words = ["api", "--scale", "0.01", "--duration", "5s"];
        assert_eq!(Line::parse_from(words).api.time(), DURATION_MIN);
        let words = ["api", "--scale", "0.5", "--duration", "5s"];
        assert_eq!(Line::parse_from(words).api.time(), Duration::from_millis(2500));
    }
}
