//! A field of a request, and all the ways to get it wrong.

use serde_json::{Value, json};

use super::{ABSENT, PARAMETER};

/// Texts that are no name and no id, whatever else they would like to be.
const TROUBLE: [&str; 5] =
    ["", "x'; DROP TABLE cbr_vault; --", "../../etc/passwd", "a\u{0}b", "<script>"];

/// What a field may be, and the code where that is not the usual one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// 1 to 64 letters, digits, `_`, `-` (contract, 5.4).
    Name,
    /// At most so many characters, without `<` and `>`.
    Text(usize),
    /// A key or value of a tag: at most so many characters of a name.
    Tag(usize),
    /// One of some words; the code of another word.
    Enum(u16),
    /// Least, most, and the code beyond.
    Integer(i64, i64, u16),
    Boolean,
    Object,
    List,
    /// A UUID; status and code of one that nothing has.
    Id(u16, u16),
}

/// A field and its rule.
#[derive(Debug)]
pub(super) struct Field {
    pointer: &'static str,
    kind: Kind,
    is_needed: bool,
    may_be_empty: bool,
}

/// A wrong request, and what must be said of it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) what: String,
    pub(super) body: Value,
    pub(super) status: u16,
    pub(super) code: u16,
}

impl Field {
    /// A field that may be left out.
    pub(super) fn new(pointer: &'static str, kind: Kind) -> Self {
        Self { pointer, kind, is_needed: false, may_be_empty: true }
    }

    /// It must be there.
    pub(super) fn needed(self) -> Self {
        Self { is_needed: true, ..self }
    }

    /// As a list it must have an entry.
    pub(super) fn not_empty(self) -> Self {
        Self { may_be_empty: false, ..self }
    }

    /// All wrong requests that a good one becomes by this field alone.
    pub(super) fn cases(&self, good: &Value) -> Vec<Case> {
        assert!(good.pointer(self.pointer).is_some() || !self.is_needed, "{}", self.pointer);
        let case = |value: Option<Value>, status, code| Case {
            what: format!("{} = {}", self.pointer, value.as_ref().unwrap_or(&json!("absent"))),
            body: with(good, self.pointer, value),
            status,
            code,
        };
        let mut cases = Vec::new();
        if self.is_needed {
            cases.extend([None, Some(Value::Null)].map(|value| case(value, 400, PARAMETER)));
        }
        cases.extend(self.wrong_types().into_iter().map(|value| case(Some(value), 400, PARAMETER)));
        let wrong = self.wrong_values().into_iter();
        cases.extend(wrong.map(|(value, status, code)| case(Some(value), status, code)));
        cases
    }

    /// A value of each type that it must not have.
    fn wrong_types(&self) -> Vec<Value> {
        let kind = self.kind;
        let all = [json!("x"), json!(7), json!(1.5), json!(true), json!({"x": 1}), json!(["x"])];
        all.into_iter()
            .filter(|value| match kind {
                Kind::Integer(..) => !value.is_i64(),
                Kind::Boolean => !value.is_boolean(),
                Kind::Object => !value.is_object(),
                Kind::List => !value.is_array(),
                _ => !value.is_string(),
            })
            .collect()
    }

    /// Values of the right type, each with status and code.
    fn wrong_values(&self) -> Vec<(Value, u16, u16)> {
        let refused = |texts: Vec<String>, code| {
            texts.into_iter().map(|text| (json!(text), 400, code)).collect::<Vec<_>>()
        };
        let trouble = || TROUBLE.map(str::to_owned).to_vec();
        match self.kind {
            Kind::Name => {
                refused([trouble(), vec!["n".repeat(65), "a b".to_owned()]].concat(), PARAMETER)
            }
            Kind::Text(most) => refused(vec!["n".repeat(most + 1), "<b>".to_owned()], PARAMETER),
            Kind::Tag(most) => refused(
                vec!["n".repeat(most + 1), "a*b".to_owned(), "a\u{0}".to_owned()],
                PARAMETER,
            ),
            Kind::Enum(code) => refused([trouble(), vec!["nonsense".to_owned()]].concat(), code),
            Kind::Integer(least, most, code) => {
                [least - 1, most + 1, i64::MIN, i64::MAX].map(|at| (json!(at), 400, code)).to_vec()
            }
            Kind::Id(status, code) => {
                let mut cases =
                    refused([trouble(), vec!["not-a-uuid".to_owned()]].concat(), PARAMETER);
                cases.push((json!(ABSENT), status, code));
                cases
            }
            Kind::List if !self.may_be_empty => vec![(json!([]), 400, PARAMETER)],
            Kind::Boolean | Kind::Object | Kind::List => Vec::new(),
        }
    }
}

/// A body with another value at a place, or none.
pub(super) fn with(good: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut body = good.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (body.pointer_mut(parent).unwrap(), value) {
        (Value::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
        (Value::Object(fields), Some(value)) => drop(fields.insert(key.to_owned(), value)),
        (Value::Object(fields), None) => drop(fields.remove(key)),
        (other, _) => panic!("{pointer}: {other}"),
    }
    body
}
