//! `etcdserverpb.Cluster`: the members.

use proto::etcd::{
    MemberAddRequest, MemberAddResponse, MemberListRequest, MemberListResponse, MemberPromoteRequest,
    MemberPromoteResponse, MemberRemoveRequest, MemberRemoveResponse, MemberUpdateRequest, MemberUpdateResponse,
    cluster_server,
};

use super::service;

service! {
    impl cluster_server::Cluster {
        member_add(MemberAddRequest) -> MemberAddResponse;
        member_remove(MemberRemoveRequest) -> MemberRemoveResponse;
        member_update(MemberUpdateRequest) -> MemberUpdateResponse;
        member_list(MemberListRequest) -> MemberListResponse;
        member_promote(MemberPromoteRequest) -> MemberPromoteResponse;
    }
}
