//! Where the service `kubernetes` leads: its Endpoints and `EndpointSlice`, made of the apiservers that are alive
//! (upstream's `reconcilers`).

use std::net::IpAddr;
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;

use super::objects::{ENDPOINT_SLICES, ENDPOINTS, ensure, is_missing, object, texts, tree};
use super::store::MasterLeases;

/// The service's name, and that of all that belongs to it.
pub(super) const NAME: &str = "kubernetes";
/// Its namespace.
pub(super) const NAMESPACE: &str = "default";
/// The name of its port.
pub(super) const PORT_NAME: &str = "https";
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Why the endpoints are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("no master IPs were listed in storage, refusing to erase all endpoints for the kubernetes service")]
    NoMasters,
    #[error("the apiservers' leases: {0}")]
    Leases(#[from] store_client::Error),
    #[error("{0}")]
    Refused(#[from] Status),
}

/// Keeps the endpoints by the leases of the apiservers.
#[derive(Clone)]
pub(super) struct Reconciler {
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) leases: Arc<dyn MasterLeases>,
    /// Where this apiserver is reached.
    pub(super) address: IpAddr,
    pub(super) port: u16,
}

impl Reconciler {
    /// Says that this apiserver is alive, and writes down who all are.
    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        // First of all, so that others know of this one whatever fails below.
        self.leases.update(self.address).await?;
        self.write(false).await
    }

    /// Takes this apiserver away; says whether it was there.
    pub(super) async fn remove(&self) -> Result<bool, Error> {
        if !self.leases.remove(self.address).await? {
            return Ok(false);
        }
        self.write(true).await?;
        Ok(true)
    }

    fn ports(&self) -> Tree {
        let port = tree([
            ("name", PORT_NAME.into()),
            ("port", i64::from(self.port).into()),
            ("protocol", "TCP".into()),
        ]);
        vec![port].into()
    }

    /// Writes down who is alive; the port that others wrote stays, unless `ports` says otherwise.
    async fn write(&self, ports: bool) -> Result<(), Error> {
        let current = found(self.cluster.read(&ENDPOINTS, NAMESPACE, NAME).await)?;
        let masters = self.leases.list().await?;
        if masters.is_empty() {
            return Err(Error::NoMasters);
        }
        let wanted = wanted(current.as_ref(), &masters, &self.ports(), ports);
        let endpoints = match (wanted, current) {
            (None, Some(current)) => current,
            (Some(wanted), Some(_)) => {
                tracing::warn!(?masters, "Resetting endpoints for master service \"{NAME}\"");
                self.cluster.update(&ENDPOINTS, "", wanted).await?
            }
            (wanted, None) => {
                let new = wanted.unwrap_or_default();
                ensure(&*self.cluster, &ENDPOINTS, new.clone()).await?;
                new
            }
        };
        self.write_slice(slice_of(&endpoints)).await?;
        Ok(())
    }

    async fn write_slice(&self, slice: Tree) -> Result<(), Status> {
        let cluster = &*self.cluster;
        let resource: &GroupResource = &ENDPOINT_SLICES;
        let Some(current) = found(cluster.read(resource, NAMESPACE, NAME).await)? else {
            return ensure(cluster, resource, slice).await;
        };
        if current.text("addressType") != slice.text("addressType") {
            // It cannot be changed.
            cluster.delete(resource, NAMESPACE, NAME).await?;
            cluster.create(resource, slice).await?;
            return Ok(());
        }
        let same = ["endpoints", "ports"]
            .iter()
            .all(|field| current.at(field) == slice.at(field))
            && meta::labels(&current) == meta::labels(&slice);
        if !same {
            cluster.update(resource, "", slice).await?;
        }
        Ok(())
    }
}

fn found(read: Result<Tree, Status>) -> Result<Option<Tree>, Status> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(status) if is_missing(&status) => Ok(None),
        Err(status) => Err(status),
    }
}

/// What the Endpoints should be; `None` where they are so already.
fn wanted(current: Option<&Tree>, masters: &[String], ports: &Tree, reset_ports: bool) -> Option<Tree> {
    let mut endpoints = match current {
        Some(current) => current.clone(),
        None => object("v1", "Endpoints", NAMESPACE, NAME),
    };
    // The slice is written here; nobody else shall make another of the Endpoints.
    let marked = meta::label(&endpoints, SKIP_MIRROR) == Some("true");
    if !marked {
        meta::set_label(&mut endpoints, SKIP_MIRROR, "true");
    }
    let subset = match endpoints.items("subsets") {
        [one] => Some(one),
        _ => None,
    };
    let kept_ports = subset.map(|subset| subset.at("ports").clone());
    let same_ports = !reset_ports || kept_ports.as_ref() == Some(ports);
    let same_masters = subset.is_some_and(|subset| is_made_of(subset, masters));
    if marked && same_masters && same_ports {
        return None;
    }
    let mut addresses = masters.to_vec();
    addresses.sort_unstable();
    let addresses: Vec<Tree> = addresses.iter().map(|ip| tree([("ip", ip.as_str().into())])).collect();
    let ports = match kept_ports {
        Some(kept) if same_ports => kept,
        _ => ports.clone(),
    };
    endpoints.set(
        "subsets",
        vec![tree([("addresses", addresses.into()), ("ports", ports)])],
    );
    Some(endpoints)
}

/// Whether the addresses of a subset are these, in whatever order.
fn is_made_of(subset: &Tree, masters: &[String]) -> bool {
    let mut have: Vec<&str> = subset.items("addresses").iter().map(|one| one.text("ip")).collect();
    let mut want: Vec<&str> = masters.iter().map(String::as_str).collect();
    have.sort_unstable();
    want.sort_unstable();
    have == want
}

/// The slice that says the same as the Endpoints, which have one subset.
fn slice_of(endpoints: &Tree) -> Tree {
    let mut slice = object("discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, NAME);
    meta::set_label(&mut slice, SERVICE_NAME, NAME);
    let subset = endpoints.items("subsets").first().unwrap_or(&Tree::Null);
    let addresses: Vec<&str> = subset.items("addresses").iter().map(|one| one.text("ip")).collect();
    // A slice has one family, as yet also where the apiservers are of both.
    let all_v6 = !addresses.is_empty() && addresses.iter().all(|ip| is_v6(ip));
    slice.set("addressType", if all_v6 { "IPv6" } else { "IPv4" });
    let of_family = addresses.into_iter().filter(|ip| is_v6(ip) == all_v6);
    let endpoints: Vec<Tree> = of_family
        .map(|ip| {
            let conditions = tree([("ready", true.into())]);
            tree([("addresses", texts([ip])), ("conditions", conditions)])
        })
        .collect();
    slice.set("endpoints", endpoints);
    let ports: Vec<Tree> = subset.items("ports").to_vec();
    slice.set("ports", ports);
    slice
}

fn is_v6(ip: &str) -> bool {
    ip.parse().is_ok_and(|ip: IpAddr| ip.is_ipv6())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::meta;
    use apiserver_api::tree::Tree;

    use super::{Error, NAME, NAMESPACE, Reconciler};
    use crate::inside::objects::{ENDPOINT_SLICES, ENDPOINTS};
    use crate::inside::testing::{Double, Leases, json, parts};

    fn reconciler(address: &str) -> (Double, Arc<Leases>, Reconciler) {
        let (double, _, parts) = parts();
        let leases: Arc<Leases> = Arc::default();
        let reconciler = Reconciler {
            cluster: parts.cluster,
            leases: leases.clone(),
            address: address.parse().unwrap(),
            port: 6443,
        };
        (double, leases, reconciler)
    }

    fn spec(object: Tree, fields: &[&str]) -> Vec<String> {
        let shown = |field: &&str| String::from_utf8(object.at(field).to_json()).unwrap();
        fields.iter().map(shown).collect()
    }

    const FIELDS: &[&str] = &["addressType", "endpoints", "ports"];

    #[tokio::test]
    async fn the_endpoints_are_the_apiservers_that_are_alive() {
        let (double, leases, reconciler) = reconciler("10.1.0.2");
        leases.held.lock().insert("10.1.0.1".to_owned());
        reconciler.reconcile().await.unwrap();
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        assert_eq!(
            meta::label(&endpoints, "endpointslice.kubernetes.io/skip-mirror"),
            Some("true")
        );
        let ports = r#"[{"name":"https","port":6443,"protocol":"TCP"}]"#;
        let subset = format!(r#"[{{"addresses":[{{"ip":"10.1.0.1"}},{{"ip":"10.1.0.2"}}],"ports":{ports}}}]"#);
        assert_eq!(spec(endpoints, &["subsets"]), [subset]);
        let slice = double.get(&ENDPOINT_SLICES, NAMESPACE, NAME).unwrap();
        assert_eq!(meta::label(&slice, "kubernetes.io/service-name"), Some("kubernetes"));
        let ready = r#""conditions":{"ready":true}"#;
        let listed = format!(r#"[{{"addresses":["10.1.0.1"],{ready}}},{{"addresses":["10.1.0.2"],{ready}}}]"#);
        assert_eq!(spec(slice, FIELDS), [r#""IPv4""#, &listed, ports]);
        // Nothing changed, nothing is written.
        let writes = double.writes();
        reconciler.reconcile().await.unwrap();
        assert_eq!(double.writes(), writes);
    }

    #[tokio::test]
    async fn one_that_goes_takes_itself_away_but_never_the_last() {
        let (double, leases, reconciler) = reconciler("10.1.0.2");
        assert!(!reconciler.remove().await.unwrap());
        leases.held.lock().insert("10.1.0.1".to_owned());
        reconciler.reconcile().await.unwrap();
        assert!(reconciler.remove().await.unwrap());
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        assert_eq!(endpoints.items("subsets")[0].items("addresses").len(), 1);
        leases.held.lock().clear();
        reconciler.reconcile().await.unwrap();
        assert!(matches!(reconciler.remove().await, Err(Error::NoMasters)));
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        assert_eq!(endpoints.items("subsets")[0].items("addresses").len(), 1);
    }

    #[tokio::test]
    async fn ports_of_others_stay_and_a_broken_list_is_made_anew() {
        let (double, _, reconciler) = reconciler("10.1.0.2");
        let with = |subsets: &str| {
            let mut endpoints = json(&format!(r#"{{"subsets":{subsets}}}"#));
            meta::set_type(&mut endpoints, "v1", "Endpoints");
            meta::set_name(&mut endpoints, NAME);
            meta::set_namespace(&mut endpoints, NAMESPACE);
            endpoints
        };
        let other = r#"[{"addresses":[{"ip":"10.1.0.9"}],"ports":[{"name":"https","port":443,"protocol":"TCP"}]}]"#;
        double.put(&ENDPOINTS, with(other));
        reconciler.reconcile().await.unwrap();
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        let subset = &endpoints.items("subsets")[0];
        assert_eq!(subset.items("addresses")[0].text("ip"), "10.1.0.2");
        assert_eq!(subset.items("ports")[0].int("port"), 443);
        double.put(&ENDPOINTS, with("[]"));
        reconciler.reconcile().await.unwrap();
        let endpoints = double.get(&ENDPOINTS, NAMESPACE, NAME).unwrap();
        assert_eq!(endpoints.items("subsets")[0].items("ports")[0].int("port"), 6443);
    }

    #[tokio::test]
    async fn a_slice_of_the_other_family_is_made_anew() {
        let (double, leases, four) = reconciler("10.1.0.2");
        four.reconcile().await.unwrap();
        leases.held.lock().clear();
        let six = Reconciler {
            address: "fd00::1".parse().unwrap(),
            ..four
        };
        six.reconcile().await.unwrap();
        let slice = double.get(&ENDPOINT_SLICES, NAMESPACE, NAME).unwrap();
        assert_eq!(slice.text("addressType"), "IPv6");
        assert_eq!(slice.items("endpoints").len(), 1);
    }
}
