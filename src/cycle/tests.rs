//! The order of things, with a target that is made of nothing: what is owed after each kind of trouble at each step.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::*;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Fails,
    Panics,
    /// The call failed, and took effect.
    FailsAfterEffect,
    /// Somebody else took over.
    Superseded,
    Cancelled,
}

#[derive(Clone)]
struct Fake {
    calls: Rc<RefCell<Vec<&'static str>>>,
    trouble: (&'static str, Trouble),
    /// A second trouble, on the way back.
    then: (&'static str, Trouble),
    cancel: tokio::sync::watch::Sender<bool>,
}

impl Fake {
    fn step(&self, name: &'static str) -> Result<(), Failure> {
        self.calls.borrow_mut().push(name);
        for (at, trouble) in [self.trouble, self.then] {
            match trouble {
                _ if at != name => {}
                Trouble::Panics => panic!("a defect"),
                Trouble::Fails | Trouble::FailsAfterEffect => {
                    return Err(Failure::new(Cause::RequestRefused, "refused"));
                }
                Trouble::Cancelled => {
                    self.cancel.send_replace(true);
                }
                Trouble::None | Trouble::Superseded => {}
            }
        }
        Ok(())
    }
}

struct Watched(Fake, &'static str);

impl Clone for Watched {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1)
    }
}

impl Watch for Watched {
    async fn look(&mut self) -> Result<Look, Failure> {
        let verdict = match self.0.trouble {
            (at, Trouble::Superseded) if at == self.1 => Verdict::Superseded("theirs".to_owned()),
            (at, Trouble::Cancelled) if at == self.1 => Verdict::Pending,
            _ => Verdict::Done,
        };
        let verdict = self.0.step(self.1).map_or_else(Verdict::Failed, |()| verdict);
        let progress = Progress { running: 1, desired: 1, state: "IN_PROGRESS".to_owned(), ..Progress::default() };
        Ok(Look { verdict, progress, said: Vec::new(), rest: None })
    }
}

impl Target for Fake {
    const KIND: &'static str = "fake";

    type Writer = ();
    type Snapshot = ();
    type Draft = ();
    type Registered = ();
    type Rollout = Watched;
    type Memo = ();
    type Restoration = Watched;

    fn name(&self) -> String {
        "thing".to_owned()
    }

    async fn capture(&self, _: &Events) -> Result<(), Failure> {
        self.step("capture")
    }

    fn plan(&self, (): &()) -> Result<(Plan, ()), Failure> {
        self.step("plan")?;
        let change = Change { subject: "x".to_owned(), before: Shown::Absent, after: Shown::Hidden };
        Ok((Plan { changes: vec![change], diff: String::new() }, ()))
    }

    fn conflict(&self, (): &(), (): &()) -> Option<String> {
        None
    }

    async fn conflict_is_over(&self, (): &()) -> Result<bool, Failure> {
        Ok(true)
    }

    async fn preflight(&self, (): &(), (): &(), _: &Events) -> Result<(), Failure> {
        self.step("preflight")
    }

    async fn register(&self, (): &(), (): &(), (): &(), _: &Events) -> Result<(), Failure> {
        self.step("register")
    }

    async fn deregister(&self, (): &(), (): &(), _: &Events) -> Result<(), Failure> {
        self.step("deregister")
    }

    fn rollout(&self, (): &(), (): &(), (): &()) -> Watched {
        Watched(self.clone(), "wait")
    }

    fn memo(&self, _: &Watched) {}

    fn recall(&self, (): ()) -> Watched {
        Watched(self.clone(), "wait")
    }

    async fn update(&self, (): &(), rollout: Watched, _: &Events) -> Result<Watched, NotUpdated> {
        let may_have_happened = self.trouble.1 == Trouble::FailsAfterEffect;
        self.step("update").map(|()| rollout).map_err(|failure| NotUpdated { failure, may_have_happened })
    }

    fn checks(&self, _: &Watched, _: &Events) -> Option<impl Watch> {
        Some(Watched(self.clone(), "checks"))
    }

    async fn resume(&self, (): &(), _: &Pause, _: &Events) -> Result<(), Failure> {
        self.step("resume")
    }

    async fn verify(&self, _: &Watched, _: &Events) -> Result<(), Failure> {
        self.step("verify")
    }

    async fn seal(&self, (): &(), _: &Events) {
        // It has nobody to tell of a failure.
        self.step("seal").ok();
    }

    async fn diagnose(&self, _: &Watched) -> Diagnosis {
        Diagnosis::default()
    }

    async fn restore(&self, (): &(), _: &Watched, _: &Events) -> Result<Restore<Watched>, Failure> {
        self.step("restore")?;
        Ok(Restore::Started(Watched(self.clone(), "wait for the old")))
    }

    async fn going_back(&self, _: &Watched, _: &Events) -> Option<Watched> {
        None
    }

    fn standing(&self, (): &()) -> String {
        "is on old".to_owned()
    }

    fn was(&self, (): &()) -> String {
        "old".to_owned()
    }

    fn wanted(&self, (): &(), _: Option<&()>) -> String {
        "new".to_owned()
    }
}

struct Recorder(Rc<RefCell<Vec<Kind>>>);

impl Sink for Recorder {
    fn receive(&mut self, event: &Event) {
        self.0.borrow_mut().push(event.kind.clone());
    }
}

const FORWARD: [&str; 9] = ["capture", "plan", "preflight", "register", "update", "wait", "checks", "verify", "seal"];

/// Deploys with that trouble at that step: the outcome, and the calls after the step with the trouble.
async fn deploy_with(step: &'static str, trouble: Trouble) -> (Outcome, Vec<&'static str>) {
    deploy_with_two(step, trouble, ("nothing", Trouble::None)).await
}

/// The same, with more trouble on the way back.
async fn deploy_with_two(
    step: &'static str,
    trouble: Trouble,
    then: (&'static str, Trouble),
) -> (Outcome, Vec<&'static str>) {
    let (cancel, cancellation) = Cancellation::new();
    let fake = Fake { calls: Rc::default(), trouble: (step, trouble), then, cancel };
    let policy = Policy {
        credentials_end: None,
        wait: true,
        wait_for: Duration::from_secs(60),
        rollback_on_failure: true,
        on_conflict: OnConflict::Wait,
        on_pause: OnPause::default(),
        on_cancel: OnCancel::Rollback,
        doing: Doing::Deploy,
    };
    let kinds: Rc<RefCell<Vec<Kind>>> = Rc::default();
    let events = Events::new(jiff::Timestamp::UNIX_EPOCH, vec![Box::new(Recorder(kinds.clone()))]);
    let conclusion = deploy(&Run::new(&fake, &policy, &events, cancellation), &()).await;

    let kinds = kinds.borrow();
    assert!(matches!(kinds.first(), Some(Kind::Started { .. })), "the first event is Started");
    let ends = kinds.iter().filter(|kind| matches!(kind, Kind::Concluded(_))).count();
    assert!(ends == 1 && matches!(kinds.last(), Some(Kind::Concluded(_))), "the last event, and only it, is Concluded");
    let calls = fake.calls.borrow();
    let reached = FORWARD.iter().position(|name| *name == step).map_or(FORWARD.len(), |index| index + 1);
    assert_eq!(calls[..reached], FORWARD[..reached], "{step}, {trouble:?}");
    (conclusion.outcome, calls[reached..].to_vec())
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_follows_from_how_far_it_came() {
    use Trouble::{Cancelled, Fails, FailsAfterEffect, None, Panics, Superseded};
    const BACK: [&str; 2] = ["restore", "wait for the old"];
    for (step, trouble, outcome, then) in [
        ("nothing", None, Outcome::Deployed, &[][..]),
        ("capture", Fails, Outcome::Refused, &[]),
        ("capture", Panics, Outcome::Refused, &[]),
        ("plan", Fails, Outcome::Refused, &[]),
        ("plan", Panics, Outcome::Refused, &[]),
        ("preflight", Fails, Outcome::Refused, &[]),
        ("preflight", Panics, Outcome::Refused, &[]),
        ("preflight", Cancelled, Outcome::Refused, &[]),
        ("register", Fails, Outcome::Refused, &[]),
        ("register", Panics, Outcome::Refused, &[]),
        ("register", Cancelled, Outcome::Refused, &["deregister"]),
        ("update", Fails, Outcome::Refused, &["deregister"]),
        ("update", FailsAfterEffect, Outcome::RolledBack, &BACK),
        ("update", Panics, Outcome::RolledBack, &BACK),
        ("update", Cancelled, Outcome::RolledBack, &BACK),
        ("wait", Fails, Outcome::RolledBack, &BACK),
        ("wait", Panics, Outcome::RolledBack, &BACK),
        ("wait", Cancelled, Outcome::RolledBack, &BACK),
        ("wait", Superseded, Outcome::Superseded, &[]),
        ("checks", Fails, Outcome::RolledBack, &BACK),
        ("checks", Panics, Outcome::RolledBack, &BACK),
        ("checks", Cancelled, Outcome::RolledBack, &BACK),
        ("checks", Superseded, Outcome::Superseded, &[]),
        ("verify", Fails, Outcome::RolledBack, &BACK),
        ("verify", Panics, Outcome::RolledBack, &BACK),
        ("seal", Fails, Outcome::Deployed, &[]),
        ("seal", Panics, Outcome::Deployed, &[]),
        ("seal", Cancelled, Outcome::Deployed, &[]),
    ] {
        let (ended, called) = deploy_with(step, trouble).await;
        assert_eq!((ended, &called[..]), (outcome, then), "{step}, {trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_fails_has_its_own_outcome() {
    for then in ["restore", "wait for the old"] {
        for trouble in [Trouble::Fails, Trouble::Panics] {
            let (outcome, _) = deploy_with_two("wait", Trouble::Fails, (then, trouble)).await;
            assert_eq!(outcome, Outcome::RollbackFailed, "{then}, {trouble:?}");
        }
    }
    let (outcome, _) = deploy_with_two("wait", Trouble::Fails, ("wait for the old", Trouble::Cancelled)).await;
    assert_eq!(outcome, Outcome::RolledBack, "a cancellation does not interrupt the way back");
}
