//! The table of calls. Whoever makes a call names its row: [`CallError`](crate::aws::CallError) takes nothing else, so that a
//! call without one does not compile.

use std::fmt;

use super::grant::{
    CODEDEPLOY_CREATION, CODEDEPLOY_OVERRIDE, ECS_TAGS, EVENTS, LOGS, PASS_ROLE, S3, SAGE_MAKER_API, cloudwatch,
    codedeploy, ecr, ecs, sage_maker, scaling,
};
use super::{Condition, Grant, Resource, When};

macro_rules! operations {
    ($($service:literal as $endpoint:literal: { $($name:ident: $grants:expr;)* })*) => {
        /// A call to AWS, by the name of its operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the API reference of each service describes its operations")]
        pub enum Operation { $($($name,)*)* }

        impl Operation {
            /// Every call that the code makes.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// The operation, as AWS calls it.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name),)*)* }
            }

            /// The service, by the name that its requests are signed with.
            pub const fn service(self) -> &'static str {
                match self { $($(Self::$name => $service,)*)* }
            }

            /// The service that answers it, as the variables that set endpoints call it.
            ///
            /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-reference.html>
            pub const fn endpoint_id(self) -> &'static str {
                match self { $($(Self::$name => $endpoint,)*)* }
            }

            /// What has to be allowed for it; empty where the policy of whoever calls needs nothing.
            pub const fn grants(self) -> &'static [Grant] {
                match self { $($(Self::$name => const { &$grants },)*)* }
            }
        }
    };
}

use Resource::{
    Any, Cluster, ClusterServices, CodeDeployApplication, ContainerInstances, DeploymentConfigs, DeploymentGroup,
    Endpoint, EndpointConfigs, EndpointLogs, Endpoints, LogStreams, MetricsObject, ModelPackageGroup, ModelPackages,
    ModelRole, Models, NewEndpointConfigs, NewModels, OriginEndpoint, OriginService, OriginTasks, Repositories,
    RuleRoles, Rules, Service, ServiceDeployments, ServiceRevisions, TaskDefinitions, TaskRoles, Tasks, VolumeKey,
};

operations! {
    "ecs" as "ECS": {
        DescribeServices: [
            ecs("ecs:DescribeServices", &[Service], When::Always, "see what the service runs"),
            ecs("ecs:DescribeServices", &[OriginService], When::Promotes, "see what is promoted"),
            ecs("ecs:DescribeServices", &[ClusterServices], When::Keeps, "keep the revisions that other services use"),
        ];
        ListServices: [
            ecs("ecs:ListServices", &[Any], When::Always, "name the service that was meant when there is none of that name")
                .only(Condition::InCluster)
        ];
        DescribeTaskDefinition: [
            ecs("ecs:DescribeTaskDefinition", &[Any], When::Always, "compare what runs with what was asked for")
        ];
        DescribeServiceDeployments: [ecs(
            "ecs:DescribeServiceDeployments",
            &[Service, ServiceDeployments],
            When::Always,
            "follow a rollout by its identity",
        )];
        ListServiceDeployments: [
            ecs("ecs:ListServiceDeployments", &[Service], When::Always, "find the revision that last ran as it should")
        ];
        DescribeServiceRevisions: [ecs(
            "ecs:DescribeServiceRevisions",
            &[Service, ServiceRevisions],
            When::Always,
            "find the revision that last ran as it should",
        )];
        ListTaskDefinitions: [
            ecs(
                "ecs:ListTaskDefinitions",
                &[Any],
                When::GoesToPrevious,
                "find the revision before where the service has no history, or the one of a commit",
            ),
            ecs("ecs:ListTaskDefinitions", &[Any], When::Keeps, "find older revisions"),
            ecs(
                "ecs:ListTaskDefinitions",
                &[Any],
                When::ChecksByCodeDeploy,
                "find the revision before the one that an earlier attempt deployed",
            ),
        ];
        RegisterTaskDefinition: [
            ecs("ecs:RegisterTaskDefinition", &[TaskDefinitions], When::Registers, "make the new revision"),
            ecs("ecs:TagResource", &[TaskDefinitions], When::Tags, "tag the new revision")
                .only(Condition::MadeBy("RegisterTaskDefinition"))
                .says(ECS_TAGS),
            ecs("iam:PassRole", &[TaskRoles], When::PassesRoles, "give the new revision its roles")
                .only(Condition::PassedTo("ecs-tasks.amazonaws.com"))
                .says(PASS_ROLE),
        ];
        DeregisterTaskDefinition: [
            ecs("ecs:DeregisterTaskDefinition", &[Any], When::Registers, "remove a new revision that was never used"),
            ecs("ecs:DeregisterTaskDefinition", &[Any], When::Keeps, "remove older revisions"),
        ];
        UpdateService: [ecs("ecs:UpdateService", &[Service], When::Changes, "start the rollout, and put back what ran before")];
        StopServiceDeployment: [ecs(
            "ecs:StopServiceDeployment",
            &[Service, ServiceDeployments],
            When::TakesBack,
            "let Amazon ECS roll back a rollout in flight",
        )];
        RunTask: [
            ecs("ecs:RunTask", &[TaskDefinitions], When::RunsTask, "run the one-off task").only(Condition::InCluster),
            ecs("ecs:TagResource", &[Tasks], When::TagsTask, "tag the one-off task")
                .only(Condition::MadeBy("RunTask"))
                .says(ECS_TAGS),
        ];
        StopTask: [
            ecs("ecs:StopTask", &[Tasks], When::RunsTask, "stop the one-off task when the run is cancelled or the time is up")
        ];
        ListContainerInstances: [ecs(
            "ecs:ListContainerInstances",
            &[Cluster],
            When::MayNeedGpus,
            "see whether the cluster has GPUs enough for the rollout",
        )];
        DescribeContainerInstances: [ecs(
            "ecs:DescribeContainerInstances",
            &[ContainerInstances],
            When::MayNeedGpus,
            "see whether the cluster has GPUs enough for the rollout",
        )];
        ContinueServiceDeployment: [
            ecs(
                "ecs:ContinueServiceDeployment",
                &[Service, ServiceDeployments],
                When::Resumes,
                "let a deployment go on from a pause hook",
            ),
            ecs(
                "ecs:ContinueServiceDeployment",
                &[Service, ServiceDeployments],
                When::TakesBack,
                "let a way back go on from a pause hook",
            ),
        ];
        ListTasks: [
            ecs("ecs:ListTasks", &[Any], When::Changes, "find the tasks that failed").only(Condition::InCluster),
            ecs("ecs:ListTasks", &[Any], When::Promotes, "find what is promoted").only(Condition::InOriginCluster),
        ];
        DescribeTasks: [
            ecs("ecs:DescribeTasks", &[Tasks], When::Changes, "say why tasks failed"),
            ecs("ecs:DescribeTasks", &[OriginTasks], When::Promotes, "see the digests that are promoted"),
        ];
    }
    "codedeploy" as "CODEDEPLOY": {
        GetDeploymentGroup: [codedeploy(
            "codedeploy:GetDeploymentGroup",
            &[DeploymentGroup],
            When::HasCodeDeploy,
            "see which service AWS CodeDeploy deploys, and what is in flight",
        )];
        GetDeployment: [
            codedeploy("codedeploy:GetDeployment", &[DeploymentGroup], When::HasCodeDeploy, "follow a deployment by its identity")
        ];
        GetApplicationRevision: [codedeploy(
            "codedeploy:GetApplicationRevision",
            &[CodeDeployApplication],
            When::HasCodeDeploy,
            "see which revision a deployment brings",
        )];
        ListDeployments: [
            codedeploy(
                "codedeploy:ListDeployments",
                &[DeploymentGroup],
                When::GoesToPreviousByCodeDeploy,
                "find the revision that last ran as it should",
            ),
            codedeploy(
                "codedeploy:ListDeployments",
                &[DeploymentGroup],
                When::ChecksByCodeDeploy,
                "find the revision before the one that an earlier attempt deployed",
            ),
        ];
        BatchGetDeploymentTargets: [
            codedeploy("codedeploy:BatchGetDeploymentTargets", &[Any], When::ChangesByCodeDeploy, "see how far a deployment is")
        ];
        CreateDeployment: [
            codedeploy("codedeploy:CreateDeployment", &[DeploymentGroup], When::ChangesByCodeDeploy, "start the deployment, and go back"),
            codedeploy("codedeploy:GetDeploymentConfig", &[DeploymentConfigs], When::ChangesByCodeDeploy, "start the deployment")
                .says(CODEDEPLOY_CREATION),
            codedeploy(
                "codedeploy:RegisterApplicationRevision",
                &[CodeDeployApplication],
                When::ChangesByCodeDeploy,
                "start the deployment",
            )
            .says(CODEDEPLOY_CREATION),
            codedeploy(
                "codedeploy:UpdateDeploymentGroup",
                &[DeploymentGroup],
                When::TakesBackByCodeDeploy,
                "go back while an alarm of the deployment group is in ALARM",
            )
            .says(CODEDEPLOY_OVERRIDE),
        ];
        StopDeployment: [
            codedeploy("codedeploy:StopDeployment", &[Any], When::StopsByCodeDeploy, "let AWS CodeDeploy roll back a deployment in flight")
        ];
    }
    "events" as "EVENTBRIDGE": {
        ListTargetsByRule: [
            ecs("events:ListTargetsByRule", &[Rules], When::HasRules, "see what the rules run").says(EVENTS)
        ];
        PutTargets: [
            ecs("events:PutTargets", &[Rules], When::MovesRules, "move the rules to the new revision, and back").says(EVENTS),
            ecs("iam:PassRole", &[RuleRoles], When::MovesRules, "leave the rules' targets their roles")
                .only(Condition::PassedTo("events.amazonaws.com"))
                .says(PASS_ROLE),
        ];
    }
    "logs" as "CLOUDWATCH_LOGS": {
        DescribeLogStreams: [
            sage_maker("logs:DescribeLogStreams", &[EndpointLogs], When::ServesAnew, "find the logs of an endpoint that failed")
                .says(LOGS)
        ];
        GetLogEvents: [
            ecs("logs:GetLogEvents", &[LogStreams], When::Changes, "show the last lines of containers that failed, and of one-off tasks")
                .says(LOGS),
            sage_maker("logs:GetLogEvents", &[EndpointLogs], When::ServesAnew, "show the last lines of an endpoint that failed")
                .says(LOGS),
        ];
    }
    "ecr" as "ECR": {
        DescribeImages: [ecr("ecr:DescribeImages", &[Repositories], When::NamesImages, "find the digest that a tag is on")];
        BatchGetImage: [
            ecr("ecr:BatchGetImage", &[Repositories], When::NamesImages, "see what an image can run on, and tag it")
        ];
        GetDownloadUrlForLayer: [
            ecr("ecr:GetDownloadUrlForLayer", &[Repositories], When::ChecksPlatforms, "see what an image can run on")
        ];
        DescribePullThroughCacheRules: [ecr(
            "ecr:DescribePullThroughCacheRules",
            &[Any],
            When::NamesImages,
            "tell a missing image from one that a cache may bring",
        )];
        DescribeRepositories: [
            ecr("ecr:DescribeRepositories", &[Repositories], When::ForbidsMutableTags, "see whether a tag can be moved")
        ];
        DescribeImageScanFindings: [
            ecr("ecr:DescribeImageScanFindings", &[Repositories], When::GatesOnScans, "read what scanning found")
        ];
        PutImage: [ecr("ecr:PutImage", &[Repositories], When::TagsImages, "put tags on the image that runs")];
    }
    "application-autoscaling" as "APPLICATION_AUTO_SCALING": {
        DescribeScalableTargets: [scaling(
            "application-autoscaling:DescribeScalableTargets",
            When::ChangesInstances,
            "see whether autoscaling keeps an endpoint from other instances",
        )];
        DescribeScalingPolicies: [scaling(
            "application-autoscaling:DescribeScalingPolicies",
            When::ChangesInstances,
            "keep its policies for later",
        )];
        DescribeScheduledActions: [scaling(
            "application-autoscaling:DescribeScheduledActions",
            When::ChangesInstances,
            "keep its scheduled actions for later",
        )];
        DeregisterScalableTarget: [scaling(
            "application-autoscaling:DeregisterScalableTarget",
            When::BringsInstances,
            "take autoscaling away for the time of the update",
        )];
        RegisterScalableTarget: [scaling(
            "application-autoscaling:RegisterScalableTarget",
            When::BringsInstances,
            "put autoscaling back",
        )];
        PutScalingPolicy: [scaling(
            "application-autoscaling:PutScalingPolicy",
            When::BringsInstances,
            "put its policies back",
        )];
        PutScheduledAction: [scaling(
            "application-autoscaling:PutScheduledAction",
            When::BringsInstances,
            "put its scheduled actions back",
        )];
    }
    "sagemaker" as "SAGEMAKER": {
        DescribeEndpoint: [
            sage_maker("sagemaker:DescribeEndpoint", &[Endpoint], When::Serves, "see what the endpoint serves"),
            sage_maker("sagemaker:DescribeEndpoint", &[OriginEndpoint], When::ServesAnother, "see what is promoted"),
            sage_maker(
                "sagemaker:DescribeEndpoint",
                &[Endpoints],
                When::KeepsConfigs,
                "keep the configurations that other endpoints serve",
            ),
        ];
        DescribeEndpointConfig: [sage_maker(
            "sagemaker:DescribeEndpointConfig",
            &[EndpointConfigs],
            When::Serves,
            "take over what is not named",
        )];
        DescribeModel: [
            sage_maker("sagemaker:DescribeModel", &[Models], When::Serves, "take over what is not named")
        ];
        ListTags: [
            sage_maker(
                "sagemaker:ListTags",
                &[EndpointConfigs, Models],
                When::Serves,
                "take over tags, and find the configuration before",
            ),
            sage_maker(
                "sagemaker:ListTags",
                &[Endpoint],
                When::ChangesInstances,
                "find what the endpoint remembers: autoscaling that a killed run took away, and where a rollback went",
            ),
        ];
        AddTags: [sage_maker(
            "sagemaker:AddTags",
            &[Endpoint],
            When::BringsInstances,
            "let the endpoint remember its autoscaling while that is away, and where a rollback goes",
        )];
        DeleteTags: [
            sage_maker("sagemaker:DeleteTags", &[Endpoint], When::BringsInstances, "let the endpoint forget that again")
        ];
        ListEndpoints: [sage_maker(
            "sagemaker:ListEndpoints",
            &[Any],
            When::KeepsConfigs,
            "keep the configurations that other endpoints serve",
        )];
        ListEndpointConfigs: [
            sage_maker("sagemaker:ListEndpointConfigs", &[Any], When::KeepsConfigs, "find older configurations")
        ];
        ListModelPackages: [
            sage_maker("sagemaker:ListModelPackages", &[Any], When::ServesPackages, "find the version that is approved"),
            sage_maker(
                "sagemaker:ListModelPackages",
                &[Any],
                When::HasRegistration,
                "find what an earlier attempt of the same run registered",
            ),
        ];
        DescribeModelPackageGroup: [sage_maker(
            "sagemaker:DescribeModelPackageGroup",
            &[ModelPackageGroup],
            When::HasRegistration,
            "see whether the group exists",
        )];
        DescribeModelPackage: [
            sage_maker("sagemaker:DescribeModelPackage", &[ModelPackages], When::HasRegistration, "see what was registered"),
            sage_maker("sagemaker:DescribeModelPackage", &[ModelPackages], When::JudgesPackages, "judge its metrics"),
        ];
        CreateModelPackageGroup: [
            sage_maker(
                "sagemaker:CreateModelPackageGroup",
                &[ModelPackageGroup],
                When::RegistersModels,
                "make the group when there is none",
            ),
            sage_maker("sagemaker:AddTags", &[ModelPackageGroup], When::TagsGroups, "tag the group that is made"),
        ];
        DeleteModelPackageGroup: [sage_maker(
            "sagemaker:DeleteModelPackageGroup",
            &[ModelPackageGroup],
            When::RegistersModels,
            "remove a new group that stayed empty",
        )];
        CreateModelPackage: [sage_maker(
            "sagemaker:CreateModelPackage",
            &[ModelPackageGroup, ModelPackages],
            When::RegistersModels,
            "register the version",
        )];
        UpdateModelPackage: [
            sage_maker(
                "sagemaker:UpdateModelPackage",
                &[ModelPackages],
                When::DecidesAboutModels,
                "approve the version, or reject it",
            ),
            sage_maker(
                "sagemaker:UpdateModelPackage",
                &[ModelPackages],
                When::StagesPackages,
                "say at which stage of its life cycle the version is",
            ),
        ];
        CreateModel: [
            sage_maker("sagemaker:CreateModel", &[NewModels], When::MakesConfigs, "make the new model"),
            sage_maker("sagemaker:AddTags", &[NewModels, NewEndpointConfigs, Endpoint], When::MakesConfigs, "tag what is made"),
            sage_maker("iam:PassRole", &[ModelRole], When::MakesConfigs, "give the new model its role")
                .only(Condition::PassedTo("sagemaker.amazonaws.com"))
                .says(PASS_ROLE),
        ];
        CreateEndpointConfig: [sage_maker(
            "sagemaker:CreateEndpointConfig",
            &[NewEndpointConfigs],
            When::MakesConfigs,
            "make the new endpoint configuration",
        )];
        CreateEndpoint: [
            sage_maker(
                "sagemaker:CreateEndpoint",
                &[Endpoint, EndpointConfigs],
                When::MakesConfigs,
                "make the endpoint when there is none",
            ),
            sage_maker("kms:CreateGrant", &[VolumeKey], When::EncryptsVolumes, "let SageMaker use the key of the volumes")
                .only(Condition::ForAws)
                .says(SAGE_MAKER_API),
        ];
        UpdateEndpoint: [sage_maker(
            "sagemaker:UpdateEndpoint",
            &[Endpoint, EndpointConfigs],
            When::ServesAnew,
            "start the rollout, and put back what was served before",
        )];
        DeleteEndpoint: [sage_maker(
            "sagemaker:DeleteEndpoint",
            &[Endpoint],
            When::DeletesEndpoints,
            "delete an endpoint that failed",
        )];
        DeleteEndpointConfig: [
            sage_maker(
                "sagemaker:DeleteEndpointConfig",
                &[NewEndpointConfigs],
                When::MakesConfigs,
                "remove a new configuration that was never used",
            ),
            sage_maker(
                "sagemaker:DeleteEndpointConfig",
                &[NewEndpointConfigs],
                When::DeletesConfigs,
                "remove older configurations",
            ),
        ];
        DeleteModel: [
            sage_maker("sagemaker:DeleteModel", &[NewModels], When::MakesConfigs, "remove a new model that was never used"),
            sage_maker("sagemaker:DeleteModel", &[NewModels], When::DeletesConfigs, "remove the models of older configurations"),
        ];
    }
    "sagemaker" as "SAGEMAKER_RUNTIME": {
        InvokeEndpoint: [
            sage_maker("sagemaker:InvokeEndpoint", &[Endpoint], When::AsksEndpoints, "ask what the smoke test asks")
        ];
    }
    "s3" as "S3": {
        GetObject: [
            sage_maker("s3:GetObject", &[MetricsObject], When::ReadsMetrics, "read the model's metrics").says(S3)
        ];
    }
    "monitoring" as "CLOUDWATCH": {
        DescribeAlarms: [
            cloudwatch(When::Always),
            cloudwatch(When::WatchesAlarms),
        ];
    }
    // Nobody needs to be allowed to ask who they are, and who may assume a role is said in its trust policy.
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    "sts" as "STS": {
        GetCallerIdentity: [];
        AssumeRoleWithWebIdentity: [];
        AssumeRole: [];
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_grant_of_a_call_is_its_own_action() {
        for operation in Operation::ALL {
            // Policies and signatures have a name of their own for it:
            // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
            let prefix = if operation.service() == "monitoring" { "cloudwatch" } else { operation.service() };
            if let Some(grant) = operation.grants().first() {
                assert_eq!(grant.action, format!("{prefix}:{operation}"));
            }
        }
    }

    #[test]
    fn every_grant_says_where_aws_says_so() {
        for grant in Operation::ALL.iter().flat_map(|operation| operation.grants()) {
            assert!(grant.reference.starts_with("https://docs.aws.amazon.com/"), "{grant:?}");
            assert!(!grant.on.is_empty() && !grant.purpose.ends_with('.'), "{grant:?}");
            assert!(!grant.action.contains('*'), "{grant:?}");
        }
    }

    #[test]
    fn what_has_no_resource_level_is_kept_within_the_cluster_where_aws_can_tell() {
        for grant in Operation::ALL.iter().flat_map(|operation| operation.grants()) {
            let lists_a_cluster = ["ecs:ListServices", "ecs:ListTasks", "ecs:RunTask"].contains(&grant.action);
            let is_within = matches!(grant.condition, Some(Condition::InCluster | Condition::InOriginCluster));
            assert_eq!(is_within, lists_a_cluster, "{grant:?}");
        }
    }
}
