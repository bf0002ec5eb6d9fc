//! Amazon ECR, in the JSON that the SDK sends.

use std::time::Duration;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::{BehaviorVersion, Region};
use aws_sdk_ecr::error::ProvideErrorMetadata;
use aws_sdk_ecr::types::ImageIdentifier;
use serde_json::json;
use simulator::{Image, Repository, Scenario, Simulator};

use crate::client::credentials;

fn client(simulator: &Simulator) -> Client {
    let config = aws_sdk_ecr::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials())
        .retry_config(aws_sdk_ecr::config::retry::RetryConfig::disabled())
        .http_client(simulator.http_client())
        .build();
    Client::from_conf(config)
}

fn tag(tag: &str) -> ImageIdentifier {
    ImageIdentifier::builder().image_tag(tag).build()
}

fn world(repository: Repository) -> (Simulator, Client) {
    let simulator = Simulator::new(Scenario::default());
    simulator.add_repository(repository);
    let client = client(&simulator);
    (simulator, client)
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_is_put_back_byte_for_byte_moves_the_tag() {
    let (one, two) = (Image::new("1", "linux", "amd64"), Image::new("2", "linux", "amd64"));
    let (first, second) = (one.digest(), two.digest());
    let (simulator, client) = world(Repository::new("shop/web").image(one.tag("1").tag("stable")).image(two.tag("2")));

    let got = client
        .batch_get_image()
        .repository_name("shop/web")
        .image_ids(tag("2"))
        .image_ids(tag("9"))
        .send()
        .await
        .unwrap();
    assert_eq!(got.failures()[0].failure_code().unwrap().as_str(), "ImageNotFound");
    let image = &got.images()[0];
    assert_eq!(image.image_id().unwrap().image_digest(), Some(second.as_str()));
    let put = |manifest: &str| {
        client
            .put_image()
            .repository_name("shop/web")
            .image_manifest(manifest)
            .image_tag("stable")
            .image_digest(&second)
            .send()
    };
    let manifest = image.image_manifest().unwrap();

    let trimmed = put(manifest.trim()).await.unwrap_err();
    assert_eq!(trimmed.code(), Some("ImageDigestDoesNotMatchException"));
    assert_eq!(simulator.tagged("shop/web", "stable"), Some(first));
    put(manifest).await.unwrap();
    assert_eq!(simulator.tagged("shop/web", "stable"), Some(second.clone()));
    assert_eq!(put(manifest).await.unwrap_err().code(), Some("ImageAlreadyExistsException"));
    assert_eq!(simulator.calls("PutImage")[0].region, "eu-west-1");
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_immutable_tag_stays_unless_it_is_excluded() {
    for (mutability, exclusions, moves) in [
        ("MUTABLE", &[][..], true),
        ("IMMUTABLE", &[], false),
        ("IMMUTABLE_WITH_EXCLUSION", &["sta*"], true),
        ("IMMUTABLE_WITH_EXCLUSION", &["dev*"], false),
        ("MUTABLE_WITH_EXCLUSION", &["*le"], false),
    ] {
        let (one, two) = (Image::new("1", "linux", "amd64").tag("stable"), Image::new("2", "linux", "amd64"));
        let manifest = one.digest();
        let (simulator, client) =
            world(Repository::new("web").mutability(mutability, exclusions).image(one).image(two.clone().tag("2")));
        let got = client.batch_get_image().repository_name("web").image_ids(tag("2")).send().await.unwrap();

        let put = client.put_image().repository_name("web").image_tag("stable");
        let put = put.image_manifest(got.images()[0].image_manifest().unwrap()).send().await;

        let expected = if moves { None } else { Some("ImageTagAlreadyExistsException") };
        assert_eq!(put.as_ref().err().and_then(|error| error.code()), expected, "{mutability}");
        let now = if moves { two.digest() } else { manifest };
        assert_eq!(simulator.tagged("web", "stable"), Some(now));
    }
}

#[tokio::test(start_paused = true)]
async fn findings_come_late_and_in_pages() {
    let many: Vec<_> = (0..150).map(|number| json!({"name": format!("CVE-{number}"), "severity": "LOW"})).collect();
    let image = Image::new("1", "linux", "amd64").tag("1").scan(Duration::from_secs(10), "COMPLETE", json!({})).scan(
        Duration::from_secs(20),
        "COMPLETE",
        json!({"findings": many, "findingSeverityCounts": {"LOW": 150}}),
    );
    let (simulator, client) = world(Repository::new("web").image(image));
    let look = || client.describe_image_scan_findings().repository_name("web").image_id(tag("1"));

    assert_eq!(look().send().await.unwrap_err().code(), Some("ScanNotFoundException"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(look().send().await.unwrap().image_scan_findings().unwrap().findings().is_empty());
    tokio::time::advance(Duration::from_secs(10)).await;
    let first = look().send().await.unwrap();
    let second = look().set_next_token(first.next_token().map(str::to_owned)).send().await.unwrap();

    let found = [first, second].map(|page| page.image_scan_findings().unwrap().findings().len());
    assert_eq!(found, [100, 50]);
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn repositories_have_owners_and_indexes_have_children() {
    let child = Image::new("1", "linux", "arm64");
    let digest = child.digest();
    let (simulator, client) =
        world(Repository::new("web").account("999988887777").image(Image::index(vec![child]).tag("1")));
    simulator.add_pull_through_cache("docker-hub");

    let ours = client.describe_images().repository_name("web").image_ids(tag("1")).send().await;
    assert_eq!(ours.unwrap_err().code(), Some("RepositoryNotFoundException"));
    let theirs = client.describe_images().registry_id("999988887777").repository_name("web");
    let child = ImageIdentifier::builder().image_digest(&digest).build();
    assert_eq!(theirs.clone().image_ids(child).send().await.unwrap().image_details()[0].image_digest(), Some(&*digest));
    assert_eq!(theirs.send().await.unwrap().image_details().len(), 2);
    let described = client.describe_repositories().registry_id("999988887777").send().await.unwrap();
    assert_eq!(described.repositories()[0].repository_name(), Some("web"));
    let rules = client.describe_pull_through_cache_rules().send().await.unwrap();
    assert_eq!(rules.pull_through_cache_rules()[0].ecr_repository_prefix(), Some("docker-hub"));
    assert_eq!(simulator.malformed_answers(), [""; 0]);
}
