//! Names for what is made.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The longest name that SageMaker takes.
const LONGEST: usize = 63;
/// As many digits of the content's hash tell two things of one run apart.
const DIGITS: usize = 12;

/// A name that no other run makes, and that the same run makes again for the same content: an attempt that comes after one that
/// was killed finds what that one made.
///
/// It begins like the endpoint's name, so that people, and policies, see what belongs to it.
pub(super) fn name(endpoint: &str, run: &str, content: &Value) -> String {
    let hash: String = Sha256::digest(content.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    let run: String = run.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let end = if run.is_empty() { format!("-{}", &hash[..DIGITS]) } else { format!("-{run}-{}", &hash[..DIGITS]) };
    let begin = endpoint.get(..LONGEST - end.len()).unwrap_or(endpoint).trim_end_matches('-');
    format!("{begin}{end}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_of_one_run_and_one_content_and_fits() {
        let one = name("bikes", "4711", &json!({"a": 1}));
        assert!(one.starts_with("bikes-4711-"), "{one}");
        assert_eq!(one, name("bikes", "4711", &json!({"a": 1})));
        assert_ne!(one, name("bikes", "4711", &json!({"a": 2})));
        assert_ne!(one, name("bikes", "4712", &json!({"a": 1})));
        assert!(!name("bikes", "", &json!({})).contains("--"));
        for endpoint in ["x".repeat(63), format!("{}-{}", "x".repeat(34), "y".repeat(28))] {
            let long = name(&endpoint, "12345678901234567890", &json!({}));
            assert!(long.len() <= LONGEST && !long.contains("--"), "{long}");
        }
    }
}
