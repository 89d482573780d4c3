//! Where the requests of one namespace wait: whoever has the turn settles all that wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::Status;
use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;
use tokio::time::timeout;

use super::check::Ask;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The lanes of the namespaces in which something waits.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Arc<Mutex<HashMap<String, Arc<Lane>>>>,
}

/// One lane. It goes when the last one who is in it leaves.
#[derive(Debug)]
struct Lane {
    waiting: Mutex<Vec<Arc<Waiting>>>,
    turn: Turn<()>,
}

/// A request that waits, and what came of it.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What is asked for.
    pub(super) ask: Ask,
    answer: Mutex<Option<Result<(), Status>>>,
}

impl Waiting {
    /// Whether nobody has answered yet.
    pub(super) fn is_open(&self) -> bool {
        self.answer.lock().is_none()
    }

    /// Answers; the first answer stays.
    pub(super) fn answer(&self, answer: Result<(), Status>) {
        self.answer.lock().get_or_insert(answer);
    }
}

impl Lanes {
    /// The lane of a namespace.
    pub(super) fn of(&self, namespace: &str) -> InLane {
        let mut lanes = self.lanes.lock();
        let lane = lanes.entry(namespace.to_owned()).or_insert_with(|| {
            Arc::new(Lane {
                waiting: Mutex::default(),
                turn: Turn::new(()),
            })
        });
        InLane {
            lane: lane.clone(),
            namespace: namespace.to_owned(),
            lanes: self.lanes.clone(),
        }
    }
}

#[cfg(test)]
impl Lanes {
    /// Whether nobody waits anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.lock().is_empty()
    }
}

/// Someone in a lane.
pub(super) struct InLane {
    lane: Arc<Lane>,
    namespace: String,
    lanes: Arc<Mutex<HashMap<String, Arc<Lane>>>>,
}

impl Drop for InLane {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        // The map has it, and this one. Others come in by the map only, which is locked.
        if Arc::strong_count(&self.lane) == 2 {
            lanes.remove(&self.namespace);
        }
    }
}

/// A request in the list of those that wait. If its client goes away it does, too.
struct Ticket<'l> {
    lane: &'l Lane,
    own: Arc<Waiting>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.lane.waiting.lock().retain(|other| !Arc::ptr_eq(other, &self.own));
    }
}

/// What one request settles for all. If its client goes away, those who have no answer wait on.
struct Batch<'l> {
    lane: &'l Lane,
    all: Vec<Arc<Waiting>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.all.retain(|one| one.is_open());
        if !self.all.is_empty() {
            let mut waiting = self.lane.waiting.lock();
            self.all.append(&mut waiting);
            *waiting = std::mem::take(&mut self.all);
        }
    }
}

impl InLane {
    /// Waits for an answer, or for the turn to settle all that wait: `settle` answers each.
    ///
    /// # Errors
    /// What was answered, or 500 where it took too long.
    pub(super) async fn pass<S>(&self, ask: Ask, settle: S) -> Result<(), Status>
    where
        S: AsyncFnOnce(Vec<Arc<Waiting>>),
    {
        let own = Arc::new(Waiting {
            ask,
            answer: Mutex::new(None),
        });
        let lane = &*self.lane;
        lane.waiting.lock().push(own.clone());
        let ticket = Ticket { lane, own };
        let Ok(turn) = timeout(PATIENCE, lane.turn.lock()).await else {
            return Err(Status::internal("resource quota evaluation timed out"));
        };
        if ticket.own.is_open() {
            let all = std::mem::take(&mut *lane.waiting.lock());
            let batch = Batch { lane, all };
            settle(batch.all.clone()).await;
        }
        drop(turn);
        let answer = ticket.own.answer.lock().take();
        // Nobody is forgotten; if one were, it would have been charged nothing.
        answer.unwrap_or_else(|| Err(Status::internal("resource quota evaluation timed out")))
    }
}
