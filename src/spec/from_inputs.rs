//! From texts to a [`Spec`], with all that is wrong at once.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::access::access;
use super::aftermath;
use super::announcement::announcements;
use super::edit::{self, Edit};
use super::field;
use super::images::image_rules;
use super::mode::{Order, order};
use super::network::network;
use super::out_of_place::{Kind, out_of_place};
use super::source::{self, Wanted};
use super::{
    Arn, ImageReference, InputError, Mode, OnCancel, OnConflict, OnPause, OneOff, Overrides, Resolve, Settings, Source,
    Spec, Tag, volume,
};
use crate::runner::Inputs;

/// What the official deploy action waits for, unless told otherwise.
const WAIT_MINUTES: f64 = 30.0;
/// The longest that it can be told to wait: GitHub ends a job on its own machines after six hours.
const WAIT_MINUTES_MOST: f64 = 360.0;
/// RegisterTaskDefinition is refilled by one call a second: so many jobs that deploy at once have to queue for it.
const MAX_RETRIES: u32 = 10;
impl Spec {
    /// Reads and checks the inputs. Reads the task definition's file too, which is looked for in `workspace`.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first of it.
    pub fn from_inputs(inputs: &Inputs, workspace: &Path) -> Result<Self, Vec<InputError>> {
        let mut reader = Reader::default();
        let Order { mode, prints_policy, promotes } = reader.keep(order(inputs)).unwrap_or_default();
        let runs_task = reader.flag("run-task", inputs.run_task.as_deref()).unwrap_or(false);
        let registration = super::registration::registration(inputs, workspace, &mode, &mut reader);
        let endpoint = match registration {
            Some(_) => None,
            None => super::endpoint::endpoint(inputs, workspace, promotes, &mut reader),
        };
        let mode = match mode {
            // As the official action takes it: without a service there is nothing else to do.
            Mode::Deploy if runs_task && inputs.service.is_none() && endpoint.is_none() => Mode::RunTask,
            mode => mode,
        };
        let runs_task = mode == Mode::RunTask || runs_task && matches!(mode, Mode::Deploy | Mode::Plan);
        let one_off =
            runs_task.then(|| OneOff::from_inputs(inputs).map_err(|errors| reader.errors.extend(errors)).ok());
        if endpoint.is_some() {
            reader.errors.extend(super::endpoint::wrong_mode(&mode));
        }
        let kind = Kind::of(inputs, &mode, registration.is_some());
        reader.errors.extend(out_of_place(inputs, kind));
        let (cluster, service) =
            reader.keep(names(inputs, runs_task || endpoint.is_some() || registration.is_some())).unwrap_or_default();
        let ways = (promotes, mode == Mode::Plan);
        let here = (cluster.as_str(), service.as_deref().unwrap_or_default());
        let is_of_ecs = endpoint.is_none() && registration.is_none();
        let origin = if is_of_ecs { reader.keep(aftermath::origin(inputs, ways, here)).flatten() } else { None };
        let keep_revisions =
            inputs.keep_revisions.as_deref().and_then(|text| reader.keep(aftermath::keep_revisions(text)));
        let region = inputs.aws_region.as_deref().and_then(|text| reader.keep(region(text)));
        let access = access(inputs, &mut reader);
        let source = reader.keep(source::find(&wanted(inputs), workspace)).unwrap_or(Source::Running);
        let overrides = overrides(inputs, &mut reader);
        let mut images = image_rules(inputs, &mut reader);
        if registration.is_some() && images.resolve == Resolve::WherePossible {
            // A version that names a tag would be another model tomorrow.
            images.resolve = Resolve::Always;
        }
        let settings = settings(inputs, &mut reader);
        let code_deploy = super::CodeDeploy::from_inputs(inputs, workspace, &mut reader.errors);
        let tags = inputs.tags.as_deref().and_then(|text| reader.keep(tags(text))).unwrap_or_default();
        let deploy_tags = reader.flag("deploy-tags", inputs.deploy_tags.as_deref()).unwrap_or(true);
        let wait =
            reader.flag("wait-for-service-stability", inputs.wait_for_service_stability.as_deref()).unwrap_or(true);
        let scheduled_rules = inputs.scheduled_rules.as_deref();
        let scheduled_rules =
            scheduled_rules.and_then(|text| reader.keep(aftermath::scheduled_rules(text, wait))).unwrap_or_default();
        let wait_for = inputs
            .wait_for_minutes
            .as_deref()
            .and_then(|text| reader.keep(field::minutes("wait-for-minutes", text, WAIT_MINUTES_MOST)));
        let max_retries = inputs.max_retries.as_deref().and_then(|text| {
            reader.keep(field::number("max-retries", text, "write how often a failed call is repeated; 0 is never"))
        });
        let rollback_on_failure = reader.flag("rollback-on-failure", inputs.rollback_on_failure.as_deref());
        if !wait && rollback_on_failure == Some(true) {
            reader.errors.push(InputError::new(
                "rollback-on-failure",
                "nobody is there to roll back, because `wait-for-service-stability` is false",
                "wait, or leave this input out",
            ));
        }
        let on_conflict = inputs.on_conflict.as_deref().and_then(|text| {
            let choices =
                [("wait", OnConflict::Wait), ("fail", OnConflict::Fail), ("supersede", OnConflict::Supersede)];
            reader.keep(field::choice("on-conflict", text, &choices))
        });
        if endpoint.is_some() && on_conflict == Some(OnConflict::Supersede) {
            reader.errors.push(InputError::new(
                "on-conflict",
                "an update of an endpoint that is in flight cannot be superseded: SageMaker takes no other one until it is over",
                "write `wait` or `fail`",
            ));
        }
        let on_conflict = match on_conflict {
            Some(OnConflict::Fail) => OnConflict::Fail,
            // Whoever asks to go back while something is in flight means: now, where that can be.
            _ if matches!(mode, Mode::Rollback { .. }) => OnConflict::Supersede,
            asked => asked.unwrap_or(OnConflict::Wait),
        };
        let on_cancel = inputs.on_cancel.as_deref().and_then(|text| {
            let choices = [("rollback", OnCancel::Rollback), ("wait", OnCancel::Wait), ("leave", OnCancel::Leave)];
            reader.keep(field::choice("on-cancel", text, &choices))
        });
        let rollback_on_job_failure =
            reader.flag("rollback-on-job-failure", inputs.rollback_on_job_failure.as_deref()).unwrap_or(false);
        let cannot_be_taken_back = matches!(mode, Mode::RunTask | Mode::RegisterModel);
        let verification = super::verification::verification(inputs, wait, &mut reader);
        let wait_until = inputs.wait_until.as_deref().and_then(|text| reader.keep(super::pause::wait_until(text)));
        let wait_until = wait_until.unwrap_or_default();
        let on_pause = inputs.on_pause_hook.as_deref().and_then(|text| reader.keep(super::pause::on_pause(text)));
        if let (Some(left), Some(input)) = (wait_until.left(), verification.asked_by()) {
            reader.errors.push(InputError::new(
                "wait-until",
                format!("the run leaves the deployment {left}, and `{input}` is checked after its end"),
                "wait for the end, or leave one of the two out",
            ));
        }
        if !wait && (wait_until.left().is_some() || on_pause.is_some_and(|on_pause| on_pause != OnPause::Wait)) {
            reader.errors.push(InputError::new(
                if wait_until.left().is_some() { "wait-until" } else { "on-pause-hook" },
                "nobody is there to see it, because `wait-for-service-stability` is false",
                "wait, or leave this input out",
            ));
        }
        let spec = Self {
            mode,
            prints_policy,
            cluster,
            service,
            endpoint,
            registration,
            one_off: one_off.flatten(),
            region,
            access,
            source,
            overrides,
            images,
            settings,
            code_deploy,
            origin,
            scheduled_rules,
            keep_revisions,
            tags,
            deploy_tags,
            wait,
            wait_for: wait_for.unwrap_or_else(|| Duration::from_secs_f64(WAIT_MINUTES * 60.0)),
            wait_until,
            on_pause: on_pause.unwrap_or_default(),
            max_retries: max_retries.unwrap_or(MAX_RETRIES),
            rollback_on_failure: rollback_on_failure.unwrap_or(true),
            on_conflict,
            on_cancel: on_cancel.unwrap_or_default(),
            // A task that has ended cannot be taken back, and a version of a model is there for the record.
            rollback_on_job_failure: rollback_on_job_failure && !cannot_be_taken_back,
            verification,
            announcements: announcements(inputs, &mut reader),
            job_has_failed: inputs.job_status.as_deref() == Some("failure"),
        };
        reader.errors.extend(spec.stray_regions());
        reader.errors.extend(spec.premature_promotion());
        if reader.errors.is_empty() { Ok(spec) } else { Err(reader.errors) }
    }

    /// ARNs in another region than the one that was named.
    fn stray_regions(&self) -> Option<InputError> {
        let (named, inside) = (self.region.as_ref()?, self.region_in_arns()?);
        (*named != inside).then(|| {
            InputError::new(
                "aws-region",
                format!("it is `{named}`, and an ARN among the inputs lies in `{inside}`"),
                "name the region of the ARN, or leave this input out",
            )
        })
    }
}

/// Collects what is wrong, and goes on.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) errors: Vec<InputError>,
}

impl Reader {
    pub(super) fn keep<T>(&mut self, result: Result<T, InputError>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    pub(super) fn flag(&mut self, input: &'static str, text: Option<&str>) -> Option<bool> {
        text.and_then(|text| self.keep(field::flag(input, text)))
    }

    pub(super) fn edits(&mut self, input: &'static str, text: Option<&str>) -> Vec<Edit> {
        text.and_then(|text| self.keep(edit::parse(input, text))).unwrap_or_default()
    }
}

/// The cluster and the service, which may say its cluster in its ARN.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids>
fn names(inputs: &Inputs, runs_task: bool) -> Result<(String, Option<String>), InputError> {
    let Some(service) = inputs.service.as_deref() else {
        if !runs_task {
            let remedy = "name the ECS service to deploy to; this action creates none";
            return Err(InputError::new("service", "it is empty", remedy));
        }
        let cluster = inputs.cluster.as_deref().unwrap_or("default");
        resource("cluster", cluster)?;
        return Ok((cluster.to_owned(), None));
    };
    let within = resource("service", service)?;
    let Some(cluster) = inputs.cluster.as_deref() else {
        let inside = within.as_ref().and_then(|arn| arn.name().split_once('/')).map(|(cluster, _)| cluster);
        return Ok((inside.unwrap_or("default").to_owned(), Some(service.to_owned())));
    };
    let around = resource("cluster", cluster)?;
    if let Some(within) = within {
        let name = around.as_ref().map_or(cluster, |arn| arn.name());
        let elsewhere = around.as_ref().is_some_and(|arn| {
            (&arn.partition, &arn.region, &arn.account) != (&within.partition, &within.region, &within.account)
        });
        if elsewhere || within.name().split_once('/').is_some_and(|(inside, _)| inside != name) {
            return Err(InputError::new(
                "cluster",
                format!("`{cluster}` is not the cluster in the ARN that `service` gives"),
                "name the service's own cluster, or leave this input out",
            ));
        }
    }
    Ok((cluster.to_owned(), Some(service.to_owned())))
}

/// Checks a name or an ARN of this kind, and gives the ARN. Names: up to 255 letters, digits, hyphens and underscores.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
pub(super) fn resource(kind: &'static str, text: &str) -> Result<Option<Arn>, InputError> {
    let is_name = |name: &str| {
        (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let remedy = format!("write the {kind}'s name, or its ARN (arn:aws:ecs:REGION:ACCOUNT:{kind}/…)");
    if !text.starts_with("arn:") {
        return if is_name(text) {
            Ok(None)
        } else {
            let problem = format!("`{text}` is no name: only letters, digits, hyphens and underscores, at most 255");
            Err(InputError::new(kind, problem, remedy))
        };
    }
    let most_parts = if kind == "service" { 2 } else { 1 };
    match text.parse::<Arn>() {
        Ok(arn)
            if arn.service == "ecs"
                && arn.kind() == kind
                && arn.name().split('/').count() <= most_parts
                && arn.name().split('/').all(is_name) =>
        {
            Ok(Some(arn))
        }
        Ok(_) => Err(InputError::new(kind, format!("`{text}` is not the ARN of an ECS {kind}"), remedy)),
        Err(reason) => Err(InputError::new(kind, format!("`{text}` is {reason}"), remedy)),
    }
}

fn region(text: &str) -> Result<String, InputError> {
    let parts: Vec<&str> = text.split('-').collect();
    let plain =
        parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let numbered = parts.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if parts.len() >= 3 && plain && numbered {
        Ok(text.to_owned())
    } else {
        let problem = format!("`{text}` does not look like a region");
        Err(InputError::new("aws-region", problem, "write a region's code, such as `eu-west-1`"))
    }
}

fn wanted(inputs: &Inputs) -> Wanted<'_> {
    Wanted {
        named: inputs.task_definition.as_deref(),
        arn: inputs.task_definition_arn.as_deref(),
        family: inputs.task_definition_family.as_deref(),
        revision: inputs.task_definition_revision.as_deref(),
    }
}

pub(super) fn overrides(inputs: &Inputs, reader: &mut Reader) -> Overrides {
    let containers = inputs.container_name.as_deref().map(field::list).unwrap_or_default();
    if let Some(image) = inputs.image.as_deref() {
        reader.keep(image_reference("image", image));
    }
    let images = inputs
        .images
        .as_deref()
        .and_then(|text| reader.keep(images(text, inputs.image.is_some(), &containers)))
        .unwrap_or_default();
    let environment = reader.edits("environment-variables", inputs.environment_variables.as_deref());
    let secrets = reader.edits("secrets", inputs.secrets.as_deref());
    let is_set = |edit: &&Edit| matches!(edit, Edit::Set { .. });
    if let Some(twice) = secrets
        .iter()
        .filter(is_set)
        .find(|secret| environment.iter().filter(is_set).any(|variable| variable.name() == secret.name()))
    {
        reader.errors.push(InputError::new(
            "secrets",
            format!("`{}` is also in `environment-variables`", twice.name()),
            "set each name in one of the two: ECS refuses a name that is in both",
        ));
    }
    let mut size = |input, text: Option<&String>, parse: fn(&str) -> Option<u32>, remedy: &str| {
        let text = text?;
        if parse(text).is_none() {
            reader.errors.push(InputError::new(input, format!("`{text}` is not an amount"), remedy));
        }
        Some(text.clone())
    };
    let cpu = size(
        "cpu",
        inputs.cpu.as_ref(),
        super::task_definition::cpu_units,
        "write CPU units (`256`) or vCPUs (`0.25 vCPU`)",
    );
    let memory =
        size("memory", inputs.memory.as_ref(), super::task_definition::mebibytes, "write MiB (`512`) or GB (`1 GB`)");
    Overrides {
        containers,
        image: inputs.image.clone(),
        images,
        environment,
        secrets,
        docker_labels: reader.edits("docker-labels", inputs.docker_labels.as_deref()),
        log_driver: inputs.log_configuration_log_driver.clone(),
        log_options: reader.edits("log-configuration-options", inputs.log_configuration_options.as_deref()),
        env_files: inputs
            .env_files
            .as_deref()
            .map(field::list)
            .unwrap_or_default()
            .iter()
            .filter_map(|file| reader.keep(field::s3_object("env-files", file)))
            .collect(),
        command: inputs.command.as_deref().and_then(|text| reader.keep(field::command("command", text))),
        task_role_arn: inputs.task_role_arn.as_deref().and_then(|text| reader.keep(field::role("task-role-arn", text))),
        execution_role_arn: inputs
            .execution_role_arn
            .as_deref()
            .and_then(|text| reader.keep(field::role("execution-role-arn", text))),
        cpu,
        memory,
    }
}

/// An image with white space inside is two values that ran together: a list in `image`, or a line of `images` in it.
fn image_reference(input: &'static str, image: &str) -> Result<(), InputError> {
    let remedy = "write one image, as registry/name:tag or registry/name@digest";
    if image.is_empty() || image.contains(char::is_whitespace) {
        return Err(InputError::new(input, format!("`{image}` is not one image"), remedy));
    }
    match image.parse::<ImageReference>() {
        Ok(_) => Ok(()),
        Err(error) => Err(InputError::new(input, format!("`{image}` is not an image: {error}"), remedy)),
    }
}

fn images(text: &str, image_given: bool, containers: &[String]) -> Result<Vec<(String, String)>, InputError> {
    let mut images = Vec::new();
    for edit in edit::parse("images", text)? {
        let Edit::Set { name, value } = edit else {
            return Err(InputError::new("images", "an image cannot be removed", "write one `container=image` a line"));
        };
        let value = value.trim().to_owned();
        image_reference("images", &value)?;
        if image_given && containers.contains(&name) {
            return Err(InputError::new(
                "images",
                format!("`{name}` gets its image from `image` and `container-name` already"),
                "name each container in one of the two",
            ));
        }
        images.push((name, value));
    }
    Ok(images)
}

fn settings(inputs: &Inputs, reader: &mut Reader) -> Settings {
    let desired_count = inputs.desired_count.as_deref().and_then(|text| {
        let remedy = "write how many tasks should run, 0 or more";
        let count = reader.keep(field::number::<u16>("desired-count", text, remedy))?;
        Some(i32::from(count))
    });
    let propagate_tags = inputs.propagate_tags.as_deref().and_then(|text| {
        let choices = ["TASK_DEFINITION", "SERVICE", "NONE"].map(|word| (word, word));
        reader.keep(field::choice("propagate-tags", text, &choices)).map(str::to_owned)
    });
    Settings {
        desired_count,
        force_new_deployment: reader
            .flag("force-new-deployment", inputs.force_new_deployment.as_deref())
            .unwrap_or(false),
        enable_ecs_managed_tags: reader.flag("enable-ecs-managed-tags", inputs.enable_ecs_managed_tags.as_deref()),
        propagate_tags,
        enable_execute_command: reader.flag("enable-execute-command", inputs.enable_execute_command.as_deref()),
        volumes: reader.keep(volume(inputs)).flatten().map(|volume| vec![volume]),
        network: network(inputs, reader),
        deployment: super::deployment::settings(inputs, reader),
    }
}

fn volume(inputs: &Inputs) -> Result<Option<Value>, InputError> {
    volume::parse(
        volume::Pair { name: "service-managed-ebs-volume-name", volume: "service-managed-ebs-volume", more: &[] },
        inputs.service_managed_ebs_volume_name.as_deref(),
        inputs.service_managed_ebs_volume.as_deref(),
    )
}

/// Up to 50 tags; keys up to 128 characters, values up to 256, and `aws:` is reserved.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>
fn tags(text: &str) -> Result<Vec<Tag>, InputError> {
    let remedy =
        "write one `key=value` a line; keys up to 128 characters that do not start with `aws:`, values up to 256";
    let tags = edit::parse("tags", text)?
        .into_iter()
        .map(|edit| match edit {
            Edit::Set { name: key, value } => Ok(Tag { key, value }),
            Edit::Remove { .. } => Err(InputError::new("tags", "a tag cannot be removed", remedy)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let wrong = |tag: &&Tag| {
        tag.key.chars().count() > 128
            || tag.value.chars().count() > 256
            || tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    };
    if let Some(tag) = tags.iter().find(wrong) {
        return Err(InputError::new("tags", format!("ECS does not take the tag `{}`", tag.key), remedy));
    }
    if tags.len() > 50 {
        return Err(InputError::new("tags", format!("{} tags are too many", tags.len()), "ECS takes up to 50"));
    }
    Ok(tags)
}
