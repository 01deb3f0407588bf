//! A request that is not of its form, told by the field that is wrong.

use strongroom_control::cbr::Code;
use strongroom_model::FieldError;

/// What is wrong, in words for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// The field's name without what it stands in, by which services find their own codes.
    pub(crate) field: &'static str,
    /// A sentence that names the field and what it may be.
    pub(crate) message: String,
    /// CBR's code, where it is not the usual one for a parameter.
    pub(crate) code: Option<Code>,
}

impl Invalid {
    /// The field at `path` must be `allowed`.
    pub(crate) fn new(field: &'static str, path: &str, allowed: &str) -> Self {
        Self { field, message: format!("{path} must be {allowed}"), code: None }
    }

    /// The field must be there.
    pub(crate) fn missing(field: &'static str, path: &str) -> Self {
        Self::new(field, path, "present")
    }

    /// An id in the path that is none, in the words that the real service uses (contract, section
    /// 1): clients try a name there first.
    pub(crate) fn path_id(name: &'static str) -> Self {
        Self { field: name, message: format!("Invalid {name} provided."), code: None }
    }

    /// The body as a whole is no JSON.
    pub(crate) fn json() -> Self {
        Self::new("body", "the body", "a JSON object")
    }

    /// The same under another code of CBR.
    #[must_use]
    pub(crate) fn coded(self, number: u16) -> Self {
        Self { code: Some(Code(number)), ..self }
    }

    /// What the model says of a field at `path`.
    pub(crate) fn at(path: &str, error: FieldError) -> Self {
        Self::new(error.field, path, error.allowed)
    }
}

impl From<FieldError> for Invalid {
    fn from(error: FieldError) -> Self {
        Self::at(error.field, error)
    }
}
