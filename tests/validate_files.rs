//! `mode: validate` in a whole repository: which files it finds, whatever is in them.

mod support;

use ecs_deploy_action::validate::{Ours, workflow};
use proptest::prelude::*;
use support::validation::{CLEAN, DEPLOY, annotations, run, validating};

#[tokio::test(start_paused = true)]
async fn the_actions_own_steps_are_found_wherever_they_are() {
    let step = |uses: &str| {
        format!("on: push\njobs:\n  a:\n    steps:\n      - uses: {uses}\n        with: {{mode: plan, colour: red}}\n")
    };
    let composite = "name: Ours, wrapped\nruns:\n  using: composite\n  steps:\n    - id: x\n      uses: org/ecs-deploy-action@v1\n      with: {service: web, colour: red}\n";
    let action = include_str!("../action.yml");
    let used_by = |uses: &str| validating().file(DEPLOY, &step(uses));
    for (step, found) in [
        (used_by("org/ecs-deploy-action@v1"), 2),
        (used_by("Somebody/ECS-deploy-action@0123456789012345678901234567890123456789 # v1"), 2),
        (used_by("docker://ghcr.io/org/ecs-deploy-action:1"), 2),
        (used_by("org/deploy@v1").variable("GITHUB_ACTION_REPOSITORY", "org/deploy"), 2),
        (used_by("./").file("action.yml", action), 2),
        (used_by("./tools/deploy").file("tools/deploy/action.yml", action), 2),
        (used_by("org/deploy@v1"), 0),
        // There are others of that name.
        (used_by("else/ecs-deploy-action@v1").variable("GITHUB_ACTION_REPOSITORY", "org/ecs-deploy-action"), 0),
        (used_by("./").file("action.yml", composite), 1),
        (used_by("org/other@v1").file(".github/actions/deploy/action.yaml", composite), 1),
        (used_by("org/other@v1").file("node_modules/x/action.yml", composite), 0),
    ] {
        let report = run(step).await;
        let errors = annotations(&report).into_iter().filter(|told| told.starts_with("error")).count();
        assert_eq!(errors, found, "{report:#?}");
        assert_eq!(report.log.contains("No step of this action was found"), found == 0, "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_annotations_is_in_the_log_and_in_the_table() {
    let steps: String = (0..12)
        .map(|number| {
            format!(
                "      - uses: o/ecs-deploy-action@v1\n        with: {{mode: plan, service: web, wrong{number}: 1}}\n"
            )
        })
        .collect();

    let report = run(validating().file(DEPLOY, &format!("on: push\njobs:\n  a:\n    steps:\n{steps}"))).await;

    assert_eq!(report.log.lines().filter(|line| line.starts_with("::error ")).count(), 10);
    assert!(report.log.contains("\n.github/workflows/deploy.yml:28: error: "), "{}", report.log);
    for line in (6..=28).step_by(2) {
        assert!(report.summary.contains(&format!("deploy.yml:{line} | error |")), "{line}: {}", report.summary);
    }
    assert_eq!(
        report.output("message"),
        "12 errors and 0 warnings in 1 file with steps, 12 steps of this action, 0 task definitions."
    );
}

#[tokio::test(start_paused = true)]
async fn hostile_files_neither_give_commands_nor_show_what_lies_elsewhere() {
    let hostile = "on: push
jobs:
  \"x\\n::error::one\":
    steps:
      - id: a
        uses: o/ecs-deploy-action@v1
        with:
          mode: deploy
          service: \"a b\\n::error::two ##[error]three\"
          \"name\\n::set-output name=x::four\": \"::error::five\"
          task-definition: ../secret.json
          image: \"<img src=x>|`:latest\"
      - run: echo ${{ steps.a.outputs['::error::six'] }}
";
    let step = validating()
        .file("repository/readme", "")
        .file("secret.json", "{\"family\": \"hunter2\", \"cpu\": \"hunter3\"}");
    std::os::unix::fs::symlink("../../../secret.json", {
        std::fs::create_dir_all(step.path().join("repository/.github/workflows")).unwrap();
        step.path().join("repository/.github/workflows/link.yml")
    })
    .unwrap();
    let workspace = step.path().join("repository").to_str().unwrap().to_owned();
    let step = step.file(&format!("repository/{DEPLOY}"), hostile).variable("GITHUB_WORKSPACE", &workspace);

    let report = run(step).await;

    report.ended("refused", "invalid-input");
    let commands: Vec<&str> = report.log.lines().filter(|line| line.starts_with("::")).collect();
    assert!(
        commands.iter().all(|line| line.starts_with("::error title=")
            || line.starts_with("::warning title=")
            || line.starts_with("::debug")),
        "{commands:#?}"
    );
    let mut text = report.log.lines().filter(|line| !line.starts_with("::"));
    assert!(text.all(|line| !line.contains("##[")), "{}", report.log);
    for page in [&report.log, &report.summary] {
        assert!(!page.contains("hunter"), "{page}");
    }
    assert!(!report.summary.contains("<img"), "{}", report.summary);
    assert!(report.log.contains("`../secret.json` is not inside of the workspace"), "{}", report.log);

    // Nor are the names of files told that lie elsewhere.
    let step = validating()
        .file("secret.json", "")
        .file(&format!("repository/{DEPLOY}"), &CLEAN.replace("deploy/web.json", "../secrt.json"));
    let workspace = step.path().join("repository").to_str().unwrap().to_owned();
    let report = run(step.variable("GITHUB_WORKSPACE", &workspace)).await;
    assert!(report.log.contains("no file `../secrt.json`") && !report.log.contains("secret.json"), "{report:#?}");
}

#[test]
fn every_example_is_clean() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let workflows = std::fs::read_dir(format!("{folder}/workflows")).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<_> = workflows.chain([format!("{folder}/composite-action/action.yml").into()]).collect();
    assert!(examples.len() > 15, "{examples:#?}");
    for path in examples {
        let text = std::fs::read_to_string(&path).unwrap();

        let findings = workflow(path.to_str().unwrap(), &text, &Ours::default());

        assert_eq!(findings, [], "{}", path.display());
        // The steps were seen: one mistake in the first of them is one finding.
        let (head, tail) = text.split_once("ecs-deploy-action@").unwrap();
        let (middle, tail) = tail.split_once("with:\n").unwrap();
        let indentation = &tail[..tail.len() - tail.trim_start().len()];
        let broken = format!("{head}ecs-deploy-action@{middle}with:\n{indentation}colour: red\n{tail}");
        assert_eq!(workflow("x.yml", &broken, &Ours::default()).len(), 1, "{}", path.display());
    }
}

#[tokio::test(start_paused = true)]
async fn this_repository_has_no_errors() {
    let report = run(validating().variable("GITHUB_WORKSPACE", env!("CARGO_MANIFEST_DIR"))).await;

    report.ended("planned", "");
    // Those of `uses: ./` among them, and that of the composite example.
    let steps = report.output("message").split(", ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(steps.parse::<usize>().unwrap() >= 3, "{report:#?}");
}

#[test]
fn broken_and_bottomless_files_are_told_in_time() {
    let bomb: String =
        (1..30).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))).collect();
    let chain: String = (1..400).map(|n| format!("a{n}: &a{n} [[[*a{}]]]\n", n - 1)).collect();
    for broken in [
        format!("a0: &a0 x\n{bomb}"),
        format!("a0: &a0 x\n{chain}"),
        "a: &a [*a]".to_owned(),
        "a: *nobody".to_owned(),
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(5_000),
        "a:\n  - b\n - c".to_owned(),
        "a: 1\na: 2".to_owned(),
        "a: \"never closed".to_owned(),
        "a: b: c".to_owned(),
        "\ta: b".to_owned(),
        "a: 1\n---\nb: 2".to_owned(),
        "%YAML 9.9\n--- |\n".to_owned() + &" ".repeat(70_000),
        "\u{0}".to_owned(),
        "!!binary <: *".to_owned(),
        format!("a: {}", "x".repeat(2 * 1024 * 1024)),
    ] {
        let findings = workflow(DEPLOY, &broken, &Ours::default());
        let start: String = broken.chars().take(60).collect();
        assert!(findings.len() <= 1, "{start}: {findings:#?}");
        assert!(
            findings.iter().all(|it| it.is_error && it.problem.starts_with("this is not a workflow")),
            "{findings:#?}"
        );
    }
    let nested: String = (0..150).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for (bottomless, words) in [
        (format!("a0: &a0 x\n{bomb}"), "holds too much"),
        (format!("a0: &a0 x\n{chain}"), "too deep"),
        (nested, "too deep"),
        ("a: &a [*a]".to_owned(), "what it is in"),
        (format!("a: {}", "x".repeat(2 * 1024 * 1024)), "too long"),
    ] {
        let findings = workflow(DEPLOY, &bottomless, &Ours::default());
        assert!(findings.len() == 1 && findings[0].problem.contains(words), "{words}: {findings:#?}");
    }
    // Aliases that are few are followed, as GitHub does.
    let anchored = "on: push\nconcurrency: a\njobs:\n  a:\n    steps:\n      - &one\n        uses: o/ecs-deploy-action@v1\n        with: {service: web, colour: red}\n      - *one\n";
    let lines: Vec<usize> = workflow(DEPLOY, anchored, &Ours::default()).into_iter().map(|it| it.line).collect();
    assert_eq!(lines, [8, 8]);
}

proptest! {
    #[test]
    fn no_text_breaks_it(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "jobs:", "a:", "steps:", "- ", "uses: o/ecs-deploy-action@v1", "with:", "image: x", "&a", "*a", "<<: *a", "|", ">-", "\"", "'",
                "{", "}", "[", "]", "${{", "}}", "steps.a.outputs.", ",", ":", "?", "#", "---", "...", "!t", "%YAML", "\n", "\n  ", "\n    ",
                "\n      ", "\n        ", "\t", "\r", "\u{feff}", "é", "0x", "~", "permissions:", "concurrency:", "mode: ",
            ]),
            0..60,
        ),
    ) {
        let text: String = pieces.concat();
        workflow("x.yml", &text, &Ours::default());
        workflow("x.yml", &format!("{CLEAN}{text}"), &Ours::default());
    }
}
