//! Inputs that mean nothing for what a step does. They would be left out of account without a word: they are refused instead.

use super::{InputError, Mode};
use crate::runner::Inputs;

/// What a step does, as far as it decides which inputs mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Deploys to a service, or says what that would do.
    Service,
    /// Takes a service back to a revision.
    Rollback,
    /// Answers a deployment that waits at a pause.
    Continue,
    /// Runs a task, and nothing else.
    Task,
    /// Deploys to an endpoint, or says what that would do.
    Endpoint,
    /// Takes an endpoint back to a configuration.
    EndpointRollback,
    /// Registers a model, or says what that would do.
    Registration,
}

use Kind::{Continue, Endpoint, EndpointRollback, Registration, Rollback, Service, Task};

/// Inputs that are about the same.
struct Group {
    /// About what, to follow "it is about".
    about: &'static str,
    /// What has a use for them.
    taken_by: &'static [Kind],
    inputs: &'static [&'static str],
}

/// Every input has its place here.
const GROUPS: &[Group] = &[
    // Which mode has a use for `to` and its like is said where modes are read.
    Group {
        about: "the run itself",
        taken_by: &[Service, Rollback, Continue, Task, Endpoint, EndpointRollback, Registration],
        inputs: &[
            "mode",
            "iam-policy-for",
            "to",
            "pause-hook",
            "pause-hook-action",
            "report-days",
            "aws-region",
            "role-to-assume",
            "role-session-name",
            "role-duration-seconds",
            "role-chaining",
            "audience",
            "expected-account-id",
            "mask-aws-account-id",
            "deploy-tags",
            "wait-for-minutes",
            "rollback-on-failure",
            "on-cancel",
            "job-status",
            "max-retries",
            "github-token",
            "github-deployment",
            "environment",
            "environment-url",
            "commit-status",
            "comment-on-pr",
            "slack-webhook-url",
            "webhook-url",
            "webhook-template",
            "webhook-secret",
            "notify-on",
            "keep-null-value-keys",
        ],
    },
    Group {
        about: "a service or a task of Amazon ECS",
        taken_by: &[Service, Rollback, Continue, Task],
        inputs: &["service", "cluster", "from-service", "from-cluster"],
    },
    Group {
        about: "a new revision of a task definition",
        taken_by: &[Service, Task],
        inputs: &[
            "task-definition",
            "task-definition-arn",
            "task-definition-family",
            "task-definition-revision",
            "container-name",
            "image",
            "images",
            "environment-variables",
            "secrets",
            "env-files",
            "docker-labels",
            "log-configuration-log-driver",
            "log-configuration-options",
            "command",
            "task-role-arn",
            "execution-role-arn",
            "cpu",
            "memory",
        ],
    },
    Group { about: "the tags of what is made", taken_by: &[Service, Task, Endpoint, Registration], inputs: &["tags"] },
    Group {
        about: "the tags of an image that is deployed",
        taken_by: &[Service, Task, Endpoint],
        inputs: &["promote-tags"],
    },
    Group {
        about: "a look at images before they are deployed",
        taken_by: &[Service, Task, Endpoint, Registration],
        inputs: &[
            "resolve-image-digest",
            "forbid-mutable-tags",
            "scan-gate",
            "scan-thresholds",
            "scan-ignore",
            "scan-only-fixable",
            "scan-wait-minutes",
        ],
    },
    Group {
        about: "the settings of a service of Amazon ECS",
        taken_by: &[Service, Rollback],
        inputs: &[
            "desired-count",
            "force-new-deployment",
            "service-managed-ebs-volume-name",
            "service-managed-ebs-volume",
            "subnets",
            "security-groups",
            "assign-public-ip",
            "minimum-healthy-percent",
            "maximum-percent",
            "deployment-circuit-breaker",
            "deployment-circuit-breaker-threshold",
            "deployment-alarms",
        ],
    },
    Group {
        about: "the tasks of Amazon ECS that are started",
        taken_by: &[Service, Rollback, Task],
        inputs: &["enable-ecs-managed-tags", "propagate-tags", "enable-execute-command"],
    },
    Group {
        about: "how a new version takes the place of the one before",
        taken_by: &[Service, Rollback, Endpoint],
        inputs: &[
            "deployment-strategy",
            "bake-time-minutes",
            "canary-percent",
            "canary-bake-time-minutes",
            "linear-step-percent",
            "linear-step-bake-time-minutes",
        ],
    },
    Group {
        about: "what goes with the deployment of a service of Amazon ECS",
        taken_by: &[Service, Rollback, Continue],
        inputs: &["scheduled-rules"],
    },
    Group {
        about: "older revisions that a deployment to a service of Amazon ECS leaves behind",
        taken_by: &[Service, Continue],
        inputs: &["keep-revisions"],
    },
    Group {
        about: "a one-off task of Amazon ECS",
        taken_by: &[Service, Task],
        inputs: &[
            "run-task",
            "run-task-container-overrides",
            "run-task-subnets",
            "run-task-security-groups",
            "run-task-assign-public-ip",
            "run-task-launch-type",
            "run-task-capacity-provider-strategy",
            "run-task-placement-constraints",
            "run-task-placement-minutes",
            "run-task-count",
            "run-task-started-by",
            "run-task-tags",
            "run-task-managed-ebs-volume-name",
            "run-task-managed-ebs-volume",
            "wait-for-task-stopped",
        ],
    },
    Group {
        about: "a service that AWS CodeDeploy deploys",
        taken_by: &[Service, Rollback, Continue],
        inputs: &[
            "codedeploy-appspec",
            "codedeploy-application",
            "codedeploy-deployment-group",
            "codedeploy-deployment-description",
            "codedeploy-deployment-config",
        ],
    },
    Group {
        about: "the stages and pauses of a deployment of Amazon ECS",
        taken_by: &[Service, Rollback, Continue],
        inputs: &["wait-until", "on-pause-hook"],
    },
    Group {
        about: "a deployment that is waited for, or met, or taken back later",
        taken_by: &[Service, Rollback, Continue, Endpoint, EndpointRollback],
        inputs: &["wait-for-service-stability", "on-conflict", "rollback-on-job-failure"],
    },
    Group {
        about: "the check of what was deployed",
        taken_by: &[Service, Rollback, Continue, Endpoint, EndpointRollback],
        inputs: &[
            "health-check-url",
            "health-check-status",
            "health-check-body",
            "health-check-interval-seconds",
            "health-check-successes",
            "health-check-minutes",
            "rollback-alarms",
            "verify-minutes",
            "alarm-preflight",
        ],
    },
    Group {
        about: "an endpoint of Amazon SageMaker",
        taken_by: &[Endpoint, EndpointRollback],
        inputs: &["endpoint-name"],
    },
    Group {
        about: "a model of Amazon SageMaker",
        taken_by: &[Endpoint, Registration],
        inputs: &["model-image", "model-data", "model-environment", "model-package-group", "quality-gates"],
    },
    Group {
        about: "a new configuration of an endpoint",
        taken_by: &[Endpoint],
        inputs: &[
            "model-role-arn",
            "model-subnets",
            "model-security-groups",
            "model-name",
            "model-version",
            "model-life-cycle-stage",
            "from-endpoint",
            "variant-name",
            "instance-type",
            "instance-count",
            "serverless-memory-mb",
            "serverless-max-concurrency",
            "serverless-provisioned-concurrency",
            "model-download-timeout-seconds",
            "container-startup-timeout-seconds",
            "inference-ami-version",
            "data-capture-s3-uri",
            "data-capture-percent",
            "endpoint-kms-key-id",
            "rolling-batch-percent",
            "recreate-failed",
            "on-first-failure",
            "keep-endpoint-configs",
        ],
    },
    Group {
        about: "a smoke test of an endpoint",
        taken_by: &[Endpoint, EndpointRollback],
        inputs: &[
            "smoke-test-payload",
            "smoke-test-payload-file",
            "smoke-test-content-type",
            "smoke-test-expect",
            "smoke-test-repetitions",
            "smoke-test-variant",
            "smoke-test-minutes",
        ],
    },
    Group {
        about: "a model that is registered",
        taken_by: &[Registration],
        inputs: &["model-metrics", "approve", "model-content-types", "model-response-types", "model-instance-types"],
    },
];

/// What the runner sets where nothing was said, as `action.yml` has it.
const DEFAULTS: [(&str, &str); 17] = [
    ("forbid-mutable-tags", "false"),
    ("scan-gate", "off"),
    ("scan-thresholds", "critical=0"),
    ("scan-only-fixable", "false"),
    ("scan-wait-minutes", "5"),
    ("force-new-deployment", "false"),
    ("deployment-circuit-breaker", "keep"),
    ("run-task", "false"),
    ("run-task-placement-minutes", "5"),
    ("run-task-count", "1"),
    ("wait-for-task-stopped", "true"),
    ("wait-until", "deployed"),
    ("on-pause-hook", "wait"),
    ("wait-for-service-stability", "true"),
    ("on-conflict", "wait"),
    ("rollback-on-job-failure", "false"),
    ("alarm-preflight", "warn"),
];

impl Kind {
    /// What a step does; `registers` is whether that is a registration.
    pub(super) fn of(inputs: &Inputs, mode: &Mode, registers: bool) -> Self {
        match (inputs.endpoint_name.is_some(), mode) {
            _ if registers => Registration,
            (true, Mode::Rollback { .. }) => EndpointRollback,
            (true, _) => Endpoint,
            (false, Mode::Rollback { .. }) => Rollback,
            (false, Mode::Continue { .. }) => Continue,
            (false, Mode::RunTask) => Task,
            // It plans the one-off task that `mode: deploy` would run.
            (false, Mode::Plan) if inputs.service.is_none() && inputs.run_task.as_deref() == Some("true") => Task,
            (false, Mode::Deploy | Mode::Plan | Mode::RegisterModel) => Service,
        }
    }

    /// What an input of this group has to be told when it has no meaning here.
    fn complaint(self, group: &Group, input: &'static str) -> InputError {
        let (does, remedy) = match self {
            Service if group.taken_by.contains(&Endpoint) => (
                "this step is for a service of Amazon ECS",
                "name the endpoint in `endpoint-name`, or leave this input out",
            ),
            Service => (
                "this step is for a service of Amazon ECS",
                "set `mode: register-model` where that was meant, or leave this input out",
            ),
            Rollback => (
                "`mode: rollback` goes back to a revision as it is",
                "leave it out, and say with `to` which revision to go back to",
            ),
            Continue => ("`mode: continue` answers a deployment that is on its way already", "leave it out"),
            Task => ("this step runs a task and deploys nothing", "leave it out"),
            Endpoint => {
                ("this step deploys to an endpoint of Amazon SageMaker", "leave it out, or leave out `endpoint-name`")
            }
            EndpointRollback => (
                "`mode: rollback` goes back to a configuration as it is",
                "leave it out, and say with `to` which configuration to go back to",
            ),
            Registration => ("`mode: register-model` deploys nothing", "leave it out"),
        };
        InputError::new(input, format!("it is about {}, and {does}", group.about), remedy)
    }
}

/// What has no meaning for what the step does.
pub(super) fn out_of_place(inputs: &Inputs, kind: Kind) -> Vec<InputError> {
    let given = inputs.given();
    let is_said = |input: &str| {
        let default = DEFAULTS.iter().find(|(name, _)| *name == input).map(|(_, default)| *default);
        given.get(input).is_some_and(|value| !default.is_some_and(|default| value.eq_ignore_ascii_case(default)))
    };
    let strange = GROUPS.iter().filter(|group| !group.taken_by.contains(&kind));
    strange
        .flat_map(|group| group.inputs.iter().filter(|input| is_said(input)).map(|input| kind.complaint(group, input)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_input_has_one_place() {
        let mut places: Vec<&str> = GROUPS.iter().flat_map(|group| group.inputs).copied().collect();
        let mut names = Inputs::names().to_vec();
        places.sort_unstable();
        names.sort_unstable();
        assert_eq!(places, names, "say in GROUPS what has a use for each input");
    }

    #[test]
    fn what_the_runner_sets_by_itself_is_no_complaint() {
        let action: serde_yaml::Value = serde_yaml::from_str(include_str!("../../action.yml")).unwrap();
        let defaults: BTreeMap<&str, &str> = action["inputs"]
            .as_mapping()
            .unwrap()
            .iter()
            .filter_map(|(name, input)| Some((name.as_str()?, input["default"].as_str()?)))
            .collect();
        for group in GROUPS.iter().filter(|group| group.taken_by.len() < 7) {
            for input in group.inputs {
                let known = DEFAULTS.iter().find(|(name, _)| name == input).map(|(_, default)| *default);
                assert_eq!(known, defaults.get(input).copied(), "{input}");
            }
        }
    }
}
