//! Endpoints as plain values.

use jiff::Timestamp;
use serde_json::Value;

/// An endpoint as DescribeEndpoint shows it.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html>
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The name of its configuration.
    pub config: String,
    /// What it is at.
    pub status: EndpointStatus,
    /// AWS's words for what failed, also in service after a rollback: text from outside. May be missing although something
    /// failed.
    pub failure: Option<String>,
    /// Its production variants.
    pub variants: Vec<Variant>,
    /// The update in flight.
    pub pending: Option<Pending>,
    /// How the last update was to be carried out.
    pub last_deployment: Option<Value>,
    /// When it last changed, in AWS's own form: to be compared and not to be read.
    pub modified: String,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// `EndpointStatus`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Its first instances start.
    Creating,
    /// An update is carried out, or taken back.
    Updating,
    /// AWS maintains it.
    SystemUpdating,
    /// A change of counts or weights is taken back.
    RollingBack,
    /// It serves, whatever it serves.
    InService,
    /// It does not serve.
    OutOfService,
    /// It is being deleted.
    Deleting,
    /// It never served, and can only be deleted.
    Failed,
    /// A rolling update and its rollback failed: it serves a mix of two configurations.
    UpdateRollbackFailed,
    /// One that this program does not know.
    Other(String),
    /// None was answered.
    #[default]
    Absent,
}

/// A production variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The images that its containers run.
    pub images: Vec<DeployedImage>,
    /// Instances that serve; none where there are no instances.
    pub current: Option<u32>,
    /// Instances that should.
    pub desired: Option<u32>,
    /// What happens to it, in AWS's words: `Creating`, `ActivatingTraffic`, `Baking`.
    pub status: Vec<String>,
}

/// An image that a container runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeployedImage {
    /// As the model names it.
    pub specified: String,
    /// By its digest.
    pub resolved: String,
}

/// An update in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// The name of the configuration that it brings.
    pub config: String,
    /// The variants that it brings.
    pub variants: Vec<Variant>,
    /// When it began.
    pub started: Option<Timestamp>,
}

impl Endpoint {
    pub(super) fn read(document: &Value) -> Self {
        let text = |member: &str| document[member].as_str().map(str::to_owned);
        let pending = &document["PendingDeploymentSummary"];
        Self {
            name: text("EndpointName").unwrap_or_default(),
            arn: text("EndpointArn").unwrap_or_default(),
            config: text("EndpointConfigName").unwrap_or_default(),
            status: EndpointStatus::of(document["EndpointStatus"].as_str()),
            failure: text("FailureReason").filter(|reason| !reason.trim().is_empty()),
            variants: variants(document),
            pending: pending.is_object().then(|| Pending {
                config: pending["EndpointConfigName"].as_str().unwrap_or_default().to_owned(),
                variants: variants(pending),
                started: moment(&pending["StartTime"]),
            }),
            last_deployment: Some(document["LastDeploymentConfig"].clone()).filter(Value::is_object),
            modified: document["LastModifiedTime"].to_string(),
            created: moment(&document["CreationTime"]),
        }
    }
}

impl EndpointStatus {
    fn of(word: Option<&str>) -> Self {
        match word {
            None => Self::Absent,
            Some("Creating") => Self::Creating,
            Some("Updating") => Self::Updating,
            Some("SystemUpdating") => Self::SystemUpdating,
            Some("RollingBack") => Self::RollingBack,
            Some("InService") => Self::InService,
            Some("OutOfService") => Self::OutOfService,
            Some("Deleting") => Self::Deleting,
            Some("Failed") => Self::Failed,
            Some("UpdateRollbackFailed") => Self::UpdateRollbackFailed,
            Some(other) => Self::Other(other.to_owned()),
        }
    }

    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::SystemUpdating => "SystemUpdating",
            Self::RollingBack => "RollingBack",
            Self::InService => "InService",
            Self::OutOfService => "OutOfService",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::UpdateRollbackFailed => "UpdateRollbackFailed",
            Self::Other(word) => word,
            Self::Absent => "(no status)",
        }
    }

    /// Whether something is under way that keeps an update out. A status of the future may be one.
    pub const fn is_moving(&self) -> bool {
        match self {
            Self::Creating
            | Self::Updating
            | Self::SystemUpdating
            | Self::RollingBack
            | Self::Deleting
            | Self::Other(_)
            | Self::Absent => true,
            Self::InService | Self::OutOfService | Self::Failed | Self::UpdateRollbackFailed => false,
        }
    }
}

impl Variant {
    /// The digest form of an image that the model names, where AWS tells.
    pub fn resolved(&self, specified: &str) -> Option<&str> {
        let image = self.images.iter().find(|image| image.specified == specified)?;
        Some(image.resolved.as_str()).filter(|resolved| resolved.contains("@sha256:"))
    }
}

/// A moment as awsJson1.1 writes it, in seconds since 1970; to the millisecond.
fn moment(value: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond((value.as_f64()? * 1000.0).round() as i64).ok()
}

fn variants(document: &Value) -> Vec<Variant> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let image = |image: &Value| DeployedImage {
        specified: text(&image["SpecifiedImage"]),
        resolved: text(&image["ResolvedImage"]),
    };
    let variant = |variant: &Value| Variant {
        name: text(&variant["VariantName"]),
        images: list(&variant["DeployedImages"]).iter().map(image).collect(),
        current: number(&variant["CurrentInstanceCount"]),
        desired: number(&variant["DesiredInstanceCount"]),
        status: list(&variant["VariantStatus"]).iter().map(|status| text(&status["Status"])).collect(),
    };
    list(&document["ProductionVariants"]).iter().map(variant).collect()
}
