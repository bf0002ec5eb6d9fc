//! Why a deployment failed, as its user gets to know it: each kind of failure in the simulator, and the hint in the
//! summary, in the error annotation, in the log and in the output.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use simulator::{Behaviour, Scenario, Service, Simulator};
use support::{Report, Step, seconds, task_definition, web, world};

fn diagnosis(report: &Report) -> Value {
    serde_json::from_str(report.output("diagnosis")).unwrap()
}

/// The hint stands in every place, and it is one of those that have their code.
#[track_caller]
fn assert_told(report: &Report, code: &str, word: &str) {
    let diagnosis = diagnosis(report);
    let first = &diagnosis["hints"][0];
    assert_eq!(first["code"], code, "{report:#?}");
    let hint = first["hint"].as_str().unwrap();
    assert!(hint.contains(word), "{hint} does not say {word}");

    let errors = report.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].ends_with(hint), "{} does not end with {hint}", errors[0]);
    let in_the_log = report.log.lines().any(|line| line.contains(hint) && line.contains(code));
    assert!(in_the_log, "{}", report.log);
    let (_, after_the_reason) = report.summary.split_once("**Why:** ").unwrap();
    let shown = after_the_reason.lines().find(|line| line.starts_with("**Hint:** ")).unwrap();
    assert!(shown.contains(word) && shown.contains(code), "{shown}");
}

/// A task that stops before it runs, with this reason.
fn stops(reason: &str) -> Behaviour {
    Behaviour::FailsToStart { after: seconds(4), reason: reason.to_owned() }
}

fn crashes(exit_code: i64, reason: Option<&str>) -> Behaviour {
    Behaviour::Crash { after: seconds(3), container: None, exit_code, reason: reason.map(str::to_owned) }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_start_or_does_not_stay_is_told_with_what_helps() {
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:web-1";
    for (behaviour, code, word) in [
        (Behaviour::ImageMissing { after: seconds(4) }, "image-missing", "`web:bad`"),
        (
            stops(
                "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain \
                 descriptor matching platform 'linux/amd64'",
            ),
            "wrong-platform",
            "`linux/amd64`",
        ),
        (
            stops(
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref web:bad: failed \
                 to do request: dial tcp 10.0.0.1:443: i/o timeout",
            ),
            "registry-unreachable",
            "NAT gateway",
        ),
        (
            stops(&format!(
                "ResourceInitializationError: ResourceNotFoundException: The task can't retrieve the secret with ARN '{secret}' \
                 from AWS Secrets Manager. Check whether the secret exists in the specified Region"
            )),
            "secret-missing",
            secret,
        ),
        (
            stops(
                "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web' that was provided for this task. Please \
                 verify that the role being passed has the proper trust relationship and permissions and that your IAM user has \
                 permissions to pass this role.",
            ),
            "role-not-assumable",
            "`arn:aws:iam::123456789012:role/web`",
        ),
        (crashes(137, Some("OutOfMemoryError: Container killed due to memory usage")), "out-of-memory", "`app`"),
        (crashes(137, None), "killed", "`app`"),
        (crashes(127, None), "command-not-found", "`app`"),
        (crashes(1, None), "exited-with-error", "`app`"),
        (crashes(0, None), "exited", "`app`"),
        (Behaviour::NoCapacity, "no-container-instances", "container instance"),
    ] {
        let simulator = world(Scenario::default().image("bad", behaviour));

        let report = Step::deploying("web:bad").run(&simulator).await;

        assert_eq!(report.output("outcome"), "rolled-back", "{code}: {report:#?}");
        assert_told(&report, code, word);
    }
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_fails_is_told_with_what_helps() {
    let simulator = Simulator::new(Scenario::default().image("sick", Behaviour::Unhealthy { after: seconds(20) }));
    let mut checked = task_definition("web:good-1");
    checked["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"]});
    simulator.add_service(Service::new("web").desired_count(2).task_definition(checked));

    let report = Step::deploying("web:sick").run(&simulator).await;

    report.ended("rolled-back", "health-check");
    assert_told(&report, "container-health-check", "`startPeriod`");
}

#[tokio::test(start_paused = true)]
async fn what_the_load_balancer_says_is_told_with_what_helps() {
    for (reason, code, word) in [
        ("Request timed out", "port-not-answering", "8080"),
        ("Health checks failed with these codes: [404]", "load-balancer-status", "404"),
        ("Target is in an Availability Zone that is not enabled", "load-balancer-health-check", "`web`"),
    ] {
        let silent = Behaviour::NotAnswering { after: seconds(20), reason: reason.to_owned() };
        let simulator = world(Scenario::default().image("silent", silent));

        let report = Step::deploying("web:silent").run(&simulator).await;

        assert_eq!(report.output("outcome"), "rolled-back", "{code}: {report:#?}");
        assert_told(&report, code, word);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_that_block_a_rollout_and_the_way_back_are_told_at_the_time_out() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(web().minimum_healthy_percent(100).maximum_percent(100));

    let report = Step::deploying("web:good-2").input("wait-for-minutes", "5").run(&simulator).await;

    report.ended("rollback-failed", "timeout");
    assert_told(&report, "deployment-limits", "maximum percent");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_shown_as_it_was_said_and_gets_no_hint() {
    let simulator = world(Scenario::default().image("bad", stops("SomethingNewError: the moon is full")));

    let report = Step::deploying("web:bad").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    let diagnosis = diagnosis(&report);
    assert_eq!(diagnosis["hints"], json!([]));
    assert_eq!(diagnosis["stopped"][0]["reason"], "SomethingNewError: the moon is full");
    assert!(report.summary.contains("the moon is full") && !report.summary.contains("**Hint:**"), "{}", report.summary);
    assert!(!report.log.contains("What helps"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn text_from_outside_stays_text() {
    let hostile =
        "CannotPullContainerError: failed to resolve ref ::error::x`<script>|\n::set-output name=a::b: not found";
    let simulator = world(Scenario::default().image("bad", stops(hostile)));

    let report = Step::deploying("web:bad").run(&simulator).await;

    assert_told(&report, "image-missing", "does not exist");
    assert!(!report.summary.contains("<script>"), "{}", report.summary);
    assert!(report.log.lines().all(|line| !line.starts_with("::set-output")), "{}", report.log);
}

/// The page is that of the version that the workflow uses: the codes are its own.
#[tokio::test(start_paused = true)]
async fn the_error_links_to_the_section_of_its_cause() {
    let simulator = world(Scenario::default().image("bad", crashes(1, None)));
    let step = Step::deploying("web:bad")
        .variable("GITHUB_SERVER_URL", "https://github.com")
        .variable("GITHUB_ACTION_REPOSITORY", "org/ecs-deploy-action")
        .variable("GITHUB_ACTION_REF", "v1");

    let report = step.run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    let page = "https://github.com/org/ecs-deploy-action/blob/v1/docs/troubleshooting.md";
    assert!(report.errors()[0].ends_with(&format!("{page}#tasks-failing")), "{:?}", report.errors());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_succeeds_has_no_diagnosis() {
    let report = Step::deploying("web:good-2").run(&world(Scenario::default())).await;

    report.ended("deployed", "");
    assert_eq!(report.output("diagnosis"), "");
}
