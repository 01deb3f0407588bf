//! What is wrong with one field of a request.

/// A field whose value breaks its rule. Clients are told with code 9900.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {allowed}")]
pub struct FieldError {
    /// The field's name, as the request spells it.
    pub field: &'static str,
    /// What would have been right, so that it reads well after "must be".
    pub allowed: &'static str,
}

impl FieldError {
    /// `field` must be `allowed`.
    pub const fn new(field: &'static str, allowed: &'static str) -> Self {
        Self { field, allowed }
    }

    /// The same about another field that takes the same values.
    #[must_use]
    pub const fn of(self, field: &'static str) -> Self {
        Self { field, allowed: self.allowed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_field_and_what_is_allowed() {
        let error = FieldError::new("name", "a word").of("parameters.name");
        assert_eq!(error.to_string(), "parameters.name must be a word");
    }
}
