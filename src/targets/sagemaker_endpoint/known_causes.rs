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

/// A hint for each cause that is known.
pub(super) fn hints(said: &[String]) -> Vec<Hint> {
    let hint = |text: &String| {
        let text = text.to_ascii_lowercase();
        let (code, _, hint) = CAUSES.into_iter().find(|(_, sign, _)| text.contains(sign))?;
        Some(Hint { code, hint: hint.to_owned(), tasks: 0 })
    };
    let mut hints: Vec<Hint> = said.iter().filter_map(hint).collect();
    hints.dedup();
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
            let hints = hints(&[said.to_owned()]);
            assert_eq!(hints.first().map(|hint| hint.code), expected, "{said}");
        }
    }
}
