//! A model that is registered in the model registry of Amazon SageMaker: what is sent, what decides about it, and what is said of
//! the result.

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::{Fault, Repository, Rule, Scenario, When};
use support::model_package::{
    COMMIT, DATA, GATES, GOOD, REPOSITORY, RUN, approved, judged, pending, refusing, registered, registering, world,
    writes,
};
use support::permissions::unused;
use support::{Report, Step};

#[tokio::test(start_paused = true)]
async fn a_model_is_registered_with_what_is_known_of_it() {
    let simulator = world(Scenario::default());

    let report = judged(GOOD, GATES)
        .input("model-environment", "KEY=hunter2")
        .input("model-content-types", "text/csv, application/json")
        .input("model-instance-types", "ml.m5.large")
        .input("tags", "team=ml")
        .run(&simulator)
        .await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["CreateModelPackageGroup", "CreateModelPackage"]);
    assert_eq!(
        simulator.calls("CreateModelPackageGroup")[0].request,
        json!({"ModelPackageGroupName": "bikes", "Tags": [{"Key": "team", "Value": "ml"}]})
    );
    let mut request = simulator.calls("CreateModelPackage")[0].request.clone();
    let token = request.as_object_mut().unwrap().remove("ClientToken").unwrap();
    assert_eq!(token.as_str().unwrap().len(), 36);
    let description = request.as_object_mut().unwrap().remove("ModelPackageDescription").unwrap();
    let (by, content) = description.as_str().unwrap().split_once(" (content ").unwrap();
    assert_eq!(by, format!("Registered by run 4711 of shop/web, commit {COMMIT}: {RUN}"));
    assert_eq!(content.strip_suffix(')').unwrap().len(), 16);
    // Of a value of the environment not even a hash is shown.
    assert!(!format!("{report:?}").contains(content), "{report:#?}");
    assert_eq!(
        request,
        json!({
            "ModelPackageGroupName": "bikes",
            "InferenceSpecification": {
                "Containers": [{
                    "Image": format!("{REPOSITORY}@{}", simulator.tagged("bikes", "1").unwrap()),
                    "ModelDataUrl": DATA,
                    "Environment": {"KEY": "hunter2"},
                }],
                "SupportedContentTypes": ["text/csv", "application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
                "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
            },
            "MetadataProperties": {"CommitId": COMMIT, "Repository": "shop/web", "GeneratedBy": RUN},
            "CustomerMetadataProperties": {
                "ecs-deploy-action:commit": COMMIT,
                "ecs-deploy-action:repository": "shop/web",
                "ecs-deploy-action:run": "4711",
                "ecs-deploy-action:run-url": RUN,
                "accuracy": "0.91",
                "f1": "0.74",
                "data.rows": "1200",
            },
            "ModelApprovalStatus": "PendingManualApproval",
        })
    );
    assert_eq!(registered(&simulator), [pending(1)]);
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/bikes/1";
    assert_eq!(report.output("model-package-arn"), arn);
    assert_eq!(report.output("model-package-version"), "1");
    assert_eq!(report.output("model-approval-status"), "PendingManualApproval");
    assert_eq!(report.outputs.get("running-count"), None, "nothing runs");
    let message = "Version 1 of model package group bikes is registered; it is for a person to approve it.";
    assert_eq!(report.output("message"), message);
    for text in [&report.log, &report.summary] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("running"), "nothing runs: {text}");
    }
    assert!(report.log.contains("accuracy >= 0.80") && report.log.contains("InProgress"), "{}", report.log);
    assert!(report.summary.contains("| accuracy &#62;= 0.80 | &#48;.91 | passed |"), "{}", report.summary);
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_is_not_sent() {
    let simulator = world(Scenario::default());
    simulator.add_model_package("bikes", 1, &json!({}));

    registering().input("deploy-tags", "false").run(&simulator).await.ended("deployed", "");

    assert_eq!(writes(&simulator), ["CreateModelPackage"], "the group is there");
    let request = simulator.calls("CreateModelPackage")[0].request.clone();
    for member in ["MetadataProperties", "CustomerMetadataProperties", "ModelMetrics", "Tags", "ModelLifeCycle"] {
        assert!(request[member].is_null(), "{member}");
    }
    assert_eq!(request["InferenceSpecification"]["SupportedContentTypes"], json!(["application/json"]));
    assert_eq!(registered(&simulator), [pending(1), pending(2)]);
}

#[tokio::test(start_paused = true)]
async fn metrics_in_s3_are_put_on_the_version_as_their_address() {
    let simulator = world(Scenario::default());
    registering().input("model-metrics", "s3://models/evaluation.json").run(&simulator).await.ended("deployed", "");
    let source = json!({"ContentType": "application/json", "S3Uri": "s3://models/evaluation.json"});
    let request = &simulator.calls("CreateModelPackage")[0].request;
    assert_eq!(request["ModelMetrics"], json!({"ModelQuality": {"Statistics": source}}));
}

#[tokio::test(start_paused = true)]
async fn metrics_in_s3_are_judged() {
    let judged = |key: &str| {
        let step = registering().input("model-metrics", &format!("s3://models/{key}")).input("quality-gates", GATES);
        step.input("approve", "if-gates-pass")
    };
    let simulator = world(Scenario::default());
    simulator.add_object("models", "bad.json", r#"{"accuracy": NaN, "f1": 0.74}"#);
    simulator.add_object("models", "evaluation.csv", "accuracy,0.9");

    for (key, cause, told) in [
        ("bad.json", "quality-gates", "NaN, which is no number"),
        ("evaluation.csv", "quality-gates", "are not a JSON object"),
        ("none.json", "not-found", "GetObject: NoSuchKey: The specified key does not exist."),
    ] {
        let report = judged(key).run(&simulator).await;
        report.ended("refused", cause);
        assert!(report.log.contains(told), "{}", report.log);
        assert_eq!(writes(&simulator), [""; 0]);
    }

    simulator.add_object("models", "runs/42+1/evaluation.json", GOOD);
    let report = judged("runs/42+1/evaluation.json").run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(registered(&simulator), [approved(1)]);
    let request = &simulator.calls("CreateModelPackage")[0].request;
    let source = json!({"ContentType": "application/json", "S3Uri": "s3://models/runs/42+1/evaluation.json"});
    assert_eq!(request["ModelMetrics"], json!({"ModelQuality": {"Statistics": source}}));
    assert_eq!(request["CustomerMetadataProperties"]["accuracy"], "0.91", "a later gate finds it");

    simulator
        .inject(Rule { fault: Fault::ServerError, when: When { times: Some(2), ..refusing("GetObject", "").when } });
    let step = judged("runs/42+1/evaluation.json").variable("GITHUB_RUN_ID", "4712");
    step.run(&simulator).await.ended("deployed", "");
    simulator.inject(refusing("GetObject", "AccessDenied"));
    judged("runs/42+1/evaluation.json").run(&simulator).await.ended("refused", "access-denied");
}

#[tokio::test(start_paused = true)]
async fn model_data_under_a_prefix_is_not_an_archive() {
    let simulator = world(Scenario::default());
    registering().input("model-data", "s3://models/bikes/").run(&simulator).await.ended("deployed", "");
    let request = &simulator.calls("CreateModelPackage")[0].request;
    let source = json!({"S3Uri": "s3://models/bikes/", "S3DataType": "S3Prefix", "CompressionType": "None"});
    let container = &request["InferenceSpecification"]["Containers"][0];
    assert_eq!(container["ModelDataSource"], json!({"S3DataSource": source}));
    assert!(container["ModelDataUrl"].is_null());
}

#[tokio::test(start_paused = true)]
async fn gates_that_pass_approve_a_version_when_they_may() {
    for (approve, status, told) in [
        (Some("if-gates-pass"), "Approved", "is registered and Approved, as asked."),
        (Some("manual"), "PendingManualApproval", "it is for a person to approve it."),
        (None, "PendingManualApproval", "it is for a person to approve it."),
        (Some("never"), "Rejected", "is registered and Rejected, as asked."),
    ] {
        let simulator = world(Scenario::default());
        let step = judged(GOOD, GATES);
        let step = match approve {
            Some(approve) => step.input("approve", approve),
            None => step,
        };

        let report = step.run(&simulator).await;

        report.ended("deployed", "");
        assert_eq!(registered(&simulator), [(1, status.to_owned())], "{approve:?}");
        assert_eq!(report.output("model-approval-status"), status);
        assert!(report.output("message").ends_with(told), "{}", report.output("message"));
        let description = simulator.model_packages("bikes")[0]["ApprovalDescription"].clone();
        match status {
            "Approved" => assert_eq!(
                description,
                json!(format!("Passed the quality gates: accuracy >= 0.80 (0.91), f1 >= 0.7 (0.74) ({RUN})"))
            ),
            "Rejected" => {
                assert_eq!(description, json!(format!("Registered for the record, not to be deployed ({RUN})")))
            }
            _ => assert_eq!(description, Value::Null),
        }
        // A version is complete before it is approved.
        let journal = simulator.journal();
        let position = |name: &str| journal.iter().rposition(|call| call.operation == name);
        if status != "PendingManualApproval" {
            assert!(position("UpdateModelPackage") > position("CreateModelPackage"));
            let complete = |call: &simulator::Call| call.response["ModelPackageStatus"] == "Completed";
            assert!(journal.iter().position(complete) < position("UpdateModelPackage"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_does_not_pass_lets_nothing_be_registered() {
    for (metrics, line, there) in [
        (r#"{"accuracy": 0.79, "f1": 0.74}"#, "accuracy >= 0.80", "0.79"),
        (r#"{"accuracy": NaN, "f1": 0.74}"#, "accuracy >= 0.80", "NaN, which is no number"),
        (r#"{"accuracy": Infinity, "f1": 0.74}"#, "accuracy >= 0.80", "Infinity, which is no number"),
        (r#"{"f1": 0.74}"#, "accuracy >= 0.80", "missing"),
        (r#"{"accuracy": "0.91", "f1": 0.74}"#, "accuracy >= 0.80", "which is no number"),
        (r#"{"accuracy": null, "f1": 0.74}"#, "accuracy >= 0.80", "null, which is no number"),
        (r#"{"accuracy": 0.91, "f1": "<script>alert(1)</script>"}"#, "f1 >= 0.7", "which is no number"),
    ] {
        for approve in ["if-gates-pass", "manual", "never"] {
            let simulator = world(Scenario::default());

            let report = judged(metrics, GATES).input("approve", approve).run(&simulator).await;

            report.ended("refused", "quality-gates");
            assert_eq!(report.exit_code, 1);
            assert_eq!(writes(&simulator), [""; 0], "{metrics} {approve}");
            assert_eq!(report.output("message"), "No version was registered in model package group bikes.");
            assert!(report.summary.contains("not passed") && report.summary.contains(there), "{}", report.summary);
            assert!(report.log.contains(line), "{}", report.log);
            assert!(!report.summary.contains("<script>"), "{}", report.summary);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_would_be_registered_and_how_the_gates_stand() {
    let simulator = world(Scenario::default());

    let step = judged(GOOD, GATES).input("approve", "if-gates-pass").input("model-environment", "KEY=hunter2");
    let report = step.input("mode", "plan").run(&simulator).await;

    report.ended("planned", "");
    let plan = report.output("plan");
    for part in
        ["ModelPackageGroup", "InferenceSpecification.Containers[0].Image", ":1@sha256:", "Approved", "0.91", DATA]
    {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert!(report.summary.contains("passed"), "{}", report.summary);
    assert!(!format!("{report:?}").contains("hunter2"), "{report:#?}");

    let worse = judged(r#"{"accuracy": 0.5, "f1": 0.74}"#, GATES).input("mode", "plan").run(&simulator).await;

    worse.ended("refused", "quality-gates");
    assert!(worse.summary.contains("not passed"), "{}", worse.summary);
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_decided_meanwhile_stands() {
    let simulator = world(Scenario::default());
    let step = |attempt: &str| judged(GOOD, GATES).variable("GITHUB_RUN_ATTEMPT", attempt);
    step("1").run(&simulator).await.ended("deployed", "");
    simulator.decide_about_model_package("bikes", 1, "Rejected");

    let report = step("2").input("approve", "if-gates-pass").run(&simulator).await;

    report.ended("refused", "conflict");
    assert!(
        report.log.contains("Version 1, which this run registered before, is Rejected meanwhile"),
        "{}",
        report.log
    );
    assert_eq!(registered(&simulator), [(1, "Rejected".to_owned())]);

    // Whoever leaves it to a person has nothing against it.
    step("3").run(&simulator).await.ended("unchanged", "");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_fails_is_told_as_it_is_and_not_joined() {
    let scenario =
        Scenario { registration_failure: Some("The image has no manifest.".to_owned()), ..Scenario::default() };
    let simulator = world(scenario);

    let report = registering().run(&simulator).await;

    report.ended("failed", "registration-failed");
    assert_eq!(report.exit_code, 3);
    let message = "Version 1 of model package group bikes is Failed: nothing can be deployed from it.";
    assert_eq!(report.output("message"), message);
    assert!(report.log.contains("The image has no manifest."), "{}", report.log);
    assert_eq!(writes(&simulator), ["CreateModelPackageGroup", "CreateModelPackage"]);

    let again = registering().variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await;
    again.ended("failed", "registration-failed");
    assert_eq!(again.output("model-package-version"), "2", "another token, another version");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_stayed_empty_is_removed_again() {
    let simulator = world(Scenario::default());
    simulator.inject(refusing("CreateModelPackage", "AccessDeniedException"));

    let report = registering().run(&simulator).await;

    report.ended("refused", "access-denied");
    assert_eq!(
        writes(&simulator),
        ["CreateModelPackageGroup", "CreateModelPackage", "DeleteModelPackageGroup"],
        "{report:#?}"
    );
    let group = json!({"ModelPackageGroupName": "bikes"});
    assert_eq!(simulator.look_at("sagemaker", "DescribeModelPackageGroup", &group), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_refused_leaves_the_version_to_a_person() {
    let simulator = world(Scenario::default());
    simulator.inject(refusing("UpdateModelPackage", "AccessDeniedException"));

    let report = judged(GOOD, GATES).input("approve", "if-gates-pass").run(&simulator).await;

    report.ended("failed", "access-denied");
    let message = "Version 1 of model package group bikes is registered and was left as it is: not everything that was asked for was done.";
    assert_eq!(report.output("message"), message);
    assert!(report.log.contains("It is not approved"), "{}", report.log);
    assert_eq!(registered(&simulator), [pending(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_or_elsewhere_is_refused_before() {
    let simulator = world(Scenario::default());
    let missing = registering().input("model-image", &format!("{REPOSITORY}:2")).run(&simulator).await;
    missing.ended("refused", "not-found");
    let elsewhere = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/bikes:1";
    let report = registering().input("model-image", elsewhere).run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("lies in eu-west-1"), "{}", report.log);
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_sagemaker_does_not_take_is_refused_before_it_could_be_quoted() {
    let mut lines: Vec<String> = (0..99).map(|number| format!("VARIABLE_{number}=x")).collect();
    lines.push(format!("LONG={}", "hunter2".repeat(150)));
    lines.push("with-hyphen=hunter2".to_owned());
    let simulator = world(Scenario::default());
    for mode in ["plan", "register-model"] {
        let step = registering().input("mode", mode).input("model-environment", &lines.join("\n"));
        let report = step.run(&simulator).await;
        report.ended("refused", "preflight");
        for told in ["has 101 environment variables", "LONG is longer than 1024 bytes", "`with-hyphen` is no name"] {
            assert!(report.log.contains(told), "{mode}: {told}: {}", report.log);
        }
        assert!(!format!("{report:?}").contains("hunter2"), "{report:#?}");
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_run_each_registration_is_a_new_version() {
    let simulator = world(Scenario::default());
    for version in [1, 2] {
        let report = registering().variable("GITHUB_RUN_ID", "").run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(registered(&simulator).len(), version);
    }
}

#[tokio::test(start_paused = true)]
async fn inputs_that_do_not_go_together_are_named() {
    for (inputs, expected) in [
        (&[("model-package-group", "")][..], "input `model-package-group`"),
        (&[("model-image", "")], "input `model-image`"),
        (&[("model-package-group", "a_b")], "`a_b` is not a name"),
        (&[("quality-gates", "accuracy >= 0.8")], "there is nothing to measure them by"),
        (&[("approve", "if-gates-pass")], "there are no gates that could pass"),
        (&[("approve", "always")], "`always` is not a choice"),
        (&[("model-environment", "LEVEL=info\n-KEY")], "`-NAME` removes nothing"),
        (&[("model-metrics", "none.json")], "`none.json` cannot be read"),
        (&[("model-metrics", "s3://models")], "not an address in Amazon S3"),
        (&[("model-metrics", "s3://models/runs/../evaluation.json")], "has `.` or `..` between its slashes"),
        (&[("model-metrics", "s3://models/./evaluation.json")], "has `.` or `..` between its slashes"),
        (&[("model-metrics", "s3://../evaluation.json")], "has `.` or `..` between its slashes"),
        (&[("model-metrics", "metrics.csv")], "is not a JSON object"),
        (&[("model-content-types", "csv")], "`csv` is not a media type"),
        (&[("model-instance-types", "m5.large")], "not an instance type"),
        (&[("endpoint-name", "bikes")], "deploys nothing"),
        (&[("service", "web")], "deploys nothing"),
        (&[("smoke-test-payload", "{}")], "deploys nothing"),
        (&[("model-life-cycle-stage", "Production")], "deploys nothing"),
        (&[("to", "previous")], "input `to`"),
        (&[("mode", "deploy"), ("endpoint-name", "bikes"), ("approve", "never")], "input `approve`"),
        (
            &[("mode", "deploy"), ("model-package-group", ""), ("quality-gates", "a > 1"), ("endpoint-name", "b")],
            "none is deployed",
        ),
    ] {
        let simulator = world(Scenario::default());
        let step = registering().file("metrics.csv", "accuracy,0.9\n");
        let report: Report =
            inputs.iter().fold(step, |step, (name, value)| step.input(name, value)).run(&simulator).await;
        report.ended("refused", "invalid-input");
        assert!(report.log.contains(expected), "{expected}: {}", report.log);
        assert!(simulator.journal().is_empty(), "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_registration_is_for_its_group_and_no_more() {
    let simulator = world(Scenario::default());
    let printing = |step: Step| step.input("mode", "iam-policy").input("iam-policy-for", "register-model");
    let in_s3 = registering().input("model-metrics", "s3://models/evaluation.json").input("quality-gates", GATES);
    for (step, expected, not_expected) in [
        (
            registering(),
            vec!["sagemaker:CreateModelPackage\"", "model-package/bikes/*"],
            vec!["UpdateModelPackage", "s3:"],
        ),
        (registering().input("approve", "never"), vec!["sagemaker:UpdateModelPackage"], vec!["s3:", "AddTags"]),
        (registering().input("tags", "a=b"), vec!["sagemaker:AddTags", "model-package-group/bikes"], vec!["s3:"]),
        (in_s3, vec!["s3:GetObject", "arn:aws:s3:::models/evaluation.json"], vec!["UpdateModelPackage"]),
    ] {
        let report = printing(step).run(&simulator).await;
        report.ended("planned", "");
        let policy = report.output("policy");
        assert!(expected.iter().all(|part| policy.contains(part)), "{expected:?}: {policy}");
        assert!(!not_expected.iter().any(|part| policy.contains(part)), "{not_expected:?}: {policy}");
        assert!(!policy.contains("ecs:") && !policy.contains("UpdateEndpoint"), "{policy}");
    }
    assert!(simulator.journal().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_registration_is_granted_nothing_that_is_never_used() {
    type Make = fn() -> Step;
    let steps: [(&str, Make); 4] = [
        ("a version", registering),
        ("a plan", || registering().input("mode", "plan")),
        ("a new group with tags", || registering().input("tags", "team=ml")),
        ("a version that its metrics approve", || {
            let step = registering().input("model-metrics", "s3://models/evaluation.json");
            step.input("quality-gates", GATES).input("approve", "if-gates-pass")
        }),
    ];
    for (name, step) in steps {
        let worlds: Vec<_> = (0..5).map(|_| world(Scenario::default())).collect();
        worlds[1].inject(refusing("CreateModelPackage", "AccessDeniedException"));
        worlds[2].add_repository(Repository::new("bikes"));
        worlds[3].add_model_package("bikes", 1, &json!({}));
        registering().run(&worlds[4]).await.ended("deployed", "");
        worlds.iter().for_each(|simulator| simulator.add_object("models", "evaluation.json", GOOD));
        assert_eq!(unused(step, worlds).await, BTreeSet::new(), "{name}");
    }
}
