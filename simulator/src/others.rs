//! What other people do meanwhile.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::scenario::seconds;

/// What somebody else does, and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// When.
    pub at: Moment,
    /// What.
    pub action: Action,
}

/// A moment in the life of a world.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Moment {
    /// So long after the world started.
    Elapsed(#[serde(deserialize_with = "seconds")] Duration),
    /// After an UpdateService, a CreateDeployment of AWS CodeDeploy, or a CreateEndpoint or an UpdateEndpoint of Amazon
    /// SageMaker, of the client took effect.
    AfterUpdate {
        /// Which one, counted from 1.
        number: usize,
        /// So long after it.
        #[serde(deserialize_with = "seconds")]
        delay: Duration,
    },
}

/// Something that somebody else does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Registers a revision and deploys it.
    UpdateService {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// The image of the first container of the new revision, which is otherwise a copy of the current one.
        #[serde(default)]
        image: Option<String>,
        /// The whole new revision, as RegisterTaskDefinition takes it; wins over `image`.
        #[serde(default)]
        task_definition: Option<Value>,
    },
    /// Replaces all tasks by others of the same revision.
    ForceNewDeployment {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// Changes the desired count only.
    Scale {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// The new desired count.
        desired_count: usize,
    },
    /// Registers a revision with this image, and deploys it through the deployment group that has the console's names.
    CreateCodeDeployment {
        /// The service's name, in the cluster `default`.
        service: String,
        /// The image of the first container of the new revision, which is otherwise a copy of the current one.
        image: String,
    },
    /// Stops the newest deployment of the deployment group that has the console's names.
    StopCodeDeployment {
        /// The service's name, in the cluster `default`.
        service: String,
        /// Whether it is rolled back.
        rolls_back: bool,
    },
    /// Deletes the service, with force.
    DeleteService {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// Stops the current service deployment with a rollback.
    StopServiceDeployment {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
    },
    /// Ends the pause at which the current service deployment waits.
    ContinueServiceDeployment {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        service: String,
        /// Whether by going back.
        #[serde(default)]
        rollback: bool,
    },
    /// Deregisters a task definition (`family:revision` or an ARN).
    DeregisterTaskDefinition {
        /// Which one.
        task_definition: String,
    },
    /// Moves a tag of the world's own account to another image.
    MoveTag {
        /// The repository's name.
        repository: String,
        /// The tag.
        tag: String,
        /// The digest.
        digest: String,
    },
    /// Makes a configuration of that name, and updates the endpoint to it: the current one with another image.
    UpdateEndpoint {
        /// The endpoint's name.
        endpoint: String,
        /// The name of the new configuration, and of its model.
        config: String,
        /// The image of the new model.
        image: String,
    },
    /// SageMaker maintains the endpoint: `SystemUpdating`.
    MaintainEndpoint {
        /// The endpoint's name.
        endpoint: String,
        /// For how long.
        #[serde(deserialize_with = "seconds")]
        lasts: Duration,
    },
    /// Another number of instances, as autoscaling would choose.
    ScaleEndpoint {
        /// The endpoint's name.
        endpoint: String,
        /// How many.
        count: u64,
    },
    /// Deletes the endpoint.
    DeleteEndpoint {
        /// The endpoint's name.
        endpoint: String,
    },
    /// A CloudWatch alarm goes into ALARM.
    TripAlarm {
        /// The alarm's name.
        name: String,
    },
    /// A CloudWatch alarm goes into OK.
    ClearAlarm {
        /// The alarm's name.
        name: String,
    },
    /// Deletes a CloudWatch alarm.
    DeleteAlarm {
        /// The alarm's name.
        name: String,
    },
}
