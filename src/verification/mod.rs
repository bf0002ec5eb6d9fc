//! What is checked after a rollout, whatever was rolled out: an address that has to answer, and alarms that must not go off.
//!
//! [`Checks`] is what was asked for and the means to do it. A target hands in the rollout, which is looked at all the while:
//! what somebody else replaces meanwhile is not checked any more.

mod alarms;
mod health_check;
mod http;

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::time::Instant;

pub use alarms::{Findings, SeenAlarms, in_alarm};

use self::alarms::AlarmWatch;
use self::health_check::AddressWatch;
use crate::aws::cloudwatch::Reader;
use crate::cycle::{Events, Failure, Look, Progress, Verdict, Watch};
use crate::spec::Verification;

/// How often the rollout itself is looked at meanwhile.
const ROLLOUT: Duration = Duration::from_secs(5);

/// What is to be checked, and how the outside is reached.
#[derive(Debug, Clone)]
pub struct Checks {
    wanted: Verification,
    cloudwatch: Reader,
    /// Replaces the network, for tests.
    http_client: Option<SharedHttpClient>,
}

impl Checks {
    /// Checks as they were asked for.
    pub const fn new(wanted: Verification, cloudwatch: Reader, http_client: Option<SharedHttpClient>) -> Self {
        Self { wanted, cloudwatch, http_client }
    }

    /// Whether there is anything to check after a rollout.
    pub const fn are_wanted(&self) -> bool {
        self.wanted.health_check.is_some() || !self.wanted.alarms.is_empty()
    }

    /// Looks at the alarms before anything is changed: at those that have to be watched later, and at those of the
    /// deployment's own configuration. Whatever goes wrong here is for [`Checks::judge_alarms`] to judge.
    pub async fn see_alarms(&self, of_the_deployment: &[String]) -> SeenAlarms {
        SeenAlarms::look(&self.cloudwatch, &self.wanted, of_the_deployment).await
    }

    /// What speaks against deploying while the alarms are as they were seen. `if_red` is what it means, as the end of a
    /// sentence, when one of the deployment's is in ALARM already. Pure.
    pub fn judge_alarms(&self, seen: &SeenAlarms, of_the_deployment: &[String], if_red: &str) -> Findings {
        alarms::judge(&self.wanted, seen, of_the_deployment, if_red)
    }

    /// Begins to check what `rollout` brought; `None` when there is nothing to check.
    pub fn of<'a, R: Watch>(&self, rollout: R, before: &SeenAlarms, events: &'a Events) -> Option<Checked<'a, R>> {
        let address = self
            .wanted
            .health_check
            .as_ref()
            .map(|wanted| AddressWatch::begin(wanted.clone(), self.http_client.clone()));
        let alarms = (!self.wanted.alarms.is_empty())
            .then(|| AlarmWatch::begin(&self.wanted, self.cloudwatch.clone(), before.known().clone()));
        (address.is_some() || alarms.is_some()).then(|| Checked {
            rollout,
            rollout_is_due: Instant::now(),
            progress: None,
            address,
            alarms,
            events,
        })
    }
}

/// How a check stands.
#[derive(Debug)]
enum Standing {
    Pending,
    Passed,
    Failed(Failure),
}

/// A rollout that is over, while it is checked.
pub struct Checked<'a, R> {
    rollout: R,
    rollout_is_due: Instant,
    /// Of the last look at it.
    progress: Option<Progress>,
    /// Those that are not passed yet.
    address: Option<AddressWatch>,
    alarms: Option<AlarmWatch>,
    events: &'a Events,
}

impl<R: Watch> Watch for Checked<'_, R> {
    async fn look(&mut self) -> Result<Look, Failure> {
        let now = Instant::now();
        if let Some(address) = self.address.as_mut().filter(|address| address.due() <= now) {
            match address.look(self.events).await {
                Standing::Pending => {}
                Standing::Passed => self.address = None,
                Standing::Failed(failure) => return self.end(Verdict::Failed(failure)).await,
            }
        }
        if let Some(alarms) = self.alarms.as_mut().filter(|alarms| alarms.due() <= now) {
            match alarms.look(self.events).await? {
                Standing::Pending => {}
                Standing::Passed => self.alarms = None,
                Standing::Failed(failure) => return self.end(Verdict::Failed(failure)).await,
            }
        }
        let is_over = self.address.is_none() && self.alarms.is_none();
        self.end(if is_over { Verdict::Done } else { Verdict::Pending }).await
    }

    fn pause(&self) -> Option<Duration> {
        let dues = [self.address.as_ref().map(AddressWatch::due), self.alarms.as_ref().map(AlarmWatch::due)];
        let due = dues.into_iter().flatten().min()?.min(self.rollout_is_due);
        Some(due.saturating_duration_since(Instant::now()))
    }
}

impl<R: Watch> Checked<'_, R> {
    /// A look that ends with this verdict on the checks, unless the rollout is somebody else's by now: then nothing that was
    /// checked says anything about ours.
    async fn end(&mut self, verdict: Verdict) -> Result<Look, Failure> {
        if let (Verdict::Pending, Some(progress)) = (&verdict, &self.progress)
            && Instant::now() < self.rollout_is_due
        {
            return Ok(Look { verdict, progress: progress.clone(), said: Vec::new(), rest: None });
        }
        let look = match (self.rollout.look().await, &verdict, &self.progress) {
            (Ok(look), _, _) => look,
            // What failed has failed, and whoever goes back looks first.
            (Err(_), Verdict::Failed(_), Some(progress)) => {
                return Ok(Look { verdict, progress: progress.clone(), said: Vec::new(), rest: None });
            }
            (Err(failure), _, _) => return Err(failure),
        };
        self.rollout_is_due = Instant::now() + ROLLOUT;
        self.progress = Some(look.progress.clone());
        let verdict = match look.verdict {
            // A task that is replaced meanwhile makes an older verdict less certain, and not wrong.
            Verdict::Done | Verdict::Pending => verdict,
            taken_over => taken_over,
        };
        Ok(Look { verdict, ..look })
    }
}
