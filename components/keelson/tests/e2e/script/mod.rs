//! Command lines that must say the same against etcd and against Keelson.
//!
//! A script is a text file, one command a line: `etcdctl`, `old-etcdctl` (of the system), `etcdutl`, `post PATH JSON`
//! (the JSON gateway), `fetch PATH` (plain HTTP). Words may be quoted as in a shell; `$E0 $E1 .. $ALL $DIR $P0` and saved
//! names are put in. Lines that begin with `|` are the input of the command above. `@` lines are about the command
//! below them:
//!
//! - `@save NAME REGEX`: the first group in the output gets a name, and is shown as `<NAME>` in both outputs
//! - `@id NAME REGEX`: the same for an id in decimal; `$NAME` puts it in as hexadecimal, `$NAME#` as decimal
//! - `@lines N`: the command is stopped once it has printed N lines
//! - `@until REGEX`: the command is repeated until its output matches
//! - `@mask REGEX`: what matches may differ
//! - `@sort`: the order of lines may differ
//! - `@background`: the command runs to the end of the script, and what it says is not looked at
//! - `@apart REASON`: the outputs differ, and this is why that is right
//!
//! `cluster MEMBERS FLAGS..` may stand in the first line.

mod compare;
mod execute;
mod normal;
mod parse;

pub(crate) use compare::check;
