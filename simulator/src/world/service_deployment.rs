//! A service deployment: the change from one service revision to another, which keeps its ARN while it rolls back.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::shift::Shift;
use super::{Service, Surroundings};

/// One service deployment.
#[derive(Clone, Debug)]
pub(crate) struct ServiceDeployment {
    pub(crate) arn: String,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    /// The revisions whose tasks ran when it was created.
    pub(crate) sources: Vec<String>,
    pub(crate) target: String,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) failures: usize,
    pub(crate) threshold: usize,
    pub(crate) broken: bool,
    pub(crate) alarms: Vec<String>,
    /// Whether alarms are looked at.
    pub(crate) watches_alarms: bool,
    pub(crate) created_at: Duration,
    pub(crate) started_at: Option<Duration>,
    pub(crate) finished_at: Option<Duration>,
    pub(crate) stopped_at: Option<Duration>,
    pub(crate) updated_at: Duration,
    pub(crate) configuration: Value,
    /// Where it stands, with a strategy that shifts traffic.
    pub(crate) shift: Option<Shift>,
    /// Whether a rolling deployment bakes.
    pub(crate) bakes: bool,
}

/// A way back.
#[derive(Clone, Debug)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at: Duration,
    pub(crate) revision: String,
}

/// `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// The last stage of three (developer guide, "View service history using Amazon ECS service deployments").
    pub(crate) fn finished(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }
}

impl ServiceDeployment {
    /// As ListServiceDeployments shows it.
    pub(crate) fn brief(&self, service: &Service, around: &Surroundings<'_>) -> Value {
        let mut brief = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": service.arn,
            "clusterArn": service.cluster_arn,
            "createdAt": around.timestamp(self.created_at),
            "targetServiceRevisionArn": self.target,
            "status": self.status.name(),
        });
        if let Some(reason) = &self.reason {
            brief["statusReason"] = json!(reason);
        }
        for (member, moment) in [("startedAt", self.started_at), ("finishedAt", self.finished_at)] {
            if let Some(moment) = moment {
                brief[member] = around.timestamp(moment);
            }
        }
        brief
    }

    /// As DescribeServiceDeployments shows it.
    pub(crate) fn document(&self, service: &Service, around: &Surroundings<'_>) -> Value {
        let mut document = self.brief(service, around);
        if let Some(members) = document.as_object_mut() {
            members.shift_remove("targetServiceRevisionArn");
        }
        document["updatedAt"] = around.timestamp(self.updated_at);
        if let Some(stopped) = self.stopped_at {
            document["stoppedAt"] = around.timestamp(stopped);
        }
        let sources = self.sources.iter().map(|revision| service.revision_summary(revision));
        document["sourceServiceRevisions"] = sources.collect();
        document["targetServiceRevision"] = service.revision_summary(&self.target);
        document["deploymentConfiguration"] = self.configuration.clone();
        if self.bakes {
            document["lifecycleStage"] = json!("BAKE_TIME");
        }
        if let Some(shift) = &self.shift {
            shift.describe(&mut document, around);
        }
        if let Some(rollback) = &self.rollback {
            document["rollback"] = json!({
                "reason": rollback.reason,
                "startedAt": around.timestamp(rollback.started_at),
                "serviceRevisionArn": rollback.revision,
            });
        }
        document["deploymentCircuitBreaker"] = json!({
            "status": self.monitor(&self.configuration["deploymentCircuitBreaker"], self.broken),
            "failureCount": self.failures,
            "threshold": self.threshold,
        });
        document["alarms"] = self.alarms_document();
        document
    }

    fn alarms_document(&self) -> Value {
        let configured = &self.configuration["alarms"];
        // That the status shows it when alarms are not looked at is not documented.
        let status = if self.watches_alarms { self.monitor(configured, !self.alarms.is_empty()) } else { "DISABLED" };
        let mut alarms = Map::new();
        alarms.insert("status".to_owned(), json!(status));
        if configured.is_object() {
            alarms.insert("alarmNames".to_owned(), configured["alarmNames"].clone());
            alarms.insert("triggeredAlarmNames".to_owned(), json!(self.alarms));
        }
        Value::Object(alarms)
    }

    fn monitor(&self, configured: &Value, triggered: bool) -> &'static str {
        match configured["enable"].as_bool() {
            Some(true) if triggered => "TRIGGERED",
            Some(true) if self.status.finished() => "MONITORING_COMPLETE",
            Some(true) => "MONITORING",
            _ => "DISABLED",
        }
    }
}
