//! Differences that are seen, that are none, and that are seen without their values.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Every text that must not be seen has this in it.
const MARK: &str = "marked-";

fn document(value: Value) -> TaskDefinition {
    TaskDefinition::from_described(value, None).unwrap()
}

/// What someone would write.
fn written() -> Value {
    serde_json::from_str(include_str!("written.json")).unwrap()
}

/// The same as DescribeTaskDefinition gives it back: defaults filled in, amounts and lists in ECS's own form and order.
fn described() -> Value {
    serde_json::from_str(include_str!("described.json")).unwrap()
}

/// All that can be seen of a plan.
fn seen(plan: &Plan) -> String {
    format!("{plan:?}\n{}\n{}", plan.diff, serde_json::to_string(plan).unwrap())
}

/// The JSON pointers of all leaves: texts, numbers and booleans.
fn leaves(value: &Value, pointer: &str) -> Vec<String> {
    let below = |key: &str, value| leaves(value, &format!("{pointer}/{key}"));
    match value {
        Value::Object(members) => members.iter().flat_map(|(key, value)| below(key, value)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, item)| below(&at.to_string(), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![pointer.to_owned()],
    }
}

fn another(leaf: &Value) -> Value {
    match leaf {
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(4321),
        Value::String(text) => json!(format!("{text}-another")),
        Value::Null | Value::Array(_) | Value::Object(_) => json!("another"),
    }
}

#[test]
fn what_ecs_gives_back_is_what_was_written() {
    for (before, after) in [(written(), described()), (described(), written()), (written(), written())] {
        assert_eq!(difference(&document(before), &document(after)), Plan::default());
    }
}

#[test]
fn only_an_order_that_means_something_counts() {
    let container = |members: Value| document(json!({"networkMode": "bridge", "containerDefinitions": [members]}));
    for (before, after, is_same) in [
        (
            json!({"portMappings": [{"containerPort": 80}]}),
            json!({"portMappings": [{"containerPort": 80, "hostPort": 0}]}),
            true,
        ),
        (
            json!({"portMappings": [{"containerPort": 80}]}),
            json!({"portMappings": [{"containerPort": 80, "hostPort": 80}]}),
            false,
        ),
        (
            json!({"linuxParameters": {"capabilities": {"add": ["A", "B"]}}}),
            json!({"linuxParameters": {"capabilities": {"add": ["B", "A"]}}}),
            true,
        ),
        (json!({"command": ["a", "b"]}), json!({"command": ["b", "a"]}), false),
        (json!({"entryPoint": ["a", "b"]}), json!({"entryPoint": ["b", "a"]}), false),
        (
            json!({"environmentFiles": [{"value": "1"}, {"value": "2"}]}),
            json!({"environmentFiles": [{"value": "2"}, {"value": "1"}]}),
            false,
        ),
        (json!({"essential": true}), json!({}), true),
        (json!({"essential": false}), json!({}), false),
        (json!({"user": null}), json!({}), true),
        (json!({"user": ""}), json!({}), false),
        (json!({"dockerLabels": {"links": ""}}), json!({"dockerLabels": {}}), false),
    ] {
        let plan = difference(&container(before.clone()), &container(after.clone()));

        assert_eq!(plan.is_empty(), is_same, "{before} {after}: {plan:?}");
    }
}

#[test]
fn every_leaf_counts() {
    let before = document(written());
    for pointer in leaves(&written(), "") {
        let mut after = written();
        let leaf = after.pointer_mut(&pointer).unwrap();
        *leaf = another(leaf);

        let plan = difference(&before, &document(after));

        assert!(!plan.is_empty() && !plan.diff.is_empty(), "{pointer} was changed unseen");
        assert!(!seen(&plan).contains(MARK), "{pointer}: {}", seen(&plan));
    }
}

#[test]
fn changes_have_readable_paths_and_hidden_values() {
    let mut after = written();
    after["cpu"] = json!("512");
    after["runtimePlatform"] = json!({"cpuArchitecture": "ARM64"});
    let web = &mut after["containerDefinitions"][0];
    web["image"] = json!("web:2");
    web["command"] = json!(["serve"]);
    web["environment"] = json!([{"name": "A", "value": "marked-2"}, {"name": "NEW", "value": "marked-new"}]);
    web["secrets"] = json!([{"name": "TOKEN", "valueFrom": "marked-2"}]);
    web["portMappings"][0]["hostPort"] = json!(8080);
    web["logConfiguration"]["options"] = json!({"splunk-token": "marked-2", "splunk-url": "https://other"});

    let plan = difference(&document(written()), &document(after));

    let changes: Vec<String> = plan
        .changes
        .iter()
        .map(|change| format!("{}: {} -> {}", change.subject, change.before, change.after))
        .collect();
    assert_eq!(
        changes,
        [
            r#"containerDefinitions[web].command: ["serve","--port","80"] -> ["serve"]"#,
            "containerDefinitions[web].environment[A]: (hidden) -> (hidden)",
            "containerDefinitions[web].environment[LEVEL]: (hidden) -> (none)",
            "containerDefinitions[web].environment[NEW]: (none) -> (hidden)",
            "containerDefinitions[web].image: web:1 -> web:2",
            "containerDefinitions[web].logConfiguration.options.splunk-token: (hidden) -> (hidden)",
            "containerDefinitions[web].logConfiguration.options.splunk-url: https://logs -> https://other",
            "containerDefinitions[web].portMappings[80].hostPort: (none) -> 8080",
            "containerDefinitions[web].secrets[TOKEN]: (hidden) -> (hidden)",
            "cpu: 256 -> 512",
            r#"runtimePlatform: (none) -> {"cpuArchitecture":"ARM64"}"#,
        ]
    );
    assert!(plan.diff.contains("-      \"image\": \"web:1\",\n+      \"image\": \"web:2\","), "{}", plan.diff);
    assert!(plan.diff.contains("+          \"value\": \"(hidden, changed)\""), "{}", plan.diff);
    assert!(!seen(&plan).contains(MARK), "{}", seen(&plan));
}

#[test]
fn a_new_container_shows_all_but_what_is_hidden() {
    let mut before = written();
    before["containerDefinitions"].as_array_mut().unwrap().remove(0);

    let plan = difference(&document(before), &document(written()));

    let [change] = &plan.changes[..] else { panic!("{plan:?}") };
    assert_eq!(change.subject, "containerDefinitions[web]");
    assert!(change.after.to_string().contains(r#""image":"web:1""#), "{change:?}");
    assert!(!seen(&plan).contains(MARK), "{}", seen(&plan));
}

#[test]
fn two_of_the_same_name_are_two() {
    let with = |values: &[&str]| {
        let list: Vec<Value> = values.iter().map(|value| json!({"name": "A", "value": value})).collect();
        document(json!({"containerDefinitions": [{"name": "a", "environment": list}]}))
    };

    assert!(!difference(&with(&["1", "2"]), &with(&["1", "3"])).is_empty());
    assert!(!difference(&with(&["1", "2"]), &with(&["2", "1"])).is_empty());
    assert!(!difference(&with(&["1", "1"]), &with(&["1"])).is_empty());
}

#[test]
fn amounts_are_compared_and_not_their_spelling() {
    let with = |cpu: Value| document(json!({"family": "a", "cpu": cpu}));

    assert!(difference(&with(json!(".5 vCPU")), &with(json!("512"))).is_empty());
    assert!(difference(&with(json!(512)), &with(json!("512"))).is_empty());
    assert!(!difference(&with(json!("1 vCPU")), &with(json!("512"))).is_empty());
    assert!(!difference(&with(json!("lots")), &with(json!("more"))).is_empty());
}

#[test]
fn a_change_of_what_is_hidden_as_a_whole_is_in_the_diff_too() {
    let with = |env: Value| document(json!({"family": "a", "containerDefinitions": [{"name": "web", "env": env}]}));

    let plan = difference(&with(json!({"A": "1"})), &with(json!({"B": "1"})));

    let subjects: Vec<&str> = plan.changes.iter().map(|change| change.subject.as_str()).collect();
    assert_eq!(subjects, ["containerDefinitions[web].env"]);
    assert!(plan.diff.contains("(hidden, changed)"), "{}", plan.diff);
}

#[test]
fn what_is_hidden_in_a_list_that_nobody_knows_is_in_the_diff_too() {
    for list in [json!([{"environment": {"A": MARK}}]), json!([{"environment": [{"name": "A", "value": MARK}]}])] {
        let with = |value: &str| {
            let list: Value = serde_json::from_str(&list.to_string().replace(MARK, value)).unwrap();
            document(json!({"family": "a", "future": list}))
        };

        let plan = difference(&with("marked-1"), &with("marked-2"));

        assert!(!seen(&plan).contains(MARK), "{}", seen(&plan));
        assert!(plan.changes.len() == 1 && plan.diff.contains("(hidden, changed)"), "{}", seen(&plan));
    }
}

#[test]
fn credentials_in_a_command_are_hidden_and_the_rest_is_shown() {
    for (words, hidden) in [
        (json!(["serve", "--password=marked-1"]), true),
        (json!(["serve", "--api-key", "marked-1"]), true),
        (json!(["sh", "-c", "DB_PASSWORD=marked-1 exec app"]), true),
        (json!(["migrate", "postgres://shop:marked-1@db:5432/shop"]), true),
        (json!(["migrate", "postgres://db:5432/marked-1@2"]), false),
        (json!(["serve", "--port", "marked-1"]), false),
    ] {
        let with = |words: Value| document(json!({"containerDefinitions": [{"name": "web", "command": words}]}));
        let other = serde_json::from_str(&words.to_string().replace("marked-1", "marked-2")).unwrap();

        let plan = difference(&with(words.clone()), &with(other));

        assert_eq!(!seen(&plan).contains(MARK), hidden, "{words}: {}", seen(&plan));
        assert_eq!(plan.changes.len(), 1, "{words}");
        assert_eq!(plan.diff.contains("(hidden, changed)"), hidden, "{words}: {}", plan.diff);
    }
}

/// Any value, of a shape that need not be ECS's.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i32).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(|text| json!({"value": format!("{MARK}{text}")})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop_oneof![Just("name"), Just("value"), Just("valueFrom")].prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Names and values, as in a list of variables.
fn pairs(value: &'static str) -> impl Strategy<Value = Value> {
    prop::collection::vec(("[A-C]", "[a-c]{0,2}"), 0..4).prop_map(move |pairs| {
        pairs.iter().map(|(name, text)| json!({"name": name, value: format!("{MARK}{text}")})).collect()
    })
}

fn any_task() -> impl Strategy<Value = Value> {
    let options = prop::option::of("[a-c]{0,2}")
        .prop_map(|token| token.map_or(json!({}), |token| json!({"Splunk-Token": format!("{MARK}{token}")})));
    let environment = prop_oneof![3 => pairs("value"), 1 => any_value(), 1 => Just(json!(format!("{MARK}text")))];
    let secrets = prop_oneof![3 => pairs("valueFrom"), 1 => any_value()];
    (environment, secrets, pairs("valueFrom"), options, "[ab]", any::<bool>()).prop_map(
        |(environment, secrets, secret_options, options, name, essential)| {
            json!({"family": "a", "containerDefinitions": [{
                "name": name, "essential": essential, "environment": environment, "secrets": secrets,
                "logConfiguration": {"logDriver": "splunk", "options": options, "secretOptions": secret_options},
            }]})
        },
    )
}

proptest! {
    #[test]
    fn a_document_does_not_differ_from_itself(task in any_task()) {
        prop_assert_eq!(difference(&document(task.clone()), &document(task)), Plan::default());
    }

    #[test]
    fn hidden_values_are_never_seen(before in any_task(), after in any_task()) {
        let plan = difference(&document(before), &document(after));

        prop_assert!(!seen(&plan).contains(MARK), "{}", seen(&plan));
    }
}
