//! What expressions cost.

use super::*;
use crate::{Admission, Environment};

fn cost(text: &str) -> (u64, u64) {
    let environment = Environment::admission(Admission {
        params: true,
        authorizer: true,
        patch: true,
    });
    let compiled = environment.compile(text).expect(text);
    let range = estimate(&compiled.checked, &BTreeMap::new());
    (range.min, range.max)
}

#[test]
fn expressions_cost_what_upstream_says() {
    for (text, expected) in [
        ("'Abc'.lowerAscii() == 'abc'", (2, 2)),
        ("strings.quote('abcdefghij klmnopqrst')", (3, 3)),
        ("['a', 'b', 'c'].join('-')", (11, 1_844_674_407_370_955_274)),
        ("'a b c'.split(' ')", (1, 1)),
        ("'a b a'.replace('a', 'bb')", (1, 1)),
        ("'abcdefghij'.matches('a.*')", (2, 2)),
        ("'abc'.contains('b')", (1, 1)),
        ("sets.contains([1, 2], [2])", (23, 23)),
        ("sets.equivalent([1], [1, 1])", (25, 25)),
        ("[1, 2, 3].sum() > 2", (14, 14)),
        ("[3, 1, 2].sort()", (39, 39)),
        ("lists.range(10)", (21, 21)),
        ("quantity('50Mi').isLessThan(quantity('1Gi'))", (3, 3)),
        ("semver('1.2.3').major()", (2, 2)),
        ("ip('10.0.0.1').family()", (2, 2)),
        ("cidr('10.0.0.0/8').containsIP('10.0.0.1')", (3, 6)),
        ("format.named('dns1123Label').value().validate('a-name')", (34, 34)),
        ("authorizer.path('/x').check('get').allowed()", (350_003, 350_003)),
        (
            "authorizer.group('').resource('pods').fieldSelector('a=b').check('list').allowed()",
            (350_115, 350_115),
        ),
        ("url('https://a.b/c').getHost()", (3, 3)),
        ("{'a': 1}.exists(k, v, v > 0)", (35, 37)),
        ("[1, 2].transformList(i, v, v + i)", (51, 51)),
        ("[1, 2].map(x, x > 1, x)", (27, 51)),
        ("true ? 'abc' : 'abcdefghijk'", (0, 0)),
        ("object.x.all(y, y == 1)", (2, u64::MAX)),
        ("has(object.x)", (0, 0)),
        ("dyn([1, 2]).size()", (12, 12)),
        ("jsonpatch.escapeKey('a/b~c')", (1, 1)),
    ] {
        assert_eq!(cost(text), expected, "{text}");
    }
}
