//! Whoever watches: opens a watch, takes down what comes, is cut off now and then, and goes on at another member.
//!
//! Each stream is one call in the history. A watcher that resumes asks for what comes after the last revision that was
//! delivered whole; if the store has compacted that, it goes on from where the store says that history begins.

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
/// In the end so many broken streams are opened again.
const LAST_RESUMES: usize = 5;

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
    audit: Option<(usize, Audited)>,
}

struct Open {
    stream: Stream,
    until: Option<Instant>,
}

/// One who watches every key from the first revision to the last, so that all that ever happened is known.
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
    auditor.audit = Some((number, audited.clone()));
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
        let stays = wish.stays;
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
        if let Some((number, audited)) = &self.audit {
            audited.reached(*number, self.next - 1);
        }
    }

    /// Ends the open watch on the client's own account.
    fn close(&mut self, client: &mut Client, through: i64) {
        if self.open.take().is_some() {
            client.end(&Ok(Answer::bare(Reply::Watch { through })));
        }
    }

    /// Takes down what comes within a moment. False: there is no stream any more.
    async fn listen(&mut self, client: &mut Client) -> bool {
        let Some(open) = &mut self.open else {
            return false;
        };
        match open.stream.next(WAIT).await {
            Ok(Some(response)) => {
                self.note(&response);
                let (canceled, compacted) = (response.canceled, response.compact_revision > 0);
                client.respond(response);
                if canceled {
                    self.close(client, 0);
                    if !compacted {
                        self.wish = None;
                    }
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
                client.move_on();
            }
        }
        self.open.is_some()
    }

    /// Cuts the watch off when its time has come; most are resumed elsewhere, some are given up for another.
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
        client.move_on();
        if self.rng.random_ratio(1, 3) {
            self.wish = None;
        }
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
            client.move_on();
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn leave(&mut self, client: &mut Client, through: i64) {
        let until = Instant::now() + LAST_WAIT;
        let mut resumes = LAST_RESUMES;
        while self.next <= through && Instant::now() < until {
            if self.open.is_none() {
                if self.wish.is_none() || resumes == 0 {
                    return;
                }
                resumes -= 1;
                if self.open(client).await.is_err() {
                    client.move_on();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            if let Some(open) = &self.open {
                open.stream.ask_progress();
            }
            self.listen(client).await;
        }
        self.close(client, through);
    }
}

#[cfg(test)]
mod tests {
    use jepsen_check::history::{Event, KeyValue, Kind};

    use super::*;

    fn watcher() -> Watcher {
        auditor(0, &Audited::new(1), Seed::new(1))
    }

    fn event(mod_revision: i64) -> Event {
        Event {
            kind: Kind::Put,
            kv: KeyValue {
                mod_revision,
                ..KeyValue::default()
            },
            prev: None,
        }
    }

    #[test]
    fn a_watcher_knows_where_to_go_on() {
        let mut watcher = watcher();
        let created = Response {
            revision: 5,
            created: true,
            ..Response::default()
        };
        watcher.note(&created);
        assert_eq!(watcher.next, 6);
        let (_, audited) = watcher.audit.clone().unwrap();
        assert_eq!(audited.by_all(), 5);
        let piece = Response {
            revision: 9,
            fragment: true,
            events: vec![event(7), event(8)],
            ..Response::default()
        };
        watcher.note(&piece);
        assert_eq!(watcher.next, 8, "the last revision of a piece may not be whole");
        watcher.note(&Response {
            fragment: false,
            ..piece
        });
        assert_eq!(watcher.next, 9);
        watcher.note(&Response {
            revision: 12,
            ..Response::default()
        });
        assert_eq!(watcher.next, 13);
        watcher.note(&Response {
            canceled: true,
            compact_revision: 20,
            ..Response::default()
        });
        assert_eq!(watcher.next, 20);
        assert_eq!(audited.by_all(), 19);
    }
}
