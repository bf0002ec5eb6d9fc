//! The way back, while SageMaker carries it out.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::back::Back;
use super::capture::find;
use super::judge::{Pin, progress};
use super::rollout::Before;
use super::smoke_test::{Asking, Standing};
use super::{Rollout, Writers, memory, scaling};
use crate::aws::CallErrorKind;
use crate::aws::sage_maker::{Endpoint, EndpointStatus as Status, Reader};
use crate::aws::scaling::Scaling;
use crate::cycle::{Cause, Failure, Look, Progress, Verdict, Watch};

/// Going back is tried so often: what failed once for want of instances may not fail again.
const ATTEMPTS: u32 = 3;
/// So many looks in a row have to show the old configuration where the update may still come.
const STEADY_LOOKS: u32 = 3;

/// What a person has to know of what serves again.
pub(super) type Remarks = Rc<RefCell<Vec<String>>>;

/// Back to the configuration before, or to no endpoint where there was none.
#[derive(Debug)]
pub struct Restoration {
    reader: Reader,
    /// What is in flight has to end before anything can be put back, so that whoever looks has to write.
    writers: Option<Writers>,
    /// What scaled the endpoint before.
    scaled: Vec<Scaling>,
    endpoint: String,
    arn: String,
    pin: Pin,
    back: Back,
    attempts: u32,
    steady_looks: u32,
    /// How often in a row there was no endpoint.
    absent_looks: u32,
    /// How long the update itself may take, which nothing can stop.
    in_flight: Duration,
    /// What is asked of what serves again.
    asking: Option<Asking>,
    /// Where it is said what is not as it was.
    remarks: Remarks,
    pause: Option<Duration>,
}

/// What has to be done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    Update,
    Delete,
    Done,
    Failed(String),
    Superseded(String),
}

impl Restoration {
    pub(super) fn new(rollout: &Rollout, writers: Writers) -> Self {
        Self { writers: Some(writers), ..Self::watching(rollout) }
    }

    /// Where SageMaker goes back by itself.
    pub(super) fn watching(rollout: &Rollout) -> Self {
        Self {
            reader: rollout.reader.clone(),
            writers: None,
            scaled: rollout.scaled.clone(),
            endpoint: rollout.endpoint.clone(),
            arn: rollout.arn.clone(),
            pin: rollout.pin.clone(),
            back: rollout.back.clone(),
            attempts: ATTEMPTS,
            steady_looks: if rollout.seen.moved || rollout.before() == Before::Same { STEADY_LOOKS } else { 0 },
            absent_looks: 0,
            in_flight: rollout.longest(),
            asking: None,
            remarks: Rc::default(),
            pause: None,
        }
    }

    /// The same, with a smoke test of what serves again.
    pub(super) fn asking(self, asking: Option<Asking>, remarks: Remarks) -> Self {
        Self { asking: asking.filter(|_| self.pin.previous.is_some()), remarks, ..self }
    }

    /// Asks what serves again. Whatever it answers, it serves again.
    async fn ask(&mut self) -> Result<Verdict, Failure> {
        if let Some(writers) = self.writers.as_ref().filter(|_| self.pin.previous.is_some()) {
            // Refused or without an answer, it is done again with the next look.
            scaling::make(&writers.scaling, &self.scaled).await?;
            if !self.scaled.is_empty() {
                // What stays harms nobody as long as everything is there.
                writers.sage_maker.delete_tags(&self.arn, &memory::keys()).await.ok();
            }
        }
        self.scaled.clear();
        Ok(self.put_the_question().await)
    }

    const fn has_sent(&self) -> bool {
        self.attempts < ATTEMPTS
    }

    fn remark(&self, remark: String) {
        let mut remarks = self.remarks.borrow_mut();
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }

    async fn put_the_question(&mut self) -> Verdict {
        let Some(asking) = &mut self.asking else { return Verdict::Done };
        match asking.ask().await {
            Standing::Pending(pause) => {
                self.pause = Some(pause);
                Verdict::Pending
            }
            Standing::Passed => Verdict::Done,
            Standing::Failed(failure) => {
                let told = format!("What serves again does not pass either: {}", failure.reason);
                self.remark(told);
                Verdict::Done
            }
        }
    }

    async fn carry_out(&mut self, step: &Step) -> Result<(), Failure> {
        let Some(Writers { sage_maker, scaling, .. }) = &self.writers else { return Ok(()) };
        if self.attempts == 0 {
            return Err(Failure::new(Cause::EndpointFailed, "SageMaker did not go back, as often as it was asked."));
        }
        // Autoscaling that came back with the new instances is in the way of the old ones.
        if *step == Step::Update && !self.scaled.is_empty() {
            if let Some(tags) = memory::write(&self.scaled) {
                // Where that cannot be done, only a run that is killed would lose something.
                sage_maker.add_tags(&self.arn, &tags).await.ok();
            }
            for scaled in &self.scaled {
                match scaling.deregister(scaled.resource()).await {
                    Err(error) if error.kind != CallErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        let sent = match (step, &self.pin.previous) {
            (Step::Update, Some(previous)) => {
                sage_maker.update_endpoint(&self.back.request(&self.endpoint, previous)).await
            }
            (Step::Delete, _) => sage_maker.delete_endpoint(&self.endpoint).await,
            _ => return Ok(()),
        };
        match sent {
            Ok(()) => {
                self.attempts -= 1;
                self.steady_looks = 0;
                Ok(())
            }
            // It is on its way, or gone: the next look tells.
            Err(error) if error.kind == CallErrorKind::Conflict => Ok(()),
            Err(error) if error.kind == CallErrorKind::NotFound && *step == Step::Delete => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a look at the endpoint asks for. Pure.
fn step(pin: &Pin, there: Option<&Endpoint>, steady_looks: u32) -> Step {
    let Some(there) = there else {
        return match pin.previous {
            // An answer may be older than the endpoint.
            _ if steady_looks < STEADY_LOOKS => Step::Wait,
            None => Step::Done,
            Some(_) => Step::Failed("The endpoint was deleted meanwhile.".to_owned()),
        };
    };
    let other = |config: &str| config != pin.config && Some(config) != pin.previous.as_deref();
    match (&there.status, &pin.previous) {
        (status, _) if status.is_moving() => match &there.pending {
            Some(pending) if other(&pending.config) => Step::Superseded(format!("configuration {}", pending.config)),
            _ => Step::Wait,
        },
        _ if other(&there.config) => Step::Superseded(format!("configuration {}", there.config)),
        (_, None) => Step::Delete,
        (Status::InService, Some(previous)) if there.config == *previous && there.pending.is_none() => {
            if steady_looks >= STEADY_LOOKS { Step::Done } else { Step::Wait }
        }
        (Status::Failed | Status::OutOfService, Some(_)) => {
            let reason = there.failure.as_deref().unwrap_or("no reason given").trim_end_matches('.');
            Step::Failed(format!("The endpoint is {}: {reason}.", there.status.as_str()))
        }
        // Also where a rolling update left a mix of both: another update is the way out.
        (_, Some(_)) => Step::Update,
    }
}

/// Whether the update is still on its way there. To wait for its end uses up nobody's patience with the way back.
fn is_in_flight(pin: &Pin, there: &Endpoint) -> bool {
    match &there.pending {
        Some(pending) => there.status.is_moving() && pending.config == pin.config,
        None => there.status == Status::Creating && there.config == pin.config,
    }
}

impl Watch for Restoration {
    async fn look(&mut self) -> Result<Look, Failure> {
        let there = find(&self.reader, &self.endpoint).await?;
        match &there {
            // Once it was seen to move, what comes to rest is at rest.
            Some(there) if there.status.is_moving() => self.steady_looks = STEADY_LOOKS,
            _ => self.steady_looks += 1,
        }
        self.absent_looks = if there.is_none() { self.absent_looks + 1 } else { 0 };
        let steady_looks = if there.is_none() { self.absent_looks } else { self.steady_looks };
        let step = step(&self.pin, there.as_ref(), steady_looks);
        let verdict = match step {
            Step::Wait => Verdict::Pending,
            Step::Done => {
                // Only what this action sent can have brought other counts: SageMaker itself goes back to the old instances.
                let missed = there.as_ref().filter(|_| self.has_sent()).and_then(|there| self.back.missed(there));
                if let Some(missed) = missed {
                    self.remark(missed);
                }
                self.ask().await?
            }
            Step::Superseded(by) => Verdict::Superseded(by),
            Step::Failed(reason) => Verdict::Failed(Failure::new(Cause::EndpointFailed, reason)),
            Step::Update | Step::Delete => {
                self.carry_out(&step).await?;
                Verdict::Pending
            }
        };
        let back = Pin { config: self.pin.previous.clone().unwrap_or_default(), ..self.pin.clone() };
        let progress = there.as_ref().map(|there| progress(&back, there)).unwrap_or_else(Progress::default);
        let is_in_flight = there.as_ref().is_some_and(|there| is_in_flight(&self.pin, there));
        Ok(Look { verdict, progress, said: Vec::new(), rest: is_in_flight.then_some(self.in_flight) })
    }

    fn pause(&self) -> Option<Duration> {
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sage_maker::Pending;

    #[test]
    fn each_standing_asks_for_one_step() {
        let pin = |previous: Option<&str>| Pin {
            config: "new".to_owned(),
            previous: previous.map(str::to_owned),
            modified: String::new(),
        };
        let old = || pin(Some("old"));
        let there =
            |status: Status, config: &str| Some(Endpoint { status, config: config.to_owned(), ..Endpoint::default() });
        let moving_to = |config: &str| {
            let pending = Some(Pending { config: config.to_owned(), variants: Vec::new(), started: None });
            Some(Endpoint { pending, ..there(Status::Updating, "old").unwrap() })
        };
        for (pin, there, steady_looks, expected) in [
            (old(), moving_to("new"), 0, "Wait"),
            (old(), moving_to("theirs"), 0, "Superseded"),
            (old(), there(Status::InService, "new"), 0, "Update"),
            (old(), there(Status::UpdateRollbackFailed, "old"), 3, "Update"),
            (old(), there(Status::InService, "old"), 0, "Wait"),
            (old(), there(Status::InService, "old"), 3, "Done"),
            (old(), there(Status::InService, "theirs"), 3, "Superseded"),
            (old(), there(Status::Failed, "old"), 3, "Failed"),
            (old(), None, 3, "Failed"),
            (pin(None), there(Status::Creating, "new"), 0, "Wait"),
            (pin(None), there(Status::Failed, "new"), 0, "Delete"),
            (pin(None), there(Status::InService, "new"), 0, "Delete"),
            (pin(None), there(Status::Deleting, "new"), 0, "Wait"),
            (pin(None), None, 0, "Wait"),
            (pin(None), None, 3, "Done"),
        ] {
            let step = format!("{:?}", step(&pin, there.as_ref(), steady_looks));
            assert!(step.starts_with(expected), "{step} {pin:?} {there:?}");
        }
    }
}
