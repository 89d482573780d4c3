//! Leases that are granted, or perhaps, and looked at in the end.

use std::sync::mpsc::Receiver;

use base::task::Tasks;
use jepsen_check::history::Line;
use proto::etcd::lease_server::{Lease, LeaseServer};
use proto::etcd::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use super::*;
use crate::client::Route;
use crate::client::testing::{deserted, settled};
use crate::seed::Seed;
use crate::workload::Audited;

/// A store that only has leases: of each three grants it answers one, leaves one open and refuses one.
struct Landlord;

/// What it adds to each time to live, in seconds.
const ADDED: i64 = 5;

#[async_trait]
impl Lease for Landlord {
    async fn lease_grant(&self, request: Request<LeaseGrantRequest>) -> Result<Response<LeaseGrantResponse>, Status> {
        let LeaseGrantRequest { ttl, id } = request.into_inner();
        match id % 3 {
            0 => Ok(Response::new(LeaseGrantResponse {
                id,
                ttl: ttl + ADDED,
                ..LeaseGrantResponse::default()
            })),
            1 => Err(Status::unavailable("perhaps")),
            _ => Err(Status::already_exists("no")),
        }
    }

    async fn lease_revoke(&self, _: Request<LeaseRevokeRequest>) -> Result<Response<LeaseRevokeResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    type LeaseKeepAliveStream = UnboundedReceiverStream<Result<LeaseKeepAliveResponse, Status>>;

    async fn lease_keep_alive(
        &self,
        _: Request<Streaming<LeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<LeaseTimeToLiveRequest>,
    ) -> Result<Response<LeaseTimeToLiveResponse>, Status> {
        Ok(Response::new(LeaseTimeToLiveResponse {
            id: request.into_inner().id,
            ttl: -1,
            ..LeaseTimeToLiveResponse::default()
        }))
    }

    async fn lease_leases(&self, _: Request<LeaseLeasesRequest>) -> Result<Response<LeaseLeasesResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

/// A client of it, with what is recorded; it serves on a port of this machine until the tasks are cancelled.
async fn tenancy(tasks: &Tasks) -> (Client, Receiver<Line>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(LeaseServer::new(Landlord));
    let serves = server.serve_with_incoming(TcpListenerStream::new(listener));
    tasks.spawn_until("landlord", async move { serves.await.unwrap() });
    let (place, lines) = settled(vec![format!("http://{address}")], Arc::new(Mutex::new(vec![0])));
    let client = Client::new(&place, 0, Route::Pinned(0), Seed::new(1));
    (client.patient(Duration::from_secs(30)), lines)
}

/// Leases that somebody looked at.
fn looked_at(lines: &Receiver<Line>) -> Vec<i64> {
    let looked = lines.try_iter().filter_map(|line| match line {
        Line::Invoke {
            call: Call::TimeToLive { lease },
            ..
        } => Some(lease),
        _ => None,
    });
    looked.collect()
}

#[test]
fn ids_are_positive_and_apart() {
    let seed = Seed::new(3);
    let outline = Outline {
        seed,
        clients: 8,
        audited: Audited::default(),
    };
    assert_eq!(Leases::default().players(&outline).len(), 8);
    let mut firsts: Vec<i64> = (0..8).map(|number| first_lease(seed.part("lease", number))).collect();
    firsts.sort_unstable();
    assert!(firsts[0] >= 0, "{firsts:?}");
    assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] > 10_000), "{firsts:?}");
}

#[tokio::test]
async fn every_lease_that_may_be_there_is_looked_at() {
    let tasks = Tasks::new();
    let (mut client, lines) = tenancy(&tasks).await;
    let leases = Leases::default();
    let mut tenant = Tenant {
        rng: Seed::new(1).rng(),
        next: 0,
        tended: Vec::new(),
        granted: Arc::clone(&leases.granted),
    };
    for _ in 0..6 {
        // What comes of it is seen below; this store has no keys.
        let _ = tenant.grant(&mut client).await;
    }
    let granted = leases.granted.lock().clone();
    let seconds = |lease: i64| granted[&lease].as_secs() as i64;
    assert!(
        [1, 4].into_iter().all(|lease| TTL.contains(&seconds(lease))),
        "{granted:?}"
    );
    assert!(
        [3, 6].into_iter().all(|lease| TTL.contains(&(seconds(lease) - ADDED))),
        "{granted:?}"
    );
    look(&mut client, &granted).await.unwrap();
    assert_eq!(looked_at(&lines), [1, 3, 4, 6]);
    tasks.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_before_all_leases_must_be_gone() {
    let (place, lines) = deserted(3, 4);
    let mut client = Client::new(&place, 0, Route::Pinned(0), Seed::new(1));
    let leases = Leases::default();
    for (lease, ttl) in [(7, 2), (8, 5)] {
        leases.granted.lock().insert(lease, Duration::from_secs(ttl));
    }
    let began = Instant::now();
    // Nobody answers here, so it is given up at the first one.
    leases.finish(&mut client).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(5) + 2 * LATE);
    assert_eq!(looked_at(&lines).first(), Some(&7));
}
