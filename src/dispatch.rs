//! Which target a step is for, and the cycle over it: the one place that knows all targets.
//!
//! A target is chosen by what was asked for, or, after the step, by what the step wrote down. From there on everything is
//! generic over [`Target`].

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use jiff::civil::Date;

use crate::aws::Connection;
use crate::cycle::{
    Cancellation, Cause, Conclusion, Debt, Doing, Ended, Events, Failure, Handover, Policy, Run, Target, deploy,
    finish, plan, take_back,
};
use crate::ecr::Images;
use crate::runner::Environment;
use crate::spec::{Mode, Spec, Tag};
use crate::targets::codedeploy_service::{self, CodeDeployService};
use crate::targets::ecs::{FirstLook, Request};
use crate::targets::ecs_service::{EcsService, Readers, Writers};
use crate::targets::ecs_task::{self, EcsTask, Identity};
use crate::targets::model_package::{self, ModelPackage, Provenance};
use crate::targets::sagemaker_endpoint::{self, SageMakerEndpoint};
use crate::verification::Checks;

/// Everything that is known before the first look at AWS.
pub(crate) struct Prepared<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) cancellation: Cancellation,
    pub(crate) spec: Spec,
    pub(crate) policy: Policy,
    /// The tags of a new revision.
    pub(crate) tags: Vec<Tag>,
    /// The day, by UTC.
    pub(crate) today: Date,
    pub(crate) connection: Connection,
    /// What is checked after a rollout.
    pub(crate) checks: Checks,
}

impl Prepared<'_> {
    /// Does what was asked for.
    ///
    /// # Errors
    /// When nothing to deploy was named, which the check of the inputs does not let through.
    pub(crate) async fn run(&self, events: &Events) -> Result<Conclusion, Failure> {
        if let Some(package) = self.model_package() {
            return Ok(self.cycle(&package, || self.connection.sage_maker_writer(), events).await);
        }
        if let Some(endpoint) = self.sagemaker_endpoint() {
            return Ok(self.cycle(&endpoint, || self.endpoint_writers(), events).await);
        }
        match (&self.spec.service, self.ecs_task()) {
            (Some(service), _) if self.spec.mode != Mode::RunTask => {
                Ok(self.service(service, events).boxed_local().await)
            }
            (_, Some(task)) => Ok(self.cycle(&task, || self.task_writers(), events).await),
            (_, None) => Err(no_target()),
        }
    }

    /// Who deploys the service is only known after a look at it. The target goes on from there.
    async fn service(&self, service: &str, events: &Events) -> Conclusion {
        let (reader, request) = (self.connection.ecs_reader(), self.request(service));
        let looking = AssertUnwindSafe(FirstLook::take_at(&reader, &request).boxed_local()).catch_unwind();
        // Where there was none the cycle takes its own, and settles whatever goes wrong with that.
        let first_look = tokio::select! {
            biased;
            () = self.cancellation.cancelled() => FirstLook::default(),
            looked = looking => looked.unwrap_or_default(),
        };
        if first_look.controller().as_deref() == Some("CODE_DEPLOY") {
            let target = self.codedeploy_service(service, first_look);
            self.cycle(&target, || self.codedeploy_writers(), events).boxed_local().await
        } else {
            let target = self.ecs_service(service, first_look);
            self.cycle(&target, || self.service_writers(), events).boxed_local().await
        }
    }

    /// Does what the step left to do; `None` when that is nothing.
    ///
    /// # Errors
    /// When what it wrote down cannot be read.
    pub(crate) async fn finish(
        &self,
        events: &Events,
        owed: &str,
        ended: Ended,
        takes_back_for_the_job: bool,
    ) -> Result<Option<Conclusion>, Failure> {
        let after = After { owed, ended, takes_back_for_the_job };
        match Handover::target(owed).map_err(unreadable)?.as_str() {
            EcsService::KIND => {
                let service = self.spec.service.as_deref().unwrap_or_default();
                let target = self.ecs_service(service, FirstLook::default());
                self.settle(&target, || self.service_writers(), events, after).await
            }
            CodeDeployService::KIND => {
                let service = self.spec.service.as_deref().unwrap_or_default();
                let target = self.codedeploy_service(service, FirstLook::default());
                self.settle(&target, || self.codedeploy_writers(), events, after).await
            }
            EcsTask::KIND => {
                let task = self.ecs_task().ok_or_else(no_target)?;
                self.settle(&task, || self.task_writers(), events, after).await
            }
            SageMakerEndpoint::KIND => {
                let endpoint = self.sagemaker_endpoint().ok_or_else(no_target)?;
                self.settle(&endpoint, || self.endpoint_writers(), events, after).await
            }
            ModelPackage::KIND => {
                let package = self.model_package().ok_or_else(no_target)?;
                self.settle(&package, || self.connection.sage_maker_writer(), events, after).await
            }
            other => Err(Failure::new(Cause::Internal, format!("What the step left is of an unknown kind, {other}."))),
        }
    }

    async fn cycle<T: Target>(&self, target: &T, writer: impl FnOnce() -> T::Writer, events: &Events) -> Conclusion {
        let run = Run::new(target, &self.policy, events, self.cancellation.clone());
        match self.spec.mode {
            // Nothing that can write is made.
            Mode::Plan => plan(&run).boxed_local().await,
            Mode::Continue { rollback: true, .. } => take_back(&run, &writer()).boxed_local().await,
            Mode::Deploy | Mode::Rollback { .. } | Mode::Continue { .. } | Mode::RunTask | Mode::RegisterModel => {
                deploy(&run, &writer()).boxed_local().await
            }
        }
    }

    async fn settle<T: Target>(
        &self,
        target: &T,
        writer: impl FnOnce() -> T::Writer,
        events: &Events,
        after: After<'_>,
    ) -> Result<Option<Conclusion>, Failure> {
        let handover: Handover<Debt<T::Registered, T::Memo>> = serde_json::from_str(after.owed).map_err(unreadable)?;
        let doing = if handover.debt.is_rollback { Doing::Rollback } else { Doing::Deploy };
        let policy = Policy { doing, ..self.policy.clone() };
        let run = Run::new(target, &policy, events, self.cancellation.clone());
        Ok(finish(&run, &writer(), handover.debt, after.ended, after.takes_back_for_the_job).boxed_local().await)
    }

    fn service_writers(&self) -> Writers {
        Writers {
            ecs: self.connection.ecs_writer(),
            events: self.connection.events_writer(),
            images: self.connection.writable_registries(),
        }
    }

    fn task_writers(&self) -> ecs_task::Writers {
        ecs_task::Writers { ecs: self.connection.ecs_writer(), images: self.connection.writable_registries() }
    }

    fn codedeploy_writers(&self) -> codedeploy_service::Writers {
        codedeploy_service::Writers {
            ecs: self.connection.ecs_writer(),
            codedeploy: self.connection.codedeploy_writer(),
            images: self.connection.writable_registries(),
        }
    }

    fn ecs_service(&self, service: &str, first_look: FirstLook) -> EcsService {
        let readers = Readers {
            ecs: self.connection.ecs_reader(),
            events: self.connection.events_reader(),
            logs: self.connection.logs_reader(),
        };
        let (request, first) = (self.request(service), self.ecs_task());
        EcsService::new(readers, self.checks.clone(), request, self.images(), first, first_look)
    }

    fn codedeploy_service(&self, service: &str, first_look: FirstLook) -> CodeDeployService {
        let readers = codedeploy_service::Readers {
            ecs: self.connection.ecs_reader(),
            codedeploy: self.connection.codedeploy_reader(),
            logs: self.connection.logs_reader(),
        };
        let (request, asked) = (self.request(service), self.spec.code_deploy.clone());
        let first = self.ecs_task();
        CodeDeployService::new(readers, self.checks.clone(), request, self.images(), asked, first, first_look)
    }

    fn images(&self) -> Images {
        let spec = &self.spec;
        Images::new(self.connection.registries(), spec.images.clone(), self.today, spec.max_retries)
    }

    fn request(&self, service: &str) -> Request {
        let spec = &self.spec;
        Request {
            cluster: spec.cluster.clone(),
            service: service.to_owned(),
            mode: spec.mode.clone(),
            source: spec.source.clone(),
            overrides: spec.overrides.clone(),
            settings: spec.settings.clone(),
            origin: spec.origin.clone(),
            scheduled_rules: spec.scheduled_rules.clone(),
            keep_revisions: spec.keep_revisions,
            tags: self.tags.clone(),
            is_later_attempt: self.is_later_attempt(),
            wait_until: spec.wait_until,
            wait_for: spec.wait_for,
            max_retries: spec.max_retries,
        }
    }

    fn is_later_attempt(&self) -> bool {
        let attempt = self.environment.get("GITHUB_RUN_ATTEMPT").and_then(|attempt| attempt.parse::<u32>().ok());
        attempt.is_some_and(|attempt| attempt > 1)
    }

    fn endpoint_writers(&self) -> sagemaker_endpoint::Writers {
        sagemaker_endpoint::Writers {
            sage_maker: self.connection.sage_maker_writer(),
            scaling: self.connection.scaling_writer(),
            images: self.connection.writable_registries(),
        }
    }

    fn sagemaker_endpoint(&self) -> Option<SageMakerEndpoint> {
        let spec = &self.spec;
        let request = sagemaker_endpoint::Request {
            endpoint: spec.endpoint.clone()?,
            mode: spec.mode.clone(),
            deployment: spec.settings.deployment.clone(),
            alarms: spec.verification.alarms.clone(),
            alarm_preflight: spec.verification.alarm_preflight,
            waits: spec.wait,
            is_checked: self.checks.are_wanted() || spec.endpoint.as_ref()?.smoke_test.is_some(),
            tags: self.tags.clone(),
            run: self.environment.get("GITHUB_RUN_ID").unwrap_or_default().to_owned(),
            is_later_attempt: self.is_later_attempt(),
            region: self.connection.region().to_owned(),
            max_retries: spec.max_retries,
        };
        let readers = sagemaker_endpoint::Readers {
            sage_maker: self.connection.sage_maker_reader(),
            scaling: self.connection.scaling_reader(),
            invoker: self.connection.endpoint_invoker(),
            logs: self.connection.logs_reader(),
        };
        Some(SageMakerEndpoint::new(readers, self.checks.clone(), request, self.images()))
    }

    fn model_package(&self) -> Option<ModelPackage> {
        let spec = &self.spec;
        let request = model_package::Request {
            registration: spec.registration.clone()?,
            provenance: Provenance::new(self.environment, spec.deploy_tags),
            tags: spec.tags.clone(),
            region: self.connection.region().to_owned(),
            max_retries: spec.max_retries,
        };
        let (reader, objects) = (self.connection.sage_maker_reader(), self.connection.objects());
        Some(ModelPackage::new(reader, objects, request, self.images()))
    }

    fn ecs_task(&self) -> Option<EcsTask> {
        let spec = &self.spec;
        let request = ecs_task::Request {
            cluster: spec.cluster.clone(),
            service: spec.service.clone(),
            source: spec.source.clone(),
            overrides: spec.overrides.clone(),
            settings: spec.settings.clone(),
            tags: self.tags.clone(),
            one_off: spec.one_off.clone()?,
            identity: Identity::new(self.environment),
            max_retries: spec.max_retries,
        };
        Some(EcsTask::new(self.connection.ecs_reader(), self.connection.logs_reader(), request, self.images()))
    }
}

/// What the post step finds.
struct After<'a> {
    owed: &'a str,
    ended: Ended,
    takes_back_for_the_job: bool,
}

fn no_target() -> Failure {
    Failure::new(Cause::InvalidInput, "Neither a service nor a task nor an endpoint nor a model is named.")
}

pub(crate) fn unreadable(error: serde_json::Error) -> Failure {
    Failure::new(Cause::Internal, format!("What the step left cannot be read: {error}."))
}
