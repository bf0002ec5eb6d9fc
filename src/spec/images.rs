//! How the images that a request names are looked after.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use super::from_inputs::Reader;
use super::{EcrRegistry, ImageReference, InputError, Mode, Overrides, Registry, Source, Spec, field, is_tag, render};
use crate::runner::Inputs;

/// How long a scan is waited for unless told otherwise: a basic scan takes a minute or two, an enhanced one somewhat longer.
const SCAN_WAIT: Duration = Duration::from_secs(5 * 60);
const SCAN_WAIT_MINUTES_MOST: f64 = 60.0;

/// How the images that a request names are looked after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageRules {
    /// Whether a tag is replaced by the digest that it is on.
    pub resolve: Resolve,
    /// Whether a tag that can be moved is refused.
    pub forbid_mutable_tags: bool,
    /// What scanning must not find.
    pub scan: ScanGate,
    /// Tags for the image once it runs.
    pub promote_tags: Vec<String>,
}

impl ImageRules {
    /// What cannot be done without knowing an image's digest: the input that asks for it.
    pub fn needs_digest(&self) -> Option<&'static str> {
        if self.resolve == Resolve::Always {
            Some("resolve-image-digest")
        } else if self.scan.action == GateAction::Fail {
            Some("scan-gate")
        } else if self.forbid_mutable_tags {
            Some("forbid-mutable-tags")
        } else if !self.promote_tags.is_empty() {
            Some("promote-tags")
        } else {
            None
        }
    }
}

/// Whether a tag is replaced by the digest that it is on: the input `resolve-image-digest`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resolve {
    /// Where Amazon ECR lets these credentials look; elsewhere a warning.
    #[default]
    WherePossible,
    /// `true`: or nothing is changed.
    Always,
    /// `false`: Amazon ECR is not asked for digests at all.
    Never,
}

/// What scanning must not find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanGate {
    /// What happens when it does.
    pub action: GateAction,
    /// How many findings of a severity are allowed. Severities that are not here are not looked at.
    pub thresholds: Vec<(FindingSeverity, u32)>,
    /// Findings that do not count.
    pub ignore: Vec<Ignored>,
    /// Whether findings that have no fix do not count.
    pub only_fixable: bool,
    /// How long a scan that is not finished is waited for.
    pub wait_for: Duration,
}

impl Default for ScanGate {
    fn default() -> Self {
        Self {
            action: GateAction::Off,
            thresholds: vec![(FindingSeverity::Critical, 0)],
            ignore: Vec::new(),
            only_fixable: false,
            wait_for: SCAN_WAIT,
        }
    }
}

/// What happens when scanning finds too much, or nothing is scanned: the input `scan-gate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GateAction {
    /// Nobody asks.
    #[default]
    Off,
    /// A warning.
    Warn,
    /// Nothing is changed.
    Fail,
}

/// How bad a finding is, in the words of Amazon ECR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words are Amazon's, and mean what they say")]
pub enum FindingSeverity {
    Critical,
    High,
    Medium,
    Low,
    Informational,
    /// Not known, or not known yet (`UNTRIAGED`).
    Undefined,
}

impl FindingSeverity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Informational, Self::Undefined];

    /// The severity of Amazon's word; a word of tomorrow is as unknown as `UNTRIAGED`.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(word)).unwrap_or(Self::Undefined)
    }

    /// The word that inputs and summaries use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
            Self::Undefined => "undefined",
        }
    }
}

impl fmt::Display for FindingSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A finding that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// `CVE-2026-1234`, or another name that a finding has.
    pub id: String,
    /// The last day on which it does not count, by UTC.
    pub until: Option<Date>,
    /// Why it does not count.
    pub reason: String,
}

/// Reads the inputs of this group.
pub(super) fn image_rules(inputs: &Inputs, reader: &mut Reader) -> ImageRules {
    let resolve = match reader.flag("resolve-image-digest", inputs.resolve_image_digest.as_deref()) {
        None => Resolve::WherePossible,
        Some(true) => Resolve::Always,
        Some(false) => Resolve::Never,
    };
    let rules = ImageRules {
        resolve,
        forbid_mutable_tags: reader.flag("forbid-mutable-tags", inputs.forbid_mutable_tags.as_deref()).unwrap_or(false),
        scan: scan_gate(inputs, reader),
        promote_tags: inputs
            .promote_tags
            .as_deref()
            .and_then(|text| reader.keep(promote_tags(text)))
            .unwrap_or_default(),
    };
    if resolve == Resolve::Never {
        let is_gated = rules.scan.action != GateAction::Off;
        let needy = [
            ("forbid-mutable-tags", rules.forbid_mutable_tags),
            ("scan-gate", is_gated),
            ("promote-tags", !rules.promote_tags.is_empty()),
        ];
        for (input, _) in needy.into_iter().filter(|(_, needs)| *needs) {
            let remedy = "leave `resolve-image-digest` out";
            reader.errors.push(InputError::new(
                input,
                "it is about an image whose digest shall not be resolved",
                remedy,
            ));
        }
    }
    rules
}

impl Spec {
    /// The images in Amazon ECR that the request names, each as its registry and its repository.
    pub fn named_in_ecr(&self) -> Vec<(EcrRegistry, String)> {
        let Overrides { image, images, .. } = &self.overrides;
        let inputs = image.iter().chain(images.iter().map(|(_, image)| image)).cloned();
        let of_the_file = match &self.source {
            Source::Document(document) => {
                // What cannot be rendered is refused before its images are looked at.
                let document = render(document, &self.overrides).unwrap_or_else(|_refused_later| document.clone());
                document.images().into_iter().map(|(_, image)| image.to_owned()).collect()
            }
            Source::Running | Source::Registered(_) => Vec::new(),
        };
        let in_ecr = |image: String| match image.parse::<ImageReference>().ok()? {
            ImageReference { registry: Registry::Ecr(registry), repository, .. } => Some((registry, repository)),
            _ => None,
        };
        let of_the_model = self.endpoint.iter().filter_map(|endpoint| endpoint.model.image.clone());
        let of_a_registration = self.registration.iter().map(|registration| registration.image.clone());
        inputs.chain(of_the_file).chain(of_the_model).chain(of_a_registration).filter_map(in_ecr).collect()
    }

    /// Tags that would be put on an image of which nobody knows whether it runs.
    pub(super) fn premature_promotion(&self) -> Option<InputError> {
        let (waits, input) = match (&self.mode, &self.one_off) {
            (Mode::RunTask, Some(task)) => (task.wait, "wait-for-task-stopped"),
            _ => (self.wait, "wait-for-service-stability"),
        };
        (!waits && !self.images.promote_tags.is_empty()).then(|| {
            InputError::new(
                "promote-tags",
                format!("nobody is there to see whether the image runs, because `{input}` is false"),
                "wait, or leave this input out",
            )
        })
    }
}

fn scan_gate(inputs: &Inputs, reader: &mut Reader) -> ScanGate {
    let usual = ScanGate::default();
    let choices = [("off", GateAction::Off), ("warn", GateAction::Warn), ("fail", GateAction::Fail)];
    let action = inputs.scan_gate.as_deref().and_then(|text| reader.keep(field::choice("scan-gate", text, &choices)));
    let thresholds = inputs.scan_thresholds.as_deref().and_then(|text| reader.keep(thresholds(text)));
    let ignore = inputs.scan_ignore.as_deref().and_then(|text| reader.keep(ignore(text)));
    let only_fixable = reader.flag("scan-only-fixable", inputs.scan_only_fixable.as_deref());
    let wait_for = inputs
        .scan_wait_minutes
        .as_deref()
        .and_then(|text| reader.keep(field::minutes_or_none("scan-wait-minutes", text, SCAN_WAIT_MINUTES_MOST)));
    ScanGate {
        action: action.unwrap_or_default(),
        thresholds: thresholds.unwrap_or(usual.thresholds),
        ignore: ignore.unwrap_or_default(),
        only_fixable: only_fixable.unwrap_or(false),
        wait_for: wait_for.unwrap_or(usual.wait_for),
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn thresholds(text: &str) -> Result<Vec<(FindingSeverity, u32)>, InputError> {
    let wrong = |line: &str| {
        let remedy = "write lines of `severity=number`, with the severities critical, high, medium, low, informational and undefined";
        InputError::new("scan-thresholds", format!("`{line}` is no threshold"), remedy)
    };
    let mut thresholds = Vec::new();
    for line in lines(text) {
        let (word, number) = line.split_once('=').ok_or_else(|| wrong(line))?;
        let word = word.trim();
        let severity = FindingSeverity::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(word));
        let (Some(severity), Ok(allowed)) = (severity, number.trim().parse()) else { return Err(wrong(line)) };
        if thresholds.iter().any(|(other, _)| *other == severity) {
            let problem = format!("`{severity}` has two thresholds");
            return Err(InputError::new("scan-thresholds", problem, "write each severity once"));
        }
        thresholds.push((severity, allowed));
    }
    Ok(thresholds)
}

/// `CVE-2026-1234 reason`, or `CVE-2026-1234 until 2026-12-31 reason`.
fn ignore(text: &str) -> Result<Vec<Ignored>, InputError> {
    let remedy = "write one `CVE-… reason` or `CVE-… until YYYY-MM-DD reason` a line";
    let wrong = |problem: String| InputError::new("scan-ignore", problem, remedy);
    let one = |line: &str| {
        let (id, rest) = split_word(line);
        let (until, reason) = match split_word(rest) {
            ("until", rest) => {
                let (day, reason) = split_word(rest);
                let day = day.parse::<Date>().map_err(|_not_a_day| wrong(format!("`{day}` is no day")))?;
                (Some(day), reason)
            }
            _ => (None, rest),
        };
        if reason.is_empty() {
            return Err(wrong(format!("`{id}` is ignored without a reason")));
        }
        Ok(Ignored { id: id.to_owned(), until, reason: reason.to_owned() })
    };
    lines(text).map(one).collect()
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn promote_tags(text: &str) -> Result<Vec<String>, InputError> {
    let mut tags = field::list(text);
    if let Some(tag) = tags.iter().find(|tag| !is_tag(tag)) {
        let remedy = "write tags alone, without an image before them: letters, digits, `_`, `.` and `-`, up to 128";
        return Err(InputError::new("promote-tags", format!("`{tag}` is no tag"), remedy));
    }
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_severity_and_a_number() {
        let read = thresholds("critical=0\n  HIGH = 5 \n\n# later: medium=9\nundefined=1").unwrap();
        assert_eq!(read, [(FindingSeverity::Critical, 0), (FindingSeverity::High, 5), (FindingSeverity::Undefined, 1)]);
        for wrong in ["critical", "critical=-1", "critical=few", "grave=0", "high=1\nHigh=2"] {
            assert!(thresholds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_ignored_has_a_reason_and_may_have_an_end() {
        let read =
            ignore("CVE-2026-1 not reachable from here\n  CVE-2026-2   until 2026-12-31  fixed upstream ").unwrap();
        let until = Some(jiff::civil::date(2026, 12, 31));
        let ignored = |id: &str, until, reason: &str| Ignored { id: id.into(), until, reason: reason.into() };
        assert_eq!(
            read,
            [ignored("CVE-2026-1", None, "not reachable from here"), ignored("CVE-2026-2", until, "fixed upstream")]
        );
        for wrong in ["CVE-2026-1", "CVE-2026-1 until 2026-12-31", "CVE-2026-1 until soon because", "CVE-2026-1 until"]
        {
            assert!(ignore(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_to_promote_to_are_tags_each_once() {
        assert_eq!(promote_tags("stable, prod\nstable").unwrap(), ["stable", "prod"]);
        for wrong in ["web:stable", "sta ble", ".stable"] {
            assert!(promote_tags(wrong).is_err(), "{wrong}");
        }
    }
}
