//! `etcdserverpb.Maintenance`: what an operator asks of one member.

use proto::etcd::{
    AlarmRequest, DefragmentRequest, DowngradeRequest, HashKvRequest, HashRequest, MoveLeaderRequest, SnapshotRequest,
    StatusRequest,
};

use super::{streamed, unary};

unary! {
    alarm(AlarmRequest);
    status(StatusRequest);
    defragment(DefragmentRequest);
    hash(HashRequest);
    hash_kv(HashKvRequest);
    move_leader(MoveLeaderRequest);
    downgrade(DowngradeRequest);
}

streamed! {
    snapshot(SnapshotRequest);
}
