//! The inputs of the step, as the runner hands them over: text, or nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Serialize};

use super::Environment;

/// Every input of `action.yml`. Texts, because only `spec` knows what is right: it reports all that is wrong at once, where a
/// typed field would stop at the first.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "`action.yml` describes each input, and a test holds the two together")]
pub struct Inputs {
    pub mode: Option<String>,
    pub iam_policy_for: Option<String>,
    pub to: Option<String>,
    pub from_cluster: Option<String>,
    pub from_service: Option<String>,
    pub cluster: Option<String>,
    pub service: Option<String>,
    pub aws_region: Option<String>,
    pub role_to_assume: Option<String>,
    pub role_session_name: Option<String>,
    pub role_duration_seconds: Option<String>,
    pub role_chaining: Option<String>,
    pub audience: Option<String>,
    pub expected_account_id: Option<String>,
    pub mask_aws_account_id: Option<String>,
    pub task_definition: Option<String>,
    pub task_definition_arn: Option<String>,
    pub task_definition_family: Option<String>,
    pub task_definition_revision: Option<String>,
    pub container_name: Option<String>,
    pub image: Option<String>,
    pub images: Option<String>,
    pub resolve_image_digest: Option<String>,
    pub forbid_mutable_tags: Option<String>,
    pub scan_gate: Option<String>,
    pub scan_thresholds: Option<String>,
    pub scan_ignore: Option<String>,
    pub scan_only_fixable: Option<String>,
    pub scan_wait_minutes: Option<String>,
    pub promote_tags: Option<String>,
    pub environment_variables: Option<String>,
    pub secrets: Option<String>,
    pub env_files: Option<String>,
    pub docker_labels: Option<String>,
    pub log_configuration_log_driver: Option<String>,
    pub log_configuration_options: Option<String>,
    pub command: Option<String>,
    pub task_role_arn: Option<String>,
    pub execution_role_arn: Option<String>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    pub tags: Option<String>,
    pub deploy_tags: Option<String>,
    pub desired_count: Option<String>,
    pub force_new_deployment: Option<String>,
    pub enable_ecs_managed_tags: Option<String>,
    pub propagate_tags: Option<String>,
    pub enable_execute_command: Option<String>,
    pub run_task: Option<String>,
    pub run_task_container_overrides: Option<String>,
    pub run_task_subnets: Option<String>,
    pub run_task_security_groups: Option<String>,
    pub run_task_assign_public_ip: Option<String>,
    pub run_task_launch_type: Option<String>,
    pub run_task_capacity_provider_strategy: Option<String>,
    pub run_task_placement_constraints: Option<String>,
    pub run_task_placement_minutes: Option<String>,
    pub run_task_count: Option<String>,
    pub run_task_started_by: Option<String>,
    pub run_task_tags: Option<String>,
    pub run_task_managed_ebs_volume_name: Option<String>,
    pub run_task_managed_ebs_volume: Option<String>,
    pub wait_for_task_stopped: Option<String>,
    pub codedeploy_appspec: Option<String>,
    pub codedeploy_application: Option<String>,
    pub codedeploy_deployment_group: Option<String>,
    pub codedeploy_deployment_description: Option<String>,
    pub codedeploy_deployment_config: Option<String>,
    pub service_managed_ebs_volume_name: Option<String>,
    pub service_managed_ebs_volume: Option<String>,
    pub subnets: Option<String>,
    pub security_groups: Option<String>,
    pub assign_public_ip: Option<String>,
    pub scheduled_rules: Option<String>,
    pub keep_revisions: Option<String>,
    pub deployment_strategy: Option<String>,
    pub bake_time_minutes: Option<String>,
    pub canary_percent: Option<String>,
    pub canary_bake_time_minutes: Option<String>,
    pub linear_step_percent: Option<String>,
    pub linear_step_bake_time_minutes: Option<String>,
    pub minimum_healthy_percent: Option<String>,
    pub maximum_percent: Option<String>,
    pub deployment_circuit_breaker: Option<String>,
    pub deployment_circuit_breaker_threshold: Option<String>,
    pub deployment_alarms: Option<String>,
    pub wait_for_service_stability: Option<String>,
    pub wait_for_minutes: Option<String>,
    pub wait_until: Option<String>,
    pub on_pause_hook: Option<String>,
    pub pause_hook: Option<String>,
    pub pause_hook_action: Option<String>,
    pub rollback_on_failure: Option<String>,
    pub on_conflict: Option<String>,
    pub on_cancel: Option<String>,
    pub rollback_on_job_failure: Option<String>,
    pub job_status: Option<String>,
    pub health_check_url: Option<String>,
    pub health_check_status: Option<String>,
    pub health_check_body: Option<String>,
    pub health_check_interval_seconds: Option<String>,
    pub health_check_successes: Option<String>,
    pub health_check_minutes: Option<String>,
    pub rollback_alarms: Option<String>,
    pub verify_minutes: Option<String>,
    pub alarm_preflight: Option<String>,
    pub max_retries: Option<String>,
    pub endpoint_name: Option<String>,
    pub model_image: Option<String>,
    pub model_data: Option<String>,
    pub model_environment: Option<String>,
    pub model_role_arn: Option<String>,
    pub model_subnets: Option<String>,
    pub model_security_groups: Option<String>,
    pub model_name: Option<String>,
    pub model_package_group: Option<String>,
    pub model_version: Option<String>,
    pub model_metrics: Option<String>,
    pub quality_gates: Option<String>,
    pub approve: Option<String>,
    pub model_content_types: Option<String>,
    pub model_response_types: Option<String>,
    pub model_instance_types: Option<String>,
    pub model_life_cycle_stage: Option<String>,
    pub from_endpoint: Option<String>,
    pub variant_name: Option<String>,
    pub instance_type: Option<String>,
    pub instance_count: Option<String>,
    pub serverless_memory_mb: Option<String>,
    pub serverless_max_concurrency: Option<String>,
    pub serverless_provisioned_concurrency: Option<String>,
    pub model_download_timeout_seconds: Option<String>,
    pub container_startup_timeout_seconds: Option<String>,
    pub inference_ami_version: Option<String>,
    pub data_capture_s3_uri: Option<String>,
    pub data_capture_percent: Option<String>,
    pub endpoint_kms_key_id: Option<String>,
    pub rolling_batch_percent: Option<String>,
    pub recreate_failed: Option<String>,
    pub on_first_failure: Option<String>,
    pub keep_endpoint_configs: Option<String>,
    pub smoke_test_payload: Option<String>,
    pub smoke_test_payload_file: Option<String>,
    pub smoke_test_content_type: Option<String>,
    pub smoke_test_expect: Option<String>,
    pub smoke_test_repetitions: Option<String>,
    pub smoke_test_variant: Option<String>,
    pub smoke_test_minutes: Option<String>,
    pub keep_null_value_keys: Option<String>,
    pub github_token: Option<String>,
    pub github_deployment: Option<String>,
    pub environment: Option<String>,
    pub environment_url: Option<String>,
    pub commit_status: Option<String>,
    pub comment_on_pr: Option<String>,
    pub slack_webhook_url: Option<String>,
    pub webhook_url: Option<String>,
    pub webhook_template: Option<String>,
    pub webhook_secret: Option<String>,
    pub notify_on: Option<String>,
    pub report_days: Option<String>,
}

/// The inputs could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("the inputs that the runner set could not be read")]
pub struct UnreadableInputs(#[source] envy::Error);

impl Inputs {
    /// The inputs that the post step goes by. It takes back or watches what the step began, and makes nothing new; and the
    /// file of a task definition may be gone by then.
    #[must_use]
    pub fn for_the_post_step(self) -> Self {
        let registers = self.mode.as_ref().is_some_and(|mode| mode.eq_ignore_ascii_case("register-model"));
        Self {
            // A task alone needs no service, and neither does the end of it.
            mode: self.mode.filter(|mode| registers || mode.eq_ignore_ascii_case("run-task")),
            model_package_group: self.model_package_group.filter(|_| registers),
            model_image: self.model_image.filter(|_| registers),
            run_task: self.run_task,
            cluster: self.cluster,
            service: self.service,
            endpoint_name: self.endpoint_name,
            on_first_failure: self.on_first_failure,
            // Its file may be gone by then.
            smoke_test_expect: self.smoke_test_expect.filter(|_| self.smoke_test_payload.is_some()),
            smoke_test_content_type: self.smoke_test_content_type.filter(|_| self.smoke_test_payload.is_some()),
            smoke_test_repetitions: self.smoke_test_repetitions.filter(|_| self.smoke_test_payload.is_some()),
            smoke_test_variant: self.smoke_test_variant.filter(|_| self.smoke_test_payload.is_some()),
            smoke_test_minutes: self.smoke_test_minutes.filter(|_| self.smoke_test_payload.is_some()),
            smoke_test_payload: self.smoke_test_payload,
            aws_region: self.aws_region,
            role_to_assume: self.role_to_assume,
            role_session_name: self.role_session_name,
            role_duration_seconds: self.role_duration_seconds,
            role_chaining: self.role_chaining,
            audience: self.audience,
            expected_account_id: self.expected_account_id,
            mask_aws_account_id: self.mask_aws_account_id,
            // Of these only the region matters, where nothing else names one.
            task_definition_arn: self.task_definition_arn.or_else(|| {
                [self.task_definition, self.to].into_iter().flatten().find(|name| name.starts_with("arn:"))
            }),
            wait_for_minutes: self.wait_for_minutes,
            wait_until: self.wait_until,
            on_pause_hook: self.on_pause_hook,
            rollback_on_failure: self.rollback_on_failure,
            on_cancel: self.on_cancel,
            rollback_on_job_failure: self.rollback_on_job_failure,
            job_status: self.job_status,
            health_check_url: self.health_check_url,
            health_check_status: self.health_check_status,
            health_check_body: self.health_check_body,
            health_check_interval_seconds: self.health_check_interval_seconds,
            health_check_successes: self.health_check_successes,
            health_check_minutes: self.health_check_minutes,
            rollback_alarms: self.rollback_alarms,
            verify_minutes: self.verify_minutes,
            max_retries: self.max_retries,
            github_token: self.github_token,
            github_deployment: self.github_deployment,
            environment: self.environment,
            environment_url: self.environment_url,
            commit_status: self.commit_status,
            comment_on_pr: self.comment_on_pr,
            slack_webhook_url: self.slack_webhook_url,
            webhook_url: self.webhook_url,
            webhook_template: self.webhook_template,
            webhook_secret: self.webhook_secret,
            notify_on: self.notify_on,
            ..Self::default()
        }
    }

    /// Reads the inputs, and gives a notice for each name that no input has but that looks like one that exists: the runner
    /// passes unknown inputs on with no more than a warning, and a `task-defintion` that is ignored deploys the wrong thing.
    ///
    /// # Errors
    /// When the environment holds something that is not text; [`Environment`] lets nothing of the kind in.
    pub fn read(environment: &Environment) -> Result<(Self, Vec<String>), UnreadableInputs> {
        // Names in one case: the runner writes capitals, a person who runs the image by hand may not, and envy takes the same
        // input twice for an error. The prefix goes away here, because envy's own way takes it away more than once.
        let given: BTreeMap<String, String> = environment
            .inputs()
            .filter_map(|(name, value)| Some((name.strip_prefix("INPUT_")?.to_lowercase(), value.to_owned())))
            .collect();
        let notices = given.keys().filter_map(|name| slip_of_the_pen(name)).collect();
        let inputs = envy::from_iter(given).map_err(UnreadableInputs)?;
        Ok((inputs, notices))
    }

    /// Those that have a value, by their names in `action.yml`.
    pub fn given(&self) -> BTreeMap<String, String> {
        let all = serde_json::to_value(self).ok().and_then(|all| serde_json::from_value(all).ok());
        let all: BTreeMap<String, Option<String>> = all.unwrap_or_default();
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The names of all inputs, as `action.yml` has them.
    pub fn names() -> &'static [&'static str] {
        let mut names: &'static [&'static str] = &[];
        // The derived implementation names its fields before it asks for any; the recorder has nothing more to give.
        let _unread: Result<Self, de::value::Error> = Self::deserialize(FieldNames(&mut names));
        names
    }
}

/// Nothing inside: environment variables and secrets are among the inputs.
impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}

fn slip_of_the_pen(name: &str) -> Option<String> {
    let known = Inputs::names();
    if known.contains(&name) {
        return None;
    }
    let slips = |candidate: &&&str| strsim::damerau_levenshtein(candidate, name);
    let nearest = known.iter().min_by_key(slips).filter(|nearest| slips(nearest) <= name.len() / 4)?;
    Some(format!("There is no input `{name}`, so it is ignored. Did you mean `{nearest}`?"))
}

/// A deserializer that only records which fields it is asked for.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> de::Deserializer<'de> for FieldNames<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("only the names were asked for"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Inputs, Vec<String>) {
        Inputs::read(&Environment::new(pairs.iter().copied())).unwrap()
    }

    #[test]
    fn inputs_come_trimmed_and_blank_ones_do_not_come() {
        let (inputs, notices) =
            read(&[("INPUT_TASK-DEFINITION", " web.json\n"), ("INPUT_CPU", "  "), ("INPUT_SERVICE", "web")]);

        let expected = Inputs {
            task_definition: Some("web.json".to_owned()),
            service: Some("web".to_owned()),
            ..Inputs::default()
        };
        assert!(inputs == expected);
        assert_eq!(notices, Vec::<String>::new());
    }

    #[test]
    fn a_misspelt_name_is_pointed_out_and_a_strange_one_is_left_to_the_runner() {
        let (_, notices) =
            read(&[("INPUT_TASK-DEFINTION", "web.json"), ("INPUT_SOMETHING-ELSE-ENTIRELY", "x"), ("INPUT_WHO", "x")]);

        assert_eq!(notices, ["There is no input `task-defintion`, so it is ignored. Did you mean `task-definition`?"]);
    }

    #[test]
    fn the_prefix_in_the_name_of_an_input_makes_it_another_one() {
        let (inputs, _) = read(&[("INPUT_SERVICE", "web"), ("INPUT_INPUT_SERVICE", "other")]);

        assert_eq!(inputs.service.as_deref(), Some("web"));
    }

    #[test]
    fn every_name_can_be_read() {
        assert!(Inputs::names().len() > 30);
        for name in Inputs::names() {
            let variable = format!("INPUT_{}", name.to_uppercase());
            let (inputs, notices) = read(&[(variable.as_str(), "x")]);

            assert!(inputs != Inputs::default(), "{name} is not read");
            assert_eq!(inputs.given(), [((*name).to_owned(), "x".to_owned())].into());
            assert_eq!(notices, Vec::<String>::new());
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let (inputs, _) = read(&[("INPUT_ENVIRONMENT-VARIABLES", "PASSWORD=hunter2")]);

        assert!(!format!("{inputs:?}").contains("hunter2"));
    }
}
