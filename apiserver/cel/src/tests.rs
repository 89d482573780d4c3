//! Noise: no text harms, whatever it says.

use proptest::prelude::*;

use crate::{Admission, Declared, Environment, Type};

fn environments() -> Vec<Environment> {
    let mut admission = Environment::admission(Admission {
        params: true,
        authorizer: true,
        patch: true,
    });
    admission.declare_variables();
    let mut rule = Environment::default();
    let text = Declared::simple(Type::String, 10);
    rule.declare_sized("self", Declared::list(Declared::map(text.clone(), text, 5), 5));
    vec![admission, Environment::device(), rule]
}

/// Compiles and weighs an expression everywhere; what is wrong is told in the form that upstream prints.
fn compile(text: &str) -> Result<(), TestCaseError> {
    for environment in environments() {
        match environment.compile(text) {
            Ok(compiled) => {
                let _ = (
                    compiled.output().to_string(),
                    compiled.fault(),
                    environment.cost(&compiled),
                );
            }
            Err(wrong) => prop_assert!(wrong.starts_with("ERROR: <input>:"), "{text}: {wrong}"),
        }
    }
    Ok(())
}

/// Words and signs of the language, and some that are not, parted by blanks.
const WORDS: &str = r#"a x self object device request variables authorizer cel Object JSONPatch optional format . .? , ( ) [ ] [?
    { } ? : + - * / % ! == != < <= > >= && || in & | $ `a` true false null 0 1 -1 2u 1.5 1e9 0xff '' 'a' "b" b'c' r'\' '\x' '''
    ' " \ // é ☺ .all(x, .exists(x, .map(x, .filter(x, .exists_one(x, .optMap(x, .optFlatMap(x, .transformMap(x,a, .sortBy(x,
    cel.bind(x, has( dyn( type( size( optional.of( optional.none() .orValue( .format([ '%s%d%y' duration('1s') quantity('1')
    .isLessThan( .matches('[') Object{ JSONPatch{ a: .sum() .flatten() .join( .slice(1, lists.range( sets.contains( .check(
    .attributes .capacity package __result__"#;

fn word() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split_whitespace().chain([" ", "\n", "\t"]).collect();
    (prop::sample::select(words), any::<bool>())
        .prop_map(|(word, blank)| format!("{word}{}", if blank { " " } else { "" }))
}

/// Expressions that hold together: forms, in which `A` and `B` are other expressions.
const FORMS: &[&str] = &[
    "(A + B)",
    "[A, B]",
    "{A: B}",
    "A.all(x, B)",
    "A.map(x, B)",
    "A.filter(x, B)",
    "A.optMap(x, B)",
    "cel.bind(x, A, B)",
    "A[B]",
    "A[?B]",
    "A.f",
    "A.?f",
    "has(A.f)",
    "(A ? B : A)",
    "(A == B)",
    "optional.of(A)",
    "A.orValue(B)",
    "dyn(A)",
    "A.format([B])",
    "A.transformMap(x, a, B)",
    "A.sortBy(x, B)",
    "-A",
    "!A",
    "(A in B)",
    "A.size()",
    "A.flatten()",
    "Object{a: A}",
    "{?'a': A}",
    "[?A]",
    "string(A)",
    "A.first()",
    "A.value()",
    "A.join()",
    "sets.contains(A, B)",
];

const LEAVES: &[&str] = &[
    "a",
    "x",
    "1",
    "2u",
    "1.5",
    "'a'",
    "null",
    "true",
    "[]",
    "{}",
    "object",
    "self",
    "device",
    "request",
    "optional.none()",
    "duration('1s')",
    "ip('1.2.3.4')",
    "type(1)",
    "int",
];

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    leaf.prop_recursive(6, 60, 3, |inner| {
        (prop::sample::select(FORMS), inner.clone(), inner).prop_map(|(form, one, other)| {
            let parts = form.chars().map(|letter| match letter {
                'A' => one.clone(),
                'B' => other.clone(),
                letter => letter.to_string(),
            });
            parts.collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_soup_of_words_harms(words in prop::collection::vec(word(), 0..40)) {
        compile(&words.concat())?;
    }

    #[test]
    fn no_text_harms(text in "\\PC{0,60}") {
        compile(&text)?;
    }

    #[test]
    fn no_expression_harms_whatever_its_types(text in expressions()) {
        compile(&text)?;
    }

    #[test]
    fn no_expression_that_is_cut_harms(text in expressions(), at in any::<prop::sample::Index>()) {
        let letters: Vec<char> = text.chars().collect();
        compile(&letters[..at.index(letters.len())].iter().collect::<String>())?;
    }
}
