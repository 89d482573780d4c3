//! Deadlines on a clock that is a number.

use proptest::prelude::*;
use store_engine::Batch;

use super::*;

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn table(ttls: &[(i64, i64)]) -> Leases {
    let mut leases = Leases::default();
    for (id, ttl) in ttls {
        leases.grant(*id, *ttl, 1, &mut Batch::default()).unwrap();
    }
    leases
}

#[test]
fn only_the_primary_times() {
    let mut expiry = Expiry::new(None);
    expiry.granted(1, 5, at(0));
    assert_eq!(expiry.renew(1, at(0)), Renewal::NotPrimary);
    assert_eq!((expiry.remaining(1, at(0)), expiry.next()), (None, None));
    expiry.promote(&table(&[(1, 5)]), at(0), at(1000));
    assert!(expiry.is_primary());
    assert_eq!(expiry.remaining(1, at(500)), Some(at(5500)));
    expiry.demote();
    assert_eq!(expiry.renew(1, at(0)), Renewal::NotPrimary);
    assert_eq!(expiry.expired(at(100_000), 10), []);
}

#[test]
fn expires_renews_and_names_again() {
    let mut expiry = Expiry::new(None);
    expiry.promote(&Leases::default(), at(0), at(1000));
    expiry.granted(1, 5, at(0));
    expiry.granted(2, 3, at(0));
    assert_eq!(expiry.by_expiry(), [2, 1]);
    assert_eq!(expiry.next(), Some(at(3000)));
    assert_eq!(expiry.expired(at(2999), 10), []);
    assert_eq!(
        expiry.renew(2, at(2999)),
        Renewal::Renewed {
            ttl: 3,
            clear_checkpoint: false
        }
    );
    assert_eq!(expiry.expired(at(5000), 10), [1]);
    assert_eq!(expiry.expired(at(5100), 10), []);
    assert_eq!(expiry.renew(1, at(5100)), Renewal::Expired);
    assert_eq!(expiry.remaining(1, at(5100)), Some(Duration::ZERO));
    assert_eq!(expiry.expired(at(8000), 1), [2]);
    assert_eq!(expiry.expired(at(8000), 10), [1]);
    expiry.revoked(1);
    expiry.revoked(2);
    assert_eq!(expiry.renew(1, at(8000)), Renewal::NotFound);
    assert_eq!(expiry.next(), None);
}

#[test]
fn a_new_leader_goes_on_from_the_checkpoint() {
    let mut leases = table(&[(1, 600), (2, 600)]);
    leases.checkpoint(1, 100, &mut Batch::default());
    let mut expiry = Expiry::new(Some(Duration::from_secs(300)));
    expiry.promote(&leases, at(0), at(1000));
    assert_eq!(expiry.remaining(1, at(0)), Some(at(101_000)));
    assert_eq!(expiry.remaining(2, at(0)), Some(at(601_000)));
    assert_eq!(
        expiry.renew(1, at(0)),
        Renewal::Renewed {
            ttl: 600,
            clear_checkpoint: true
        }
    );
    expiry.checkpointed(1, 0, at(0));
    assert_eq!(
        expiry.renew(1, at(10_000)),
        Renewal::Renewed {
            ttl: 600,
            clear_checkpoint: false
        }
    );
    assert_eq!(expiry.checkpoints(at(299_999), 10), []);
    let due = expiry.checkpoints(at(300_500), 10);
    assert_eq!(
        due,
        [
            LeaseCheckpoint {
                id: 1,
                remaining_ttl: 310
            },
            LeaseCheckpoint {
                id: 2,
                remaining_ttl: 301
            }
        ]
    );
    assert_eq!(expiry.checkpoints(at(300_500), 10), []);
    // They may be anywhere between the leader and the table.
    assert_eq!(
        expiry.renew(1, at(300_500)),
        Renewal::Renewed {
            ttl: 600,
            clear_checkpoint: true
        }
    );
}

#[test]
fn a_pile_is_spread() {
    let ttls: Vec<(i64, i64)> = (1..=3000).map(|id| (id, 10)).collect();
    let mut expiry = Expiry::new(None);
    expiry.promote(&table(&ttls), at(0), at(1000));
    let mut most = 0;
    for second in 0..60 {
        most = most.max(expiry.expired(at(second * 1000), usize::MAX).len());
        for id in 1..=3000 {
            if expiry.remaining(id, at(second * 1000)) == Some(Duration::ZERO) {
                expiry.revoked(id);
            }
        }
    }
    assert!(most <= 1000, "{most} in one second");
    assert_eq!(expiry.next(), None, "all ended");
}

#[test]
fn the_longest_lease_does_not_overflow() {
    let mut expiry = Expiry::new(None);
    expiry.promote(&table(&[(1, crate::MAX_TTL)]), Duration::MAX, Duration::MAX);
    assert_eq!(
        expiry.renew(1, Duration::ZERO),
        Renewal::Renewed {
            ttl: crate::MAX_TTL,
            clear_checkpoint: false
        }
    );
}

proptest! {
    /// A lease is never named before its time, and always soon after it.
    #[test]
    fn never_early_never_forgotten(steps in prop::collection::vec((0_u8..4, 1_i64..5, 1_i64..20, 0_u64..3000), 1..100)) {
        let mut expiry = Expiry::new(Some(Duration::from_secs(5)));
        expiry.promote(&Leases::default(), at(0), at(0));
        let (mut model, mut now): (BTreeMap<i64, Duration>, _) = (BTreeMap::new(), at(0));
        for (what, id, ttl, wait) in steps {
            now += at(wait);
            match what {
                0 => { expiry.granted(id, ttl, now); model.insert(id, now + seconds(ttl)); }
                1 => { expiry.revoked(id); model.remove(&id); }
                2 => if let Renewal::Renewed { ttl, .. } = expiry.renew(id, now) {
                    prop_assert!(model[&id] > now);
                    model.insert(id, now + seconds(ttl));
                },
                _ => for id in expiry.expired(now, 2) { prop_assert!(model[&id] <= now); },
            }
            expiry.checkpoints(now, 3);
        }
        let end = now + Duration::from_secs(60);
        let mut named = expiry.expired(end, usize::MAX);
        named.sort_unstable();
        prop_assert_eq!(named, model.into_keys().collect::<Vec<_>>());
    }
}
