//! What is told beside the answer: warnings for the client, annotations for the audit log.

use parking_lot::Mutex;

/// Takes notes while a request is authenticated.
#[derive(Debug, Default)]
pub struct Notes {
    said: Mutex<Said>,
}

/// What was noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What the client is warned of (`Warning: 299`).
    pub warnings: Vec<String>,
    /// Keys and values of audit annotations.
    pub annotations: Vec<(String, String)>,
}

impl Notes {
    /// Nothing noted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was noted.
    pub fn into_said(self) -> Said {
        self.said.into_inner()
    }

    /// Warns the client.
    pub(crate) fn warn(&self, text: &str) {
        self.said.lock().warnings.push(text.to_owned());
    }

    /// Annotates the audit event.
    pub(crate) fn annotate(&self, key: &str, value: String) {
        self.said.lock().annotations.push((key.to_owned(), value));
    }

    /// Notes what was noted elsewhere.
    pub(crate) fn repeat(&self, said: &Said) {
        if *said != Said::default() {
            let mut own = self.said.lock();
            own.warnings.extend_from_slice(&said.warnings);
            own.annotations.extend_from_slice(&said.annotations);
        }
    }
}
