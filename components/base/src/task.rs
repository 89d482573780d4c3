//! Named tasks below one tree of cancellation, so that everything started also ends.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

tokio::task_local! {
    static NAME: &'static str;
}

/// The name of the task that is running on this thread, if it was started by [`Tasks`].
pub fn current_name() -> Option<&'static str> {
    NAME.try_with(|name| *name).ok()
}

/// A group of tasks that are cancelled and waited for together. Cloning gives another handle to the same group.
#[derive(Clone)]
pub struct Tasks {
    group: Arc<Group>,
}

struct Group {
    token: CancellationToken,
    tracker: TaskTracker,
    parent: Option<Arc<Group>>,
    tree: Arc<Tree>,
}

/// What all groups of one tree share.
struct Tree {
    running: Mutex<Running>,
    /// Blocking work is done inside the call.
    inline: bool,
    failed: watch::Sender<Option<&'static str>>,
}

#[derive(Default)]
struct Running {
    next: u64,
    names: BTreeMap<u64, &'static str>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// A new tree with one group, its root.
    pub fn new() -> Self {
        Self::tree(false)
    }

    /// A new tree whose blocking work is done inside [`Tasks::spawn_blocking`], so that a simulation sees no other thread.
    pub fn inline() -> Self {
        Self::tree(true)
    }

    fn tree(inline: bool) -> Self {
        let tree = Arc::new(Tree {
            running: Mutex::default(),
            inline,
            failed: watch::channel(None).0,
        });
        Self::group(CancellationToken::new(), None, tree)
    }

    fn group(token: CancellationToken, parent: Option<Arc<Group>>, tree: Arc<Tree>) -> Self {
        let tracker = TaskTracker::new();
        tracker.close();
        Self {
            group: Arc::new(Group {
                token,
                tracker,
                parent,
                tree,
            }),
        }
    }

    /// A group of its own below this one: cancelled when this one is, and waited for by this one's [`Tasks::shutdown`].
    #[must_use]
    pub fn child(&self) -> Self {
        Self::group(
            self.group.token.child_token(),
            Some(Arc::clone(&self.group)),
            Arc::clone(&self.group.tree),
        )
    }

    /// The token that tells the tasks of this group to end.
    pub fn token(&self) -> CancellationToken {
        self.group.token.clone()
    }

    /// Starts `future`. It is not aborted: it must itself end once [`Tasks::token`] is cancelled.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) -> Handle<()> {
        self.spawn_value(name, future)
    }

    /// Starts `future` and drops it at its next suspension once this group is cancelled; for loops that leave nothing
    /// half done.
    pub fn spawn_until(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) -> Handle<()> {
        let token = self.token();
        self.spawn_value(name, async move {
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                () = future => {}
            }
        })
    }

    /// Starts `future` and keeps its value for the one who awaits the handle.
    pub fn spawn_value<T: Send + 'static>(
        &self,
        name: &'static str,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Handle<T> {
        let guard = self.enter(name);
        let watched = async move {
            let outcome = AssertUnwindSafe(NAME.scope(name, future)).catch_unwind().await;
            guard.end(outcome)
        };
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        let join = tokio::spawn(watched);
        Handle(Join::Task(join))
    }

    /// Whether blocking work is done inside the call.
    pub fn is_inline(&self) -> bool {
        self.group.tree.inline
    }

    /// Runs `work` on a thread where it may block, or at once if the tree is made so. Once begun it cannot be stopped from
    /// outside.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Handle<T> {
        let guard = self.enter(name);
        let work = move || {
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| NAME.sync_scope(name, work)));
            guard.end(outcome)
        };
        if self.is_inline() {
            return Handle(Join::Done(work().map(Box::new)));
        }
        Handle(Join::Task(tokio::task::spawn_blocking(work)))
    }

    /// Tells every task of this group and of its children to end, without waiting.
    pub fn cancel(&self) {
        self.group.token.cancel();
    }

    /// Cancels, then waits until every task of this group and of its children has ended.
    pub async fn shutdown(&self) {
        self.cancel();
        self.wait().await;
    }

    /// Waits until no task of this group or of its children runs.
    pub async fn wait(&self) {
        self.group.tracker.wait().await;
    }

    /// The names of all running tasks of the whole tree, oldest first.
    pub fn running(&self) -> Vec<&'static str> {
        self.group.tree.running.lock().names.values().copied().collect()
    }

    /// Resolves with the name of the first task of the tree that panicked; never if none does.
    pub async fn failed(&self) -> &'static str {
        let mut failed = self.group.tree.failed.subscribe();
        match failed.wait_for(Option::is_some).await.map(|name| *name) {
            Ok(Some(name)) => name,
            _ => std::future::pending().await,
        }
    }

    fn enter(&self, name: &'static str) -> Guard {
        let mut held = vec![self.group.tracker.token()];
        let mut above = self.group.parent.as_ref();
        while let Some(group) = above {
            held.push(group.tracker.token());
            above = group.parent.as_ref();
        }
        let tree = Arc::clone(&self.group.tree);
        let mut running = tree.running.lock();
        let id = running.next;
        running.next += 1;
        running.names.insert(id, name);
        drop(running);
        Guard {
            id,
            name,
            tree,
            _held: held,
        }
    }
}

/// Counts a task as running until dropped, also when its future is dropped before it ends.
struct Guard {
    id: u64,
    name: &'static str,
    tree: Arc<Tree>,
    _held: Vec<TaskTrackerToken>,
}

impl Guard {
    fn end<T>(self, outcome: Result<T, Box<dyn Any + Send>>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(panic) => {
                tracing::error!(task = self.name, panic = text_of(panic.as_ref()), "task panicked");
                self.tree.failed.send_if_modified(|failed| {
                    let first = failed.is_none();
                    failed.get_or_insert(self.name);
                    first
                });
                None
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tree.running.lock().names.remove(&self.id);
    }
}

/// What a panic said, if it said text.
pub(crate) fn text_of(panic: &dyn Any) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "not a text"
    }
}

/// A running task. Dropping it lets the task run on; awaiting it gives the value, or `None` if the task panicked or
/// was aborted.
pub struct Handle<T>(Join<T>);

enum Join<T> {
    Task(JoinHandle<Option<T>>),
    /// It ended before there was a handle; the value until it is taken, in a box, for handles lie in many futures.
    Done(Option<Box<T>>),
}

impl<T> Handle<T> {
    /// Drops the task at its next suspension. Work on a blocking thread is only stopped if it has not begun.
    pub fn abort(&self) {
        if let Join::Task(join) = &self.0 {
            join.abort();
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Join::Task(join) => join.is_finished(),
            Join::Done(_) => true,
        }
    }
}

impl<T> Future for Handle<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Join::Task(join) => Pin::new(join).poll(context).map(|joined| joined.ok().flatten()),
            Join::Done(value) => Poll::Ready(value.take().map(|value| *value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn shutdown_cancels_and_waits_for_children_too() {
        let tasks = Tasks::new();
        let child = tasks.child();
        let (sender, receiver) = oneshot::channel();
        let token = child.token();
        child.spawn("child", async move {
            token.cancelled().await;
            tokio::task::yield_now().await;
            let _ = sender.send("ended");
        });
        tasks.shutdown().await;
        assert_eq!(receiver.await.unwrap(), "ended");
        assert!(tasks.running().is_empty());
    }

    #[tokio::test]
    async fn a_childs_shutdown_leaves_the_parent_running() {
        let tasks = Tasks::new();
        let child = tasks.child();
        tasks.spawn_until("parent", std::future::pending());
        child.spawn_until("child", std::future::pending());
        assert_eq!(tasks.running(), ["parent", "child"]);
        child.shutdown().await;
        assert_eq!(tasks.running(), ["parent"]);
        assert!(!tasks.token().is_cancelled());
        tasks.shutdown().await;
    }

    #[tokio::test]
    async fn a_panic_is_named_and_does_not_hang_the_shutdown() {
        let tasks = Tasks::new();
        let none = tasks
            .child()
            .spawn_value("broken", async { if true { panic!("oh") } else { 1 } })
            .await;
        assert_eq!(none, None);
        assert_eq!(tasks.failed().await, "broken");
        tasks.shutdown().await;
    }

    #[tokio::test]
    async fn blocking_work_is_done_inside_the_call_where_there_is_to_be_one_thread() {
        let tasks = Tasks::inline().child();
        let here = std::thread::current().id();
        let handle = tasks.spawn_blocking("blocking", move || {
            (std::thread::current().id() == here, current_name())
        });
        assert!(handle.is_finished() && tasks.running().is_empty());
        assert_eq!(handle.await, Some((true, Some("blocking"))));
        assert_eq!(tasks.spawn_blocking("broken", || panic!("oh")).await, None::<()>);
        assert_eq!(tasks.failed().await, "broken");
    }

    #[tokio::test]
    async fn a_task_knows_its_name() {
        let tasks = Tasks::new();
        assert_eq!(
            tasks.spawn_value("asking", async { current_name() }).await,
            Some(Some("asking"))
        );
        assert_eq!(
            tasks.spawn_blocking("blocking", current_name).await,
            Some(Some("blocking"))
        );
        assert_eq!(current_name(), None);
    }

    #[tokio::test]
    async fn abort_and_panics_on_blocking_threads_end_as_none() {
        let tasks = Tasks::new();
        let handle = tasks.spawn("aborted", std::future::pending());
        handle.abort();
        assert_eq!(handle.await, None);
        assert_eq!(tasks.spawn_blocking("broken", || -> u8 { panic!("oh") }).await, None);
        tasks.shutdown().await;
    }
}
