//! Things that go wrong on purpose.

use std::time::Duration;

use aws_sdk_ecs::config::timeout::TimeoutConfig;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::update_service::{UpdateServiceError, UpdateServiceOutput};
use simulator::{Fault, Rule, Scenario, Service, Simulator, When};

use crate::client::{client, config, service};

fn world(fault: Fault, operation: &str) -> Simulator {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    let when = When { operation: Some(operation.to_owned()), ..When::default() };
    simulator.inject(Rule { when, fault });
    simulator
}

async fn scale(simulator: &Simulator) -> Result<UpdateServiceOutput, SdkError<UpdateServiceError>> {
    client(simulator).update_service().service("web").desired_count(5).send().await
}

fn desired(simulator: &Simulator) -> u64 {
    simulator.describe_service("default", "web")["desiredCount"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn refusals_change_nothing_and_name_their_code() {
    let teapot = Fault::Refuse { status: 418, code: "Teapot".to_owned(), message: "short and stout".to_owned() };
    for (fault, code, status) in [
        (Fault::Throttle, "ThrottlingException", 400),
        (Fault::ServerError, "ServerException", 500),
        (Fault::ExpiredToken, "ExpiredTokenException", 400),
        (teapot, "Teapot", 418),
    ] {
        let simulator = world(fault.clone(), "UpdateService");
        let error = scale(&simulator).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        assert_eq!(desired(&simulator), 2);
        let call = &simulator.calls("UpdateService")[0];
        assert_eq!((call.status, call.fault.as_ref()), (status, Some(&fault)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_may_come_before_or_after_the_effect() {
    for (fault, after) in
        [(Fault::TimeoutBeforeEffect, 2), (Fault::Reset, 2), (Fault::TimeoutAfterEffect, 5), (Fault::CutAnswer, 5)]
    {
        let simulator = world(fault.clone(), "UpdateService");
        let error = scale(&simulator).await.unwrap_err();
        let kind = match &error {
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout",
            SdkError::DispatchFailure(failure) if failure.is_io() => "io",
            SdkError::ResponseError(_) => "response",
            other => panic!("{fault:?}: {other:?}"),
        };
        let expected = match fault {
            Fault::Reset => "io",
            Fault::CutAnswer => "response",
            _ => "timeout",
        };
        assert_eq!((kind, desired(&simulator)), (expected, after), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_tells_when_to_kill_the_client() {
    for (after_effect, expected) in [(false, 2), (true, 5)] {
        let simulator = world(Fault::Hang { after_effect }, "UpdateService");
        tokio::select! {
            answer = scale(&simulator) => panic!("{answer:?}"),
            () = simulator.hung() => {}
        }
        assert_eq!(desired(&simulator), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_exceeds_the_clients_patience() {
    let simulator = world(Fault::Slow(Duration::from_secs(10)), "DescribeServices");
    service(&client(&simulator)).await;
    assert_eq!(simulator.elapsed(), Duration::from_millis(10_020));

    let patience = TimeoutConfig::builder().read_timeout(Duration::from_secs(3)).build();
    let impatient = aws_sdk_ecs::Client::from_conf(config(&simulator).timeout_config(patience).build());
    let error = impatient.describe_services().services("web").send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout()));
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_the_past_and_a_write_does_not() {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web"));
    let when = When { number: Some(2), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::StaleRead(Duration::from_secs(5)) });
    tokio::time::sleep(Duration::from_secs(60)).await;
    scale(&simulator).await.unwrap();
    let client = client(&simulator);
    let desired = async || service(&client).await.desired_count;
    assert_eq!([desired().await, desired().await, desired().await], [5, 2, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_retries_throttled_calls() {
    let simulator = world(Fault::Throttle, "DescribeServices");
    simulator.inject(Rule { when: When::default(), fault: Fault::Throttle });
    let retries = aws_sdk_ecs::config::retry::RetryConfig::standard().with_max_attempts(4);
    let patient = aws_sdk_ecs::Client::from_conf(config(&simulator).retry_config(retries).build());
    patient.describe_services().services("web").send().await.unwrap_err();
    assert_eq!(simulator.calls("DescribeServices").len(), 4);
}
