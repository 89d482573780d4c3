//! `v3lockpb.Lock`: locks held by leases.

use proto::lock::{LockRequest, LockResponse, UnlockRequest, UnlockResponse, lock_server};

use super::service;

service! {
    impl lock_server::Lock {
        lock(LockRequest) -> LockResponse;
        unlock(UnlockRequest) -> UnlockResponse;
    }
}
