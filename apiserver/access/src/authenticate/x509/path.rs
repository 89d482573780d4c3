//! The way from a client's certificate up to an authority that is trusted, over those that the client showed with it.

use apiserver_api::go::quote;

use super::certificate::Certificate;
use super::steps::Steps;
use super::{Invalid, in_time};

/// How much may be spent on signatures: as many as Go's verifier checks, where none is dear.
const BUDGET: usize = 100;

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
    let mut search = Search::among(trusted.roots, between, now);
    let outcome = search.climb(&mut vec![leaf]);
    // A chain that is for something else says more than one that leads nowhere.
    outcome.map_err(|invalid| if search.for_others { Invalid::Usage } else { invalid })
}

struct Search<'a> {
    roots: &'a [Certificate],
    between: &'a [Certificate],
    now: i64,
    budget: usize,
    steps: Steps,
    /// Whether a chain was found whose certificates are not for clients.
    for_others: bool,
}

impl<'a> Search<'a> {
    const fn among(roots: &'a [Certificate], between: &'a [Certificate], now: i64) -> Self {
        Self {
            roots,
            between,
            now,
            budget: BUDGET,
            steps: Steps::ALL,
            for_others: false,
        }
    }

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
            let outcome = if trusted { self.end(chain) } else { self.climb(chain) };
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

    /// Whether a chain that leads to an authority is good as a whole. Names are held against limits only here, after all
    /// else: whoever makes certificates could have as many of both as he likes, but he does not get here with them.
    fn end(&mut self, chain: &[&Certificate]) -> Result<(), Invalid> {
        for_clients(chain)?;
        for (at, above) in chain.iter().enumerate() {
            let Some(limits) = above.said.limits.as_ref().filter(|limits| !limits.is_empty()) else {
                continue;
            };
            let mut names = chain[..at].iter().flat_map(|below| &below.said.names);
            let outcome = names.try_for_each(|name| limits.check(name, &mut self.steps));
            outcome.map_err(Invalid::Name)?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use rcgen::SanType;

    use super::super::trial::{Draft, Made, NOW, ask, ca, client, element, made, signing};
    use super::{Certificate, Invalid, Search, Steps};

    /// A client's certificate with this many names.
    fn named(by: &Made, count: usize) -> Vec<u8> {
        let names = (0..count).map(|at| SanType::DnsName(format!("h{at}.a").try_into().unwrap()));
        made("jane", Some(by), |params| params.subject_alt_names = names.collect()).der
    }

    /// Certificates of one authority, each with another last of its names that are excluded.
    fn limited(own: &Made, by: &Made, count: usize, last: &[&str]) -> Vec<Vec<u8>> {
        let subtree = |name: &str| element(0x30, &[&element(0x82, &[name.as_bytes()])]);
        let others: Vec<u8> = (1..count).flat_map(|at| subtree(&format!("x{at}.b"))).collect();
        let sign = |last: &&str| {
            let value = element(0x30, &[&element(0xa1, &[&others, &subtree(last)])]);
            let mut draft = Draft {
                issuer: Draft::like(by).subject,
                ..Draft::like(own).authority(true)
            };
            let limits = element(0x30, &[&[6, 3, 0x55, 0x1d, 30], &element(4, &[&value])]);
            draft.extensions.push(limits);
            draft.sign(signing(by))
        };
        last.iter().map(sign).collect()
    }

    #[test]
    fn names_of_certificates_that_lead_nowhere_cost_nothing() {
        let (root, own) = (ca("root", None, |_| {}), ca("between", None, |_| {}));
        let read = |der: &Vec<u8>| Certificate::read(der).unwrap();
        let roots = [read(&root.der)];
        let between: Vec<Certificate> = limited(&own, &own, 500, &["h499.a"; 20]).iter().map(read).collect();
        let leaf = read(&named(&own, 500));
        let mut search = Search::among(&roots, &between, NOW);
        let outcome = search.climb(&mut vec![&leaf]);
        assert!(matches!(outcome, Err(Invalid::UnknownAuthority(_))), "{outcome:?}");
        assert_eq!(search.steps, Steps::ALL);
    }

    #[test]
    fn all_ways_to_an_authority_share_the_steps() {
        let root = ca("root", None, |_| {});
        let own = ca("between", Some(&root), |_| {});
        let leaf = named(&own, 400);
        let why = "x509: a root or intermediate certificate is not authorized to sign for this name: ";
        let ask = |count, last: &[&str]| {
            let between = limited(&own, &root, count, last);
            let chain: Vec<&[u8]> = [&leaf].into_iter().chain(&between).map(Vec::as_slice).collect();
            ask(&[&root.der], &chain)
        };
        let excluded = "DNS name \"h399.a\" is excluded by constraint";
        assert_eq!(ask(400, &["h399.a"]), Err(format!("{why}{excluded}")));
        assert_eq!(
            ask(400, &["h399.a", "h399.a"]),
            Err(format!("{why}too many constraints"))
        );
        // The second way is good, and there are steps for it.
        assert_eq!(ask(300, &["h399.a", "other.b"]), Ok(()));
        // As many as one authority may have for so many names, and one more.
        assert_eq!(ask(625, &["other.b"]), Ok(()));
        assert_eq!(ask(626, &["other.b"]), Err(format!("{why}too many constraints")));
    }

    #[test]
    fn limits_cost_nothing_where_there_are_no_names() {
        let root = ca("root", None, |_| {});
        let own = ca("between", Some(&root), |_| {});
        let between = limited(&own, &root, 3, &["other.b"]);
        assert_eq!(ask(&[&root.der], &[&client(&own), &between[0]]), Ok(()));
    }
}
