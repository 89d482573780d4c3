//! Which answer is one to which call.

use super::{Call, Reply, Request, Step};

impl Request {
    fn fits(&self, reply: &Reply) -> bool {
        matches!(
            (self, reply),
            (Self::Get(_), Reply::Get { .. })
                | (Self::Put(_), Reply::Put { .. })
                | (Self::Delete(_), Reply::Delete { .. })
        )
    }
}

impl Step {
    /// Whether `self`, answered, is `asked`.
    fn answers(&self, asked: &Self) -> bool {
        match (self, asked) {
            (Self::Append { .. }, Self::Append { .. }) => self == asked,
            (Self::Read { key, values: Some(_) }, Self::Read { key: wanted, .. }) => key == wanted,
            _ => false,
        }
    }
}

impl Call {
    /// Whether a reply is of the kind, and of the shape, that this call is answered with.
    pub fn fits(&self, reply: &Reply) -> bool {
        match (self, reply) {
            (Self::Txn(txn), Reply::Txn { succeeded, replies }) => {
                let ran = if *succeeded { &txn.then } else { &txn.otherwise };
                ran.len() == replies.len() && ran.iter().zip(replies).all(|(request, reply)| request.fits(reply))
            }
            (Self::Lists { steps: asked }, Reply::Lists { steps }) => {
                asked.len() == steps.len() && steps.iter().zip(asked).all(|(step, asked)| step.answers(asked))
            }
            (Self::Get(_), Reply::Get { .. })
            | (Self::Put(_), Reply::Put { .. })
            | (Self::Delete(_), Reply::Delete { .. })
            | (Self::Cas { .. }, Reply::Cas { .. })
            | (Self::Compact { .. }, Reply::Compact {})
            | (Self::Watch(_), Reply::Watch { .. })
            | (Self::Grant { .. }, Reply::Grant { .. })
            | (Self::KeepAlive { .. }, Reply::KeepAlive { .. })
            | (Self::Revoke { .. }, Reply::Revoke {})
            | (Self::TimeToLive { .. }, Reply::TimeToLive { .. })
            | (Self::Add { .. }, Reply::Add {})
            | (Self::Members {}, Reply::Members { .. })
            | (Self::Transfer { .. }, Reply::Transfer {})
            | (Self::Balances {}, Reply::Balances { .. })
            | (Self::Lock { .. }, Reply::Lock { .. })
            | (Self::Unlock { .. }, Reply::Unlock {})
            | (Self::Guarded { .. }, Reply::Guarded {})
            | (Self::Campaign { .. }, Reply::Campaign { .. })
            | (Self::Proclaim { .. }, Reply::Proclaim {})
            | (Self::Resign { .. }, Reply::Resign {})
            | (Self::Leader { .. }, Reply::Leader { .. })
            | (Self::Hash { .. }, Reply::Hash { .. }) => true,
            _ => false,
        }
    }
}
