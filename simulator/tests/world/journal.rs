//! What is left when a world ends.

use std::process::Command;

use serde_json::{Value, json};
use simulator::{Scenario, Simulator};

use crate::client::client;

#[tokio::test(start_paused = true)]
async fn a_few_calls() {
    let simulator = Simulator::new(Scenario::default());
    let client = client(&simulator);
    client.describe_clusters().send().await.unwrap();
    client.describe_services().services("web").send().await.unwrap();
    // The SDK lets this one pass; the model does not.
    client.describe_services().send().await.unwrap_err();
    assert_eq!(simulator.journal().iter().map(|call| call.number).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn the_valid_requests_of_a_world_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut this = Command::new(std::env::current_exe().unwrap());
    let child = this.args(["--exact", "journal::a_few_calls"]).env("SIMULATOR_JOURNAL", folder.path());
    assert!(child.output().unwrap().status.success());
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let lines = std::fs::read_to_string(&files[0]).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [
            json!({"service": "ecs", "operation": "DescribeClusters", "request": {}, "accept_unknown_members": false}),
            json!({"service": "ecs", "operation": "DescribeServices", "request": {"services": ["web"]}, "accept_unknown_members": false}),
        ]
    );
}
