use proto::lock::{LockRequest, UnlockRequest};

use super::unary;

unary! {
    lock(LockRequest);
    unlock(UnlockRequest);
}
