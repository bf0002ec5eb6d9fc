//! The scan gate: what Amazon ECR or Amazon Inspector found in an image decides whether it is deployed.

mod support;

use serde_json::{Value, json};
use simulator::{Image, Repository, Scenario, Simulator};
use support::registry::{amd64, named, refused, warned, world};
use support::{Step, seconds, writes};

fn critical(count: usize) -> Value {
    let findings: Vec<Value> =
        (1..=count).map(|n| json!({"name": format!("CVE-2026-{n}"), "severity": "CRITICAL"})).collect();
    json!({"findings": findings, "findingSeverityCounts": {"CRITICAL": count}})
}

fn enhanced(status: &str, fix: &str) -> Value {
    let finding = json!({
        "severity": "CRITICAL",
        "status": status,
        "fixAvailable": fix,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": "CVE-2026-7",
            "vulnerablePackages": [{"name": "openssl", "version": "3.0.1"}],
        },
    });
    json!({"enhancedFindings": [finding], "findingSeverityCounts": {"CRITICAL": 1}})
}

fn gated(image: Image) -> Simulator {
    world("web:1", Repository::new("shop/web").image(image.tag("2")), Scenario::default())
}

#[tokio::test(start_paused = true)]
async fn the_scan_gate_lets_through_what_is_clean_and_nothing_else() {
    let image = || amd64("2");
    let soon = seconds(20);
    for (case, image, inputs, passes) in [
        ("clean", image().scan(seconds(0), "COMPLETE", json!({"findings": []})), &[][..], true),
        ("critical", image().scan(seconds(0), "COMPLETE", critical(1)), &[], false),
        ("allowed", image().scan(seconds(0), "COMPLETE", critical(1)), &[("scan-thresholds", "critical=1")], true),
        (
            "ignored",
            image().scan(seconds(0), "COMPLETE", critical(1)),
            &[("scan-ignore", "CVE-2026-1 not reachable")],
            true,
        ),
        (
            "ignored until today",
            image().scan(seconds(0), "COMPLETE", critical(1)),
            &[("scan-ignore", "CVE-2026-1 until 2026-01-05 not reachable")],
            true,
        ),
        (
            "ignored until yesterday",
            image().scan(seconds(0), "COMPLETE", critical(1)),
            &[("scan-ignore", "CVE-2026-1 until 2026-01-04 not reachable")],
            false,
        ),
        (
            "another is ignored",
            image().scan(seconds(0), "COMPLETE", critical(2)),
            &[("scan-ignore", "CVE-2026-1 x")],
            false,
        ),
        ("enhanced", image().scan(seconds(0), "ACTIVE", enhanced("ACTIVE", "YES")), &[], false),
        ("enhanced, but complete", image().scan(seconds(0), "COMPLETE", enhanced("ACTIVE", "YES")), &[], false),
        ("suppressed", image().scan(seconds(0), "ACTIVE", enhanced("SUPPRESSED", "YES")), &[], true),
        (
            "no fix",
            image().scan(seconds(0), "ACTIVE", enhanced("ACTIVE", "NO")),
            &[("scan-only-fixable", "true")],
            true,
        ),
        (
            "a fix",
            image().scan(seconds(0), "ACTIVE", enhanced("ACTIVE", "YES")),
            &[("scan-only-fixable", "true")],
            false,
        ),
        (
            "finished in time",
            image().scan(seconds(0), "IN_PROGRESS", json!({})).scan(seconds(90), "COMPLETE", critical(0)),
            &[],
            true,
        ),
        (
            "not finished in time",
            image().scan(seconds(0), "IN_PROGRESS", json!({})).scan(seconds(90), "COMPLETE", critical(0)),
            &[("scan-wait-minutes", "1")],
            false,
        ),
        ("begun late", image().scan(soon, "COMPLETE", critical(0)), &[], true),
        (
            "found late",
            image().scan(seconds(0), "ACTIVE", json!({})).scan(seconds(10), "ACTIVE", enhanced("ACTIVE", "YES")),
            &[],
            false,
        ),
        (
            "counted before it is listed",
            image().scan(seconds(0), "ACTIVE", json!({"findingSeverityCounts": {"CRITICAL": 1}})).scan(
                seconds(40),
                "ACTIVE",
                enhanced("ACTIVE", "YES"),
            ),
            &[],
            false,
        ),
        ("never scanned", image(), &[("scan-wait-minutes", "0.5")], false),
        ("failed", image().scan(seconds(0), "FAILED", json!({})), &[], false),
        ("not supported", image().scan(seconds(0), "UNSUPPORTED_IMAGE", json!({})), &[], false),
        (
            "an index is its image for the platform",
            Image::index(vec![
                image().scan(seconds(0), "COMPLETE", critical(0)),
                Image::new("2", "linux", "arm64").scan(seconds(0), "COMPLETE", critical(1)),
            ]),
            &[],
            true,
        ),
        (
            "an index with a bad image",
            Image::index(vec![image().scan(seconds(0), "COMPLETE", critical(1))]),
            &[],
            false,
        ),
    ] {
        let simulator = gated(image);
        let step = Step::deploying(&named("2")).input("scan-gate", "fail");
        let report = inputs.iter().fold(step, |step, (name, value)| step.input(name, value)).run(&simulator).await;
        let expected = if passes { ("deployed", "") } else { ("refused", "scan-gate") };
        assert_eq!((report.output("outcome"), report.output("cause")), expected, "{case}: {report:#?}");
        assert_eq!(writes(&simulator).is_empty(), !passes, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_findings_are_in_the_summary_and_on_all_pages() {
    let simulator = gated(amd64("2").scan(seconds(0), "COMPLETE", critical(1200)));

    let report = Step::deploying(&named("2")).input("scan-gate", "fail").run(&simulator).await;

    refused(&report, &simulator, "scan-gate", &["1200 critical (allowed: 0)", "CVE-2026-1, ", "1190 more"]);
    for words in ["| Severity | Found |", "| critical | 1200 | 0 | 0 | 0 | too many |", "CVE-2026-10", "scan-ignore"] {
        assert!(report.summary.contains(words), "{words} in {}", report.summary);
    }
    assert!(report.log.contains("critical"), "{}", report.log);
}

#[tokio::test(start_paused = true)]
async fn the_gate_warns_where_it_is_only_to_warn_and_works_in_a_plan() {
    let simulator = gated(amd64("2").scan(seconds(0), "COMPLETE", critical(1)));
    let report = Step::deploying(&named("2")).input("scan-gate", "warn").run(&simulator).await;
    report.ended("deployed", "");
    warned(&report, &["CVE-2026-1"]);

    let report = Step::deploying(&named("2"))
        .input("scan-gate", "fail")
        .input("environment-variables", "A=b")
        .input("mode", "plan")
        .run(&simulator)
        .await;
    report.ended("refused", "scan-gate");
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_waited_for_can_be_cancelled() {
    let simulator = gated(amd64("2").scan(seconds(0), "IN_PROGRESS", json!({})));
    let (cancel, cancellation) = ecs_deploy_action::cycle::Cancellation::new();
    let step = Step::deploying(&named("2")).input("scan-gate", "fail").input("scan-wait-minutes", "60");
    let cancelled = async {
        tokio::time::sleep(seconds(30)).await;
        cancel.send_replace(true);
    };

    let (report, ()) = tokio::join!(step.run_until_cancelled(&simulator, cancellation), cancelled);

    refused(&report, &simulator, "cancelled", &[]);
    assert!(simulator.elapsed() < seconds(40));
}

#[tokio::test(start_paused = true)]
async fn a_task_alone_does_not_get_around_the_gate() {
    let simulator = gated(amd64("2").scan(seconds(0), "COMPLETE", critical(1)));

    let step = Step::bare().input("mode", "run-task").input("service", "web").input("image", &named("2"));
    let report = step.input("scan-gate", "fail").run(&simulator).await;

    refused(&report, &simulator, "scan-gate", &[]);
}
