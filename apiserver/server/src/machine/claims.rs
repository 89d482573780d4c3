//! What a write takes beside the object itself, and gives back if it fails: addresses and ports of services.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{Machine, Write};
use crate::inside::addresses::Claim;

/// What a write took, if anything.
pub(super) struct Taken(Option<Claim>);

impl Taken {
    /// It was written.
    pub(super) async fn keep(self) {
        if let Some(claim) = self.0 {
            claim.commit().await;
        }
    }

    /// It was not.
    pub(super) async fn give_back(self) {
        if let Some(claim) = self.0 {
            claim.roll_back().await;
        }
    }
}

impl Machine {
    /// Takes what the object needs, and writes it into it.
    pub(super) async fn take(&self, write: &Write<'_>, new: &mut Tree, old: Option<&Tree>) -> Result<Taken, Status> {
        let is_whole = write.subresource.is_empty();
        let claim = match &self.services {
            Some(services) if is_whole && is_service(write.resource) => {
                Some(services.begin(new, old, write.options.dry_run).await?)
            }
            _ => None,
        };
        Ok(Taken(claim))
    }

    /// Gives back what an object had that is gone.
    pub(super) async fn release(&self, resource: &crate::catalog::Resource, object: &Tree) {
        if let Some(services) = self.services.as_ref().filter(|_| is_service(resource)) {
            services.release(object).await;
        }
    }
}

fn is_service(resource: &crate::catalog::Resource) -> bool {
    resource.kind.group.is_empty() && resource.kind.plural == "services"
}
