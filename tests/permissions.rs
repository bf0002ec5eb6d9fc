//! The policy that is generated for inputs allows every call that is made for them, which `Step::run` and `Step::post` hold in
//! every test, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use ecs_deploy_action::aws::permissions::{Grant, Operation, Place, Policy};
use ecs_deploy_action::runner::{Environment, Inputs};
use ecs_deploy_action::spec::Spec;
use serde_json::json;
use simulator::{
    Action, Alarm, Behaviour, ContainerInstance, DeploymentGroup, Fault, Image, Moment, Repository, Rule, Scenario,
    Service, ServiceDeployments, Simulator, When,
};
use support::permissions::{Granted, use_up};
use support::{Step, seconds, task_definition, web, world};

/// How long every world goes on before the step comes.
const BEFORE: u64 = 300;

/// The last update by somebody else comes so long after the world began.
fn theirs(image: &str, at: u64) -> Scenario {
    let (cluster, service) = ("default".to_owned(), "web".to_owned());
    let update = Action::UpdateService { cluster, service, image: Some(image.to_owned()), task_definition: None };
    Scenario::default().image("stuck", Behaviour::Stuck).other(Moment::Elapsed(seconds(at)), update)
}

/// Where everything goes well after somebody deployed once.
fn healthy() -> Simulator {
    world(theirs("web:theirs", 1))
}

fn moving() -> Simulator {
    world(theirs("web:theirs", BEFORE - 5))
}

fn without_service_deployments() -> Simulator {
    world(Scenario { service_deployments: ServiceDeployments::Unsupported, ..theirs("web:theirs", 1) })
}

fn refusing(simulator: Simulator, operation: &str, code: &str) -> Simulator {
    let when = When { operation: Some(operation.to_owned()), ..When::default() };
    let fault = Fault::Refuse { status: 400, code: code.to_owned(), message: "no".to_owned() };
    simulator.inject(Rule { when, fault });
    simulator
}

/// Where ECS does not know the deployment that it names.
fn forgetful() -> Simulator {
    refusing(moving(), "DescribeServiceDeployments", "ServiceDeploymentNotFoundException")
}

fn without_service() -> Simulator {
    Simulator::new(Scenario::default())
}

fn not_to_be_updated() -> Simulator {
    refusing(healthy(), "UpdateService", "InvalidParameterException")
}

/// Where an alarm guards the deployments of the service.
fn guarded() -> Simulator {
    let simulator = Simulator::new(theirs("web:theirs", 1).alarm(Alarm::new("errors")));
    simulator.add_service(web().alarms(&["errors"], true));
    simulator
}

/// Where deployments wait at a pause, and have to be taken back by an update.
fn pausing() -> Simulator {
    let simulator = Simulator::new(theirs("web:theirs", 1));
    let hook = json!([{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": {"timeoutInMinutes": 2, "action": "CONTINUE"}}]);
    let service = web().deployment_configuration("strategy", json!("BLUE_GREEN"));
    let service = service.deployment_configuration("bakeTimeInMinutes", json!(0));
    simulator.add_service(service.deployment_configuration("lifecycleHooks", hook));
    refusing(simulator, "StopServiceDeployment", "ClientException")
}

/// Where containers write to CloudWatch Logs and the tasks need GPUs.
fn machines(scenario: Scenario) -> Simulator {
    let mut definition = task_definition("web:good-1");
    definition["requiresCompatibilities"] = json!(["EC2"]);
    definition["containerDefinitions"][0]["resourceRequirements"] = json!([{"type": "GPU", "value": "1"}]);
    definition["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}});
    let simulator = Simulator::new(scenario);
    simulator.add_container_instance("default", ContainerInstance::new("g5.xlarge").gpus(8));
    simulator.add_service(web().setting("launchType", json!("EC2")).task_definition(definition));
    simulator
}

fn crashing() -> Simulator {
    machines(Scenario::default().image("web", Behaviour::crash_loop()))
}

fn crashing_on_the_way_back() -> Simulator {
    let scenario = theirs("web:theirs", 1);
    machines(scenario.image("good", Behaviour::crash_loop()))
}

const IN_ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web:2";

/// Where everything is that inputs can name: other services, a rule, a registry, and revisions of this action.
async fn equipped() -> Simulator {
    let scenario = Scenario::default().rule("nightly", "web:1").image("stuck", Behaviour::Stuck);
    let ends = Behaviour::Ends { after: seconds(5), exit_codes: [("app".to_owned(), 0)].into() };
    let simulator = world(scenario.one_off("", ends));
    simulator.add_service(Service::new("api"));
    simulator.add_service(Service::new("web").cluster("staging").task_definition(task_definition("web:staged")));
    let findings = json!({"findings": [{"name": "CVE-2026-1", "severity": "LOW"}]});
    let image = Image::new("2", "linux", "amd64").scan(seconds(0), "COMPLETE", findings);
    simulator.add_repository(Repository::new("shop/web").mutability("IMMUTABLE", &[]).image(image.tag("2")));
    for image in ["web:earlier-1", "web:earlier-2"] {
        Step::deploying(image).run(&simulator).await.ended("deployed", "");
    }
    simulator
}

/// The same, with a deployment that waits at a pause.
async fn equipped_and_paused() -> Simulator {
    let simulator = pausing();
    tokio::time::sleep(seconds(BEFORE)).await;
    Step::deploying("web:earlier-1").input("on-pause-hook", "return").run(&simulator).await.ended("in-progress", "");
    simulator
}

const WORLDS: [fn() -> Simulator; 10] = [
    healthy,
    moving,
    without_service_deployments,
    forgetful,
    without_service,
    not_to_be_updated,
    guarded,
    pausing,
    crashing,
    crashing_on_the_way_back,
];

/// Where AWS CodeDeploy deploys the service, and somebody has deployed so long after the world began.
fn by_codedeploy(group: DeploymentGroup, at: u64) -> Simulator {
    let theirs = Action::CreateCodeDeployment { service: "web".to_owned(), image: "web:theirs".to_owned() };
    let trip = Action::TripAlarm { name: "errors".to_owned() };
    let scenario = Scenario::default()
        .image("stuck", Behaviour::Stuck)
        .other(Moment::Elapsed(seconds(at)), theirs)
        .other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, trip);
    let simulator = Simulator::new(scenario);
    simulator.add_service(web().controller("CODE_DEPLOY"));
    simulator.add_deployment_group(group);
    simulator
}

fn codedeploy_at_rest() -> Simulator {
    by_codedeploy(DeploymentGroup::of("web"), 1)
}

/// So late that there is no task set yet.
fn codedeploy_moving() -> Simulator {
    by_codedeploy(DeploymentGroup::of("web"), BEFORE)
}

/// An alarm stops our deployment, and AWS CodeDeploy does not take it back by itself.
fn codedeploy_alarmed() -> Simulator {
    by_codedeploy(DeploymentGroup::of("web").alarms(&["errors"]).rollback_events(&[]), 1)
}

/// Besides, for inputs that say that AWS CodeDeploy may deploy the service.
const OF_CODEDEPLOY: [fn() -> Simulator; 3] = [codedeploy_at_rest, codedeploy_moving, codedeploy_alarmed];

fn bare() -> Step {
    Step::bare().input("service", "web")
}

fn from_a_file(image: &str) -> Step {
    let mut document = task_definition(image);
    document["taskRoleArn"] = "task".into();
    document["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
        "awslogs-group": "/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}});
    let step = bare().file("web.json", &document.to_string());
    step.input("task-definition", "web.json").input("deploy-tags", "false")
}

fn with_appspec(step: Step) -> Step {
    step.file("appspec.yaml", "Resources: [{Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: x}}}]")
}

/// Runs the step in every world, with its post step after a job that failed, and gives what is granted and never used.
async fn unused(step: fn() -> Step) -> BTreeSet<(String, String)> {
    let granted = Granted::to(step().environment(), step().path()).unwrap();
    let mut unused = granted.grants();
    assert!(unused.len() > 5, "{unused:?}");
    let by_codedeploy = unused.iter().any(|(action, _)| action.starts_with("codedeploy:"));
    for world in WORLDS.iter().chain(OF_CODEDEPLOY.iter().filter(|_| by_codedeploy)) {
        let simulator = world();
        tokio::time::sleep(seconds(BEFORE)).await;
        use_up(&granted, &mut unused, step(), &simulator).await;
    }
    for simulator in [equipped().await, equipped_and_paused().await] {
        use_up(&granted, &mut unused, step(), &simulator).await;
    }
    unused
}

#[tokio::test(start_paused = true)]
async fn nothing_is_granted_that_is_never_used() {
    type Make = fn() -> Step;
    let steps: [(&str, Make); 9] = [
        ("an image that fails", || Step::deploying("web:stuck").input("wait-for-minutes", "1")),
        ("a file", || from_a_file("web:stuck").input("wait-for-minutes", "1")),
        ("a new deployment", || {
            let leaves = bare().input("on-cancel", "leave").input("rollback-on-failure", "false");
            leaves.input("force-new-deployment", "true")
        }),
        ("a plan", || Step::deploying("web:good-2").input("mode", "plan")),
        ("a way back", || bare().input("mode", "rollback").input("wait-for-minutes", "1.5")),
        ("an image that fails, and an AppSpec", || {
            with_appspec(Step::deploying("web:stuck")).input("wait-for-minutes", "1")
        }),
        ("a plan with an AppSpec", || with_appspec(Step::deploying("web:good-2")).input("mode", "plan")),
        ("a way back with an AppSpec", || {
            with_appspec(bare()).input("mode", "rollback").input("wait-for-minutes", "1.5")
        }),
        ("a way back to a revision", || {
            bare().input("mode", "rollback").input("to", "1").input("wait-for-minutes", "1.5")
        }),
    ];
    let mut used = BTreeSet::new();
    for (name, step) in steps {
        assert_eq!(unused(step).await, BTreeSet::new(), "{name}");
        used.extend(Granted::to(step().environment(), step().path()).unwrap().grants());
    }
    // These have one world each in which they get far: what they add has to be used there.
    let steps: [(&str, Make); 6] = [
        ("an image of a registry", || {
            let step = Step::deploying(IN_ECR).input("scan-gate", "fail").input("forbid-mutable-tags", "true");
            step.input("promote-tags", "stable")
        }),
        ("what runs elsewhere", || {
            let step = bare().input("mode", "promote").input("from-service", "web").input("from-cluster", "staging");
            step.input("wait-for-minutes", "1")
        }),
        ("rules and fewer revisions", || {
            Step::deploying("web:good-2").input("scheduled-rules", "nightly").input("keep-revisions", "1")
        }),
        ("an answer to a pause", || bare().input("mode", "continue").input("wait-for-minutes", "1")),
        ("a task", || {
            let step = bare().input("mode", "run-task").input("wait-for-minutes", "1");
            let step = step.input("task-definition", "web").input("run-task-subnets", "subnet-0a");
            step.input("run-task-tags", r#"[{"key": "team", "value": "shop"}]"#)
        }),
        ("a task before the service", || {
            Step::deploying("web:stuck").input("run-task", "true").input("wait-for-minutes", "1")
        }),
    ];
    for (name, step) in steps {
        let added: BTreeSet<_> = unused(step).await.difference(&used).cloned().collect();
        assert_eq!(added, BTreeSet::new(), "{name}");
    }
}

#[test]
fn what_inputs_leave_out_is_left_to_the_owner_of_the_account() {
    let granted = |step: Step| {
        let environment = Environment::new(step.environment());
        let (inputs, _) = Inputs::read(&environment).unwrap();
        let spec = Spec::from_inputs(&inputs, step.path()).unwrap();
        let place = Place::of(&spec, &environment);
        serde_json::to_string(&Policy::for_spec(&spec, &place)).unwrap()
    };

    let policy = granted(Step::deploying("web:2").variable("AWS_REGION", ""));
    for gap in ["ACCOUNT_ID", ":REGION:", "TASK_DEFINITION_FAMILY:*", "ROLE_OF_THE_TASK_DEFINITION"] {
        assert!(policy.contains(gap), "{gap}: {policy}");
    }

    let policy = granted(
        Step::bare()
            .variable("AWS_REGION", "")
            .input("service", "arn:aws-cn:ecs:cn-north-1:210987654321:service/shop/web")
            .input("task-definition-family", "shop")
            .input("image", "web:2")
            .input("task-role-arn", "arn:aws-cn:iam::210987654321:role/task")
            .input("execution-role-arn", "arn:aws-cn:iam::210987654321:role/execution"),
    );
    for gap in ["ACCOUNT_ID", ":REGION:", "TASK_DEFINITION_FAMILY", "ROLE_OF", "arn:aws:"] {
        assert!(!policy.contains(gap), "{gap}: {policy}");
    }
    for arn in
        ["arn:aws-cn:ecs:cn-north-1:210987654321:task-definition/shop:*", "arn:aws-cn:iam::210987654321:role/task"]
    {
        assert!(policy.contains(arn), "{arn}: {policy}");
    }
}

#[test]
fn the_key_of_an_endpoints_volumes_is_granted_to_sagemaker_alone() {
    const ARN: &str = "arn:aws:kms:us-east-1:123456789012:";
    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let granted = |step: Step| {
        let environment = Environment::new(step.environment());
        let (inputs, _) = Inputs::read(&environment).unwrap();
        let spec = Spec::from_inputs(&inputs, step.path()).unwrap();
        let place = Place::of(&spec, &environment);
        let policy = serde_json::to_value(Policy::for_spec(&spec, &place)).unwrap();
        let statements = policy["Statement"].as_array().unwrap().clone();
        statements.into_iter().find(|statement| statement["Action"] == json!(["kms:CreateGrant"]))
    };
    let step = || Step::bare().input("endpoint-name", "bikes").input("expected-account-id", "123456789012");
    for (named, key) in [
        (format!("{ARN}key/{ID}"), ID),
        (ID.to_owned(), ID),
        (format!("{ARN}alias/models"), "ID_OF_THE_KEY"),
        ("alias/models".to_owned(), "ID_OF_THE_KEY"),
    ] {
        let statement = granted(step().input("endpoint-kms-key-id", &named)).unwrap();
        assert_eq!(statement["Resource"], json!([format!("{ARN}key/{key}")]), "{named}");
        assert_eq!(statement["Condition"], json!({"Bool": {"kms:GrantIsForAWSResource": "true"}}));
    }
    assert_eq!(granted(step()), None);
    assert_eq!(granted(step().input("endpoint-kms-key-id", ID).input("mode", "plan")), None);
}

/// `UPDATE_DOCS=1 cargo test --test permissions` writes the table instead of comparing it.
#[test]
fn the_documentation_has_the_same_table() {
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
    let before = std::fs::read_to_string(PAGE).unwrap();
    let (head, rest) = before.split_once("<!-- calls -->").unwrap();
    let (_, tail) = rest.split_once("<!-- /calls -->").unwrap();

    let after = format!("{head}<!-- calls -->\n\n{}\n<!-- /calls -->{tail}", table());

    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, after).unwrap();
    } else {
        assert!(before == after, "run `UPDATE_DOCS=1 cargo test --test permissions` and commit docs/permissions.md");
    }
}

fn table() -> String {
    let place = Place::unknown();
    let mut table = "| permission | on | to | needed for |\n|---|---|---|---|\n".to_owned();
    for grant in Operation::ALL.iter().flat_map(|operation| operation.grants()) {
        let resources: Vec<String> = grant.on.iter().flat_map(|resource| place.arns(*resource)).collect();
        let mut on: Vec<String> = resources.iter().map(|resource| format!("`{resource}`")).collect();
        on.extend(grant.condition.map(|condition| format!("only if `{}`", condition.words(&place))));
        let Grant { action, reference, purpose, when, .. } = grant;
        table += &format!("| [`{action}`]({reference}) | {} | {purpose} | {} |\n", on.join("<br>"), when.words());
    }
    table
}
