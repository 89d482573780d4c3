//! The client against real etcd. The same suite runs against Keelson in `components/keelson/tests`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod etcd;
mod suite;

macro_rules! against_etcd {
    ($($name:ident: $members:literal,)*) => {$(
        #[tokio::test]
        async fn $name() {
            if let Some(mut etcd) = etcd::start($members) {
                suite::$name(&mut etcd).await;
            }
        }
    )*};
}

against_etcd! {
    keys_are_written_read_and_deleted: 1,
    a_transaction_takes_one_branch: 1,
    refusals_are_recognised: 1,
    a_stream_of_pages_is_the_whole_range: 1,
    changes_happen_once_and_only_if_expected: 1,
    a_dead_endpoint_is_passed_over: 1,
    nothing_is_sent_when_nothing_listens: 1,
    a_login_is_renewed_and_obeyed: 1,
    a_watch_tells_every_change: 1,
    a_watch_ends_when_its_start_is_forgotten: 1,
    many_watches_share_a_stream: 1,
    a_large_revision_comes_in_one_piece: 1,
    a_slow_consumer_misses_nothing: 1,
    a_watch_survives_a_restart: 1,
    a_watch_survives_the_loss_of_its_member: 3,
    a_watch_that_needs_a_leader_ends_without_one: 3,
    a_lease_lives_as_long_as_it_is_renewed: 1,
    a_lease_that_is_revoked_is_lost: 1,
    a_lock_has_one_holder: 1,
    a_lost_lock_cannot_write: 1,
    leadership_passes_in_order: 1,
}
