//! The `ServiceCIDR` `kubernetes`, which says from what networks services get their addresses (upstream's
//! `defaultservicecidr`).

use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::Parts;
use super::events::Events;
use super::objects::{SERVICE_CIDRS, change, is_there_already, now, object, texts, tree};

/// Its name.
pub(super) const NAME: &str = "kubernetes";
const CONTROLLER: &str = "kubernetes-service-cidr-controller";
const ERROR: &str = "KubernetesDefaultServiceCIDRError";
const EACH: Duration = Duration::from_secs(10);
/// How soon it is tried again at the start, for nothing gets an address before.
const SOON: Duration = Duration::from_millis(100);

/// Keeps the object by the networks of `--service-cluster-ip-range`.
pub(super) struct DefaultServiceCidr {
    parts: Parts,
    events: Events,
    /// In normal form; the first says of which family services are.
    cidrs: Vec<String>,
    told_mismatch: bool,
    told_not_ready: bool,
}

impl DefaultServiceCidr {
    pub(super) fn new(parts: &Parts, cidrs: Vec<String>, host: &str) -> Self {
        Self {
            parts: parts.clone(),
            events: Events::new(parts, CONTROLLER, host),
            cidrs,
            told_mismatch: false,
            told_not_ready: false,
        }
    }

    /// Keeps the object until it is dropped. The hook is done once the object is there.
    pub(super) async fn run(mut self) {
        let hook = self.parts.hooks.begin("start-kubernetes-service-cidr-controller");
        while let Err(status) = self.sync().await {
            tracing::info!(%status, "error initializing the default ServiceCIDR");
            self.parts.clock.sleep(SOON).await;
        }
        hook.done();
        loop {
            self.parts.clock.sleep(EACH).await;
            if let Err(status) = self.sync().await {
                tracing::info!(%status, "error trying to sync the default ServiceCIDR");
            }
        }
    }

    async fn sync(&mut self) -> Result<(), Status> {
        if let Some(current) = self.parts.cluster.cached(&SERVICE_CIDRS, "", NAME) {
            let of = cidrs(&current);
            let grows = self.cidrs.len() == 2 && of.len() == 1 && of[0] == self.cidrs[0];
            if grows {
                self.grow(current).await;
            } else {
                self.sync_status(&current).await;
            }
            return Ok(());
        }
        tracing::info!(cidrs = ?self.cidrs, "Creating default ServiceCIDR");
        let mut new = object("networking.k8s.io/v1", "ServiceCIDR", "", NAME);
        new.set("spec", tree([("cidrs", self.wanted())]));
        match self.parts.cluster.create(&SERVICE_CIDRS, new.clone()).await {
            Ok(made) => self.sync_status(&made).await,
            // The cache will know it soon.
            Err(status) if is_there_already(&status) => {}
            Err(status) => {
                let message = "The default ServiceCIDR can not be created";
                self.events.warn(&new, ERROR, "", message).await;
                return Err(status);
            }
        }
        Ok(())
    }

    fn wanted(&self) -> Tree {
        texts(self.cidrs.iter().map(String::as_str))
    }

    /// A cluster of one family gets the second.
    async fn grow(&self, mut current: Tree) {
        tracing::info!(cidrs = ?self.cidrs, "Updating default ServiceCIDR from single-stack to dual-stack");
        let about = current.clone();
        current.child("spec").set("cidrs", self.wanted());
        if let Err(status) = self.parts.cluster.update(&SERVICE_CIDRS, "", current).await {
            let message = format!(
                "The default ServiceCIDR can not be upgraded from {} to dual stack {} : {status}",
                self.cidrs[0],
                go_list(&self.cidrs)
            );
            self.events.warn(&about, ERROR, "", &message).await;
        }
    }

    /// Says that the networks are ready, where nobody said anything yet.
    async fn sync_status(&mut self, current: &Tree) {
        // Who lets it go decides by itself.
        if meta::is_deleting(current) {
            return;
        }
        let of: Vec<String> = cidrs(current).into_iter().map(str::to_owned).collect();
        if of != self.cidrs {
            if !std::mem::replace(&mut self.told_mismatch, true) {
                let message = format!(
                    "The default ServiceCIDR {} does not match the controller flag configurations {}",
                    go_list(&of),
                    go_list(&self.cidrs)
                );
                let reason = "KubernetesDefaultServiceCIDRInconsistent";
                self.events.warn(current, reason, "", &message).await;
            }
            return;
        }
        let conditions = current.at("status").items("conditions");
        let ready = conditions.iter().find(|condition| condition.text("type") == "Ready");
        match ready.map(|ready| (ready.text("status"), ready)) {
            Some(("True", _)) => {}
            Some(("False", ready)) => {
                // Whoever said so would say so again.
                if !std::mem::replace(&mut self.told_not_ready, true) {
                    let message = format!("Configuration matches, but {}", ready.text("message"));
                    self.events.warn(current, ready.text("reason"), "", &message).await;
                }
            }
            _ => self.say_ready(current).await,
        }
    }

    async fn say_ready(&self, current: &Tree) {
        tracing::info!("Setting default ServiceCIDR condition Ready to True");
        let condition = tree([
            ("lastTransitionTime", now(&*self.parts.clock).to_string().into()),
            ("message", "Kubernetes default Service CIDR is ready".into()),
            ("reason", "".into()),
            ("status", "True".into()),
            ("type", "Ready".into()),
        ]);
        let set = |object: &mut Tree| {
            let mut conditions = object.at("status").items("conditions").to_vec();
            conditions.retain(|one| one.text("type") != "Ready");
            conditions.push(condition.clone());
            object.child("status").set("conditions", conditions);
            true
        };
        let cluster = &*self.parts.cluster;
        if let Err(status) = change(cluster, &SERVICE_CIDRS, "status", ("", NAME), set).await {
            tracing::info!(%status, "error updating default ServiceCIDR status");
            let message = "The default ServiceCIDR Status can not be set to Ready=True";
            self.events.warn(current, ERROR, "", message).await;
        }
    }
}

/// The networks of a `ServiceCIDR`.
pub(super) fn cidrs(object: &Tree) -> Vec<&str> {
    let cidrs = object.at("spec").items("cidrs").iter();
    cidrs.filter_map(Tree::as_str).collect()
}

/// As Go prints a list of strings.
fn go_list(items: &[String]) -> String {
    format!("[{}]", items.join(" "))
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;

    use super::{DefaultServiceCidr, NAME, cidrs};
    use crate::inside::objects::{EVENTS, SERVICE_CIDRS};
    use crate::inside::testing::{Double, json, parts};

    fn keeper(ranges: &[&str]) -> (Double, DefaultServiceCidr) {
        let (double, _, parts) = parts();
        let ranges = ranges.iter().map(|&range| range.to_owned()).collect();
        (double, DefaultServiceCidr::new(&parts, ranges, "host"))
    }

    fn ready(object: &Tree) -> Vec<&str> {
        let conditions = object.at("status").items("conditions").iter();
        conditions.map(|condition| condition.text("status")).collect()
    }

    #[tokio::test]
    async fn the_network_of_the_flag_is_there_and_ready() {
        let (double, mut keeper) = keeper(&["10.0.0.0/16"]);
        keeper.sync().await.unwrap();
        let made = double.get(&SERVICE_CIDRS, "", NAME).unwrap();
        assert_eq!((cidrs(&made), ready(&made)), (vec!["10.0.0.0/16"], vec!["True"]));
        double.take(&SERVICE_CIDRS, "", NAME);
        keeper.sync().await.unwrap();
        let writes = double.writes();
        keeper.sync().await.unwrap();
        assert_eq!(double.writes(), writes);
    }

    #[tokio::test]
    async fn a_second_family_may_come_along() {
        let (double, mut keeper) = keeper(&["10.0.0.0/16", "fd00::/112"]);
        double.put(
            &SERVICE_CIDRS,
            json(
                r#"{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"kubernetes","uid":"u"},
                "spec":{"cidrs":["10.0.0.0/16"]}}"#,
            ),
        );
        keeper.sync().await.unwrap();
        let grown = double.get(&SERVICE_CIDRS, "", NAME).unwrap();
        assert_eq!(cidrs(&grown), ["10.0.0.0/16", "fd00::/112"]);
    }

    #[tokio::test]
    async fn another_network_is_left_alone_and_told_of_once() {
        let (double, mut keeper) = keeper(&["10.0.0.0/16"]);
        double.put(
            &SERVICE_CIDRS,
            json(
                r#"{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"kubernetes","uid":"u"},
                "spec":{"cidrs":["10.9.0.0/16"]}}"#,
            ),
        );
        keeper.sync().await.unwrap();
        keeper.sync().await.unwrap();
        let told = double.list(&EVENTS);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].text("message"), told[0].int("count")),
            (
                "The default ServiceCIDR [10.9.0.0/16] does not match the controller flag configurations [10.0.0.0/16]",
                1
            )
        );
        assert_eq!(ready(&double.get(&SERVICE_CIDRS, "", NAME).unwrap()), [""; 0]);
    }

    #[tokio::test]
    async fn one_that_goes_keeps_its_status() {
        let (double, mut keeper) = keeper(&["10.0.0.0/16"]);
        double.put(
            &SERVICE_CIDRS,
            json(
                r#"{"metadata":{"name":"kubernetes","deletionTimestamp":"2026-01-01T00:00:00Z"},
                "spec":{"cidrs":["10.0.0.0/16"]}}"#,
            ),
        );
        keeper.sync().await.unwrap();
        assert_eq!(double.writes(), 0);
    }
}
