//! Every method that the client port serves: what it is called and how messages flow.

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

/// Path and kind of every method. A test compares it with the descriptors.
pub(crate) const METHODS: &[(&str, Kind)] = &[
    ("/etcdserverpb.KV/Range", Unary),
    ("/etcdserverpb.KV/RangeStream", ServerStream),
    ("/etcdserverpb.KV/Put", Unary),
    ("/etcdserverpb.KV/DeleteRange", Unary),
    ("/etcdserverpb.KV/Txn", Unary),
    ("/etcdserverpb.KV/Compact", Unary),
    ("/etcdserverpb.Watch/Watch", Bidi),
    ("/etcdserverpb.Lease/LeaseGrant", Unary),
    ("/etcdserverpb.Lease/LeaseRevoke", Unary),
    ("/etcdserverpb.Lease/LeaseKeepAlive", Bidi),
    ("/etcdserverpb.Lease/LeaseTimeToLive", Unary),
    ("/etcdserverpb.Lease/LeaseLeases", Unary),
    ("/etcdserverpb.Cluster/MemberAdd", Unary),
    ("/etcdserverpb.Cluster/MemberRemove", Unary),
    ("/etcdserverpb.Cluster/MemberUpdate", Unary),
    ("/etcdserverpb.Cluster/MemberList", Unary),
    ("/etcdserverpb.Cluster/MemberPromote", Unary),
    ("/etcdserverpb.Maintenance/Alarm", Unary),
    ("/etcdserverpb.Maintenance/Status", Unary),
    ("/etcdserverpb.Maintenance/Defragment", Unary),
    ("/etcdserverpb.Maintenance/Hash", Unary),
    ("/etcdserverpb.Maintenance/HashKV", Unary),
    ("/etcdserverpb.Maintenance/Snapshot", ServerStream),
    ("/etcdserverpb.Maintenance/MoveLeader", Unary),
    ("/etcdserverpb.Maintenance/Downgrade", Unary),
    ("/etcdserverpb.Auth/AuthEnable", Unary),
    ("/etcdserverpb.Auth/AuthDisable", Unary),
    ("/etcdserverpb.Auth/AuthStatus", Unary),
    ("/etcdserverpb.Auth/Authenticate", Unary),
    ("/etcdserverpb.Auth/UserAdd", Unary),
    ("/etcdserverpb.Auth/UserGet", Unary),
    ("/etcdserverpb.Auth/UserList", Unary),
    ("/etcdserverpb.Auth/UserDelete", Unary),
    ("/etcdserverpb.Auth/UserChangePassword", Unary),
    ("/etcdserverpb.Auth/UserGrantRole", Unary),
    ("/etcdserverpb.Auth/UserRevokeRole", Unary),
    ("/etcdserverpb.Auth/RoleAdd", Unary),
    ("/etcdserverpb.Auth/RoleGet", Unary),
    ("/etcdserverpb.Auth/RoleList", Unary),
    ("/etcdserverpb.Auth/RoleDelete", Unary),
    ("/etcdserverpb.Auth/RoleGrantPermission", Unary),
    ("/etcdserverpb.Auth/RoleRevokePermission", Unary),
    ("/v3electionpb.Election/Campaign", Unary),
    ("/v3electionpb.Election/Proclaim", Unary),
    ("/v3electionpb.Election/Leader", Unary),
    ("/v3electionpb.Election/Observe", ServerStream),
    ("/v3electionpb.Election/Resign", Unary),
    ("/v3lockpb.Lock/Lock", Unary),
    ("/v3lockpb.Lock/Unlock", Unary),
    ("/grpc.health.v1.Health/Check", Unary),
    ("/grpc.health.v1.Health/Watch", ServerStream),
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
            .filter(|(path, _)| !path.starts_with("/grpc."))
            .map(|(path, kind)| ((*path).to_owned(), *kind))
            .collect();
        listed.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(listed, described);
    }
}
