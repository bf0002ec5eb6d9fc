//! What tells a task of this step from all others.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::runner::Environment;

/// One step of one attempt of one workflow run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    run: String,
    step: String,
}

impl Identity {
    /// From the runner's variables; a random one outside GitHub Actions.
    ///
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
    pub fn new(environment: &Environment) -> Self {
        let get = |name: &str| environment.get(name).unwrap_or_default();
        let run = match environment.get("GITHUB_RUN_ID") {
            Some(run) => format!("{run}-{}", environment.get("GITHUB_RUN_ATTEMPT").unwrap_or("1")),
            None => uuid::Uuid::new_v4().simple().to_string(),
        };
        let step = ["GITHUB_REPOSITORY", "GITHUB_JOB", "GITHUB_ACTION"].map(get).join("/");
        Self { run, step }
    }

    /// The token of this request: the same request of the same step has the same one. Letters, digits and hyphens, at most 64.
    pub(super) fn token(&self, request: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.step, request).hash(&mut hasher);
        format!("{}-{:016x}", self.run.chars().take(40).collect::<String>(), hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_request_of_one_step_of_one_attempt() {
        let token = |run: &str, attempt: &str, step: &str, request: &str| {
            let pairs = [("GITHUB_RUN_ID", run), ("GITHUB_RUN_ATTEMPT", attempt), ("GITHUB_ACTION", step)];
            Identity::new(&Environment::new(pairs)).token(request)
        };
        let one = token("4711", "1", "migrate", "{}");
        assert_eq!(one, token("4711", "1", "migrate", "{}"));
        assert!(one.starts_with("4711-1-") && one.len() <= 60, "{one}");
        for other in [
            token("4712", "1", "migrate", "{}"),
            token("4711", "2", "migrate", "{}"),
            token("4711", "1", "seed", "{}"),
            token("4711", "1", "migrate", "{ }"),
        ] {
            assert_ne!(one, other);
        }
        let by_hand = || Identity::new(&Environment::new([("HOME", "/root")])).token("{}");
        assert_ne!(by_hand(), by_hand());
    }
}
