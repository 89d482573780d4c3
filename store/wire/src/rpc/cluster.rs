//! `etcdserverpb.Cluster`: who is a member.

use proto::etcd::{
    MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest, MemberUpdateRequest,
};

use super::unary;

unary! {
    member_add(MemberAddRequest);
    member_remove(MemberRemoveRequest);
    member_update(MemberUpdateRequest);
    member_list(MemberListRequest);
    member_promote(MemberPromoteRequest);
}
