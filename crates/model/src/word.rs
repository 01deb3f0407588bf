//! Enums whose values are words that clients and tables know.

/// Declares such an enum: `Name in "field" { Variant = "word", .. }`. The field is the one that an
/// error names. Gives `ALL`, `as_str`, `parse`, `Display`, and serde as text.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident in $field:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word, letter for letter.
            pub fn parse(text: &str) -> Result<Self, $crate::field::FieldError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::field::FieldError::new(
                        $field,
                        concat!("one of:" $(, " ", $word)+),
                    )),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self {
                value.as_str()
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::field::FieldError;
            fn try_from(text: String) -> Result<Self, $crate::field::FieldError> {
                Self::parse(&text)
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::field::FieldError;

    words! {
        /// For the tests below.
        Colour in "colour" {
            /// As grass.
            Green = "green",
            /// As the sky.
            Blue = "light-blue",
        }
    }

    #[test]
    fn words_round_trip_as_text_and_in_documents() {
        for colour in Colour::ALL {
            assert_eq!(Colour::parse(colour.as_str()), Ok(*colour));
            let text = serde_json::to_string(colour).unwrap();
            assert_eq!(text, format!("\"{colour}\""));
            assert_eq!(serde_json::from_str::<Colour>(&text).unwrap(), *colour);
        }
    }

    #[test]
    fn parse_of_another_word_names_the_field_and_the_words() {
        let error = FieldError::new("colour", "one of: green light-blue");
        assert_eq!(Colour::parse("Green"), Err(error));
        assert!(serde_json::from_str::<Colour>("\"red\"").is_err());
    }
}
