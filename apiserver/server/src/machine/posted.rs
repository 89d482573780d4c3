//! What is posted and carried out, not kept: it takes the way of a new object as far as admission.

use apiserver_admission::Operation;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::admit::Admitted;
use super::{Machine, Write, fields, metadata};
use crate::catalog::Resource;

impl Machine {
    /// Takes out of what was posted what only the server says, but its identity where that is meant, and gives it the
    /// namespace of its address.
    ///
    /// # Errors
    /// 400 where it says another.
    pub(crate) fn settle_posted(
        resource: &Resource,
        namespace: &str,
        object: &mut Tree,
        keeps: bool,
    ) -> Result<(), Status> {
        if !keeps {
            metadata::wipe(object);
        }
        metadata::settle_namespace(resource, namespace, object)
    }

    /// Lets every plugin change what was posted, or refuse it.
    ///
    /// # Errors
    /// What admission says.
    pub(crate) async fn admit_posted(&self, write: &Write<'_>, object: &mut Tree) -> Result<(), Status> {
        metadata::dedup_owners(write.call, object, false);
        fields::note(write, None, object);
        let admitted = Admitted::write(write, Operation::Create, &write.options.tree, None);
        self.admit(&admitted, object).await?;
        metadata::dedup_owners(write.call, object, true);
        Ok(())
    }

    /// Lets every plugin refuse what was posted.
    ///
    /// # Errors
    /// What admission says.
    pub(crate) async fn validate_posted(&self, write: &Write<'_>, object: &Tree) -> Result<(), Status> {
        let admitted = Admitted::write(write, Operation::Create, &write.options.tree, None);
        self.validate(&admitted, Some(object)).await
    }
}
