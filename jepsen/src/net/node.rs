//! A thread that lives in a network of its own, and does there what it is told.

use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use anyhow::Context;

use super::isolate;

type Job = Box<dyn FnOnce() + Send>;

/// A node. What it starts is in its network; processes that want to die with their parent die with its thread.
pub(super) struct Node {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    /// A node without any interface but a loopback that is down.
    ///
    /// # Errors
    /// There is no thread or no namespace for it.
    pub(super) fn new(number: usize) -> anyhow::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (ready, entered) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(format!("node-{}", number + 1))
            .spawn(move || {
                let alone = isolate::alone();
                let may_work = alone.is_ok();
                if ready.send(alone).is_ok() && may_work {
                    for job in queue {
                        job();
                    }
                }
            })
            .context("no thread for a node")?;
        entered
            .recv()
            .context("a node's thread ended at once")?
            .context("no network namespace for a node")?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Does something on the node, and waits for it.
    ///
    /// # Errors
    /// The node's thread is gone, or the work panicked.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
        let (sender, done) = mpsc::channel();
        let job = move || {
            // Nobody is left to be told if the receiver is gone.
            let _ = sender.send(work());
        };
        let jobs = self.jobs.as_ref().context("the node has ended")?;
        jobs.send(Box::new(job)).ok().context("the node's thread is gone")?;
        done.recv().context("the node's thread ended while it worked")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of its work was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}
