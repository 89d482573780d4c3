//! The answers to kube-apiserver's requests, as far as it has to know them to go on.

use bytes::{BufMut, Bytes, BytesMut};

use crate::rpc::{Fields, Visit};

/// Of a transaction.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) revision: i64,
    pub(super) succeeded: bool,
}

impl Visit for Outcome {
    fn number(&mut self, field: u32, value: u64) {
        if field == 2 {
            self.succeeded = value == 1;
        }
    }

    fn bytes(&mut self, field: u32, _: u64, head: &[u8]) {
        if field == 1 {
            self.revision = Fields::of(head).number(3) as i64;
        }
    }
}

/// Of a range: a page of a list, or one object.
#[derive(Default)]
pub(super) struct Page {
    pub(super) revision: i64,
    pub(super) keys: u64,
    pub(super) more: bool,
    last: BytesMut,
}

impl Page {
    /// Where the next page begins: right after the last key of this one.
    pub(super) fn next(mut self) -> Bytes {
        self.last.put_u8(0);
        self.last.freeze()
    }
}

impl Visit for Page {
    fn number(&mut self, field: u32, value: u64) {
        if field == 3 {
            self.more = value == 1;
        }
    }

    fn bytes(&mut self, field: u32, _: u64, head: &[u8]) {
        match field {
            1 => self.revision = Fields::of(head).number(3) as i64,
            2 => {
                self.keys += 1;
                self.last.clear();
                self.last
                    .extend_from_slice(Fields::of(head).bytes(1).unwrap_or_default());
            }
            _ => {}
        }
    }
}
