//! The one door to the process's environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// What the runner puts before the name of an input.
const INPUT_PREFIX: &str = "INPUT_";

/// The environment variables of this run, trimmed. A blank variable is an absent one: the runner sets every declared input,
/// and configure-aws-credentials blanks its `AWS_*` variables when it cleans up, so an empty string means "nothing".
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's own environment.
    pub fn from_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// An environment of these pairs. A pair that is not UTF-8 is dropped: nothing that GitHub or AWS define looks like that,
    /// and a stray one on a self-hosted runner must not stop a deployment.
    pub fn new<N: Into<OsString>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = pairs
            .into_iter()
            .filter_map(|(name, value)| {
                let name = name.into().into_string().ok()?;
                let value = value.into().into_string().ok()?;
                let value = value.trim();
                (!value.is_empty()).then(|| (name, value.to_owned()))
            })
            .collect();
        Self { variables }
    }

    /// The value of a variable, if it has one that is not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The inputs of the step, by the names of their variables (`INPUT_TASK-DEFINITION`), blank ones left out.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .filter(|(name, _)| name.starts_with(INPUT_PREFIX))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: the values hold credentials.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn values_are_trimmed_and_blank_ones_are_absent() {
        let environment = Environment::new([("AWS_REGION", " eu-west-1\n"), ("AWS_PROFILE", " \n"), ("HOME", "")]);

        assert_eq!(environment.get("AWS_REGION"), Some("eu-west-1"));
        assert_eq!(environment.get("AWS_PROFILE"), None);
        assert_eq!(environment.get("HOME"), None);
    }

    #[test]
    fn what_is_not_utf8_is_dropped() {
        let broken = OsString::from_vec(vec![0xff]);
        let environment =
            Environment::new([(broken.clone(), "x".into()), ("BROKEN".into(), broken), ("FINE".into(), "x".into())]);

        assert_eq!(environment.variables.keys().collect::<Vec<_>>(), ["FINE"]);
    }

    #[test]
    fn inputs_are_the_variables_that_the_runner_prefixes() {
        let environment =
            Environment::new([("INPUT_TASK-DEFINITION", "web.json"), ("INPUT_IMAGE", " "), ("GITHUB_SHA", "abc")]);

        assert_eq!(environment.inputs().collect::<Vec<_>>(), [("INPUT_TASK-DEFINITION", "web.json")]);
    }

    #[test]
    fn debug_shows_no_value() {
        let environment = Environment::new([("AWS_SECRET_ACCESS_KEY", "wJalr")]);

        let shown = format!("{environment:?}");

        assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("wJalr"), "{shown}");
    }
}
