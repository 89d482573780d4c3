//! A progress bar, on a terminal only.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

/// Steps of a bar.
const STEPS: u64 = 1000;

/// Shows how far things are.
#[derive(Clone)]
pub(crate) struct Progress {
    visible: bool,
    what: Arc<Mutex<String>>,
}

impl Progress {
    /// On the standard error stream if that is a terminal.
    pub(crate) fn new() -> Self {
        Self {
            visible: std::io::stderr().is_terminal(),
            what: Arc::default(),
        }
    }

    /// Nowhere.
    #[cfg(test)]
    pub(crate) fn hidden() -> Self {
        Self {
            visible: false,
            what: Arc::default(),
        }
    }

    /// What the next bars are for.
    pub(crate) fn say(&self, what: &str) {
        what.clone_into(&mut self.what.lock());
    }

    /// A bar that is there until it is dropped.
    pub(crate) fn bar(&self) -> Bar {
        if !self.visible {
            return Bar { bar: None };
        }
        let bar = ProgressBar::new(STEPS).with_message(self.what.lock().clone());
        if let Ok(style) = ProgressStyle::with_template("{msg:40} [{bar:40}] {percent:>3}% {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Bar { bar: Some(bar) }
    }
}

/// One bar.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// From 0, nothing done, to 1, all done.
    pub(crate) fn set(&self, share: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
