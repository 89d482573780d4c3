//! When each lease must be renewed, and when it must be taken for lost.
//!
//! The end of a lease is counted from when the renewal was *sent*: the store counts from when it got it, which is
//! later, so a lease is never thought alive here when it may be over there.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A renewal that is not answered is sent again after this.
const AGAIN: Duration = Duration::from_millis(500);

/// What a holder knows of its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Not renewed yet.
    Asked,
    /// Renewed, for so many seconds.
    Alive(i64),
    /// Over, or not known to live any more.
    Lost,
}

/// All leases that are renewed.
#[derive(Default)]
pub(super) struct Ledger {
    leases: BTreeMap<i64, Entry>,
}

struct Entry {
    holders: Vec<watch::Sender<Life>>,
    /// When the renewals were sent that are not answered.
    sent: VecDeque<Instant>,
    next: Instant,
    /// Lost unless renewed by then.
    end: Instant,
    life: Life,
}

impl Ledger {
    pub(super) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// Renews a lease from now on; it is lost if the first answer takes longer than `patience`.
    pub(super) fn add(&mut self, id: i64, holder: watch::Sender<Life>, now: Instant, patience: Duration) {
        let entry = self.leases.entry(id).or_insert_with(|| Entry {
            holders: Vec::new(),
            sent: VecDeque::new(),
            next: now,
            end: now + patience,
            life: Life::Asked,
        });
        holder.send_replace(entry.life);
        entry.holders.push(holder);
    }

    /// When something must be done.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.leases.values().map(|entry| entry.next.min(entry.end)).min()
    }

    /// Drops what is lost or not held any more, and gives the leases to renew now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<i64> {
        self.leases.retain(|_, entry| {
            entry.holders.retain(|holder| !holder.is_closed());
            if entry.end <= now {
                entry.tell(Life::Lost);
            }
            entry.end > now && !entry.holders.is_empty()
        });
        let due = self.leases.iter_mut().filter(|(_, entry)| entry.next <= now);
        let send = |(&id, entry): (&i64, &mut Entry)| {
            entry.sent.push_back(now);
            entry.next = now + AGAIN;
            id
        };
        due.map(send).collect()
    }

    /// The store renewed a lease for so many seconds; 0 or less means that there is no such lease.
    pub(super) fn answered(&mut self, id: i64, ttl: i64, now: Instant) {
        let Some(entry) = self.leases.get_mut(&id) else { return };
        if ttl <= 0 {
            entry.tell(Life::Lost);
            self.leases.remove(&id);
            return;
        }
        let sent = entry.sent.pop_front().unwrap_or(now);
        let whole = Duration::from_secs(ttl as u64);
        entry.end = sent + whole;
        entry.next = now + whole / 3;
        entry.tell(Life::Alive(ttl));
    }

    /// A new stream: what was sent on the old one is not answered any more.
    pub(super) fn reopen(&mut self, now: Instant) {
        for entry in self.leases.values_mut() {
            entry.sent.clear();
            entry.next = now;
        }
    }

    /// Nothing is renewed any more.
    pub(super) fn end_all(&mut self) {
        for mut entry in std::mem::take(&mut self.leases).into_values() {
            entry.tell(Life::Lost);
        }
    }
}

impl Entry {
    fn tell(&mut self, life: Life) {
        self.life = life;
        for holder in &self.holders {
            holder.send_replace(life);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(6);

    fn held(ledger: &mut Ledger, now: Instant) -> watch::Receiver<Life> {
        let (holder, life) = watch::channel(Life::Asked);
        ledger.add(7, holder, now, PATIENCE);
        life
    }

    #[test]
    fn renews_after_a_third_and_counts_from_the_sending() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let life = held(&mut ledger, start);
        assert_eq!(ledger.due(start), [7]);
        ledger.answered(7, 9, start + Duration::from_secs(1));
        assert_eq!(*life.borrow(), Life::Alive(9));
        assert_eq!(ledger.wake(), Some(start + Duration::from_secs(4)));
        assert!(ledger.due(start + Duration::from_secs(3)).is_empty());
        // No answer comes: tried again, and lost 9 s after the renewal that worked was sent.
        assert_eq!(ledger.due(start + Duration::from_secs(4)), [7]);
        assert_eq!(ledger.due(start + Duration::from_millis(4500)), [7]);
        assert_eq!(ledger.due(start + Duration::from_millis(8999)), [7]);
        assert!(ledger.due(start + Duration::from_secs(9)).is_empty());
        assert_eq!(*life.borrow(), Life::Lost);
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_lease_that_is_gone_is_lost_at_once() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let life = held(&mut ledger, start);
        ledger.due(start);
        ledger.answered(7, 0, start);
        assert_eq!(*life.borrow(), Life::Lost);
    }

    #[test]
    fn without_holders_nothing_is_renewed() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let (first, second) = (held(&mut ledger, start), held(&mut ledger, start));
        drop(first);
        assert_eq!(ledger.due(start), [7]);
        drop(second);
        assert!(ledger.due(start + Duration::from_secs(1)).is_empty());
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_new_stream_renews_at_once_and_keeps_the_end() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let _life = held(&mut ledger, start);
        ledger.due(start);
        ledger.answered(7, 30, start);
        let later = start + Duration::from_secs(2);
        ledger.reopen(later);
        assert_eq!(ledger.due(later), [7]);
        assert_eq!(ledger.leases[&7].end, start + Duration::from_secs(30));
    }
}
