//! Where the things are that inputs name, as ARNs.

use crate::runner::Environment;
use crate::spec::{Arn, Metrics, ModelSource, Source, Spec};
use crate::text::last_part;

use super::Resource;

/// What stands in an ARN for what the inputs do not say: words that no ARN has, so that nobody takes them for one.
const ACCOUNT: &str = "ACCOUNT_ID";
const REGION: &str = "REGION";
const FAMILY: &str = "TASK_DEFINITION_FAMILY";
const RULE_ROLE: &str = "ROLE_OF_THE_RULES";
const MODEL_ROLE: &str = "ROLE_OF_THE_MODEL";
const KEY: &str = "ID_OF_THE_KEY";
const ROLE: &str = "ROLE_OF_THE_TASK_DEFINITION";

/// The place that is deployed to, as far as the inputs say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    partition: String,
    region: String,
    account: String,
    cluster: String,
    service: String,
    /// The service's ARN, where it was given in the form from before clusters were part of it.
    short_service: Option<String>,
    family: String,
    roles: Vec<String>,
    /// The cluster and the service that is promoted from.
    origin: Option<(String, String)>,
    rules: Vec<String>,
    /// The endpoint, and the one whose model is taken.
    endpoint: Option<String>,
    origin_endpoint: Option<String>,
    model_role: Option<String>,
    /// The KMS key of its volumes, in one of the four ways to name one.
    volume_key: Option<String>,
    /// The group of the model registry, where one is named.
    model_package_group: Option<String>,
    /// ARN of the object in Amazon S3 with a model's metrics.
    metrics: Option<String>,
    /// ARNs of the repositories in Amazon ECR, which may lie elsewhere.
    repositories: Vec<String>,
    /// The CodeDeploy application and its deployment group.
    codedeploy: (String, String),
}

impl Place {
    /// Reads it from what was asked for, and the region from the environment where nothing else names one.
    pub fn of(spec: &Spec, environment: &Environment) -> Self {
        let arn = |text: &String| text.parse::<Arn>().ok();
        let (service, cluster) = (spec.service.as_ref().and_then(arn), arn(&spec.cluster));
        let registered = match &spec.source {
            Source::Registered(name) => arn(name),
            Source::Running | Source::Document(_) => None,
        };
        let region = spec
            .region
            .clone()
            .or_else(|| environment.get("AWS_REGION").map(str::to_owned))
            .or_else(|| environment.get("AWS_DEFAULT_REGION").map(str::to_owned))
            .or_else(|| spec.region_in_arns());
        let role = spec.access.role.as_ref().map(|role| &role.arn);
        let named: Vec<&Arn> =
            [service.as_ref(), cluster.as_ref(), registered.as_ref(), role].into_iter().flatten().collect();
        let account = named.first().map(|arn| arn.account.clone()).or_else(|| spec.access.expected_account.clone());
        let partition = named
            .first()
            .map_or_else(|| region.as_deref().map_or("aws", partition).to_owned(), |arn| arn.partition.clone());
        let mut place = Self {
            partition,
            region: region.unwrap_or_else(|| REGION.to_owned()),
            account: account.unwrap_or_else(|| ACCOUNT.to_owned()),
            cluster: last_part(&spec.cluster).to_owned(),
            service: spec.service.as_deref().map(last_part).unwrap_or_default().to_owned(),
            short_service: service.filter(|arn| !arn.name().contains('/')).map(|arn| arn.to_string()),
            family: family(spec).unwrap_or(FAMILY).to_owned(),
            roles: Vec::new(),
            origin: spec
                .origin
                .as_ref()
                .map(|origin| (last_part(&origin.cluster).to_owned(), last_part(&origin.service).to_owned())),
            rules: spec.scheduled_rules.clone(),
            endpoint: spec.endpoint.as_ref().map(|endpoint| endpoint.name.clone()),
            origin_endpoint: spec.endpoint.as_ref().and_then(|endpoint| match &endpoint.source {
                ModelSource::Endpoint(name) => Some(name.clone()),
                _ => None,
            }),
            model_role: spec.endpoint.as_ref().and_then(|endpoint| endpoint.model.role.clone()),
            volume_key: spec.endpoint.as_ref().and_then(|endpoint| endpoint.kms_key.clone()),
            model_package_group: model_package_group(spec),
            metrics: None,
            repositories: repositories(spec),
            codedeploy: spec
                .code_deploy
                .names(last_part(&spec.cluster), spec.service.as_deref().map(last_part).unwrap_or_default()),
        };
        place.roles = place.roles(spec);
        place.metrics = spec.registration.as_ref().and_then(|registration| match &registration.metrics {
            Some(Metrics::S3(uri)) => Some(format!("arn:{}:s3:::{}", place.partition, uri.strip_prefix("s3://")?)),
            _ => None,
        });
        place
    }

    /// Nowhere in particular, for a statement that has to be filled in by hand.
    pub fn unknown() -> Self {
        let text = |text: &str| text.to_owned();
        let mut place = Self {
            partition: text("aws"),
            region: text(REGION),
            account: text(ACCOUNT),
            cluster: text("CLUSTER"),
            service: text("SERVICE"),
            short_service: None,
            family: text(FAMILY),
            roles: Vec::new(),
            origin: Some((text("ORIGIN_CLUSTER"), text("ORIGIN_SERVICE"))),
            rules: vec![text("RULE")],
            endpoint: Some(text("ENDPOINT")),
            origin_endpoint: Some(text("ORIGIN_ENDPOINT")),
            model_role: None,
            volume_key: Some(text(KEY)),
            model_package_group: Some(text("GROUP")),
            metrics: Some("arn:aws:s3:::BUCKET/KEY".to_owned()),
            repositories: vec![format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/REPOSITORY")],
            codedeploy: (text("APPLICATION"), text("DEPLOYMENT_GROUP")),
        };
        place.roles = vec![place.iam(&format!("role/{ROLE}"))];
        place
    }

    /// The ARN of the cluster.
    pub fn cluster(&self) -> String {
        self.ecs("cluster", &self.cluster)
    }

    /// The ARN of the cluster that is promoted from; without one, that of the cluster.
    pub fn origin_cluster(&self) -> String {
        self.ecs("cluster", self.origin.as_ref().map_or(&self.cluster, |(cluster, _)| cluster))
    }

    /// The patterns of the ARNs of these things.
    pub fn arns(&self, resource: Resource) -> Vec<String> {
        let within = format!("{}/{}", self.cluster, self.service);
        match resource {
            Resource::Any => vec!["*".to_owned()],
            // A one-off task can do without one.
            Resource::Service | Resource::ServiceDeployments | Resource::ServiceRevisions
                if self.service.is_empty() =>
            {
                Vec::new()
            }
            Resource::Service => self.short_service.iter().cloned().chain([self.ecs("service", &within)]).collect(),
            Resource::ServiceDeployments => vec![self.ecs("service-deployment", &format!("{within}/*"))],
            Resource::ServiceRevisions => vec![self.ecs("service-revision", &format!("{within}/*"))],
            Resource::Tasks => vec![self.ecs("task", &format!("{}/*", self.cluster))],
            Resource::TaskDefinitions => vec![self.ecs("task-definition", &format!("{}:*", self.family))],
            Resource::TaskRoles => self.roles.clone(),
            Resource::Cluster => vec![self.cluster()],
            Resource::ContainerInstances => vec![self.ecs("container-instance", &format!("{}/*", self.cluster))],
            Resource::LogStreams => {
                let Self { partition, region, account, .. } = self;
                vec![format!("arn:{partition}:logs:{region}:{account}:log-group:*")]
            }
            Resource::ClusterServices => vec![self.ecs("service", &format!("{}/*", self.cluster))],
            Resource::OriginService => {
                let origin = self.origin.iter();
                origin.map(|(cluster, service)| self.ecs("service", &format!("{cluster}/{service}"))).collect()
            }
            Resource::OriginTasks => {
                self.origin.iter().map(|(cluster, _)| self.ecs("task", &format!("{cluster}/*"))).collect()
            }
            Resource::Rules => {
                let Self { partition, region, account, .. } = self;
                let rule = |name| format!("arn:{partition}:events:{region}:{account}:rule/{name}");
                self.rules.iter().map(rule).collect()
            }
            Resource::CodeDeployApplication => vec![self.codedeploy("application", &self.codedeploy.0)],
            Resource::DeploymentGroup => {
                let (application, group) = &self.codedeploy;
                vec![self.codedeploy("deploymentgroup", &format!("{application}/{group}"))]
            }
            Resource::DeploymentConfigs => vec![self.codedeploy("deploymentconfig", "*")],
            Resource::RuleRoles => vec![self.iam(&format!("role/{RULE_ROLE}"))],
            Resource::Repositories => self.repositories.clone(),
            Resource::Endpoint => self.endpoint.iter().map(|name| self.sage_maker("endpoint", name)).collect(),
            Resource::OriginEndpoint => {
                self.origin_endpoint.iter().map(|name| self.sage_maker("endpoint", name)).collect()
            }
            Resource::Endpoints => vec![self.sage_maker("endpoint", "*")],
            Resource::EndpointConfigs => vec![self.sage_maker("endpoint-config", "*")],
            Resource::Models => vec![self.sage_maker("model", "*")],
            Resource::NewEndpointConfigs => self.made("endpoint-config"),
            Resource::NewModels => self.made("model"),
            Resource::VolumeKey => self.volume_key.iter().map(|key| self.key(key)).collect(),
            Resource::EndpointLogs => {
                let Self { partition, region, account, .. } = self;
                let group = |name| {
                    format!("arn:{partition}:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/{name}:*")
                };
                self.endpoint.iter().map(group).collect()
            }
            Resource::ModelPackageGroup => {
                self.model_package_group.iter().map(|name| self.sage_maker("model-package-group", name)).collect()
            }
            Resource::ModelPackages => {
                let group = self.model_package_group.as_ref().map(|group| format!("{group}/*"));
                vec![self.sage_maker("model-package", group.as_deref().unwrap_or("*"))]
            }
            Resource::MetricsObject => self.metrics.iter().cloned().collect(),
            Resource::ModelRole => {
                vec![self.model_role.clone().unwrap_or_else(|| self.iam(&format!("role/{MODEL_ROLE}")))]
            }
        }
    }

    /// Names in ARNs of Amazon SageMaker are in lower case, whatever the thing is called.
    fn sage_maker(&self, kind: &str, name: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:sagemaker:{region}:{account}:{kind}/{}", name.to_ascii_lowercase())
    }

    /// What is made for the endpoint begins like its name, of which so much fits into the longest one, whatever run it is.
    fn made(&self, kind: &str) -> Vec<String> {
        const CERTAIN: usize = 28;
        let pattern = |name: &String| match name.get(..CERTAIN).filter(|begin| begin.len() < name.len()) {
            Some(begin) => format!("{}*", begin.trim_end_matches('-')),
            None => format!("{name}-*"),
        };
        self.endpoint.iter().map(|name| self.sage_maker(kind, &pattern(name))).collect()
    }

    /// The ARN of a KMS key. Policies take no alias for one, and nothing says which key an alias is of.
    fn key(&self, named: &str) -> String {
        let Self { partition, region, account, .. } = self;
        match named.split_once("alias/") {
            Some((before, _)) if !before.is_empty() => format!("{before}key/{KEY}"),
            None if named.starts_with("arn:") => named.to_owned(),
            alias => format!("arn:{partition}:kms:{region}:{account}:key/{}", alias.map_or(named, |_| KEY)),
        }
    }

    fn ecs(&self, kind: &str, name: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:ecs:{region}:{account}:{kind}/{name}")
    }

    fn codedeploy(&self, kind: &str, name: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:codedeploy:{region}:{account}:{kind}:{name}")
    }

    /// The ARN of something of IAM: `role/deploy`, `oidc-provider/…`.
    pub(super) fn iam(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// What the placeholders stand for that are left, each with what to put in its place.
    pub fn gaps(&self, text: &str) -> Vec<(&'static str, &'static str)> {
        [
            (ACCOUNT, "the twelve digits of the AWS account (or give `expected-account-id`)"),
            (REGION, "the region of the service (or give `aws-region`)"),
            (FAMILY, "the family of the service's task definition"),
            (
                "ROLE_OF_THE_ENVIRONMENT",
                "the role whose credentials the environment holds; allow it sts:AssumeRole on the role to assume",
            ),
            ("OWNER/REPOSITORY", "the repository whose jobs deploy"),
            ("BRANCH", "the branch from which they deploy"),
            (RULE_ROLE, "the roles of the rules' targets, an entry for each"),
            (MODEL_ROLE, "the role of the model that the endpoint serves (or give `model-role-arn`)"),
            (KEY, "the id of the KMS key of the endpoint's volumes (or give `endpoint-kms-key-id` as the key's ARN)"),
            (ROLE, "the task role and the execution role of the service's task definition, an entry for each"),
        ]
        .into_iter()
        .filter(|(word, _)| text.contains(word))
        .collect()
    }

    /// The roles of the new revision: those that the inputs name, or those of the document.
    fn roles(&self, spec: &Spec) -> Vec<String> {
        let whole =
            |role: &str| if role.starts_with("arn:") { role.to_owned() } else { self.iam(&format!("role/{role}")) };
        let mut roles = Vec::new();
        let overrides = &spec.overrides;
        for (member, named) in
            [("taskRoleArn", &overrides.task_role_arn), ("executionRoleArn", &overrides.execution_role_arn)]
        {
            match (named, &spec.source) {
                (Some(role), _) => roles.push(whole(role)),
                (None, Source::Document(document)) => roles.extend(document.role(member).map(whole)),
                (None, Source::Running | Source::Registered(_)) => roles.push(self.iam(&format!("role/{ROLE}"))),
            }
        }
        roles.dedup();
        roles
    }
}

/// The group that a model is registered in or deployed from.
fn model_package_group(spec: &Spec) -> Option<String> {
    let deployed = spec.endpoint.as_ref().and_then(|endpoint| match &endpoint.source {
        ModelSource::Package { group, .. } => Some(group),
        _ => None,
    });
    spec.registration.as_ref().map(|registration| &registration.group).or(deployed).cloned()
}

/// The ARNs of the repositories of the images that are named.
fn repositories(spec: &Spec) -> Vec<String> {
    let arns = spec.named_in_ecr().into_iter().map(|(registry, repository)| {
        let (account, region) = (registry.account, registry.region);
        format!("arn:{}:ecr:{region}:{account}:repository/{repository}", partition(&region))
    });
    let arns: std::collections::BTreeSet<String> = arns.collect();
    arns.into_iter().collect()
}

/// The partition of a region, by how its regions are called.
///
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
pub(in crate::aws) fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

fn family(spec: &Spec) -> Option<&str> {
    let name = match &spec.source {
        Source::Running => return None,
        Source::Registered(name) => last_part(name),
        Source::Document(document) => document.family()?,
    };
    name.split(':').next()
}
