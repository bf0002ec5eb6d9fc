//! What is found out before anything is changed.

use serde_json::json;
use simulator::{Endpoint, Fault, Image, Repository, Rule, Scenario, Simulator, When};

use crate::stage::{DATA, bikes, deploying, image, request, world, writes};
use crate::support::Step;

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_run_there_is_refused() {
    let simulator = world(Scenario::default());
    let report = deploying("arm").run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("is for linux/arm64, and the endpoint runs on linux/amd64"), "{}", report.log);
    let graviton = deploying("arm").input("instance-type", "ml.c7g.large");
    graviton.run(&simulator).await.ended("deployed", "");

    let missing = deploying("none").run(&simulator).await;
    missing.ended("refused", "not-found");
    let elsewhere = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/bikes:2";
    let report = Step::bare().input("endpoint-name", "bikes").input("model-image", elsewhere).run(&simulator).await;
    report.ended("refused", "preflight");
    assert!(report.log.contains("lies in eu-west-1"), "{}", report.log);
}

/// CreateModel is refused, with this code and this message.
fn refusing(code: &str, message: &str) -> Simulator {
    let simulator = world(Scenario::default());
    let when = When { operation: Some("CreateModel".to_owned()), ..When::default() };
    let (code, message) = (code.to_owned(), message.to_owned());
    simulator.inject(Rule { when, fault: Fault::Refuse { status: 400, code, message } });
    simulator
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_sagemaker_is_reported_to_refuse_is_told_of_and_explained_where_it_is() {
    let simulator = Simulator::new(Scenario::default());
    let repository = Repository::new("bikes").image(Image::new("1", "linux", "amd64").tag("1"));
    let repository = repository.image(Image::new("2", "linux", "amd64").docker().tag("docker"));
    let repository = repository.image(Image::new("3", "linux", "amd64").tag("oci"));
    let index = Image::index(vec![Image::new("4", "linux", "amd64")]);
    simulator.add_repository(repository.image(index.tag("index")));
    simulator.add_endpoint(bikes());
    for (tag, kind) in [("oci", Some("image.manifest")), ("index", Some("image.index")), ("docker", None)] {
        let report = deploying(tag).input("mode", "plan").run(&simulator).await;
        report.ended("planned", "");
        let told =
            report.log.lines().find(|line| line.starts_with("::warning") && line.contains("is reported to refuse"));
        assert_eq!(told.is_some(), kind.is_some(), "{tag}: {}", report.log);
        assert!(kind.is_none_or(|kind| told.unwrap().contains(kind)), "{tag}: {}", report.log);
    }

    let message = format!(
        "Unsupported manifest media type application/vnd.oci.image.manifest.v1+json for image {}. Ensure that valid manifest \
         media type is used for specified image.",
        image("2")
    );
    let simulator = refusing("ValidationException", &message);
    let report = deploying("2").run(&simulator).await;
    report.ended("refused", "request-refused");
    assert!(report.log.contains("oci-mediatypes=false`, with one `--platform`"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_passed_is_explained_with_the_statement_that_is_missing() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: iam:PassRole on resource: \
                   arn:aws:iam::123456789012:role/model because no identity-based policy allows the iam:PassRole action";
    let simulator = refusing("AccessDeniedException", message);
    let report = deploying("2").run(&simulator).await;
    report.ended("refused", "access-denied");
    assert!(report.log.contains("\"iam:PassedToService\":\"sagemaker.amazonaws.com\""), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_is_too_much_for_sagemaker_is_refused_with_all_its_faults() {
    let mut lines: Vec<String> = (0..99).map(|number| format!("VARIABLE_{number}=x")).collect();
    lines.push(format!("LONG={}", "x".repeat(1025)));
    lines.push("with-hyphen=1".to_owned());
    let simulator = world(Scenario::default());
    let report = deploying("2").input("model-environment", &lines.join("\n")).run(&simulator).await;
    report.ended("refused", "preflight");
    for told in ["has 103 environment variables", "LONG is longer than 1024 bytes", "`with-hyphen` is no name"] {
        assert!(report.log.contains(told), "{told}: {}", report.log);
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_models_are_inference_components_is_refused_whatever_is_asked_for() {
    let simulator = world(Scenario::default());
    simulator.add_endpoint(Endpoint::new("parts", &image("1"), DATA).of_components());
    for (input, value) in [
        ("instance-type", "ml.m5.xlarge"),
        ("model-image", &image("2")),
        ("model-name", "bikes"),
        ("from-endpoint", "bikes"),
        ("data-capture-percent", "20"),
    ] {
        let step = Step::bare().input("endpoint-name", "parts").input(input, value);
        let report = step.run(&simulator).await;
        report.ended("refused", "preflight");
        assert!(report.log.contains("The endpoint's models are inference components."), "{input}: {}", report.log);
        assert_eq!(writes(&simulator), [""; 0], "{input}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_update_holds_its_waits_and_the_starts_that_variants_allow_themselves() {
    let seconds = ["container-startup-timeout-seconds", "model-download-timeout-seconds"];
    for (batch, expected, is_tight) in [("50", 14_400 + 2 * 60, false), ("5", 28_800, true)] {
        let simulator = world(Scenario::default());
        let step = deploying("2").input("deployment-strategy", "rolling").input("rolling-batch-percent", batch);
        let step = step.input("bake-time-minutes", "1").input(seconds[0], "3600").input(seconds[1], "3600");
        let report = step.input("wait-for-minutes", "120").run(&simulator).await;
        report.ended("deployed", "");
        let policy = request(&simulator, "UpdateEndpoint")["DeploymentConfig"]["RollingUpdatePolicy"].clone();
        assert_eq!(policy["MaximumExecutionTimeoutInSeconds"], json!(expected));
        assert_eq!(report.log.contains("ends the update after 480 minutes"), is_tight, "{}", report.log);
    }
}
