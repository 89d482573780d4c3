//! The Maintenance service, without alarms, snapshots and downgrades: status, hashes, defragmentation, leadership.

use proto::etcd::{
    AlarmType, DefragmentRequest, DefragmentResponse, HashKvRequest, HashKvResponse, HashRequest, HashResponse,
    MoveLeaderRequest, MoveLeaderResponse, StatusRequest, StatusResponse,
};
use proto::fault::Fault;
use store_machine::Ask;
use store_mvcc::keys;

use crate::admit::Learner;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::offload;
use crate::time::within;
use crate::{Member, VERSION};

impl Member {
    /// How the member is.
    ///
    /// # Errors
    /// When it is stopping, or the token is bad.
    pub async fn status(&self, caller: &Caller, _request: StatusRequest) -> Result<StatusResponse> {
        let admitted = self.admit(caller, Learner::Serves).await?;
        self.allowed(&admitted.who, Ask::User)?;
        let state = self.reader.state();
        let status = self.consensus.look();
        let disk = self.engine.stats().map_or(0, |stats| stats.disk_bytes);
        Ok(StatusResponse {
            header: Some(self.header()),
            version: VERSION.to_owned(),
            // Never less than what is in use, as clients take the difference for what could be freed.
            db_size: disk.max(state.live_bytes) as i64,
            leader: status.leader.unwrap_or(0),
            raft_index: status.committed,
            raft_term: status.term,
            raft_applied_index: state.applied_index,
            errors: self.troubles(),
            db_size_in_use: state.live_bytes as i64,
            is_learner: self.is_learner(),
            storage_version: VERSION.to_owned(),
            db_size_quota: self.config.quota().unwrap_or(0),
            downgrade_info: Some(state.downgrade.clone()),
        })
    }

    /// What `status` reports as errors; upstream's texts.
    fn troubles(&self) -> Vec<String> {
        let mut errors = Vec::new();
        if !self.has_leader() {
            errors.push(Fault::NoLeader.text().to_owned());
        }
        for alarm in self.reader.state().alarms.list(AlarmType::None) {
            errors.push(format!(
                "memberID:{} alarm:{} ",
                alarm.member_id,
                alarm.alarm().as_str_name()
            ));
        }
        errors
    }

    /// Nothing here needs it: freed space is given back as it is freed. The engine is asked to hurry, in the
    /// background, and the call never holds anything up.
    ///
    /// # Errors
    /// Auth.
    pub async fn defragment(&self, caller: &Caller, _request: DefragmentRequest) -> Result<DefragmentResponse> {
        let _admitted = self.admit_admin(caller, Learner::Serves).await?;
        self.metrics.disk.defrag_inflight.set(1.0);
        let started = self.clock.monotonic();
        let (engine, metrics, clock) = (self.engine.clone(), self.metrics.clone(), self.clock.clone());
        let work = move || {
            // To the end of the space: no key is longer than what fits in this many 0xff bytes.
            let result = engine.reclaim(keys::DATA, &[], &[0xff; 64]);
            metrics
                .disk
                .defrag
                .observe(clock.monotonic().saturating_sub(started).as_secs_f64());
            metrics.disk.defrag_inflight.set(0.0);
            if let Err(error) = result {
                tracing::warn!(%error, "the engine could not give back space");
            }
        };
        let tasks = self.tasks.clone();
        self.tasks.spawn_until("defragment", async move {
            let _ = offload::run(&tasks, "reclaim", work).await;
        });
        // Upstream's answer has no header.
        Ok(DefragmentResponse::default())
    }

    /// A hash over everything held. Members agree on it only at equal revisions, so `hash_kv` is the one to compare.
    ///
    /// # Errors
    /// Auth.
    pub async fn hash(&self, caller: &Caller, _request: HashRequest) -> Result<HashResponse> {
        let _admitted = self.admit_admin(caller, Learner::Refuses).await?;
        let started = self.clock.monotonic();
        let reader = self.mvcc.clone();
        let hash = offload::run(&self.tasks, "hash", move || reader.view().hash_kv(0)).await??;
        self.metrics
            .mvcc
            .hash
            .observe(self.clock.monotonic().saturating_sub(started).as_secs_f64());
        Ok(HashResponse {
            header: Some(self.header()),
            hash: hash.hash,
        })
    }

    /// The hash that real etcd computes over the same keys up to a revision; 0 = now.
    ///
    /// # Errors
    /// [`Fault::Compacted`], [`Fault::FutureRevision`], auth.
    pub async fn hash_kv(&self, caller: &Caller, request: HashKvRequest) -> Result<HashKvResponse> {
        let _admitted = self.admit_admin(caller, Learner::Refuses).await?;
        self.scan(request.revision).await
    }

    /// Hands leadership to another voter; only the leader can.
    ///
    /// # Errors
    /// [`Fault::NotLeader`], [`Fault::BadLeaderTransferee`], auth, and a timeout.
    pub async fn move_leader(&self, caller: &Caller, request: MoveLeaderRequest) -> Result<MoveLeaderResponse> {
        let _admitted = self.admit_admin(caller, Learner::Refuses).await?;
        if !self.is_leader() {
            return Err(Fault::NotLeader.into());
        }
        self.transfer(request.target_id).await?;
        // Upstream's answer has no header.
        Ok(MoveLeaderResponse::default())
    }

    /// Hands leadership over and waits until the other one has it.
    pub(crate) async fn transfer(&self, to: u64) -> Result<()> {
        let votes = self.status.borrow().voters.contains(&to);
        if !votes {
            return Err(Fault::BadLeaderTransferee.into());
        }
        if to == self.id() {
            return Ok(());
        }
        let target = format!("{to:x}");
        tracing::info!(transferee_member_id = target, "leadership transfer starting");
        let started = self.clock.monotonic();
        let transfer = within(
            &*self.clock,
            self.config.request_timeout(),
            self.consensus.transfer_leader(to),
        )
        .await;
        match transfer {
            Some(Ok(())) => {
                let took = self.clock.monotonic().saturating_sub(started);
                tracing::info!(transferee_member_id = target, ?took, "leadership transfer finished");
                Ok(())
            }
            Some(Err(store_raft::Error::NotLeader { .. })) => Err(Fault::NotLeader.into()),
            Some(Err(store_raft::Error::Stopped)) => Err(Fault::Stopped.into()),
            None | Some(Err(_)) => Err(Error::unavailable(
                "etcdserver: request timed out, leader transfer took too long",
            )),
        }
    }
}
