//! Elections of the store's own election service: clients campaign, proclaim, resign, or stall until they are deposed,
//! while others ask who leads.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jepsen_check::history::{Call, Reply};
use proto::election::LeaderKey;
use rand::Rng;
use rand::rngs::StdRng;

use super::{Least, Outline, Player, Workload, first_lease, persist};
use crate::client::{Answer, Client, Done, Link, Mishap};
use crate::judge::Judge;

/// Elections that are held.
const ELECTIONS: usize = 2;
/// Seconds that a candidate's lease lives.
const TTL: i64 = 2;
/// Leadership is waited for so long.
const WAIT: Duration = Duration::from_secs(3);
/// Who stalls does so for so long, which is longer than any lease here lives.
const STALL: Duration = Duration::from_millis(3_500);
/// Of so many clients one only asks who leads.
const ASKERS: usize = 3;

/// The workload.
pub(super) struct Elections;

fn election(number: usize) -> String {
    format!("election-{number}")
}

async fn ask(link: &Link, name: &str, observes: bool) -> Done {
    let leader = if observes {
        link.observe(name).await?
    } else {
        link.leader(name).await?
    };
    Ok(Answer::bare(Reply::Leader { leader }))
}

async fn asks(client: &mut Client, name: String, observes: bool) -> Done {
    let link = client.begin(Call::Leader { name: name.clone() });
    let done = ask(&link, &name, observes).await;
    client.end(&done);
    done
}

#[async_trait]
impl Workload for Elections {
    fn judges(&self) -> Vec<Judge> {
        vec![Judge::Election]
    }

    fn least(&self, rate: f64) -> Least {
        // Those who ask keep up with the rate, those who campaign wait for each other.
        Least {
            calm: rate * 0.05,
            stormy: rate * 0.005,
        }
    }

    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>> {
        let player = |number: usize| -> Box<dyn Player> {
            let seed = outline.seed.part("election", number as u64);
            if number % ASKERS == ASKERS - 1 {
                return Box::new(Asker { rng: seed.rng() });
            }
            Box::new(Candidate {
                rng: seed.rng(),
                number,
                said: 0,
                next: first_lease(seed),
                office: None,
            })
        };
        (0..outline.clients).map(player).collect()
    }

    async fn finish(&self, client: &mut Client) -> Result<(), Mishap> {
        for number in 0..ELECTIONS {
            persist(client, |client| asks(client, election(number), false).boxed()).await?;
        }
        Ok(())
    }
}

/// One who asks who leads.
struct Asker {
    rng: StdRng,
}

#[async_trait]
impl Player for Asker {
    async fn step(&mut self, client: &mut Client) {
        let name = election(self.rng.random_range(0..ELECTIONS));
        let observes = self.rng.random_ratio(1, 3);
        // What is answered is recorded; nobody waits for it.
        let _ = asks(client, name, observes).await;
    }
}

/// A leadership that was won, and may be over.
struct Office {
    name: String,
    leader: LeaderKey,
    /// So many proclamations are still to be made.
    speeches: u32,
    /// It stalls before the next.
    stalls: bool,
}

/// One who wants to lead.
struct Candidate {
    rng: StdRng,
    number: usize,
    /// How much it has said.
    said: u64,
    /// The id of its next lease.
    next: i64,
    office: Option<Office>,
}

impl Candidate {
    /// Something that nobody has said before.
    fn words(&mut self) -> String {
        self.said += 1;
        format!("{}-{}", self.number, self.said)
    }

    async fn campaign(&mut self, client: &mut Client) {
        self.next += 1;
        let lease = self.next;
        let name = election(self.rng.random_range(0..ELECTIONS));
        let (speeches, stalls) = (self.rng.random_range(1..6), self.rng.random_ratio(1, 6));
        if client.link().call(&Call::Grant { lease, ttl: TTL }).await.is_err() {
            return;
        }
        let value = self.words();
        let link = client.begin(Call::Campaign {
            name: name.clone(),
            value: value.clone(),
        });
        let won = link.patient(WAIT).campaign(&name, lease, &value).await;
        let reply = |leader: &LeaderKey| Answer::bare(Reply::Campaign { token: leader.rev });
        client.end(&won.as_ref().map(reply).map_err(Clone::clone));
        match won {
            Ok(leader) => {
                self.office = Some(Office {
                    name,
                    leader,
                    speeches,
                    stalls,
                });
            }
            // A candidacy may be left behind; without its lease it goes.
            Err(_) => drop(link.call(&Call::Revoke { lease }).await),
        }
    }

    /// Proclaims once. None: leadership is over.
    async fn proclaim(&mut self, client: &mut Client, mut office: Office) -> Option<Office> {
        if office.stalls {
            office.stalls = false;
            tokio::time::sleep(STALL).await;
        } else {
            let lease = office.leader.lease;
            drop(client.link().call(&Call::KeepAlive { lease }).await);
        }
        let value = self.words();
        let link = client.begin(Call::Proclaim {
            name: office.name.clone(),
            token: office.leader.rev,
            value: value.clone(),
        });
        let done = link.proclaim(&office.leader, &value).await;
        client.end(&done.clone().map(|()| Answer::bare(Reply::Proclaim {})));
        office.speeches -= 1;
        match done {
            Err(Mishap::Refused(_)) => None,
            _ => Some(office),
        }
    }
}

async fn resign(client: &mut Client, office: &Office) {
    let link = client.begin(Call::Resign {
        name: office.name.clone(),
        token: office.leader.rev,
    });
    let done = link.resign(&office.leader).await;
    client.end(&done.map(|()| Answer::bare(Reply::Resign {})));
    let lease = office.leader.lease;
    drop(link.call(&Call::Revoke { lease }).await);
}

#[async_trait]
impl Player for Candidate {
    async fn step(&mut self, client: &mut Client) {
        match self.office.take() {
            None => self.campaign(client).await,
            Some(office) if office.speeches == 0 => resign(client, &office).await,
            Some(office) => self.office = self.proclaim(client, office).await,
        }
    }

    async fn leave(&mut self, client: &mut Client, _: i64) -> Result<(), String> {
        if let Some(office) = self.office.take() {
            resign(client, &office).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::workload::Audited;

    #[test]
    fn words_are_said_once() {
        let mut candidate = Candidate {
            rng: Seed::new(1).rng(),
            number: 3,
            said: 0,
            next: 1,
            office: None,
        };
        assert_eq!(candidate.words(), "3-1");
        assert_eq!(candidate.words(), "3-2");
    }

    #[test]
    fn some_only_ask() {
        let outline = Outline {
            seed: Seed::new(1),
            clients: 8,
            audited: Audited::default(),
        };
        assert_eq!(Elections.players(&outline).len(), 8);
    }
}
