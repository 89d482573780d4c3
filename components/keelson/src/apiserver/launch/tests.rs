//! What flags make of the configuration.

use super::external_address;
use crate::apiserver::settings;
use crate::apiserver::settings::Settings;

/// What the least of flags and these come to.
pub(super) fn understood(more: &[&str]) -> Settings {
    let least = [
        "--etcd-servers=http://e:2379",
        "--service-account-issuer=https://issuer.example",
        "--service-account-key-file=/sa.pub",
        "--service-account-signing-key-file=/sa.key",
        "--advertise-address=10.0.0.5",
    ];
    let flags: Vec<String> = least.iter().chain(more).map(|&flag| flag.to_owned()).collect();
    settings(&flags).unwrap()
}

#[test]
fn clients_are_told_the_port_that_is_listened_at_unless_the_name_says_one() {
    for (name, address) in [
        ("", "10.0.0.5:7000"),
        ("127.0.0.1", "127.0.0.1:7000"),
        ("api.example", "api.example:7000"),
        ("api.example:443", "api.example:443"),
        ("fd00::1", "[fd00::1]:7000"),
        ("[fd00::1]:443", "[fd00::1]:443"),
    ] {
        let settings = understood(&[&format!("--external-hostname={name}")]);
        assert_eq!(external_address(&settings, 7000), address, "{name}");
    }
}
