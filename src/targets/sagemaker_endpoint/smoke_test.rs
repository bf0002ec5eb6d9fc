//! Asks the endpoint, before its deployment counts as a success.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::Rollout;
use crate::aws::CallErrorKind;
use crate::aws::sage_maker::{Answer, Invoker, Question};
use crate::cycle::{Cause, Events, Failure, Look, Verdict, Watch};
use crate::spec::{Expectation, SmokeTest, at};
use crate::text::{one_line, shorten};
use crate::verification::Checked;

/// How long to leave a model alone that is not ready.
const PAUSE: Duration = Duration::from_secs(5);
/// So much of an answer is shown.
const SHOWN: usize = 300;

/// Questions to an endpoint, until all are answered as expected, or one is not.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    test: SmokeTest,
    invoker: Invoker,
    endpoint: String,
    /// Since the first question.
    deadline: Option<Instant>,
    asked: u32,
}

/// How the questions stand.
pub(super) enum Standing {
    /// The next one comes at once, or the model is not ready.
    Pending(Duration),
    Passed,
    Failed(Failure),
}

impl Asking {
    pub(super) const fn new(test: SmokeTest, invoker: Invoker, endpoint: String) -> Self {
        Self { test, invoker, endpoint, deadline: None, asked: 0 }
    }

    /// Asks once.
    pub(super) async fn ask(&mut self) -> Standing {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.test.within);
        let question = Question {
            endpoint: &self.endpoint,
            variant: self.test.variant.as_deref(),
            payload: &self.test.payload,
            content_type: &self.test.content_type,
        };
        match self.invoker.invoke(question).await {
            Ok(answer) => {
                let complaints = complaints(&self.test.expectations, &answer);
                if !complaints.is_empty() {
                    return Standing::Failed(self.failure(&answer, &complaints));
                }
                self.asked += 1;
                if self.asked >= self.test.repetitions { Standing::Passed } else { Standing::Pending(Duration::ZERO) }
            }
            // A model that loads, and instances that start, answer so.
            Err(error) if error.is_passing() && Instant::now() < deadline => Standing::Pending(PAUSE),
            Err(error) => {
                let passing = matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Unavailable);
                let failure = Failure::from(error);
                Standing::Failed(if passing {
                    let minutes = self.test.within.as_secs_f64() / 60.0;
                    let reason = format!(
                        "The endpoint did not answer the smoke test within {minutes} minutes: {}",
                        failure.reason
                    );
                    Failure::new(Cause::SmokeTest, reason)
                        .advise("Raise `smoke-test-minutes` if the model only loads slowly.")
                } else {
                    failure
                })
            }
        }
    }

    fn failure(&self, answer: &Answer, complaints: &[String]) -> Failure {
        let number = if self.test.repetitions > 1 {
            format!(" {} of {}", self.asked + 1, self.test.repetitions)
        } else {
            String::new()
        };
        let body = shorten(&one_line(&String::from_utf8_lossy(&answer.body)), SHOWN);
        let reason = format!(
            "Smoke test{number} failed: {}. The model answered with status {} after {} ms: {body}",
            complaints.join(", "),
            answer.status,
            answer.after.as_millis(),
        );
        let log = answer.log.as_ref().map(|log| format!("The container's log is {log}."));
        Failure::new(Cause::SmokeTest, reason).advise_if_any(log)
    }
}

/// What is not as it was expected. Without a word about the status, it has to be a success.
fn complaints(expectations: &[Expectation], answer: &Answer) -> Vec<String> {
    let text = String::from_utf8_lossy(&answer.body);
    let document = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let mut complaints = Vec::new();
    let says_status = expectations.iter().any(|expectation| matches!(expectation, Expectation::Status(_)));
    if !says_status && !(200..300).contains(&answer.status) {
        complaints.push("the model failed".to_owned());
    }
    for expectation in expectations {
        let (is_met, there) = match expectation {
            Expectation::Status(status) => (*status == answer.status, None),
            Expectation::Latency(latency) => (answer.after <= *latency, None),
            Expectation::Body(pattern) => (pattern.is_match(&text), None),
            Expectation::Json { path, comparison, value, .. } => {
                let there = document.as_ref().and_then(|document| at(document, path));
                (there.is_some_and(|there| comparison.holds(there, value)), there)
            }
        };
        if !is_met {
            let there = match (expectation, there) {
                (Expectation::Json { .. }, Some(there)) => {
                    format!(" (it is {})", shorten(&one_line(&there.to_string()), SHOWN))
                }
                (Expectation::Json { .. }, None) => " (there is no such thing in the answer)".to_owned(),
                _ => String::new(),
            };
            complaints.push(format!("`{expectation}` is not so{there}"));
        }
    }
    complaints
}

/// The questions, and then what is checked after any rollout.
pub(super) struct Checking<'a> {
    rollout: Rollout,
    asking: Option<Asking>,
    pause: Duration,
    checked: Option<Checked<'a, Rollout>>,
    /// Where it is said that something was not as it should be.
    has_failed: Rc<Cell<bool>>,
    events: &'a Events,
}

impl<'a> Checking<'a> {
    /// `None` when there is nothing to check.
    pub(super) fn new(
        rollout: Rollout,
        asking: Option<Asking>,
        checked: Option<Checked<'a, Rollout>>,
        has_failed: Rc<Cell<bool>>,
        events: &'a Events,
    ) -> Option<Self> {
        let is_wanted = asking.is_some() || checked.is_some();
        is_wanted.then_some(Self { rollout, asking, pause: Duration::ZERO, checked, has_failed, events })
    }

    async fn check(&mut self) -> Result<Look, Failure> {
        let Some(asking) = &mut self.asking else {
            return match &mut self.checked {
                Some(checked) => checked.look().await,
                None => self.rollout.look().await,
            };
        };
        let standing = asking.ask().await;
        let mut look = self.rollout.look().await?;
        // What somebody else replaces meanwhile says nothing about ours.
        if !matches!(look.verdict, Verdict::Done | Verdict::Pending) {
            return Ok(look);
        }
        look.verdict = match standing {
            Standing::Pending(pause) => {
                self.pause = pause;
                Verdict::Pending
            }
            Standing::Failed(failure) => Verdict::Failed(failure),
            Standing::Passed => {
                self.events.note("The endpoint answers the smoke test as expected.");
                self.asking = None;
                self.pause = Duration::ZERO;
                if self.checked.is_some() { Verdict::Pending } else { Verdict::Done }
            }
        };
        Ok(look)
    }
}

impl Watch for Checking<'_> {
    async fn look(&mut self) -> Result<Look, Failure> {
        let look = self.check().await?;
        self.has_failed.set(matches!(look.verdict, Verdict::Failed(_)));
        Ok(look)
    }

    fn pause(&self) -> Option<Duration> {
        match (&self.asking, &self.checked) {
            (None, Some(checked)) => checked.pause(),
            _ => Some(self.pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use regex_lite::Regex;
    use serde_json::json;

    use super::*;
    use crate::spec::{Comparison, Step};

    fn answer(status: u16, body: &str, after: u64) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), log: None, after: Duration::from_millis(after) }
    }

    #[test]
    fn each_expectation_that_is_not_met_is_a_complaint() {
        let score = || Expectation::Json {
            path: vec![Step::Member("score".to_owned())],
            comparison: Comparison::GreaterOrEqual,
            value: json!(0.5),
            written: "score >= 0.5".to_owned(),
        };
        let body = || Expectation::Body(Regex::new("^\\{").unwrap());
        for (expectations, answer, expected) in [
            (vec![], answer(200, "", 1), 0),
            (vec![], answer(500, "", 1), 1),
            (vec![Expectation::Status(400)], answer(400, "", 1), 0),
            (vec![Expectation::Status(200)], answer(500, "", 1), 1),
            (vec![score(), body()], answer(200, "{\"score\": 0.7}", 1), 0),
            (vec![score(), body()], answer(200, "{\"score\": 0.4}", 1), 1),
            (vec![score(), body()], answer(200, "[]", 1), 2),
            (vec![score()], answer(200, "not json", 1), 1),
            (vec![Expectation::Latency(Duration::from_millis(100))], answer(200, "", 101), 1),
        ] {
            let complaints = complaints(&expectations, &answer);
            assert_eq!(complaints.len(), expected, "{complaints:?}");
        }
    }
}
