//! Which addresses a service gets and gives back, by its type and its families.

use std::net::IpAddr;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupKind;
use apiserver_api::names::parse_ip_sloppy;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{Claim, EXTERNAL_NAME, Family};

/// Whether a service has no addresses.
fn has_none(spec: &Tree) -> bool {
    let headless = spec.items("clusterIPs").first().and_then(Tree::as_str) == Some("None");
    spec.text("type") == EXTERNAL_NAME || headless
}

/// The addresses that a service has.
pub(super) fn of(service: &Tree) -> Vec<IpAddr> {
    let spec = service.at("spec");
    if has_none(spec) {
        return Vec::new();
    }
    read(spec.items("clusterIPs"))
}

fn read(items: &[Tree]) -> Vec<IpAddr> {
    let ips = items.iter().filter_map(Tree::as_str).filter_map(parse_ip_sloppy);
    ips.map(apiserver_api::names::Ip::addr).collect()
}

/// The families of a service that are families.
fn families(spec: &Tree) -> Vec<Family> {
    let families = spec.items("ipFamilies").iter().filter_map(Tree::as_str);
    families.filter_map(Family::named).collect()
}

fn set(new: &mut Tree, ips: Vec<Tree>) {
    let spec = new.child("spec");
    if let Some(first) = ips.first() {
        spec.set("clusterIP", first.clone());
        spec.set("clusterIPs", ips);
    }
}

impl Claim {
    /// Gives an address of each family, those that were asked for where any were.
    pub(super) async fn give_ips(&mut self, new: &mut Tree) -> Result<(), Status> {
        let spec = new.at("spec");
        if has_none(spec) {
            return Ok(());
        }
        let families = families(spec);
        // An empty text stands where any address will do.
        let mut asked = spec.items("clusterIPs").to_vec();
        asked.resize(asked.len().max(families.len()), "".into());
        let mut given = asked.clone();
        for (at, family) in families.into_iter().enumerate() {
            given[at] = self.give_ip(family, &asked, at).await?;
        }
        set(new, given);
        Ok(())
    }

    /// Gives and takes back what a change of the type or of the families asks for.
    pub(super) async fn change_ips(&mut self, new: &mut Tree, old: &Tree) -> Result<(), Status> {
        let (spec, before) = (new.at("spec"), old.at("spec"));
        let (named, was_named) = (spec.text("type") == EXTERNAL_NAME, before.text("type") == EXTERNAL_NAME);
        if was_named && !named {
            return self.give_ips(new).await;
        }
        if has_none(before) {
            return Ok(());
        }
        if named {
            self.leave_ips(of(old));
            return Ok(());
        }
        let families = families(spec);
        match (before.items("ipFamilies").len(), families.as_slice()) {
            (1, [_, second]) => {
                let mut asked = spec.items("clusterIPs").to_vec();
                asked.resize(asked.len().max(2), "".into());
                let mut given = asked.clone();
                given[1] = self.give_ip(*second, &asked, 1).await?;
                set(new, given);
            }
            (2, [_]) => self.leave_ips(of(old).into_iter().skip(1)),
            _ => {}
        }
        Ok(())
    }

    /// Gives the address that is asked for at a place of a list, or any.
    async fn give_ip(&mut self, family: Family, asked: &[Tree], at: usize) -> Result<Tree, Status> {
        let text = asked.get(at).and_then(Tree::as_str).unwrap_or_default();
        if text.is_empty() {
            let any = self.take_any_ip(family).await;
            let ip = any.map_err(|error| Status::internal(format!("failed to allocate a serviceIP: {error}")))?;
            return Ok(ip.to_string().into());
        }
        let Some(ip) = parse_ip_sloppy(text) else {
            return Err(Status::internal(format!("failed to parse service IP {}", quote(text))));
        };
        match self.take_ip(family, ip.addr()).await {
            Ok(()) => Ok(text.into()),
            Err(error) => {
                let (mut refusals, spec) = (Refusals::new(), Path::of("spec"));
                let detail = format!("failed to allocate IP {text}: {error}");
                refusals.invalid(&spec.field("clusterIPs"), asked, &detail);
                Err(Status::invalid(
                    &GroupKind::new("", "Service"),
                    &self.owner.name,
                    &refusals,
                ))
            }
        }
    }
}
