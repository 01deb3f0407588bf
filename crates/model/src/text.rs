//! Types that are a checked text.

/// Gives a type `struct Name(String)` that has `parse` the rest: `as_str`, `Display`, and the
/// conversions that serde needs to check what it reads.
macro_rules! checked_text {
    ($($name:ident),+) => {
        $(
            impl $name {
                /// The text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.pad(&self.0)
                }
            }

            impl From<$name> for String {
                fn from(value: $name) -> Self {
                    value.0
                }
            }

            impl TryFrom<String> for $name {
                type Error = $crate::field::FieldError;
                fn try_from(text: String) -> Result<Self, $crate::field::FieldError> {
                    Self::parse(&text)
                }
            }
        )+
    };
}

pub(crate) use checked_text;
