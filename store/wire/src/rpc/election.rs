//! `v3electionpb.Election`: leader election among clients.

use proto::election::{
    CampaignRequest, CampaignResponse, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse, ResignRequest,
    ResignResponse, election_server,
};
use tonic::{Request, Response, Status};

use super::stream::{Answers, pulled};
use super::{caller, service};
use crate::status;

service! {
    impl election_server::Election {
        campaign(CampaignRequest) -> CampaignResponse;
        proclaim(ProclaimRequest) -> ProclaimResponse;
        resign(ResignRequest) -> ResignResponse;
    }
    {
        async fn leader(&self, request: Request<LeaderRequest>) -> Result<Response<LeaderResponse>, Status> {
            let caller = caller(&request);
            let led = self.member.leader_of(&caller, request.into_inner()).await;
            led.map(Response::new).map_err(status::of_error)
        }

        type ObserveStream = Answers<LeaderResponse>;

        async fn observe(&self, request: Request<LeaderRequest>) -> Result<Response<Self::ObserveStream>, Status> {
            let caller = caller(&request);
            let leaders = self.member.observe(&caller, request.into_inner()).await.map_err(status::of_error)?;
            Ok(Response::new(pulled(leaders, &self.draining)))
        }
    }
}
