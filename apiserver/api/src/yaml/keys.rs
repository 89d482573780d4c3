//! What may turn out to be a key without `?`, as the scanner notes it.

use super::scan::{Mark, Scanner};
use super::token::Fault;

/// A key without `?` ends so many characters after its beginning at the latest.
const SIMPLE_KEY_MAX: usize = 1024;

/// What may turn out to be a key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    /// Nothing else can stand at this column.
    pub(super) required: bool,
    /// The number of its first token since the beginning.
    pub(super) token: usize,
    pub(super) mark: Mark,
}

impl Scanner<'_> {
    /// Whether what was noted as a key can still be one.
    pub(super) fn is_valid_key(&mut self, level: usize) -> Result<bool, Fault> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + SIMPLE_KEY_MAX < self.mark.index {
            if key.required {
                return Err(self.fault("could not find expected ':'", key.mark.line));
            }
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a key may begin here.
    pub(super) fn save_key(&mut self) -> Result<(), Fault> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let token = self.taken + self.tokens.len();
        let level = self.simple_keys.len() - 1;
        self.simple_keys[level] = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == self.mark.column,
            token,
            mark: self.mark,
        };
        self.keys_by_token.insert(token, level);
        Ok(())
    }

    /// What was noted at this level is no key.
    pub(super) fn remove_key(&mut self) -> Result<(), Fault> {
        let level = self.simple_keys.len() - 1;
        let key = self.simple_keys[level];
        if key.possible && key.required {
            return Err(self.fault("could not find expected ':'", key.mark.line));
        }
        self.forget_key(level);
        Ok(())
    }

    pub(super) fn forget_key(&mut self, level: usize) {
        let key = &mut self.simple_keys[level];
        if key.possible {
            key.possible = false;
            self.keys_by_token.remove(&key.token);
        }
    }
}
