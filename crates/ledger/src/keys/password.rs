//! A password or a PIN.

use std::fmt;

use zeroize::Zeroizing;

/// Text that nobody prints, wiped when dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(withheld)")
    }
}

/// Who is asked for the password of a key file, or for the PIN of a token.
pub trait AskPassword: fmt::Debug + Send + Sync {
    /// The password of what is named, e.g. `keys/root.pem` or `the token affiant`.
    ///
    /// # Errors
    /// If there is none to be had, in words that say what to do.
    fn password(&self, of: &str) -> Result<Password, String>;
}
