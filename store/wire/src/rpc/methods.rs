//! Every method that the client port serves: what it is called, how messages flow and who serves it.

use super::call::Serve;
use super::{auth, cluster, election, health, kv, lease, lock, maintenance, watch};

/// How messages flow in a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One message each way.
    Unary,
    /// One request, many answers.
    ServerStream,
    /// Many each way.
    Bidi,
}

impl Kind {
    /// The value of the label `grpc_type`.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ServerStream => "server_stream",
            Self::Bidi => "bidi_stream",
        }
    }

    /// Whether upstream counts it among streams.
    pub(crate) const fn streams(self) -> bool {
        !matches!(self, Self::Unary)
    }
}

use Kind::{Bidi, ServerStream, Unary};

/// All methods, by their paths. A test compares them with the descriptors.
pub(crate) const METHODS: &[(&str, Kind, Serve)] = &[
    ("/etcdserverpb.KV/Range", Unary, kv::range),
    ("/etcdserverpb.KV/RangeStream", ServerStream, kv::range_stream),
    ("/etcdserverpb.KV/Put", Unary, kv::put),
    ("/etcdserverpb.KV/DeleteRange", Unary, kv::delete_range),
    ("/etcdserverpb.KV/Txn", Unary, kv::txn),
    ("/etcdserverpb.KV/Compact", Unary, kv::compact),
    ("/etcdserverpb.Watch/Watch", Bidi, watch::watch),
    ("/etcdserverpb.Lease/LeaseGrant", Unary, lease::lease_grant),
    ("/etcdserverpb.Lease/LeaseRevoke", Unary, lease::lease_revoke),
    ("/etcdserverpb.Lease/LeaseKeepAlive", Bidi, lease::lease_keep_alive),
    ("/etcdserverpb.Lease/LeaseTimeToLive", Unary, lease::lease_time_to_live),
    ("/etcdserverpb.Lease/LeaseLeases", Unary, lease::lease_leases),
    ("/etcdserverpb.Cluster/MemberAdd", Unary, cluster::member_add),
    ("/etcdserverpb.Cluster/MemberRemove", Unary, cluster::member_remove),
    ("/etcdserverpb.Cluster/MemberUpdate", Unary, cluster::member_update),
    ("/etcdserverpb.Cluster/MemberList", Unary, cluster::member_list),
    ("/etcdserverpb.Cluster/MemberPromote", Unary, cluster::member_promote),
    ("/etcdserverpb.Maintenance/Alarm", Unary, maintenance::alarm),
    ("/etcdserverpb.Maintenance/Status", Unary, maintenance::status),
    ("/etcdserverpb.Maintenance/Defragment", Unary, maintenance::defragment),
    ("/etcdserverpb.Maintenance/Hash", Unary, maintenance::hash),
    ("/etcdserverpb.Maintenance/HashKV", Unary, maintenance::hash_kv),
    (
        "/etcdserverpb.Maintenance/Snapshot",
        ServerStream,
        maintenance::snapshot,
    ),
    ("/etcdserverpb.Maintenance/MoveLeader", Unary, maintenance::move_leader),
    ("/etcdserverpb.Maintenance/Downgrade", Unary, maintenance::downgrade),
    ("/etcdserverpb.Auth/AuthEnable", Unary, auth::auth_enable),
    ("/etcdserverpb.Auth/AuthDisable", Unary, auth::auth_disable),
    ("/etcdserverpb.Auth/AuthStatus", Unary, auth::auth_status),
    ("/etcdserverpb.Auth/Authenticate", Unary, auth::authenticate),
    ("/etcdserverpb.Auth/UserAdd", Unary, auth::user_add),
    ("/etcdserverpb.Auth/UserGet", Unary, auth::user_get),
    ("/etcdserverpb.Auth/UserList", Unary, auth::user_list),
    ("/etcdserverpb.Auth/UserDelete", Unary, auth::user_delete),
    (
        "/etcdserverpb.Auth/UserChangePassword",
        Unary,
        auth::user_change_password,
    ),
    ("/etcdserverpb.Auth/UserGrantRole", Unary, auth::user_grant_role),
    ("/etcdserverpb.Auth/UserRevokeRole", Unary, auth::user_revoke_role),
    ("/etcdserverpb.Auth/RoleAdd", Unary, auth::role_add),
    ("/etcdserverpb.Auth/RoleGet", Unary, auth::role_get),
    ("/etcdserverpb.Auth/RoleList", Unary, auth::role_list),
    ("/etcdserverpb.Auth/RoleDelete", Unary, auth::role_delete),
    (
        "/etcdserverpb.Auth/RoleGrantPermission",
        Unary,
        auth::role_grant_permission,
    ),
    (
        "/etcdserverpb.Auth/RoleRevokePermission",
        Unary,
        auth::role_revoke_permission,
    ),
    ("/v3electionpb.Election/Campaign", Unary, election::campaign),
    ("/v3electionpb.Election/Proclaim", Unary, election::proclaim),
    ("/v3electionpb.Election/Leader", Unary, election::leader_of),
    ("/v3electionpb.Election/Observe", ServerStream, election::observe),
    ("/v3electionpb.Election/Resign", Unary, election::resign),
    ("/v3lockpb.Lock/Lock", Unary, lock::lock),
    ("/v3lockpb.Lock/Unlock", Unary, lock::unlock),
    ("/grpc.health.v1.Health/Check", Unary, health::check),
    ("/grpc.health.v1.Health/Watch", ServerStream, health::watch),
];

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;

    #[test]
    fn the_table_is_what_the_descriptors_say() {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
        let mut described: Vec<(String, Kind)> = pool
            .services()
            .filter(|service| !service.full_name().starts_with("keelson."))
            .flat_map(|service| {
                service
                    .methods()
                    .map(|method| {
                        let kind = match (method.is_client_streaming(), method.is_server_streaming()) {
                            (false, false) => Unary,
                            (false, true) => ServerStream,
                            (true, _) => Bidi,
                        };
                        (format!("/{}/{}", service.full_name(), method.name()), kind)
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        described.sort_by(|a, b| a.0.cmp(&b.0));
        let mut listed: Vec<(String, Kind)> = METHODS
            .iter()
            .filter(|(path, ..)| !path.starts_with("/grpc."))
            .map(|(path, kind, _)| ((*path).to_owned(), *kind))
            .collect();
        listed.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(listed, described);
    }
}
