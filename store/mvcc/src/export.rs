//! Gives out every version that etcd would hold, for a backup in etcd's own format.

use crate::versions::{Version, Versions};
use crate::{Result, View};

/// Versions in revision order; ends after the first error.
pub struct Export {
    versions: Option<Versions>,
    chunk: std::vec::IntoIter<Version>,
}

impl Export {
    pub(crate) fn new(view: View) -> Result<Self> {
        let until = view.revision();
        Ok(Self {
            versions: Some(Versions::held(view, until)?),
            chunk: Vec::new().into_iter(),
        })
    }
}

impl Iterator for Export {
    type Item = Result<Version>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(version) = self.chunk.next() {
            return Some(Ok(version));
        }
        match self.versions.as_mut()?.next_chunk() {
            Ok(chunk) => {
                self.chunk = chunk.into_iter();
                let next = self.chunk.next();
                if next.is_none() {
                    self.versions = None;
                }
                next.map(Ok)
            }
            Err(error) => {
                self.versions = None;
                Some(Err(error))
            }
        }
    }
}
