//! Items of lists that stand twice or are not written as they should be.

use std::collections::BTreeSet;

use apiserver_api::go::quote;
use apiserver_api::names::ip_warning;
use apiserver_api::path::Path;

use super::Told;

impl Told<'_> {
    /// Items that stand twice in lists where they should not.
    pub(super) fn lists(&mut self, path: &Path<'_>) {
        for (list, field, what) in [("hostAliases", "ip", "ip"), ("imagePullSecrets", "name", "name")] {
            let path = path.field(list);
            let mut seen = BTreeSet::new();
            for (at, item) in self.spec.items(list).iter().enumerate() {
                let value = item.text(field);
                if !seen.insert(value) {
                    let words = format!("duplicate {what} {}", quote(value));
                    self.tell(&path.index(at).field(field), &words);
                }
            }
        }
        let path = path.field("imagePullSecrets");
        for (at, secret) in self.spec.items("imagePullSecrets").iter().enumerate() {
            if secret.text("name").is_empty() {
                self.tell(&path.index(at).field("name"), "invalid empty name \"\"");
            }
        }
    }

    pub(super) fn addresses(&mut self, path: &Path<'_>) {
        let config = path.field("dnsConfig");
        let list = config.field("nameservers");
        for (at, server) in self.spec.at("dnsConfig").items("nameservers").iter().enumerate() {
            let address = server.as_str().unwrap_or_default();
            self.warnings.extend(ip_warning(&list.index(at), address));
        }
        let list = path.field("hostAliases");
        for (at, alias) in self.spec.items("hostAliases").iter().enumerate() {
            self.warnings
                .extend(ip_warning(&list.index(at).field("ip"), alias.text("ip")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;
    use crate::pod::testing::json;

    #[test]
    fn secrets_and_addresses_are_told_where_they_are_odd() {
        for (spec, told) in [
            (
                r#"{"imagePullSecrets":[{"name":"x"},{"name":"x"}]}"#,
                "t.spec.imagePullSecrets[1].name: duplicate name \"x\"",
            ),
            (
                r#"{"dnsConfig":{"nameservers":["FD00::1"]}}"#,
                "t.spec.dnsConfig.nameservers[0]: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format \
                 (\"fd00::1\")",
            ),
        ] {
            let object = json(&format!(r#"{{"spec":{spec}}}"#));
            assert_eq!(super::super::of(&Path::of("t"), &object, true), [told]);
        }
    }
}
