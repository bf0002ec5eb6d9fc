//! What is sent to AWS, and what is taken over.

use serde_json::json;
use simulator::{Fault, Rule, Scenario, When};

use crate::stage::{DATA, MAKING, bikes, creating, deploying, digest, empty, image, request, serves, world, writes};
use crate::support::Step;

#[tokio::test(start_paused = true)]
async fn an_update_changes_what_was_named_and_takes_over_everything_else() {
    let simulator = world(Scenario::default());

    let report = deploying("2").input("tags", "team=bikes").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), MAKING);
    let name = report.output("endpoint-config-name").to_owned();
    assert!(name.starts_with("bikes-4711-"), "{name}");
    let tags = json!([
        {"Key": "team", "Value": "bikes"},
        {"Key": "ecs-deploy-action:commit", "Value": "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"},
        {"Key": "ecs-deploy-action:repository", "Value": "shop/web"},
        {"Key": "ecs-deploy-action:run", "Value": "4711/1"},
        {"Key": "ecs-deploy-action:endpoint", "Value": "bikes"},
    ]);
    assert_eq!(
        request(&simulator, "CreateModel"),
        json!({
            "ModelName": report.output("model-name"),
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/model",
            "PrimaryContainer": {
                "Image": digest(&simulator, "2"),
                "ModelDataUrl": DATA,
                "Environment": {"LEVEL": "info", "KEY": "hunter2"},
            },
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            "Tags": tags,
        })
    );
    let mut tags = tags;
    tags.as_array_mut().unwrap().push(json!({"Key": "ecs-deploy-action:previous", "Value": "bikes"}));
    assert_eq!(
        request(&simulator, "CreateEndpointConfig"),
        json!({
            "EndpointConfigName": name,
            "KmsKeyId": "alias/models",
            "DataCaptureConfig": {
                "EnableCapture": true,
                "InitialSamplingPercentage": 20,
                "DestinationS3Uri": "s3://captured/bikes",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            },
            "ProductionVariants": [{
                "VariantName": "AllTraffic",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
                "ContainerStartupHealthCheckTimeoutInSeconds": 600,
                "ModelName": report.output("model-name"),
            }],
            "Tags": tags,
        })
    );
    assert_eq!(
        request(&simulator, "UpdateEndpoint"),
        json!({"EndpointName": "bikes", "EndpointConfigName": name, "RetainAllVariantProperties": true})
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 3));
    assert_eq!(report.output("previous-endpoint-config-name"), "bikes");
    assert_eq!(report.output("running-count"), "3");
    assert_eq!(report.output("message"), format!("Endpoint bikes serves {name}."));
    for text in [&report.log, &report.summary] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn tags_of_others_are_carried_over() {
    let simulator = world(Scenario::default());
    deploying("2").input("deploy-tags", "false").run(&simulator).await.ended("deployed", "");
    let tags = request(&simulator, "CreateModel")["Tags"].clone();
    assert_eq!(tags, json!([{"Key": "team", "Value": "ml"}]));
}

#[tokio::test(start_paused = true)]
async fn what_is_served_already_is_not_deployed_again() {
    let simulator = world(Scenario::default());
    let report = deploying("1").input("model-environment", "LEVEL=info").run(&simulator).await;
    report.ended("unchanged", "");
    assert_eq!(writes(&simulator), [""; 0]);

    deploying("2").run(&simulator).await.ended("deployed", "");
    let again = deploying("2").variable("GITHUB_RUN_ID", "4712").run(&simulator).await;
    again.ended("unchanged", "");
    assert_eq!(writes(&simulator), MAKING);
}

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_is_created_by_looking() {
    let simulator = empty(Scenario::default());

    let report = creating("2").input("instance-count", "2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(writes(&simulator), ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]);
    let variant = request(&simulator, "CreateEndpointConfig")["ProductionVariants"][0].clone();
    assert_eq!(
        variant,
        json!({
            "VariantName": "AllTraffic",
            "InitialVariantWeight": 1.0,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "ModelName": report.output("model-name"),
        })
    );
    assert_eq!(serves(&simulator), ("InService".to_owned(), digest(&simulator, "2"), 2));

    // What the plan of a new endpoint shows has no values of variables either.
    let plan = creating("2").input("endpoint-name", "bikes-2").input("model-environment", "KEY=hunter2");
    let report = plan.input("mode", "plan").run(&simulator).await;
    assert!(report.output("plan").contains("Environment.KEY"), "{report:#?}");
    assert!(!format!("{report:?}").contains("hunter"), "{report:#?}");
}

/// `Step::run` holds every call against the policy that is printed for the inputs.
#[tokio::test(start_paused = true)]
async fn what_is_made_for_a_long_name_is_allowed_by_the_policy_for_it() {
    let names = ["b".repeat(35), "b".repeat(29), format!("{}---eu", "b".repeat(26)), "bikes--eu".to_owned()];
    for name in names {
        let simulator = empty(Scenario::default());
        let step = |tag| creating(tag).input("endpoint-name", &name).variable("GITHUB_RUN_ID", "12345678901234567890");
        step("1").run(&simulator).await.ended("deployed", "");
        step("2").run(&simulator).await.ended("deployed", "");
        assert_eq!(simulator.calls("CreateModel").len(), 2, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_says_all_that_it_needs() {
    let simulator = empty(Scenario::default());
    let report = Step::bare().input("endpoint-name", "bikes").run(&simulator).await;
    report.ended("refused", "invalid-input");
    for input in ["instance-type", "model-image", "model-role-arn"] {
        assert!(report.log.contains(input), "{input}: {}", report.log);
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_override_changes_its_member() {
    for (inputs, operation, pointer, expected) in [
        (
            vec![("instance-type", "ml.m5.xlarge")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/InstanceType",
            json!("ml.m5.xlarge"),
        ),
        (
            vec![("instance-count", "5")],
            "UpdateEndpoint",
            "/ExcludeRetainedVariantProperties",
            json!([{"VariantPropertyType": "DesiredInstanceCount"}]),
        ),
        (
            vec![("serverless-memory-mb", "2048"), ("serverless-max-concurrency", "10")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/ServerlessConfig",
            json!({"MemorySizeInMB": 2048, "MaxConcurrency": 10}),
        ),
        (
            vec![("container-startup-timeout-seconds", "900")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/ContainerStartupHealthCheckTimeoutInSeconds",
            json!(900),
        ),
        (
            vec![("inference-ami-version", "al2-ami-sagemaker-inference-gpu-3-1")],
            "CreateEndpointConfig",
            "/ProductionVariants/0/InferenceAmiVersion",
            json!("al2-ami-sagemaker-inference-gpu-3-1"),
        ),
        (vec![("endpoint-kms-key-id", "alias/other")], "CreateEndpointConfig", "/KmsKeyId", json!("alias/other")),
        (vec![("data-capture-percent", "0")], "CreateEndpointConfig", "/DataCaptureConfig/EnableCapture", json!(false)),
        (
            vec![("model-environment", "LEVEL=debug\n-KEY")],
            "CreateModel",
            "/PrimaryContainer/Environment",
            json!({"LEVEL": "debug"}),
        ),
        (
            vec![("model-subnets", "subnet-9"), ("model-security-groups", "sg-9")],
            "CreateModel",
            "/VpcConfig",
            json!({"SecurityGroupIds": ["sg-9"], "Subnets": ["subnet-9"]}),
        ),
        (
            vec![("model-data", "s3://models/uncompressed/")],
            "CreateModel",
            "/PrimaryContainer/ModelDataSource/S3DataSource/S3DataType",
            json!("S3Prefix"),
        ),
    ] {
        let simulator = world(Scenario::default());
        let step = Step::bare().input("endpoint-name", "bikes");
        let step = inputs.iter().fold(step, |step, (input, value)| step.input(input, value));
        step.run(&simulator).await.ended("deployed", "");
        let sent = request(&simulator, operation);
        assert_eq!(sent.pointer(pointer), Some(&expected), "{inputs:?}: {sent}");
        if operation != "CreateModel" {
            assert_eq!(simulator.calls("CreateModel").len(), 0, "{inputs:?}: the model stays");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_old_and_new_and_writes_nothing() {
    let simulator = world(Scenario::default());
    let step = deploying("2").input("mode", "plan").input("model-environment", "KEY=hunter3");
    let report = step.run(&simulator).await;
    report.ended("planned", "");
    assert_eq!(writes(&simulator), [""; 0]);
    let plan = report.output("plan");
    let container = "ProductionVariants[AllTraffic].Model.PrimaryContainer";
    for subject in [format!("{container}.Image"), format!("{container}.Environment.KEY")] {
        assert!(plan.contains(&subject), "{subject} is missing in {plan}");
    }
    assert!(!plan.contains("hunter") && plan.contains("bikes:2@sha256:"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn only_not_found_means_absent() {
    for (code, cause) in [
        ("AccessDeniedException", "access-denied"),
        ("ExpiredTokenException", "credentials"),
        ("ValidationException", "request-refused"),
        ("ThrottlingException", "unavailable"),
    ] {
        let simulator = world(Scenario::default());
        let (code, message) = (code.to_owned(), "User is not authorized to see it.".to_owned());
        let when = When { operation: Some("DescribeEndpoint".to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
        let report = creating("2").input("max-retries", "1").run(&simulator).await;
        report.ended("refused", cause);
        assert_eq!(writes(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said_before_anything_is_looked_at() {
    for (inputs, named) in [
        (vec![("model-image", "a:1")], "model-image"),
        (vec![("endpoint-name", "a_b")], "endpoint-name"),
        (vec![("endpoint-name", "bikes-")], "endpoint-name"),
        (vec![("endpoint-name", "bikes"), ("service", "web")], "service"),
        (vec![("endpoint-name", "bikes"), ("model-name", "a"), ("from-endpoint", "b")], "model-name"),
        (vec![("endpoint-name", "bikes"), ("from-endpoint", "bikes")], "from-endpoint"),
        (vec![("endpoint-name", "bikes"), ("mode", "promote")], "from-endpoint"),
        (vec![("endpoint-name", "bikes"), ("model-version", "3")], "model-version"),
        (vec![("endpoint-name", "bikes"), ("model-name", "a"), ("model-image", "b:1")], "model-image"),
        (vec![("endpoint-name", "bikes"), ("model-data", "bikes.tar.gz")], "model-data"),
        (vec![("endpoint-name", "bikes"), ("instance-type", "m5.large")], "instance-type"),
        (vec![("endpoint-name", "bikes"), ("instance-count", "0")], "instance-count"),
        (vec![("endpoint-name", "bikes"), ("model-subnets", "subnet-1")], "model-subnets"),
        (
            vec![("endpoint-name", "bikes"), ("instance-type", "ml.m5.large"), ("serverless-memory-mb", "1024")],
            "instance-type",
        ),
        (vec![("endpoint-name", "bikes"), ("serverless-memory-mb", "1500")], "serverless-memory-mb"),
        (
            vec![
                ("endpoint-name", "bikes"),
                ("serverless-max-concurrency", "10"),
                ("serverless-provisioned-concurrency", "11"),
            ],
            "serverless-provisioned-concurrency",
        ),
        (vec![("endpoint-name", "bikes"), ("mode", "rollback"), ("to", "web:7")], "to"),
        (vec![("endpoint-name", "bikes"), ("mode", "run-task")], "mode"),
        (vec![("endpoint-name", "bikes"), ("mode", "continue")], "mode"),
    ] {
        let simulator = world(Scenario::default());
        let step = inputs.iter().fold(Step::bare(), |step, (input, value)| step.input(input, value));
        let report = step.run(&simulator).await;
        report.ended("refused", "invalid-input");
        assert!(report.log.contains(&format!("`{named}`")) || report.log.contains(named), "{inputs:?}: {}", report.log);
        assert_eq!(simulator.journal().len(), 0, "{inputs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_makes_sense_with_what_is_served_is_measured_by_it() {
    let serverless = json!({"MemorySizeInMB": 2048, "MaxConcurrency": 10});
    let simulator = empty(Scenario::default());
    let endpoint = bikes().config("DataCaptureConfig", json!(null)).variant("InstanceType", json!(null));
    simulator.add_endpoint(
        endpoint.variant("InitialInstanceCount", json!(null)).variant("ServerlessConfig", serverless.clone()),
    );
    for (input, value, told) in [
        ("serverless-provisioned-concurrency", "11", "`serverless-provisioned-concurrency` is 11"),
        ("serverless-provisioned-concurrency", "11", "at most the 10"),
        ("data-capture-percent", "20", "Write `data-capture-s3-uri: s3://BUCKET/PREFIX`"),
    ] {
        let report = deploying("2").input(input, value).input("mode", "plan").run(&simulator).await;
        report.ended("refused", "invalid-input");
        assert!(report.log.contains(told), "{told}: {}", report.log);
    }

    let off = || Step::bare().input("endpoint-name", "bikes").input("data-capture-percent", "0");
    off().run(&simulator).await.ended("unchanged", "");
    let step = off().input("model-image", &image("2")).input("serverless-provisioned-concurrency", "10");
    step.run(&simulator).await.ended("deployed", "");
    let config = request(&simulator, "CreateEndpointConfig");
    assert_eq!(config["DataCaptureConfig"], json!(null), "there is nothing to turn off");
    assert_eq!(config["ProductionVariants"][0]["ServerlessConfig"]["ProvisionedConcurrency"], 10);
}
