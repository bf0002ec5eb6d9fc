//! What the user asked for, as the rest of the program gets to see it; and what is wrong with it, as the user gets to see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the number of cases is part of the result")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use ecs_deploy_action::runner::{Environment, Inputs};
use ecs_deploy_action::spec::{Access, InputError, Mode, OnConflict, RollbackTo, Source, Spec, Voucher};
use tempfile::TempDir;

/// In every value that is a secret.
const SECRET: &str = "hunter2";

/// A workspace with a few task definitions, good and broken.
fn workspace() -> TempDir {
    let workspace = TempDir::new().unwrap();
    for (name, text) in [
        ("web.json", r#"{"family": "web", "containerDefinitions": []}"#),
        ("web.yml", "family: web\ncpu: 256\n"),
        ("deploy/api.yaml", "family: api\n"),
        ("plain", r#"{"family": "plain"}"#),
        ("broken.json", "{\"family\": \"hunter2\",\n oops}"),
        ("broken.yml", "family: [hunter2\n"),
        ("twice.yml", "family: web\nfamily: hunter2\n"),
        ("list.json", "[\"hunter2\"]"),
        ("odd.json", r#"{"containerDefinitions": {"web": "hunter2"}}"#),
    ] {
        let path = workspace.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(workspace.path().join("binary.json"), [0xff, 0xfe]).unwrap();
    workspace
}

/// Of two pairs with one name the later one counts.
fn spec(pairs: &[(&str, &str)]) -> Result<Spec, Vec<InputError>> {
    let variables: BTreeMap<String, &str> =
        pairs.iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), *value)).collect();
    let environment = Environment::new(variables);
    let (inputs, notices) = Inputs::read(&environment).unwrap();
    assert_eq!(notices, Vec::<String>::new());
    Spec::from_inputs(&inputs, workspace().path())
}

/// The inputs besides `service: web`, which of them is wrong, and what the error has to say.
type Bad = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const BAD: [Bad; 84] = [
    (
        &[("run-task", "true"), ("run-task-container-overrides", "{hunter2")],
        "run-task-container-overrides",
        "JSON list",
    ),
    (&[("mode", "run-task"), ("run-task-count", "11")], "run-task-count", "1 to 10"),
    (&[("mode", "run-task"), ("run-task-launch-type", "LAMBDA")], "run-task-launch-type", "`FARGATE`"),
    (&[("mode", "run-task"), ("run-task-started-by", "me and you")], "run-task-started-by", "`me and you`"),
    (
        &[("mode", "run-task"), ("run-task-managed-ebs-volume-name", "data")],
        "run-task-managed-ebs-volume-name",
        "`run-task-managed-ebs-volume`",
    ),
    (&[("service", "")], "service", "empty"),
    (&[("service", "we b")], "service", "`we b`"),
    (&[("service", "arn:aws:ecs:eu-west-1:123456789012:cluster/web")], "service", "not the ARN of an ECS service"),
    (&[("service", "arn:aws:ecs:eu-west-1:123456789012:service/a/b/c")], "service", "not the ARN"),
    (&[("service", "arn:aws:ecs")], "service", "not an ARN"),
    (&[("cluster", "my cluster")], "cluster", "letters, digits"),
    (&[("cluster", "arn:aws:ecs:eu-west-1:123456789012:service/web")], "cluster", "not the ARN of an ECS cluster"),
    (
        &[("service", "arn:aws:ecs:eu-west-1:123456789012:service/shop/web"), ("cluster", "other")],
        "cluster",
        "`service` gives",
    ),
    (
        &[
            ("service", "arn:aws:ecs:eu-west-1:123456789012:service/shop/web"),
            ("cluster", "arn:aws:ecs:eu-west-2:123456789012:cluster/shop"),
        ],
        "cluster",
        "`service` gives",
    ),
    (&[("role-to-assume", "deploy")], "role-to-assume", "not an ARN"),
    (&[("role-to-assume", "arn:aws:iam::123456789012:user/me")], "role-to-assume", "IAM role"),
    (&[("role-session-name", "x")], "role-session-name", "2 to 64"),
    (&[("role-session-name", "a b")], "role-session-name", "`a b`"),
    (&[("role-session-name", "naïve")], "role-session-name", "letters, digits"),
    (&[("role-duration-seconds", "899")], "role-duration-seconds", "900 to 43200"),
    (&[("role-duration-seconds", "43201")], "role-duration-seconds", "900 to 43200"),
    (&[("role-duration-seconds", "1h")], "role-duration-seconds", "`1h`"),
    (&[("role-chaining", "true")], "role-chaining", "no role to assume"),
    (&[("expected-account-id", "12345678901")], "expected-account-id", "twelve digits"),
    (&[("expected-account-id", "production01")], "expected-account-id", "twelve digits"),
    (
        &[("role-to-assume", "arn:aws:iam::123456789012:role/deploy"), ("expected-account-id", "210987654321")],
        "expected-account-id",
        "`123456789012`",
    ),
    (&[("aws-region", "Ireland")], "aws-region", "`eu-west-1`"),
    (&[("aws-region", "eu-west-1a")], "aws-region", "`eu-west-1a`"),
    (
        &[("aws-region", "eu-west-2"), ("service", "arn:aws:ecs:eu-west-1:123456789012:service/shop/web")],
        "aws-region",
        "`eu-west-1`",
    ),
    (&[("mode", "depoly")], "mode", "`deploy`, `plan`, `rollback`"),
    (&[("to", "previous")], "to", "`mode: rollback`"),
    (&[("mode", "rollback"), ("to", "yesterday")], "to", "names no revision"),
    (&[("mode", "rollback"), ("to", "0")], "to", "from 1"),
    (&[("mode", "rollback"), ("to", "-3")], "to", "`-3`"),
    (&[("mode", "rollback"), ("image", "web:2")], "image", "`mode: rollback`"),
    (&[("mode", "rollback"), ("task-definition", "web.json")], "task-definition", "say with `to`"),
    (&[("mode", "rollback"), ("environment-variables", "A=hunter2")], "environment-variables", "leave it out"),
    (&[("task-definition", "wbe.json")], "task-definition", "did you mean `web.json`"),
    (&[("task-definition", "deploy/appi.yaml")], "task-definition", "did you mean `api.yaml`"),
    (&[("task-definition", "nowhere/x.json")], "task-definition", "actions/checkout"),
    (&[("task-definition", "broken.json")], "task-definition", "JSON: line 2"),
    (&[("task-definition", "broken.yml")], "task-definition", "YAML"),
    (&[("task-definition", "twice.yml")], "task-definition", "`family` occurs twice"),
    (&[("task-definition", "list.json")], "task-definition", "a list"),
    (&[("task-definition", "odd.json")], "task-definition", "`containerDefinitions`"),
    (&[("task-definition", "binary.json")], "task-definition", "cannot be read"),
    (&[("task-definition", "web:0")], "task-definition", "names no task definition"),
    (&[("task-definition", "web:latest")], "task-definition", "`family:revision`"),
    (
        &[("task-definition", "arn:aws:ecs:eu-west-1:123456789012:cluster/web")],
        "task-definition",
        "not the ARN of a task definition",
    ),
    (&[("task-definition-arn", "web:1")], "task-definition-arn", "not an ARN"),
    (&[("task-definition-family", "we b")], "task-definition-family", "`we b`"),
    (
        &[("task-definition-family", "web:1"), ("task-definition-revision", "2")],
        "task-definition-family",
        "without a revision",
    ),
    (&[("task-definition-revision", "2")], "task-definition-revision", "`task-definition-family`"),
    (&[("task-definition-family", "web"), ("task-definition-revision", "x")], "task-definition-revision", "1 or more"),
    (&[("image", "web:1 web:2")], "image", "one image"),
    (&[("images", "web")], "images", "line 1 has no `=`"),
    (&[("images", "web=")], "images", "one image"),
    (&[("images", "-web")], "images", "cannot be removed"),
    (&[("images", "web=a\nweb=b")], "images", "line 2 repeats"),
    (&[("image", "a"), ("container-name", "web"), ("images", "web=b")], "images", "`container-name`"),
    (&[("environment-variables", "A=1\nhunter2")], "environment-variables", "line 2 has no `=`"),
    (&[("environment-variables", "=hunter2")], "environment-variables", "line 1 has no name"),
    (&[("environment-variables", "KEY<<END\nhunter2")], "environment-variables", "`END` alone"),
    (&[("environment-variables", "-A=hunter2")], "environment-variables", "`-NAME`"),
    (&[("secrets", "hunter2")], "secrets", "line 1"),
    (&[("secrets", "A=hunter2"), ("environment-variables", "A=hunter2")], "secrets", "`environment-variables`"),
    (&[("docker-labels", "hunter2")], "docker-labels", "line 1"),
    (&[("log-configuration-options", "hunter2")], "log-configuration-options", "line 1"),
    (&[("env-files", "s3://bucket/key.env")], "env-files", "arn:aws:s3:::"),
    (&[("env-files", "arn:aws:s3:::bucket")], "env-files", "file in S3"),
    (&[("command", "[\"sh\", 1]")], "command", "list of strings"),
    (&[("command", "sh -c 'hunter2")], "command", "quote is not closed"),
    (&[("task-role-arn", "web-task")], "task-role-arn", "arn:aws:iam::ACCOUNT:role/NAME"),
    (&[("execution-role-arn", "arn:aws:iam::123456789012:user/me")], "execution-role-arn", "IAM role"),
    (&[("cpu", "a lot")], "cpu", "`0.25 vCPU`"),
    (&[("memory", "1 MB")], "memory", "`1 GB`"),
    (&[("tags", "aws:x=1")], "tags", "`aws:`"),
    (&[("tags", "-team")], "tags", "cannot be removed"),
    (&[("desired-count", "-1")], "desired-count", "0 or more"),
    (&[("force-new-deployment", "yes")], "force-new-deployment", "`true` or `false`"),
    (&[("propagate-tags", "TASKDEF")], "propagate-tags", "`TASK_DEFINITION`"),
    (&[("wait-for-minutes", "361")], "wait-for-minutes", "at most 360"),
    (&[("rollback-on-failure", "true"), ("wait-for-service-stability", "false")], "rollback-on-failure", "nobody"),
    (&[("max-retries", "many")], "max-retries", "0 is never"),
];

#[test]
fn each_bad_input_is_one_clear_error() {
    for (pairs, input, words) in BAD {
        let pairs = [&[("service", "web")][..], pairs].concat();

        let errors = spec(&pairs).expect_err(&format!("{pairs:?}"));

        let [error] = &errors[..] else { panic!("{pairs:?}: {errors:#?}") };
        let text = error.to_string();
        assert_eq!(error.input, input, "{text}");
        assert!(text.starts_with(&format!("input `{input}`: ")) && text.contains(words), "{pairs:?}: {text}");
        assert!(!text.contains('\n'), "{text}");
        assert!(!format!("{text} {errors:?}").contains(SECRET), "{text}");
    }
    println!("{} bad inputs, one error each", BAD.len());
}

/// What a step is for, and inputs with values that the runner does not set by itself, for which it has no use.
type Strange = (&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

const STRANGE: [Strange; 5] = [
    (
        &[("endpoint-name", "bikes")],
        &[
            ("service", "web"),
            ("image", "web:2"),
            ("from-service", "api"),
            ("task-definition-family", "web"),
            ("task-definition-revision", "3"),
            ("log-configuration-log-driver", "awslogs"),
            ("log-configuration-options", "a=b"),
            ("run-task", "true"),
            ("run-task-count", "2"),
            ("run-task-subnets", "subnet-1"),
            ("wait-for-task-stopped", "false"),
            ("subnets", "subnet-1"),
            ("security-groups", "sg-1"),
            ("assign-public-ip", "ENABLED"),
            ("force-new-deployment", "true"),
            ("enable-execute-command", "true"),
            ("enable-ecs-managed-tags", "true"),
            ("propagate-tags", "SERVICE"),
            ("deployment-circuit-breaker", "on"),
            ("deployment-circuit-breaker-threshold", "5"),
            ("deployment-alarms", "errors"),
            ("service-managed-ebs-volume-name", "data"),
            ("service-managed-ebs-volume", "{}"),
            ("codedeploy-application", "web"),
            ("wait-until", "bake-time"),
            ("on-pause-hook", "continue"),
            ("keep-revisions", "3"),
            ("approve", "never"),
        ],
    ),
    (
        &[("endpoint-name", "bikes"), ("mode", "rollback")],
        &[("model-image", "bikes:2"), ("tags", "a=b"), ("deployment-strategy", "canary"), ("run-task", "true")],
    ),
    (
        &[("mode", "register-model"), ("model-package-group", "bikes"), ("model-image", "bikes:1")],
        &[
            ("run-task", "true"),
            ("subnets", "subnet-1"),
            ("wait-until", "bake-time"),
            ("deployment-strategy", "canary"),
            ("deployment-circuit-breaker", "on"),
            ("wait-for-service-stability", "false"),
            ("on-conflict", "fail"),
            ("rollback-on-job-failure", "true"),
            ("alarm-preflight", "fail"),
            ("rollback-alarms", "errors"),
            ("health-check-url", "https://web.example"),
            ("instance-type", "ml.m5.large"),
        ],
    ),
    (
        &[("mode", "run-task"), ("service", "web")],
        &[
            ("rollback-alarms", "errors"),
            ("health-check-url", "https://web.example"),
            ("verify-minutes", "5"),
            ("alarm-preflight", "fail"),
            ("scheduled-rules", "nightly"),
            ("keep-revisions", "3"),
            ("deployment-strategy", "canary"),
            ("deployment-circuit-breaker", "on"),
            ("deployment-alarms", "errors"),
            ("desired-count", "3"),
            ("subnets", "subnet-1"),
            ("wait-until", "bake-time"),
            ("wait-for-service-stability", "false"),
            ("on-conflict", "fail"),
            ("rollback-on-job-failure", "true"),
            ("codedeploy-application", "web"),
            ("model-image", "bikes:2"),
        ],
    ),
    (
        &[("mode", "rollback"), ("service", "web")],
        &[("image", "web:2"), ("tags", "a=b"), ("promote-tags", "stable"), ("run-task", "true"), ("cpu", "256")],
    ),
];

#[test]
fn what_a_step_has_no_use_for_is_refused_by_name() {
    for (step, strange) in STRANGE {
        assert!(spec(step).is_ok(), "{step:?}: {:?}", spec(step));
        for &(input, value) in strange {
            let errors = spec(&[step, &[(input, value)]].concat()).expect_err(&format!("{step:?} takes {input}"));

            let about: Vec<&InputError> =
                errors.iter().filter(|error| error.input == input && error.problem.contains("it is about")).collect();
            let [error] = about[..] else { panic!("{step:?}, {input}: {errors:#?}") };
            assert!(error.remedy.contains("leave"), "{error}");
        }
    }
}

#[test]
fn an_update_of_an_endpoint_cannot_be_superseded() {
    for mode in ["deploy", "plan", "rollback"] {
        let errors = spec(&[("endpoint-name", "bikes"), ("mode", mode), ("on-conflict", "supersede")]).unwrap_err();

        let [error] = &errors[..] else { panic!("{errors:#?}") };
        assert_eq!(error.input, "on-conflict");
        assert!(error.problem.contains("cannot be superseded"), "{error}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let errors =
        spec(&[("cpu", "x"), ("memory", "x"), ("mode", "x"), ("on-conflict", "x"), ("deploy-tags", "x")]).unwrap_err();

    let inputs: Vec<&str> = errors.iter().map(|error| error.input).collect();
    assert_eq!(inputs, ["mode", "service", "cpu", "memory", "deploy-tags", "on-conflict"]);
}

#[test]
fn nothing_asked_is_nothing_changed() {
    let spec = spec(&[("service", "web")]).unwrap();

    assert_eq!((spec.mode, spec.source), (Mode::Deploy, Source::Running));
    assert_eq!((spec.cluster.as_str(), spec.service.as_deref(), spec.region), ("default", Some("web"), None));
    assert!(spec.overrides.is_empty());
    assert_eq!(spec.settings, ecs_deploy_action::spec::Settings::default());
    assert_eq!((spec.deploy_tags, spec.wait, spec.rollback_on_failure), (true, true, true));
    assert_eq!((spec.wait_for, spec.max_retries), (Duration::from_mins(30), 10));
    assert_eq!((spec.on_conflict, spec.tags), (OnConflict::Wait, vec![]));
}

#[test]
fn a_role_is_assumed_as_configure_aws_credentials_would_unless_told_otherwise() {
    let arn = "arn:aws-cn:iam::123456789012:role/ci/deploy";
    let access = |pairs: &[(&str, &str)]| spec(&[&[("service", "web")][..], pairs].concat()).unwrap().access;

    let role = access(&[("role-to-assume", arn)]).role.unwrap();
    assert_eq!((role.arn.to_string().as_str(), role.session_name.as_str()), (arn, "GitHubActions"));
    assert_eq!(role.duration, Duration::from_hours(1));
    assert_eq!(role.voucher, Voucher::IdToken { audience: "sts.amazonaws.com".to_owned() });

    let told = [
        ("role-to-assume", arn),
        ("role-session-name", "a_+=,.@-9"),
        ("role-duration-seconds", "900"),
        ("audience", "sts.amazonaws.com.cn"),
        ("expected-account-id", "123456789012"),
        ("mask-aws-account-id", "True"),
    ];
    let Access { role, expected_account, masks_account } = access(&told);
    assert!(masks_account);
    let role = role.unwrap();
    assert_eq!((role.session_name.as_str(), role.duration), ("a_+=,.@-9", Duration::from_mins(15)));
    assert_eq!(role.voucher, Voucher::IdToken { audience: "sts.amazonaws.com.cn".to_owned() });
    assert_eq!(expected_account.as_deref(), Some("123456789012"));

    let chained = access(&[("role-to-assume", arn), ("role-chaining", "True")]);
    assert_eq!(chained.role.unwrap().voucher, Voucher::Environment);
    assert_eq!(access(&[("role-session-name", "unused")]), Access::default());
}

#[test]
fn modes_and_where_to_go_back_to() {
    let arn = "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web:7";
    for (pairs, mode) in [
        (vec![("mode", "Plan")], Mode::Plan),
        (vec![("mode", "rollback")], Mode::Rollback { to: RollbackTo::Previous }),
        (vec![("mode", "rollback"), ("to", "Previous")], Mode::Rollback { to: RollbackTo::Previous }),
        (vec![("mode", "rollback"), ("to", "7")], Mode::Rollback { to: RollbackTo::Revision(7) }),
        (
            vec![("mode", "rollback"), ("to", "web:7")],
            Mode::Rollback { to: RollbackTo::TaskDefinition("web:7".into()) },
        ),
        (vec![("mode", "rollback"), ("to", arn)], Mode::Rollback { to: RollbackTo::TaskDefinition(arn.into()) }),
    ] {
        let spec = spec(&[&[("service", "web")][..], &pairs].concat()).unwrap();

        assert_eq!(spec.mode, mode);
    }
}

#[test]
fn the_strongest_source_counts() {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/arn:1";
    let (file, by_arn, family, revision) = (
        ("task-definition", "web.json"),
        ("task-definition-arn", arn),
        ("task-definition-family", "family"),
        ("task-definition-revision", "3"),
    );
    let registered = |name: &str| Some(name.to_owned());
    for (pairs, name) in [
        (vec![file, by_arn, family, revision], None),
        (vec![by_arn, family, revision], registered(arn)),
        (vec![family, revision], registered("family:3")),
        (vec![family], registered("family")),
        (vec![("task-definition", "web")], registered("web")),
        (vec![("task-definition", "web:12")], registered("web:12")),
        (vec![("task-definition", arn)], registered(arn)),
        (vec![("task-definition", "web.yml")], None),
        (vec![("task-definition", "deploy/api.yaml")], None),
        (vec![("task-definition", "plain")], None),
    ] {
        let spec = spec(&[&[("service", "web")][..], &pairs].concat()).unwrap();

        match (spec.source, name) {
            (Source::Document(document), None) => assert!(document.family().is_some(), "{pairs:?}"),
            (Source::Registered(found), Some(name)) => assert_eq!(found, name, "{pairs:?}"),
            (source, name) => panic!("{pairs:?}: {source:?} is not {name:?}"),
        }
    }
}

#[test]
fn a_services_arn_says_its_cluster_and_region() {
    for (service, cluster, region) in [
        ("arn:aws:ecs:eu-west-1:123456789012:service/shop/web", "shop", "eu-west-1"),
        ("arn:aws-us-gov:ecs:us-gov-west-1:123456789012:service/web", "default", "us-gov-west-1"),
    ] {
        let spec = spec(&[("service", service)]).unwrap();

        assert_eq!((spec.cluster.as_str(), spec.region_in_arns().as_deref()), (cluster, Some(region)));
    }
    let shop = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop";
    let service = "arn:aws:ecs:eu-west-1:123456789012:service/shop/web";
    assert_eq!(spec(&[("service", service), ("cluster", shop)]).unwrap().cluster, shop);
    assert_eq!(spec(&[("service", service), ("cluster", "shop")]).unwrap().cluster, "shop");
}

#[test]
fn overrides_arrive_and_are_not_seen() {
    let spec = spec(&[
        ("service", "web"),
        ("container-name", "web, router\nworker"),
        ("image", " registry/web:1 "),
        ("environment-variables", "A=hunter2=1\n-B"),
        ("secrets", "KEY<<END\nhunter2\nEND"),
        ("env-files", "arn:aws:s3:::b/1.env,arn:aws-cn:s3:::b/2.env"),
        ("command", "sh -c 'echo \"a b\"'"),
        ("cpu", ".5 vCPU"),
        ("tags", "team=shop\nstage="),
    ])
    .unwrap();

    let overrides = &spec.overrides;
    assert_eq!(overrides.containers, ["web", "router", "worker"]);
    assert_eq!(overrides.image.as_deref(), Some("registry/web:1"));
    assert_eq!((overrides.environment.len(), overrides.secrets.len(), overrides.env_files.len()), (2, 1, 2));
    assert_eq!(overrides.command.as_deref(), Some(&["sh", "-c", "echo \"a b\""].map(str::to_owned)[..]));
    assert_eq!(
        spec.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect::<Vec<_>>(),
        [("team", "shop"), ("stage", "")]
    );
    assert!(!format!("{spec:?}").contains(SECRET));
}

#[test]
fn settings_and_waiting() {
    let spec = spec(&[
        ("service", "web"),
        ("desired-count", "0"),
        ("force-new-deployment", "TRUE"),
        ("enable-ecs-managed-tags", "False"),
        ("enable-execute-command", "true"),
        ("propagate-tags", "task_definition"),
        ("wait-for-minutes", "0.5"),
        ("max-retries", "0"),
        ("on-conflict", "supersede"),
        ("rollback-on-failure", "false"),
        ("keep-null-value-keys", "a,b"),
        ("aws-region", "us-iso-east-1"),
    ])
    .unwrap();

    assert_eq!((spec.settings.desired_count, spec.settings.force_new_deployment), (Some(0), true));
    assert_eq!(
        (spec.settings.enable_ecs_managed_tags, spec.settings.enable_execute_command),
        (Some(false), Some(true))
    );
    assert_eq!(spec.settings.propagate_tags.as_deref(), Some("TASK_DEFINITION"));
    assert_eq!((spec.wait_for, spec.max_retries), (Duration::from_secs(30), 0));
    assert_eq!((spec.on_conflict, spec.rollback_on_failure), (OnConflict::Supersede, false));
    assert_eq!(spec.region.as_deref(), Some("us-iso-east-1"));
}
