//! The bug that a test wants this member to have. Only builds with debug assertions have any, or this file.

use store_planted::Bug;

use crate::error::{Error, Result};

/// Where a test names it.
const VARIABLE: &str = "KEELSON_PLANTED";

/// Switches the bug on that the environment names.
///
/// # Errors
/// When there is none of that name.
pub(super) fn from_environment() -> Result<()> {
    let Ok(name) = std::env::var(VARIABLE) else {
        return Ok(());
    };
    let Some(bug) = Bug::named(&name) else {
        let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        return Err(Error::new(format!(
            "{VARIABLE} names no bug: `{name}`; expected one of {}",
            names.join(", ")
        )));
    };
    tracing::warn!(bug = name, "this member has a planted bug, for a test: do not use it");
    store_planted::plant(Some(bug));
    Ok(())
}
