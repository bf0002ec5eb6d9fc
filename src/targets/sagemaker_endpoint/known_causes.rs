//! What a person does about a failure of an endpoint that is known. A text that is not known gets no hint.

use crate::cycle::Hint;

/// A cause: what scripts compare and `docs/troubleshooting.md` explains, a part of what SageMaker says in lower case, and what
/// helps. What is more special stands before what is more general.
pub(in crate::targets) const CAUSES: [(&str, &str, &str); 8] = [
    (
        "endpoint-serve-missing",
        "\"serve\": executable file not found",
        "SageMaker starts the image with the argument `serve`, and the image has no such program: give it one, or an \
         `ENTRYPOINT` that takes the argument.",
    ),
    (
        "endpoint-exec-format",
        "exec format error",
        "The image is built for another processor: build it with `docker build --platform linux/amd64`, or for `linux/arm64` \
         where the instance type has Graviton processors.",
    ),
    (
        "endpoint-container-start",
        "cannotstartcontainererror",
        "The container does not start: run `docker run IMAGE serve` yourself. It must listen on port 8080 and answer \
         `GET /ping` and `POST /invocations`.",
    ),
    (
        "endpoint-ping",
        "ping health check",
        "The container runs and does not answer `GET /ping` on port 8080 with status 200 in time: look at the endpoint's log. \
         A model that loads for long needs a greater `container-startup-timeout-seconds`.",
    ),
    (
        "endpoint-capacity",
        "insufficientinstancecapacity",
        "AWS has no instances of this type at the moment: try again later, or choose another `instance-type`.",
    ),
    (
        "endpoint-quota",
        "resourcelimitexceeded",
        "The account's quota for this instance type is used up: raise it in Service Quotas. An update needs twice the \
         instances, unless `deployment-strategy: rolling` is set.",
    ),
    (
        "endpoint-model-data",
        "failed to download model data",
        "SageMaker cannot read the model: check `model-data`, and that the role of `model-role-arn` may read it.",
    ),
    (
        "endpoint-alarm",
        "alarm",
        "One of the alarms of the update went off, or was red when it began: look at what the alarm measures.",
    ),
];

/// Causes that may show in what a container wrote; anything else there may be about anything.
const IN_LOGS: [&str; 2] = ["endpoint-serve-missing", "endpoint-exec-format"];

/// A hint for each cause that is known from what SageMaker said, or from a line of a log.
pub(super) fn hints<'a>(said: &[String], lines: impl Iterator<Item = &'a String>) -> Vec<Hint> {
    let cause = |text: &String| {
        let text = text.to_ascii_lowercase();
        CAUSES.into_iter().find(|(_, sign, _)| text.contains(sign))
    };
    let in_lines = lines.filter_map(cause).filter(|(code, ..)| IN_LOGS.contains(code));
    let mut hints: Vec<Hint> = Vec::new();
    for (code, _, hint) in said.iter().filter_map(cause).chain(in_lines) {
        if !hints.iter().any(|there| there.code == code) {
            hints.push(Hint { code, hint: hint.to_owned(), tasks: 0 });
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_known_by_what_sagemaker_says() {
        for (said, expected) in [
            (
                "CannotStartContainerError. Please ensure the model container for variant AllTraffic starts correctly when \
                 invoked with 'docker run <image> serve'",
                Some("endpoint-container-start"),
            ),
            ("exec: \"serve\": executable file not found in $PATH", Some("endpoint-serve-missing")),
            ("standard_init_linux.go:228: exec user process caused: exec format error", Some("endpoint-exec-format")),
            (
                "The primary container for production variant AllTraffic did not pass the ping health check.",
                Some("endpoint-ping"),
            ),
            (
                "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
                Some("endpoint-capacity"),
            ),
            ("Failed to download model data for container \"container_1\"", Some("endpoint-model-data")),
            ("Something else.", None),
        ] {
            let hints = hints(&[said.to_owned()], std::iter::empty());
            assert_eq!(hints.first().map(|hint| hint.code), expected, "{said}");
        }
    }

    #[test]
    fn a_line_of_a_log_hints_only_at_what_is_the_containers_own() {
        for (line, expected) in
            [("exec format error", Some("endpoint-exec-format")), ("the alarm of the bike rang", None)]
        {
            let hints = hints(&[], [line.to_owned()].iter());
            assert_eq!(hints.first().map(|hint| hint.code), expected, "{line}");
        }
    }
}
