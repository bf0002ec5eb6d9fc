//! Task definitions are documents, and the world keeps them.

use aws_sdk_ecs::config::http::HttpRequest;
use serde_json::{Value, json};
use simulator::{Scenario, Service, Simulator};

use crate::client::client;

/// Registers a document as it is, by replacing the body that the SDK made.
async fn register(simulator: &Simulator, document: &Value) -> Value {
    let body = document.to_string();
    let replace = move |request: &mut HttpRequest| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.clone().into();
    };
    let call = client(simulator)
        .register_task_definition()
        .family("any")
        .container_definitions(aws_sdk_ecs::types::ContainerDefinition::builder().name("any").image("any").build());
    // A refusal is what the test looks for in the journal.
    call.customize().mutate_request(replace).send().await.ok();
    simulator.calls("RegisterTaskDefinition").pop().unwrap().response
}

fn document() -> Value {
    json!({
        "family": "web",
        "memory": "512",
        "taskRoleArn": "",
        "volumes": [],
        "containerDefinitions": [{
            "name": "web",
            "image": "web:1",
            "environment": [{"name": "EMPTY", "value": ""}, {"name": "ZERO", "value": "0"}],
            "dockerLabels": {},
            "command": [],
        }],
        "tags": [{"key": "commit", "value": "abc"}],
    })
}

#[tokio::test(start_paused = true)]
async fn what_was_registered_comes_back_with_the_keys_that_only_answers_have() {
    let simulator = Simulator::new(Scenario::default());
    let answer = register(&simulator, &document()).await;
    let mut returned = answer["taskDefinition"].clone();
    let members = returned.as_object_mut().unwrap();
    for (member, value) in [
        ("taskDefinitionArn", json!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:1")),
        ("revision", json!(1)),
        ("status", json!("ACTIVE")),
        ("registeredAt", json!(1_767_614_400.0)),
    ] {
        assert_eq!(members.remove(member), Some(value), "{member}");
    }
    for member in ["registeredBy", "requiresAttributes", "compatibilities"] {
        assert!(members.remove(member).is_some(), "{member}");
    }
    let mut expected = document();
    let tags = expected.as_object_mut().unwrap().remove("tags");
    assert_eq!(returned, expected);
    assert_eq!(answer.get("tags").cloned(), tags);
    assert_eq!(simulator.malformed_answers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn members_of_tomorrow_are_refused_today_and_kept_tomorrow() {
    let mut tomorrow = document();
    tomorrow["containerDefinitions"][0]["enableTimeTravel"] = json!({"years": 1});

    let today = Simulator::new(Scenario::default());
    let refused = register(&today, &tomorrow).await;
    assert_eq!(refused["__type"], "SerializationException");
    assert_eq!(refused["message"], "containerDefinitions[0].enableTimeTravel: there is no such member");

    let simulator = Simulator::new(Scenario { accept_unknown_members: true, ..Scenario::default() });
    let kept = register(&simulator, &tomorrow).await;
    assert_eq!(kept["taskDefinition"]["containerDefinitions"], tomorrow["containerDefinitions"]);
    let read = simulator.look("DescribeTaskDefinition", &json!({"taskDefinition": "web", "include": ["TAGS"]}));
    assert_eq!(read["taskDefinition"]["containerDefinitions"], tomorrow["containerDefinitions"]);
    assert_eq!(read["tags"], tomorrow["tags"]);
}

#[tokio::test(start_paused = true)]
async fn ecs_adds_its_defaults_when_told_to() {
    let simulator = Simulator::new(Scenario { fill_defaults: true, ..Scenario::default() });
    let answer = register(&simulator, &document()).await;
    let container = &answer["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(
        (&container["cpu"], &container["essential"], &container["mountPoints"]),
        (&json!(0), &json!(true), &json!([]))
    );
    assert_eq!(container["command"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn registrations_of_one_family_that_are_too_close_are_refused() {
    let window = std::time::Duration::from_millis(50);
    let simulator = Simulator::new(Scenario { registration_window: window, ..Scenario::default() });
    simulator.add_service(Service::new("api"));
    register(&simulator, &document()).await;
    let refused = register(&simulator, &document()).await;
    assert_eq!(refused["message"], "Too many concurrent attempts to create a new revision of the specified family.");
    tokio::time::sleep(window).await;
    assert_eq!(register(&simulator, &document()).await["taskDefinition"]["revision"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_services_settings_of_tomorrow_are_kept_too() {
    let simulator = Simulator::new(Scenario { accept_unknown_members: true, ..Scenario::default() });
    simulator.add_service(Service::new("web"));
    let body = json!({"service": "web", "telepathy": {"range": [1, 2]}, "enableExecuteCommand": null});
    let replace = move |request: &mut HttpRequest| {
        request.headers_mut().insert("content-length", body.to_string().len().to_string());
        *request.body_mut() = body.to_string().into();
    };
    client(&simulator).update_service().service("web").customize().mutate_request(replace).send().await.unwrap();
    let web = simulator.describe_service("default", "web");
    assert_eq!((&web["telepathy"], &web["enableExecuteCommand"]), (&json!({"range": [1, 2]}), &json!(false)));
}
