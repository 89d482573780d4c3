//! The way from a client's certificate up to an authority that is trusted, over those that the client showed with it.

use apiserver_api::go::quote;

use super::certificate::Certificate;
use super::{Invalid, in_time};

/// How much may be spent on signatures: as many as Go's verifier checks, where none is dear.
const BUDGET: usize = 100;
/// How many names are held against how many limits.
const COMPARISONS: usize = 250_000;

/// The authorities that are trusted, and whether the client's certificate stands among them.
pub(crate) struct Trusted<'a> {
    pub(crate) roots: &'a [Certificate],
    pub(crate) itself: bool,
}

/// Whether a client's certificate is good at a time in seconds since 1970.
///
/// # Errors
/// Why it is not, as Go says it.
pub(crate) fn verify(
    leaf: &Certificate,
    trusted: &Trusted<'_>,
    between: &[Certificate],
    now: i64,
) -> Result<(), Invalid> {
    if leaf.said.unhandled {
        return Err(Invalid::Unhandled);
    }
    in_time(leaf.times, now)?;
    if trusted.itself {
        // There is nothing to build.
        return for_clients(&[leaf]);
    }
    let mut search = Search {
        roots: trusted.roots,
        between,
        now,
        budget: BUDGET,
        for_others: false,
    };
    let outcome = search.climb(&mut vec![leaf]);
    // A chain that is for something else says more than one that leads nowhere.
    outcome.map_err(|invalid| if search.for_others { Invalid::Usage } else { invalid })
}

struct Search<'a> {
    roots: &'a [Certificate],
    between: &'a [Certificate],
    now: i64,
    budget: usize,
    /// Whether a chain was found whose certificates are not for clients.
    for_others: bool,
}

impl<'a> Search<'a> {
    /// Goes on from the last of a chain.
    fn climb(&mut self, chain: &mut Vec<&'a Certificate>) -> Result<(), Invalid> {
        let Some(child) = chain.last().copied() else {
            return Err(Invalid::Malformed);
        };
        let (mut hint, mut last) = (None, None);
        for (parent, trusted) in self.parents(child) {
            // Two that vouch for each other lead nowhere.
            if chain.iter().any(|one| parent.stands_for(one)) {
                continue;
            }
            self.budget = self.budget.checked_sub(child.cost(parent)).ok_or(Invalid::Limit)?;
            if let Err(why) = child.check_signature(parent) {
                hint.get_or_insert((why, &parent.name));
                continue;
            }
            if let Err(why) = fits(parent, trusted, chain, self.now) {
                last = Some(why);
                continue;
            }
            chain.push(parent);
            let outcome = if trusted { for_clients(chain) } else { self.climb(chain) };
            chain.pop();
            match outcome {
                Ok(()) => return Ok(()),
                Err(Invalid::Limit) => return Err(Invalid::Limit),
                Err(why) => {
                    self.for_others |= why == Invalid::Usage;
                    last = Some(why);
                }
            }
        }
        Err(last.unwrap_or_else(|| Invalid::UnknownAuthority(told(hint))))
    }

    /// Those that may have signed a certificate, the likely ones first, and whether each is trusted.
    fn parents(&self, child: &Certificate) -> Vec<(&'a Certificate, bool)> {
        let trusted = self.roots.iter().map(|root| (root, true));
        let all = trusted.chain(self.between.iter().map(|between| (between, false)));
        let mut named: Vec<_> = all.filter(|(parent, _)| parent.subject == child.issuer).collect();
        named.sort_by_key(|(parent, trusted)| (!trusted, child.distance(parent)));
        named
    }
}

/// Why the first that looked like it did not sign it.
fn told(hint: Option<(Invalid, &String)>) -> String {
    let Some((why, name)) = hint else {
        return String::new();
    };
    let (why, name) = (quote(&why.to_string()), quote(name));
    format!(" (possibly because of {why} while trying to verify candidate authority certificate {name})")
}

/// Whether an authority that signed the last of a chain may stand above it.
fn fits(parent: &Certificate, trusted: bool, chain: &[&Certificate], now: i64) -> Result<(), Invalid> {
    let said = &parent.said;
    if said.unhandled {
        return Err(Invalid::Unhandled);
    }
    in_time(parent.times, now)?;
    if let Some(limits) = &said.limits {
        let names = || chain.iter().flat_map(|below| &below.said.names);
        if names().count().saturating_mul(limits.len()) > COMPARISONS {
            return Err(Invalid::Name("too many constraints".to_owned()));
        }
        names().try_for_each(|name| limits.check(name)).map_err(Invalid::Name)?;
    }
    // Of version 1, too, only those that are trusted are authorities.
    if !trusted && !matches!(said.authority, Some((true, _))) {
        return Err(Invalid::NoAuthority);
    }
    match said.authority {
        Some((_, Some(most))) if chain.len() - 1 > most as usize => Err(Invalid::TooLong),
        _ => Ok(()),
    }
}

/// Whether all of a chain that say what they are for are for clients.
fn for_clients(chain: &[&Certificate]) -> Result<(), Invalid> {
    if chain.iter().any(|one| one.said.for_clients == Some(false)) {
        return Err(Invalid::Usage);
    }
    Ok(())
}
