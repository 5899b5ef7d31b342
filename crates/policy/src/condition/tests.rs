use super::*;

fn holds(source: &str, predicate: &str) -> Result<bool, ConditionError> {
    let input = Input {
        predicate,
        predicate_type: "https://slsa.dev/provenance/v1",
        subject: "sha256:00",
        image: "r.io/a:1",
    };
    Condition::compile(source)?.holds(&input)
}

const PREDICATE: &str = r#"{
    "runDetails": { "builder": { "id": "https://b/x" } }, "n": 2, "f": 0.5, "big": 18446744073709551615,
    "l": [{ "s": "low", "t": ["a", "b"] }, { "s": "mid", "t": [] }], "at": "2026-01-02T03:04:05Z", "z": null
}"#;

#[test]
fn reads_the_predicate() {
    let yes = [
        r#"predicate.runDetails.builder.id.startsWith("https://b/")"#,
        "predicate.n >= 2 && image.startsWith('r.io/')",
        "predicate.n + 1 == 3 && predicate.n * 2 - 1 == 3 && predicate.n / 2 == 1 && predicate.n % 2 == 0",
        "predicate.f < 1.0 && predicate.n > 1 && -predicate.n < 0",
        "predicate.l.all(v, v.s != 'high')",
        "!predicate.l.exists(v, v.s == 'high')",
        "predicate.l.exists_one(v, v.s == 'low')",
        "predicate.l.filter(v, v.s == 'low').map(v, v.s)[0] == 'low'",
        "predicate.l.all(v, v.t.all(t, t in ['a', 'b']))",
        "predicate.l.map(v, v.s) == ['low', 'mid']",
        "has(predicate.n) && !has(predicate.m)",
        "predicate['n'] == 2 && 'n' in predicate && predicate.z == null",
        "predicate.l[0].s.matches('^l.w$') && predicate.l[0].s.endsWith('w') && image.contains('/a')",
        "size(predicate.l) == 2 && predicate.l.size() == 2 && size(image) > 0",
        "timestamp(predicate.at).getFullYear() == 2026",
        "timestamp(predicate.at) < timestamp('2027-01-01T00:00:00Z')",
        "timestamp(predicate.at) + duration('1h') > timestamp(predicate.at)",
        "string(predicate.n) == '2' && int('2') == predicate.n && double(predicate.n) == 2.0",
        "(predicate.n == 2 ? predicateType : 'x').startsWith('https://slsa.dev/')",
        "{'a': predicate.n}.a == 2",
        "predicate.runDetails.all(k, k == 'builder')",
    ];
    for source in yes {
        assert_eq!(holds(source, PREDICATE), Ok(true), "{source}");
    }
    assert_eq!(holds("predicate.n > 2", PREDICATE), Ok(false));
    assert_eq!(
        holds("predicate.l.exists(v, v.s == 'high')", PREDICATE),
        Ok(false)
    );
}

#[test]
fn what_is_missing_is_not_true() {
    let why = |source: &str, predicate: &str| holds(source, predicate).unwrap_err().to_string();
    let table = [
        (
            "predicate.a.b == 1",
            "{}",
            "it has no truth value: No such key: a",
        ),
        (
            "predicate.a.b == 1",
            "null",
            "it has no truth value: found no matching overload for '_._' applied to '(null_type, string)'",
        ),
        (
            "predicate.n",
            r#"{"n": 1}"#,
            "it gives a value of type int, not true or false",
        ),
        (
            "predicate.n.startsWith('x')",
            r#"{"n": 1}"#,
            "it has no truth value: found no matching overload for 'startsWith' applied to 'int.(string)'",
        ),
        (
            "predicate.all(v, v.x == 1)",
            r#"[{"y": 1}]"#,
            "it has no truth value: No such key: x",
        ),
        (
            "predicate.n / 0 == 1",
            r#"{"n": 1}"#,
            "it has no truth value: Division by zero of Int(1)",
        ),
        (
            "predicate.n + 1 > 0",
            r#"{"n": 9223372036854775807}"#,
            "it has no truth value: Overflow from binary operator 'add': Int(9223372036854775807), Int(1)",
        ),
        (
            "predicate.l[7] == 1",
            r#"{"l": [1]}"#,
            "it has no truth value: Index out of bounds: Int(7)",
        ),
        (
            "predicate.l[-1] == 1",
            r#"{"l": [1]}"#,
            "it has no truth value: Index out of bounds: Int(-1)",
        ),
        (
            "predicate.a == 1",
            r#"{"a": 2, "a": 1}"#,
            "the predicate: the member `a` is there twice at line 1 column 16",
        ),
        (
            "predicate.a == 1",
            "{",
            "the predicate: EOF while parsing an object at line 1 column 1",
        ),
    ];
    for (source, predicate, wanted) in table {
        assert_eq!(why(source, predicate), wanted, "{source} on {predicate}");
    }
}

#[test]
fn refuses_at_load() {
    let why = |s: &str| Condition::compile(s).map(|_| ()).unwrap_err().to_string();
    let table = [
        (
            "true",
            "it does not look at `predicate`, `predicateType`, `subject` or `image`",
        ),
        (
            "1 == 1",
            "it does not look at `predicate`, `predicateType`, `subject` or `image`",
        ),
        (
            "predicate.x == 1 || true",
            "a constant beside `||` or as the whole of a macro's condition",
        ),
        (
            "predicate.all(x, true)",
            "a constant beside `&&` or as the whole of a macro's condition",
        ),
        (
            "predicat.x",
            "there is no `predicat` (there are: predicate, predicateType, subject, image)",
        ),
        (
            "predicate.all(x, y == x)",
            "there is no `y` (there are: predicate, predicateType, subject, image)",
        ),
        ("fetch(predicate)", "there is no function `fetch`"),
        ("predicate.fetch()", "there is no function `fetch`"),
        // A zone's rules change with the tables of a build; a verdict must not.
        (
            "timestamp(predicate.at).getHours('Europe/Berlin') == 8",
            "`getHours` with a time zone: a condition reads time in UTC, so leave it out",
        ),
        ("predicate.?x == 1", "there is no function `_?._`"),
        (
            "optional.of(predicate) == 1",
            "there is no `optional` (there are: predicate, predicateType, subject, image)",
        ),
        (
            "size(predicate)",
            "it gives a value of type number, not true or false",
        ),
        (
            "predicate.map(x, x)",
            "it gives a value of type list, not true or false",
        ),
        (
            "image",
            "it gives a value of type string, not true or false",
        ),
        ("image.name == 'x'", "`.name` does not go with a string"),
        ("image + 1 == 'x'", "`+` between a string and a number"),
        ("image == 1", "`==` between a string and a number"),
        ("image && predicate", "`&&` does not go with a string"),
        ("!image", "`!` does not go with a string"),
        (
            "predicate.startsWith(1)",
            "`startsWith` does not go with a number",
        ),
        (
            "image.all(c, c == 'x')",
            "`a macro` does not go with a string",
        ),
        ("'x' in image", "`in` does not go with a string"),
        (
            "predicate.x.matches(predicate.y)",
            "the pattern of `matches`: it is not written out in the condition",
        ),
        (
            "predicate.x.matches('(')",
            "the pattern of `matches`: error: unclosed group",
        ),
        (
            "predicate.x.matches('(a{1000}){1000}')",
            "the pattern of `matches`: Compiled regex exceeds size limit of 262144 bytes.",
        ),
        (
            "predicate.all(a, a.all(b, b.all(c, c.all(d, d == 1))))",
            "its macros are nested or chained deeper than 3",
        ),
        (
            "Thing{a: 1} == predicate",
            "there is no `Thing` (there are: predicate, predicateType, subject, image)",
        ),
    ];
    for (source, wanted) in table {
        assert_eq!(why(source), wanted, "{source}");
    }
    assert_eq!(why(&"a".repeat(5000)), "it is longer than 4096 characters");
    let many = format!("image == ''{}", " && image == ''".repeat(200));
    assert_eq!(why(&many), "it has more than 500 parts");
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("!(", ")"),
        ("-(", ")"),
        ("{1:", "}"),
        ("f(", ")"),
    ] {
        let source = format!("{}predicate{}", open.repeat(1000), close.repeat(1000));
        assert_eq!(
            Condition::compile(&source).unwrap_err(),
            ConditionError::TooNested,
            "{open}"
        );
        let source = format!("{}predicate{}", open.repeat(8), close.repeat(8));
        assert_ne!(
            Condition::compile(&source).err(),
            Some(ConditionError::TooNested),
            "{open}"
        );
    }
    let chain = "predicate ? predicate : ".repeat(50);
    assert_eq!(
        Condition::compile(&format!("{chain}predicate")).unwrap_err(),
        ConditionError::TooNested
    );
}

#[test]
fn long_chains_are_no_crash() {
    for (tail, more) in [
        (".a", ""),
        ("[0]", ""),
        (" + 1", " == 1"),
        (" && predicate", ""),
        (" - 1", " == 1"),
    ] {
        let source = format!("predicate{}{more}", tail.repeat(270));
        let error = Condition::compile(&source).unwrap_err();
        assert!(
            matches!(
                error,
                ConditionError::TooNested | ConditionError::TooManyParts
            ),
            "{tail}: {error}"
        );
        let source = format!("predicate{}{more}", tail.repeat(46));
        let outcome = holds(&source, r#"{"a": {}}"#);
        assert!(
            matches!(outcome, Err(ConditionError::Evaluation(_))),
            "{tail}: {outcome:?}"
        );
    }
}

#[test]
fn loops_draw_on_a_budget() {
    let list = |n: usize| serde_json::to_string(&(0..n).collect::<Vec<_>>()).unwrap();
    let table = [
        ("predicate.all(a, a >= 0)", 50_000, Ok(true)),
        (
            "predicate.all(a, predicate.all(b, a + b >= 0))",
            2_000,
            Err(ConditionError::TooCostly(limits::CONDITION_STEPS)),
        ),
        (
            "predicate.all(a, predicate.all(b, predicate.all(c, c >= 0)))",
            200,
            Err(ConditionError::TooCostly(limits::CONDITION_STEPS)),
        ),
        ("predicate.all(a, a in predicate)", 1_000, Ok(true)),
        (
            "predicate.all(a, a in predicate)",
            10_000,
            Err(ConditionError::TooCostly(limits::CONDITION_STEPS)),
        ),
        (
            "predicate.all(a, string(a).matches('^[0-9]+$'))",
            1_000,
            Ok(true),
        ),
        (
            "predicate.all(a, string(a).matches('^[0-9]+$'))",
            50_000,
            Err(ConditionError::TooCostly(limits::CONDITION_STEPS)),
        ),
        // An exhausted budget is not swallowed by what stands beside it.
        (
            "predicate.all(a, predicate.all(b, predicate.all(c, c >= 0))) || image != ''",
            200,
            Err(ConditionError::TooCostly(limits::CONDITION_STEPS)),
        ),
    ];
    for (source, size, wanted) in table {
        assert_eq!(holds(source, &list(size)), wanted, "{source} on {size}");
    }
}

#[test]
fn correlated_loops_pay_for_what_they_visit() {
    let package = r#"{"name":"p","licenses":["MIT","Apache-2.0"]}"#;
    let sbom = format!(r#"{{"components":[{}]}}"#, vec![package; 4_000].join(","));
    let source = "predicate.components.all(c, c.licenses.all(l, l != 'AGPL-3.0-only'))";
    assert_eq!(holds(source, &sbom), Ok(true));
}

#[test]
fn too_many_values_are_refused() {
    let list = format!("[{}0]", "0,".repeat(limits::PREDICATE_VALUES));
    assert_eq!(
        holds("predicate.size() == 1", &list),
        Err(ConditionError::TooLarge)
    );
}
