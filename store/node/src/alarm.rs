//! The alarms: listed, raised and lifted through the log.

use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::{AlarmRequest, AlarmResponse};
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_machine::Ask;

use crate::Member;
use crate::admit::Learner;
use crate::caller::Caller;
use crate::error::Result;
use crate::kv::unexpected;

impl Member {
    /// Lists, raises or lifts alarms.
    ///
    /// # Errors
    /// Auth, timeouts.
    pub async fn alarm(&self, caller: &Caller, request: AlarmRequest) -> Result<AlarmResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        if request.action() == AlarmAction::Get {
            // Any user may look, so that health checks need no administrator (upstream since 3.6.10).
            self.allowed(&admitted.who, Ask::User)?;
            self.barrier().await?;
            let alarms = self.reader.state().alarms.list(request.alarm());
            return Ok(AlarmResponse {
                header: Some(self.header()),
                alarms,
            });
        }
        self.allowed(&admitted.who, Ask::Admin)?;
        match self.propose(&admitted.who, Action::Alarm(request)).await? {
            Outcome::Alarm(mut response) => {
                response.header = self.complete(response.header);
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }
}
