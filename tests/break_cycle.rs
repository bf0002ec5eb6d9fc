//! throw-away
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]
mod support;
use ecs_deploy_action::cycle::Cancellation;
use serde_json::json;
use simulator::*;
use std::time::Duration;
use support::{Report, Step, running, seconds, set_to, task_definition, web, world, writes};

fn show(case: &str, s: &Simulator, r: &Report) {
    println!("\n##### {case}");
    println!(
        "outcome={} cause={} exit={} t={:?} dur={}",
        r.output("outcome"),
        r.output("cause"),
        r.exit_code,
        s.elapsed(),
        r.output("duration-seconds")
    );
    println!("message={}", r.output("message"));
    for l in r.log.lines().filter(|l| l.starts_with("::error") || l.starts_with("::warning")) {
        println!("  {l}");
    }
    println!(
        "td={} prev={} running-count={:?} desired-count={:?} changed={}",
        r.output("task-definition-arn").rsplit('/').next().unwrap(),
        r.output("previous-task-definition-arn").rsplit('/').next().unwrap(),
        r.output("running-count"),
        r.output("desired-count"),
        r.output("changed")
    );
    println!("NOW running={:?} set_to={} writes={:?}", running(s), set_to(s), writes(s));
    let d = s.describe_service("default", "web");
    if let Some(ds) = d["deployments"].as_array() {
        for x in ds {
            println!(
                "   dep {} {} {} run={} pend={} des={} failed={}",
                x["status"],
                x["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap(),
                x["rolloutState"],
                x["runningCount"],
                x["pendingCount"],
                x["desiredCount"],
                x["failedTasks"]
            );
        }
    }
}
async fn later(case: &str, s: &Simulator) {
    s.settle().await;
    println!("  LATER({case}) running={:?} set_to={}", running(s), set_to(s));
}
fn crashing() -> Scenario {
    Scenario::default().image("bad", Behaviour::crash_loop())
}
fn theirs(image: &str) -> Action {
    Action::UpdateService {
        cluster: "default".into(),
        service: "web".into(),
        image: Some(image.into()),
        task_definition: None,
    }
}
fn rule(op: &str, fault: Fault) -> Rule {
    Rule { when: When { operation: Some(op.into()), ..When::default() }, fault }
}
fn denied() -> Fault {
    Fault::Refuse { status: 400, code: "AccessDeniedException".into(), message: "no".into() }
}
async fn cancelled_at(step: &Step, s: &Simulator, after: Duration) -> Report {
    let (send, c) = Cancellation::new();
    let run = step.run_until_cancelled(s, c);
    tokio::pin!(run);
    tokio::select! { biased; r = &mut run => return r, () = tokio::time::sleep(after) => { send.send_replace(true); } }
    run.await
}

#[tokio::test(start_paused = true)]
async fn a01_settings_stale() {
    let s = world(Scenario::default());
    tokio::time::advance(seconds(120)).await;
    s.inject(Rule {
        when: When { operation: Some("DescribeServices".into()), ..When::default() },
        fault: Fault::StaleRead(seconds(60)),
    });
    let r = Step::bare().input("service", "web").input("desired-count", "4").run(&s).await;
    show("settings-only, stale 60s", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a02_settings_nocap() {
    let s = world(
        Scenario::default().image("web:good-1", Behaviour::Healthy { start: seconds(7200), healthy: seconds(1) }),
    );
    s.settle().await;
    let r =
        Step::bare().input("service", "web").input("desired-count", "4").input("wait-for-minutes", "5").run(&s).await;
    show("settings-only never reaches", &s, &r);
    later("", &s).await;
}
#[tokio::test(start_paused = true)]
async fn a03_scale_zero() {
    let s = world(Scenario::default());
    let r = Step::bare().input("service", "web").input("desired-count", "0").run(&s).await;
    show("scale to zero", &s, &r);
    let r = Step::deploying("web:bad9").run(&s).await;
    show("deploy with 0", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a04_unchanged_while_dead() {
    let s = Simulator::new(
        Scenario::default()
            .image("good-2", Behaviour::Crash { after: seconds(60), container: None, exit_code: 1, reason: None }),
    );
    s.add_service(web());
    let r = Step::deploying("web:good-2").run(&s).await;
    show("first deploy of late crasher", &s, &r);
    for i in 0..40 {
        tokio::time::advance(seconds(5)).await;
        if running(&s).get("web:2").copied().unwrap_or(0) == 0 {
            println!("dead at +{}", i * 5);
            break;
        }
    }
    let r = Step::deploying("web:good-2").run(&s).await;
    show("same again while nothing runs", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a05_forced_crash() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied, ServiceDeployments::Unsupported] {
        for breaker in [false, true] {
            let s = Simulator::new(
                Scenario { service_deployments: sd, ..Scenario::default() }.image("good-1", Behaviour::crash_loop()),
            );
            s.add_service(web().circuit_breaker(breaker, breaker));
            println!("before {:?}", running(&s));
            let r = Step::bare().input("service", "web").input("force-new-deployment", "true").run(&s).await;
            show(&format!("forced crash {sd:?} breaker {breaker}"), &s, &r);
            later("", &s).await;
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a06_rollback_mode_inflight() {
    for back in ["previous", "1"] {
        let s = world(crashing().other(Moment::Elapsed(seconds(5)), theirs("web:bad")));
        tokio::time::advance(seconds(10)).await;
        let r = Step::bare().input("service", "web").input("mode", "rollback").input("to", back).run(&s).await;
        show(&format!("mode rollback to {back} while web:2 crashing in flight"), &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a07_rollback_mode_during_ecs_rollback() {
    for (mode, oc) in [("rollback", ""), ("deploy", "supersede")] {
        let s = Simulator::new(crashing().other(Moment::Elapsed(seconds(5)), theirs("web:bad")));
        s.add_service(web().circuit_breaker(true, true).minimum_healthy_percent(0).maximum_percent(100));
        // advance until rollback in progress
        for _ in 0..600 {
            tokio::time::advance(seconds(1)).await;
            let d = s.describe_service("default", "web");
            let p = &d["deployments"][0];
            if s.elapsed() > seconds(20)
                && p["taskDefinition"].as_str().unwrap().ends_with("web:1")
                && p["rolloutState"] == "IN_PROGRESS"
            {
                break;
            }
        }
        println!("t={:?} running={:?}", s.elapsed(), running(&s));
        let mut step = Step::bare().input("service", "web").input("mode", mode);
        if mode == "rollback" {
            step = step.input("to", "1");
        } else {
            step = step.input("image", "web:good-1").input("on-conflict", oc);
        }
        let r = step.run(&s).await;
        show(&format!("{mode} during ECS's own rollback"), &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a08_deleted() {
    for delay in [3, 8, 30] {
        for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
            let s = world(Scenario { service_deployments: sd, ..Scenario::default() }.other(
                Moment::AfterUpdate { number: 1, delay: seconds(delay) },
                Action::DeleteService { cluster: "default".into(), service: "web".into() },
            ));
            let r = Step::deploying("web:good-2").run(&s).await;
            show(&format!("deleted {delay} {sd:?}"), &s, &r);
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a09_old_deregistered() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        let s = world(Scenario { service_deployments: sd, ..crashing() }.other(
            Moment::AfterUpdate { number: 1, delay: seconds(3) },
            Action::DeregisterTaskDefinition { task_definition: "web:1".into() },
        ));
        let r = Step::deploying("web:bad").run(&s).await;
        show(&format!("old deregistered {sd:?}"), &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a10_crash_at_first() {
    for desired in [1, 2, 10] {
        for times in [1, 2, 3, 4] {
            for breaker in [false, true] {
                let s = Simulator::new(
                    Scenario::default().image("flaky", Behaviour::CrashAtFirst { times, after: seconds(3) }),
                );
                s.add_service(web().desired_count(desired).circuit_breaker(breaker, breaker));
                let r = Step::deploying("web:flaky").run(&s).await;
                println!(
                    "crash at first desired={desired} times={times} breaker={breaker}: {} {} t={:?}",
                    r.output("outcome"),
                    r.output("cause"),
                    s.elapsed()
                );
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a11_nocapacity() {
    let s = world(Scenario::default().image("big", Behaviour::NoCapacity));
    let r = Step::deploying("web:big").input("wait-for-minutes", "5").run(&s).await;
    show("no capacity", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a12_alarm() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        for rb in [true, false] {
            let s =
                Simulator::new(Scenario { service_deployments: sd, ..Scenario::default() }.other(
                    Moment::AfterUpdate { number: 1, delay: seconds(20) },
                    Action::TripAlarm { name: "a".into() },
                ));
            s.add_service(web().alarms(&["a"], rb));
            let r = Step::deploying("web:good-2").run(&s).await;
            show(&format!("alarm {sd:?} rollback={rb}"), &s, &r);
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a13_failed_again() {
    for img in ["web:bad", "web:good-3"] {
        for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
            let s = Simulator::new(Scenario { service_deployments: sd, ..crashing() });
            s.add_service(web().circuit_breaker(true, false));
            let r = Step::deploying("web:bad").input("rollback-on-failure", "false").run(&s).await;
            show(&format!("first, left {sd:?}"), &s, &r);
            let r = Step::deploying(img).run(&s).await;
            show(&format!("deployed again {img}"), &s, &r);
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a14_stuck_loop_then_fix() {
    let s = world(crashing().other(Moment::Elapsed(seconds(5)), theirs("web:bad")));
    tokio::time::advance(seconds(3600)).await;
    let r = Step::deploying("web:good-3").run(&s).await;
    show("crash loop in flight for an hour, deploy fix with default on-conflict", &s, &r);
    println!("{}", r.log);
}
#[tokio::test(start_paused = true)]
async fn a15_join_and_cancel() {
    // somebody else's rollout with the same content
    let s = world(Scenario::default().other(Moment::Elapsed(seconds(5)), theirs("web:good-2")));
    tokio::time::advance(seconds(10)).await;
    let step = Step::deploying("web:good-2");
    let r = cancelled_at(&step, &s, seconds(10)).await;
    show("join somebody else's rollout, then cancelled", &s, &r);
    let s = world(Scenario::default().other(Moment::Elapsed(seconds(5)), theirs("web:good-2")));
    tokio::time::advance(seconds(10)).await;
    let r = Step::deploying("web:good-2").run(&s).await;
    show("join somebody else's rollout, ok", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a16_cancel_each() {
    for image in ["web:good-2", "web:bad"] {
        for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
            for ms in
                [0u64, 10, 30, 50, 70, 90, 110, 130, 200, 1000, 3000, 20000, 40000, 55000, 62000, 65000, 70000, 80000]
            {
                let s = world(Scenario { service_deployments: sd, ..crashing() });
                let r = cancelled_at(&Step::deploying(image), &s, Duration::from_millis(ms)).await;
                println!(
                    "cancel {image} {sd:?} at {ms}: {} {} exit {} | {} | t={:?} {:?} {}",
                    r.output("outcome"),
                    r.output("cause"),
                    r.exit_code,
                    r.output("message"),
                    s.elapsed(),
                    running(&s),
                    set_to(&s)
                );
                s.settle().await;
                let now = running(&s);
                if now.len() != 1 {
                    println!("   !!! MIX LATER {now:?}");
                }
                let claims_new = r.output("outcome") == "deployed";
                if claims_new != now.contains_key("web:2") {
                    println!("   !!! LATER {now:?}");
                }
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a17_cancel_conflict() {
    let s = world(crashing().other(Moment::Elapsed(seconds(5)), theirs("web:bad")));
    tokio::time::advance(seconds(10)).await;
    let r = cancelled_at(&Step::deploying("web:good-3"), &s, seconds(60)).await;
    show("cancelled while waiting for a conflict", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a18_stale_whole() {
    for image in ["web:good-2", "web:bad"] {
        for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
            for share in [1.0, 0.5] {
                for seed in 0..4 {
                    let s = world(Scenario { service_deployments: sd, seed, ..crashing() });
                    tokio::time::advance(seconds(300)).await;
                    s.inject(Rule {
                        when: When { share: Some(share), ..When::default() },
                        fault: Fault::StaleRead(seconds(60)),
                    });
                    let r = Step::deploying(image).run(&s).await;
                    let now = running(&s);
                    println!(
                        "stale {share} {image} {sd:?} seed {seed}: {} {} | {} | err {:?} t={:?} now={now:?} {} {:?}",
                        r.output("outcome"),
                        r.output("cause"),
                        r.output("message"),
                        r.errors(),
                        s.elapsed(),
                        set_to(&s),
                        writes(&s)
                    );
                    s.settle().await;
                    println!("      later {:?}", running(&s));
                }
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a19_stale_cancel_old_broken() {
    // old revision cannot start any more (its image is gone); cancelled soon; stale reads show the state before
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        let s = Simulator::new(
            Scenario { service_deployments: sd, ..Scenario::default() }
                .image("web:good-1", Behaviour::ImageMissing { after: seconds(2) }),
        );
        s.add_service(web().minimum_healthy_percent(0).maximum_percent(100));
        tokio::time::advance(seconds(300)).await;
        println!("before: {:?}", running(&s));
        s.inject(rule("DescribeServices", Fault::StaleRead(seconds(30))));
        let r = cancelled_at(&Step::deploying("web:good-2"), &s, seconds(15)).await;
        show(&format!("stale, cancelled, old cannot start {sd:?}"), &s, &r);
        tokio::time::advance(seconds(100)).await;
        println!("later {:?}", running(&s));
    }
}
#[tokio::test(start_paused = true)]
async fn a20_throttle90() {
    for seed in 0..6 {
        for image in ["web:good-2", "web:bad"] {
            let s = world(Scenario { seed, ..crashing() });
            s.inject(Rule { when: When { share: Some(0.9), ..When::default() }, fault: Fault::Throttle });
            let r = Step::deploying(image).run(&s).await;
            println!(
                "throttle90 {seed} {image}: {} {} | {} | t={:?} calls={} {:?} {}",
                r.output("outcome"),
                r.output("cause"),
                r.output("message"),
                s.elapsed(),
                s.journal().len(),
                running(&s),
                set_to(&s)
            );
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a21_arns_partitions() {
    for region in ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"] {
        let s = world(Scenario { region: region.into(), ..Scenario::default() });
        let d = s.describe_service("default", "web");
        let r = Step::bare()
            .input("service", d["serviceArn"].as_str().unwrap())
            .input("cluster", d["clusterArn"].as_str().unwrap())
            .input("image", "web:good-2")
            .variable("AWS_REGION", region)
            .run(&s)
            .await;
        show(region, &s, &r);
        println!("{}", r.output("console-url"));
        let r = Step::bare()
            .input("service", d["serviceArn"].as_str().unwrap())
            .input("image", "web:good-3")
            .variable("AWS_REGION", "")
            .run(&s)
            .await;
        show("region from arn", &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a22_existing() {
    let s = world(Scenario::default());
    let r = Step::deploying("web:good-2").run(&s).await;
    r.ended("deployed", "");
    for td in ["web:2", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2", "web", "web:1", "web:9"] {
        let r = Step::bare().input("service", "web").input("task-definition", td).run(&s).await;
        show(&format!("existing {td}"), &s, &r);
    }
    s.look("DescribeServices", &json!({"services":["web"]}));
}
#[tokio::test(start_paused = true)]
async fn a23_inactive() {
    let s = world(
        Scenario::default()
            .other(Moment::Elapsed(seconds(200)), Action::DeregisterTaskDefinition { task_definition: "web:1".into() }),
    );
    Step::deploying("web:good-2").run(&s).await.ended("deployed", "");
    tokio::time::advance(seconds(300)).await;
    for (k, v) in [("task-definition", "web:1")] {
        let r = Step::bare().input("service", "web").input(k, v).run(&s).await;
        show("INACTIVE", &s, &r);
    }
    let r = Step::bare().input("service", "web").input("mode", "rollback").run(&s).await;
    show("rollback to INACTIVE previous", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a24_blind_update_over_theirs() {
    // UpdateService never reaches AWS; meanwhile somebody else deploys
    let s = world(Scenario::default().other(Moment::Elapsed(seconds(30)), theirs("web:theirs")));
    s.inject(Rule {
        when: When { operation: Some("UpdateService".into()), until: Some(seconds(60)), ..When::default() },
        fault: Fault::TimeoutBeforeEffect,
    });
    let r = Step::deploying("web:good-2").input("max-retries", "1").run(&s).await;
    show("UpdateService times out (no effect), somebody else deploys meanwhile", &s, &r);
    later("", &s).await;
}
#[tokio::test(start_paused = true)]
async fn a25_toctou() {
    // register is throttled for 3 min; meanwhile somebody deploys and completes; ours crashes
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        for breaker in [false, true] {
            let s = Simulator::new(
                Scenario { service_deployments: sd, ..crashing() }
                    .other(Moment::Elapsed(seconds(2)), theirs("web:theirs")),
            );
            s.add_service(web().circuit_breaker(breaker, breaker));
            s.inject(Rule {
                when: When {
                    operation: Some("RegisterTaskDefinition".into()),
                    until: Some(seconds(120)),
                    ..When::default()
                },
                fault: Fault::Throttle,
            });
            let r = Step::deploying("web:bad").input("max-retries", "30").run(&s).await;
            show(&format!("somebody's whole deployment between capture and update {sd:?} breaker {breaker}"), &s, &r);
            later("", &s).await;
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a26_token_expires() {
    for (image, at) in [("web:good-2", 30), ("web:good-2", 61), ("web:bad", 30), ("web:bad", 60)] {
        let s = world(Scenario { credentials_expire: Some(seconds(at)), ..crashing() });
        let r = Step::deploying(image).run(&s).await;
        show(&format!("credentials expire at {at} {image}"), &s, &r);
        later("", &s).await;
    }
}
#[tokio::test(start_paused = true)]
async fn a27_norollback_breaker() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        let s = Simulator::new(Scenario { service_deployments: sd, ..crashing() });
        s.add_service(web().circuit_breaker(true, true));
        let r = Step::deploying("web:bad").input("rollback-on-failure", "false").run(&s).await;
        show("rollback-on-failure=false, ECS breaker rolls back", &s, &r);
        later("", &s).await;
        let s = Simulator::new(Scenario { service_deployments: sd, ..crashing() });
        s.add_service(web());
        let r =
            cancelled_at(&Step::deploying("web:good-2").input("rollback-on-failure", "false"), &s, seconds(10)).await;
        show("rollback-on-failure=false, cancelled", &s, &r);
        later("", &s).await;
    }
}
#[tokio::test(start_paused = true)]
async fn a28_faults_during_ecs_rollback() {
    for f in [denied(), Fault::Throttle, Fault::ServerError, Fault::ExpiredToken, Fault::StaleRead(seconds(60))] {
        let s = Simulator::new(crashing());
        s.add_service(web().circuit_breaker(true, true));
        s.inject(Rule {
            when: When { from: Some(seconds(54)), until: Some(seconds(200)), ..When::default() },
            fault: f.clone(),
        });
        let r = Step::deploying("web:bad").run(&s).await;
        show(&format!("during ECS's own rollback {f:?}"), &s, &r);
        later("", &s).await;
    }
}
#[tokio::test(start_paused = true)]
async fn a29_stop_by_somebody_denied() {
    let stop = Action::StopServiceDeployment { cluster: "default".to_owned(), service: "web".to_owned() };
    for sd in [ServiceDeployments::Denied, ServiceDeployments::Unsupported] {
        let s = world(
            Scenario { service_deployments: sd, ..Scenario::default() }
                .other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, stop.clone()),
        );
        let r = Step::deploying("web:good-2").run(&s).await;
        show(&format!("stopped by somebody {sd:?}"), &s, &r);
        later("", &s).await;
    }
}
#[tokio::test(start_paused = true)]
async fn a30_somebody_back_to_old() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        let a = Action::UpdateService {
            cluster: "default".into(),
            service: "web".into(),
            image: None,
            task_definition: Some(task_definition("web:good-1")),
        };
        let s = world(
            Scenario { service_deployments: sd, ..Scenario::default() }
                .other(Moment::AfterUpdate { number: 1, delay: seconds(20) }, a),
        );
        let r = Step::deploying("web:good-2").run(&s).await;
        show(&format!("somebody deploys the old content as a new revision {sd:?}"), &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a31_somebody_scales() {
    for (image, delay) in [("web:good-2", 10), ("web:bad", 10), ("web:bad", 58)] {
        for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
            for n in [0, 1, 5] {
                let s = world(Scenario { service_deployments: sd, ..crashing() }.other(
                    Moment::AfterUpdate { number: 1, delay: seconds(delay) },
                    Action::Scale { cluster: "default".into(), service: "web".into(), desired_count: n },
                ));
                let r = Step::deploying(image).run(&s).await;
                show(&format!("scaled to {n} at {delay} {image} {sd:?}"), &s, &r);
                later("", &s).await;
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a32_rerun_stale() {
    let s = world(crashing());
    let r = Step::deploying("web:bad").run(&s).await;
    r.ended("rolled-back", "tasks-failing");
    s.inject(rule("DescribeServices", Fault::StaleRead(seconds(60))));
    for i in 0..2 {
        let r = Step::deploying("web:good-3").run(&s).await;
        show(&format!("right after a rollback, stale 60 ({i})"), &s, &r);
    }
}
#[tokio::test(start_paused = true)]
async fn a33_nowait() {
    let s = world(Scenario::default());
    let r = Step::bare()
        .input("service", "web")
        .input("desired-count", "4")
        .input("wait-for-service-stability", "false")
        .run(&s)
        .await;
    show("settings, no wait", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a34_two_faults() {
    for (a, b) in [("StopServiceDeployment", "UpdateService"), ("DescribeServiceDeployments", "StopServiceDeployment")]
    {
        for f in [denied(), Fault::Throttle, Fault::TimeoutAfterEffect, Fault::CutAnswer] {
            for g in [Fault::TimeoutAfterEffect, Fault::Throttle, Fault::ServerError] {
                let s = world(crashing());
                s.inject(Rule {
                    when: When {
                        operation: Some(a.into()),
                        from: Some(seconds(40)),
                        until: Some(seconds(200)),
                        ..When::default()
                    },
                    fault: f.clone(),
                });
                s.inject(Rule {
                    when: When {
                        operation: Some(b.into()),
                        from: Some(seconds(40)),
                        until: Some(seconds(200)),
                        ..When::default()
                    },
                    fault: g.clone(),
                });
                let r = Step::deploying("web:bad").run(&s).await;
                println!(
                    "two {a} {f:?} + {b} {g:?}: {} {} | {} t={:?} now={:?} {}",
                    r.output("outcome"),
                    r.output("cause"),
                    r.output("message"),
                    s.elapsed(),
                    running(&s),
                    set_to(&s)
                );
                s.settle().await;
                println!("     later {:?}", running(&s));
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a35_rollback_of_joined_killed() {
    // killed run left web:2 in flight; outputs of the re-run
    let s = world(Scenario::default());
    s.inject(Rule {
        when: When { operation: Some("UpdateService".into()), ..When::default() },
        fault: Fault::Hang { after_effect: true },
    });
    let step = Step::deploying("web:good-2");
    tokio::select! { biased; () = s.hung() => {}, _ = step.run(&s) => panic!() }
    let r = Step::deploying("web:good-2").run(&s).await;
    show("re-run of a killed run joins", &s, &r);
    let r = Step::bare().input("service", "web").input("mode", "rollback").run(&s).await;
    show("rollback previous", &s, &r);
    let r = Step::bare().input("service", "web").input("mode", "rollback").run(&s).await;
    show("rollback previous again", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a36_secrets() {
    let s = world(Scenario::default());
    for doc in [
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":{"PASSWORD":"hunter2"}}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":[{"value":"hunter2"}]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":[{"name":"A","value":{"x":"hunter2"}}]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":["hunter2"]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":"PASSWORD=hunter2"}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"Environment":[{"Name":"A","Value":"hunter2"}]}],"family":"web"}),
        json!({"containerDefinitions":[{"image":"web:good-2","essential":true,"environment":[{"name":"A","value":"hunter2"}]}],"family":"web"}),
        json!({"containerDefinitions":{"name":"app","image":"web:good-2","environment":[{"name":"A","value":"hunter2"}]},"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"secrets":[{"name":"A","valueFrom":"hunter2"}]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":[{"name":"A","value":"hunter2"},{"name":"A","value":"hunter2b"}]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":[{"name":"A","value":"x","Value":"hunter2"}]}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"logConfiguration":{"logDriver":"splunk","options":{"splunk-token":"hunter2"}}}],"family":"web"}),
        json!({"containerDefinitions":[{"name":"app","image":"web:good-2","essential":true,"environment":[{"name":"A=hunter2","value":"x"}]}],"family":"web"}),
    ] {
        for mode in ["plan", "deploy"] {
            let r = Step::bare()
                .input("service", "web")
                .input("task-definition", "t.json")
                .input("mode", mode)
                .file("t.json", &doc.to_string())
                .run(&s)
                .await;
            let all = format!("{r:?}");
            println!(
                "{mode} {doc}: {} {} leaked={} {:?}",
                r.output("outcome"),
                r.output("cause"),
                all.contains("hunter2"),
                r.errors()
            );
            if all.contains("hunter2") {
                for l in r.log.lines().filter(|l| l.contains("hunter2")) {
                    println!("      LEAK {l}");
                }
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a37_late_rollback_failure_min0() {
    // old cannot come back
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        for breaker in [true, false] {
            let s = Simulator::new(
                Scenario { service_deployments: sd, ..crashing() }
                    .image("web:good-1", Behaviour::ImageMissing { after: seconds(2) }),
            );
            s.add_service(web().circuit_breaker(breaker, breaker).minimum_healthy_percent(0).maximum_percent(100));
            let r = Step::deploying("web:bad").input("wait-for-minutes", "10").run(&s).await;
            show(&format!("old cannot come back {sd:?} breaker {breaker}"), &s, &r);
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a38_deployed_then_theirs_before_verify() {
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        for d in [61, 62, 63, 64, 65] {
            let s = world(
                Scenario { service_deployments: sd, ..Scenario::default() }
                    .other(Moment::AfterUpdate { number: 1, delay: seconds(d) }, theirs("web:theirs")),
            );
            let r = Step::deploying("web:good-2").run(&s).await;
            println!("theirs at {d} {sd:?}: {} {} {}", r.output("outcome"), r.output("cause"), r.output("message"));
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a39_unlisted_noaccess() {
    // everything but DescribeServices and UpdateService and Register is denied
    for ops in [vec![
        "DescribeServiceDeployments",
        "ListServiceDeployments",
        "DescribeServiceRevisions",
        "StopServiceDeployment",
        "ListTasks",
        "DescribeTasks",
        "DeregisterTaskDefinition",
    ]] {
        for image in ["web:good-2", "web:bad"] {
            for breaker in [false, true] {
                let s = Simulator::new(crashing());
                s.add_service(web().circuit_breaker(breaker, breaker));
                for o in &ops {
                    s.inject(rule(o, denied()));
                }
                let r = Step::deploying(image).run(&s).await;
                show(&format!("minimal permissions {image} {breaker}"), &s, &r);
            }
        }
    }
}
#[tokio::test(start_paused = true)]
async fn a40_looks_denied_midway() {
    // DescribeServices denied for 20 s midway while writes work
    let s = world(Scenario::default());
    s.inject(Rule {
        when: When {
            operation: Some("DescribeServices".into()),
            from: Some(seconds(20)),
            until: Some(seconds(40)),
            ..When::default()
        },
        fault: denied(),
    });
    let r = Step::deploying("web:good-2").run(&s).await;
    show("DescribeServices denied 20s", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a41_timeout_overshoot() {
    let s = world(Scenario::default().image("stuck", Behaviour::Stuck));
    s.inject(Rule {
        when: When {
            operation: Some("DescribeServices".into()),
            from: Some(seconds(10)),
            until: Some(seconds(2000)),
            ..When::default()
        },
        fault: Fault::TimeoutBeforeEffect,
    });
    let r = Step::deploying("web:stuck").input("wait-for-minutes", "1").run(&s).await;
    show("wait 1 minute, DescribeServices hangs", &s, &r);
}
#[tokio::test(start_paused = true)]
async fn a42_superseded_supersede() {
    // on-conflict supersede, ours crashes: goes back to which? theirs in flight web:2 superseded, stable web:1
    for sd in [ServiceDeployments::Available, ServiceDeployments::Denied] {
        for breaker in [false, true] {
            let s = Simulator::new(
                Scenario { service_deployments: sd, ..crashing() }
                    .other(Moment::Elapsed(seconds(5)), theirs("web:theirs")),
            );
            s.add_service(web().circuit_breaker(breaker, breaker));
            tokio::time::advance(seconds(10)).await;
            let r = Step::deploying("web:bad").input("on-conflict", "supersede").run(&s).await;
            show(&format!("supersede theirs, ours crashes {sd:?} breaker {breaker}"), &s, &r);
            later("", &s).await;
        }
    }
}
