//! Whoever watches: opens a watch, takes down what comes, is cut off now and then, and goes on at another member.
//!
//! Each stream is one call in the history. A watcher that resumes asks for what comes after the last revision that was
//! delivered whole; if the store has compacted that, it goes on from where the store says that history begins.
//!
//! Auditors watch everything, each at one member: that member's watches are examined, whatever happens to it. Only while
//! it does not serve is another one watched.

use std::time::Duration;

use async_trait::async_trait;
use jepsen_check::history::{Call, Reply, Response, Watch};
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::{Audited, Pace, Player};
use crate::client::{Answer, Client, Mishap, Stream};
use crate::seed::Seed;

/// A step waits so long for something to come.
const WAIT: Duration = Duration::from_millis(100);
/// Between two attempts to open a watch.
const PAUSE: Duration = Duration::from_millis(50);
/// In the end everything is waited for this long.
const LAST_WAIT: Duration = Duration::from_secs(8);
/// An auditor that is away from its member looks so often whether it serves again.
const AWAY: Duration = Duration::from_secs(1);

/// A watch that somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// What to watch.
    pub(super) watch: Watch,
    /// When to cut it off; `None`: never.
    pub(super) stays: Option<Duration>,
    /// Of a hundred silent moments so many make the watcher ask for progress.
    pub(super) asks: u32,
}

/// What a watcher wishes next, when the store is known to be at this revision.
pub(super) type Wishes = Box<dyn FnMut(&mut StdRng, i64) -> Wish + Send>;

/// One who watches.
pub(crate) struct Watcher {
    wishes: Wishes,
    rng: StdRng,
    /// What is watched now, or was until the stream broke.
    wish: Option<Wish>,
    open: Option<Open>,
    /// The first revision that was not delivered yet; 0: not known.
    next: i64,
    audit: Option<Audit>,
}

/// What makes a watcher an auditor.
struct Audit {
    number: usize,
    audited: Audited,
    /// The node whose member it examines.
    home: usize,
    /// While it is away from there: the first revision that its member has not delivered.
    left_at: Option<i64>,
}

struct Open {
    stream: Stream,
    until: Option<Instant>,
}

/// One who watches every key from the first revision to the last, so that all that ever happened is known; at the member
/// of the node of this number.
pub(crate) fn auditor(number: usize, audited: &Audited, seed: Seed) -> Watcher {
    let everything = Wish {
        watch: Watch {
            key: "\0".to_owned(),
            end: Some("\0".to_owned()),
            start_revision: 1,
            prev_kv: true,
            ..Watch::default()
        },
        stays: None,
        asks: 10,
    };
    let mut auditor = Watcher::new(
        Box::new(move |_, _| everything.clone()),
        seed.part("auditor", number as u64).rng(),
    );
    auditor.audit = Some(Audit {
        number,
        audited: audited.clone(),
        home: number,
        left_at: None,
    });
    auditor
}

impl Watcher {
    /// One who wishes this, and chooses from these numbers.
    pub(super) fn new(wishes: Wishes, rng: StdRng) -> Self {
        Self {
            wishes,
            rng,
            wish: None,
            open: None,
            next: 0,
            audit: None,
        }
    }

    /// Opens what is wished for, from where the last stream broke if it is the same wish.
    async fn open(&mut self, client: &mut Client) -> Result<(), Mishap> {
        let is_home = |audit: &Audit| audit.left_at.is_none();
        let has_home = |audit: &Audit| client.nodes().contains(&audit.home);
        if self
            .audit
            .as_ref()
            .is_some_and(|audit| is_home(audit) && !has_home(audit))
        {
            self.turn_away(client);
        }
        let known = client.recorder().revision();
        let resumes = self.wish.is_some();
        let wish = self.wish.get_or_insert_with(|| {
            self.next = 0;
            (self.wishes)(&mut self.rng, known)
        });
        let mut watch = wish.watch.clone();
        if resumes && self.next > 0 {
            watch.start_revision = self.next;
        }
        self.next = self.next.max(watch.start_revision);
        let is_away = self.audit.as_ref().is_some_and(|audit| !is_home(audit));
        let stays = if is_away { Some(AWAY) } else { wish.stays };
        let link = client.begin(Call::Watch(watch.clone()));
        match link.watch(&watch).await {
            Ok(stream) => {
                self.open = Some(Open {
                    stream,
                    until: stays.map(|stays| Instant::now() + stays),
                });
                Ok(())
            }
            Err(mishap) => {
                client.end(&Err(mishap.clone()));
                Err(mishap)
            }
        }
    }

    /// Notes how far a response takes the watcher.
    fn note(&mut self, response: &Response) {
        if response.compact_revision > 0 {
            self.next = self.next.max(response.compact_revision);
        } else if response.created {
            // A watch from now on begins behind the revision at which it was created.
            if self.next == 0 {
                self.next = response.revision + 1;
            }
        } else if response.is_progress() {
            self.next = self.next.max(response.revision + 1);
        } else if let Some(event) = response.events.last() {
            // Of a piece the last revision may not be whole: it is asked for again.
            let whole = i64::from(!response.fragment);
            self.next = self.next.max(event.kv.mod_revision + whole);
        }
        if let Some(audit) = &self.audit {
            audit.audited.reached(audit.number, self.next - 1);
        }
    }

    /// Goes to another member; an auditor remembers how far its own has come.
    fn turn_away(&mut self, client: &mut Client) {
        if let Some(audit) = &mut self.audit {
            audit.left_at.get_or_insert(self.next);
        }
        client.move_on();
    }

    /// An auditor goes back to its own member, if that is there, and on from where that one broke off: what a member
    /// tells of the time in which it was down is to be seen too.
    fn turn_back(&mut self, client: &mut Client) {
        if let Some(audit) = &mut self.audit
            && client.nodes().contains(&audit.home)
            && let Some(next) = audit.left_at.take()
        {
            self.next = next;
            client.pin(audit.home);
        }
    }

    /// An auditor examines the member of this node from now on; one that is not its own from the first revision on.
    fn visit(&mut self, client: &mut Client, node: usize) {
        let is_away = self.audit.as_mut().is_some_and(|audit| {
            if audit.home != node {
                audit.home = node;
                audit.left_at = Some(1);
            }
            audit.left_at.is_some()
        });
        if is_away {
            self.close(client, 0);
            self.turn_back(client);
        }
    }

    /// Nodes whose members an auditor must have watched to the end: its own, and of those that came later its share.
    fn duties(&self, client: &Client) -> Vec<usize> {
        let Some(audit) = &self.audit else {
            return Vec::new();
        };
        let auditors = audit.audited.auditors().max(1);
        let mut nodes = client.nodes();
        nodes.retain(|node| node % auditors == audit.number);
        nodes
    }

    /// Ends the open watch on the client's own account.
    fn close(&mut self, client: &mut Client, through: i64) {
        if self.open.take().is_some() {
            client.end(&Ok(Answer::bare(Reply::Watch { through })));
        }
    }

    /// Takes down what comes within a moment.
    async fn listen(&mut self, client: &mut Client) {
        let Some(open) = &mut self.open else {
            return;
        };
        match open.stream.next(WAIT).await {
            Ok(Some(response)) => {
                self.note(&response);
                let canceled = response.canceled;
                client.respond(response);
                if canceled {
                    // It is still wished for, whatever the store's reason is.
                    self.close(client, 0);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Ok(None) => {
                let asks = self.wish.as_ref().map_or(0, |wish| wish.asks);
                if asks > 0 && self.rng.random_ratio(asks.min(100), 100) {
                    open.stream.ask_progress();
                }
            }
            Err(mishap) => {
                self.open = None;
                client.end(&Err(Mishap::Unknown(mishap.text().to_owned())));
                // A broken stream does not say that its member is down.
                if self.audit.is_some() {
                    self.turn_back(client);
                } else {
                    client.move_on();
                }
            }
        }
    }

    /// Cuts the watch off when its time has come; most are resumed elsewhere, some are given up for another. Auditors
    /// look for their own member.
    fn cut(&mut self, client: &mut Client) {
        let is_over = self
            .open
            .as_ref()
            .and_then(|open| open.until)
            .is_some_and(|until| until <= Instant::now());
        if !is_over {
            return;
        }
        self.close(client, 0);
        if self.audit.is_some() {
            self.turn_back(client);
            return;
        }
        client.move_on();
        if self.rng.random_ratio(1, 3) {
            self.wish = None;
        }
    }

    /// Watches on until the last revision is there, and closes.
    async fn end(&mut self, client: &mut Client, through: i64) -> Result<(), String> {
        let until = Instant::now() + LAST_WAIT;
        while self.next <= through && Instant::now() < until {
            if self.open.is_none() && self.open(client).await.is_err() {
                if self.audit.is_none() {
                    client.move_on();
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if let Some(open) = &self.open {
                open.stream.ask_progress();
            }
            self.listen(client).await;
        }
        let reached = self.next - 1;
        self.close(client, through);
        if reached >= through {
            return Ok(());
        }
        let member = client.asked();
        Err(format!(
            "a watch at {member} got to revision {reached} and not to {through} within {LAST_WAIT:?}"
        ))
    }
}

#[async_trait]
impl Player for Watcher {
    fn pace(&self) -> Pace {
        Pace::Own
    }

    async fn step(&mut self, client: &mut Client) {
        if self.open.is_some() {
            self.listen(client).await;
            self.cut(client);
        } else if self.open(client).await.is_err() {
            self.turn_away(client);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn leave(&mut self, client: &mut Client, through: i64) -> Result<(), String> {
        if self.audit.is_none() && self.wish.is_some() {
            return self.end(client, through).await;
        }
        for node in self.duties(client) {
            self.visit(client, node);
            self.end(client, through).await?;
        }
        self.close(client, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
