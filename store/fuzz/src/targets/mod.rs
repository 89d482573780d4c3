//! All targets; a file each, and a row each in the table.

pub mod address;
pub mod auth_tables;
pub mod bolt_file;
pub mod checkpoint;
pub mod client_port;
pub mod commands;
pub mod consensus;
pub mod engine_batch;
pub mod engine_folder;
pub mod flags;
pub mod gateway_json;
pub mod identity_file;
pub mod log_segments;
pub mod messages;
pub mod peer_answers;
pub mod peer_port;
pub mod queries;
pub mod restore;
pub mod stored_entries;
pub mod stored_records;
pub mod tls_files;
pub mod token_options;
pub mod tokens;
pub mod versions;

use crate::Target;
use crate::mutate::Shape::{Files, Message, Pieces, Places, Text};

macro_rules! table {
    ($($name:ident, $shape:expr, $mutations:literal, $percent:literal, $mebibytes:literal, $refused:expr;)*) => {
        /// Every target, by name.
        pub const ALL: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $name::run,
            seeds: $name::seeds,
            refused: &$refused,
            shape: $shape,
            mutations: $mutations,
            understood: $percent,
            memory: $mebibytes << 20,
        }),*];
    };
}

// Name, shape of the inputs, mutations that the test makes, how many percent of them are understood at least, MiB that a
// run may take, and the numbers of the seeds that are refused. A command is, where what it needs is not there; the versions
// of `restore` and `versions`, where their revisions are moved too far.
table! {
    address, Text, 10_000, 10, 16, [11, 12, 13];
    auth_tables, Pieces(1), 8_000, 50, 16, [];
    bolt_file, Places, 300, 50, 64, [];
    checkpoint, Pieces(0), 10_000, 10, 16, [3];
    client_port, Pieces(1), 1_500, 12, 256, [15, 16, 39, 46];
    commands, Pieces(0), 3_000, 25, 64, [7, 8, 12, 19, 20, 21, 23, 25, 28, 29, 30];
    consensus, Pieces(1), 800, 20, 64, [];
    engine_batch, Places, 60_000, 40, 16, [];
    engine_folder, Pieces(1), 40, 10, 64, [7, 8];
    flags, Text, 40_000, 10, 16, [];
    gateway_json, Text, 20_000, 5, 32, [];
    identity_file, Text, 2_000, 5, 16, [];
    log_segments, Files(1), 10_000, 8, 64, [0, 1];
    messages, Message(1), 60_000, 40, 32, [];
    peer_answers, Pieces(1), 20, 20, 64, [];
    peer_port, Pieces(1), 800, 17, 256, [9, 15, 17, 20, 21, 22, 23];
    queries, Message(1), 20_000, 15, 64, [7, 8, 11, 12, 17, 18];
    restore, Places, 400, 30, 128, [2, 5, 8];
    stored_entries, Pieces(0), 1_000, 20, 64, [6];
    stored_records, Pieces(0), 2_500, 40, 128, [];
    tls_files, Pieces(0), 1_500, 8, 64, [6, 7];
    token_options, Pieces(0), 1_500, 10, 64, [4, 5, 6];
    tokens, Text, 3_000, 1, 128, [4, 5, 6, 7, 8, 9];
    versions, Pieces(2), 1_800, 15, 64, [2, 5, 8];
}
