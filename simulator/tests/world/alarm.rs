//! CloudWatch alarms, over CBOR, and what ECS makes of them.

use std::time::Duration;

use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_sdk_ecs::types::{ServiceDeploymentRollbackMonitorsStatus, ServiceDeploymentStatus as Status};
use simulator::{Action, Alarm, AlarmKind, AlarmState, Moment, Scenario, Service, Simulator};

use crate::client::{client, config, deploy, service_deployment, wait_for};

fn cloudwatch(simulator: &Simulator) -> aws_sdk_cloudwatch::Client {
    let config = aws_sdk_cloudwatch::Config::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(crate::client::credentials())
        .http_client(simulator.http_client())
        .build();
    aws_sdk_cloudwatch::Client::from_conf(config)
}

/// The state of the only metric alarm.
async fn state(cloudwatch: &aws_sdk_cloudwatch::Client) -> (StateValue, i64) {
    let answer = cloudwatch.describe_alarms().send().await.unwrap();
    let alarm = &answer.metric_alarms()[0];
    (alarm.state_value().unwrap().clone(), alarm.state_transitioned_timestamp().unwrap().secs())
}

#[tokio::test(start_paused = true)]
async fn an_alarm_changes_its_state_and_says_since_when() {
    let epoch = Scenario::default().epoch.as_second();
    let at = |seconds| Moment::Elapsed(Duration::from_secs(seconds));
    let name = || "errors".to_owned();
    let simulator = Simulator::new(
        Scenario::default()
            .alarm(Alarm::new("errors"))
            .other(at(10), Action::TripAlarm { name: name() })
            .other(at(15), Action::TripAlarm { name: name() })
            .other(at(20), Action::ClearAlarm { name: name() })
            .other(at(30), Action::DeleteAlarm { name: name() }),
    );
    let cloudwatch = cloudwatch(&simulator);
    assert_eq!(state(&cloudwatch).await, (StateValue::Ok, epoch));
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(state(&cloudwatch).await, (StateValue::Alarm, epoch + 10), "tripping twice is one transition");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(state(&cloudwatch).await, (StateValue::Ok, epoch + 20));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(cloudwatch.describe_alarms().alarm_names("errors").send().await.unwrap().metric_alarms().is_empty());
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn only_the_types_that_are_asked_for_are_answered_a_page_at_a_time() {
    let names = |answer: &DescribeAlarmsOutput| {
        let metric = answer.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name());
        metric
            .chain(answer.composite_alarms().iter().filter_map(|alarm| alarm.alarm_name()))
            .chain(answer.log_alarms().iter().filter_map(|alarm| alarm.alarm_name()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let simulator = Simulator::new(
        Scenario::default()
            .alarm(Alarm::new("a"))
            .alarm(Alarm::new("b").kind(AlarmKind::Composite).state(AlarmState::Alarm))
            .alarm(Alarm::new("c").kind(AlarmKind::Log)),
    );
    let cloudwatch = cloudwatch(&simulator);
    assert_eq!(names(&cloudwatch.describe_alarms().send().await.unwrap()), ["a"]);
    let all = || {
        [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm]
            .into_iter()
            .fold(cloudwatch.describe_alarms().max_records(2), |call, kind| call.alarm_types(kind))
    };
    let first = all().send().await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let second = all().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((names(&second), second.next_token()), (vec!["c".to_owned()], None));
    assert_eq!(names(&all().state_value(StateValue::Alarm).send().await.unwrap()), ["b"]);
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_red_when_the_deployment_starts_keeps_ecs_from_looking_at_any() {
    let trip = Action::TripAlarm { name: "latency".to_owned() };
    let simulator = Simulator::new(
        Scenario::default()
            .alarm(Alarm::new("errors").state(AlarmState::Alarm))
            .other(Moment::AfterUpdate { number: 1, delay: Duration::from_secs(20) }, trip),
    );
    simulator.add_service(Service::new("web").alarms(&["errors", "latency"], true));
    let client = client(&simulator);
    let (_, arn) = deploy(&client, "web:2").await;
    wait_for(&client, &arn, Status::Successful).await;
    let deployment = service_deployment(&client, &arn).await;
    assert_eq!(deployment.alarms().unwrap().status(), Some(&ServiceDeploymentRollbackMonitorsStatus::Disabled));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_watches_tasks_is_red_while_they_run() {
    let simulator =
        Simulator::new(Scenario::default().alarm(Alarm::new("errors").watching("bad", Duration::from_secs(10))));
    simulator.add_service(Service::new("web"));
    let (ecs, cloudwatch) = (aws_sdk_ecs::Client::from_conf(config(&simulator).build()), cloudwatch(&simulator));
    let (_, arn) = deploy(&ecs, "bad").await;
    wait_for(&ecs, &arn, Status::Successful).await;
    let (red, since) = state(&cloudwatch).await;
    // A second pending, 15 s until the tasks run, 10 s more.
    assert_eq!((red, since - Scenario::default().epoch.as_second()), (StateValue::Alarm, 26));
    let (_, arn) = deploy(&ecs, "good").await;
    wait_for(&ecs, &arn, Status::Successful).await;
    assert_eq!(state(&cloudwatch).await.0, StateValue::Ok);
}
