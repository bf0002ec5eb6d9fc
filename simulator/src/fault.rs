//! What goes wrong on purpose, and at which calls.

use std::time::Duration;

/// Something that goes wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 400 ThrottlingException "Rate exceeded", as ECS answers when its token bucket is empty.
    Throttle,
    /// Any error of choice.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
        /// Its message.
        message: String,
    },
    /// 500 ServerException.
    ServerError,
    /// The caller times out, and nothing was changed. Over the loopback door the connection closes without an answer.
    TimeoutBeforeEffect,
    /// The caller times out although the world was changed.
    TimeoutAfterEffect,
    /// The connection breaks before the world is changed.
    Reset,
    /// The answer takes so much longer.
    Slow(Duration),
    /// The world is changed, and the answer ends in the middle.
    CutAnswer,
    /// A read answers with the state of so long ago. Writes are not affected.
    StaleRead(Duration),
    /// 400 ExpiredTokenException.
    ExpiredToken,
    /// Never answers, and wakes [`Simulator::hung`](crate::Simulator::hung): the moment to kill the client.
    Hang {
        /// Whether the world was changed.
        after_effect: bool,
    },
}

/// Calls at which something goes wrong. Every condition that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// Only this operation.
    pub operation: Option<String>,
    /// Only the call with this number, over all operations, counted from 0 as in the journal.
    pub number: Option<usize>,
    /// Only this share of the calls, between 0 and 1. Which ones follows from the seed and the call's number.
    pub share: Option<f64>,
    /// Not before this moment.
    pub from: Option<Duration>,
    /// Not from this moment on.
    pub until: Option<Duration>,
    /// Only so many times.
    pub times: Option<usize>,
}

/// A fault, and when it strikes.
#[derive(Clone, Debug)]
pub struct Rule {
    /// When.
    pub when: When,
    /// What.
    pub fault: Fault,
}

/// The rules of a world. The first one that holds decides.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(crate) fn strike(&mut self, call: &Incoming<'_>) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.when.holds(call))?;
        if let Some(times) = &mut rule.when.times {
            *times -= 1;
        }
        Some(rule.fault.clone())
    }

    /// How old the oldest state is that a stale read may ask for.
    pub(crate) fn longest_memory(&self) -> Option<Duration> {
        let age = |rule: &Rule| if let Fault::StaleRead(age) = rule.fault { Some(age) } else { None };
        self.rules.iter().filter_map(age).max()
    }
}

/// What a rule can look at.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) operation: &'a str,
    pub(crate) number: usize,
    pub(crate) at: Duration,
    pub(crate) seed: u64,
}

impl When {
    fn holds(&self, call: &Incoming<'_>) -> bool {
        self.operation.as_ref().is_none_or(|operation| operation == call.operation)
            && self.number.is_none_or(|number| number == call.number)
            && self.from.is_none_or(|from| call.at >= from)
            && self.until.is_none_or(|until| call.at < until)
            && self.times.is_none_or(|times| times > 0)
            && self.share.is_none_or(|share| lot(call.seed, call.number) < share)
    }
}

/// A number in [0, 1) that follows from the seed and the call's number alone.
fn lot(seed: u64, number: usize) -> f64 {
    let mixed = crate::world::mix(seed ^ crate::world::mix(number as u64 + 1));
    // The upper 53 bits are what a double holds exactly.
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: usize) -> Incoming<'static> {
        Incoming { operation: "DescribeServices", number, at: Duration::from_secs(number as u64), seed: 0 }
    }

    #[test]
    fn strikes_a_share_of_the_calls_the_same_ones_every_time() {
        let strikes = || {
            let mut rules = Rules::default();
            rules.add(Rule { when: When { share: Some(0.5), ..When::default() }, fault: Fault::Throttle });
            (0..1000).filter(|number| rules.strike(&call(*number)).is_some()).collect::<Vec<_>>()
        };
        assert!((400..600).contains(&strikes().len()), "{}", strikes().len());
        assert_eq!(strikes(), strikes());
    }

    #[test]
    fn strikes_only_when_every_condition_holds() {
        let mut rules = Rules::default();
        let when = When {
            operation: Some("DescribeServices".to_owned()),
            from: Some(Duration::from_secs(2)),
            until: Some(Duration::from_secs(6)),
            times: Some(3),
            ..When::default()
        };
        rules.add(Rule { when, fault: Fault::Reset });
        let struck: Vec<_> = (0..10).filter(|number| rules.strike(&call(*number)).is_some()).collect();
        assert_eq!(struck, [2, 3, 4]);
        assert_eq!(rules.strike(&Incoming { operation: "ListTasks", ..call(3) }), None);
    }
}
