//! The service `kubernetes` in the namespace `default`, by which pods reach the apiservers (upstream's
//! `kubernetesservice`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::endpoints::{NAME, NAMESPACE, PORT_NAME, Reconciler};
use super::objects::{SERVICES, ensure, object, tree};
use super::store::MasterLeases;

/// How often the service and its endpoints are looked at.
const EACH: Duration = Duration::from_secs(10);
/// The port of the service.
const PORT: i64 = 443;

/// Who keeps the endpoints of the service (`--endpoint-reconciler-type`).
#[derive(Clone)]
pub enum EndpointReconciler {
    /// The apiservers that say in the store that they are alive.
    Lease(Arc<dyn MasterLeases>),
    /// Nobody: the operator.
    None,
}

/// What the service is made of.
#[derive(Clone)]
pub(super) struct KubernetesService {
    pub(super) parts: Parts,
    /// Its address: the first of the services' range.
    pub(super) address: IpAddr,
    /// The port of nodes that leads to it; 0 for none (`--kubernetes-service-node-port`).
    pub(super) node_port: u16,
    /// Where this apiserver is reached.
    pub(super) advertise: IpAddr,
    pub(super) secure_port: u16,
    pub(super) endpoints: EndpointReconciler,
}

impl KubernetesService {
    fn reconciler(&self) -> Option<Reconciler> {
        match &self.endpoints {
            EndpointReconciler::Lease(leases) => Some(Reconciler {
                cluster: Arc::clone(&self.parts.cluster),
                leases: Arc::clone(leases),
                address: self.advertise,
                port: self.secure_port,
            }),
            EndpointReconciler::None => None,
        }
    }

    /// Keeps the service and its endpoints once the server is ready. Ends after the token is cancelled, when this apiserver
    /// has taken itself from the endpoints, or could not for a while.
    pub(super) async fn run(self, mut ready: watch::Receiver<bool>, token: CancellationToken) {
        let hook = self.parts.hooks.begin("bootstrap-controller");
        let work = async {
            self.remove_stale().await;
            hook.done();
            if ready.wait_for(|ready| *ready).await.is_err() {
                return;
            }
            loop {
                let start = self.parts.clock.monotonic();
                self.update().await;
                let took = self.parts.clock.monotonic().saturating_sub(start);
                self.parts.clock.sleep(EACH.saturating_sub(took)).await;
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => {}
            () = work => token.cancelled().await,
        }
        tracing::info!("Shutting down kubernetes service endpoint reconciler");
        tokio::select! {
            removed = self.remove() => match removed {
                Ok(_) => {}
                // The last apiserver to end leaves its address, rather than a service without endpoints.
                Err(error @ super::endpoints::Error::NoMasters) => {
                    tracing::info!(%error, "The endpoints of the kubernetes service stay");
                }
                Err(error) => tracing::error!(%error, "Unable to remove endpoints from kubernetes service"),
            },
            () = self.parts.clock.sleep(2 * EACH) => tracing::warn!("RemoveEndpoints() timed out"),
        }
    }

    /// Until the server is ready nobody shall be led here, whatever an apiserver before it left behind.
    async fn remove_stale(&self) {
        match self.remove().await {
            Ok(true) => {
                let found = "Found stale data, removed previous endpoints on kubernetes service";
                tracing::error!("{found}, apiserver didn't exit successfully previously");
            }
            Ok(false) => {}
            Err(error @ super::endpoints::Error::NoMasters) => {
                tracing::info!(%error, "Old endpoints of the kubernetes service stay for now");
            }
            Err(error) => tracing::error!(%error, "Error removing old endpoints from kubernetes service"),
        }
    }

    async fn remove(&self) -> Result<bool, super::endpoints::Error> {
        match self.reconciler() {
            Some(reconciler) => reconciler.remove().await,
            None => Ok(false),
        }
    }

    async fn update(&self) {
        if let Err(status) = self.keep().await {
            return tracing::warn!(%status, "unable to sync kubernetes service");
        }
        if let Some(reconciler) = self.reconciler()
            && let Err(error) = reconciler.reconcile().await
        {
            tracing::warn!(%error, "unable to sync kubernetes service");
        }
    }

    /// Makes the service where it is missing. What it is otherwise is the operator's business.
    async fn keep(&self) -> Result<(), Status> {
        if self.parts.cluster.cached(&SERVICES, NAMESPACE, NAME).is_some() {
            return Ok(());
        }
        ensure(&*self.parts.cluster, &SERVICES, self.service()).await
    }

    fn service(&self) -> Tree {
        let mut port = tree([
            ("name", PORT_NAME.into()),
            ("port", PORT.into()),
            ("protocol", "TCP".into()),
            ("targetPort", i64::from(self.secure_port).into()),
        ]);
        if self.node_port != 0 {
            port.set("nodePort", i64::from(self.node_port));
        }
        let mut service = object("v1", "Service", NAMESPACE, NAME);
        meta::set_label(&mut service, "component", "apiserver");
        meta::set_label(&mut service, "provider", "kubernetes");
        let kind = if self.node_port == 0 { "ClusterIP" } else { "NodePort" };
        let spec = tree([
            ("clusterIP", self.address.to_string().into()),
            ("ipFamilyPolicy", "SingleStack".into()),
            ("ports", vec![port].into()),
            ("sessionAffinity", "None".into()),
            ("type", kind.into()),
        ]);
        service.set("spec", spec);
        service
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;

    use super::{EndpointReconciler, KubernetesService, NAME, NAMESPACE};
    use crate::inside::Parts;
    use crate::inside::hooks::State;
    use crate::inside::objects::{ENDPOINTS, SERVICES};
    use crate::inside::testing::{Leases, asleep, parts};

    fn service(parts: &Parts, endpoints: EndpointReconciler) -> KubernetesService {
        KubernetesService {
            parts: parts.clone(),
            address: "10.0.0.1".parse().unwrap(),
            node_port: 0,
            advertise: "10.1.0.2".parse().unwrap(),
            secure_port: 6443,
            endpoints,
        }
    }

    #[tokio::test]
    async fn the_service_leads_here_while_the_server_is_ready_and_up() {
        let (double, clock, parts) = parts();
        let leases: Arc<Leases> = Arc::default();
        for ip in ["10.1.0.1", "10.1.0.2"] {
            leases.held.lock().insert(ip.to_owned());
        }
        let (ready, asked) = watch::channel(false);
        let run = service(&parts, EndpointReconciler::Lease(leases.clone())).run(asked, parts.tasks.token());
        let running = parts.tasks.spawn("kubernetes-service", run);
        while parts.hooks.state("bootstrap-controller") != Some(State::Done) {
            tokio::task::yield_now().await;
        }
        let alive = || leases.held.lock().iter().cloned().collect::<Vec<_>>();
        assert_eq!(alive(), ["10.1.0.1"]);
        ready.send(true).unwrap();
        asleep(&clock, 1).await;
        assert_eq!(alive(), ["10.1.0.1", "10.1.0.2"]);
        let spec = double.get(&SERVICES, NAMESPACE, NAME).unwrap().at("spec").clone();
        assert_eq!(spec.text("clusterIP"), "10.0.0.1");
        assert_eq!(
            String::from_utf8(spec.at("ports").to_json()).unwrap(),
            r#"[{"name":"https","port":443,"protocol":"TCP","targetPort":6443}]"#
        );
        // It comes back when it is gone.
        double.take(&SERVICES, NAMESPACE, NAME);
        clock.advance(Duration::from_secs(10));
        asleep(&clock, 1).await;
        assert!(double.get(&SERVICES, NAMESPACE, NAME).is_some());
        parts.tasks.cancel();
        running.await;
        assert_eq!(alive(), ["10.1.0.1"]);
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        assert_eq!(endpoints.items("subsets")[0].items("addresses").len(), 1);
    }

    #[tokio::test]
    async fn without_a_reconciler_there_are_no_endpoints() {
        let (double, clock, parts) = parts();
        let (_ready, asked) = watch::channel(true);
        let mut service = service(&parts, EndpointReconciler::None);
        service.node_port = 30_443;
        let running = parts
            .tasks
            .spawn("kubernetes-service", service.run(asked, parts.tasks.token()));
        asleep(&clock, 1).await;
        let spec = double.get(&SERVICES, NAMESPACE, NAME).unwrap().at("spec").clone();
        assert_eq!(
            (spec.text("type"), spec.items("ports")[0].int("nodePort")),
            ("NodePort", 30_443)
        );
        assert_eq!(double.list(&ENDPOINTS).len(), 0);
        parts.tasks.cancel();
        running.await;
    }
}
