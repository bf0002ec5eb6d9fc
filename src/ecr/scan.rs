//! Whether what a scan found keeps an image from being deployed. Pure: no client, no clock.

use jiff::civil::Date;

use crate::aws::ecr::{Finding, Scan};
use crate::cycle::Table;
use crate::spec::{FindingSeverity, ScanGate};

/// How many findings are listed one by one.
const MAX_LISTED: usize = 10;

/// What one look at a scan means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    Running,
    /// It is over.
    Finished,
    /// It is over and found nothing, which may change: the findings of Amazon Inspector come some time after the status.
    ///
    /// <https://github.com/aws/aws-sdk/issues/289>
    Empty,
    /// There will be no findings, for this reason.
    None(String),
}

/// What the status of a scan means. The words of basic scanning and of Amazon Inspector are the same list, and which of the
/// two it was is known by the kind of findings alone.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html>
pub(super) fn progress(scan: &Scan) -> Progress {
    match scan.status.as_str() {
        "COMPLETE" | "ACTIVE" if scan.listed == 0 => Progress::Empty,
        "COMPLETE" | "ACTIVE" => Progress::Finished,
        "FAILED"
        | "UNSUPPORTED_IMAGE"
        | "SCAN_ELIGIBILITY_EXPIRED"
        | "FINDINGS_UNAVAILABLE"
        | "LIMIT_EXCEEDED"
        | "IMAGE_ARCHIVED"
        | "IMAGE_SIZE_EXCEEDED" => {
            let explanation = scan.explanation.as_ref().map(|explanation| format!(": {explanation}"));
            Progress::None(format!("its scan is {}{}", scan.status, explanation.unwrap_or_default()))
        }
        // PENDING, IN_PROGRESS, and words of tomorrow.
        _ => Progress::Running,
    }
}

/// What counts of one severity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    severity: FindingSeverity,
    found: usize,
    ignored: usize,
    without_fix: usize,
    allowed: Option<u32>,
}

impl Row {
    const fn counted(&self) -> usize {
        self.found - self.ignored - self.without_fix
    }

    fn is_over(&self) -> bool {
        self.allowed.is_some_and(|allowed| self.counted() > usize::try_from(allowed).unwrap_or(usize::MAX))
    }
}

/// A judgement on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    rows: Vec<Row>,
    /// Those that count in a severity that is over its threshold, the worst first.
    listed: Vec<Finding>,
}

/// Judges what was found. `today` decides which exceptions still hold.
pub(super) fn judge(findings: &[Finding], gate: &ScanGate, today: Date) -> Judgement {
    let is_ignored = |finding: &Finding| {
        let holds = |until: Option<Date>| until.is_none_or(|until| today <= until);
        gate.ignore.iter().any(|it| it.id.eq_ignore_ascii_case(&finding.id) && holds(it.until))
    };
    // What is not known to have no fix may have one.
    let lacks_fix = |finding: &Finding| gate.only_fixable && finding.has_fix == Some(false);
    let row = |severity| {
        let here = findings.iter().filter(|finding| finding.severity == severity);
        let (mut found, mut ignored, mut without_fix) = (0, 0, 0);
        for finding in here {
            found += 1;
            if is_ignored(finding) {
                ignored += 1;
            } else if lacks_fix(finding) {
                without_fix += 1;
            }
        }
        let allowed = gate.thresholds.iter().find(|(it, _)| *it == severity).map(|(_, allowed)| *allowed);
        Row { severity, found, ignored, without_fix, allowed }
    };
    let rows: Vec<Row> = FindingSeverity::ALL.into_iter().map(row).collect();
    let over = |severity| rows.iter().any(|row| row.severity == severity && row.is_over());
    let mut listed: Vec<Finding> = findings
        .iter()
        .filter(|finding| over(finding.severity) && !is_ignored(finding) && !lacks_fix(finding))
        .cloned()
        .collect();
    listed.sort_by(|left, right| (left.severity, &left.id).cmp(&(right.severity, &right.id)));
    Judgement { rows, listed }
}

impl Judgement {
    /// What is over its threshold, in words; `None` when nothing is.
    pub(super) fn complaint(&self) -> Option<String> {
        let over: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.is_over())
            .map(|row| format!("{} {} (allowed: {})", row.counted(), row.severity, row.allowed.unwrap_or_default()))
            .collect();
        let ids: Vec<&str> = self.listed.iter().map(|finding| finding.id.as_str()).take(MAX_LISTED).collect();
        let more = self.listed.len().saturating_sub(MAX_LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!over.is_empty()).then(|| format!("{}: {}{more}", over.join(", "), ids.join(", ")))
    }

    /// The severities of which there is something to say.
    pub(super) fn table(&self, image: &str) -> Table {
        let told = self.rows.iter().filter(|row| row.found > 0 || row.allowed.is_some());
        Table::new(
            format!("Scan of {image}"),
            ["Severity", "Found", "Ignored", "Without a fix", "Allowed", ""],
            told.map(|row| {
                let allowed = row.allowed.map_or_else(|| "any".to_owned(), |allowed| allowed.to_string());
                let verdict = if row.is_over() { "too many" } else { "" };
                [
                    row.severity.to_string(),
                    row.found.to_string(),
                    row.ignored.to_string(),
                    row.without_fix.to_string(),
                    allowed,
                    verdict.to_owned(),
                ]
            }),
        )
    }

    /// The findings that are too many, one by one; `None` when there are none.
    pub(super) fn list(&self, image: &str) -> Option<Table> {
        let fix = |has_fix| match has_fix {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        let rows = self.listed.iter().take(MAX_LISTED).map(|finding| {
            let package = finding.package.clone().unwrap_or_default();
            [finding.id.clone(), finding.severity.to_string(), package, fix(finding.has_fix).to_owned()]
        });
        let title = format!("Findings in {image}");
        (!self.listed.is_empty()).then(|| Table::new(title, ["Finding", "Severity", "Package", "Fix"], rows))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::spec::Ignored;

    fn finding(id: &str, severity: FindingSeverity, has_fix: Option<bool>) -> Finding {
        Finding { id: id.to_owned(), severity, package: None, has_fix }
    }

    fn scan(status: &str, listed: usize) -> Scan {
        Scan { status: status.to_owned(), listed, ..Scan::default() }
    }

    #[test]
    fn a_scan_is_over_when_amazon_says_so_and_empty_only_perhaps() {
        for (status, findings, expected) in [
            ("COMPLETE", 1, Progress::Finished),
            ("ACTIVE", 1, Progress::Finished),
            ("COMPLETE", 0, Progress::Empty),
            ("ACTIVE", 0, Progress::Empty),
            ("PENDING", 0, Progress::Running),
            ("IN_PROGRESS", 3, Progress::Running),
            ("A_WORD_OF_TOMORROW", 0, Progress::Running),
            ("", 0, Progress::Running),
        ] {
            assert_eq!(progress(&scan(status, findings)), expected, "{status}, {findings}");
        }
        for status in
            ["FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE", "LIMIT_EXCEEDED"]
        {
            assert!(matches!(progress(&scan(status, 0)), Progress::None(why) if why.contains(status)));
        }
    }

    #[test]
    fn findings_count_unless_they_are_ignored_or_have_no_fix() {
        let findings = [
            finding("CVE-1", FindingSeverity::Critical, Some(true)),
            finding("CVE-2", FindingSeverity::Critical, Some(false)),
            finding("CVE-3", FindingSeverity::Critical, None),
            finding("CVE-4", FindingSeverity::High, Some(true)),
        ];
        let ignored = |id: &str, until| Ignored { id: id.to_owned(), until, reason: "x".to_owned() };
        let today = date(2026, 7, 1);
        let usual = ScanGate::default();
        let allowing = |allowed| ScanGate { thresholds: vec![(FindingSeverity::Critical, allowed)], ..usual.clone() };
        let ignoring = |ignore| ScanGate { ignore, ..usual.clone() };
        for (gate, expected) in [
            (usual.clone(), Some("3 critical (allowed: 0): CVE-1, CVE-2, CVE-3")),
            (allowing(2), Some("3 critical (allowed: 2): CVE-1, CVE-2, CVE-3")),
            (allowing(3), None),
            (ScanGate { only_fixable: true, ..usual.clone() }, Some("2 critical (allowed: 0): CVE-1, CVE-3")),
            (ignoring(vec![ignored("cve-1", None)]), Some("2 critical (allowed: 0): CVE-2, CVE-3")),
            (ignoring(vec![ignored("CVE-1", Some(today))]), Some("2 critical (allowed: 0): CVE-2, CVE-3")),
            (
                ignoring(vec![ignored("CVE-1", Some(date(2026, 6, 30)))]),
                Some("3 critical (allowed: 0): CVE-1, CVE-2, CVE-3"),
            ),
            (
                ScanGate {
                    thresholds: vec![(FindingSeverity::High, 0), (FindingSeverity::Critical, 0)],
                    only_fixable: true,
                    ..usual.clone()
                },
                Some("2 critical (allowed: 0), 1 high (allowed: 0): CVE-1, CVE-3, CVE-4"),
            ),
            (ScanGate { thresholds: vec![], ..usual.clone() }, None),
        ] {
            assert_eq!(judge(&findings, &gate, today).complaint().as_deref(), expected, "{gate:?}");
        }
    }

    #[test]
    fn nothing_found_is_nothing_to_complain_of() {
        let judgement = judge(&[], &ScanGate::default(), date(2026, 7, 1));
        assert_eq!((judgement.complaint(), judgement.list("web")), (None, None));
        assert_eq!(judgement.table("web").rows, [["critical", "0", "0", "0", "0", ""]]);
    }
}
