//! What flags make of the configuration.

use super::external_address;
use crate::apiserver::settings;

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
        let flags = [
            "--etcd-servers=http://e:2379",
            "--service-account-issuer=https://issuer.example",
            "--service-account-key-file=/sa.pub",
            "--service-account-signing-key-file=/sa.key",
            "--advertise-address=10.0.0.5",
            &format!("--external-hostname={name}"),
        ];
        let settings = settings(&flags.map(str::to_owned)).unwrap();
        assert_eq!(external_address(&settings, 7000), address, "{name}");
    }
}
