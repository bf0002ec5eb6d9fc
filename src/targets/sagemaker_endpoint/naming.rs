//! Names for what is made.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The longest name that SageMaker takes.
const LONGEST: usize = 63;
/// As many digits of a hash tell two things of one run apart.
const DIGITS: usize = 12;

/// A name that no other run makes, and that the same run makes again for the same content of the same endpoint: an attempt that
/// comes after one that was killed finds what that one made.
///
/// It begins like the endpoint's name, so that people, and policies, see what belongs to it. A long name is cut, which is why the
/// hash is of it, too.
pub(super) fn name(endpoint: &str, run: &str, content: &Value) -> String {
    let hash: String =
        Sha256::digest(format!("{endpoint} {content}")).iter().map(|byte| format!("{byte:02x}")).collect();
    let run: String = run.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let end = if run.is_empty() { format!("-{}", &hash[..DIGITS]) } else { format!("-{run}-{}", &hash[..DIGITS]) };
    let begin = endpoint.get(..LONGEST - end.len()).unwrap_or(endpoint).trim_end_matches('-');
    format!("{begin}{end}")
}

/// Whether a name is one that [`name`] makes for the endpoint. That of another endpoint may be, too: it is no proof.
pub(super) fn is_for(endpoint: &str, name: &str) -> bool {
    let is_hash = |hash: &str| hash.len() == DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some((rest, hash)) = name.rsplit_once('-').filter(|(_, hash)| is_hash(hash)) else { return false };
    let with = |end: String| {
        let begin = endpoint.get(..LONGEST.saturating_sub(end.len())).unwrap_or(endpoint).trim_end_matches('-');
        format!("{begin}{end}") == name
    };
    with(format!("-{hash}")) || rest.rsplit_once('-').is_some_and(|(_, run)| with(format!("-{run}-{hash}")))
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
        let alike = |last: &str| name(&format!("{}{last}", "x".repeat(60)), "4711", &json!({"a": 1}));
        assert_ne!(alike("-a"), alike("-b"));
        for endpoint in ["x".repeat(63), format!("{}-{}", "x".repeat(34), "y".repeat(28))] {
            let long = name(&endpoint, "12345678901234567890", &json!({}));
            assert!(long.len() <= LONGEST && !long.contains("--"), "{long}");
        }
    }
    #[test]
    fn a_name_that_was_made_for_an_endpoint_is_known_again() {
        let long = "x".repeat(63);
        for (endpoint, run) in [("bikes", "4711"), ("bikes", ""), ("bikes-staging", "4711"), (&long, "4711")] {
            let name = name(endpoint, run, &json!({"a": 1}));
            assert!(is_for(endpoint, &name), "{name}");
            assert!(!is_for("cars", &name), "{name}");
        }
        let staging = name("bikes-staging", "4711", &json!({"a": 1}));
        assert!(!is_for("bikes", &staging), "{staging}");
        for other in ["bikes", "bikes-4711", "bikes-4711-0123456789", "bikes-4711-0123456789xy", ""] {
            assert!(!is_for("bikes", other), "{other}");
        }
    }
}
