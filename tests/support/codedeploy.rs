//! A service that CodeDeploy deploys, its deployment group, and the step that deploys to it.

use std::collections::BTreeMap;

use simulator::{Alarm, DeploymentGroup, Page, PageAnswer, Scenario, Service, Simulator};

use super::{Step, seconds, web};

pub(crate) const APPSPEC: &str = "\
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: app
          ContainerPort: 8080
Hooks:
  - AfterAllowTestTraffic: validate
";

pub(crate) fn service() -> Service {
    web().controller("CODE_DEPLOY")
}

pub(crate) fn world(scenario: Scenario, group: DeploymentGroup) -> Simulator {
    let simulator = Simulator::new(scenario);
    simulator.add_service(service());
    simulator.add_deployment_group(group);
    simulator
}

pub(crate) fn deploying(image: &str) -> Step {
    Step::deploying(image).file("appspec.yaml", APPSPEC)
}

pub(crate) fn group() -> DeploymentGroup {
    DeploymentGroup::of("web")
}

pub(crate) fn only(revision: &str) -> BTreeMap<String, usize> {
    [(revision.to_owned(), 2)].into()
}

pub(crate) const URL: &str = "https://web.example/health";

/// Asks the address, and watches the alarm `latency` for two minutes, after the rollout.
pub(crate) fn checking(image: &str) -> Step {
    deploying(image)
        .input("health-check-url", URL)
        .input("health-check-minutes", "1")
        .input("rollback-alarms", "latency")
        .input("verify-minutes", "2")
}

pub(crate) fn page() -> Page {
    Page::new(URL).answer(PageAnswer::status(503).while_runs("bad")).answer(PageAnswer::status(200))
}

pub(crate) fn checked() -> Scenario {
    Scenario::default().page(page()).alarm(Alarm::new("latency").watching("slow", seconds(90)))
}
