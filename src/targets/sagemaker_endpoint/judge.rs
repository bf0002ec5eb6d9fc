//! What a look at an endpoint means. Pure: no client, no clock.

use serde::{Deserialize, Serialize};

use crate::aws::sage_maker::{Endpoint, EndpointStatus as Status, Variant};
use crate::cycle::{Cause, Failure, Progress, Verdict};

/// So many looks in a row may show the endpoint as it was before the update: answers may be old.
const OLD_LOOKS: u32 = 8;

/// The identity of a rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// The name of the configuration that it brings.
    pub(super) config: String,
    /// The name of the one before; none when there was no endpoint.
    pub(super) previous: Option<String>,
    /// When the endpoint had last changed before, in AWS's form.
    pub(super) modified: String,
}

/// What was seen so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Whether it was seen to move.
    pub(super) moved: bool,
    /// How many looks in a row showed it as it was before.
    pub(super) old_looks: u32,
}

impl Pin {
    /// Whether the endpoint is as it was before, at rest, and has not changed meanwhile.
    pub(super) fn is_as_before(&self, endpoint: &Endpoint) -> bool {
        !endpoint.status.is_moving()
            && Some(&endpoint.config) == self.previous.as_ref()
            && endpoint.modified == self.modified
            && endpoint.config != self.config
    }

    /// Somebody else's configuration that is on its way, or is there.
    fn other<'a>(&self, endpoint: &'a Endpoint) -> Option<&'a str> {
        let config = endpoint.pending.as_ref().map_or(&endpoint.config, |pending| &pending.config);
        (*config != self.config && Some(config) != self.previous.as_ref()).then_some(config)
    }
}

/// `None` is an endpoint that is not there.
pub(super) fn judge(pin: &Pin, seen: Seen, endpoint: Option<&Endpoint>) -> Verdict {
    let Some(endpoint) = endpoint else {
        // The first answers after CreateEndpoint may be too old to know it.
        if pin.previous.is_none() && !seen.moved && seen.old_looks < OLD_LOOKS {
            return Verdict::Pending;
        }
        return Verdict::Failed(Failure::new(Cause::Conflict, "The endpoint was deleted meanwhile."));
    };
    match &endpoint.status {
        Status::Failed => Verdict::Failed(failed(endpoint, "The endpoint did not come into service")),
        Status::OutOfService => {
            Verdict::Failed(failed(endpoint, "The endpoint is out of service: it takes no requests"))
        }
        Status::UpdateRollbackFailed => {
            let what = "The update failed, and so did SageMaker's own rollback: the endpoint serves a mix of both configurations";
            let mut failure = failed(endpoint, what);
            failure.cause = Cause::UpdateRollbackFailed;
            Verdict::Failed(failure)
        }
        Status::Deleting => Verdict::Failed(Failure::new(Cause::Conflict, "The endpoint is being deleted.")),
        status if status.is_moving() => match pin.other(endpoint).filter(|_| endpoint.pending.is_some()) {
            Some(other) => Verdict::Superseded(format!("an update to configuration {other}")),
            None => Verdict::Pending,
        },
        _ if endpoint.pending.is_some() => Verdict::Pending,
        _ if endpoint.config == pin.config => Verdict::Done,
        _ => match pin.other(endpoint) {
            Some(other) => Verdict::Superseded(format!("configuration {other}")),
            None if pin.is_as_before(endpoint) && !seen.moved && seen.old_looks < OLD_LOOKS => Verdict::Pending,
            None => Verdict::Failed(rolled_back(endpoint)),
        },
    }
}

/// In service is not deployed: SageMaker went back by itself. It does not always say why.
fn rolled_back(endpoint: &Endpoint) -> Failure {
    failed(endpoint, "SageMaker took the update back by itself")
}

fn failed(endpoint: &Endpoint, what: &str) -> Failure {
    match &endpoint.failure {
        Some(reason) => {
            let reason = reason.trim().trim_end_matches('.');
            Failure::new(cause_of(reason), format!("{what}: {reason}."))
        }
        None => Failure::new(Cause::EndpointFailed, format!("{what}, and does not say why."))
            .advise("Look at the endpoint's log and at its alarms."),
    }
}

/// The cause that a `FailureReason` speaks of. AWS documents no codes for it.
fn cause_of(reason: &str) -> Cause {
    let reason = reason.to_ascii_lowercase();
    if reason.contains("alarm") {
        Cause::Alarm
    } else if reason.contains("ping health check") {
        Cause::HealthCheck
    } else if reason.contains("capacity") || reason.contains("availability zone") || reason.contains("resource limit") {
        Cause::Capacity
    } else {
        Cause::EndpointFailed
    }
}

/// How far it is: new instances, as far as AWS tells.
pub(super) fn progress(pin: &Pin, endpoint: &Endpoint) -> Progress {
    let pending = endpoint.pending.as_ref().filter(|pending| pending.config == pin.config);
    let is_ours = endpoint.config == pin.config;
    let ours: &[Variant] = match pending {
        Some(pending) if !pending.variants.is_empty() => &pending.variants,
        _ if is_ours => &endpoint.variants,
        _ => &[],
    };
    let sum = |count: fn(&Variant) -> Option<u32>, variants: &[Variant]| variants.iter().filter_map(count).sum::<u32>();
    let (running, desired) = (sum(|it| it.current, ours), sum(|it| it.desired, ours));
    let status: Vec<&str> = ours.iter().flat_map(|variant| &variant.status).map(String::as_str).collect();
    let state = match status[..] {
        [] => endpoint.status.as_str().to_owned(),
        _ => format!("{} ({})", endpoint.status.as_str(), status.join(", ")),
    };
    Progress {
        shift: None,
        running,
        pending: desired.saturating_sub(running),
        desired,
        failed: 0,
        old: if is_ours { 0 } else { sum(|it| it.current, &endpoint.variants) },
        state,
    }
}

/// Whether nothing happens at the moment but that time passes.
pub(super) fn is_resting(endpoint: &Endpoint) -> bool {
    let pending = endpoint.pending.as_ref();
    let mut status =
        pending.into_iter().flat_map(|pending| &pending.variants).flat_map(|variant| &variant.status).peekable();
    status.peek().is_some() && status.all(|status| status == "Baking" || status == "Deleting")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sage_maker::Pending;

    fn pin() -> Pin {
        Pin { config: "new".to_owned(), previous: Some("old".to_owned()), modified: "1".to_owned() }
    }

    fn endpoint(status: Status, config: &str, pending: Option<&str>) -> Endpoint {
        Endpoint {
            config: config.to_owned(),
            status,
            pending: pending.map(|config| Pending { config: config.to_owned(), variants: Vec::new(), started: None }),
            modified: "2".to_owned(),
            ..Endpoint::default()
        }
    }

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Pending | Verdict::Paused(_) | Verdict::Left(_) => "pending",
            Verdict::Done => "done",
            Verdict::Superseded(_) => "superseded",
            Verdict::Failed(failure) => failure.cause.as_str(),
        }
    }

    #[test]
    fn in_service_is_a_success_only_with_our_configuration_and_nothing_pending() {
        use Status::{Creating, Deleting, InService, OutOfService, RollingBack, SystemUpdating, Updating};
        for (status, config, pending, expected) in [
            (Updating, "old", Some("new"), "pending"),
            (Updating, "new", None, "pending"),
            (Creating, "new", None, "pending"),
            (SystemUpdating, "old", None, "pending"),
            (RollingBack, "old", None, "pending"),
            (Status::Other("FromTheFuture".to_owned()), "old", None, "pending"),
            (InService, "new", None, "done"),
            (InService, "new", Some("new"), "pending"),
            (InService, "old", None, "endpoint-failed"),
            (InService, "theirs", None, "superseded"),
            (Updating, "old", Some("theirs"), "superseded"),
            (Updating, "new", Some("theirs"), "superseded"),
            (Updating, "new", Some("old"), "pending"),
            (OutOfService, "new", None, "endpoint-failed"),
            (Status::Failed, "new", None, "endpoint-failed"),
            (Status::UpdateRollbackFailed, "old", None, "update-rollback-failed"),
            (Deleting, "new", None, "conflict"),
        ] {
            let seen = endpoint(status.clone(), config, pending);
            let verdict = judge(&pin(), Seen { moved: true, old_looks: 0 }, Some(&seen));
            assert_eq!(word(&verdict), expected, "{status:?} {config} {pending:?}");
        }
    }

    #[test]
    fn an_endpoint_that_has_not_moved_yet_may_be_an_old_answer() {
        let before = Endpoint { modified: "1".to_owned(), ..endpoint(Status::InService, "old", None) };
        let look = |moved, old_looks| word(&judge(&pin(), Seen { moved, old_looks }, Some(&before)));
        assert_eq!(look(false, 0), "pending");
        assert_eq!(look(false, OLD_LOOKS), "endpoint-failed");
        assert_eq!(look(true, 0), "endpoint-failed");
        let first = Pin { previous: None, ..pin() };
        assert_eq!(word(&judge(&first, Seen::default(), None)), "pending");
        assert_eq!(word(&judge(&first, Seen { moved: true, old_looks: 0 }, None)), "conflict");
        assert_eq!(word(&judge(&pin(), Seen::default(), None)), "conflict");
    }

    #[test]
    fn the_cause_is_what_sagemaker_speaks_of() {
        for (reason, expected) in [
            ("The deployment was rolled back because the CloudWatch alarm(s) [errors] are in ALARM state.", "alarm"),
            (
                "The primary container for production variant AllTraffic did not pass the ping health check. Please check \
                 CloudWatch logs for this endpoint.",
                "health-check",
            ),
            (
                "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
                "capacity",
            ),
            ("CannotStartContainerError. Please ensure the model container starts correctly", "endpoint-failed"),
        ] {
            let seen = Endpoint { failure: Some(reason.to_owned()), ..endpoint(Status::InService, "old", None) };
            let Verdict::Failed(failure) = judge(&pin(), Seen { moved: true, old_looks: 0 }, Some(&seen)) else {
                panic!("{reason}")
            };
            assert_eq!(failure.cause.as_str(), expected);
            assert!(failure.reason.contains(reason.trim_end_matches('.')), "{}", failure.reason);
        }
    }
}
