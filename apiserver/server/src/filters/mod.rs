//! What is done to all requests and answers, whatever they are about: names for the log, headers for browsers, a word now and
//! then to connect anew.

mod audit_id;
mod cors;
mod log;

use std::net::SocketAddr;
use std::sync::Arc;

use base::random::Random;
use http::header::{CONNECTION, HeaderValue, ORIGIN, STRICT_TRANSPORT_SECURITY};
use http::request::Parts;
use http::{Method, Uri, Version};

use self::cors::Cors;
pub(crate) use self::log::log;
use crate::answer::Answer;

/// What flags say of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `--cors-allowed-origins`: regular expressions.
    pub cors_allowed_origins: Vec<String>,
    /// `--strict-transport-security-directives`
    pub hsts_directives: Vec<String>,
    /// `--goaway-chance`: which share of requests of HTTP/2 ends its connection once all its requests are answered.
    pub goaway_chance: f64,
}

/// Why there are no filters.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An origin is no regular expression.
    #[error("invalid CORS allowed origin: {0}")]
    Origin(#[from] regex::Error),
    /// The directives cannot stand in a header.
    #[error("invalid strict transport security directives: {0}")]
    Directives(#[from] http::header::InvalidHeaderValue),
}

/// The filters.
pub struct Filters {
    cors: Cors,
    hsts: Option<HeaderValue>,
    goaway_chance: f64,
    random: Arc<dyn Random>,
}

/// What is known of a request before it is read.
pub(crate) struct Arrival {
    /// The name of the request, the same in all logs.
    audit_id: HeaderValue,
    /// Where it comes from.
    remote: Option<SocketAddr>,
    /// What it asks for, as it was sent.
    uri: Uri,
    /// What a browser is told.
    origin: Option<HeaderValue>,
    /// Whether it only asks what it may ask.
    is_preflight: bool,
    is_goaway: bool,
}

impl Filters {
    /// Filters as flags say.
    ///
    /// # Errors
    /// What they say makes no sense.
    pub fn new(options: &Options, random: Arc<dyn Random>) -> Result<Self, Error> {
        let directives = options.hsts_directives.join("; ");
        Ok(Self {
            cors: Cors::new(&options.cors_allowed_origins)?,
            hsts: (!directives.is_empty()).then(|| directives.parse()).transpose()?,
            goaway_chance: options.goaway_chance,
            random,
        })
    }

    /// A request arrives.
    pub(crate) fn arrive(&self, parts: &Parts) -> Arrival {
        let origin = parts.headers.get(ORIGIN);
        let origin = origin.filter(|origin| self.cors.allows(origin)).cloned();
        Arrival {
            audit_id: audit_id::of(&parts.headers, &*self.random),
            remote: parts.extensions.get().copied(),
            uri: parts.uri.clone(),
            is_preflight: origin.is_some() && parts.method == Method::OPTIONS,
            origin,
            is_goaway: parts.version == Version::HTTP_2 && self.draws_goaway(),
        }
    }

    fn draws_goaway(&self) -> bool {
        let mut drawn = [0; 4];
        self.random.fill(&mut drawn);
        // A share of the whole, exact to parts of four billions.
        let drawn = f64::from(u32::from_be_bytes(drawn)) / 2_f64.powi(32);
        drawn < self.goaway_chance
    }

    /// Says what answers say to all.
    pub(crate) fn depart(&self, arrival: &Arrival, answer: &mut Answer) {
        let headers = answer.headers_mut();
        headers.entry(audit_id::AUDIT_ID).or_insert(arrival.audit_id.clone());
        if let Some(hsts) = &self.hsts {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(hsts.clone());
        }
        if arrival.is_goaway {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(origin) = &arrival.origin {
            cors::mark(headers, origin);
        }
    }
}

impl Arrival {
    /// What a browser is answered that asks only what it may ask.
    pub(crate) fn preflight(&self) -> Option<Answer> {
        let nothing = || {
            let mut answer = Answer::new(axum::body::Body::empty());
            *answer.status_mut() = http::StatusCode::NO_CONTENT;
            answer
        };
        self.is_preflight.then(nothing)
    }
}

#[cfg(test)]
mod tests;
