//! Values that nobody may see, in every kind of deployment: they reach AWS, and nothing else: no line of the log, no summary, no
//! output, no state, no text of a panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::{
    Action, Behaviour, Fault, GITHUB_TOKEN, ID_TOKEN_REQUEST_TOKEN, Image, Moment, Repository, Rule, SECRET_ACCESS_KEY,
    Scenario, Service, Simulator, When,
};
use support::{Report, Step, seconds, task_definition};

/// What every marked value begins with.
const MARK: &str = "marked-";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// A service whose tasks have secret values already.
fn web() -> Service {
    let mut document = task_definition("web:good-1");
    document["containerDefinitions"][0]["environment"] =
        json!([{"name": "PASSWORD", "value": "marked-old"}, {"name": "OTHER", "value": "marked-other"}]);
    document["containerDefinitions"][0]["command"] = json!(["app", "--password", "marked-old-command"]);
    Service::new("web").desired_count(2).task_definition(document)
}

fn world(scenario: Scenario) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(web());
    simulator.open_pull_request(7, "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567");
    simulator
}

/// A step that has every secret that a step can have.
fn step(image: &str) -> Step {
    Step::deploying(image)
        .input("environment-variables", "PASSWORD=marked-variable\nKEY<<END\nmarked-line\nmarked-line-2\nEND")
        .input("secrets", "TOKEN=arn:aws:ssm:us-east-1:123456789012:parameter/marked-secret")
        .input("command", "app --password=marked-command --db postgres://shop:marked-address@db/shop")
        .input("log-configuration-log-driver", "splunk")
        .input("log-configuration-options", "splunk-url=https://splunk.example\nsplunk-token=marked-option")
        .input("docker-labels", "api-token=marked-label")
        .input("role-to-assume", ROLE)
        .variable("AWS_ACCESS_KEY_ID", "")
        .variable("AWS_SECRET_ACCESS_KEY", "")
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/7/id-token?api-version=2.0")
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ID_TOKEN_REQUEST_TOKEN)
        .variable("SOME_OTHER_TOKEN", "marked-elsewhere")
        .input("github-token", GITHUB_TOKEN)
        .input("github-deployment", "true")
        .input("environment", "production")
        .input("commit-status", "true")
        .input("comment-on-pr", "always")
        .input("slack-webhook-url", "https://hooks.slack.example/hook/marked-slack")
        .input("webhook-url", "https://user:marked-user@hooks.example/hook/?key=marked-webhook")
        .input("webhook-secret", "marked-key")
        .input(
            "webhook-template",
            r#"{"routing_key": "marked-routing", "summary": "{{ message }} {{ reason }} {{ hint }}"}"#,
        )
}

/// What the world handed out to this job alone.
fn handed_out(simulator: &Simulator) -> Vec<String> {
    const SECRET: [&str; 4] =
        ["/value", "/Credentials/SecretAccessKey", "/Credentials/SessionToken", "/Credentials/AccessKeyId"];
    let answers = ["GetIdToken", "AssumeRoleWithWebIdentity"].map(|operation| simulator.calls(operation)).concat();
    let found = |path: &str| {
        let texts = answers.iter().filter_map(|call| Some(call.response.pointer(path)?.as_str()?.to_owned()));
        texts.collect::<Vec<_>>()
    };
    SECRET.into_iter().flat_map(found).collect()
}

/// Nothing secret is in what a step left behind, and nothing but what the runner reads was written.
#[track_caller]
fn nothing_shown(case: &str, simulator: &Simulator, step: &Step, report: &Report) {
    let state = std::fs::read_to_string(step.path().join("state")).unwrap();
    let outputs = format!("{:?}", report.outputs);
    let (masks, log): (Vec<&str>, Vec<&str>) = report.log.lines().partition(|line| line.starts_with("::add-mask::"));
    let handed_out = handed_out(simulator);
    if report.log.contains("AWS is called as") {
        assert!(masks.len() >= 4, "{case}: the session is not masked: {masks:?}");
    }
    let lasting = [MARK, SECRET_ACCESS_KEY, ID_TOKEN_REQUEST_TOKEN, GITHUB_TOKEN].map(str::to_owned);
    for secret in lasting.iter().chain(&handed_out) {
        for (place, text) in
            [("log", &log.join("\n")), ("summary", &report.summary), ("outputs", &outputs), ("state", &state)]
        {
            let shown = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(shown, None, "{case}: the {place} shows a secret");
        }
    }
    // What GitHub is told, everybody in the repository can read.
    let told = simulator.github().to_string();
    assert!(!lasting.iter().chain(&handed_out).any(|secret| told.contains(secret.as_str())), "{case}: {told}");
    // What web hooks are told is the user's own template, and of secrets nothing but what stands there.
    for call in simulator.calls("hook") {
        let body = call.request["body"].as_str().unwrap().replace("marked-routing", "");
        assert!(!lasting.iter().chain(&handed_out).any(|secret| body.contains(secret.as_str())), "{case}: {body}");
    }
    // A path here means nothing to a later step, which runs on the runner itself.
    assert!(!outputs.contains(step.path().to_str().unwrap()) && !outputs.contains("/github/"), "{case}: {outputs}");
    let files: BTreeSet<String> = std::fs::read_dir(step.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, ["output", "state", "summary"].map(str::to_owned).into(), "{case}: files of root are left");
}

/// The secrets did get where they belong: without that, nothing could have been shown.
#[track_caller]
fn reached_aws(case: &str, simulator: &Simulator) {
    let registered = simulator.calls("RegisterTaskDefinition")[0].request.to_string();
    for secret in ["variable", "line-2", "secret", "command", "address", "option", "label"] {
        assert!(registered.contains(&format!("{MARK}{secret}")), "{case}: {secret} is not in {registered}");
    }
}

fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}

fn theirs() -> Action {
    Action::UpdateService {
        cluster: "default".to_owned(),
        service: "web".to_owned(),
        image: Some("web:theirs".to_owned()),
        task_definition: None,
    }
}

fn on(operation: Option<&str>, share: Option<f64>, fault: Fault) -> Rule {
    Rule { when: When { operation: operation.map(str::to_owned), share, ..When::default() }, fault }
}

fn refuse(code: &str) -> Fault {
    Fault::Refuse { status: 400, code: code.to_owned(), message: "no".to_owned() }
}

/// What it is called, the image, the world, more inputs, and the outcome.
type End =
    (&'static str, &'static str, Box<dyn Fn() -> Scenario>, &'static [(&'static str, &'static str)], &'static str);

#[tokio::test(start_paused = true)]
async fn no_kind_of_end_shows_a_secret() {
    let bad = |behaviour: Behaviour| move || Scenario::default().image("bad", behaviour.clone());
    let ends: [End; 11] = [
        ("healthy", "good", Box::new(Scenario::default), &[], "deployed"),
        (
            "not waited for",
            "good",
            Box::new(Scenario::default),
            &[("wait-for-service-stability", "false")],
            "in-progress",
        ),
        ("crash loop", "bad", Box::new(crashing), &[], "rolled-back"),
        ("left as it is", "bad", Box::new(crashing), &[("rollback-on-failure", "false")], "failed"),
        ("image missing", "bad", Box::new(bad(Behaviour::ImageMissing { after: seconds(1) })), &[], "rolled-back"),
        (
            "does not start",
            "bad",
            Box::new(bad(Behaviour::FailsToStart {
                after: seconds(1),
                reason: "ResourceInitializationError".to_owned(),
            })),
            &[],
            "rolled-back",
        ),
        ("no capacity", "bad", Box::new(bad(Behaviour::NoCapacity)), &[("wait-for-minutes", "1")], "rolled-back"),
        ("time-out", "bad", Box::new(bad(Behaviour::Stuck)), &[("wait-for-minutes", "1")], "rolled-back"),
        (
            "superseded",
            "good",
            Box::new(|| Scenario::default().other(Moment::AfterUpdate { number: 1, delay: seconds(5) }, theirs())),
            &[],
            "superseded",
        ),
        ("plan", "good", Box::new(Scenario::default), &[("mode", "plan")], "planned"),
        // A rollback takes none of these inputs: each of them is complained about.
        ("rollback", "good", Box::new(Scenario::default), &[("mode", "rollback")], "refused"),
    ];
    for (case, image, scenario, inputs, outcome) in ends {
        let simulator = world(scenario());
        let step = inputs.iter().fold(step(&format!("web:{image}-2")), |step, (name, value)| step.input(name, value));

        let report = step.run(&simulator).await;

        assert_eq!(report.output("outcome"), outcome, "{case}: {report:#?}");
        nothing_shown(case, &simulator, &step, &report);
        if !["planned", "refused"].contains(&outcome) {
            reached_aws(case, &simulator);
        }
        let report = step.run(&simulator).await;
        nothing_shown(&format!("{case}, run again"), &simulator, &step, &report);
    }
}

#[tokio::test(start_paused = true)]
async fn no_wrong_input_is_quoted_where_it_may_be_a_secret() {
    let refused = "refused";
    for (name, value) in [
        ("environment-variables", "marked-line without the sign"),
        ("environment-variables", "A<<END\nmarked-line"),
        ("environment-variables", "-A=marked-value"),
        ("secrets", "A=1\nA=marked-value"),
        ("secrets", "=marked-value"),
        ("docker-labels", "marked-value"),
        ("log-configuration-options", "marked-value"),
        ("command", "app \"marked-value"),
        ("command", "[\"marked-value\", 1]"),
        ("slack-webhook-url", "marked-value"),
        ("slack-webhook-url", "http://marked-user:marked-value@hooks.example/"),
        ("webhook-url", "ftp://marked-value"),
        ("webhook-template", "{\"routing_key\": marked-value}"),
        ("webhook-template", "marked-value"),
        ("notify-on", "sometimes"),
        ("task-definition", "value-tag.yaml"),
        ("task-definition", "value-alias.yaml"),
        ("task-definition", "value-type.yaml"),
        ("task-definition", "value-quote.yaml"),
        ("task-definition", "value-list.yaml"),
        ("task-definition", "value-quote.json"),
        ("task-definition", "value-bare.json"),
        ("task-definition", "value-type.json"),
    ] {
        let simulator = world(Scenario::default());
        let step = step("web:good-2").input(name, value);
        let files = [
            (
                "value-tag.yaml",
                "family: web\ncontainerDefinitions: [{name: app, environment: [{name: A, value: !!int marked-v}]}]",
            ),
            ("value-alias.yaml", "family: web\ncpu: *marked-v"),
            ("value-type.yaml", "family: web\ncontainerDefinitions: marked-v"),
            ("value-quote.yaml", "family: \"marked-v"),
            ("value-list.yaml", "- marked-v"),
            ("value-quote.json", "{\"family\": \"marked-v"),
            ("value-bare.json", "{\"family\": marked-v}"),
            ("value-type.json", "{\"family\": \"web\", \"tags\": \"marked-v\"}"),
        ];
        let path = step.path().join(value);
        if let Some((_, content)) = files.iter().find(|(file, _)| *file == value) {
            std::fs::write(&path, content).unwrap();
        }

        let report = step.run(&simulator).await;

        assert_eq!(report.output("outcome"), refused, "{name}: {value}: {report:#?}");
        if path.is_file() {
            std::fs::remove_file(&path).unwrap();
        }
        nothing_shown(&format!("{name}: {value}"), &simulator, &step, &report);
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_of_aws_makes_a_secret_show() {
    let mut cases = 0;
    for image in ["web:good-2", "web:bad-2"] {
        let undisturbed = world(crashing());
        step(image).run(&undisturbed).await;
        for number in 0..undisturbed.journal().len() {
            for fault in [refuse("AnErrorFromTheFuture"), Fault::CutAnswer, Fault::TimeoutAfterEffect] {
                let case = format!("{image}, call {number}, {fault:?}");
                let simulator = world(crashing());
                simulator.inject(Rule { when: When { number: Some(number), ..When::default() }, fault });
                let step = step(image);
                let report = step.run(&simulator).await;
                nothing_shown(&case, &simulator, &step, &report);
                cases += 1;
            }
        }
    }
    assert!(cases > 60, "{cases} cases");
}

#[tokio::test(start_paused = true)]
async fn neither_throttling_nor_refusals_show_a_secret() {
    for rule in [
        on(None, Some(0.4), Fault::Throttle),
        on(Some("RegisterTaskDefinition"), None, refuse("ClientException")),
        on(Some("UpdateService"), None, refuse("AccessDeniedException")),
        on(Some("AssumeRoleWithWebIdentity"), None, refuse("AccessDenied")),
        on(Some("GetIdToken"), None, Fault::CutAnswer),
    ] {
        let case = format!("{rule:?}");
        let simulator = world(Scenario::default());
        simulator.inject(rule);
        let step = step("web:good-2");

        let report = step.run(&simulator).await;

        nothing_shown(&case, &simulator, &step, &report);
    }
}

#[tokio::test(start_paused = true)]
async fn neither_a_cancelled_nor_a_killed_step_nor_its_post_step_shows_a_secret() {
    for killed in [false, true] {
        let simulator = world(Scenario::default());
        let step = step("web:good-2");
        let (cancel, cancellation) = Cancellation::new();
        {
            let run = step.run_until_cancelled(&simulator, cancellation);
            tokio::pin!(run);
            tokio::select! {
                biased;
                report = &mut run => unreachable!("{report:#?}"),
                () = tokio::time::sleep(seconds(20)) => {}
            };
            if !killed {
                cancel.send_replace(true);
                let report = run.await;
                assert_eq!(report.output("cause"), "cancelled", "{report:#?}");
                nothing_shown("cancelled", &simulator, &step, &report);
            }
        }
        let step = step.afterwards("cancelled");

        let report = step.run_post(&simulator).await;

        report.ended("rolled-back", "cancelled");
        nothing_shown("the post step", &simulator, &step, &report);
    }
}

/// A way to AWS with a defect in it: the call with that number, counted from 0, panics.
#[derive(Debug)]
struct Defective {
    inner: SharedHttpClient,
    calls: Arc<AtomicUsize>,
    at: usize,
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    calls: Arc<AtomicUsize>,
    at: usize,
}

impl HttpClient for Defective {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, calls: self.calls.clone(), at: self.at })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_ne!(self.calls.fetch_add(1, Ordering::Relaxed), self.at, "a defect, provoked");
        self.inner.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn no_panic_shows_a_secret() {
    let panics: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = panics.clone();
    std::panic::set_hook(Box::new(move |panic| seen.lock().unwrap().push(panic.to_string())));

    let mut causes = BTreeSet::new();
    for at in 3..12 {
        let simulator = world(Scenario::default());
        let step = step("web:good-2");
        let inner = simulator.http_client();

        let report = step.run_through(SharedHttpClient::new(Defective { inner, calls: Arc::default(), at })).await;

        causes.insert(report.output("cause").to_owned());
        nothing_shown(&format!("a panic at call {at}"), &simulator, &step, &report);
    }

    drop(std::panic::take_hook());
    let panics = panics.lock().unwrap().join("\n");
    assert!(causes.contains("internal") && panics.contains("a defect, provoked"), "{causes:?}: {panics}");
    assert!(!panics.contains(MARK), "{panics}");
}

#[tokio::test(start_paused = true)]
async fn outputs_that_hold_the_account_id_say_so_and_the_others_are_enough() {
    let simulator = world(Scenario::default());
    simulator.add_repository(Repository::new("web").image(Image::new("2", "linux", "amd64").tag("good-2")));
    let step = Step::deploying("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:good-2");

    let report = step.run(&simulator).await;

    report.ended("deployed", "");
    let action = concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml");
    let action: serde_yaml::Value = serde_yaml::from_str(&std::fs::read_to_string(action).unwrap()).unwrap();
    for (name, value) in &report.outputs {
        let description = action["outputs"][name.as_str()]["description"].as_str().unwrap();
        assert!(!value.contains("123456789012") || description.contains("account id"), "{name}: {value}");
    }
    for (name, value) in [
        ("service-name", "web"),
        ("cluster-name", "default"),
        ("task-definition-family", "web"),
        ("task-definition-revision", "2"),
        ("previous-task-definition-revision", "1"),
    ] {
        assert_eq!(report.output(name), value, "{name}");
    }
}
