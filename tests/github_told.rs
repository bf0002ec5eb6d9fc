//! What a team sees on GitHub beside the Deployments: the commit's status, one comment for each environment and target, and the
//! commits that go out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::{Value, json};
use simulator::{Behaviour, Commit, Fault, GITHUB_TOKEN, Rule, Scenario, Simulator, When};
use support::{Report, Step, seconds, world};

const COMMIT: &str = "8c1d2e3f4a5b60718293a4b5c6d7e8f901234567";
const HEAD: &str = "00000000000000000000000000000000000ead42";

fn telling(step: Step) -> Step {
    step.input("environment", "production").input("github-token", GITHUB_TOKEN)
}

fn marking(image: &str) -> Step {
    telling(Step::deploying(image)).input("commit-status", "true")
}

fn planning(image: &str) -> Step {
    telling(Step::deploying(image)).input("mode", "plan").input("comment-on-pr", "plan")
}

/// The same step in a workflow that runs for a pull request.
fn for_pull_request(step: Step, number: u64) -> Step {
    let event = json!({"number": number, "pull_request": {"number": number, "head": {"sha": HEAD}}});
    let path = step.path().join("event.json").to_str().unwrap().to_owned();
    step.file("event.json", &event.to_string()).variable("GITHUB_EVENT_PATH", &path)
}

fn listed(simulator: &Simulator, list: &str) -> Vec<Value> {
    simulator.github()[list].as_array().unwrap().clone()
}

fn marks(simulator: &Simulator) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed(simulator, "commit_statuses").iter().map(|it| (text(&it["state"]), text(&it["context"]))).collect()
}

fn comments(simulator: &Simulator) -> Vec<String> {
    listed(simulator, "comments").iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
}

fn warnings(report: &Report) -> usize {
    report.log.lines().filter(|line| line.starts_with("::warning title=GitHub")).count()
}

fn at(operation: &str, fault: Fault) -> Rule {
    Rule { when: When { operation: Some(operation.to_owned()), times: Some(1), ..When::default() }, fault }
}

/// A hash of a commit.
fn hash(number: usize) -> String {
    format!("{number:040x}")
}

#[tokio::test(start_paused = true)]
async fn the_commit_is_marked_once_for_each_environment_and_target() {
    let simulator = world(Scenario::default().image("bad", Behaviour::crash_loop()));
    let context = "deploy/production: service web in cluster default".to_owned();

    marking("web:good-2").run(&simulator).await.ended("deployed", "");
    let expected = [("pending", &context), ("success", &context)].map(|(state, it)| (state.to_owned(), it.clone()));
    assert_eq!(marks(&simulator), expected);
    let last = listed(&simulator, "commit_statuses").pop().unwrap();
    assert_eq!(last["sha"], COMMIT);
    assert_eq!(last["target_url"], "https://github.com/shop/web/actions/runs/4711/attempts/1");
    assert!(last["description"].as_str().unwrap().starts_with("deployed after "), "{last:#}");

    let report = marking("web:bad").input("environment", "staging").run(&simulator).await;
    assert_eq!(report.output("outcome"), "rolled-back");
    let last = marks(&simulator).pop().unwrap();
    assert_eq!(last, ("failure".to_owned(), "deploy/staging: service web in cluster default".to_owned()));

    marking("web:good-3").input("cluster", "nowhere").run(&simulator).await.ended("refused", "not-found");
    let last = marks(&simulator).pop().unwrap();
    assert_eq!(last, ("failure".to_owned(), "deploy/production: service web in cluster nowhere".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn of_a_pull_request_its_head_is_marked_and_not_the_merge_that_nobody_sees() {
    let simulator = world(Scenario::default());

    for_pull_request(marking("web:good-2"), 12).run(&simulator).await.ended("deployed", "");

    assert!(listed(&simulator, "commit_statuses").iter().all(|status| status["sha"] == HEAD));
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_one_comment_that_is_kept_up_to_date() {
    let simulator = world(Scenario::default());

    for_pull_request(planning("web:good-2"), 12).run(&simulator).await.ended("planned", "");
    let first = comments(&simulator);
    for_pull_request(planning("web:good-3"), 12).run(&simulator).await.ended("planned", "");

    assert_eq!((first.len(), comments(&simulator).len()), (1, 1));
    let comment = comments(&simulator).remove(0);
    assert!(
        comment.starts_with("<!-- ecs-deploy-action: production, service web in cluster default -->\n"),
        "{comment}"
    );
    assert!(comment.contains("**Environment:** production\n"), "{comment}");
    assert!(comment.contains("+      \"image\": \"web:good-3\",") && !comment.contains("web:good-2"), "{comment}");
    for_pull_request(planning("web:good-3").input("environment", "staging"), 12).run(&simulator).await;
    assert_eq!(comments(&simulator).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn on_a_push_the_pull_request_of_the_commit_is_found_and_without_one_nobody_is_told() {
    let simulator = world(Scenario::default());
    let step = || telling(Step::deploying("web:good-2")).input("comment-on-pr", "always");

    let report = step().run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!((comments(&simulator).len(), warnings(&report)), (0, 0));

    simulator.open_pull_request(7, COMMIT);
    step().input("image", "web:good-3").run(&simulator).await.ended("deployed", "");
    let comment = listed(&simulator, "comments").remove(0);
    assert_eq!(comment["issue"], 7);
    assert!(
        comment["body"].as_str().unwrap().contains("## ✅ Service web in cluster default runs web:3."),
        "{comment:#}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_comment_for_plans_is_written_for_plans_only() {
    let simulator = world(Scenario::default());
    simulator.open_pull_request(7, COMMIT);

    planning("web:good-2").input("mode", "deploy").run(&simulator).await.ended("deployed", "");
    telling(Step::deploying("web:good-3")).input("comment-on-pr", "never").run(&simulator).await.ended("deployed", "");

    assert_eq!(comments(&simulator), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_knows_the_marker_gets_no_text_of_ours() {
    let simulator = world(Scenario::default());
    let theirs = "<!-- ecs-deploy-action: production, service web in cluster default -->\nmine";
    simulator.comment_as_a_stranger(12, theirs);

    for_pull_request(planning("web:good-2"), 12).run(&simulator).await.ended("planned", "");

    let comments = comments(&simulator);
    assert_eq!((comments.len(), comments[0].as_str()), (2, theirs));
}

#[tokio::test(start_paused = true)]
async fn a_comment_that_may_have_been_written_is_looked_for_before_it_is_written_again() {
    let mut cases = 0;
    for operation in ["issues/list-comments", "issues/create-comment", "issues/update-comment"] {
        for fault in [
            Fault::ServerError,
            Fault::Reset,
            Fault::TimeoutAfterEffect,
            Fault::CutAnswer,
            Fault::Refuse { status: 502, code: String::new(), message: "Server Error".to_owned() },
        ] {
            let simulator = world(Scenario::default());
            if operation == "issues/update-comment" {
                for_pull_request(planning("web:good-3"), 12).run(&simulator).await;
            }
            simulator.inject(at(operation, fault.clone()));

            let report = for_pull_request(planning("web:good-2"), 12).run(&simulator).await;

            report.ended("planned", "");
            let comments = comments(&simulator);
            assert_eq!((comments.len(), warnings(&report)), (1, 0), "{operation}, {fault:?}: {report:#?}");
            assert!(comments[0].contains("web:good-2"), "{operation}, {fault:?}: {}", comments[0]);
            cases += 1;
        }
    }
    assert_eq!(cases, 15);
}

#[tokio::test(start_paused = true)]
async fn no_refusal_of_a_comment_or_a_mark_changes_the_end() {
    for operation in ["issues/create-comment", "repos/create-commit-status", "repos/compare-commits-with-basehead"] {
        for (status, message) in [
            (403, "Resource not accessible by integration"),
            (404, "Not Found"),
            (422, "This SHA and context has reached the maximum number of statuses."),
            (429, "You have exceeded a secondary rate limit."),
            (500, "Server Error"),
        ] {
            let simulator = world(Scenario::default());
            marking("web:good-2").variable("GITHUB_SHA", &hash(1)).run(&simulator).await.ended("deployed", "");
            let fault = Fault::Refuse { status, code: String::new(), message: message.to_owned() };
            let when = When { operation: Some(operation.to_owned()), ..When::default() };
            simulator.inject(Rule { when, fault });
            let step = for_pull_request(marking("web:good-3").input("comment-on-pr", "always"), 12);

            let report = step.run(&simulator).await;

            report.ended("deployed", "");
            let quiet = operation.contains("compare") && status != 500;
            assert_eq!(warnings(&report), usize::from(!quiet), "{operation}, {status}: {report:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_github_costs_a_plan_five_seconds_and_a_comment() {
    let simulator = world(Scenario::default());
    let when = When { operation: Some("issues/list-comments".to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Slow(seconds(10)) });
    let began = tokio::time::Instant::now();

    let report = for_pull_request(planning("web:good-2"), 12).run(&simulator).await;

    report.ended("planned", "");
    assert!(began.elapsed() < seconds(6), "{:?}", began.elapsed());
    assert_eq!((comments(&simulator).len(), warnings(&report)), (0, 1));
}

/// A world whose service runs what came from commit 1, and the commits up to that number.
async fn world_of_commits(commits: usize) -> Simulator {
    let simulator = world(Scenario::default());
    Step::deploying("web:good-2").variable("GITHUB_SHA", &hash(1)).run(&simulator).await.ended("deployed", "");
    for number in 1..=commits {
        let message = match number {
            2 => "Pay by card (#345)\n\nmore".to_owned(),
            3 => "Evil | `cell` <script> \u{202e}@everyone\nmore".to_owned(),
            _ => format!("Change {number}"),
        };
        simulator.add_commit(&Commit::new(hash(number), message, "octocat"));
    }
    simulator
}

#[tokio::test(start_paused = true)]
async fn the_commits_that_go_out_are_in_the_summary_the_comment_and_the_history() {
    let simulator = world_of_commits(4).await;
    let step = marking("web:good-3")
        .variable("GITHUB_SHA", &hash(4))
        .input("comment-on-pr", "always")
        .input("github-deployment", "true");

    let report = for_pull_request(step, 12).run(&simulator).await;

    report.ended("deployed", "");
    let [before, after] = [1, 4].map(hash);
    assert_eq!((report.output("previous-commit"), report.output("commit")), (before.as_str(), after.as_str()));
    let section = report.summary.split("### 3 new commits\n").nth(1).unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(
        rows,
        [
            "| `0000000` | Change 4 | octocat |  |",
            "| `0000000` | Evil &#124; &#96;cell&#96; &#60;script&#62; &#64;everyone | octocat |  |",
            "| `0000000` | Pay by card (&#35;345) | octocat | #345 |",
        ]
    );
    assert!(
        section.contains(&format!("[All changes](https://github.com/shop/web/compare/{before}...{after})")),
        "{section}"
    );
    assert!(comments(&simulator)[0].contains("### 3 new commits\n"));
    let payload = &listed(&simulator, "deployments")[0]["payload"];
    assert_eq!(payload["commits"], json!([hash(4), hash(3), hash(2)]));
    assert_eq!(payload["previous_commit"], json!(before));
}

#[tokio::test(start_paused = true)]
async fn many_commits_are_cut_at_fifty_and_the_newest_are_kept() {
    for (commits, listed, left_out) in [(51, 50, None), (52, 50, Some(1)), (101, 50, Some(50)), (176, 50, Some(125))] {
        let simulator = world_of_commits(commits).await;

        let report = marking("web:good-3").variable("GITHUB_SHA", &hash(commits)).run(&simulator).await;

        report.ended("deployed", "");
        let rows: Vec<&str> = report.summary.lines().filter(|line| line.ends_with("| octocat |  |")).collect();
        let more = report.summary.lines().filter(|line| line.contains(" #345 |")).count();
        assert_eq!(rows.len() + more, listed, "{commits}: {}", report.summary);
        assert!(rows[0].contains(&format!("Change {commits} ")), "{}", rows[0]);
        let told = left_out.map(|number| format!("\nand {number} older ones.\n"));
        assert!(told.is_none_or(|told| report.summary.contains(&told)), "{commits}: {}", report.summary);
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_says_which_commits_are_missing_then() {
    let simulator = world_of_commits(4).await;
    marking("web:good-3").variable("GITHUB_SHA", &hash(4)).run(&simulator).await.ended("deployed", "");

    let step = telling(Step::bare().input("service", "web").input("mode", "rollback")).input("commit-status", "true");
    let report = step.run(&simulator).await;

    report.ended("rolled-back", "");
    assert!(report.summary.contains("\n3 commits of what ran before not in it.\n"), "{}", report.summary);
}
