//! Feature gates: upstream's switches by the name of each feature, and which of them this program obeys.

mod table;

use std::collections::BTreeMap;
use std::fmt::Write;

use apiserver_server::metrics::Feature;
use base::flags::go;
use base::flags::pflag::Parsed;

/// How far a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Alpha,
    Beta,
    /// Done; not in the help any more.
    Stable,
    /// On its way out; not in the help either.
    Deprecated,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Gate {
    name: &'static str,
    stage: Stage,
    default: bool,
    /// Cannot be changed any more.
    locked: bool,
    /// The program behaves by it, so that it may be changed.
    obeyed: bool,
    /// Gates that must be on where this one is.
    needs: &'static [&'static str],
}

impl Gate {
    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}

/// Gates that stand for all of a stage that are not named themselves.
const ALL: &[(&str, Stage)] = &[("AllAlpha", Stage::Alpha), ("AllBeta", Stage::Beta)];

/// What is on and what is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gates {
    /// Every gate by name.
    pub(super) on: BTreeMap<&'static str, bool>,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            on: table::GATES.iter().map(|gate| (gate.name, gate.default)).collect(),
        }
    }
}

impl Gates {
    /// Reads `--feature-gates`; also what the operator should be told.
    ///
    /// # Errors
    /// A gate that is unknown, locked or without a boolean, or one that lacks what it needs (upstream's texts); then
    /// gates that nothing here obeys. One text for each.
    pub(crate) fn read(parsed: &Parsed) -> Result<(Self, Vec<String>), Vec<String>> {
        let asked = asked(parsed).map_err(|error| vec![error])?;
        let mut gates = Self::default();
        let (mut notes, mut errors) = (Vec::new(), Vec::new());
        for (name, value) in &asked {
            if ALL.iter().any(|(all, _)| all == name) {
                continue;
            }
            let Some(gate) = find(name) else {
                return Err(vec![format!("unrecognized feature gate: {name}")]);
            };
            if gate.locked && gate.default != *value {
                let text = format!(
                    "cannot set feature gate {name} to {value}, feature is locked to {}",
                    gate.default
                );
                errors.push(text);
                continue;
            }
            let stage = match gate.stage {
                Stage::Stable => "GA",
                Stage::Deprecated => "deprecated",
                Stage::Alpha | Stage::Beta => "",
            };
            if !stage.is_empty() {
                notes.push(format!(
                    "Warning: setting {stage} feature gate {name}={value}. It will be removed in a future release."
                ));
            }
            gates.on.insert(gate.name, *value);
        }
        gates.fill(&asked);
        if errors.is_empty() {
            errors.extend(gates.lacking());
        }
        if errors.is_empty() {
            errors.extend(gates.beyond(&asked));
        }
        if errors.is_empty() {
            Ok((gates, notes))
        } else {
            Err(errors)
        }
    }

    /// Whether a feature is on; one that does not exist is off.
    pub(crate) fn on(&self, name: &str) -> bool {
        self.on.get(name).copied().unwrap_or(false)
    }

    /// All gates, as metrics tell them.
    pub(crate) fn features(&self) -> Vec<Feature> {
        let feature = |gate: &Gate| Feature {
            name: gate.name.to_owned(),
            stage: match gate.stage {
                Stage::Alpha => "ALPHA",
                Stage::Beta => "BETA",
                Stage::Stable => "",
                Stage::Deprecated => "DEPRECATED",
            },
            enabled: self.on(gate.name),
        };
        table::GATES.iter().map(feature).collect()
    }

    /// Sets what `AllAlpha` and `AllBeta` stand for.
    fn fill(&mut self, asked: &BTreeMap<String, bool>) {
        for (all, stage) in ALL {
            let Some(value) = asked.get(*all) else { continue };
            let members = table::GATES.iter().filter(|gate| gate.stage == *stage);
            for gate in members.filter(|gate| !asked.contains_key(gate.name)) {
                self.on.insert(gate.name, *value);
            }
        }
    }

    /// Gates that are on while something they need is off.
    fn lacking(&self) -> impl Iterator<Item = String> {
        table::GATES
            .iter()
            .filter(|gate| self.on(gate.name))
            .filter_map(|gate| {
                let off: Vec<&str> = gate.needs.iter().copied().filter(|need| !self.on(need)).collect();
                (!off.is_empty()).then(|| {
                    let (name, off) = (gate.name, off.join(" "));
                    format!("{name} is enabled, but depends on features that are disabled: [{off}]")
                })
            })
    }

    /// What was asked for, and would change what nothing here obeys.
    fn beyond(&self, asked: &BTreeMap<String, bool>) -> Vec<String> {
        let changed = |gate: &&Gate| !gate.obeyed && self.on(gate.name) != gate.default;
        let of = |name: &str| -> Vec<&str> {
            let stage = ALL.iter().find(|(all, _)| *all == name).map(|(_, stage)| *stage);
            let changed = table::GATES.iter().filter(changed);
            changed
                .filter(|gate| gate.name == name || Some(gate.stage) == stage && !asked.contains_key(gate.name))
                .map(|gate| gate.name)
                .collect()
        };
        let refused = asked.iter().map(|(name, value)| (name, value, of(name)));
        refused
            .filter(|(_, _, gates)| !gates.is_empty())
            .map(|(name, value, gates)| match gates.as_slice() {
                [one] if one == name => {
                    format!("--feature-gates={name}={value} cannot be used: {name} is always {} here", !value)
                }
                some => format!(
                    "--feature-gates={name}={value} cannot be used: it would change {} features that cannot be changed here, \
                     such as {}",
                    some.len(),
                    some[0]
                ),
            })
            .collect()
    }
}

fn find(name: &str) -> Option<&'static Gate> {
    table::GATES.iter().find(|gate| gate.name == name)
}

/// What the flag says, by gate; of several values the last.
fn asked(parsed: &Parsed) -> Result<BTreeMap<String, bool>, String> {
    let mut lists = parsed.lists("feature-gates");
    let (plain, kube) = (lists.remove(""), lists.remove("kube"));
    if plain.is_some() && kube.is_some() {
        let text = "set kube feature gates with default empty prefix or kube: prefix consistently, do not mix use";
        return Err(text.to_owned());
    }
    if let Some(component) = lists.keys().next() {
        return Err(format!("component not registered: {component}"));
    }
    let mut asked = BTreeMap::new();
    for pair in plain
        .or(kube)
        .unwrap_or_default()
        .iter()
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => return Err(format!("missing bool value for {}", pair.trim())),
        };
        let value = go::boolean(value).map_err(|why| format!("invalid value of {name}={value}, err: {why}"))?;
        asked.insert(name.to_owned(), value);
    }
    Ok(asked)
}

/// The lines of the help: every gate that is not yet done or on its way out.
pub(crate) fn help() -> String {
    let all = ALL.iter().map(|(name, stage)| (*name, *stage, false));
    let each = table::GATES.iter().map(|gate| (gate.name, gate.stage, gate.default));
    let mut rows: Vec<_> = all.chain(each).collect();
    rows.sort_unstable_by_key(|(name, ..)| *name);
    let mut text = String::new();
    for (name, stage, default) in rows {
        let stage = match stage {
            Stage::Alpha => "ALPHA",
            Stage::Beta => "BETA",
            Stage::Stable | Stage::Deprecated => continue,
        };
        // Writing to a string does not fail.
        let _ = write!(text, "\nkube:{name}=true|false ({stage} - default={default})");
    }
    text
}

#[cfg(test)]
mod tests;
