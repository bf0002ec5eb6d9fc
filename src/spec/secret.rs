//! A value that is never shown.

use secrecy::{ExposeSecret as _, SecretString};

/// A text that nobody gets to see: neither in `Debug` nor in an error.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    /// The text, for the one who sends it.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}
