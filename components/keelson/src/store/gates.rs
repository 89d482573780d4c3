//! Feature gates: upstream's switches, those that mean something here and those that do not.

use std::collections::BTreeMap;

use base::flags::{Parsed, boolean};

use crate::error::{Error, Result};

/// Gates, and the older flag that stood for each.
const KNOWN: &[(&str, &str)] = &[
    ("CompactHashCheck", "experimental-compact-hash-check-enabled"),
    ("FastLeaseKeepAlive", ""),
    ("InitialCorruptCheck", "experimental-initial-corrupt-check"),
    ("LeaseCheckpoint", "experimental-enable-lease-checkpoint"),
    ("LeaseCheckpointPersist", "experimental-enable-lease-checkpoint-persist"),
    ("PriorityRequest", ""),
    ("SetMemberLocalAddr", ""),
    ("StopGRPCServiceOnDefrag", "experimental-stop-grpc-service-on-defrag"),
    (
        "TxnModeWriteWithSharedBuffer",
        "experimental-txn-mode-write-with-shared-buffer",
    ),
];

/// Gates that change something here, or that hold anyway: checkpoints of leases are part of the replicated state, so they
/// persist whenever they are made.
const USED: &[&str] = &[
    "CompactHashCheck",
    "InitialCorruptCheck",
    "LeaseCheckpoint",
    "LeaseCheckpointPersist",
];

/// Which gates were set, and to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gates {
    set: BTreeMap<&'static str, bool>,
}

impl Gates {
    /// Reads `--feature-gates` and the older flags; also what the operator should be told.
    ///
    /// # Errors
    /// An unknown gate, a value that is no boolean, a gate set in both ways, or checkpoints persisted but not made.
    pub(crate) fn read(parsed: &Parsed) -> Result<(Self, Vec<String>)> {
        let mut gates = Self::default();
        if let Some(value) = parsed.get("feature-gates") {
            for pair in value.text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
                gates.pair(&value.spelled, pair)?;
            }
        }
        for (gate, flag) in KNOWN.iter().filter(|(_, flag)| !flag.is_empty()) {
            if let Some(value) = parsed.get(flag) {
                if gates.set.contains_key(gate) {
                    let text = format!(
                        "cannot specify both flags: --{flag}={} and --feature-gates={gate}; use only the second",
                        value.text
                    );
                    return Err(Error::new(text));
                }
                gates.set.insert(gate, boolean(&value.spelled, &value.text)?);
            }
        }
        if gates.on("LeaseCheckpointPersist") && !gates.on("LeaseCheckpoint") {
            return Err(Error::new(
                "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint",
            ));
        }
        let unused = gates.set.keys().filter(|gate| !USED.contains(gate));
        let notes = unused
            .map(|gate| format!("feature gate {gate} has no effect here"))
            .collect();
        Ok((gates, notes))
    }

    fn pair(&mut self, spelled: &str, pair: &str) -> Result<()> {
        let known = || KNOWN.iter().map(|(gate, _)| *gate).collect::<Vec<_>>().join(", ");
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Error::new(format!(
                "invalid value {pair:?} for {spelled}: expected name=true or name=false"
            ))
        })?;
        let on = boolean(&format!("{spelled} {name}"), value)?;
        match name {
            // Nothing here is alpha or beta; upstream's words for "all of them".
            "AllAlpha" | "AllBeta" => Ok(()),
            _ => {
                let (gate, _) = KNOWN.iter().find(|(gate, _)| *gate == name).ok_or_else(|| {
                    Error::new(format!(
                        "unrecognized feature gate {name:?} in {spelled}; known: {}",
                        known()
                    ))
                })?;
                self.set.insert(gate, on);
                Ok(())
            }
        }
    }

    /// Whether a gate was switched on.
    pub(crate) fn on(&self, gate: &str) -> bool {
        self.get(gate).unwrap_or(false)
    }

    /// What a gate was set to, if it was.
    pub(crate) fn get(&self, gate: &str) -> Option<bool> {
        self.set.get(gate).copied()
    }
}

#[cfg(test)]
mod tests {
    use base::flags::Outcome;

    use super::super::flags::TABLE;
    use super::*;

    fn read(args: &[&str]) -> Result<(Gates, Vec<String>)> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        match TABLE.parse(&args)? {
            Outcome::Values(parsed) => Gates::read(&parsed),
            Outcome::Help => Err(Error::new("help")),
        }
    }

    #[test]
    fn gates_and_older_flags_say_the_same() {
        let (new, notes) =
            read(&["--feature-gates=InitialCorruptCheck=true,FastLeaseKeepAlive=false,AllAlpha=false"]).unwrap();
        assert!(new.on("InitialCorruptCheck") && !new.on("CompactHashCheck"));
        assert_eq!(notes, ["feature gate FastLeaseKeepAlive has no effect here"]);
        let (old, _) = read(&[
            "--experimental-initial-corrupt-check",
            "--experimental-compact-hash-check-enabled=false",
        ])
        .unwrap();
        assert!(old.on("InitialCorruptCheck"));
        assert_eq!(
            (old.get("CompactHashCheck"), new.get("CompactHashCheck")),
            (Some(false), None)
        );
    }

    #[test]
    fn contradictions_and_unknown_gates_are_refused() {
        for (args, expected) in [
            (
                &["--feature-gates=Fast=true"][..],
                "unrecognized feature gate \"Fast\" in --feature-gates; known: CompactHashCheck, ",
            ),
            (
                &["--feature-gates=CompactHashCheck"],
                "invalid value \"CompactHashCheck\" for --feature-gates: expected name=true",
            ),
            (
                &["--feature-gates=CompactHashCheck=on"],
                "invalid value \"on\" for --feature-gates CompactHashCheck: expected true",
            ),
            (
                &[
                    "--feature-gates=LeaseCheckpoint=true",
                    "--experimental-enable-lease-checkpoint",
                ],
                "cannot specify both flags: --experimental-enable-lease-checkpoint=true and --feature-gates=LeaseCheckpoint",
            ),
            (
                &["--feature-gates=LeaseCheckpointPersist=true"],
                "enabling feature gate LeaseCheckpointPersist requires",
            ),
        ] {
            let error = read(args).unwrap_err().text;
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
