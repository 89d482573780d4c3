//! Which chains are good, and what is said of those that are not.

use p256::elliptic_curve::rand_core::OsRng;
use rcgen::{
    BasicConstraints, CidrSubnet, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SanType, date_time_ymd,
};
use ring::digest;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use super::trial::{Draft, Made, NOW, ask, ask_at, ca, client, element, made, signing};
use super::{Certificate, Invalid};

const UNKNOWN: &str = "x509: certificate signed by unknown authority";
const USAGE: &str = "x509: certificate specifies an incompatible key usage";
const PARENT: &str = "x509: invalid signature: parent certificate cannot sign this kind of certificate";

fn root() -> Made {
    ca("root", None, |_| {})
}

fn refused(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

fn because(why: &str, name: &str) -> Result<(), String> {
    Err(format!(
        "{UNKNOWN} (possibly because of {why:?} while trying to verify candidate authority certificate {name:?})"
    ))
}

#[test]
fn only_an_authority_signs_others() {
    let usages = |usages: &[KeyUsagePurpose]| usages.to_vec();
    for by in [None, Some(root())] {
        let chain_to = |signer: &Made| match &by {
            None => ask(&[&signer.der], &[&client(signer)]),
            Some(root) => ask(&[&root.der], &[&client(signer), &signer.der]),
        };
        let by = by.as_ref();
        let leaf = made("signer", by, |params| params.is_ca = IsCa::ExplicitNoCa);
        assert_eq!(chain_to(&leaf), because(PARENT, "signer"));
        let silent = made("signer", by, |_| {});
        assert_eq!(chain_to(&silent), because(PARENT, "signer"));
        let other = ca("signer", by, |params| {
            params.key_usages = usages(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]);
        });
        assert_eq!(chain_to(&other), because(PARENT, "signer"));
        let good = ca("signer", by, |params| {
            params.key_usages = usages(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign]);
        });
        assert_eq!(chain_to(&good), Ok(()));
        assert_eq!(chain_to(&ca("signer", by, |_| {})), Ok(()));
    }
}

#[test]
fn what_stands_among_the_authorities_is_good_itself() {
    let alone = made("jane", None, |params| params.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(ask(&[&alone.der], &[&alone.der]), Ok(()));
    let server = made("jane", None, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert_eq!(ask(&[&server.der], &[&server.der]), refused(USAGE));
    let late = ask_at(&[&alone.der], &[&alone.der], NOW + 366 * 24 * 3600);
    assert!(late.unwrap_err().starts_with("x509: certificate has expired"));
}

#[test]
fn version_1_is_taken_from_clients_and_from_the_authorities_that_are_trusted() {
    let root = root();
    let between = ca("between", Some(&root), |_| {});
    let old = |by: &Made| Draft::like(&made("jane", Some(by), |_| {})).sign(signing(by));
    assert_eq!(ask(&[&root.der], &[&old(&root)]), Ok(()));
    assert_eq!(ask(&[&root.der], &[&old(&between), &between.der]), Ok(()));
    assert!(ask(&[&between.der], &[&old(&root)]).is_err());

    let old_root = Draft::like(&root).sign(signing(&root));
    assert_eq!(ask(&[&old_root], &[&client(&root)]), Ok(()));
    let old_between = Draft::like(&between).sign(signing(&root));
    assert_eq!(
        ask(&[&root.der], &[&client(&between), &old_between]),
        refused("x509: certificate is not authorized to sign other certificates")
    );
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let strange = |critical: bool| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57683, 99], vec![5, 0]);
        extension.set_criticality(critical);
        vec![extension]
    };
    let why = refused("x509: unhandled critical extension");
    for (critical, expected) in [(false, Ok(())), (true, why)] {
        let root = root();
        let leaf = made("jane", Some(&root), |params| {
            params.custom_extensions = strange(critical);
        });
        assert_eq!(ask(&[&root.der], &[&leaf.der]), expected);
        let between = ca("between", Some(&root), |params| {
            params.custom_extensions = strange(critical);
        });
        assert_eq!(ask(&[&root.der], &[&client(&between), &between.der]), expected);
        let root = ca("root", None, |params| params.custom_extensions = strange(critical));
        assert_eq!(ask(&[&root.der], &[&client(&root)]), expected);
    }
}

/// Signs by a key of a curve after a hash.
type Signing = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// How a key signs after each hash.
type Hashing = Box<dyn Fn(&'static digest::Algorithm) -> Signing>;

/// A key of each curve: its public part, and how it signs.
fn curves() -> Vec<(AlgorithmIdentifier, Vec<u8>, Hashing)> {
    use p256::ecdsa::signature::hazmat::PrehashSigner;

    let small = p256::ecdsa::SigningKey::random(&mut OsRng);
    let middle = p384::ecdsa::SigningKey::random(&mut OsRng);
    let big = p521::ecdsa::SigningKey::random(&mut OsRng);
    let points = [
        small.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
        middle.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
        p521::ecdsa::VerifyingKey::from(&big)
            .to_encoded_point(false)
            .as_bytes()
            .to_vec(),
    ];
    let [first, second, third] = points;
    vec![
        (
            alg_id::ECDSA_P256,
            first,
            Box::new(move |hash| {
                let key = small.clone();
                Box::new(move |body: &[u8]| {
                    let signed: p256::ecdsa::Signature = key.sign_prehash(digest::digest(hash, body).as_ref()).unwrap();
                    signed.to_der().as_bytes().to_vec()
                })
            }),
        ),
        (
            alg_id::ECDSA_P384,
            second,
            Box::new(move |hash| {
                let key = middle.clone();
                Box::new(move |body: &[u8]| {
                    let signed: p384::ecdsa::Signature = key.sign_prehash(digest::digest(hash, body).as_ref()).unwrap();
                    signed.to_der().as_bytes().to_vec()
                })
            }),
        ),
        (
            alg_id::ECDSA_P521,
            third,
            Box::new(move |hash| {
                let key = big.clone();
                Box::new(move |body: &[u8]| {
                    let hash = digest::digest(hash, body);
                    let mut whole = [0; 66];
                    whole[66 - hash.as_ref().len()..].copy_from_slice(hash.as_ref());
                    let signed: p521::ecdsa::Signature = key.sign_prehash(&whole).unwrap();
                    signed.to_der().as_bytes().to_vec()
                })
            }),
        ),
    ]
}

#[test]
fn every_curve_signs_after_every_hash() {
    let hashes = [
        (alg_id::ECDSA_SHA256, &digest::SHA256),
        (alg_id::ECDSA_SHA384, &digest::SHA384),
        (alg_id::ECDSA_SHA512, &digest::SHA512),
    ];
    let root = root();
    let leaf = made("jane", Some(&root), |_| {});
    for (curve, point, with) in curves() {
        let own = Draft {
            key: element(0x30, &[&element(0x30, &[curve.as_ref()]), &element(3, &[&[0], &point])]),
            ..Draft::like(&root)
        };
        let authority = own.authority(true).sign(signing(&root));
        for (algorithm, hash) in hashes {
            let draft = Draft {
                algorithm: algorithm.as_ref().to_vec(),
                ..Draft::like(&leaf)
            };
            let sign = with(hash);
            assert_eq!(
                ask(&[&authority], &[&draft.sign(&sign)]),
                Ok(()),
                "{curve:?} {algorithm:?}"
            );
            let forged = draft.sign(|body| sign(&[body, b"!"].concat()));
            assert_eq!(
                ask(&[&authority], &[&forged]),
                because("x509: verification failure", "root"),
                "{curve:?} {algorithm:?}"
            );
        }
    }
    // ECDSA after SHA-1.
    let weak = Draft {
        algorithm: vec![6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1],
        ..Draft::like(&leaf)
    };
    let unimplemented = "x509: cannot verify signature: algorithm unimplemented";
    assert_eq!(
        ask(&[&root.der], &[&weak.sign(signing(&root))]),
        because(unimplemented, "root")
    );
}

#[test]
fn what_an_authority_is_for_holds_for_all_below() {
    let server = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let root = root();
    let between = ca("between", Some(&root), server);
    assert_eq!(ask(&[&root.der], &[&client(&between), &between.der]), refused(USAGE));
    let servers = ca("root", None, server);
    assert_eq!(ask(&[&servers.der], &[&client(&servers)]), refused(USAGE));
    let any = ca("root", None, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    });
    assert_eq!(ask(&[&any.der], &[&client(&any)]), Ok(()));
    // Of two ways one that is good is enough.
    let twin = made("between", Some(&root), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let good = Draft::like(&between).authority(true).sign(signing(&root));
    assert_eq!(
        ask(&[&root.der], &[&client(&between), &between.der, &twin.der, &good]),
        Ok(())
    );
}

#[test]
fn chains_are_no_longer_than_authorities_allow() {
    let depth = |depth: u8| {
        move |params: &mut rcgen::CertificateParams| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
        }
    };
    let root = ca("root", None, depth(1));
    let first = ca("first", Some(&root), depth(0));
    let second = ca("second", Some(&first), |_| {});
    assert_eq!(ask(&[&root.der], &[&client(&first), &first.der]), Ok(()));
    let long = "x509: too many intermediates for path length constraint";
    assert_eq!(
        ask(&[&root.der], &[&client(&second), &second.der, &first.der]),
        refused(long)
    );
}

#[test]
fn times_of_authorities_count() {
    let over = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2025, 12, 31);
    let told = "x509: certificate has expired or is not yet valid: current time";
    let told = format!("{told} 2026-01-01T00:00:00Z is after 2025-12-31T00:00:00Z");
    let old = ca("root", None, over);
    assert_eq!(ask(&[&old.der], &[&client(&old)]), refused(&told));
    let root = root();
    let between = ca("between", Some(&root), over);
    assert_eq!(ask(&[&root.der], &[&client(&between), &between.der]), refused(&told));
}

#[test]
fn an_authority_vouches_for_the_names_it_may() {
    let within = |permitted: &[&str], excluded: &[&str]| {
        let all = |names: &[&str]| names.iter().map(|name| limit(name)).collect();
        ca("root", None, |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: all(permitted),
                excluded_subtrees: all(excluded),
            });
        })
    };
    let good = |root: &Made, name: SanType| {
        let leaf = made("jane", Some(root), |params| params.subject_alt_names = vec![name]);
        let told = ask(&[&root.der], &[&leaf.der]);
        let why = "x509: a root or intermediate certificate is not authorized to sign for this name: ";
        assert!(told.is_ok() || told.as_ref().unwrap_err().starts_with(why), "{told:?}");
        told.is_ok()
    };
    let host = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let mail = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let at = |name: &str| SanType::IpAddress(name.parse().unwrap());

    let root = within(&["example.com", "mail:example.com", "10.0.0.0/8"], &["bad.example.com"]);
    assert_eq!(ask(&[&root.der], &[&client(&root)]), Ok(()), "one without names");
    for name in [
        host("example.com"),
        host("a.EXAMPLE.com"),
        host("*.b.example.com"),
        mail("jane@example.com"),
    ] {
        assert!(good(&root, name.clone()), "{name:?}");
    }
    for name in [at("10.1.2.3"), uri("spiffe://anything/at/all")] {
        assert!(good(&root, name.clone()), "{name:?}");
    }
    for name in [
        host("example.org"),
        host("badexample.com"),
        host("bad.example.com"),
        host("x.bad.example.com"),
    ] {
        assert!(!good(&root, name.clone()), "{name:?}");
    }
    // The wildcard may stand for what is excluded.
    for name in [
        host("*.example.com"),
        mail("jane@example.org"),
        at("11.0.0.1"),
        at("::a"),
        host(""),
    ] {
        assert!(!good(&root, name.clone()), "{name:?}");
    }
    let below = within(&[".example.com"], &[]);
    assert!(good(&below, host("a.example.com")) && !good(&below, host("example.com")));
    // Of its own certificates between, too.
    let between = ca("between", Some(&root), |params| {
        params.subject_alt_names = vec![host("example.org")];
    });
    assert!(ask(&[&root.der], &[&client(&between), &between.der]).is_err());
}

fn limit(name: &str) -> GeneralSubtree {
    if let Some(host) = name.strip_prefix("mail:") {
        return GeneralSubtree::Rfc822Name(host.to_owned());
    }
    match name.parse::<CidrSubnet>() {
        Ok(net) => GeneralSubtree::IpAddress(net),
        Err(()) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

/// An extension that must be understood, by the last number of its name.
fn critical(number: u8, value: &[u8]) -> Vec<u8> {
    element(
        0x30,
        &[&[6, 3, 0x55, 0x1d, number], &[1, 1, 0xff], &element(4, &[value])],
    )
}

#[test]
fn limits_of_uris_and_of_what_is_not_known() {
    let root = root();
    let limited = |value: &[u8]| {
        let mut draft = Draft::like(&root).authority(true);
        draft.extensions.push(critical(30, value));
        draft.sign(signing(&root))
    };
    let permitted = |name: &[u8]| limited(&element(0x30, &[&element(0xa0, &[&element(0x30, &[name])])]));
    let named = |name: &str| {
        made("jane", Some(&root), |params| {
            params.subject_alt_names = vec![SanType::URI(name.try_into().unwrap())];
        })
    };
    let uris = permitted(&element(0x86, &[b"trust.example"]));
    for (name, expected) in [
        ("spiffe://trust.example/ns/a", true),
        ("https://jane@a.trust.example:443?q", true),
        ("spiffe://other.example/trust.example", false),
        ("spiffe://trust.example@other.example/", false),
        ("spiffe://10.0.0.1/", false),
        ("spiffe://[::1]/", false),
        ("urn:trust.example", false),
    ] {
        assert_eq!(ask(&[&uris], &[&named(name).der]).is_ok(), expected, "{name}");
    }
    // Names in a directory: no limits that could be held against something here.
    let directory = permitted(&element(0xa4, &[&element(0x30, &[])]));
    assert_eq!(
        ask(&[&directory], &[&client(&root)]),
        refused("x509: unhandled critical extension")
    );
    for broken in [
        element(0x30, &[]),
        element(0x30, &[&element(0xa0, &[&[0x30, 0x05]])]),
        vec![0x30, 9],
    ] {
        assert_eq!(Certificate::read(&limited(&broken)).err(), Some(Invalid::Malformed));
    }
}

#[test]
fn a_search_ends() {
    let root = root();
    let leaf = client(&ca("between", Some(&root), |_| {}));
    let others: Vec<Made> = (0..101).map(|_| ca("between", Some(&root), |_| {})).collect();
    let mut chain = vec![leaf.as_slice()];
    chain.extend(others.iter().map(|other| other.der.as_slice()));
    assert_eq!(
        ask(&[&root.der], &chain),
        refused("x509: signature check attempts limit reached while verifying certificate chain")
    );
    // Two that vouch for each other.
    let (one, two) = (ca("one", None, |_| {}), ca("two", None, |_| {}));
    let crossed = |own: &Made, by: &Made| {
        let draft = Draft {
            issuer: Draft::like(by).subject,
            ..Draft::like(own)
        };
        draft.authority(true).sign(signing(by))
    };
    let chain: [&[u8]; 3] = [&client(&one), &crossed(&one, &two), &crossed(&two, &one)];
    assert_eq!(ask(&[&root.der], &chain), refused(UNKNOWN));
}

#[test]
fn a_certificate_is_read_in_one_way_only() {
    let root = root();
    let read = |der: &[u8]| Certificate::read(der).map(|_| ());
    let malformed = Err(Invalid::Malformed);
    assert_eq!(read(&root.der), Ok(()));
    assert_eq!(read(&[&root.der, &b"x"[..]].concat()), malformed);
    assert_eq!(read(&root.der[1..]), malformed);
    let draft = Draft::like(&root).authority(true);
    assert_eq!(read(&draft.sign(signing(&root))), Ok(()));
    for version in [0, 1, 3] {
        let other = Draft {
            version,
            ..Draft::like(&root).authority(true)
        };
        assert_eq!(read(&other.sign(signing(&root))), malformed, "{version}");
    }
    let twice = Draft::like(&root).authority(false).authority(true);
    assert_eq!(read(&twice.sign(signing(&root))), malformed);
    // Another algorithm outside than what is signed.
    let mut der = draft.sign(signing(&root));
    let known = alg_id::ECDSA_SHA256;
    let last = der
        .windows(known.as_ref().len())
        .rposition(|part| part == known.as_ref())
        .unwrap();
    der[last + known.as_ref().len() - 1] = 3;
    assert_eq!(read(&der), malformed);
}
