//! Inputs as the runner hands them over: `== name`, and under it the value.
//!
//! Whatever they are, the answer is a deployment or at least one error, each of them names an input that exists, and neither
//! shows a value that may be secret. What the main step took, the post step takes.
#![no_main]

use std::path::Path;

use ecs_deploy_action::runner::Inputs;
use ecs_deploy_action::spec::{Overrides, Spec};
use ecs_deploy_action_fuzz::{SECRET, inputs, pieces};
use libfuzzer_sys::fuzz_target;

/// Inputs of lines `NAME=value` whose values may be secret.
const BEAR_SECRETS: [&str; 4] = ["environment-variables", "secrets", "docker-labels", "log-configuration-options"];

fuzz_target!(|data: &[u8]| {
    let nowhere = Path::new("/nonexistent");
    let mut values = pieces(data);
    // The runner knows no case in the names of inputs.
    values.iter_mut().for_each(|(name, _)| *name = name.to_lowercase());
    // Files are the business of another target, and the machine's own files are nobody's.
    values.retain(|(name, value)| name != "task-definition" || !value.contains('/'));
    if values.iter().any(|(_, value)| value.contains(SECRET)) {
        return;
    }
    for (name, value) in &mut values {
        if BEAR_SECRETS.contains(&name.as_str()) {
            // Into the value, never into the name.
            *value = value.replacen('=', &format!("={SECRET}"), 1);
        } else if name == "command" {
            value.push_str(SECRET);
        }
    }
    let (inputs, notices) = inputs(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    assert!(notices.iter().all(|notice| !notice.contains(SECRET)));
    assert!(!format!("{inputs:?}").contains(SECRET));

    match Spec::from_inputs(&inputs, nowhere) {
        Ok(spec) => {
            assert!(spec == Spec::from_inputs(&inputs, nowhere).expect("the same inputs are right a second time"));
            assert!(spec.service.as_ref().is_none_or(|service| !service.is_empty()) && !spec.cluster.is_empty());
            assert!(spec.overrides.images.iter().all(|(name, image)| !name.is_empty() && !image.is_empty()));
            // A command is shown: it is what the plan is about.
            let others = Spec { overrides: Overrides { command: None, ..spec.overrides.clone() }, ..spec.clone() };
            assert!(!format!("{others:?}").contains(SECRET), "{others:?}");
            let post = Spec::from_inputs(&inputs.for_the_post_step(), nowhere).expect("the post step takes them too");
            assert_eq!((&post.service, &post.cluster, &post.access), (&spec.service, &spec.cluster, &spec.access));
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(Inputs::names().contains(&error.input), "{error}");
                assert!(!error.to_string().contains(SECRET), "{error}");
            }
        }
    }
});
