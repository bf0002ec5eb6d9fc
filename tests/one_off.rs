//! One-off tasks, alone and before a service is updated: what is sent, what is said of the end, and what is left.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;

use ecs_deploy_action::cycle::Cancellation;
use serde_json::{Value, json};
use simulator::{Behaviour, ContainerInstance, Fault, Rule, Scenario, Service, Simulator, When};
use support::faults::{at_call, faults, killed_at};
use support::{Report, Step, running, seconds, set_to, task_definition, web};

const SUBNETS: (&str, &str) = ("run-task-subnets", "subnet-0a, subnet-0b");

/// A task definition whose container `app` writes to CloudWatch Logs, with a sidecar.
fn job(image: &str) -> Value {
    let mut job = task_definition(image);
    job["family"] = json!("job");
    job["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"}});
    let sidecar = json!({"name": "proxy", "image": "proxy:1", "essential": false});
    job["containerDefinitions"].as_array_mut().unwrap().push(sidecar);
    job
}

fn ends(app: i64, proxy: i64) -> Behaviour {
    let exit_codes = BTreeMap::from([("app".to_owned(), app), ("proxy".to_owned(), proxy)]);
    Behaviour::Ends { after: seconds(20), exit_codes }
}

/// A step that runs the image's task alone.
fn running_task(image: &str) -> Step {
    Step::bare()
        .file("job.json", &job(image).to_string())
        .input("mode", "run-task")
        .input("task-definition", "job.json")
        .input(SUBNETS.0, SUBNETS.1)
}

fn tasks(simulator: &Simulator) -> Vec<Value> {
    let arns: Vec<Value> = ["RUNNING", "STOPPED"]
        .iter()
        .flat_map(|status| {
            let listed = simulator.look("ListTasks", &json!({"family": "job", "desiredStatus": status}));
            listed["taskArns"].as_array().unwrap().clone()
        })
        .collect();
    if arns.is_empty() {
        return arns;
    }
    simulator.look("DescribeTasks", &json!({"tasks": arns}))["tasks"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_well_is_green_with_its_log_and_its_result() {
    let lines = ["starting", r#"{"driver": "550", "ok": true}"#, "done"];
    let simulator = Simulator::new(Scenario::default().image("job", ends(0, 137)).log("job", &lines));

    let report = running_task("job:1")
        .input("run-task-container-overrides", r#"[{"name": "app", "command": ["migrate"]}]"#)
        .run(&simulator)
        .await;

    report.ended("deployed", "");
    assert_eq!(report.output("message"), "Task job:1 in cluster default ended well, with exit code 0.");
    assert_eq!(report.output("exit-code"), "0", "the sidecar's 137 does not count");
    assert_eq!(report.output("result"), r#"{"driver": "550", "ok": true}"#);
    for line in ["app: starting", "app: done"] {
        assert!(report.log.contains(line), "{}", report.log);
    }
    let sent = &simulator.calls("RunTask")[0].request;
    assert_eq!(sent["networkConfiguration"], json!({"awsvpcConfiguration": {"subnets": ["subnet-0a", "subnet-0b"]}}));
    assert_eq!((&sent["launchType"], &sent["count"]), (&json!("FARGATE"), &json!(1)));
    assert_eq!(sent["overrides"]["containerOverrides"][0]["command"], json!(["migrate"]));
    assert_eq!(sent["capacityProviderStrategy"], Value::Null, "nothing unasked");
    let arns: Vec<String> = serde_json::from_str(report.output("run-task-arn")).unwrap();
    assert_eq!(arns.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_says_which_container_and_shows_its_last_lines() {
    let lines = ["starting", "no such table", "::error::not a command"];
    let simulator = Simulator::new(Scenario::default().image("job", ends(3, 0)).log("job", &lines));

    let report = running_task("job:1").run(&simulator).await;

    report.ended("failed", "task-failed");
    assert_eq!(report.exit_code, 3);
    assert_eq!(report.output("message"), "Task job:1 in cluster default failed: container app ended with exit code 3.");
    assert_eq!(report.output("exit-code"), "3");
    assert!(report.summary.contains("no such table"), "{}", report.summary);
    let diagnosis: Value = serde_json::from_str(report.output("diagnosis")).unwrap();
    assert_eq!(diagnosis["logs"][0]["lines"][1], "no such table");
    assert_eq!(report.errors().len(), 1, "{}", report.log);
    assert_eq!(simulator.calls("StopTask").len(), 0, "it has stopped by itself");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_not_be_read_is_a_note() {
    let simulator = Simulator::new(Scenario::default().image("job", ends(0, 0)).log("job", &["{}"]));
    let refuse =
        Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned(), message: "no policy".to_owned() };
    let when = When { operation: Some("GetLogEvents".to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault: refuse });

    let report = running_task("job:1").run(&simulator).await;

    report.ended("deployed", "");
    assert!(report.log.contains("cannot be read"), "{}", report.log);
    assert_eq!(report.output("result"), "");
}

#[tokio::test(start_paused = true)]
async fn want_of_room_is_waited_for_and_a_constraint_is_not() {
    for (reason, until, minutes, outcome, cause, calls) in [
        ("RESOURCE:GPU", 25, "5", "deployed", "", 4),
        ("RESOURCE:GPU", 25, "0", "refused", "placement", 1),
        ("MemberOf placement constraint unsatisfied.", 25, "5", "refused", "placement", 1),
    ] {
        let scenario = Scenario::default().image("job", ends(0, 0)).run_task_failure(reason, seconds(until));
        let simulator = Simulator::new(scenario);

        let report = running_task("job:1").input("run-task-placement-minutes", minutes).run(&simulator).await;

        report.ended(outcome, cause);
        assert_eq!(simulator.calls("RunTask").len(), calls, "{reason}: {report:#?}");
        assert_eq!(simulator.calls("DeregisterTaskDefinition").len(), usize::from(outcome == "refused"));
        assert!(outcome == "deployed" || report.errors()[0].contains(reason), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_out_of_time_is_stopped() {
    let simulator = Simulator::new(Scenario::default());

    let report = running_task("job:1").input("wait-for-minutes", "1").run(&simulator).await;

    report.ended("failed", "timeout");
    assert!(report.output("message").ends_with("was not finished in time and was stopped."), "{report:#?}");
    assert_eq!(tasks(&simulator)[0]["lastStatus"], "STOPPED");
}

/// Runs the step and cancels it after 20 seconds.
async fn cancelled(step: &Step, simulator: &Simulator) -> Report {
    let (cancel, cancellation) = Cancellation::new();
    let run = step.run_until_cancelled(simulator, cancellation);
    tokio::pin!(run);
    tokio::select! {
        biased;
        report = &mut run => unreachable!("{report:#?}"),
        () = tokio::time::sleep(seconds(20)) => cancel.send_replace(true),
    };
    run.await
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_is_stopped_and_its_post_step_sees_to_it() {
    let simulator = Simulator::new(Scenario::default());
    let step = running_task("job:1");
    let report = cancelled(&step, &simulator).await;
    report.ended("failed", "cancelled");
    assert!(simulator.elapsed() < seconds(27), "{:?}", simulator.elapsed());

    let report = step.post(&simulator, "cancelled").await;

    report.ended("failed", "cancelled");
    assert_eq!(tasks(&simulator)[0]["lastStatus"], "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn a_task_takes_network_and_task_definition_from_the_service() {
    let simulator = Simulator::new(
        Scenario::default().image("web", Behaviour::Ends { after: seconds(5), exit_codes: BTreeMap::new() }),
    );
    simulator.add_service(web());

    let report = Step::bare().input("mode", "run-task").input("service", "web").run(&simulator).await;

    report.ended("deployed", "");
    let sent = &simulator.calls("RunTask")[0].request;
    assert_eq!(sent["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"], json!(["sg-0a"]));
    assert!(sent["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    assert_eq!(simulator.calls("UpdateService").len() + simulator.calls("RegisterTaskDefinition").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_deregistered_is_refused_before_anything_is_started() {
    let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
    simulator.add_service(web());
    Step::deploying("web:bad").input("run-task", "true").run(&simulator).await.ended("failed", "task-failed");
    let started = simulator.calls("RunTask").len();
    for (input, value) in [("mode", "run-task"), ("mode", "plan"), ("run-task", "true")] {
        let step = Step::bare().input("run-task", "true").input(input, value).input(SUBNETS.0, SUBNETS.1);

        let report = step.input("task-definition", "web:2").run(&simulator).await;

        report.ended("refused", "preflight");
        assert!(report.errors()[0].contains("web:2 is deregistered"), "{report:#?}");
    }
    assert_eq!(simulator.calls("RunTask").len(), started);
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_cannot_be_placed_leaves_the_service_alone() {
    let scenario = Scenario::default().run_task_failure("ATTRIBUTE", seconds(3600));
    let simulator = Simulator::new(scenario);
    simulator.add_service(web());

    let report = Step::deploying("web:good-2").input("run-task", "true").run(&simulator).await;

    report.ended("refused", "placement");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    assert_eq!(support::writes(&simulator), ["RegisterTaskDefinition", "DeregisterTaskDefinition"]);
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_fails_leaves_the_service_alone_and_says_so() {
    let simulator = Simulator::new(Scenario::default().image("bad", Behaviour::crash_loop()));
    simulator.add_service(web());

    let report = Step::deploying("web:bad").input("run-task", "true").run(&simulator).await;

    report.ended("failed", "task-failed");
    assert_eq!(
        report.output("message"),
        "Service web in cluster default is on web:1, as before; the task before the update did not end well."
    );
    assert!(report.errors()[0].contains("container app ended with exit code 1"), "{report:#?}");
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:1".to_owned(), 2)].into(), "web:1".to_owned()));
    assert_eq!(support::writes(&simulator), ["RegisterTaskDefinition", "DeregisterTaskDefinition"]);
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_ends_well_is_followed_by_the_service() {
    let scenario = Scenario::default().one_off("good-2", ends(0, 0)).log("good-2", &[r#"{"migrations": 3}"#]);
    let simulator = Simulator::new(scenario);
    let mut definition = job("web:good-1");
    definition["family"] = json!("web");
    simulator.add_service(web().task_definition(definition));

    let overrides = r#"[{"name": "app", "command": ["migrate"]}]"#;
    let step = Step::deploying("web:good-2").input("container-name", "app").input("run-task", "true");
    let report = step.input("run-task-container-overrides", overrides).run(&simulator).await;

    report.ended("deployed", "");
    let sent = &simulator.calls("RunTask")[0];
    assert_eq!(sent.request["overrides"]["containerOverrides"][0]["command"], json!(["migrate"]));
    assert!(sent.request["taskDefinition"].as_str().unwrap().ends_with("web:2"));
    let looks = simulator.calls("DescribeTasks");
    let task: Value = serde_json::from_str(report.output("run-task-arn")).unwrap();
    let last = looks.iter().rfind(|look| look.request["tasks"] == task).unwrap();
    assert!(simulator.calls("UpdateService")[0].number > last.number, "the service waits for the migration's end");
    assert_eq!((report.output("exit-code"), report.output("result")), ("0", r#"{"migrations": 3}"#));
    assert_eq!((running(&simulator), set_to(&simulator)), ([("web:2".to_owned(), 2)].into(), "web:2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_outlives_its_step_is_not_taken_for_the_deployment() {
    let simulator = support::world(Scenario::default().one_off("good-2", ends(0, 0)));
    let step = Step::deploying("web:good-2").input("run-task", "true").input("on-cancel", "wait");
    tokio::select! {
        biased;
        report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
        () = tokio::time::sleep(seconds(10)) => {}
    }

    let report = step.post(&simulator, "cancelled").await;

    report.ended("failed", "cancelled");
    assert_eq!(
        report.output("message"),
        "Service web in cluster default is on web:1, as before; the task before the update ended well."
    );
    assert_eq!((report.exit_code, set_to(&simulator)), (3, "web:1".to_owned()));
    assert!(simulator.calls("UpdateService").is_empty() && simulator.calls("StopTask").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_waited_for_starts_before_the_update() {
    let simulator = support::world(Scenario::default());

    let step = Step::deploying("web:good-2").input("run-task", "true").input("wait-for-task-stopped", "false");
    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    let order: Vec<String> = simulator
        .journal()
        .iter()
        .map(|call| call.operation.clone())
        .filter(|operation| ["RegisterTaskDefinition", "RunTask", "UpdateService"].contains(&operation.as_str()))
        .collect();
    assert_eq!(order, ["RegisterTaskDefinition", "RunTask", "UpdateService"]);
    assert!(simulator.calls("RunTask")[0].request["taskDefinition"].as_str().unwrap().ends_with("web:2"));
}

#[tokio::test(start_paused = true)]
async fn a_rollout_without_free_gpus_is_warned_of() {
    let mut definition = task_definition("web:good-1");
    definition["requiresCompatibilities"] = json!(["EC2"]);
    definition["containerDefinitions"][0]["resourceRequirements"] = json!([{"type": "GPU", "value": "1"}]);
    for (gpus, warned) in [(1, true), (2, false)] {
        let simulator = Simulator::new(Scenario::default());
        simulator.add_container_instance("default", ContainerInstance::new("g5.xlarge").gpus(gpus));
        let service = Service::new("web").desired_count(1).setting("launchType", json!("EC2"));
        simulator.add_service(service.task_definition(definition.clone()));

        let report = Step::deploying("web:good-2").input("wait-for-minutes", "3").run(&simulator).await;

        assert_eq!(
            report.log.contains("`minimumHealthyPercent` lets no old task stop first"),
            warned,
            "{}",
            report.log
        );
        assert_eq!(report.output("outcome") == "deployed", !warned, "{report:#?}");
        let sent = &simulator.calls("RegisterTaskDefinition")[0].request["containerDefinitions"][0];
        assert_eq!(sent["resourceRequirements"], json!([{"type": "GPU", "value": "1"}]), "GPUs survive");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_shows_the_last_lines_of_its_containers() {
    let mut definition = job("web:good-1");
    definition["family"] = json!("web");
    let scenario = Scenario::default().image("bad", Behaviour::crash_loop()).log("bad", &["boot", "DATABASE_URL?"]);
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().task_definition(definition));

    let report = Step::deploying("web:bad").input("container-name", "app").run(&simulator).await;

    report.ended("rolled-back", "tasks-failing");
    assert!(report.log.contains("DATABASE_URL?") && report.summary.contains("DATABASE_URL?"), "{report:#?}");
}

/// One task at most was started, none still runs, and the report is true of it.
async fn is_settled(case: &str, simulator: &Simulator, report: &Report) {
    // A task that ends by itself ends; what the action left running runs for ever.
    simulator.settle().await;
    let tasks = tasks(simulator);
    assert!(tasks.len() <= 1, "{case}: {} tasks", tasks.len());
    assert!(tasks.iter().all(|task| task["lastStatus"] == "STOPPED"), "{case}: still runs\n{report:#?}");
    match (report.output("outcome"), tasks.first()) {
        ("deployed", Some(task)) => assert_eq!(task["containers"][0]["exitCode"], 0, "{case}"),
        ("deployed", None) => panic!("{case}: nothing ran"),
        ("refused", task) => assert_eq!(task, None, "{case}: {report:#?}"),
        ("failed", task) => assert!(task.is_some(), "{case}: {report:#?}"),
        ("rollback-failed", _) => panic!("{case}: {report:#?}"),
        ("", _) => {}
        (outcome, _) => panic!("{case}: {outcome}"),
    }
}

/// Every fault at every call, and a kill before and after the effect of each.
async fn survives(name: &str, behaviour: fn() -> Behaviour, minutes: &str, expected: &str) {
    let world = || {
        fastrand::seed(0);
        Simulator::new(Scenario::default().image("job", behaviour()).log("job", &["one", "{}"]))
    };
    let step = || running_task("job:1").input("wait-for-minutes", minutes);
    let undisturbed = world();
    assert_eq!(step().run(&undisturbed).await.output("outcome"), expected);
    let calls = undisturbed.journal();
    let mut cases = 0;
    for call in &calls {
        for fault in faults() {
            let case = format!("{name}, call {} ({}), {fault:?}", call.number, call.operation);
            let simulator = world();
            simulator.inject(at_call(call.number, fault));
            let report = step().run(&simulator).await;
            is_settled(&case, &simulator, &report).await;
            cases += 1;
        }
        for after_effect in [false, true] {
            let case = format!("{name}, killed at call {} ({}), {after_effect}", call.number, call.operation);
            let simulator = world();
            let step = step();
            killed_at(&case, call.number, after_effect, &simulator, &step).await;
            let report = step.post(&simulator, "cancelled").await;
            is_settled(&case, &simulator, &report).await;
            cases += 1;
        }
    }
    #[expect(clippy::explicit_write, reason = "the test harness would swallow what a passing test prints")]
    writeln!(std::io::stderr(), "{name}: {cases} cases over {} calls", calls.len()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_well_survives_a_failure_at_every_call() {
    survives("run-task", || ends(0, 0), "30", "deployed").await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_survives_a_failure_at_every_call() {
    survives("run-task, failing", || ends(1, 0), "30", "failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_task_out_of_time_survives_a_failure_at_every_call() {
    survives("run-task, out of time", || Behaviour::Stuck, "0.5", "failed").await;
}
