//! Who speaks to whom: the metadata of every peer call, written and checked.

use http::HeaderMap;
use proto::fault::Fault;
use tonic::metadata::MetadataMap;

const CLUSTER: &str = "keelson-cluster-id";
const FROM: &str = "keelson-from";
const TO: &str = "keelson-to";

/// What a call says of its two ends. Absent where the caller does not know yet: a member that joins asks who is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) cluster: Option<u64>,
    pub(super) from: Option<u64>,
    pub(super) to: Option<u64>,
}

/// Why a call is refused before anything of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It belongs to another cluster.
    Cluster,
    /// It was meant for another member: a URL was taken over.
    Target,
    /// It comes from a member that was removed.
    Removed,
    /// It does not say whom it comes from.
    Nameless,
}

impl Ends {
    /// Writes them.
    pub(super) fn write(self, metadata: &mut MetadataMap) {
        for (name, value) in [(CLUSTER, self.cluster), (FROM, self.from), (TO, self.to)] {
            if let Some(value) = value {
                metadata.insert(name, value.into());
            }
        }
    }

    /// Reads them.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let number = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.parse().ok())
        };
        Self {
            cluster: number(CLUSTER),
            from: number(FROM),
            to: number(TO),
        }
    }

    /// Checks them against the member that was reached. A call that only asks who is there may leave its ends out,
    /// but not name wrong ones.
    pub(super) fn check(self, cluster: u64, me: u64, knows: impl Fn(u64) -> bool, asks: bool) -> Result<(), Stranger> {
        let matches = |said: Option<u64>, is: u64| said.map_or(asks, |said| said == is);
        if !matches(self.cluster, cluster) {
            return Err(Stranger::Cluster);
        }
        if !matches(self.to, me) {
            return Err(Stranger::Target);
        }
        match self.from {
            Some(from) if knows(from) || asks => Ok(()),
            Some(_) => Err(Stranger::Removed),
            None if asks => Ok(()),
            None => Err(Stranger::Nameless),
        }
    }
}

impl Stranger {
    /// What the caller is told.
    pub(super) fn status(self) -> tonic::Status {
        match self {
            Self::Cluster => crate::status::of_fault(Fault::ClusterIdMismatch),
            Self::Removed => crate::status::of_fault(Fault::MemberNotFound),
            Self::Target => tonic::Status::failed_precondition("this is not the member that was meant"),
            Self::Nameless => tonic::Status::failed_precondition("the call does not say which member it comes from"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_apart() {
        let knows = |id| id != 9;
        let ends = |cluster, from, to| Ends {
            cluster: Some(cluster),
            from: Some(from),
            to: Some(to),
        };
        let check = |ends: Ends, asks| ends.check(7, 1, knows, asks);
        assert_eq!(check(ends(7, 2, 1), false), Ok(()));
        assert_eq!(check(ends(8, 2, 1), false), Err(Stranger::Cluster));
        assert_eq!(check(ends(7, 2, 3), false), Err(Stranger::Target));
        assert_eq!(check(ends(7, 9, 1), false), Err(Stranger::Removed));
        assert_eq!(check(Ends::default(), false), Err(Stranger::Cluster));
        assert_eq!(check(Ends::default(), true), Ok(()));
        assert_eq!(
            check(
                Ends {
                    cluster: Some(8),
                    ..Ends::default()
                },
                true
            ),
            Err(Stranger::Cluster)
        );
        // A removed member may ask, so that it learns it was removed.
        assert_eq!(check(ends(7, 9, 1), true), Ok(()));
    }

    #[test]
    fn what_is_written_is_read() {
        let ends = Ends {
            cluster: Some(u64::MAX),
            from: Some(2),
            to: None,
        };
        let mut metadata = MetadataMap::new();
        ends.write(&mut metadata);
        assert_eq!(Ends::read(&metadata.into_headers()), ends);
    }
}
