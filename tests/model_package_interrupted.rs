//! Registrations of a model that are cut off, joined by the next attempt, or seen to their end by the post step.

mod support;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::{Fault, Rule, Scenario, Simulator, When};
use support::model_package::{GATES, GOOD, approved, judged, pending, refusing, registered, registering, world};
use support::{Step, seconds};

#[tokio::test(start_paused = true)]
async fn the_next_attempt_of_a_run_registers_no_second_version() {
    let simulator = world(Scenario::default());
    let step =
        |attempt: &str| judged(GOOD, GATES).input("approve", "if-gates-pass").variable("GITHUB_RUN_ATTEMPT", attempt);
    step("1").run(&simulator).await.ended("deployed", "");

    let again = step("2").run(&simulator).await;

    again.ended("unchanged", "");
    let message = "Version 1 of model package group bikes was registered by this run already; nothing was changed.";
    assert_eq!(again.output("message"), message);
    assert_eq!(again.output("model-package-version"), "1");
    assert_eq!(again.output("model-approval-status"), "Approved");

    // Client tokens are forgotten; what is written on the version is not.
    tokio::time::advance(seconds(9 * 3600)).await;
    step("3").run(&simulator).await.ended("unchanged", "");
    assert_eq!(registered(&simulator), [approved(1)]);

    // Another model, and another run, are other versions.
    step("4").input("model-data", "s3://models/bikes-2.tar.gz").run(&simulator).await.ended("deployed", "");
    step("1").variable("GITHUB_RUN_ID", "4712").run(&simulator).await.ended("deployed", "");
    assert_eq!(registered(&simulator), [approved(1), approved(2), approved(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_on_its_way_is_joined_and_approved() {
    let simulator = world(Scenario { registration: seconds(600), ..Scenario::default() });
    let step = judged(GOOD, GATES).input("approve", "if-gates-pass");
    let (cancel, cancellation) = Cancellation::new();
    let cancelling = async {
        tokio::time::sleep(seconds(60)).await;
        cancel.send(true).unwrap();
    };
    let (report, ()) = tokio::join!(step.run_until_cancelled(&simulator, cancellation), cancelling);
    report.ended("failed", "cancelled");
    let message = "Version 1 of model package group bikes is registered and was left as it is: the run was cancelled.";
    assert_eq!(report.output("message"), message);
    assert_eq!(registered(&simulator), [pending(1)]);

    let report =
        judged(GOOD, GATES).input("approve", "if-gates-pass").variable("GITHUB_RUN_ATTEMPT", "2").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(registered(&simulator), [approved(1)]);
    assert_eq!(simulator.calls("CreateModelPackage").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_post_step_sees_a_version_to_its_end_where_asked() {
    for (on_cancel, outcome, approval, told) in [
        (
            "wait",
            "deployed",
            "Approved",
            "Version 1 of model package group bikes is registered and Approved, as asked.",
        ),
        (
            "rollback",
            "failed",
            "PendingManualApproval",
            "Version 1 of model package group bikes is registered and was left as it is: the run was cancelled.",
        ),
    ] {
        let simulator = world(Scenario { registration: seconds(60), ..Scenario::default() });
        let hang = Fault::Hang { after_effect: true };
        let when = When { times: Some(1), ..refusing("DescribeModelPackage", "").when };
        simulator.inject(Rule { fault: hang, when });
        let step = judged(GOOD, GATES).input("approve", "if-gates-pass").input("on-cancel", on_cancel);
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.run(&simulator) => panic!("it did not come to that call: {report:#?}"),
        }
        let report = step.post(&simulator, "cancelled").await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        assert_eq!(report.output("message"), told);
        assert_eq!(registered(&simulator), [(1, approval.to_owned())], "{on_cancel}");
    }
}

/// Leaves the step at its CreateModelPackage, which never answers.
async fn killed_while_it_registers(step: &Step, after_effect: bool, simulator: &Simulator) {
    let when = When { times: Some(1), ..refusing("CreateModelPackage", "").when };
    simulator.inject(Rule { fault: Fault::Hang { after_effect }, when });
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(simulator) => panic!("it did not come to that call: {report:#?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_version_of_another_job_of_the_run_is_nobody_elses() {
    for (after_effect, on_cancel, outcome, told, ours) in [
        (false, "wait", "refused", "No version was registered in model package group bikes.", None),
        (false, "rollback", "refused", "No version was registered in model package group bikes.", None),
        (
            true,
            "wait",
            "deployed",
            "Version 1 of model package group bikes is registered and Approved, as asked.",
            Some(approved(1)),
        ),
        (
            true,
            "rollback",
            "failed",
            "Version 1 of model package group bikes is registered and was left as it is: the run was cancelled.",
            Some(pending(1)),
        ),
    ] {
        let case = format!("{after_effect} {on_cancel}");
        let simulator = world(Scenario::default());
        let step = judged(GOOD, GATES).input("approve", "if-gates-pass").input("on-cancel", on_cancel);
        killed_while_it_registers(&step, after_effect, &simulator).await;
        // Another job of the same matrix registers another model, and leaves it to a person.
        let other = judged(GOOD, GATES).input("model-data", "s3://models/bikes-2.tar.gz");
        other.run(&simulator).await.ended("deployed", "");

        let report = step.post(&simulator, "cancelled").await;

        let theirs = pending(ours.iter().len() as u64 + 1);
        assert_eq!(registered(&simulator), ours.into_iter().chain([theirs]).collect::<Vec<_>>(), "{case}");
        assert_eq!(report.output("outcome"), outcome, "{case}: {report:#?}");
        assert_eq!(report.output("message"), told, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_models_own_content_is_not_approved_by_the_post_step() {
    let simulator = world(Scenario::default());
    let step = judged(GOOD, GATES).input("approve", "if-gates-pass").input("on-cancel", "wait");
    killed_while_it_registers(&step, true, &simulator).await;
    // Somebody copies the version, with all that is written on it, and changes the model.
    let mut copy = simulator.model_packages("bikes")[0].clone();
    copy["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] = json!("s3://models/theirs.tar.gz");
    copy["ModelPackageStatus"] = json!("Completed");
    simulator.add_model_package("bikes", 2, &copy);

    let report = step.post(&simulator, "cancelled").await;

    assert_eq!(registered(&simulator), [pending(1), pending(2)], "{report:#?}");
    assert_eq!((report.output("outcome"), report.output("cause")), ("failed", "conflict"), "{report:#?}");
    assert!(report.log.contains("Version 2 of bikes is not what was asked for."), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_off_is_looked_after_by_the_post_step() {
    const NOT_KNOWN: &str =
        "Whether a version was registered in model package group bikes is not known: the run was cancelled.";
    const NONE: &str = "No version was registered in model package group bikes.";
    const LEFT: &str =
        "Version 2 of model package group bikes is registered and was left as it is: the run was cancelled.";
    for (after_effect, outcome, message) in [(false, "refused", NONE), (true, "failed", LEFT)] {
        let simulator = world(Scenario::default());
        if after_effect {
            simulator.add_model_package("bikes", 1, &json!({}));
            // The list lags behind, for some time of the post step too.
            let when = When { until: Some(seconds(60)), ..refusing("ListModelPackages", "").when };
            simulator.inject(Rule { fault: Fault::StaleRead(seconds(30)), when });
            tokio::time::sleep(seconds(40)).await;
        }
        let when = When { times: Some(1), ..refusing("CreateModelPackage", "").when };
        simulator.inject(Rule { fault: Fault::Hang { after_effect }, when });
        let step = registering();
        let (cancel, cancellation) = Cancellation::new();
        let cancelling = async {
            simulator.hung().await;
            cancel.send(true).unwrap();
        };
        let (report, ()) = tokio::join!(step.run_until_cancelled(&simulator, cancellation), cancelling);

        report.ended("failed", "cancelled");
        assert_eq!(report.output("message"), NOT_KNOWN, "{after_effect}");
        assert!(report.log.contains("AWS did not say whether it registered a version"), "{}", report.log);
        assert!(simulator.calls("DeleteModelPackageGroup").is_empty(), "{after_effect}");

        let report = step.post(&simulator, "cancelled").await;

        assert_eq!(report.output("outcome"), outcome, "{after_effect}: {report:#?}");
        assert_eq!(report.output("message"), message);
        // A group that stayed empty is removed again.
        assert_eq!(simulator.calls("DeleteModelPackageGroup").len(), usize::from(!after_effect));
    }
}
