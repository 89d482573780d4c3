//! The table against upstream's, and `--feature-gates` in all its forms.

use super::*;
use crate::apiserver::flags::TABLE;

fn read(line: &[&str]) -> Result<(Gates, Vec<String>), Vec<String>> {
    let args: Vec<String> = line.iter().map(|text| format!("--feature-gates={text}")).collect();
    Gates::read(&TABLE.parse(&args).unwrap())
}

fn error(line: &[&str]) -> String {
    read(line).unwrap_err().join("; ")
}

#[test]
fn the_gates_are_those_of_kube_apiserver_1_36() {
    let count = |stage| table::GATES.iter().filter(|gate| gate.stage == stage).count();
    let stages = [Stage::Alpha, Stage::Beta, Stage::Stable, Stage::Deprecated];
    assert_eq!(stages.map(count), [49, 99, 73, 16]);
    assert_eq!(table::GATES.iter().filter(|gate| gate.locked).count(), 73);
    // From the help of upstream's program, less three gates that its vendor had put in.
    let digest = help()
        .replace("\nkube:", "\n")
        .replace("=true|false (", " ")
        .replace(" - default=", " ");
    let digest = digest.trim_start().replace(')', "") + "\n";
    let digest = digest.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(digest, 0xfa51_cc0a_6d8a_31c8);
}

#[test]
fn the_table_is_in_order_and_what_gates_need_exists_and_is_on_where_they_are() {
    assert!(table::GATES.is_sorted_by_key(|gate| gate.name));
    for gate in table::GATES {
        for need in gate.needs {
            let need = find(need).unwrap();
            assert!(need.default || !gate.default, "{}", gate.name);
        }
    }
    assert_eq!(Gates::default().lacking().count(), 0);
}

#[test]
fn unsaid_gates_are_as_their_default() {
    let (gates, notes) = read(&[]).unwrap();
    assert_eq!((gates.clone(), notes.len()), (Gates::default(), 0));
    assert!(gates.on("WatchList") && !gates.on("CBORServingAndStorage") && !gates.on("NoSuchGate"));
}

#[test]
fn defaults_may_be_said_with_and_without_the_component() {
    for line in [
        &["WatchList=true,CBORServingAndStorage=false"][..],
        &["WatchList=T", " CBORServingAndStorage = 0 ,"],
        &["kube:WatchList=true", "kube:AllAlpha=false"],
        &["WatchList=false", "WatchList=true"],
    ] {
        assert_eq!(read(line).unwrap().0, Gates::default(), "{line:?}");
    }
}

#[test]
fn mistakes_are_told_in_upstreams_words() {
    for (line, expected) in [
        (&["Foo=true"][..], "unrecognized feature gate: Foo"),
        (&["WatchList"], "missing bool value for WatchList"),
        (
            &["WatchList=on"],
            "invalid value of WatchList=on, err: strconv.ParseBool: parsing \"on\": invalid syntax",
        ),
        (
            &["VolumeAttributesClass=false,NodeSwap=false"],
            "cannot set feature gate NodeSwap to false, feature is locked to true; cannot set feature gate \
             VolumeAttributesClass to false, feature is locked to true",
        ),
        (
            &["GitRepoVolumeDriver=true"],
            "cannot set feature gate GitRepoVolumeDriver to true, feature is locked to false",
        ),
        (
            &["WorkloadAwarePreemption=true"],
            "WorkloadAwarePreemption is enabled, but depends on features that are disabled: [GangScheduling]",
        ),
        (
            &["APIServerIdentity=false"],
            "UnknownVersionInteroperabilityProxy is enabled, but depends on features that are disabled: [APIServerIdentity]",
        ),
        (
            &["WatchList=true", "kube:WatchList=true"],
            "set kube feature gates with default empty prefix or kube: prefix consistently, do not mix use",
        ),
        (&["wardle:Foo=true"], "component not registered: wardle"),
    ] {
        assert_eq!(error(line), expected);
    }
}

#[test]
fn what_nothing_here_obeys_cannot_be_changed() {
    assert_eq!(
        error(&["WatchList=false,APIServingWithRoutine=true"]),
        "--feature-gates=APIServingWithRoutine=true cannot be used: APIServingWithRoutine is always false here; \
         --feature-gates=WatchList=false cannot be used: WatchList is always true here"
    );
    assert_eq!(
        error(&["AllAlpha=true"]),
        "--feature-gates=AllAlpha=true cannot be used: it would change 49 features that cannot be changed here, such as \
         APIServingWithRoutine"
    );
    // What is named itself is not among all, and what all would only leave as it is does no harm.
    assert!(error(&["AllAlpha=true,APIServingWithRoutine=false"]).contains("change 48 features"));
    assert!(error(&["AllBeta=true"]).starts_with("--feature-gates=AllBeta=true cannot be used: it would change"));
    assert!(read(&["AllAlpha=false"]).is_ok());
}

#[test]
fn gates_that_will_go_are_told() {
    let (_, notes) = read(&["NodeSwap=true,KMSv1=false"]).unwrap();
    assert_eq!(
        notes,
        [
            "Warning: setting deprecated feature gate KMSv1=false. It will be removed in a future release.",
            "Warning: setting GA feature gate NodeSwap=true. It will be removed in a future release.",
        ]
    );
}
