//! Single requests to one member: sent once, with a bound on the wait, answered or not.

use std::future::Future;
use std::time::Duration;

use jepsen_check::history::{Call, Compare, Put, Relation, Reply, Request, Target, Txn};
use proto::etcd::kv_client::KvClient;
use proto::etcd::lease_client::LeaseClient;
use proto::etcd::maintenance_client::MaintenanceClient;
use proto::etcd::{
    CompactionRequest, HashKvRequest, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest,
    LeaseTimeToLiveRequest, ResponseHeader,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

use super::wire::{self, Malformed};
use super::{Answer, Done, Effect, Mishap, classify, timed_out};

/// Lists of a whole run fit into this.
pub(super) const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The way to one member.
#[derive(Clone)]
pub(crate) struct Link {
    channel: Channel,
    patience: Duration,
}

impl From<Malformed> for Mishap {
    fn from(malformed: Malformed) -> Self {
        Self::Unknown(malformed.to_string())
    }
}

fn answer(header: Option<&ResponseHeader>, reply: Reply) -> Answer {
    Answer {
        reply,
        revision: header.map(|header| header.revision),
        term: header.map(|header| header.raft_term).filter(|term| *term > 0),
    }
}

/// What a transaction does to the store.
fn effect(txn: &Txn) -> Effect {
    let reads = |request: &Request| matches!(request, Request::Get(_));
    if txn.then.iter().chain(&txn.otherwise).all(reads) {
        Effect::Reads
    } else {
        Effect::Writes
    }
}

impl Link {
    /// Opens nothing yet.
    pub(super) fn to(endpoint: &Endpoint) -> Self {
        Self {
            channel: endpoint.connect_lazy(),
            patience: Duration::ZERO,
        }
    }

    /// The same way, with this patience.
    #[must_use]
    pub(crate) fn patient(&self, patience: Duration) -> Self {
        Self {
            channel: self.channel.clone(),
            patience,
        }
    }

    /// The connection.
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Makes a call that is one request.
    ///
    /// # Errors
    /// What is known of it if it was not answered.
    pub(crate) async fn call(&self, call: &Call) -> Done {
        match call {
            Call::Get(get) => {
                let request = self.request(wire::range(get));
                let found = self.within(Effect::Reads, self.kv().range(request)).await?;
                Ok(answer(found.header.as_ref(), wire::ranged(&found)?))
            }
            Call::Put(put) => {
                let request = self.request(wire::put(put));
                let done = self.within(Effect::Writes, self.kv().put(request)).await?;
                Ok(answer(done.header.as_ref(), wire::was_put(&done)?))
            }
            Call::Delete(delete) => {
                let request = self.request(wire::delete(delete));
                let done = self.within(Effect::Writes, self.kv().delete_range(request)).await?;
                Ok(answer(done.header.as_ref(), wire::deleted(&done)?))
            }
            Call::Txn(txn) => self.txn(txn).await,
            Call::Cas { key, from, to } => self.swap(value_is(key, from.as_deref()), key, to).await,
            Call::Compact { revision } => {
                let request = self.request(CompactionRequest {
                    revision: *revision,
                    physical: false,
                });
                let done = self.within(Effect::Writes, self.kv().compact(request)).await?;
                Ok(answer(done.header.as_ref(), Reply::Compact {}))
            }
            Call::Grant { .. } | Call::KeepAlive { .. } | Call::Revoke { .. } | Call::TimeToLive { .. } => {
                self.lease(call).await
            }
            Call::Hash { revision } => self.hash(*revision).await,
            other => Err(Mishap::Refused(format!("{other} is no single request"))),
        }
    }

    /// Makes a transaction.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn txn(&self, txn: &Txn) -> Done {
        let request = self.request(wire::txn(txn));
        let done = self.within(effect(txn), self.kv().txn(request)).await?;
        Ok(answer(done.header.as_ref(), wire::transacted(&done)?))
    }

    /// Writes a key if a condition holds.
    ///
    /// # Errors
    /// As [`Link::call`].
    pub(crate) async fn swap(&self, condition: Compare, key: &str, to: &str) -> Done {
        let txn = Txn {
            compare: vec![condition],
            then: vec![Request::Put(Put {
                key: key.to_owned(),
                value: to.to_owned(),
                ..Put::default()
            })],
            otherwise: Vec::new(),
        };
        let done = self.txn(&txn).await?;
        let Reply::Txn { succeeded, .. } = done.reply else {
            return Err(Mishap::Unknown(
                "a transaction was answered as something else".to_owned(),
            ));
        };
        Ok(Answer {
            reply: Reply::Cas { succeeded },
            ..done
        })
    }

    async fn lease(&self, call: &Call) -> Done {
        match *call {
            Call::Grant { lease, ttl } => {
                let request = self.request(LeaseGrantRequest { ttl, id: lease });
                let done = self.within(Effect::Writes, self.leases().lease_grant(request)).await?;
                Ok(answer(done.header.as_ref(), Reply::Grant { ttl: done.ttl }))
            }
            Call::KeepAlive { lease } => self.keep_alive(lease).await,
            Call::Revoke { lease } => {
                let request = self.request(LeaseRevokeRequest { id: lease });
                let done = self.within(Effect::Writes, self.leases().lease_revoke(request)).await?;
                Ok(answer(done.header.as_ref(), Reply::Revoke {}))
            }
            Call::TimeToLive { lease } => {
                let request = self.request(LeaseTimeToLiveRequest { id: lease, keys: false });
                let told = self
                    .within(Effect::Reads, self.leases().lease_time_to_live(request))
                    .await?;
                Ok(answer(told.header.as_ref(), Reply::TimeToLive { ttl: told.ttl }))
            }
            _ => Err(Mishap::Refused(format!("{call} is not about a lease"))),
        }
    }

    async fn keep_alive(&self, lease: i64) -> Done {
        let request = self.request(tokio_stream::once(LeaseKeepAliveRequest { id: lease }));
        let mut stub = self.leases();
        let renewed = self.within(Effect::Writes, async move {
            let mut answers = stub.lease_keep_alive(request).await?.into_inner();
            let first = answers.message().await?;
            first
                .map(Response::new)
                .ok_or_else(|| Status::unknown("the stream ended without an answer"))
        });
        let renewed = renewed.await?;
        Ok(answer(renewed.header.as_ref(), Reply::KeepAlive { ttl: renewed.ttl }))
    }

    async fn hash(&self, revision: i64) -> Done {
        let request = self.request(HashKvRequest { revision });
        let mut stub = MaintenanceClient::new(self.channel());
        let told = self.within(Effect::Reads, stub.hash_kv(request)).await?;
        // Upstream names the revision since 3.6 only; before that it is the one that was asked for.
        let named = [told.hash_revision, revision].into_iter().find(|one| *one > 0);
        let reply = Reply::Hash {
            hash: told.hash,
            revision: named.unwrap_or_else(|| told.header.as_ref().map_or(0, |header| header.revision)),
            compact_revision: told.compact_revision,
        };
        Ok(answer(told.header.as_ref(), reply))
    }

    /// Waits for an answer as long as the patience lasts.
    pub(super) async fn within<T>(
        &self,
        effect: Effect,
        answer: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Mishap> {
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(classify(effect, status)),
            Err(_) => Err(timed_out(effect, self.patience)),
        }
    }

    /// A request that tells the store how long it is waited for, as upstream's clients do.
    pub(super) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(self.patience);
        request
    }

    fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    fn leases(&self) -> LeaseClient<Channel> {
        LeaseClient::new(self.channel())
    }
}

/// The condition of a swap by value; `None`: the key does not exist.
fn value_is(key: &str, value: Option<&str>) -> Compare {
    let target = match value {
        Some(value) => Target::Value(value.to_owned()),
        None => Target::Create(0),
    };
    Compare {
        key: key.to_owned(),
        is: Relation::Equal,
        target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jepsen_check::history::Get;

    #[test]
    fn a_transaction_reads_if_no_branch_writes() {
        let read = Txn {
            then: vec![Request::Get(Get::default())],
            ..Txn::default()
        };
        assert_eq!(effect(&read), Effect::Reads);
        let write = Txn {
            otherwise: vec![Request::Put(Put::default())],
            ..read
        };
        assert_eq!(effect(&write), Effect::Writes);
    }

    #[test]
    fn an_absent_key_is_told_by_its_creation() {
        assert_eq!(value_is("x", None).target, Target::Create(0));
        assert_eq!(value_is("x", Some("1")).target, Target::Value("1".into()));
    }
}
