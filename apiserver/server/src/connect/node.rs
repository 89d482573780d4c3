//! A node's kubelet: where it listens, and what it speaks.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::Asked;
use super::location::Location;

/// A kubelet that says this of itself takes messages of a WebSocket as they come (`status.declaredFeatures`).
const SPEAKS_WEBSOCKETS: &str = "ExtendWebSocketsToKubelet";

/// Where a kubelet listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kubelet {
    pub(super) host: String,
    pub(super) port: String,
    pub(super) speaks_websockets: bool,
}

impl Kubelet {
    /// The kubelet of a node.
    ///
    /// # Errors
    /// 404, or that the node has no address that may be taken.
    pub(super) async fn find(asked: &Asked<'_>, node: &str) -> Result<Self, Status> {
        let settings = &asked.connect.0.settings.kubelets;
        let node = asked.read("nodes", node).await?;
        Self::of(&node, &settings.address_types, settings.port)
    }

    fn of(node: &Tree, types: &[String], default_port: u16) -> Result<Self, Status> {
        let status = node.at("status");
        let addresses = status.items("addresses");
        let preferred = types
            .iter()
            .find_map(|wanted| addresses.iter().find(|address| address.text("type") == wanted));
        let Some(address) = preferred else {
            let shown: Vec<String> = addresses
                .iter()
                .map(|address| format!("{{{} {}}}", address.text("type"), address.text("address")))
                .collect();
            let known = shown.join(" ");
            return Err(Status::unknown(format!(
                "no preferred addresses found; known addresses: [{known}]"
            )));
        };
        let said = status.below(&["daemonEndpoints", "kubeletEndpoint"]).int("Port");
        let port = if said > 0 { said } else { default_port.into() };
        let features = status.items("declaredFeatures");
        Ok(Self {
            host: address.text("address").to_owned(),
            port: port.to_string(),
            speaks_websockets: features.iter().any(|one| one.as_str() == Some(SPEAKS_WEBSOCKETS)),
        })
    }

    /// A place at the kubelet.
    pub(super) fn at(&self, path: String, query: String) -> Location {
        Location {
            secure: true,
            host: self.host.clone(),
            port: self.port.clone(),
            path,
            query,
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    use super::Kubelet;

    fn node(status: &str) -> Tree {
        parse(format!(r#"{{"status":{status}}}"#).as_bytes()).unwrap().tree
    }

    fn types(types: &[&str]) -> Vec<String> {
        types.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn the_address_of_the_first_type_that_a_node_has_is_taken() {
        let node = node(
            r#"{"addresses":[{"type":"InternalIP","address":"10.0.0.1"},{"type":"Hostname","address":"n"}],
                "daemonEndpoints":{"kubeletEndpoint":{"Port":1234}},"declaredFeatures":["A","ExtendWebSocketsToKubelet"]}"#,
        );
        let kubelet = Kubelet::of(&node, &types(&["ExternalIP", "InternalIP", "Hostname"]), 10250).unwrap();
        let expected = Kubelet {
            host: "10.0.0.1".to_owned(),
            port: "1234".to_owned(),
            speaks_websockets: true,
        };
        assert_eq!(kubelet, expected);
    }

    #[test]
    fn a_node_without_such_an_address_is_told_with_those_it_has() {
        let node = node(r#"{"addresses":[{"type":"A","address":"x"},{"type":"B","address":"y"}]}"#);
        let refused = Kubelet::of(&node, &types(&["Hostname"]), 1).unwrap_err();
        let words = "no preferred addresses found; known addresses: [{A x} {B y}]";
        assert_eq!((refused.code, refused.message.as_str()), (500, words));
        let kubelet = Kubelet::of(&node, &types(&["B"]), 10250).unwrap();
        assert_eq!((kubelet.port.as_str(), kubelet.speaks_websockets), ("10250", false));
    }
}
