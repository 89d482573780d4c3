//! `etcdserverpb.Maintenance`: status, alarms, hashes, snapshots, leadership and downgrade.

use proto::etcd::{
    AlarmRequest, AlarmResponse, DefragmentRequest, DefragmentResponse, DowngradeRequest, DowngradeResponse,
    HashKvRequest, HashKvResponse, HashRequest, HashResponse, MoveLeaderRequest, MoveLeaderResponse, SnapshotRequest,
    SnapshotResponse, StatusRequest, StatusResponse, maintenance_server,
};
use tonic::{Request, Response, Status};

use super::stream::{Answers, pulled};
use super::{caller, service};
use crate::status;

service! {
    impl maintenance_server::Maintenance {
        alarm(AlarmRequest) -> AlarmResponse;
        status(StatusRequest) -> StatusResponse;
        defragment(DefragmentRequest) -> DefragmentResponse;
        hash(HashRequest) -> HashResponse;
        hash_kv(HashKvRequest) -> HashKvResponse;
        move_leader(MoveLeaderRequest) -> MoveLeaderResponse;
        downgrade(DowngradeRequest) -> DowngradeResponse;
    }
    {
        type SnapshotStream = Answers<SnapshotResponse>;

        async fn snapshot(
            &self,
            request: Request<SnapshotRequest>,
        ) -> Result<Response<Self::SnapshotStream>, Status> {
            let caller = caller(&request);
            let blobs = self.member.snapshot(&caller, request.into_inner()).await.map_err(status::of_error)?;
            Ok(Response::new(pulled(blobs, &self.draining)))
        }
    }
}
