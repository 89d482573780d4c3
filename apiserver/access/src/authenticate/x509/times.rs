//! When certificates are good.

use apiserver_api::time::Time;
use x509_parser::prelude::X509Certificate;

use super::Invalid;

/// From and to which seconds since 1970 a certificate is good.
pub(crate) fn validity(certificate: &X509Certificate<'_>) -> (i64, i64) {
    let validity = certificate.validity();
    (validity.not_before.timestamp(), validity.not_after.timestamp())
}

/// The moments at which such a time begins and at which it is over.
pub(crate) fn moments((from, to): (i64, i64)) -> [i64; 2] {
    [from, to.saturating_add(1)]
}

/// Whether a certificate is good at a time.
pub(crate) fn in_time((from, to): (i64, i64), now: i64) -> Result<(), Invalid> {
    let told = |word: &str, moment: i64| {
        let (now, moment) = (Time::from_unix(now), Time::from_unix(moment));
        Err(Invalid::Expired(format!("{now} is {word} {moment}")))
    };
    if now < from {
        told("before", from)
    } else if now > to {
        told("after", to)
    } else {
        Ok(())
    }
}
