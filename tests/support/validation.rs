//! A repository in which `mode: validate` looks around.

use simulator::{Scenario, Simulator};

use super::{Report, Step, world};

pub(crate) const DEPLOY: &str = ".github/workflows/deploy.yml";

/// A workflow with which nothing is wrong. Its line numbers are those of the cases.
pub(crate) const CLEAN: &str = "name: Deploy
on:
  push:
    branches: [main]
permissions: {}
concurrency:
  group: production
  cancel-in-progress: false
jobs:
  deploy:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      id-token: write
      deployments: write
    outputs:
      revision: ${{ steps.deploy.outputs.task-definition-revision }}
    steps:
      - uses: actions/checkout@v5
      - id: deploy
        uses: org/ecs-deploy-action@v1
        with:
          task-definition: deploy/web.json
          service: web
          image: ${{ env.REGISTRY }}/web:${{ github.sha }}
          role-to-assume: ${{ vars.ROLE }}
          aws-region: eu-west-1
          github-deployment: true
          environment: production
          wait-for-minutes: 30
      - if: steps.deploy.outputs.changed == 'true'
        run: |
          echo one
          echo \"${{ steps.deploy.outputs.message }}\"
  after:
    needs: deploy
    runs-on: ubuntu-latest
    steps:
      - run: echo \"${{ needs.deploy.outputs.revision }}\"
";

/// Without an image of its own: the step names one.
pub(crate) const WEB: &str = r#"{
  "family": "web",
  "requiresCompatibilities": ["FARGATE"],
  "networkMode": "awsvpc",
  "cpu": "256",
  "memory": "512",
  "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
  "containerDefinitions": [
    {
      "name": "app",
      "essential": true,
      "environment": [{"name": "LEVEL", "value": "info"}]
    }
  ]
}
"#;

/// A step in a workflow of a fork: no credentials, no region, no token.
pub(crate) fn validating() -> Step {
    ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .into_iter()
        .fold(Step::bare().input("mode", "validate"), |step, name| step.variable(name, ""))
}

pub(crate) fn repository(deploy: &str) -> Step {
    validating().file(DEPLOY, deploy).file("deploy/web.json", WEB)
}

/// Runs it, and nobody is asked for anything.
pub(crate) async fn run(step: Step) -> Report {
    let simulator: Simulator = world(Scenario::default());
    let report = step.run(&simulator).await;
    assert_eq!(simulator.journal().len(), 0, "{:#?}", simulator.journal());
    assert_eq!(report.output("changed"), "false");
    report
}

/// The annotations beside files: `error FILE:LINE MESSAGE`.
pub(crate) fn annotations(report: &Report) -> Vec<String> {
    let told = |line: &str| {
        let (level, rest) = line.strip_prefix("::")?.split_once(' ')?;
        let (properties, message) = rest.split_once("::")?;
        let property = |name| properties.split(',').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        Some(format!("{level} {}:{} {message}", property("file")?, property("line")?))
    };
    report.log.lines().filter_map(told).collect()
}
