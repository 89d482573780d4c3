//! `v3lockpb.Lock`: a name that one client holds at a time.

use proto::lock::{LockRequest, UnlockRequest};

use super::unary;

unary! {
    lock(LockRequest);
    unlock(UnlockRequest);
}
