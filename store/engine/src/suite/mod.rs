//! What every engine must do: one set of tests, run by each implementation against itself.

mod durability;
mod reads;
mod transfer;
mod writes;

use std::sync::Arc;

use crate::{Batch, Cursor, Engine, Order, Result, Space};

/// Opens the engine at one place. Called again after every handle is gone, it must show what a kill would have left.
pub type Opener = Box<dyn Fn() -> Arc<dyn Engine>>;

type Case = (&'static str, fn(&Opener) -> Result<()>);

const CASES: &[Case] = &[
    ("point_reads", reads::point_reads),
    (
        "scans_keep_bounds_in_both_orders",
        reads::scans_keep_bounds_in_both_orders,
    ),
    ("seeks_stay_in_bounds", reads::seeks_stay_in_bounds),
    ("edge_keys", reads::edge_keys),
    ("scans_are_consistent", reads::scans_are_consistent),
    ("scans_see_whole_batches", reads::scans_see_whole_batches),
    ("spaces_are_apart", writes::spaces_are_apart),
    ("delete_range_is_half_open", writes::delete_range_is_half_open),
    ("batches_apply_in_order", writes::batches_apply_in_order),
    ("large_values", writes::large_values),
    ("reclaim_changes_nothing", writes::reclaim_changes_nothing),
    ("flush_survives", durability::flush_survives),
    ("unflushed_is_whole_or_gone", durability::unflushed_is_whole_or_gone),
    ("stats_move", durability::stats_move),
    ("checkpoint_is_isolated", transfer::checkpoint_is_isolated),
    ("incoming_resumes", transfer::incoming_resumes),
    ("incoming_refuses_nonsense", transfer::incoming_refuses_nonsense),
    ("install_replaces_everything", transfer::install_replaces_everything),
    ("install_keeps_old_cursors", transfer::install_keeps_old_cursors),
];

/// Runs every case at a new, empty place.
///
/// # Panics
/// When the engine fails a case; the text names it.
pub fn run(place: &dyn Fn() -> Opener) {
    for (name, case) in CASES {
        let opener = place();
        if let Err(error) = case(&opener) {
            panic!("{name}: {error}");
        }
    }
}

const A: Space = Space(1);
const B: Space = Space(2);

fn put(engine: &dyn Engine, space: Space, key: &[u8], value: &[u8]) -> Result<()> {
    let mut batch = Batch::new();
    batch.put(space, key, value);
    engine.write(&batch)
}

/// What is left in a cursor.
fn rest(cursor: &mut dyn Cursor) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    while cursor.valid() {
        found.push((cursor.key().to_vec(), cursor.value().to_vec()));
        cursor.advance();
    }
    cursor.status()?;
    Ok(found)
}

fn all(engine: &dyn Engine, space: Space) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    rest(&mut *engine.scan(space, b"", None, Order::Ascending))
}

fn keys(engine: &dyn Engine, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Result<Vec<Vec<u8>>> {
    let found = rest(&mut *engine.scan(space, from, to, order))?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}
