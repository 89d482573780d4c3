//! The port at which a load balancer asks nodes whether they have pods of a service.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{Claim, LOAD_BALANCER};

const FIELD: &str = "healthCheckNodePort";

/// Whether a service needs it.
pub(super) fn is_needed(service: &Tree) -> bool {
    let spec = service.at("spec");
    spec.text("type") == LOAD_BALANCER && spec.text("externalTrafficPolicy") == "Local"
}

/// The port that a service has.
pub(super) fn of(service: &Tree) -> Vec<i64> {
    let port = service.at("spec").int(FIELD);
    Vec::from_iter((is_needed(service) && port > 0).then_some(port))
}

impl Claim {
    /// Gives the port that is asked for, or any.
    pub(super) async fn give_health_check(&mut self, new: &mut Tree) -> Result<(), Status> {
        let asked = new.at("spec").int(FIELD);
        if asked == 0 {
            let port = self.take_any_port().await.map_err(|error| {
                // Upstream names the port that it does not have yet.
                Status::internal(format!("failed to allocate a HealthCheck NodePort 0: {error}"))
            })?;
            new.child("spec").set(FIELD, port);
            return Ok(());
        }
        self.take_port(asked).await.map_err(|error| {
            Status::internal(format!(
                "failed to allocate requested HealthCheck NodePort {asked}: {error}"
            ))
        })
    }
}
