//! How a deployment by Amazon ECS goes, and the stages that it passes.

use std::str::FromStr;

/// How new tasks take the place of old ones: `DeploymentStrategy` in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// A few at a time.
    Rolling,
    /// All beside all, then all traffic at once.
    BlueGreen,
    /// All beside all, then traffic in equal steps.
    Linear,
    /// All beside all, then a little traffic, then the rest.
    Canary,
    /// One that this program does not know.
    Other(String),
}

impl Strategy {
    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Linear => "LINEAR",
            Self::Canary => "CANARY",
            Self::Other(word) => word,
        }
    }

    /// The strategy of AWS's word; without one it is `ROLLING`.
    pub fn of_aws(word: Option<&str>) -> Self {
        match word {
            None | Some("ROLLING") => Self::Rolling,
            Some("BLUE_GREEN") => Self::BlueGreen,
            Some("LINEAR") => Self::Linear,
            Some("CANARY") => Self::Canary,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

/// The stages of a deployment that shifts traffic, in their order.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "AWS's own names, which its API reference explains")]
pub enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 11] = [
        Self::ReconcileService,
        Self::PreScaleUp,
        Self::ScaleUp,
        Self::PostScaleUp,
        Self::TestTrafficShift,
        Self::PostTestTrafficShift,
        Self::PreProductionTrafficShift,
        Self::ProductionTrafficShift,
        Self::PostProductionTrafficShift,
        Self::BakeTime,
        Self::CleanUp,
    ];

    /// AWS's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }
}

/// AWS's words, also in lower case and with hyphens.
impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|stage| stage.as_str() == word).ok_or(UnknownStage)
    }
}

/// It is none of the stages that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no stage of a deployment")]
pub struct UnknownStage;
