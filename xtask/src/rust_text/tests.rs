use super::*;

fn code(text: &str) -> String {
    RustText::parse(text).code().to_owned()
}

#[test]
fn masks_keep_length_and_lines() {
    let text = "let a = \"é{\\\"\"; // ü }\n/* x\n/* y */ */ fn b() {}\n";
    let parsed = RustText::parse(text);
    for mask in [parsed.code(), parsed.comments()] {
        assert_eq!(mask.len(), text.len());
        let ends = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(ends(mask), ends(text));
    }
    let code: Vec<_> = parsed.code().split_whitespace().collect();
    assert_eq!(code, ["let", "a", "=", ";", "fn", "b()", "{}"]);
    assert!(parsed.comments().contains("ü }"));
    assert!(parsed.comments().contains("/* y */"));
}

#[test]
fn literals_of_every_form_leave_the_code() {
    let check = |text: &str, expected: &str| assert_eq!(code(text), expected, "{text}");
    check("'{' x", "    x");
    check(r"'\'' x", "     x");
    check("&'a str", "&'a str");
    check("f::<'_>('{')", "f::<'_>(   )");
    check("r\"{\" x", "     x");
    check("r#\"\"{\"# x", "        x");
    check("br##\"\"#{\"## x", "            x");
    check("r#type x", "r#type x");
    check("b\"{\" x", "b    x");
    check("b'{' x", "b    x");
    check("for r in 0", "for r in 0");
    check("\"never closed {", "               ");
}

#[test]
fn functions_are_measured_between_their_braces() {
    let text = "\
fn one() {}
trait T { fn none(&self) -> [u8; 4]; }
type F = fn (u8);
pub async fn three<const N: usize>(a: [u8; 2]) -> Result<(), ()>
where
    Foo: Bar,
{
    let brace = '{';
    // }
    inner(|| {});
}
";
    let parsed = RustText::parse(text);
    let found: Vec<_> =
        parsed.functions().iter().map(|f| (f.name.to_owned(), f.line, f.body_lines)).collect();
    assert_eq!(found, [("one".to_owned(), 1, 0), ("three".to_owned(), 4, 3)]);
}

#[test]
fn functions_may_be_long_where_an_attribute_says_so() {
    let text = "\
fn plain() {
}
#[expect(clippy::too_many_lines, reason = \"a table; of rows {\")]
/// Docs.
pub fn table() {
}
fn after() {
}
";
    let parsed = RustText::parse(text);
    let long: Vec<_> = parsed.functions().iter().map(|f| f.may_be_long).collect();
    assert_eq!(long, [false, true, false]);
}

#[test]
fn first_test_line_is_that_of_an_inline_module() {
    let check = |text: &str, expected: Option<usize>| {
        assert_eq!(RustText::parse(text).first_test_line(), expected, "{text}");
    };
    check("a\n#[cfg(test)]\nmod tests {\n}\n", Some(2));
    check("#[cfg(test)]\n#[expect(x, reason = \"]\")]\nmod tests {\n}\n", Some(1));
    check("#[cfg(all(test, feature = \"x\"))]\nmod tests {}\n", Some(1));
    check("#[cfg(test)]\nmod tests;\n", None);
    check("#[cfg(test)]\nuse a::{b};\n\n#[cfg(test)]\nmod tests {}\n", Some(4));
    check("// #[cfg(test)] mod tests {\n", None);
}
