//! What a row of the table of calls says, and where AWS says it.

use super::When;

/// One thing that has to be allowed for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The action, as policies name it: `ecs:UpdateService`.
    pub action: &'static str,
    /// On what. All of them, where there are several.
    pub on: &'static [Resource],
    /// Under which condition, if any.
    pub condition: Option<Condition>,
    /// For which inputs.
    pub when: When,
    /// What for, to follow "to".
    pub purpose: &'static str,
    /// Where AWS says so.
    pub reference: &'static str,
}

/// What an action is allowed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `*`, because AWS offers no resource level for the action.
    Any,
    /// The service.
    Service,
    /// The deployments of the service, as [`Resource::Service`] tells them apart.
    ServiceDeployments,
    /// The revisions of the service: not of its task definition.
    ServiceRevisions,
    /// The tasks of the cluster: their ARNs name no service.
    Tasks,
    /// The revisions of the family that is registered.
    TaskDefinitions,
    /// The task role and the execution role.
    TaskRoles,
    /// The cluster.
    Cluster,
    /// The container instances of the cluster.
    ContainerInstances,
    /// The log groups that containers write to, whose names only the task definition knows.
    LogStreams,
    /// All services of the cluster.
    ClusterServices,
    /// The service that is promoted from.
    OriginService,
    /// The tasks of the cluster that is promoted from.
    OriginTasks,
    /// The EventBridge rules that move with the service.
    Rules,
    /// The roles with which they start tasks.
    RuleRoles,
    /// The repositories in Amazon ECR of the images that are named.
    Repositories,
    /// The CodeDeploy application of the service.
    CodeDeployApplication,
    /// Its deployment group.
    DeploymentGroup,
    /// The deployment configurations of CodeDeploy.
    DeploymentConfigs,
    /// The endpoint.
    Endpoint,
    /// The endpoint whose model is taken.
    OriginEndpoint,
    /// All endpoint configurations: what an endpoint serves may have any name.
    EndpointConfigs,
    /// All models, for the same reason.
    Models,
    /// The endpoint configurations that are made for the endpoint.
    NewEndpointConfigs,
    /// The models that are made for it.
    NewModels,
    /// The role of the model.
    ModelRole,
    /// All endpoints.
    Endpoints,
    /// The KMS key of its instances' volumes.
    VolumeKey,
    /// What the endpoint's containers write.
    EndpointLogs,
    /// The group of the model registry.
    ModelPackageGroup,
    /// Its versions.
    ModelPackages,
    /// The object in Amazon S3 with the model's metrics.
    MetricsObject,
}

/// A condition of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Only in the cluster, where the action has no resource that could say so.
    InCluster,
    /// The same for the cluster that is promoted from.
    InOriginCluster,
    /// Roles may only be passed to this service.
    PassedTo(&'static str),
    /// Tags may only be set by the call that makes the thing.
    MadeBy(&'static str),
    /// Only for a service of AWS that asks in the caller's name.
    ForAws,
}

pub(super) const ECS: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html";
pub(super) const EVENTS: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html";
pub(super) const ECR: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html";
pub(super) const ECS_TAGS: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html";
pub(super) const LOGS: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html";
pub(super) const CLOUDWATCH: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html";
pub(super) const CODEDEPLOY: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodedeploy.html";
pub(super) const CODEDEPLOY_CREATION: &str =
    "https://docs.aws.amazon.com/codedeploy/latest/userguide/auth-and-access-control-permissions-reference.html";
pub(super) const CODEDEPLOY_OVERRIDE: &str = "https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html#API_CreateDeployment_RequestSyntax";
pub(super) const SAGE_MAKER: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html";
pub(super) const SAGE_MAKER_API: &str =
    "https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html";
pub(super) const SCALING: &str =
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_applicationautoscaling.html";
pub(super) const S3: &str = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html";
pub(super) const PASS_ROLE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html";

/// A grant without a condition, for an action of Amazon ECS.
pub(super) const fn ecs(action: &'static str, on: &'static [Resource], when: When, purpose: &'static str) -> Grant {
    Grant { action, on, condition: None, when, purpose, reference: ECS }
}

/// The same, for an action of Amazon ECR.
pub(super) const fn ecr(action: &'static str, on: &'static [Resource], when: When, purpose: &'static str) -> Grant {
    Grant { action, on, condition: None, when, purpose, reference: ECR }
}

/// The same for AWS CodeDeploy.
pub(super) const fn codedeploy(
    action: &'static str,
    on: &'static [Resource],
    when: When,
    purpose: &'static str,
) -> Grant {
    Grant { action, on, condition: None, when, purpose, reference: CODEDEPLOY }
}

/// The same, for an action of Amazon SageMaker.
pub(super) const fn sage_maker(
    action: &'static str,
    on: &'static [Resource],
    when: When,
    purpose: &'static str,
) -> Grant {
    Grant { action, on, condition: None, when, purpose, reference: SAGE_MAKER }
}

/// The same, for an action of Application Auto Scaling. Its targets have names that nobody can foresee.
pub(super) const fn scaling(action: &'static str, when: When, purpose: &'static str) -> Grant {
    Grant { action, on: &[Resource::Any], condition: None, when, purpose, reference: SCALING }
}

/// The look at alarms.
pub(super) const fn cloudwatch(when: When) -> Grant {
    Grant {
        action: "cloudwatch:DescribeAlarms",
        on: &[Resource::Any],
        condition: None,
        when,
        purpose: "see whether the alarms that guard the deployment are red",
        reference: CLOUDWATCH,
    }
}

impl Grant {
    pub(super) const fn only(self, condition: Condition) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) const fn says(self, reference: &'static str) -> Self {
        Self { reference, ..self }
    }
}
