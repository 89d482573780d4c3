//! `PriorityLevelConfiguration`: how many requests of a level run at once, and what becomes of the others.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{self, Tree};

use super::{GROUP, Status, validate_status};
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};

const TYPE: &str = "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration";
const SPEC: &str = "io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec";
const QUEUING: &str = "io.k8s.api.flowcontrol.v1.QueuingConfiguration";
const QUEUES_MAX: i64 = 10_000_000;
/// How many bits of a hash choose the queues of a flow.
const HASH_BITS: f64 = 60.0;

/// The entry of the table.
pub(super) const PRIORITY_LEVEL: Kind = Kind {
    group: GROUP,
    kind: "PriorityLevelConfiguration",
    plural: "prioritylevelconfigurations",
    singular: "prioritylevelconfiguration",
    namespaced: false,
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "prioritylevelconfigurations",
    rules: &PriorityLevel,
    columns: &[
        NAME,
        Column {
            name: "Type",
            format: "",
            words: Words::Of("io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec", "type"),
            cell: Cell::Is(|object| object.at("spec").text("type").into()),
            ..NAME
        },
        Column {
            name: "NominalConcurrencyShares",
            format: "",
            words: Words::Of(
                "io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration",
                "nominalConcurrencyShares",
            ),
            cell: Cell::Is(|object| match object.below(&["spec", "limited"]) {
                Tree::Null => "<none>".into(),
                limited => limited.int("nominalConcurrencyShares").into(),
            }),
            ..NAME
        },
        Column {
            name: "Queues",
            format: "",
            words: Words::Of(QUEUING, "queues"),
            cell: Cell::Is(|object| queuing(object, "queues")),
            ..NAME
        },
        Column {
            name: "HandSize",
            format: "",
            words: Words::Of(QUEUING, "handSize"),
            cell: Cell::Is(|object| queuing(object, "handSize")),
            ..NAME
        },
        Column {
            name: "QueueLengthLimit",
            format: "",
            words: Words::Of(QUEUING, "queueLengthLimit"),
            cell: Cell::Is(|object| queuing(object, "queueLengthLimit")),
            ..NAME
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn queuing(object: &Tree, field: &str) -> Tree {
    match object.below(&["spec", "limited", "limitResponse", "queuing"]) {
        Tree::Null => "<none>".into(),
        queuing => queuing.int(field).into(),
    }
}

struct PriorityLevel;

impl Rules for PriorityLevel {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        if let Some(exempt) = spec.get_mut("exempt").filter(|exempt| !exempt.is_null()) {
            exempt.set_default("nominalConcurrencyShares", 0);
            exempt.set_default("lendablePercent", 0);
        }
        let Some(limited) = spec.get_mut("limited").filter(|limited| !limited.is_null()) else {
            return;
        };
        limited.set_default("nominalConcurrencyShares", 30);
        limited.set_default("lendablePercent", 0);
        let queuing = limited.child("limitResponse").get_mut("queuing");
        let Some(queuing) = queuing.filter(|queuing| !queuing.is_null()) else {
            return;
        };
        for (field, value) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
            if queuing.int(field) == 0 {
                queuing.set(field, value);
            }
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&PRIORITY_LEVEL, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let (name, spec, path) = (meta::name(object), object.at("spec"), Path::of("spec"));
        validate_spec(&path, name, spec, refusals);
        validate_mandatory(&path, name, spec, refusals);
        validate_status(object, refusals);
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn validate_spec(path: &Path<'_>, name: &str, spec: &Tree, refusals: &mut Refusals) {
    let (kind, kind_path) = (spec.text("type"), path.field("type"));
    if (name == "exempt") != (kind == "Exempt") {
        let detail = "must be 'Exempt' if and only if `name` is 'exempt'";
        refusals.invalid(&kind_path, kind, detail);
    }
    let (limited, limited_path) = (spec.at("limited"), path.field("limited"));
    let (exempt, exempt_path) = (spec.at("exempt"), path.field("exempt"));
    match kind {
        "Exempt" => {
            if !limited.is_null() {
                refusals.forbidden(&limited_path, "must be nil if the type is not Limited");
            }
            if !exempt.is_null() {
                validate_shares(&exempt_path, exempt, refusals);
                validate_lendable(&exempt_path, exempt, refusals);
            }
        }
        "Limited" => {
            if !exempt.is_null() {
                refusals.forbidden(&exempt_path, "must be nil if the type is Limited");
            }
            if limited.is_null() {
                refusals.required(&limited_path, "must not be empty when type is Limited");
            } else {
                validate_limited(&limited_path, limited, refusals);
            }
        }
        _ => refusals.not_supported(&kind_path, kind, &["Exempt", "Limited"]),
    }
}

fn validate_shares(path: &Path<'_>, level: &Tree, refusals: &mut Refusals) {
    let shares = level.int("nominalConcurrencyShares");
    if shares < 0 {
        let path = path.field("nominalConcurrencyShares");
        refusals.invalid(&path, shares, "must be a non-negative integer");
    }
}

fn validate_lendable(path: &Path<'_>, level: &Tree, refusals: &mut Refusals) {
    let percent = level.int("lendablePercent");
    if !(0..=100).contains(&percent) {
        let path = path.field("lendablePercent");
        refusals.invalid(&path, percent, "must be between 0 and 100, inclusive");
    }
}

fn validate_limited(path: &Path<'_>, limited: &Tree, refusals: &mut Refusals) {
    validate_shares(path, limited, refusals);
    let response_path = path.field("limitResponse");
    let response = limited.at("limitResponse");
    let (queuing, queuing_path) = (response.at("queuing"), response_path.field("queuing"));
    match response.text("type") {
        "Reject" if !queuing.is_null() => {
            let detail = "must be nil if limited.limitResponse.type is not Limited";
            refusals.forbidden(&queuing_path, detail);
        }
        "Reject" => {}
        "Queue" if queuing.is_null() => {
            let detail = "must not be empty if limited.limitResponse.type is Limited";
            refusals.required(&queuing_path, detail);
        }
        "Queue" => validate_queuing(&queuing_path, queuing, refusals),
        other => refusals.not_supported(&response_path.field("type"), other, &["Queue", "Reject"]),
    }
    validate_lendable(path, limited, refusals);
    let percent = limited.int("borrowingLimitPercent");
    if percent < 0 {
        let path = path.field("borrowingLimitPercent");
        refusals.invalid(&path, percent, "if specified, must be a non-negative integer");
    }
}

fn validate_queuing(path: &Path<'_>, queuing: &Tree, refusals: &mut Refusals) {
    let length = queuing.int("queueLengthLimit");
    if length <= 0 {
        refusals.invalid(&path.field("queueLengthLimit"), length, "must be positive");
    }
    let (queues, queues_path) = (queuing.int("queues"), path.field("queues"));
    if queues <= 0 {
        refusals.invalid(&queues_path, queues, "must be positive");
    } else if queues > QUEUES_MAX {
        let detail = format!("must not be greater than {QUEUES_MAX}");
        refusals.invalid(&queues_path, queues, &detail);
    }
    let (hand, path) = (queuing.int("handSize"), path.field("handSize"));
    if hand <= 0 {
        refusals.invalid(&path, hand, "must be positive");
    } else if hand > queues {
        refusals.invalid(&path, hand, &format!("should not be greater than queues ({queues})"));
    } else if entropy(queues, hand) > HASH_BITS {
        let detail = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        );
        refusals.invalid(&path, hand, &detail);
    }
}

/// How many bits it takes to draw a hand of so many queues.
fn entropy(queues: i64, hand: i64) -> f64 {
    (f64::from(queues as i32).log2() * f64::from(hand as i32)).ceil()
}

/// The levels without which the server could not be reached stay as they are, but for what `exempt` says of itself.
fn validate_mandatory(path: &Path<'_>, name: &str, spec: &Tree, refusals: &mut Refusals) {
    let (fixed, but) = match name {
        "exempt" => (r#"{"type":"Exempt"}"#, " except the 'exempt' field"),
        "catch-all" => (
            r#"{"type":"Limited","limited":{"nominalConcurrencyShares":5,"lendablePercent":0,"limitResponse":{"type":"Reject"}}}"#,
            "",
        ),
        _ => return,
    };
    let mut rest = spec.clone();
    if name == "exempt" {
        rest.remove("exempt");
    }
    if tree::parse(fixed.as_bytes()).is_ok_and(|fixed| fixed.tree != rest) {
        let detail = format!("spec of '{name}'{but} must equal the fixed value");
        refusals.invalid(path, shown(SPEC, spec), &detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{PriorityLevel, validate_mandatory, validate_spec};
    use crate::kind::Rules;

    fn said(name: &str, spec: &str) -> Vec<String> {
        let mut object = Tree::map();
        object.set("spec", tree::parse(spec.as_bytes()).unwrap().tree);
        PriorityLevel.default(&mut object);
        let mut refusals = Refusals::new();
        validate_spec(&Path::of("s"), name, object.at("spec"), &mut refusals);
        validate_mandatory(&Path::of("s"), name, object.at("spec"), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_level_is_limited_unless_it_is_the_exempt_one() {
        for (name, spec, expected) in [
            (
                "a",
                r#"{"type":"Limited","limited":{"limitResponse":{"type":"Reject"}}}"#,
                &[][..],
            ),
            (
                "a",
                r#"{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{}}}}"#,
                &[],
            ),
            ("exempt", r#"{"type":"Exempt","exempt":{"lendablePercent":5}}"#, &[]),
            (
                "a",
                r#"{"type":"Limited"}"#,
                &["s.limited: Required value: must not be empty when type is Limited"],
            ),
            (
                "a",
                r#"{"type":"Exempt","limited":{},"exempt":{"nominalConcurrencyShares":-1,"lendablePercent":101}}"#,
                &[
                    r#"s.type: Invalid value: "Exempt": must be 'Exempt' if and only if `name` is 'exempt'"#,
                    "s.limited: Forbidden: must be nil if the type is not Limited",
                    "s.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                    "s.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                ],
            ),
            (
                "a",
                r#"{"type":"x"}"#,
                &[r#"s.type: Unsupported value: "x": supported values: "Exempt", "Limited""#],
            ),
        ] {
            assert_eq!(said(name, spec), expected, "{spec}");
        }
    }

    #[test]
    fn queues_and_hands_fit_each_other() {
        let with = |queuing: &str| {
            let response = format!(r#"{{"type":"Queue","queuing":{queuing}}}"#);
            let shares = r#""borrowingLimitPercent":-1"#;
            let mut said = said(
                "a",
                &format!(r#"{{"type":"Limited","limited":{{"limitResponse":{response},{shares}}}}}"#),
            );
            assert!(
                said.pop()
                    .unwrap()
                    .ends_with("-1: if specified, must be a non-negative integer")
            );
            said.iter()
                .map(|one| one.replace("s.limited.limitResponse.queuing.", ""))
                .collect::<Vec<_>>()
        };
        assert!(with("{}").is_empty());
        assert_eq!(
            with(r#"{"queueLengthLimit":-1}"#),
            ["queueLengthLimit: Invalid value: -1: must be positive"]
        );
        assert_eq!(
            with(r#"{"queues":1}"#),
            ["handSize: Invalid value: 8: should not be greater than queues (1)"]
        );
        assert_eq!(
            with(r#"{"queues":10000001,"handSize":3}"#),
            [
                "queues: Invalid value: 10000001: must not be greater than 10000000",
                "handSize: Invalid value: 3: required entropy bits of deckSize 10000001 and handSize 3 should not be greater than 60",
            ]
        );
    }

    #[test]
    fn the_mandatory_levels_stay_as_they_are() {
        let spec = r#"{"type":"Limited","limited":{"nominalConcurrencyShares":5,"limitResponse":{"type":"Reject"}}}"#;
        assert!(said("catch-all", spec).is_empty());
        assert!(
            said("catch-all", &spec.replace('5', "6"))[0].ends_with("spec of 'catch-all' must equal the fixed value")
        );
    }
}
