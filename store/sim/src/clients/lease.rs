//! Leases that are granted, hung onto a key, renewed for a while, then left to end or revoked.

use std::time::Duration;

use jepsen_check::history::{Call, Get, Put, Reply};
use proto::etcd::{
    LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest, PutRequest, RangeRequest,
};
use rand::Rng;

use super::{Client, Ended, convert};

/// Seconds that leases are granted for.
const TTL: std::ops::RangeInclusive<i64> = 2..=5;

/// Lets lease after lease come and go until it is to be quiet.
pub(super) async fn run(mut client: Client) {
    while client.pause(Duration::from_secs(1)).await {
        // Ids are used once in a history, and processes are numbered over all of it.
        let id = ((client.process as i64) << 20) | client.random.random_range(1..1 << 20);
        if client.grant(id, TTL).await {
            client.live(id).await;
        }
    }
}

impl Client {
    pub(super) async fn grant(&mut self, id: i64, ttl: std::ops::RangeInclusive<i64>) -> bool {
        let ttl = self.random.random_range(ttl);
        self.invoke(Call::Grant { lease: id, ttl });
        let ended = match self
            .member
            .lease_grant(&self.caller, LeaseGrantRequest { id, ttl })
            .await
        {
            Ok(response) => convert::ended(response.header.as_ref(), Reply::Grant { ttl: response.ttl }),
            Err(error) => Self::failed(&error),
        };
        let granted = matches!(ended, Ended::Ok { .. });
        self.complete(ended);
        granted
    }

    async fn live(&mut self, id: i64) {
        self.attach(id).await;
        for _ in 0..self.random.random_range(0..4) {
            tokio::time::sleep(Duration::from_millis(self.random.random_range(300..2_500))).await;
            if self.recorder.is_quiet() {
                return;
            }
            if self.random.random_ratio(1, 4) {
                self.time_to_live(id).await;
            } else if !self.renew_lease(id).await {
                return;
            }
        }
        if self.random.random_ratio(1, 3) {
            self.revoke(id).await;
        }
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(self.random.random_range(500..3_000))).await;
            self.read(id).await;
        }
    }

    async fn attach(&mut self, id: i64) {
        let put = Put {
            key: format!("lease{id}"),
            value: self.recorder.value(),
            lease: id,
            prev_kv: false,
        };
        let request = PutRequest {
            key: put.key.clone().into(),
            value: put.value.clone().into(),
            lease: id,
            ..PutRequest::default()
        };
        self.invoke(Call::Put(put));
        let ended = match self.member.put(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::put(&response)),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    /// False where the lease is gone.
    async fn renew_lease(&mut self, id: i64) -> bool {
        self.invoke(Call::KeepAlive { lease: id });
        let (ended, lives) = match self
            .member
            .lease_keep_alive(&self.caller, LeaseKeepAliveRequest { id })
            .await
        {
            Ok(response) => {
                let reply = Reply::KeepAlive { ttl: response.ttl };
                (convert::ended(response.header.as_ref(), reply), response.ttl > 0)
            }
            Err(error) => (Ended::Info(error.text()), true),
        };
        self.complete(ended);
        lives
    }

    async fn time_to_live(&mut self, id: i64) {
        self.invoke(Call::TimeToLive { lease: id });
        let request = LeaseTimeToLiveRequest { id, keys: false };
        let ended = match self.member.lease_time_to_live(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), Reply::TimeToLive { ttl: response.ttl }),
            Err(error) => Ended::Fail(error.text()),
        };
        self.complete(ended);
    }

    async fn revoke(&mut self, id: i64) {
        self.invoke(Call::Revoke { lease: id });
        let ended = match self.member.lease_revoke(&self.caller, LeaseRevokeRequest { id }).await {
            Ok(response) => convert::ended(response.header.as_ref(), Reply::Revoke {}),
            Err(error) => Self::failed(&error),
        };
        self.complete(ended);
    }

    async fn read(&mut self, id: i64) {
        let get = Get {
            key: format!("lease{id}"),
            ..Get::default()
        };
        let request = RangeRequest {
            key: get.key.clone().into(),
            ..RangeRequest::default()
        };
        self.invoke(Call::Get(get));
        let ended = match self.member.range(&self.caller, request).await {
            Ok(response) => convert::ended(response.header.as_ref(), convert::range(&response)),
            Err(error) => Ended::Fail(error.text()),
        };
        self.complete(ended);
    }
}
