//! A client that does one thing to one object after another.

use std::sync::Arc;

use base::task::Tasks;
use bytes::Bytes;
use http::header;

use crate::api::client::{Answer, Ask, Connection};
use crate::api::object::{Resource, Template, Values, Verb};
use crate::api::server::Side;
use crate::api::stamp::Clock;
use crate::load::{Client, Done, Turn};
use crate::rpc::Fault;

/// Which object a request is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    /// The first object.
    pub(crate) first: u64,
    /// So many are taken in turn; all numbers if there is none.
    pub(crate) count: Option<u64>,
}

impl Numbers {
    fn of(self, turn: u64) -> u64 {
        self.first + self.count.map_or(turn, |count| turn % count.max(1))
    }
}

/// What all workers of a phase do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) verb: Verb,
    pub(crate) numbers: Numbers,
    /// How many nodes objects are spread over.
    pub(crate) nodes: u64,
    /// The run that stamps tell.
    pub(crate) run: u32,
    /// A code that is as good as success.
    pub(crate) accepts: Option<u32>,
    pub(crate) path: Template,
    pub(crate) body: Template,
}

impl Job {
    /// Does `verb` to objects of `resource`.
    pub(crate) fn new(verb: Verb, resource: &Resource, numbers: Numbers) -> Self {
        Self {
            path: verb.path(resource),
            body: verb.body(resource),
            verb,
            numbers,
            nodes: 1,
            run: 0,
            accepts: None,
        }
    }

    /// So many workers, whose connections are open and live in `group`.
    ///
    /// # Errors
    /// A connection cannot be opened.
    pub(crate) async fn workers(self, side: &Side, clients: usize, group: &Tasks) -> Result<Vec<Worker>, Fault> {
        let dialer = side.dialer(group);
        let mut headers = vec![(header::ACCEPT, "application/json")];
        headers.extend(self.verb.content_type().map(|kind| (header::CONTENT_TYPE, kind)));
        let ask = Arc::new(dialer.ask(self.verb.method(), &headers));
        let job = Arc::new(self);
        let mut workers = Vec::with_capacity(clients);
        for _ in 0..clients.max(1) {
            let mut connection = Connection::new(dialer.clone());
            connection.open().await?;
            workers.push(Worker {
                job: Arc::clone(&job),
                ask: Arc::clone(&ask),
                connection,
                answer: Answer::default(),
                clock: side.clock,
            });
        }
        Ok(workers)
    }
}

/// One client.
pub(crate) struct Worker {
    job: Arc<Job>,
    ask: Arc<Ask>,
    connection: Connection,
    answer: Answer,
    clock: Clock,
}

impl Worker {
    /// Does the job once more; which object it was done to.
    ///
    /// # Errors
    /// The server's error, or a lost connection.
    pub(crate) async fn work(&mut self, turn: Turn) -> Result<u64, Fault> {
        let job = &self.job;
        let values = Values {
            number: job.numbers.of(turn.number),
            turn: turn.number,
            nodes: job.nodes,
            stamp: self.clock.stamp(job.run, turn.due),
            revision: 0,
        };
        let path = job.path.fill(&values);
        let body = if job.verb.content_type().is_some() {
            job.body.fill(&values)
        } else {
            Bytes::new()
        };
        match self.connection.call(&self.ask, path, body, &mut self.answer).await {
            Err(Fault::Status { code, .. }) if job.accepts == Some(code) => Ok(values.number),
            outcome => outcome.map(|()| values.number),
        }
    }
}

impl Client for Worker {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        self.work(turn).await?;
        Ok(Done::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_taken_one_after_another() {
        let all = Numbers { first: 10, count: None };
        assert_eq!([0, 1, 5].map(|turn| all.of(turn)), [10, 11, 15]);
        let some = Numbers {
            first: 10,
            count: Some(3),
        };
        assert_eq!([0, 2, 3, 7].map(|turn| some.of(turn)), [10, 12, 10, 11]);
    }
}
