//! `mode: validate`: what is wrong in a repository is told on its line, nobody is asked, and what is right is left alone.

mod support;

use ecs_deploy_action::validate::{Finding, Ours, workflow};
use support::validation::{CLEAN, DEPLOY, WEB, annotations, repository, run, validating};

#[tokio::test(start_paused = true)]
async fn each_mistake_is_told_on_its_line_and_the_workflow_without_it_is_clean() {
    let clean = run(repository(CLEAN)).await;
    assert_eq!(annotations(&clean), Vec::<String>::new(), "{clean:#?}");
    clean.ended("planned", "");
    assert_eq!(clean.exit_code, 0);
    assert_eq!(
        clean.output("message"),
        "Nothing is wrong in 1 file with steps, 1 step of this action, 1 task definition."
    );

    for (from, to, level, line, words) in [
        ("aws-region: eu", "aws-regoin: eu", "error", 27, &["`aws-regoin`", "did you mean `aws-region`?"][..]),
        ("aws-region: eu", "colour: eu", "error", 27, &["`colour`", "ignored"]),
        ("wait-for-minutes: 30", "wait-for-minutes: 0", "error", 30, &["`wait-for-minutes`", "360"]),
        ("wait-for-minutes: 30", "wait-for-minutes: [30]", "error", 30, &["`wait-for-minutes`", "not a text"]),
        ("wait-for-minutes: 30", "expected-account-id: 012345678901", "error", 30, &["`12345678901`", "quotes"]),
        (
            "wait-for-minutes: 30",
            "canary-percent: 10\n          deployment-strategy: rolling",
            "error",
            30,
            &["ROLLING"],
        ),
        ("wait-for-minutes: 30", "to: previous", "error", 30, &["`to`", "mode: rollback"]),
        ("          environment: production\n", "", "error", 21, &["`environment`", "none is named"]),
        ("          service: web\n", "", "error", 21, &["`service`", "empty"]),
        ("      id-token: write\n", "", "error", 12, &["`role-to-assume`", "id-token: write", "`deploy`"]),
        ("      id-token: write\n", "      id-token: read\n", "error", 12, &["id-token: write"]),
        ("      deployments: write\n", "", "warning", 12, &["`github-deployment`", "deployments: write"]),
        ("cancel-in-progress: false", "cancel-in-progress: true", "warning", 8, &["cancels job `deploy`"]),
        (
            "concurrency:\n  group: production\n  cancel-in-progress: false\n",
            "",
            "warning",
            18,
            &["without `concurrency`"],
        ),
        (
            "task-definition-revision }}",
            "task-definition-revison }}",
            "error",
            17,
            &["did you mean `task-definition-revision`?"],
        ),
        ("outputs.changed", "outputs.chnged", "error", 31, &["`deploy`", "did you mean `changed`?"]),
        ("outputs.message", "outputs['messages']", "error", 34, &["did you mean `message`?"]),
        ("needs.deploy.outputs.revision", "needs.deploy.outputs.version", "error", 39, &["`deploy`", "`version`"]),
        ("/web:${{ github.sha }}", "/web:latest", "warning", 25, &["/web:latest", "digest"]),
        ("/web:${{ github.sha }}", "/web", "warning", 25, &["no tag"]),
        (
            "task-definition: deploy/web.json",
            "task-definition: deploy/wbe.json",
            "warning",
            23,
            &["`deploy/wbe.json`", "did you mean `web.json`?"],
        ),
        ("image: ${{", "container-name: ap\n          image: ${{", "error", 25, &["`ap`", "did you mean `app`?"]),
        ("service: web\n", "service: web\n          service: api\n", "error", 25, &["`service` occurs twice"]),
    ] {
        let broken = CLEAN.replacen(from, to, 1);
        assert_ne!(broken, CLEAN, "{from}");

        let report = run(repository(&broken)).await;

        let told = annotations(&report);
        let [told] = &told[..] else { panic!("{to}: {told:#?}") };
        let place = format!("{level} {DEPLOY}:{line} ");
        assert!(told.starts_with(&place) && words.iter().all(|word| told.contains(word)), "{to}: {told}");
        let (outcome, cause, exit_code) =
            if level == "error" { ("refused", "invalid-input", 1) } else { ("planned", "", 0) };
        report.ended(outcome, cause);
        assert_eq!(report.exit_code, exit_code, "{to}");
        assert!(report.summary.contains(&format!("deploy.yml:{line} | {level} |")), "{}", report.summary);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_is_checked_line_by_line_as_the_step_changes_it() {
    let json = WEB
        .replace("\"memory\": \"512\"", "\"memory\": \"4\"")
        .replace("\"networkMode\": \"awsvpc\"", "\"networkMod\": \"awsvpc\"")
        .replace("\"value\": \"info\"", "\"value\": 7")
        .replace("\"essential\": true", "\"secrets\": [{\"name\": \"KEY\"}]");
    let report = run(repository(CLEAN).file("deploy/web.json", &json)).await;
    let file = "deploy/web.json";
    let expected = [
        (format!("error {file}:1"), "`networkMode`: has to be `awsvpc`"),
        (format!("warning {file}:4"), "did you mean `networkMode`?"),
        (format!("error {file}:6"), "`memory`: Fargate has no 4 MiB"),
        (format!("error {file}:11"), "`containerDefinitions[app].secrets[KEY].valueFrom`: is missing"),
        (format!("error {file}:12"), "`containerDefinitions[app].environment[LEVEL].value`: has to be a text"),
    ];
    let told = annotations(&report);
    for (place, words) in &expected {
        assert!(told.iter().any(|told| told.starts_with(place.as_str()) && told.contains(words)), "{words}: {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");

    // Lines are known however the JSON is written.
    for (from, to) in [
        ("  ", "\t"),
        ("\n", "\r\n"),
        ("\"family\": \"web\"", "\"family\":\"web\""),
        ("\"value\": \"info\"", "\"value\": \"\\/ \\ud83d\\ude00 \\u00e9 \\b: # - \""),
        ("\"cpu\"", "\"tags\": [{\"key\": \"a\", \"value\": \"b: {{ c }} 'd' & *e\"}], \"cpu\""),
    ] {
        let json = WEB.replace("\"512\"", "\"4\"").replace(from, to);
        let told = annotations(&run(repository(CLEAN).file(file, &json)).await);
        assert!(told.len() == 1 && told[0].starts_with("error deploy/web.json:6 "), "{to}: {told:#?}");
    }

    // What the step does not name has to be in the file, and what it does name is left to it.
    let without_image = CLEAN.replace("          image: ${{ env.REGISTRY }}/web:${{ github.sha }}\n", "");
    let told = annotations(&run(repository(&without_image)).await);
    assert_eq!(told, [format!("error {file}:9 `containerDefinitions[app].image`: is missing.")]);
    let with_image = WEB.replace("\"essential\": true", "\"image\": \"web:latest\"");
    let told = annotations(&run(repository(CLEAN).file(file, &with_image)).await);
    assert_eq!(told, Vec::<String>::new());
    let told = annotations(&run(repository(&without_image).file(file, &with_image)).await);
    assert!(told.len() == 1 && told[0].starts_with(&format!("warning {file}:11 ")), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_step_may_put_into_a_task_definition_is_not_missed_there() {
    let image = "          image: ${{ env.REGISTRY }}/web:${{ github.sha }}\n";
    for (given, file) in [
        ("images: ${{ steps.build.outputs.images }}", WEB.to_owned()),
        ("image: ${{ env.IMAGE }}\n          container-name: ${{ env.CONTAINER }}", WEB.to_owned()),
        ("image: ${{ env.IMAGE }}\n          memory: ${{ env.MEMORY }}", WEB.replace("\"memory\": \"512\",", "")),
        ("image: ${{ env.IMAGE }}\n          cpu: ${{ env.CPU }}", WEB.replace("\"512\"", "\"8192\"")),
        (
            "image: ${{ env.IMAGE }}\n          execution-role-arn: ${{ env.ROLE }}\n          secrets: KEY=arn:aws:ssm:eu-west-1:123456789012:parameter/key",
            WEB.replace("\"executionRoleArn\": \"arn:aws:iam::123456789012:role/execution\",", ""),
        ),
    ] {
        let text = CLEAN.replace(image, &format!("          {given}\n"));
        let report = run(repository(&text).file("deploy/web.json", &file)).await;
        assert_eq!(annotations(&report), Vec::<String>::new(), "{given}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_no_workflow_names_are_named_by_the_step() {
    let yaml = "family: web\ncontainerDefinitions:\n  - name: app\n    image: web:1\n    memory: 64\n    portMappings:\n      - containerPort: 0\n";
    let step = || validating().file("a.yml", yaml).file("b.json", "{\n  \"family\": \"b\",,\n}");

    let report = run(step().input("task-definition", "a.yml, b.json")).await;

    report.ended("refused", "invalid-input");
    let told = annotations(&report);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("error a.yml:7 ") && told[0].contains("1 to 65535"), "{told:#?}");
    assert!(told[1].starts_with("error b.json:2 ") && told[1].contains("not valid JSON"), "{told:#?}");

    let report = run(step().input("task-definition", "a.yml").input("image", "web:2").input("cpu", "much")).await;
    report.ended("refused", "invalid-input");
    assert!(report.errors()[0].contains("`cpu`"), "{report:#?}");

    for (step, words) in [
        (validating(), &["no workflows", "actions/checkout"][..]),
        (validating().input("task-definition", "c.json"), &["`c.json`", "actions/checkout"]),
        (validating().input("task-definition", "/dev/zero"), &["`/dev/zero`", "not inside"]),
    ] {
        let report = run(step).await;
        report.ended("refused", "invalid-input");
        assert!(words.iter().all(|word| report.errors()[0].contains(word)), "{words:?}: {report:#?}");
    }
}

#[test]
fn what_is_not_known_is_not_complained_about() {
    for input in ecs_deploy_action::runner::Inputs::names().iter().filter(|name| !["service", "mode"].contains(name)) {
        let with = format!("          service: web\n          {input}: ${{{{ vars.X }}}}\n");
        let text = CLEAN.replacen("          service: web\n", &with, 1);
        // What another input makes of it is another matter: of the one itself nothing is known.
        let about = |finding: &Finding| finding.problem.contains(&format!("input `{input}`"));
        let told: Vec<Finding> = workflow(DEPLOY, &text, &Ours::default()).into_iter().filter(about).collect();
        assert_eq!(told, [], "{input}");
    }
    let decided_later = "on: push
permissions: {id-token: write}
jobs:
  deploy:
    steps:
      - uses: org/ecs-deploy-action@v1
        with:
          mode: ${{ inputs.mode }}
          run-task: ${{ inputs.task }}
          to: ${{ inputs.to }}
          deployment-strategy: ${{ inputs.strategy }}
          canary-percent: 10
          images: ${{ steps.build.outputs.images }}
          role-to-assume: arn:aws:iam::${{ vars.ACCOUNT }}:role/deploy
          expected-account-id: '210987654321'
          wait-for-minutes: \"${{ fromJSON('}}').b }}\"
";
    assert_eq!(workflow(DEPLOY, decided_later, &Ours::default()), []);
    // What is said of an input that is known can be due to one that is not.
    for with in [
        "{mode: promote, service: web, from-service: 'arn:aws:ecs:eu-west-1:111122223333:service/a/web', aws-region: '${{ vars.R }}'}",
        "{endpoint-name: x, model-package-group: g, model-version: '${{ inputs.v }}', quality-gates: accuracy >= 0.8}",
        "{mode: promote, service: web, from-service: api, to: '${{ inputs.to }}'}",
        "{endpoint-name: '${{ inputs.e }}', service: '${{ inputs.s }}', cluster: production}",
        "{service: web, wait-until: bake-time, health-check-url: '${{ vars.URL }}'}",
    ] {
        let text = format!(
            "on: push\nconcurrency: a\njobs:\n  a:\n    steps:\n      - uses: org/ecs-deploy-action@v1\n        with: {with}\n"
        );
        assert_eq!(workflow(DEPLOY, &text, &Ours::default()), [], "{with}");
    }
    // What is wrong with every mode is told.
    let wrong = decided_later.replace("canary-percent: 10", "service: web\n          canary-percent: many");
    let told = workflow(DEPLOY, &wrong, &Ours::default());
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((told[0].line, told[0].is_error), (13, true));
}

#[test]
fn permissions_are_those_of_the_job_or_else_of_the_workflow() {
    let job = |workflow: &str, job: &str| {
        format!(
            "on: push\n{workflow}concurrency: a\njobs:\n  deploy:\n{job}    steps:\n      - uses: org/ecs-deploy-action@v1\n        with: \
             {{service: web, role-to-assume: '${{{{ vars.R }}}}', commit-status: true, comment-on-pr: always}}\n"
        )
    };
    let lacking = |text: &str| -> Vec<(usize, bool, String)> {
        let scope = |problem: &str| problem.split("needs `").nth(1).unwrap().split(':').next().unwrap().to_owned();
        let told = workflow(DEPLOY, text, &Ours::default());
        told.into_iter().map(|it| (it.line, it.is_error, scope(&it.problem))).collect()
    };
    let all = "{id-token: write, statuses: write, pull-requests: write}";
    for (workflow, own, expected) in [
        (format!("permissions: {all}\n"), String::new(), vec![]),
        ("permissions: {}\n".to_owned(), format!("    permissions: {all}\n"), vec![]),
        ("permissions: write-all\n".to_owned(), String::new(), vec![]),
        // A job's permissions take the place of the workflow's.
        (
            format!("permissions: {all}\n"),
            "    permissions: {id-token: write}\n".to_owned(),
            vec![(6, false, "statuses"), (6, false, "pull-requests")],
        ),
        (
            "permissions: read-all\n".to_owned(),
            String::new(),
            vec![(2, true, "id-token"), (2, false, "statuses"), (2, false, "pull-requests")],
        ),
        // Nobody says any: a token never gets `id-token` by itself, and the rest is up to the repository's settings.
        (
            String::new(),
            String::new(),
            vec![(7, true, "id-token"), (7, false, "statuses"), (7, false, "pull-requests")],
        ),
    ] {
        let expected: Vec<_> =
            expected.into_iter().map(|(line, is_error, scope)| (line, is_error, scope.to_owned())).collect();
        assert_eq!(lacking(&job(&workflow, &own)), expected, "{workflow}{own}");
    }
    let called = job("", "").replace("on: push", "on: {workflow_call: {}}").replace("concurrency: a\n", "");
    assert_eq!(lacking(&called), []);
    let of_mode = |mode: &str, permissions: &str| {
        let text = format!(
            "on: push\npermissions: {permissions}\njobs:\n  a:\n    steps:\n      - uses: org/ecs-deploy-action@v1\n        with:\n          \
             mode: {mode}\n          environment: production\n          service: web\n          role-to-assume: ${{{{ vars.R }}}}\n"
        );
        lacking(&text)
    };
    let expected = [(2, true, "deployments".to_owned()), (2, true, "contents".to_owned())];
    assert_eq!(of_mode("report", "{}"), expected);
    assert_eq!(of_mode("report", "{deployments: read, contents: write}"), []);
    let with_another_token = of_mode("report\n          github-token: ${{ secrets.REPORT_TOKEN }}", "{}");
    assert_eq!(with_another_token, []);
    assert_eq!(of_mode("validate", "{}"), []);
    assert_eq!(of_mode("iam-policy", "{}"), []);
    assert_eq!(of_mode("plan", "{}"), [(2, true, "id-token".to_owned())]);
    let with_another_token =
        job("permissions: {id-token: write}\n", "").replace("commit", "github-token: '${{ secrets.PAT }}', commit");
    assert_eq!(lacking(&with_another_token), []);
    let chained = job("permissions: {statuses: write, pull-requests: write}\n", "")
        .replace("commit", "role-chaining: true, commit");
    assert_eq!(lacking(&chained), []);
}

#[test]
fn a_rollback_is_told_to_have_a_queue_of_its_own() {
    let job = |concurrency: &str, mode: &str| {
        format!(
            "on: push\n{concurrency}jobs:\n  a:\n    steps:\n      - uses: org/ecs-deploy-action@v1\n        with: {{service: web{mode}}}\n"
        )
    };
    let told = |mode| workflow(DEPLOY, &job("", mode), &Ours::default());
    let (rollback, deployment) = (told(", mode: rollback"), told(""));
    assert!(rollback[0].remedy.contains("of its own"), "{rollback:#?}");
    assert!(!deployment[0].remedy.contains("of its own"), "{deployment:#?}");
    let own = "concurrency: {group: rollback-web, cancel-in-progress: false}\n";
    assert_eq!(workflow(DEPLOY, &job(own, ", mode: rollback"), &Ours::default()), []);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_calls_a_workflow_has_to_let_it_have_an_id_token() {
    let called = "on: {workflow_call: {}}
jobs:
  deploy:
    permissions: {id-token: write}
    steps:
      - uses: org/ecs-deploy-action@v1
        with: {service: web, role-to-assume: '${{ vars.ROLE }}'}
";
    let caller = "on: push
permissions: {contents: read}
jobs:
  production:
    uses: ./.github/workflows/deploy.yml
";
    let calls = |caller: &str| validating().file(DEPLOY, called).file(".github/workflows/a.yml", caller);

    let told = annotations(&run(calls(caller)).await);
    assert!(told.len() == 1 && told[0].starts_with("error .github/workflows/a.yml:2 "), "{told:#?}");
    // The caller says nothing: whether the called job may ask for a token is for the repository's settings to say.
    let silent = caller.replace("permissions: {contents: read}\n", "");
    let told = annotations(&run(calls(&silent)).await);
    assert!(told.len() == 1 && told[0].starts_with("warning .github/workflows/a.yml:4 "), "{told:#?}");
    // Nobody says anything: no settings give a job a token.
    let unasked = called.replace("    permissions: {id-token: write}\n", "");
    let told = annotations(&run(validating().file(DEPLOY, &unasked).file(".github/workflows/a.yml", &silent)).await);
    assert!(told.len() == 1 && told[0].starts_with("error .github/workflows/a.yml:4 "), "{told:#?}");
    // Who calls the caller may say it.
    let told = annotations(&run(calls(&silent.replace("on: push", "on: workflow_call"))).await);
    assert_eq!(told, Vec::<String>::new());
    let told = annotations(&run(calls(&caller.replace("contents: read", "id-token: write"))).await);
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn an_output_that_github_drops_is_told() {
    let text =
        CLEAN.replace("          service: web\n", "          service: web\n          mask-aws-account-id: true\n");
    assert_eq!(workflow(DEPLOY, &text, &Ours::default()), []);
    let text = text.replace("task-definition-revision", "task-definition-arn");
    let told = workflow(DEPLOY, &text, &Ours::default());
    assert!(
        told.len() == 1 && told[0].line == 17 && !told[0].is_error && told[0].remedy.contains("task-definition-family"),
        "{told:#?}"
    );
    assert_eq!(
        workflow(DEPLOY, &text.replace("mask-aws-account-id: true", "mask-aws-account-id: false"), &Ours::default()),
        []
    );
    // It is so with each output of which `action.yml` says so.
    let (mut name, mut holding) = ("", 0);
    for line in include_str!("../action.yml").split("\noutputs:\n").nth(1).unwrap().lines() {
        match line.trim_end().strip_suffix(':').and_then(|line| line.strip_prefix("  ")) {
            Some(output) => name = output.trim(),
            None if line.to_lowercase().contains("holds the account id") => {
                holding += 1;
                let told = workflow(DEPLOY, &text.replace("task-definition-arn", name), &Ours::default());
                assert!(told.iter().any(|finding| finding.problem.contains(name)), "{name}: {told:#?}");
            }
            None => {}
        }
    }
    assert!(holding > 5, "{holding}");
}

#[test]
fn the_outputs_of_a_composite_action_are_its_own() {
    let action = "outputs:
  revision:
    value: ${{ steps.deploy.outputs.task-definition-revison }}
  service:
    value: ${{ steps.deploy.outputs.service-arn }}
runs:
  using: composite
  steps:
    - id: deploy
      uses: org/ecs-deploy-action@v1
      with: {service: web, mask-aws-account-id: true}
";

    let told = workflow("action.yml", action, &Ours::default());

    // The ARN that is masked goes no further than to the next step, which GitHub lets it.
    assert!(told.len() == 1 && told[0].line == 3 && told[0].remedy.contains("`task-definition-revision`"), "{told:#?}");
}
