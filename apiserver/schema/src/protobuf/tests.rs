//! Facts of the wire that were worked out by hand, and objects there and back.

use apiserver_api::tree::{self, MAX_DEPTH, Number, SyntaxError, Text, Tree};

use super::{
    Envelope, Error, LIST_TAIL, MAGIC, decode, encode, event, item_head, list_head, list_metadata, object, open,
};
use super::{partial, seal, type_of};
use crate::model::{Shape, TypeId};
use crate::table::built_in;

fn parsed(document: &str) -> Tree {
    tree::parse(document.as_bytes()).unwrap().tree
}

/// A type by its group's package: `core.v1.Pod`.
fn named(name: &str) -> TypeId {
    built_in().named(&format!("io.k8s.api.{name}")).unwrap()
}

fn shown(tree: &Tree) -> String {
    String::from_utf8(tree.to_json()).unwrap()
}

/// Bytes as they are written by hand, with spaces where they help.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn encoded(name: &str, document: &str) -> Vec<u8> {
    encode(named(name), &parsed(document))
}

/// What a message says, in its normal form.
fn read(id: TypeId, bytes: &[u8]) -> Result<Tree, Error> {
    let mut tree = decode(id, bytes)?;
    let findings = built_in().read(id, &mut tree);
    assert_eq!(findings.unknown, Vec::<String>::new());
    assert_eq!(findings.mistake(&[]), None);
    Ok(tree)
}

#[test]
fn what_go_cannot_leave_out_is_written_even_where_it_is_zero() {
    // Name, an empty string; an absent pointer is not there.
    assert_eq!(encoded("core.v1.LocalObjectReference", "{}"), hex("0a00"));
    assert_eq!(
        encoded("core.v1.ContainerPort", r#"{"containerPort":-1,"name":"p"}"#),
        hex("0a01 70  1000  18 ffffffffffffffffff01  2200  2a00")
    );
    // Of lists, maps and pointers nothing.
    assert_eq!(encoded("core.v1.Capabilities", r#"{"add":[],"drop":null}"#), hex(""));
    assert_eq!(encoded("core.v1.PodDNSConfigOption", r#"{"name":"n"}"#), hex("0a01 6e"));
}

#[test]
fn a_config_map_is_written_byte_for_byte() {
    let document = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","labels":{"b":"2","a":"1"}},
        "immutable":false,"data":{"k":"v"},"binaryData":{"b":"AAE="}}"#;
    // Empty texts of metadata, the generation, the time of creation; labels by key.
    let metadata = "0a01 63  1200  1a00  2200  2a00  3200  3800  4200  5a06 0a0161 120131  5a06 0a0162 120132";
    let whole = format!("0a21 {metadata}  1206 0a016b 120176  1a07 0a0162 12020001  2000");
    assert_eq!(encoded("core.v1.ConfigMap", document), hex(&whole));
    assert_eq!(
        object(&parsed(document)).unwrap(),
        [
            hex("6b387300  0a0f 0a02 7631 1209 436f6e6669674d6170  1236"),
            hex(&whole),
            hex("1a00 2200")
        ]
        .concat()
    );
}

#[test]
fn what_go_embeds_is_a_message_of_its_own() {
    let probe = r#"{"tcpSocket":{"port":"http"},"periodSeconds":300}"#;
    let bytes = hex("0a 10 1a 0e 0a 0a 0801 1000 1a04 68747470 1200  1000 1800 20ac02 2800 3000");
    assert_eq!(encoded("core.v1.Probe", probe), bytes);
    assert_eq!(
        shown(&read(named("core.v1.Probe"), &bytes).unwrap()),
        shown(&parsed(probe))
    );
}

#[test]
fn a_list_with_a_name_is_a_message() {
    let user = r#"{"extra":{"scopes":["a",""]}}"#;
    let bytes = hex("0a00 1200  220f 0a0673636f706573 1205 0a0161 0a00");
    let id = named("authentication.v1.UserInfo");
    assert_eq!(encode(id, &parsed(user)), bytes);
    assert_eq!(shown(&read(id, &bytes).unwrap()), user);
    let resources =
        parsed(r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"x","verbs":["get"]}]}"#);
    let resource = "0a01 78  1000  1a00  2205 0a03 676574  3200  4200  4a00  5200";
    let raw = hex(&format!("0a02 7631  1216 {resource}"));
    assert_eq!(object(&resources).unwrap(), seal("", "APIResourceList", &raw));
}

#[test]
fn special_values_have_messages_of_their_own() {
    for (name, document, bytes) in [
        (
            "core.v1.ResourceRequirements",
            r#"{"limits":{"cpu":"500m"}}"#,
            "0a0d 0a03637075 1206 0a04 3530306d",
        ),
        (
            "core.v1.ServicePort",
            r#"{"port":80,"targetPort":8080}"#,
            "0a00 1200 1850 2207 0800 10903f 1a00 2800",
        ),
        (
            "coordination.v1.LeaseSpec",
            r#"{"renewTime":"2026-01-01T00:00:00.500001Z"}"#,
            "220c 0880f2d6ca06 10e8d1b5ee01",
        ),
        (
            "apps.v1.ControllerRevision",
            r#"{"data":{"a":1},"revision":3}"#,
            "0a10 0a00 1200 1a00 2200 2a00 3200 3800 4200 1209 0a07 7b2261223a317d 1803",
        ),
    ] {
        assert_eq!(encoded(name, document), hex(bytes), "{name}");
        let tree = read(named(name), &hex(bytes)).unwrap();
        let given = parsed(document);
        for (key, value) in given.as_map().unwrap().iter() {
            assert_eq!(tree.at(key), value, "{name} {key}");
        }
    }
    // Go's zero time is a message without anything in it, and a time may not be in the future of documents.
    let condition = named("core.v1.NodeCondition");
    let tree = decode(condition, &encode(condition, &Tree::map())).unwrap();
    assert!(tree.at("lastHeartbeatTime").is_null());
    assert_eq!(decode(condition, &hex("1a07 0880c0bc91a2 4e")), Err(Error::Time));
}

#[test]
fn schemas_of_custom_resources_come_there_and_back() {
    let props = super::plan::props().unwrap();
    let document = r#"{"additionalProperties":{"type":"string"},"default":{"a":[null,1.5]},"dependencies":{"a":["b"],"c":{"type":"x"}},"enum":["a",1],"items":[{"type":"a"},{"type":"b"}],"maximum":1.25,"minimum":-3,"properties":{"p":{"additionalProperties":false,"items":{"type":"c"}}}}"#;
    let bytes = encode(props, &parsed(document));
    assert_eq!(shown(&read(props, &bytes).unwrap()), document);
    assert_eq!(read(props, &bytes).unwrap(), parsed(document));
    assert_eq!(decode(props, &hex("49 000000000000f87f")), Err(Error::Float("NaN")));
}

#[test]
fn numbers_may_be_packed_and_fields_may_come_in_any_order() {
    let id = named("core.v1.PodSecurityContext");
    let groups = r#"{"supplementalGroups":[1,300,-1]}"#;
    let tail = "ffffffffffffffffff01";
    assert_eq!(encode(id, &parsed(groups)), hex(&format!("2001 20ac02 20{tail}")));
    assert_eq!(
        shown(&decode(id, &hex(&format!("220d 01 ac02 {tail}"))).unwrap()),
        groups
    );
    // Of a text the last counts; messages are joined; what nobody knows is passed over, groups too.
    let pod = named("core.v1.Pod");
    let twice = hex("1206 7a04 0a00 1200  0a03 0a0161  a006 05  a306 0b 0801 0c a406  0a06 0a0162 1a0163");
    let tree = decode(pod, &twice).unwrap();
    assert_eq!(shown(tree.at("metadata")), r#"{"name":"b","namespace":"c"}"#);
}

#[test]
fn text_that_is_none_is_told_as_go_tells_it() {
    let tree = decode(named("core.v1.LocalObjectReference"), &hex("0a05 61 c328 f09f")).unwrap();
    assert_eq!(tree.text("name"), "a\u{fffd}(\u{fffd}\u{fffd}");
}

#[test]
fn what_is_no_object_is_told_in_upstream_s_words() {
    let of = |bytes: &str| open(&hex(bytes)).unwrap_err().to_string();
    assert_eq!(of(""), "empty data");
    let prefix = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
    assert_eq!((of("7b7d"), of("6b3873")), (prefix.to_owned(), prefix.to_owned()));
    assert_eq!(of("6b387300"), "empty body");
    assert_eq!(of("6b387300 0a05 0a"), "unexpected EOF");
    assert_eq!(of("6b387300 0c"), "proto: Unknown: wiretype end group for non-group");
    assert_eq!(of("6b387300 08"), "proto: wrong wireType = 0 for field TypeMeta");
    let pod = named("core.v1.Pod");
    for (bytes, message) in [
        ("0a", "unexpected EOF"),
        (
            "0a ffffffffffffffffff01",
            "proto: negative length found during unmarshaling",
        ),
        ("0a ffffffffffffffff7f", "unexpected EOF"),
        ("ffffffffffffffffffff01", "proto: integer overflow"),
        ("02 00", "proto: Pod: illegal tag 0 (wire type 2)"),
        ("08 00", "proto: wrong wireType = 0 for field ObjectMeta"),
        ("a606 00", "proto: illegal wireType 6"),
        ("a306 08", "unexpected EOF"),
        (
            "0a02 5201",
            "proto: wrong wireType = 2 for field DeletionGracePeriodSeconds",
        ),
    ] {
        assert_eq!(decode(pod, &hex(bytes)).unwrap_err().to_string(), message, "{bytes}");
    }
    let port = named("core.v1.ServicePort");
    assert_eq!(decode(port, &hex("2202 0802")), Err(Error::IntOrString));
    let revision = named("apps.v1.ControllerRevision");
    assert_eq!(
        decode(revision, &hex("1203 0a01 7b")).unwrap_err().to_string(),
        "unexpected end of JSON input"
    );
}

#[test]
fn a_quantity_that_is_none_is_found_when_the_tree_is_read() {
    let id = named("core.v1.ResourceRequirements");
    let mut tree = decode(id, &hex("0a0a 0a03637075 1203 0a01 78")).unwrap();
    let mistake = built_in().read(id, &mut tree).mistake(&[]).unwrap();
    assert!(mistake.message.starts_with("quantities must match"));
}

/// A debug build takes more stack than the thread of a test has.
fn with_stack(check: fn()) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(check);
    thread.unwrap().join().unwrap();
}

#[test]
fn depth_is_bounded() {
    with_stack(|| {
        let props = super::plan::props().unwrap();
        let nest = |levels: usize| (0..levels).fold(Vec::new(), |inner, _| not(&inner));
        assert!(decode(props, &nest(MAX_DEPTH - 1)).is_ok());
        assert_eq!(decode(props, &nest(MAX_DEPTH)), Err(Error::Json(SyntaxError::Depth)));
        assert_eq!(
            decode(props, &nest(100 * MAX_DEPTH)),
            Err(Error::Json(SyntaxError::Depth))
        );
        // The same for what is kept as it is: here it stands one deeper than its object.
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
        let default = field(8, &field(1, deep.as_bytes()));
        assert!(decode(props, &default).is_ok());
        assert_eq!(decode(props, &not(&default)), Err(Error::Json(SyntaxError::Depth)));
    });
}

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    super::wire::bytes(number, bytes, &mut out);
    out
}

/// The schema of what another schema does not allow.
fn not(inner: &[u8]) -> Vec<u8> {
    field(28, inner)
}

#[test]
fn an_object_is_found_by_what_it_says_it_is() {
    let name = |api_version: &str, kind: &str| type_of(api_version, kind).map(|id| built_in().get(id).name.to_string());
    for (api_version, kind, expected) in [
        ("v1", "Pod", "io.k8s.api.core.v1.Pod"),
        ("v1", "PodList", "io.k8s.api.core.v1.PodList"),
        ("v1", "Status", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
        ("", "APIVersions", "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions"),
        ("rbac.authorization.k8s.io/v1", "Role", "io.k8s.api.rbac.v1.Role"),
        (
            "internal.apiserver.k8s.io/v1alpha1",
            "StorageVersion",
            "io.k8s.api.apiserverinternal.v1alpha1.StorageVersion",
        ),
        (
            "apiregistration.k8s.io/v1",
            "APIService",
            "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
        ),
    ] {
        assert_eq!(name(api_version, kind).as_deref(), Some(expected));
    }
    for (api_version, kind) in [
        ("meta.k8s.io/v1", "Table"),
        ("v1", "PodSpec"),
        ("", "Info"),
        ("a.b/v1", "C"),
        ("", ""),
    ] {
        assert_eq!(name(api_version, kind), None, "{kind}");
    }
}

#[test]
fn metadata_may_come_alone() {
    let whole =
        parsed(r#"{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"name":"a"},"spec":{}}"#);
    let raw = hex("0a11 0a01 61 1200 1a00 2200 2a00 3200 3800 4200");
    assert_eq!(partial(whole.at("metadata")), raw);
    assert_eq!(
        object(&whole).unwrap(),
        seal("meta.k8s.io/v1", "PartialObjectMetadata", &raw)
    );
}

#[test]
fn a_list_is_its_head_its_items_and_its_end() {
    let items =
        parsed(r#"{"metadata":{"resourceVersion":"7"},"items":[{"data":{"a":"b"}},{"metadata":{"name":"c"}}]}"#);
    let whole = seal("v1", "ConfigMapList", &encode(named("core.v1.ConfigMapList"), &items));
    let raw: Vec<Vec<u8>> = items
        .items("items")
        .iter()
        .map(|item| encode(named("core.v1.ConfigMap"), item))
        .collect();
    let metadata = list_metadata(items.at("metadata"));
    let mut list = list_head("v1", "ConfigMapList", &metadata, raw.iter().map(Vec::len));
    for item in &raw {
        item_head(item.len(), &mut list);
        list.extend_from_slice(item);
    }
    list.extend_from_slice(LIST_TAIL);
    assert_eq!(list, whole);
}

#[test]
fn an_event_is_a_frame_with_an_envelope_in_it() {
    let frame = event("ADDED", "v1", "Secret", &hex("1200"));
    let sealed = seal("v1", "Secret", &hex("1200"));
    let size = u8::try_from(sealed.len()).unwrap();
    let message = [hex("0a05 4144444544"), vec![0x12, size + 2, 0x0a, size], sealed.clone()].concat();
    assert_eq!(
        frame,
        [vec![0, 0, 0, u8::try_from(message.len()).unwrap()], message].concat()
    );
    assert_eq!(
        open(&sealed),
        Ok(Envelope {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            raw: &hex("1200"),
        })
    );
    assert!(sealed.starts_with(MAGIC));
    // Lengths of more than one byte are counted as well.
    let long = vec![0_u8; 40_000];
    let frame = event("MODIFIED", "apps/v1", "Deployment", &long);
    assert_eq!(frame[..4], u32::try_from(frame.len() - 4).unwrap().to_be_bytes());
    assert_eq!(frame.len(), frame.capacity());
}

/// Numbers that only look like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn small(&mut self) -> u16 {
        self.below(1 << 16) as u16
    }

    fn text(&mut self) -> Text {
        let letters = [
            "",
            "a",
            "name",
            "Ä",
            "\u{fffd}",
            "with space",
            "\n\"",
            "https://example.org/a-long-path?x=y",
        ];
        let more = self.below(letters.len() * 2);
        letters
            .get(more)
            .map_or_else(|| format!("t{more}").into(), |text| (*text).into())
    }

    fn json(&mut self, depth: usize) -> Tree {
        match self.below(if depth > 3 { 4 } else { 6 }) {
            0 => Tree::Bool(self.below(2) == 0),
            1 => Tree::Int(self.below(1 << 20) as i64 - 1000),
            2 => Tree::Number(Number::from(f64::from(self.small()) + 0.5)),
            3 => Tree::Text(self.text()),
            4 => (0..self.below(3)).map(|_| self.json(depth + 1)).collect(),
            _ => self.map(depth),
        }
    }

    fn map(&mut self, depth: usize) -> Tree {
        Tree::Map(
            (0..self.below(4))
                .map(|at| (format!("k{at}"), self.json(depth + 1)))
                .collect(),
        )
    }

    fn object(&mut self, id: TypeId, depth: usize) -> Tree {
        let mut tree = Tree::map();
        for field in &built_in().get(id).fields {
            let most = if depth > 4 { 40 } else { 3 };
            if field.number > 0 && self.below(most) == 0 {
                tree.set(&field.name, self.value(&field.shape, depth + 1));
            }
        }
        tree
    }

    fn value(&mut self, shape: &Shape, depth: usize) -> Tree {
        match shape {
            Shape::Bool => Tree::Bool(self.below(2) == 0),
            Shape::Int32 => Tree::Int(self.below(1 << 20) as i64 - 500),
            Shape::Int64 => Tree::Int((self.below(1 << 30) as i64 - 500) << 20),
            Shape::Float => Tree::Number(Number::from(f64::from(self.small()) + 0.25)),
            Shape::IntOrString if self.below(2) == 0 => Tree::Int(self.small().into()),
            Shape::Text | Shape::IntOrString => Tree::Text(self.text()),
            Shape::Bytes => ["AA==", "AAEC", "//79"][self.below(3)].into(),
            Shape::Quantity => ["0", "1", "100m", "1Gi", "12e6", "1.5"][self.below(6)].into(),
            Shape::Time => {
                ["2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:01Z"][self.below(3)].into()
            }
            Shape::MicroTime => ["2026-01-02T03:04:05.000006Z", "1969-12-31T23:59:59.999999Z"][self.below(2)].into(),
            Shape::Duration => ["0s", "1h30m0s", "-1.5s"][self.below(3)].into(),
            Shape::Raw | Shape::FieldsV1 => self.map(0),
            Shape::Json => self.json(0),
            Shape::PropsOrArray if self.below(2) == 0 => (0..=self.below(2)).map(|_| self.props(depth + 1)).collect(),
            Shape::PropsOrBool if self.below(2) == 0 => Tree::Bool(self.below(2) == 0),
            Shape::PropsOrStringArray if self.below(2) == 0 => (0..=self.below(2)).map(|_| self.text()).collect(),
            Shape::PropsOrArray | Shape::PropsOrBool | Shape::PropsOrStringArray => self.props(depth),
            Shape::Struct(id) => self.object(*id, depth),
            Shape::List(item, _) => (0..=self.below(3)).map(|_| self.value(item, depth + 1)).collect(),
            Shape::Map(inner, _) => {
                let keys = 0..=self.below(3);
                Tree::Map(
                    keys.map(|at| (format!("{}{at}", self.text()), self.value(inner, depth + 1)))
                        .collect(),
                )
            }
        }
    }

    fn props(&mut self, depth: usize) -> Tree {
        self.object(super::plan::props().unwrap(), depth)
    }
}

/// The objects of all kinds that have a form in protobuf.
fn kinds() -> Vec<TypeId> {
    let all = built_in()
        .iter()
        .filter(|(_, one)| one.typed && !one.go.ends_with("List"));
    all.map(|(id, _)| id).collect()
}

#[test]
fn objects_of_all_kinds_come_there_and_back() {
    let mut chance = Chance(7);
    for id in kinds() {
        for _ in 0..40 {
            let mut tree = chance.object(id, 0);
            built_in().read(id, &mut tree);
            let bytes = encode(id, &tree);
            let back = read(id, &bytes).unwrap();
            assert_eq!(shown(&back), shown(&tree), "{}", built_in().get(id).name);
            assert_eq!(encode(id, &back), bytes);
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    let mut chance = Chance(13);
    let kinds = kinds();
    // Bytes of all sorts, and such as keys and lengths are made of.
    let likely = [
        0x0a, 0x12, 0x1a, 0x22, 0x08, 0x10, 0x02, 0x00, 0x01, 0x0b, 0x0c, 0x7f, 0x80, 0xff,
    ];
    for round in 0..20_000 {
        let id = kinds[round % kinds.len()];
        let length = chance.below(64);
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                likely
                    .get(chance.below(28))
                    .copied()
                    .unwrap_or_else(|| chance.below(256) as u8)
            })
            .collect();
        if let Ok(mut tree) = decode(id, &bytes) {
            built_in().read(id, &mut tree);
            let again = decode(id, &encode(id, &tree)).unwrap();
            assert_eq!(encode(id, &again), encode(id, &tree), "{bytes:02x?}");
        }
        let _ = open(&[MAGIC.as_slice(), &bytes].concat());
    }
}

#[test]
fn damaged_objects_are_read_or_refused() {
    let mut chance = Chance(11);
    let kinds = kinds();
    let mut refused = 0;
    for round in 0..10_000 {
        let id = kinds[round % kinds.len()];
        let mut bytes = encode(id, &chance.object(id, 1));
        if bytes.is_empty() {
            continue;
        }
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len());
            match chance.below(4) {
                0 => bytes[at] = chance.below(256) as u8,
                1 => bytes[at] ^= 1 << chance.below(8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, [0xff, 0x80, 0, chance.below(256) as u8][chance.below(4)]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        match decode(id, &bytes) {
            Ok(mut tree) => {
                // What comes out may be told, and is not much larger than what went in.
                assert!(tree.weight() <= 100 * bytes.len() + 1000);
                built_in().read(id, &mut tree);
                assert!(tree::parse(&tree.to_json()).is_ok());
            }
            Err(_) => refused += 1,
        }
        let _ = open(&[MAGIC.as_slice(), &bytes].concat());
    }
    assert!((1000..9900).contains(&refused), "{refused}");
}
