//! Cipher suites by name.

/// The suites of TLS 1.2 that there are here; those of TLS 1.3 are always on.
const NAMES: &[&str] = &[
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Whether a suite can be offered.
pub(super) fn is_known(name: &str) -> bool {
    base::tls::cipher_suites("tls-cipher-suites", &[name.to_owned()]).is_ok()
}

/// For the help.
pub(crate) fn help() -> String {
    format!(" {}.", NAMES.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_the_help_can_be_offered() {
        assert!(NAMES.iter().all(|name| is_known(name)));
        // Upstream's older names, and a suite that Go calls insecure.
        assert!(is_known("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305") && !is_known("TLS_RSA_WITH_RC4_128_SHA"));
    }
}
