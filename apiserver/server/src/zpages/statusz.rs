//! `/statusz`: since when the server runs, which version it is, and where more can be seen.

use std::collections::BTreeSet;

use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

use super::heading;
use crate::version::{API, field};

/// First parts of paths that show nothing of the server itself.
const NOT_SHOWN: [&str; 5] = ["apis", "api", "openid", "openapi", ".well-known"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// What the page shows.
pub(super) struct Statusz {
    started: i64,
    /// The first parts of the server's paths, each once and in order.
    paths: Vec<String>,
}

impl Statusz {
    /// Of a server that started so many seconds after the beginning of 1970 and has these paths.
    pub(super) fn new(started: i64, paths: &[String]) -> Self {
        let first = |path: &String| -> Option<String> {
            let part = path.strip_prefix('/')?.split('/').next()?;
            (!part.is_empty() && !NOT_SHOWN.contains(&part)).then(|| format!("/{part}"))
        };
        let paths: BTreeSet<String> = paths.iter().filter_map(first).collect();
        Self {
            started,
            paths: paths.into_iter().collect(),
        }
    }

    /// For how many seconds it runs.
    fn up(&self, now: Time) -> i64 {
        (now.unix() - self.started).max(0)
    }

    /// As text.
    pub(super) fn text(&self, now: Time, delimiter: &str) -> String {
        let up = self.up(now);
        let up = format!("{} hr {:02} min {:02} sec", up / 3600, up / 60 % 60, up % 60);
        let row = |name: &str, value: &str| format!("{name}{delimiter} {value}\n");
        let rows = [
            row("Started", &date(self.started)),
            row("Up", &up),
            row("Go version", field("goVersion")),
            row("Binary version", binary_version()),
            row("Emulation version", API),
            row("Paths", &self.paths.join(" ")),
        ];
        format!("{}\n{}", heading("statusz"), rows.concat())
    }

    /// As an object.
    pub(super) fn fill(&self, now: Time, tree: &mut Tree) {
        tree.set("startTime", Time::from_unix(self.started).to_string());
        tree.set("uptimeSeconds", self.up(now));
        tree.set("goVersion", field("goVersion"));
        tree.set("binaryVersion", binary_version());
        tree.set("emulationVersion", API);
        tree.set("paths", self.paths.iter().map(String::as_str).collect::<Tree>());
    }
}

/// Without the letter that stands before it elsewhere.
fn binary_version() -> &'static str {
    field("gitVersion").trim_start_matches('v')
}

/// A moment as Go's `UnixDate` has it: `Fri Jan  2 03:04:05 UTC 2026`.
fn date(unix: i64) -> String {
    let day = DAYS[unix.div_euclid(86_400).rem_euclid(7) as usize];
    let text = Time::from_unix(unix).to_string();
    let (date, time) = text.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let mut parts = date.rsplitn(3, '-');
    let mut part = || parts.next().unwrap_or_default();
    let (number, month, year) = (part().trim_start_matches('0'), part(), part());
    let month = month
        .parse::<usize>()
        .ok()
        .and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{day} {} {number:>2} {time} UTC {year}", month.unwrap_or(&"Jan"))
}
