//! A refusal: which rule was broken, and where.

use core::fmt;

/// Bytes were refused: the rule they break and the byte where that was seen.
///
/// `R` is the closed list of rules of one module. Each rule has a `name()` that is stable enough to be recorded as
/// evidence, and displays as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault<R> {
    /// The rule that was broken.
    pub rule: R,
    /// Offset in bytes from the start of what was handed to the parser.
    pub offset: usize,
}

impl<R> Fault<R> {
    /// A breach of `rule` at byte `offset`.
    pub const fn at(offset: usize, rule: R) -> Self {
        Self { rule, offset }
    }
}

impl<R: fmt::Display> fmt::Display for Fault<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.rule, self.offset)
    }
}

impl<R: fmt::Debug + fmt::Display> core::error::Error for Fault<R> {}

/// Declares the rules of one module: variant, recorded name, sentence. A leading `[Variant(Inner)]` embeds the rules
/// of the encoding beneath, and converts its faults.
macro_rules! rules {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( [$wrapped:ident($inner:ty)] )?
            $( $variant:ident $id:literal $text:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                /// A rule of the encoding beneath.
                $wrapped($inner),
            )?
            $( #[doc = $text] $variant, )*
        }

        impl $name {
            /// The rule's name as it is recorded: lower case, words joined by hyphens.
            pub const fn name(&self) -> &'static str {
                match self {
                    $( Self::$wrapped(inner) => inner.name(), )?
                    $( Self::$variant => $id, )*
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $( Self::$wrapped(inner) => inner.fmt(f), )?
                    $( Self::$variant => f.write_str($text), )*
                }
            }
        }

        $(
            impl From<$crate::Fault<$inner>> for $crate::Fault<$name> {
                fn from(fault: $crate::Fault<$inner>) -> Self {
                    Self { rule: $name::$wrapped(fault.rule), offset: fault.offset }
                }
            }
        )?
    };
}

pub(crate) use rules;
