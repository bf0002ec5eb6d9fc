//! The normal form.
