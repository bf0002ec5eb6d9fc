//! What GitHub shows on the page of the run, and beside the lines of files: one error when the run fails, the warnings, and what
//! was found in files.

use crate::cycle::{Conclusion, Event, Finding, Kind, Sink};
use crate::runner::Console;
use crate::runner::command::{Annotation, Level, Place};
use crate::text::one_line;

/// Reads events, leaves annotations.
pub struct Annotations {
    console: Console,
    target: String,
    /// What helps most, as far as is known.
    hint: Option<String>,
    /// The page that has a section for each cause.
    explanations: Option<String>,
}

impl Annotations {
    /// Annotations are commands on standard output. `explanations` is the page that has a section for each cause, if it is known.
    pub fn new(console: Console, explanations: Option<String>) -> Self {
        Self { console, target: "Deployment".to_owned(), hint: None, explanations }
    }

    /// Exactly one error for a run that fails, whatever else was said; none for one that does not.
    fn conclude(&self, conclusion: &Conclusion) {
        if conclusion.exit_code() == 0 {
            return;
        }
        let Conclusion { outcome, cause, headline, reason, advice } = conclusion;
        let why = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
        // The headline comes first, because a long message is cut, and because the log shows the beginning in red.
        let more = self.explanations.as_ref().zip(*cause).map(|(page, cause)| format!("{page}#{cause}"));
        let lines = [Some(headline), reason.as_ref(), advice.as_ref(), self.hint.as_ref(), more.as_ref()];
        let message = lines.into_iter().flatten().map(|line| one_line(line)).collect::<Vec<_>>().join("\n");
        let title = format!("{}: {outcome}{why}", self.target);
        self.console.annotate(Annotation { level: Level::Error, place: None, title: &title, message: &message });
    }
}

impl Annotations {
    fn find(&self, finding: &Finding) {
        let level = if finding.is_error { Level::Error } else { Level::Warning };
        let place = Some(Place { file: &finding.file, line: finding.line });
        let message = one_line(&finding.sentence());
        self.console.annotate(Annotation { level, place, title: &self.target, message: &message });
    }
}

impl Sink for Annotations {
    fn receive(&mut self, event: &Event) {
        match &event.kind {
            Kind::Started { target, .. } => self.target.clone_from(target),
            Kind::Found(finding) => self.find(finding),
            Kind::Warned(text) => self.console.warn(&self.target, text),
            Kind::Diagnosed(diagnosis) => self.hint = diagnosis.hints.first().map(|hint| hint.hint.clone()),
            Kind::Concluded(conclusion) => self.conclude(conclusion),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::{Cause, Diagnosis, Hint, Outcome};
    use crate::report::testing::{Story, conclusion};
    use crate::runner::testing::Screen;

    fn annotations_of(story: &Story) -> String {
        let screen = Screen::default();
        let mut annotations = Annotations::new(screen.console(), None);
        story.events().iter().for_each(|event| annotations.receive(event));
        screen.text()
    }

    #[test]
    fn a_run_that_fails_leaves_one_error() {
        let mut story = Story::begin();
        story.then(1, Kind::Noted("not for the page".into()));
        story.then(
            2,
            Kind::Concluded(Conclusion {
                reason: Some("web exited\nwith code 1.".into()),
                advice: Some("Look at its log.".into()),
                ..conclusion(Outcome::RolledBack, Some(Cause::TasksFailing), "web:41 is running again.")
            }),
        );
        assert_eq!(
            annotations_of(&story),
            "::error title=service web in cluster production%3A rolled-back (tasks-failing)::web:41 is running again.%0A\
             web exited with code 1.%0ALook at its log.\n"
        );
    }

    #[test]
    fn the_error_ends_with_the_first_hint() {
        let hint = |code, hint: &str| Hint { code, hint: hint.into(), tasks: 1 };
        let hints = vec![hint("image-missing", "Push\nit."), hint("killed", "Not this one.")];
        let mut story = Story::begin();
        story.then(1, Kind::Diagnosed(Diagnosis { hints, ..Diagnosis::default() }));
        story.then(2, Kind::Concluded(conclusion(Outcome::RolledBack, Some(Cause::TasksFailing), "web:41 runs.")));
        assert!(annotations_of(&story).ends_with("::web:41 runs.%0APush it.\n"), "{}", annotations_of(&story));
    }

    #[test]
    fn the_error_links_to_what_explains_its_cause() {
        let page = "https://github.com/org/ecs-deploy-action/blob/v1/docs/troubleshooting.md";
        let told = |cause| {
            let screen = Screen::default();
            let mut annotations = Annotations::new(screen.console(), Some(page.to_owned()));
            let mut story = Story::begin();
            story.then(1, Kind::Concluded(conclusion(Outcome::Failed, cause, "web:41 runs.")));
            story.events().iter().for_each(|event| annotations.receive(event));
            screen.text()
        };
        for cause in Cause::ALL {
            assert!(
                told(Some(cause)).ends_with(&format!("::web:41 runs.%0A{page}#{cause}\n")),
                "{}",
                told(Some(cause))
            );
        }
        assert!(told(None).ends_with("::web:41 runs.\n"), "{}", told(None));
    }

    #[test]
    fn one_error_exactly_when_the_exit_code_is_not_zero() {
        for outcome in Outcome::ALL {
            for cause in [None, Some(Cause::Conflict)] {
                let end = conclusion(outcome, cause, "headline");
                let expected = usize::from(end.exit_code() != 0);
                let mut story = Story::begin();
                story.then(1, Kind::Concluded(end));
                assert_eq!(annotations_of(&story).matches("::error ").count(), expected, "{outcome} {cause:?}");
            }
        }
    }

    #[test]
    fn warnings_are_kept() {
        let mut story = Story::begin();
        story.then(1, Kind::Warned("cpu: no such pair".into()));
        assert_eq!(annotations_of(&story), "::warning title=service web in cluster production::cpu: no such pair\n");
    }
}
