//! For which inputs something has to be allowed.

use crate::cycle::{OnCancel, OnConflict, OnPause};
use crate::spec::{
    Approve, Endpoint, GateAction, Metrics, Mode, ModelSource, OnFirstFailure, Resolve, RollbackTo, Source, Spec,
};

/// The inputs that make a grant necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All of them that are about services or one-off tasks.
    Always,
    /// Those that change something.
    Changes,
    /// Those that may take back what was changed.
    TakesBack,
    /// Those that make a new revision of a task definition.
    Registers,
    /// Those whose new revision has tags.
    Tags,
    /// Those whose new revision has a role.
    PassesRoles,
    /// Those that may deploy tasks with GPUs.
    MayNeedGpus,
    /// Those that run a one-off task.
    RunsTask,
    /// Those that run one with tags.
    TagsTask,
    /// Those that go back without saying where, or to a commit.
    GoesToPrevious,
    /// Those that take the images of another service.
    Promotes,
    /// Those that name an endpoint.
    Serves,
    /// Those that change one.
    ServesAnew,
    /// Those that make a configuration for it.
    MakesConfigs,
    /// Those whose configuration names a key for the volumes.
    EncryptsVolumes,
    /// Those that look at the alarms that guard it: going back keeps none of the last update's.
    WatchesAlarms,
    /// Those that take the model of another one.
    ServesAnother,
    /// Those that take a model from the model registry.
    ServesPackages,
    /// Those that also judge its metrics.
    JudgesPackages,
    /// Those that say at which stage of its life cycle a model is.
    StagesPackages,
    /// Those that are about the registration of a model.
    HasRegistration,
    /// Those that register one.
    RegistersModels,
    /// Those that also approve it, or reject it.
    DecidesAboutModels,
    /// Those that also read its metrics from Amazon S3.
    ReadsMetrics,
    /// Those that also tag the group where they make it.
    TagsGroups,
    /// Those that may delete an endpoint.
    DeletesEndpoints,
    /// Those that may bring an endpoint other instances.
    ChangesInstances,
    /// Those that bring it some.
    BringsInstances,
    /// Those that delete older configurations, or say which.
    KeepsConfigs,
    /// Those of them that do.
    DeletesConfigs,
    /// Those that ask an endpoint after its rollout.
    AsksEndpoints,
    /// Those that deregister older revisions.
    Keeps,
    /// Those that name rules.
    HasRules,
    /// Those that move them.
    MovesRules,
    /// Those that name an image in Amazon ECR, and let it be looked at.
    NamesImages,
    /// Those that also run it somewhere.
    ChecksPlatforms,
    /// Those that also want its tag to be immutable.
    ForbidsMutableTags,
    /// Those that also want to know what scanning found in it.
    GatesOnScans,
    /// Those that also put tags on it.
    TagsImages,
    /// Those that let a deployment go on from a pause.
    Resumes,
    /// Those with which AWS CodeDeploy may deploy the service: nobody has looked at it yet.
    HasCodeDeploy,
    /// Those of them that change something.
    ChangesByCodeDeploy,
    /// Those of them that may stop a deployment.
    StopsByCodeDeploy,
    /// Those of them that may have to go back.
    TakesBackByCodeDeploy,
    /// Those of them that check what was deployed, also when an earlier attempt deployed it.
    ChecksByCodeDeploy,
    /// Those of them that go back without saying where.
    GoesToPreviousByCodeDeploy,
}

impl When {
    /// Whether it is the case for what was asked for.
    pub fn holds(self, spec: &Spec) -> bool {
        if self.is_of_services() && (spec.endpoint.is_some() || spec.registration.is_some()) {
            return false;
        }
        match self {
            Self::Serves => spec.endpoint.is_some(),
            Self::ServesAnew => spec.endpoint.is_some() && changes(spec),
            Self::MakesConfigs => makes_configs(spec).is_some(),
            Self::EncryptsVolumes => makes_configs(spec).is_some_and(|endpoint| endpoint.kms_key.is_some()),
            Self::WatchesAlarms => {
                let keeps = !matches!(spec.mode, Mode::Rollback { .. });
                spec.endpoint.is_some() && (keeps || !spec.verification.alarms.is_empty())
            }
            Self::ServesAnother => {
                spec.endpoint.as_ref().is_some_and(|it| matches!(it.source, ModelSource::Endpoint(_)))
            }
            Self::ServesPackages => {
                spec.endpoint.as_ref().is_some_and(|it| matches!(it.source, ModelSource::Package { .. }))
            }
            Self::JudgesPackages => spec.endpoint.as_ref().is_some_and(|it| !it.gates.is_empty()),
            Self::StagesPackages => {
                changes(spec) && spec.endpoint.as_ref().is_some_and(|it| it.life_cycle_stage.is_some())
            }
            Self::HasRegistration => spec.registration.is_some(),
            Self::RegistersModels => changes(spec) && spec.registration.is_some(),
            Self::DecidesAboutModels => {
                changes(spec) && spec.registration.as_ref().is_some_and(|it| it.approve != Approve::Manual)
            }
            Self::ReadsMetrics => spec.registration.as_ref().is_some_and(|registration| {
                !registration.gates.is_empty() && matches!(registration.metrics, Some(Metrics::S3(_)))
            }),
            Self::TagsGroups => changes(spec) && spec.registration.is_some() && !spec.tags.is_empty(),
            Self::DeletesEndpoints => {
                let deletes = |it: &Endpoint| it.recreate_failed || it.on_first_failure == OnFirstFailure::Delete;
                changes(spec) && spec.endpoint.as_ref().is_some_and(deletes)
            }
            Self::ChangesInstances => changes_instances(spec),
            Self::BringsInstances => changes_instances(spec) && changes(spec),
            Self::KeepsConfigs => keeps_configs(spec),
            Self::DeletesConfigs => keeps_configs(spec) && changes(spec),
            Self::AsksEndpoints => {
                changes(spec) && spec.endpoint.as_ref().is_some_and(|endpoint| endpoint.smoke_test.is_some())
            }
            Self::Always => true,
            Self::Changes => changes(spec),
            Self::TakesBack => takes_back(spec),
            Self::Registers => registers(spec),
            Self::Tags => registers(spec) && has_tags(spec),
            Self::PassesRoles => registers(spec) && has_roles(spec),
            Self::MayNeedGpus => may_need_gpus(spec),
            Self::RunsTask => changes(spec) && spec.one_off.is_some(),
            Self::TagsTask => {
                changes(spec)
                    && spec.one_off.as_ref().is_some_and(|task| {
                        !task.tags.is_empty() || spec.settings.propagate_tags.as_deref() == Some("TASK_DEFINITION")
                    })
            }
            Self::GoesToPrevious => {
                matches!(spec.mode, Mode::Rollback { to: RollbackTo::Previous | RollbackTo::Commit(_) })
            }
            Self::Promotes => spec.origin.is_some(),
            Self::Keeps => {
                matches!(spec.mode, Mode::Deploy | Mode::Continue { rollback: false, .. })
                    && spec.keep_revisions.is_some()
            }
            Self::HasRules => !spec.scheduled_rules.is_empty(),
            Self::MovesRules => changes(spec) && !spec.scheduled_rules.is_empty(),
            Self::NamesImages => names_images(spec),
            Self::ChecksPlatforms => names_images(spec) && spec.registration.is_none(),
            Self::ForbidsMutableTags => names_images(spec) && spec.images.forbid_mutable_tags,
            Self::GatesOnScans => names_images(spec) && spec.images.scan.action != GateAction::Off,
            Self::TagsImages => names_images(spec) && changes(spec) && !spec.images.promote_tags.is_empty(),
            Self::Resumes => {
                spec.on_pause == OnPause::Continue || matches!(spec.mode, Mode::Continue { rollback: false, .. })
            }
            Self::HasCodeDeploy => has_codedeploy(spec),
            Self::ChangesByCodeDeploy => changes(spec) && has_codedeploy(spec),
            Self::StopsByCodeDeploy => {
                let supersedes = changes(spec) && spec.on_conflict == OnConflict::Supersede;
                (takes_back(spec) || supersedes) && has_codedeploy(spec)
            }
            Self::TakesBackByCodeDeploy => takes_back(spec) && has_codedeploy(spec),
            Self::ChecksByCodeDeploy => {
                let checks = spec.verification.health_check.is_some() || !spec.verification.alarms.is_empty();
                spec.mode == Mode::Deploy && checks && has_codedeploy(spec)
            }
            Self::GoesToPreviousByCodeDeploy => {
                spec.mode == Mode::Rollback { to: RollbackTo::Previous } && has_codedeploy(spec)
            }
        }
    }

    /// Whether it is about services and tasks of Amazon ECS.
    const fn is_of_services(self) -> bool {
        !matches!(
            self,
            Self::Serves
                | Self::ServesAnew
                | Self::MakesConfigs
                | Self::EncryptsVolumes
                | Self::WatchesAlarms
                | Self::ServesAnother
                | Self::ServesPackages
                | Self::JudgesPackages
                | Self::StagesPackages
                | Self::HasRegistration
                | Self::RegistersModels
                | Self::DecidesAboutModels
                | Self::ReadsMetrics
                | Self::TagsGroups
                | Self::DeletesEndpoints
                | Self::AsksEndpoints
                | Self::ChangesInstances
                | Self::BringsInstances
                | Self::KeepsConfigs
                | Self::DeletesConfigs
                | Self::NamesImages
                | Self::ChecksPlatforms
                | Self::ForbidsMutableTags
                | Self::GatesOnScans
                | Self::TagsImages
        )
    }

    /// The same for a reader of the documentation.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Always => "`service` or a one-off task",
            Self::Serves => "`endpoint-name`",
            Self::ServesAnew => "`endpoint-name`, unless `mode: plan`",
            Self::MakesConfigs => "`endpoint-name`, unless `mode: plan` or `mode: rollback`",
            Self::EncryptsVolumes => "`endpoint-kms-key-id`, unless `mode: plan`",
            Self::WatchesAlarms => "`endpoint-name`, unless `mode: rollback` without `rollback-alarms`",
            Self::ServesAnother => "`from-endpoint`",
            Self::ChangesInstances => {
                "`instance-type`, the `serverless-…` inputs, or `mode: rollback`, with `endpoint-name`"
            }
            Self::BringsInstances => "the same, unless `mode: plan`",
            Self::KeepsConfigs => "`keep-endpoint-configs`",
            Self::DeletesConfigs => "`keep-endpoint-configs`, unless `mode: plan`",
            Self::ServesPackages => "`endpoint-name` with `model-package-group`",
            Self::JudgesPackages => "the same, with `quality-gates`",
            Self::StagesPackages => "`model-life-cycle-stage`",
            Self::HasRegistration => "`mode: register-model`, and a plan of it",
            Self::RegistersModels => "`mode: register-model`",
            Self::DecidesAboutModels => "the same, with `approve: if-gates-pass` or `approve: never`",
            Self::ReadsMetrics => "`quality-gates` with `model-metrics` in Amazon S3",
            Self::TagsGroups => "`mode: register-model` with `tags`",
            Self::AsksEndpoints => "`smoke-test-payload`",
            Self::DeletesEndpoints => "`recreate-failed: true`, or `on-first-failure: delete`",
            Self::Changes => "`mode: deploy` and `mode: rollback`",
            Self::TakesBack => {
                "`mode: deploy` and `mode: rollback`, unless `rollback-on-failure: false`, `on-cancel: leave` and no \
                 `rollback-on-job-failure`"
            }
            Self::Registers => "`mode: deploy`, when a file or other inputs make a new revision of the task definition",
            Self::Tags => "the new revision has tags: by `deploy-tags`, `tags`, or from what it is made of",
            Self::PassesRoles => "the new revision has a task role or an execution role",
            Self::MayNeedGpus => "the task definition may ask for GPUs",
            Self::RunsTask => "`mode: run-task`, or `run-task: true`",
            Self::TagsTask => "the same, with `run-task-tags` or `propagate-tags: TASK_DEFINITION`",
            Self::GoesToPrevious => "`mode: rollback` without `to`, or to a commit",
            Self::Promotes => "`from-service`",
            Self::Keeps => "`keep-revisions`",
            Self::HasRules => "`scheduled-rules`",
            Self::MovesRules => "`scheduled-rules`, unless `mode: plan`",
            Self::NamesImages => "an image in Amazon ECR is named, unless `resolve-image-digest: false`",
            Self::ChecksPlatforms => "the same, unless `mode: register-model`",
            Self::ForbidsMutableTags => "the same, with `forbid-mutable-tags: true`",
            Self::GatesOnScans => "the same, with `scan-gate: warn` or `scan-gate: fail`",
            Self::TagsImages => "the same, with `promote-tags`",
            Self::Resumes => "`mode: continue`, and `on-pause-hook: continue`",
            Self::HasCodeDeploy => {
                "services that AWS CodeDeploy deploys: with an AppSpec in the workspace, or any of the inputs `codedeploy-…`"
            }
            Self::ChangesByCodeDeploy => "services that AWS CodeDeploy deploys, unless `mode: plan`",
            Self::StopsByCodeDeploy => {
                "the same, unless `rollback-on-failure: false`, `on-cancel: leave` and no `rollback-on-job-failure`; also \
                 with `on-conflict: supersede`, and with `mode: rollback`"
            }
            Self::TakesBackByCodeDeploy => {
                "services that AWS CodeDeploy deploys, where the deployment group has alarms; unless `mode: plan`, or \
                 `rollback-on-failure: false`, `on-cancel: leave` and no `rollback-on-job-failure`"
            }
            Self::ChecksByCodeDeploy => {
                "services that AWS CodeDeploy deploys, with `health-check-url` or `rollback-alarms`"
            }
            Self::GoesToPreviousByCodeDeploy => {
                "services that AWS CodeDeploy deploys, with `mode: rollback` and without `to`"
            }
        }
    }
}

/// A task alone is nothing that AWS CodeDeploy deploys.
fn has_codedeploy(spec: &Spec) -> bool {
    spec.service.is_some() && spec.mode != Mode::RunTask && spec.code_deploy.is_asked_for()
}

fn takes_back(spec: &Spec) -> bool {
    changes(spec) && (spec.rollback_on_failure || spec.rollback_on_job_failure || spec.on_cancel != OnCancel::Leave)
}

fn changes_instances(spec: &Spec) -> bool {
    spec.endpoint.as_ref().is_some_and(|endpoint| {
        let changes = &endpoint.changes;
        changes.instance_type.is_some() || changes.is_serverless() || matches!(spec.mode, Mode::Rollback { .. })
    })
}

fn makes_configs(spec: &Spec) -> Option<&Endpoint> {
    spec.endpoint.as_ref().filter(|_| spec.mode == Mode::Deploy)
}

fn keeps_configs(spec: &Spec) -> bool {
    spec.endpoint.as_ref().is_some_and(|endpoint| endpoint.keep_configs.is_some())
}

const fn changes(spec: &Spec) -> bool {
    match spec.mode {
        Mode::Deploy | Mode::Rollback { .. } | Mode::RunTask | Mode::RegisterModel | Mode::Continue { .. } => true,
        Mode::Plan => false,
    }
}

fn names_images(spec: &Spec) -> bool {
    spec.images.resolve != Resolve::Never && !spec.named_in_ecr().is_empty()
}

fn registers(spec: &Spec) -> bool {
    let makes_one = !spec.overrides.is_empty() || spec.origin.is_some() || matches!(spec.source, Source::Document(_));
    matches!(spec.mode, Mode::Deploy | Mode::RunTask) && makes_one
}

/// A revision that is made of a registered one takes its tags along, and nobody has looked at that one yet.
fn has_tags(spec: &Spec) -> bool {
    let brings_some = match &spec.source {
        Source::Running | Source::Registered(_) => true,
        Source::Document(document) => !document.tags().is_empty(),
    };
    brings_some || spec.deploy_tags || !spec.tags.is_empty()
}

fn may_need_gpus(spec: &Spec) -> bool {
    let is_another_revision =
        !spec.overrides.is_empty() || spec.origin.is_some() || !matches!(spec.source, Source::Running);
    let may_have_some = match &spec.source {
        Source::Running | Source::Registered(_) => true,
        Source::Document(document) => document.gpus() > 0,
    };
    match spec.mode {
        Mode::Deploy | Mode::Plan => is_another_revision && may_have_some,
        Mode::Rollback { .. } => true,
        Mode::RunTask | Mode::RegisterModel | Mode::Continue { .. } => false,
    }
}

fn has_roles(spec: &Spec) -> bool {
    match &spec.source {
        Source::Running | Source::Registered(_) => true,
        Source::Document(document) => {
            let overrides = [&spec.overrides.task_role_arn, &spec.overrides.execution_role_arn];
            ["taskRoleArn", "executionRoleArn"].into_iter().any(|member| document.role(member).is_some())
                || overrides.into_iter().any(Option::is_some)
        }
    }
}
