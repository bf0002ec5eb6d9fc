//! Images in Amazon ECR: what a tag is on is what is deployed, what cannot run is refused, and tags are put on what runs.

mod support;

use serde_json::json;
use simulator::{Action, Behaviour, Fault, Image, Moment, Repository, Rule, Scenario, Service, Simulator, When};
use support::registry::{
    REPOSITORY, amd64, denied, named, pinned, refused, registered, shop, usual, warned, warnings, world,
};
use support::{Step, running, seconds, set_to, task_definition, writes};

#[tokio::test(start_paused = true)]
async fn the_digest_is_deployed_and_the_tag_is_shown() {
    let simulator = usual();
    let two = amd64("2");

    let report = Step::deploying(&named("2")).run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(registered(&simulator), [pinned(&two)]);
    assert_eq!(report.output("image-digest"), two.digest());
    let shown = format!("{}@{}", named("2"), two.digest());
    assert!(report.summary.contains(&shown) && report.log.contains(&shown), "{report:#?}");
    assert!(report.output("plan").contains(&shown));
    assert_eq!(warnings(&report), [""; 0]);
    assert_eq!(simulator.calls("PutImage").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_looked_up_once_whatever_becomes_of_it() {
    let moved = Action::MoveTag { repository: "shop/web".into(), tag: "2".into(), digest: amd64("1").digest() };
    let theirs = Action::UpdateService {
        cluster: "default".into(),
        service: "web".into(),
        image: Some("web:theirs".into()),
        task_definition: None,
    };
    // Another rollout is in flight when it begins, so that the service is captured more than once.
    let scenario =
        Scenario::default().other(Moment::Elapsed(seconds(0)), theirs).other(Moment::Elapsed(seconds(5)), moved);
    let simulator = world(&pinned(&amd64("1")), shop(), scenario);

    let report = Step::deploying(&named("2")).run(&simulator).await;

    report.ended("deployed", "");
    let call = simulator.calls("RegisterTaskDefinition");
    assert_eq!(call[0].request["containerDefinitions"][0]["image"], pinned(&amd64("2")));
    let asked: Vec<_> =
        simulator.calls("DescribeImages").iter().map(|call| call.request["imageIds"][0].clone()).collect();
    assert_eq!(asked.iter().filter(|id| id["imageTag"] == "2").count(), 1, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_digest_again_is_unchanged_and_a_tag_that_was_deployed_as_such_is_pinned_once() {
    let simulator = world(&named("1"), shop(), Scenario::default());

    Step::deploying(&named("1")).run(&simulator).await.ended("deployed", "");
    let again = Step::deploying(&named("1")).run(&simulator).await;

    again.ended("unchanged", "");
    assert_eq!(again.output("image-digest"), amd64("1").digest());
    assert_eq!((registered(&simulator), writes(&simulator).len()), (vec![pinned(&amd64("1"))], 2));
}

#[tokio::test(start_paused = true)]
async fn what_the_request_does_not_name_stays_as_it_is() {
    let mut document = task_definition(&named("1"));
    let sidecar = json!({"name": "sidecar", "image": named("1"), "essential": false});
    document["containerDefinitions"].as_array_mut().unwrap().push(sidecar);
    let simulator = Simulator::new(Scenario::default());
    simulator.add_service(Service::new("web").task_definition(document.clone()));
    simulator.add_repository(shop());

    Step::deploying(&named("2")).input("container-name", "app").run(&simulator).await.ended("deployed", "");
    assert_eq!(registered(&simulator), [pinned(&amd64("2")), named("1")]);

    // A file names all of its images.
    let step = Step::bare().input("service", "web").input("task-definition", "web.json");
    step.file("web.json", &document.to_string()).run(&simulator).await.ended("deployed", "");
    let call = &simulator.calls("RegisterTaskDefinition")[1].request;
    assert_eq!(call["containerDefinitions"][0]["image"], pinned(&amd64("1")));
    assert_eq!(call["containerDefinitions"][1]["image"], pinned(&amd64("1")));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_something_else_asks_nothing_of_amazon_ecr() {
    let simulator = world(&named("1"), shop(), Scenario::default());

    let step = Step::bare().input("service", "web").input("environment-variables", "LEVEL=debug");
    step.run(&simulator).await.ended("deployed", "");

    assert_eq!(registered(&simulator), [named("1")]);
    assert!(simulator.journal().iter().all(|call| call.service != "ecr"));
}

#[tokio::test(start_paused = true)]
async fn false_asks_nothing_and_deploys_the_name() {
    let simulator = usual();

    let report = Step::deploying(&named("9")).input("resolve-image-digest", "false").run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!((registered(&simulator), report.output("image-digest")), (vec![named("9")], ""));
    assert!(simulator.journal().iter().all(|call| call.service != "ecr"));
}

#[tokio::test(start_paused = true)]
async fn another_registry_is_a_notice() {
    for image in ["nginx:1.27", "public.ecr.aws/nginx/nginx:1.27", "ghcr.io/shop/web:2"] {
        let simulator = usual();
        let step = Step::deploying(image).input("promote-tags", "stable").input("scan-gate", "fail");
        let report = step.run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(registered(&simulator), [image]);
        assert!(report.log.contains("is not in a private registry of Amazon ECR"));
        warned(&report, &["promote-tags"]);
        warned(&report, &["scan-gate"]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_the_name_is_deployed_with_a_warning_unless_more_was_asked() {
    let simulator = usual();
    denied(&simulator, "DescribeImages");

    let report = Step::deploying(&named("2")).run(&simulator).await;

    report.ended("deployed", "");
    assert_eq!(registered(&simulator), [named("2")]);
    warned(&report, &["DescribeImages", "deployed by its name"]);

    for (input, value) in [
        ("resolve-image-digest", "true"),
        ("scan-gate", "fail"),
        ("promote-tags", "stable"),
        ("forbid-mutable-tags", "true"),
    ] {
        let simulator = usual();
        denied(&simulator, "DescribeImages");
        let report = Step::deploying(&named("2")).input(input, value).run(&simulator).await;
        refused(&report, &simulator, "access-denied", &["ecr:DescribeImages"]);
    }
}

#[tokio::test(start_paused = true)]
async fn account_and_region_come_from_the_name() {
    let simulator = usual();
    simulator.add_repository(Repository::new("base").account("999988887777").image(amd64("b").tag("1")));
    for host in [
        "999988887777.dkr.ecr.eu-central-1.amazonaws.com",
        "999988887777.dkr-ecr.eu-central-1.on.aws",
        "999988887777.dkr.ecr-fips.us-west-2.amazonaws.com",
    ] {
        let before = simulator.journal().len();
        let report = Step::deploying(&format!("{host}/base:1")).run(&simulator).await;
        report.ended("deployed", "");
        let call =
            &simulator.journal()[before..].iter().find(|call| call.operation == "DescribeImages").unwrap().clone();
        assert_eq!(
            (call.request["registryId"].as_str(), call.region.as_str()),
            (Some("999988887777"), host.split('.').rev().nth(2).unwrap()),
            "{host}"
        );
        assert!(report.output("plan").contains(&format!("{host}/base:1@sha256:")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_nobody_pushed_is_refused_in_seconds() {
    for image in [named("9"), format!("{REPOSITORY}@sha256:{}", "0".repeat(64)), REPOSITORY.replace("web", "wbe:1")] {
        let simulator = usual();
        let report = Step::deploying(&image).run(&simulator).await;
        refused(&report, &simulator, "not-found", &[&image, "Push it first"]);
        assert!(simulator.elapsed() < seconds(5));
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_a_pull_through_cache_may_bring_is_not_missing() {
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library/nginx:1";
    for (is_known, words) in [(true, "pull-through cache may bring it"), (false, "DescribePullThroughCacheRules")] {
        let simulator = usual();
        simulator.add_pull_through_cache("docker-hub");
        if !is_known {
            denied(&simulator, "DescribePullThroughCacheRules");
        }
        let report = Step::deploying(image).run(&simulator).await;
        report.ended("deployed", "");
        assert_eq!(registered(&simulator), [image]);
        warned(&report, &[words]);

        let report = Step::deploying(image).input("resolve-image-digest", "true").run(&simulator).await;
        report.ended("refused", "preflight");
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_for_another_platform_is_refused_before_anything_is_changed() {
    let arm = || Image::new("2", "linux", "arm64");
    let both = || Image::index(vec![amd64("2"), arm()]).tag("2");
    let only_arm = || Image::index(vec![arm()]).tag("2");
    for (image, architecture, complaint) in [
        (amd64("2").tag("2"), None, None),
        (arm().tag("2"), None, Some("is for linux/arm64, and the task runs on linux/amd64")),
        (arm().tag("2"), Some("ARM64"), None),
        (amd64("2").tag("2"), Some("ARM64"), Some("is for linux/amd64, and the task runs on linux/arm64")),
        (both(), None, None),
        (both(), Some("ARM64"), None),
        (only_arm(), None, Some("is for linux/arm64, and the task runs on linux/amd64")),
        (Image::new("2", "windows", "amd64").tag("2"), None, Some("is for windows/amd64")),
    ] {
        let mut document = task_definition("web:1");
        if let Some(architecture) = architecture {
            document["runtimePlatform"] = json!({"cpuArchitecture": architecture, "operatingSystemFamily": "LINUX"});
        }
        let simulator = Simulator::new(Scenario::default());
        simulator.add_service(Service::new("web").task_definition(document));
        simulator.add_repository(Repository::new("shop/web").image(image));

        let report = Step::deploying(&named("2")).run(&simulator).await;

        match complaint {
            Some(complaint) => refused(&report, &simulator, "preflight", &[complaint]),
            None => report.ended("deployed", ""),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_looked_up_stops_nobody() {
    for operation in ["BatchGetImage", "GetDownloadUrlForLayer", "GetLayer"] {
        let simulator = world(
            "web:1",
            Repository::new("shop/web").image(Image::new("2", "linux", "arm64").tag("2")),
            Scenario::default(),
        );
        denied(&simulator, operation);
        let report = Step::deploying(&named("2")).run(&simulator).await;
        report.ended("deployed", "");
        assert!(report.log.contains("was not checked"), "{operation}: {report:#?}");
        assert_eq!(warnings(&report), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_can_be_moved_is_refused_where_that_is_forbidden() {
    for (mutability, exclusions, is_refused) in [
        ("MUTABLE", &[][..], true),
        ("IMMUTABLE", &[], false),
        ("IMMUTABLE_WITH_EXCLUSION", &["2"], true),
        ("IMMUTABLE_WITH_EXCLUSION", &["dev-*"], false),
        ("MUTABLE_WITH_EXCLUSION", &["2*"], false),
    ] {
        let simulator = world("web:1", shop().mutability(mutability, exclusions), Scenario::default());
        let report = Step::deploying(&named("2")).input("forbid-mutable-tags", "true").run(&simulator).await;
        if is_refused {
            refused(&report, &simulator, "preflight", &["forbid-mutable-tags"]);
        } else {
            report.ended("deployed", "");
        }
    }
    let simulator = world("web:1", shop(), Scenario::default());
    let report = Step::deploying(&pinned(&amd64("2"))).input("forbid-mutable-tags", "true").run(&simulator).await;
    report.ended("deployed", "");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_could_not_bring_back_what_ran_is_warned_of() {
    for (runs, words) in [
        (pinned(&amd64("gone")), &["gone from Amazon ECR", "cannot pull it"][..]),
        (named("gone"), &["gone from Amazon ECR"]),
        (named("2"), &["that tag is on the new image"]),
    ] {
        let simulator = world(&runs, shop(), Scenario::default());
        let report = Step::deploying(&named("2")).input("environment-variables", "LEVEL=debug").run(&simulator).await;
        report.ended("deployed", "");
        warned(&report, words);
    }
}

#[tokio::test(start_paused = true)]
async fn tags_are_put_on_what_runs_once_it_runs() {
    let simulator = usual();
    let two = amd64("2").digest();

    let report = Step::deploying(&named("2")).input("promote-tags", "stable, prod").run(&simulator).await;

    report.ended("deployed", "");
    for tag in ["stable", "prod"] {
        assert_eq!(simulator.tagged("shop/web", tag), Some(two.clone()));
    }
    let put = &simulator.calls("PutImage")[0];
    let last = simulator.calls("DescribeServices").last().unwrap().number;
    assert!(put.number > last, "the tag came before the service was verified");

    let again = Step::deploying(&named("2")).input("promote-tags", "stable, prod, one-more").run(&simulator).await;
    again.ended("unchanged", "");
    assert_eq!((simulator.calls("PutImage").len(), simulator.tagged("shop/web", "one-more")), (3, Some(two)));
}

#[tokio::test(start_paused = true)]
async fn the_post_step_puts_the_tags_of_a_rollout_that_it_sees_to_its_end() {
    for (on_cancel, outcome, tagged) in [("wait", "deployed", true), ("rollback", "rolled-back", false)] {
        let simulator = usual();
        let when = When { operation: Some("UpdateService".to_owned()), ..When::default() };
        simulator.inject(Rule { when: When { times: Some(1), ..when }, fault: Fault::Hang { after_effect: true } });
        let step = Step::deploying(&named("2")).input("promote-tags", "stable").input("on-cancel", on_cancel);
        tokio::select! {
            biased;
            () = simulator.hung() => {}
            report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
        }

        let report = step.post(&simulator, "cancelled").await;

        assert_eq!(report.output("outcome"), outcome, "{report:#?}");
        let expected = tagged.then(|| amd64("2").digest());
        assert_eq!(simulator.tagged("shop/web", "stable"), expected, "{on_cancel}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_tag_is_put_on_what_does_not_run() {
    let scenario = || Scenario::default().image(amd64("2").digest(), Behaviour::crash_loop());
    let simulator = world(&pinned(&amd64("1")), shop(), scenario());
    let report = Step::deploying(&named("2")).input("promote-tags", "stable").run(&simulator).await;
    report.ended("rolled-back", "tasks-failing");
    assert_eq!((simulator.tagged("shop/web", "stable"), simulator.calls("PutImage").len()), (None, 0));
    assert_eq!((set_to(&simulator), running(&simulator).len()), ("web:1".to_owned(), 1));

    let simulator = usual();
    let step = Step::deploying(&named("2")).input("promote-tags", "stable").input("mode", "plan");
    step.run(&simulator).await.ended("planned", "");
    assert_eq!(simulator.calls("PutImage").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_cannot_be_put_is_a_warning_and_the_deployment_stays_green() {
    let fixed = Repository::new("shop/web").image(amd64("1").tag("1").tag("stable")).image(amd64("2").tag("2"));
    let simulator = world("web:1", fixed.mutability("IMMUTABLE", &[]), Scenario::default());
    let report = Step::deploying(&named("2")).input("promote-tags", "stable,2").run(&simulator).await;
    report.ended("deployed", "");
    warned(&report, &["shop/web:stable", &amd64("1").digest(), &amd64("2").digest(), "cannot be moved"]);
    assert_eq!(simulator.calls("PutImage").len(), 1, "an immutable tag is compared, not sent again");

    let simulator = usual();
    denied(&simulator, "PutImage");
    let report = Step::deploying(&named("2")).input("promote-tags", "stable").run(&simulator).await;
    report.ended("deployed", "");
    assert_eq!(report.exit_code, 0);
    warned(&report, &["shop/web:stable", "PutImage"]);
}

#[tokio::test(start_paused = true)]
async fn a_tag_cannot_be_put_on_two_images_of_one_repository() {
    let mut document = task_definition(&named("1"));
    document["containerDefinitions"].as_array_mut().unwrap().push(json!({"name": "other", "image": named("2")}));
    let simulator = usual();
    let step =
        Step::bare().input("service", "web").input("task-definition", "web.json").input("promote-tags", "stable");
    let report = step.file("web.json", &document.to_string()).run(&simulator).await;
    refused(&report, &simulator, "invalid-input", &["`stable`", &named("1"), &named("2")]);
}

#[tokio::test(start_paused = true)]
async fn wrong_inputs_are_told_before_anything_is_asked() {
    for (inputs, words) in [
        (&[("image", "Shop/Web:1")][..], &["`image`", "`Shop/Web`"][..]),
        (&[("images", "app=web:1:2")], &["`images`", "`1:2`"]),
        (&[("resolve-image-digest", "maybe")], &["`resolve-image-digest`"]),
        (&[("scan-gate", "strict")], &["`scan-gate`", "`warn`"]),
        (&[("scan-thresholds", "grave=1")], &["`scan-thresholds`", "grave=1"]),
        (&[("scan-ignore", "CVE-2026-1")], &["`scan-ignore`", "reason"]),
        (&[("scan-only-fixable", "x")], &["`scan-only-fixable`"]),
        (&[("scan-wait-minutes", "-1")], &["`scan-wait-minutes`"]),
        (&[("promote-tags", "web:stable")], &["`promote-tags`", "web:stable"]),
        (&[("forbid-mutable-tags", "x")], &["`forbid-mutable-tags`"]),
        (&[("promote-tags", "stable"), ("wait-for-service-stability", "false")], &["`promote-tags`"]),
        (&[("promote-tags", "stable"), ("resolve-image-digest", "false")], &["`promote-tags`"]),
        (&[("scan-gate", "fail"), ("resolve-image-digest", "false")], &["`scan-gate`"]),
        (&[("forbid-mutable-tags", "true"), ("resolve-image-digest", "false")], &["`forbid-mutable-tags`"]),
        (&[("promote-tags", "stable"), ("mode", "rollback")], &["`promote-tags`"]),
    ] {
        let simulator = usual();
        let step = Step::bare().input("service", "web");
        let report = inputs.iter().fold(step, |step, (name, value)| step.input(name, value)).run(&simulator).await;
        refused(&report, &simulator, "invalid-input", words);
        assert!(simulator.journal().is_empty());
    }
}

/// A step that runs the image alone, in a task like those of the service.
fn running_task(tag: &str) -> Step {
    Step::bare().input("mode", "run-task").input("service", "web").input("image", &named(tag))
}

fn ending_with(exit_code: i64) -> Scenario {
    let exit_codes = [("app".to_owned(), exit_code)].into();
    Scenario::default().one_off("shop/web", Behaviour::Ends { after: seconds(20), exit_codes })
}

#[tokio::test(start_paused = true)]
async fn a_task_alone_runs_the_digest_and_its_image_gets_the_tags_when_it_ends_well() {
    let two = amd64("2").digest();
    for (exit_code, outcome, cause) in [(0, "deployed", ""), (1, "failed", "task-failed")] {
        let simulator = world(&pinned(&amd64("1")), shop(), ending_with(exit_code));

        let step = running_task("2").input("resolve-image-digest", "true").input("promote-tags", "stable");
        let report = step.run(&simulator).await;

        report.ended(outcome, cause);
        assert_eq!(registered(&simulator), [pinned(&amd64("2"))]);
        assert_eq!(report.output("image-digest"), two);
        assert_eq!(simulator.tagged("shop/web", "stable"), (exit_code == 0).then(|| two.clone()));
        assert_eq!(warnings(&report), [""; 0]);
    }
    let simulator = usual();
    refused(&running_task("9").run(&simulator).await, &simulator, "not-found", &["Push it first"]);
    let step = running_task("2").input("promote-tags", "stable").input("wait-for-task-stopped", "false");
    let report = step.run(&simulator).await;
    refused(&report, &simulator, "invalid-input", &["`promote-tags`", "`wait-for-task-stopped` is false"]);
}

#[tokio::test(start_paused = true)]
async fn the_post_step_puts_the_tags_of_a_task_that_it_sees_to_its_end() {
    let simulator = world(&pinned(&amd64("1")), shop(), ending_with(0));
    let when = When { operation: Some("RunTask".to_owned()), times: Some(1), ..When::default() };
    simulator.inject(Rule { when, fault: Fault::Hang { after_effect: true } });
    let step = running_task("2").input("promote-tags", "stable").input("on-cancel", "wait");
    tokio::select! {
        biased;
        () = simulator.hung() => {}
        report = step.run(&simulator) => unreachable!("it was not killed: {report:#?}"),
    }

    step.post(&simulator, "cancelled").await.ended("deployed", "");

    assert_eq!(simulator.tagged("shop/web", "stable"), Some(amd64("2").digest()));
}
