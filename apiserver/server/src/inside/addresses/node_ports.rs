//! Which ports of nodes a service gets and gives back.

use std::collections::BTreeMap;

use apiserver_api::gvk::GroupKind;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::service::needs_node_port;

use super::ports::PortError;
use super::{Claim, LOAD_BALANCER, NODE_PORT};

/// Whether a service is of a type that has ports of nodes.
pub(super) fn has_them(service: &Tree) -> bool {
    matches!(service.at("spec").text("type"), NODE_PORT | LOAD_BALANCER)
}

/// The ports of nodes that a service has.
pub(super) fn of(service: &Tree) -> Vec<i64> {
    let ports = service.at("spec").items("ports").iter();
    ports
        .map(|port| port.int("nodePort"))
        .filter(|port| *port != 0)
        .collect()
}

fn set(new: &mut Tree, at: usize, number: i64) {
    let ports = new.child("spec").get_mut("ports").and_then(Tree::as_list_mut);
    if let Some(port) = ports.and_then(|ports| ports.get_mut(at)) {
        port.set("nodePort", number);
    }
}

impl Claim {
    /// Gives ports to a new service. Ports of the same number, of different protocols, get the same.
    pub(super) async fn give_node_ports(&mut self, new: &mut Tree) -> Result<(), Status> {
        let any = needs_node_port(new);
        let ports = new.at("spec").items("ports").to_vec();
        let mut given: BTreeMap<i64, i64> = BTreeMap::new();
        for (at, port) in ports.iter().enumerate() {
            let (number, asked) = (port.int("port"), port.int("nodePort"));
            if asked == 0 && !any {
                // Only what is asked for.
                continue;
            }
            match given.get(&number) {
                None => {
                    let same = ports.iter().filter(|other| other.int("port") == number);
                    let wanted = same.map(|other| other.int("nodePort")).find(|wanted| *wanted != 0);
                    let one = match wanted {
                        Some(wanted) => self.give_port(at, wanted).await?,
                        None => self.give_any_port().await?,
                    };
                    set(new, at, one);
                    given.insert(number, one);
                }
                Some(one) if asked == 0 => set(new, at, *one),
                Some(one) if asked != *one => {
                    self.give_port(at, asked).await?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Gives the ports that are new, and gives back those that are no longer there.
    pub(super) async fn change_node_ports(&mut self, new: &mut Tree, old: &Tree) -> Result<(), Status> {
        let any = needs_node_port(new);
        let had = of(old);
        let mut taken: Vec<i64> = Vec::new();
        let ports = new.at("spec").items("ports").to_vec();
        for (at, port) in ports.iter().enumerate() {
            let asked = port.int("nodePort");
            // One that stands there twice is for the rules to refuse, which see it next; upstream answers 500 here.
            if asked == 0 && !any {
                continue;
            }
            if asked == 0 {
                let number = self.give_any_port().await?;
                set(new, at, number);
            } else if !had.contains(&asked) && !taken.contains(&asked) {
                self.give_port(at, asked).await?;
                taken.push(asked);
            }
        }
        let has = of(new);
        let gone: Vec<i64> = had.into_iter().filter(|port| !has.contains(port)).collect();
        self.leave_ports(&gone);
        Ok(())
    }

    /// Gives the port that the port at this place asks for.
    async fn give_port(&mut self, at: usize, wanted: i64) -> Result<i64, Status> {
        let Err(error) = self.take_port(wanted).await else {
            return Ok(wanted);
        };
        let (mut refusals, spec) = (Refusals::new(), Path::of("spec"));
        let ports = spec.field("ports");
        refusals.invalid(&ports.index(at).field("nodePort"), wanted, &error.to_string());
        Err(Status::invalid(
            &GroupKind::new("", "Service"),
            &self.owner.name,
            &refusals,
        ))
    }

    async fn give_any_port(&mut self) -> Result<i64, Status> {
        let failed = |error: PortError| Status::internal(format!("failed to allocate a nodePort: {error}"));
        self.take_any_port().await.map_err(failed)
    }
}
