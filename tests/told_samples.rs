//! What a team sees of four deployments, written to `target/told/`: the summary, the comment on the pull request, and the message
//! in Slack. To be looked at: `scripts/screenshots` makes pictures of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use simulator::{Behaviour, Commit, GITHUB_TOKEN, Scenario, Service, Simulator};
use support::{Report, Step, seconds, task_definition};

const BEFORE: &str = "41f0c3d2a1b0987654321fedcba0987654321fed";
const AFTER: &str = "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567";

/// The service `web` in the cluster `production`, which runs what came from [`BEFORE`]; three commits lie between that and [`AFTER`].
fn world(scenario: Scenario, service: impl FnOnce(Service) -> Service) -> Simulator {
    let simulator = Simulator::new(scenario);
    let mut document = task_definition("shop/web:1.41.0");
    document["tags"] = json!([{"key": "ecs-deploy-action:commit", "value": BEFORE}]);
    let web = Service::new("web").cluster("production").desired_count(3).task_definition(document);
    simulator.add_service(service(web));
    for (sha, message, author) in [
        (BEFORE, "Release 1.41", "octocat"),
        (
            "1d9e2f7a55b60718293a4b5c6d7e8f9012345670",
            "Answer the health check before the cache is warm (#341)",
            "hubot",
        ),
        ("93ab4c07e1b60718293a4b5c6d7e8f9012345671", "Pay by card (#345)", "monalisa"),
        (AFTER, "Merge pull request #346 from shop/limits", "octocat"),
    ] {
        simulator.add_commit(&Commit::new(sha, message, author));
    }
    simulator.open_pull_request(346, AFTER);
    simulator
}

/// Runs a deployment to its end, and keeps what everybody sees.
async fn told(name: &str, simulator: &Simulator, inputs: &[(&str, &str)]) -> (Report, String, Value) {
    let step = Step::bare()
        .input("service", "web")
        .input("cluster", "production")
        .input("environment", "production")
        .input("github-token", GITHUB_TOKEN)
        .input("github-deployment", "true")
        .input("comment-on-pr", "always")
        .input("slack-webhook-url", "https://hooks.slack.example/hook/T0/B0/X")
        .variable("GITHUB_SHA", AFTER);
    let step = inputs.iter().fold(step, |step, (name, value)| step.input(name, value));

    let report = step.run(simulator).await;

    let comment = simulator.github()["comments"][0]["body"].as_str().unwrap().to_owned();
    let message: Value = serde_json::from_str(simulator.calls("hook")[0].request["body"].as_str().unwrap()).unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../told");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}-summary.md")), &report.summary).unwrap();
    fs::write(folder.join(format!("{name}-comment.md")), &comment).unwrap();
    fs::write(folder.join(format!("{name}-slack.json")), format!("{message:#}")).unwrap();
    (report, comment, message)
}

/// All three say the same.
#[track_caller]
fn agree(outcome: &str, (report, comment, message): &(Report, String, Value)) {
    assert_eq!(report.output("outcome"), outcome, "{report:#?}");
    let header = message["blocks"][0]["text"]["text"].as_str().unwrap();
    let (sign, headline) = header.split_once(' ').unwrap();
    assert_eq!(headline, report.output("message"));
    // In Markdown some of its characters are written otherwise.
    let first = format!("## {sign} {}", headline.split([':', '#', '[']).next().unwrap());
    assert!(report.summary.starts_with(&first), "{first}: {}", report.summary);
    assert!(comment.contains(&format!("\n{first}")), "{first}: {comment}");
    for page in [&report.summary, comment] {
        assert!(page.contains("### 3 new commits\n"), "{page}");
    }
}

#[tokio::test(start_paused = true)]
async fn success() {
    let simulator = world(Scenario::default(), |service| service);
    let told = told("success", &simulator, &[("image", "shop/web:1.42.0")]).await;
    agree("deployed", &told);
}

#[tokio::test(start_paused = true)]
async fn plan() {
    let simulator = world(Scenario::default(), |service| service);
    let inputs = [
        ("image", "shop/web:1.42.0"),
        ("mode", "plan"),
        ("environment-variables", "LEVEL=debug"),
        ("cpu", "512"),
        ("memory", "1024"),
    ];
    let told = told("plan", &simulator, &inputs).await;
    agree("planned", &told);
}

#[tokio::test(start_paused = true)]
async fn rollback() {
    let simulator = world(Scenario::default().image("1.42.0", Behaviour::crash_loop()), |service| service);
    let told = told("rollback", &simulator, &[("image", "shop/web:1.42.0")]).await;
    agree("rolled-back", &told);
}

#[tokio::test(start_paused = true)]
async fn rollback_failed() {
    let scenario = Scenario::default()
        .image("1.42.0", Behaviour::crash_loop())
        .image("1.41.0", Behaviour::ImageMissing { after: seconds(2) });
    let simulator = world(scenario, |service| service.minimum_healthy_percent(0).maximum_percent(100));
    let told = told("rollback-failed", &simulator, &[("image", "shop/web:1.42.0")]).await;
    agree("rollback-failed", &told);
}
