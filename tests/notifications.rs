//! Whom Slack and other web hooks tell what, and that they cannot hurt a deployment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use ecs_deploy_action::cycle::Doing;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use simulator::{Behaviour, Fault, GITHUB_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, seconds, world};
use tokio::time::Instant;

const SLACK: &str = "https://hooks.slack.example/hook/T0/B0/secret-of-slack";
const ELSEWHERE: &str = "https://elsewhere.example/hook/events?key=secret-of-elsewhere";

fn telling_slack(image: &str) -> Step {
    Step::deploying(image).input("slack-webhook-url", SLACK)
}

fn telling(image: &str) -> Step {
    Step::deploying(image).input("webhook-url", ELSEWHERE)
}

fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}

/// The bodies that web hooks got.
fn messages(simulator: &Simulator) -> Vec<Value> {
    let body = |call: simulator::Call| serde_json::from_str(call.request["body"].as_str().unwrap()).unwrap();
    simulator.calls("hook").into_iter().map(body).collect()
}

fn warnings(report: &Report) -> Vec<&str> {
    report.log.lines().filter(|line| line.starts_with("::warning")).collect()
}

#[tokio::test(start_paused = true)]
async fn slack_gets_the_headline_the_facts_and_why() {
    let simulator = world(crashing());

    let report = telling_slack("web:bad").input("environment", "production").run(&simulator).await;

    assert_eq!(report.output("outcome"), "rolled-back");
    let call = simulator.calls("hook").remove(0);
    assert!(SLACK.ends_with(call.request["url"].as_str().unwrap().split(".example").nth(1).unwrap()), "{call:#?}");
    assert_eq!(call.request["headers"]["content-type"], "application/json");
    let message = messages(&simulator).remove(0);
    let header = message["blocks"][0]["text"]["text"].as_str().unwrap();
    assert_eq!(header, format!("⏪ {}", report.output("message")));
    let below = &message["attachments"][0];
    assert_eq!(below["color"], "#bf8700");
    let facts: Vec<&str> =
        below["blocks"][0]["fields"].as_array().unwrap().iter().map(|field| field["text"].as_str().unwrap()).collect();
    assert_eq!(
        facts[..4],
        [
            "*Target*\nservice web in cluster default",
            "*Environment*\nproduction",
            &format!("*Outcome*\nrolled-back ({})", report.output("cause")),
            "*Revision*\nweb:1 → web:2 → web:1",
        ]
    );
    let rest = below.to_string();
    let diagnosis: Value = serde_json::from_str(report.output("diagnosis")).unwrap();
    let hint = diagnosis["hints"][0]["hint"].as_str().unwrap();
    assert!(rest.contains(&hint.replace('"', "\\\"")), "{rest}");
    assert!(rest.contains("<https://github.com/shop/web/actions/runs/4711/attempts/1|Workflow run>"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn who_is_told_of_which_end_is_the_user_s_to_say() {
    let ends = [
        ("web:good-2", &[][..], "deployed"),
        ("web:good-1", &[][..], "unchanged"),
        ("web:good-2", &[("mode", "plan")][..], "planned"),
        ("web:good-2", &[("cluster", "nowhere")][..], "refused"),
        ("web:bad", &[][..], "rolled-back"),
        ("web:bad", &[("rollback-on-failure", "false")][..], "failed"),
    ];
    for (notify_on, told) in [
        ("always", &["deployed", "unchanged", "planned", "refused", "rolled-back", "failed"][..]),
        ("failure", &["refused", "rolled-back", "failed"][..]),
        ("success", &["deployed", "unchanged", "planned"][..]),
        ("rollback", &["rolled-back"][..]),
        ("change", &["deployed", "rolled-back", "failed"][..]),
    ] {
        for (image, inputs, outcome) in ends {
            let simulator = world(crashing());
            let step = telling(image).input("slack-webhook-url", SLACK).input("notify-on", notify_on);
            let step = inputs.iter().fold(step, |step, (name, value)| step.input(name, value));

            let report = step.run(&simulator).await;

            assert_eq!(report.output("outcome"), outcome, "{report:#?}");
            let expected = if told.contains(&outcome) { 2 } else { 0 };
            assert_eq!(messages(&simulator).len(), expected, "{notify_on}, {outcome}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_template_a_web_hook_gets_everything_there_is_to_tell() {
    let simulator = world(Scenario::default());

    telling("web:good-2").input("environment", "production").run(&simulator).await.ended("deployed", "");

    let message = messages(&simulator).remove(0);
    for (name, value) in [
        ("outcome", json!("deployed")),
        ("cause", Value::Null),
        ("message", json!("Service web in cluster default runs web:2.")),
        ("target", json!("service web in cluster default")),
        ("environment", json!("production")),
        ("mode", json!("deploy")),
        ("succeeded", json!(true)),
        ("service-name", json!("web")),
        ("task-definition-revision", json!("2")),
        ("run-url", json!("https://github.com/shop/web/actions/runs/4711/attempts/1")),
    ] {
        assert_eq!(message[name], value, "{name}: {message:#}");
    }
    assert!(message["duration-seconds"].as_u64().unwrap() > 10);
    assert!(message.get("plan").is_none() && message.get("diagnosis").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_web_hook_is_told_what_the_run_was_for() {
    let page = include_str!("../docs/notifications.md");
    for mode in Doing::ALL {
        assert!(page.contains(&format!("`{}`", mode.as_str())), "{mode:?}");
        assert_eq!(json!(mode), json!(mode.as_str()));
    }
    let ends = || Behaviour::Ends { after: seconds(5), exit_codes: std::collections::BTreeMap::new() };
    let simulator = world(Scenario::default().one_off("web", ends()));
    for (input, value) in [("mode", "run-task"), ("image", "web:good-2"), ("mode", "rollback")] {
        let step = Step::bare().input("service", "web").input("webhook-url", ELSEWHERE);
        let step = step.input("commit-status", "true").input("github-token", GITHUB_TOKEN);
        step.input(input, value).run(&simulator).await;
    }
    let told: Vec<Value> = messages(&simulator).iter().map(|message| message["mode"].clone()).collect();
    assert_eq!(told, ["run-task", "deploy", "rollback"]);
    let statuses = simulator.github()["commit_statuses"].clone();
    let pending = statuses.as_array().unwrap().iter().filter(|status| status["state"] == "pending");
    let begun: Vec<&str> = pending.map(|status| status["description"].as_str().unwrap()).collect();
    assert_eq!(
        begun,
        [
            "Running: a one-off task in cluster default.",
            "Deploying: service web in cluster default.",
            "Going back: service web in cluster default."
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_template_is_filled_and_signed() {
    let simulator = world(crashing());
    let template = r#"{"routing_key": "R0", "payload": {"summary": "{{ message }}", "ok": "{{succeeded}}", "n": [1, null]}, "links": ["{{ run-url }}", "{{ nobody }}"]}"#;

    let step = telling("web:bad").input("webhook-template", template).input("webhook-secret", "it's a secret");
    let report = step.run(&simulator).await;

    let expected = json!({
        "routing_key": "R0",
        "payload": {"summary": report.output("message"), "ok": "false", "n": [1, null]},
        "links": ["https://github.com/shop/web/actions/runs/4711/attempts/1", "{{ nobody }}"],
    });
    assert_eq!(messages(&simulator), [expected]);
    let call = simulator.calls("hook").remove(0);
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"it's a secret").unwrap();
    hmac.update(call.request["body"].as_str().unwrap().as_bytes());
    let digest: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(call.request["headers"]["x-signature-256"], format!("sha256={digest}"));
}

#[tokio::test(start_paused = true)]
async fn a_user_in_the_address_is_sent_as_a_header() {
    let simulator = world(Scenario::default());

    let step = Step::deploying("web:good-2").input("webhook-url", "https://bot:p%40ss@elsewhere.example/hook/events");
    let report = step.run(&simulator).await;

    let call = simulator.calls("hook").remove(0);
    assert_eq!(call.request["headers"]["authorization"], "Basic Ym90OnBAc3M=");
    assert!(!call.request["url"].as_str().unwrap().contains("bot") && warnings(&report).is_empty(), "{call:#?}");
}

#[test]
fn the_examples_of_the_documentation_are_templates() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/notifications.md")).unwrap();
    let examples: Vec<&str> = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let parsed: Value = serde_json::from_str(example).unwrap();
        assert!(parsed.is_object() && example.contains("{{ "), "{example}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_delivered_is_one_warning_without_the_address_and_is_not_sent_again() {
    let faults = [
        (Fault::Refuse { status: 404, code: String::new(), message: "no_service".to_owned() }, "it answered 404"),
        (Fault::Refuse { status: 429, code: String::new(), message: "rate_limited".to_owned() }, "it answered 429"),
        (Fault::ServerError, "it answered 500"),
        (Fault::Reset, "it does not answer"),
        (Fault::TimeoutAfterEffect, "it does not answer"),
        (Fault::Slow(seconds(10)), "it does not answer"),
        (Fault::Hang { after_effect: true }, "it does not answer"),
    ];
    for (fault, told) in faults {
        let simulator = world(Scenario::default());
        let when = When { operation: Some("hook".to_owned()), ..When::default() };
        simulator.inject(Rule { when, fault: fault.clone() });
        let began = Instant::now();

        let report = telling("web:good-2").input("slack-webhook-url", SLACK).run(&simulator).await;

        let took = began.elapsed();
        report.ended("deployed", "");
        assert_eq!(report.exit_code, 0);
        let concluded = Duration::from_secs(report.output("duration-seconds").parse().unwrap());
        assert!(took <= concluded + seconds(6), "{fault:?}: {concluded:?} of {took:?}");
        assert_eq!(simulator.calls("hook").len(), 2, "{fault:?}");
        let warnings = warnings(&report);
        assert_eq!(warnings.len(), 2, "{fault:?}: {report:#?}");
        for (warning, whom) in warnings.iter().zip(["Slack", "Web hook"]) {
            assert!(warning.starts_with(&format!("::warning title={whom}::")) && warning.contains(told), "{warning}");
        }
        let shown = report.log.lines().filter(|line| !line.starts_with("::add-mask::"));
        assert!(shown.into_iter().all(|line| !line.contains("secret-of") && !line.contains("/hook/")), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_post_step_takes_back_it_tells() {
    let simulator = world(Scenario::default());
    let step = telling("web:good-2").input("rollback-on-job-failure", "true");
    step.run(&simulator).await.ended("deployed", "");

    step.post(&simulator, "failure").await.ended("rolled-back", "job-failed");

    let outcomes: Vec<Value> = messages(&simulator).iter().map(|message| message["outcome"].clone()).collect();
    assert_eq!(outcomes, ["deployed", "rolled-back"]);
}
