//! Waits for scans, and judges them.

use jiff::civil::Date;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::resolved::Resolved;
use super::scan::{self, Progress};
use super::{advised, said};
use crate::aws::CallErrorKind;
use crate::aws::ecr::{Finding, Reader};
use crate::cycle::{Cause, Events, Failure, Kind};
use crate::spec::{GateAction, ScanGate};

/// How long a scan is left alone between looks at it, and how long before findings are believed to be none.
const PAUSE: Duration = Duration::from_secs(5);
const SECOND_LOOK: Duration = Duration::from_secs(15);
/// After how many looks to say that it still goes on.
const HEARTBEAT: u32 = 12;

/// An image to judge: the image as it was named, and the digests of what Amazon ECR scans of it. An index is not scanned, its
/// images are.
pub(super) struct Suspect<'a> {
    pub(super) image: &'a Resolved,
    pub(super) reader: Reader,
    pub(super) digests: Vec<String>,
}

/// Judges every image, and tells of each. A scan that is not there is not clean.
pub(super) async fn pass(
    suspects: &[Suspect<'_>],
    gate: &ScanGate,
    today: Date,
    events: &Events,
) -> Result<(), Failure> {
    let deadline = Instant::now() + gate.wait_for;
    let mut complaints = Vec::new();
    for Suspect { image, reader, digests } in suspects {
        let repository = &image.reference.repository;
        let mut findings: Vec<Finding> = Vec::new();
        let mut unscanned = None;
        for digest in digests {
            match findings_of(reader, repository, digest, deadline, events).await? {
                Ok(found) => findings.extend(found),
                Err(why) => unscanned = Some(why),
            }
        }
        if digests.is_empty() {
            unscanned = Some("it holds no image that could be scanned".to_owned());
        }
        if let Some(why) = unscanned {
            complaints.push(format!("{} was not scanned: {why}", image.written));
            continue;
        }
        // Images of one index share packages.
        findings.sort_by(|left, right| (&left.id, &left.package).cmp(&(&right.id, &right.package)));
        findings.dedup();
        let judgement = scan::judge(&findings, gate, today);
        let tables = [Some(judgement.table(&image.written)), judgement.list(&image.written)];
        tables.into_iter().flatten().for_each(|table| events.send(Kind::Tabulated(table)));
        complaints.extend(judgement.complaint().map(|complaint| format!("{} has {complaint}", image.written)));
    }
    if complaints.is_empty() {
        return Ok(());
    }
    let reason = format!("The scan does not let this through: {}.", complaints.join("; "));
    if gate.action == GateAction::Warn {
        events.warn(reason);
        return Ok(());
    }
    Err(Failure::new(Cause::ScanGate, reason).advise(
        "Mend the image; or name what is known and accepted in `scan-ignore`, with a reason; or raise `scan-thresholds`. \
         `docs/images.md` tells how scanning is turned on.",
    ))
}

/// The findings of one image, waited for; or why there are none, which is not the same as none.
async fn findings_of(
    reader: &Reader,
    repository: &str,
    digest: &str,
    deadline: Instant,
    events: &Events,
) -> Result<Result<Vec<Finding>, String>, Failure> {
    let mut looked_twice = false;
    let mut looks = 0_u32;
    loop {
        let (why, pause) = match reader.scan(repository, digest).await {
            Ok(scan) => match scan::progress(&scan) {
                Progress::Finished => return Ok(Ok(scan.findings)),
                Progress::Empty if looked_twice && scan.counted == 0 => return Ok(Ok(Vec::new())),
                // The counts are there before the findings are.
                Progress::Empty if looked_twice => ("its findings are not listed yet".to_owned(), PAUSE),
                Progress::Empty => {
                    looked_twice = true;
                    sleep(SECOND_LOOK).await;
                    continue;
                }
                Progress::None(why) => return Ok(Err(why)),
                Progress::Running => {
                    (format!("its scan is {}", if scan.status.is_empty() { "unknown" } else { &scan.status }), PAUSE)
                }
            },
            Err(error) if error.kind == CallErrorKind::NotFound => ("Amazon ECR has no scan of it".to_owned(), PAUSE),
            Err(error) if error.is_passing() => (said(&error), PAUSE),
            Err(error) if error.kind == CallErrorKind::Invalid => return Ok(Err(said(&error))),
            Err(error) => return Err(advised(error)),
        };
        if Instant::now() + pause > deadline {
            return Ok(Err(why));
        }
        if looks.is_multiple_of(HEARTBEAT) {
            events.note(format!("Waiting for the scan of {repository}: {why}."));
        }
        looks += 1;
        sleep(pause).await;
    }
}
