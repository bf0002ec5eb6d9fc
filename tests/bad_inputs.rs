//! Bad input gets one clear error that names the input, and nothing is changed, whatever AWS would have said.

mod support;

use serde_json::json;
use simulator::{Scenario, Service, Simulator};
use support::{Step, task_definition, world, writes};

/// What is given, and what the error has to say.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

/// Inputs that are wrong by themselves. `web.json`, `broken.json` and `broken.yml` are in the workspace.
const CASES: [Case; 87] = [
    (&[], &["`service`", "empty"]),
    (&[("service", "   ")], &["`service`", "empty"]),
    (&[("service", "web"), ("mode", "depoly")], &["`mode`", "depoly", "deploy"]),
    (&[("service", "web"), ("to", "previous")], &["`to`", "rollback"]),
    (&[("service", "web"), ("mode", "rollback"), ("to", "yesterday")], &["`to`", "yesterday"]),
    (&[("service", "web"), ("mode", "rollback"), ("to", "sha:main")], &["`to`", "sha:main", "commit"]),
    (&[("service", "web"), ("mode", "rollback"), ("to", "sha:8c1d2e")], &["`to`", "seven"]),
    (&[("service", "web"), ("mode", "rollback"), ("image", "good:2")], &["`image`"]),
    (&[("service", "arn:aws:ecs:us-east-1:123456789012:cluster/web")], &["`service`"]),
    (&[("service", "web"), ("cluster", "arn:aws:ecs:us-east-1:123456789012:service/web")], &["`cluster`"]),
    (&[("service", "web"), ("task-definition", "wbe.json")], &["`task-definition`", "wbe.json", "web.json"]),
    (&[("service", "web"), ("task-definition", "broken.json")], &["`task-definition`", "line"]),
    (&[("service", "web"), ("task-definition", "broken.yml")], &["`task-definition`"]),
    (&[("service", "web"), ("task-definition-arn", "web:1:2")], &["`task-definition-arn`"]),
    (&[("service", "web"), ("task-definition-revision", "3")], &["`task-definition-revision`", "family"]),
    (
        &[("service", "web"), ("task-definition-family", "web"), ("task-definition-revision", "x")],
        &["`task-definition-revision`"],
    ),
    (&[("service", "web"), ("image", "good:2"), ("container-name", "appp")], &["appp", "app"]),
    (&[("service", "web"), ("images", "app")], &["`images`"]),
    (&[("service", "web"), ("images", "appp=good:2")], &["appp", "app"]),
    (&[("service", "web"), ("environment-variables", "LEVEL")], &["`environment-variables`"]),
    (&[("service", "web"), ("environment-variables", "=x")], &["`environment-variables`"]),
    (&[("service", "web"), ("environment-variables", "TEXT<<END\nnever ended")], &["`environment-variables`", "END"]),
    (&[("service", "web"), ("secrets", "TOKEN")], &["`secrets`"]),
    (&[("service", "web"), ("docker-labels", "label")], &["`docker-labels`"]),
    (&[("service", "web"), ("log-configuration-options", "awslogs-group")], &["`log-configuration-options`"]),
    (&[("service", "web"), ("env-files", "not-an-arn")], &["`env-files`"]),
    (&[("service", "web"), ("command", "[\"sh\", 1")], &["`command`"]),
    (&[("service", "web"), ("command", "sh -c 'never closed")], &["`command`"]),
    (&[("service", "web"), ("task-role-arn", "arn:aws:iam::123456789012:user/me")], &["`task-role-arn`"]),
    (&[("service", "web"), ("desired-count", "-1")], &["`desired-count`"]),
    (&[("service", "web"), ("desired-count", "many")], &["`desired-count`", "many"]),
    (&[("service", "web"), ("force-new-deployment", "yes please")], &["`force-new-deployment`", "true"]),
    (&[("service", "web"), ("propagate-tags", "TASKDEF")], &["`propagate-tags`", "TASK_DEFINITION"]),
    (&[("service", "web"), ("service-managed-ebs-volume-name", "data")], &["`service-managed-ebs-volume`"]),
    (&[("service", "web"), ("service-managed-ebs-volume", "{}")], &["`service-managed-ebs-volume-name`"]),
    (
        &[
            ("service", "web"),
            ("service-managed-ebs-volume-name", "data"),
            ("service-managed-ebs-volume", "{\"sizeInGiB"),
        ],
        &["`service-managed-ebs-volume`", "JSON"],
    ),
    (
        &[
            ("service", "web"),
            ("service-managed-ebs-volume-name", "data"),
            ("service-managed-ebs-volume", "{\"sizeInGib\": 30, \"roleArn\": \"arn:aws:iam::123456789012:role/ebs\"}"),
        ],
        &["`service-managed-ebs-volume`", "sizeInGiB"],
    ),
    (
        &[
            ("service", "web"),
            ("service-managed-ebs-volume-name", "data"),
            ("service-managed-ebs-volume", "{\"sizeInGiB\": 30}"),
        ],
        &["`service-managed-ebs-volume`", "roleArn"],
    ),
    (&[("service", "web"), ("subnets", "subnet-0b, vpc-0a")], &["`subnets`", "vpc-0a", "subnet-"]),
    (&[("service", "web"), ("security-groups", "web")], &["`security-groups`", "sg-"]),
    (&[("service", "web"), ("assign-public-ip", "true")], &["`assign-public-ip`", "ENABLED"]),
    (&[("service", "web"), ("mode", "promote")], &["`from-service`"]),
    (&[("service", "web"), ("from-service", "web"), ("from-cluster", "staging")], &["`from-service`", "promote"]),
    (&[("service", "web"), ("mode", "promote"), ("from-cluster", "staging")], &["`from-cluster`", "`from-service`"]),
    (&[("service", "web"), ("mode", "promote"), ("from-service", "web")], &["`from-service`", "very service"]),
    (&[("service", "web"), ("mode", "promote"), ("from-service", "api"), ("image", "good:2")], &["`image`"]),
    (
        &[
            ("service", "web"),
            ("mode", "promote"),
            ("aws-region", "us-east-1"),
            ("from-service", "arn:aws:ecs:eu-west-1:123456789012:service/staging/web"),
        ],
        &["`from-service`", "region"],
    ),
    (&[("service", "web"), ("keep-revisions", "0")], &["`keep-revisions`"]),
    (&[("service", "web"), ("keep-revisions", "all")], &["`keep-revisions`", "all"]),
    (&[("service", "web"), ("scheduled-rules", "every night")], &["`scheduled-rules`", "every night"]),
    (
        &[("service", "web"), ("scheduled-rules", "nightly"), ("wait-for-service-stability", "false")],
        &["`scheduled-rules`", "wait"],
    ),
    (&[("service", "web"), ("wait-for-minutes", "1h")], &["`wait-for-minutes`", "minutes"]),
    (&[("service", "web"), ("on-conflict", "panic")], &["`on-conflict`", "supersede"]),
    (&[("service", "web"), ("max-retries", "-2")], &["`max-retries`"]),
    (&[("service", "web"), ("health-check-url", "web.example")], &["`health-check-url`", "https://"]),
    (&[("service", "web"), ("health-check-url", "ftp://web.example")], &["`health-check-url`", "http"]),
    (
        &[("service", "web"), ("health-check-url", "http://me:secret@web.example")],
        &["`health-check-url`", "unencrypted"],
    ),
    (
        &[("service", "web"), ("wait-until", "test-traffic-shift"), ("health-check-url", "https://web.example")],
        &["`wait-until`", "TEST_TRAFFIC_SHIFT", "`health-check-url`"],
    ),
    (
        &[("service", "web"), ("wait-until", "bake-time"), ("rollback-alarms", "errors")],
        &["`wait-until`", "`rollback-alarms`"],
    ),
    (&[("service", "web"), ("health-check-status", "200")], &["`health-check-status`", "health-check-url"]),
    (
        &[("service", "web"), ("health-check-url", "https://web.example"), ("health-check-status", "2xx")],
        &["`health-check-status`", "2xx"],
    ),
    (
        &[("service", "web"), ("health-check-url", "https://web.example"), ("health-check-body", "(")],
        &["`health-check-body`", "regular expression"],
    ),
    (
        &[("service", "web"), ("health-check-url", "https://web.example"), ("health-check-interval-seconds", "0")],
        &["`health-check-interval-seconds`"],
    ),
    (
        &[("service", "web"), ("health-check-url", "https://web.example"), ("health-check-successes", "101")],
        &["`health-check-successes`"],
    ),
    (
        &[("service", "web"), ("health-check-url", "https://web.example"), ("health-check-minutes", "0.1")],
        &["`health-check-minutes`", "do not fit"],
    ),
    (&[("service", "web"), ("rollback-alarms", "arn:aws:cloudwatch:us-east-1:1:alarm:a")], &["`rollback-alarms`"]),
    (&[("service", "web"), ("verify-minutes", "5")], &["`verify-minutes`", "rollback-alarms"]),
    (&[("service", "web"), ("rollback-alarms", "a"), ("verify-minutes", "0")], &["`verify-minutes`"]),
    (
        &[("service", "web"), ("rollback-alarms", "a"), ("wait-for-service-stability", "false")],
        &["`rollback-alarms`", "wait-for-service-stability"],
    ),
    (&[("service", "web"), ("alarm-preflight", "maybe")], &["`alarm-preflight`", "ignore"]),
    (&[("service", "web"), ("deployment-strategy", "purple")], &["`deployment-strategy`", "purple", "blue-green"]),
    (&[("service", "web"), ("deployment-strategy", "blue-green")], &["`bake-time-minutes`"]),
    (
        &[("service", "web"), ("deployment-strategy", "rolling"), ("canary-percent", "5")],
        &["`canary-percent`", "ROLLING"],
    ),
    // What the service has decides where no strategy is named.
    (&[("service", "web"), ("linear-step-percent", "5")], &["`linear-step-percent`", "ROLLING"]),
    (
        &[("service", "web"), ("deployment-strategy", "canary"), ("canary-percent", "0.05")],
        &["`canary-percent`", "0.05"],
    ),
    (
        &[("service", "web"), ("deployment-strategy", "linear"), ("linear-step-percent", "2.9")],
        &["`linear-step-percent`"],
    ),
    (&[("service", "web"), ("bake-time-minutes", "1441")], &["`bake-time-minutes`", "1440"]),
    (&[("service", "web"), ("minimum-healthy-percent", "101")], &["`minimum-healthy-percent`"]),
    (&[("service", "web"), ("maximum-percent", "100")], &["`maximum-percent`", "no task could ever be replaced"]),
    (
        &[("service", "web"), ("deployment-circuit-breaker", "yes")],
        &["`deployment-circuit-breaker`", "on-without-rollback"],
    ),
    (
        &[("service", "web"), ("deployment-circuit-breaker-threshold", "50%")],
        &["`deployment-circuit-breaker-threshold`", "off"],
    ),
    (&[("service", "web"), ("wait-until", "purple")], &["`wait-until`", "bake-time"]),
    (&[("service", "web"), ("wait-until", "bake-time")], &["`wait-until`", "no stages"]),
    (&[("service", "web"), ("on-pause-hook", "panic")], &["`on-pause-hook`", "return"]),
    (&[("service", "web"), ("pause-hook", "ecs-pause-1")], &["`pause-hook`", "`mode: continue`"]),
    (&[("service", "web"), ("mode", "continue"), ("pause-hook-action", "stop")], &["`pause-hook-action`", "rollback"]),
    (&[("service", "web"), ("mode", "continue"), ("image", "good:2")], &["`image`"]),
];

fn step(inputs: &[(&str, &str)]) -> Step {
    let step = Step::bare()
        .file("web.json", &task_definition("good:2").to_string())
        .file("broken.json", "{\"family\": \"web\",\n oops}")
        .file("broken.yml", "family: web\nfamily: twice\n");
    inputs.iter().fold(step, |step, (name, value)| step.input(name, value))
}

#[tokio::test(start_paused = true)]
async fn one_clear_error_and_nothing_changed() {
    for (inputs, words) in CASES {
        let simulator = world(Scenario::default());

        let report = step(inputs).run(&simulator).await;

        report.ended("refused", "invalid-input");
        let [error] = report.errors()[..] else { panic!("{inputs:?}: {report:#?}") };
        for word in words {
            assert!(error.contains(word), "{inputs:?}: `{word}` is not in {error}");
        }
        assert_eq!((report.exit_code, writes(&simulator)), (1, vec![]), "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_said_at_once() {
    let simulator = world(Scenario::default());

    let report = step(&[("desired-count", "many"), ("mode", "depoly"), ("secrets", "TOKEN")]).run(&simulator).await;

    let [error] = report.errors()[..] else { panic!("{report:#?}") };
    for input in ["service", "desired-count", "mode", "secrets"] {
        assert!(error.contains(&format!("`{input}`")), "{input} is not in {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_ecs_would_refuse_is_refused_before_it_is_sent() {
    let simulator = world(Scenario::default());
    let mut document = task_definition("good:2");
    document["cpu"] = json!("300");
    document["taskRoleArn"] = json!("arn:aws:iam::123456789012:user/me");
    document["containerDefinitions"][0]["dependsOn"] = json!([{"containerName": "nobody", "condition": "START"}]);

    let report = Step::bare()
        .input("service", "web")
        .input("task-definition", "web.json")
        .file("web.json", &document.to_string())
        .run(&simulator)
        .await;

    report.ended("refused", "preflight");
    let [error] = report.errors()[..] else { panic!("{report:#?}") };
    for word in ["cpu", "taskRoleArn", "nobody"] {
        assert!(error.contains(word), "`{word}` is not in {error}");
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn services_that_this_version_cannot_deploy_are_refused_with_the_reason() {
    for (service, word) in [
        (Service::new("web").controller("EXTERNAL"), "EXTERNAL"),
        (Service::new("web").status("DRAINING"), "DRAINING"),
        (Service::new("web").status("INACTIVE"), "INACTIVE"),
    ] {
        let simulator = Simulator::new(Scenario::default());
        simulator.add_service(service.task_definition(task_definition("good:1")));

        let report = Step::deploying("good:2").run(&simulator).await;

        report.ended("refused", "preflight");
        assert!(report.errors()[0].contains(word), "{:?}", report.errors());
        assert_eq!(writes(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_region_nothing_is_asked() {
    let simulator = world(Scenario::default());

    let report = Step::deploying("good:2").variable("AWS_REGION", " ").run(&simulator).await;

    report.ended("refused", "invalid-input");
    assert!(report.errors()[0].contains("aws-region"), "{:?}", report.errors());
    assert!(simulator.journal().is_empty());

    let arn = "arn:aws:ecs:us-east-1:123456789012:service/default/web";
    let report = Step::deploying("good:2").variable("AWS_REGION", "").input("service", arn).run(&simulator).await;
    report.ended("deployed", "");
}
