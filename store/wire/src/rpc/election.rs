//! `v3electionpb.Election`: one leader among many clients.

use proto::election::{CampaignRequest, LeaderRequest, ProclaimRequest, ResignRequest};

use super::{streamed, unary};

unary! {
    campaign(CampaignRequest);
    proclaim(ProclaimRequest);
    leader_of(LeaderRequest);
    resign(ResignRequest);
}

streamed! {
    observe(LeaderRequest);
}
