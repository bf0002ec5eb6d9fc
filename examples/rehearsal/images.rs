//! Images in Amazon ECR.

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use simulator::{Image, Simulator};

use crate::stage::{DEPLOY, HEALTHY, NEW_IMAGE, Rehearsal, TASK_DEFINITION, account, new_image, repository, service};

pub(crate) const REHEARSALS: &[Rehearsal] = &[
    Rehearsal {
        name: "image-missing-in-registry",
        story: "An image that nobody pushed: the registry is asked, and nothing is changed.",
        inputs: DEPLOY,
        world: || with(None),
        outcome: "refused",
    },
    Rehearsal {
        name: "wrong-platform-in-registry",
        story: "An image index for x86 only, for tasks that run on ARM: its manifest says so, and nothing is changed.",
        inputs: DEPLOY,
        world: || with(Some(Image::index(vec![Image::new("2026-01-05", "linux", "amd64")]).tag("2026-01-05"))),
        outcome: "refused",
    },
    Rehearsal {
        name: "scan-gate",
        story: "The scan of the new image begins late, and finds more than is allowed.",
        inputs: GATED,
        world: scanned,
        outcome: "refused",
    },
    Rehearsal {
        name: "promotion",
        story: "The new image is tagged `production` once it runs.",
        inputs: PROMOTED,
        world: || with(Some(new_image())),
        outcome: "deployed",
    },
];

const GATED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("scan-gate", "fail"),
    ("scan-thresholds", "critical=0\nhigh=5"),
    ("scan-ignore", "CVE-2026-1002 until 2026-12-31 the parser is never called"),
];

const PROMOTED: &[(&str, &str)] = &[
    ("task-definition", TASK_DEFINITION),
    ("container-name", "web"),
    ("image", NEW_IMAGE),
    ("cluster", "production"),
    ("service", "web"),
    ("promote-tags", "production"),
];

/// A registry that holds `new` as the new image.
fn with(new: Option<Image>) -> Result<Simulator, Box<dyn Error>> {
    let simulator = Simulator::new(account(HEALTHY));
    simulator.add_service(service()?);
    simulator.add_repository(repository(new));
    Ok(simulator)
}

fn scanned() -> Result<Simulator, Box<dyn Error>> {
    let finding = |id: &str, severity: &str, package: &str, fix: &str| {
        json!({
            "severity": severity,
            "status": "ACTIVE",
            "fixAvailable": fix,
            "packageVulnerabilityDetails": {
                "vulnerabilityId": id,
                "vulnerablePackages": [{"name": package, "version": "1.0.2"}],
            },
        })
    };
    let findings = json!({
        "enhancedFindings": [
            finding("CVE-2026-1001", "CRITICAL", "openssl", "YES"),
            finding("CVE-2026-1002", "CRITICAL", "libxml2", "NO"),
            finding("CVE-2026-1003", "HIGH", "zlib", "YES"),
        ],
        "findingSeverityCounts": {"CRITICAL": 2, "HIGH": 1},
    });
    let scanned = new_image()
        .scan(Duration::from_secs(10), "PENDING", json!({}))
        .scan(Duration::from_secs(30), "ACTIVE", json!({}))
        .scan(Duration::from_secs(40), "ACTIVE", findings);
    with(Some(scanned))
}
