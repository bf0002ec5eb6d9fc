//! What a look at a version means. Pure: no client, no clock.

use serde_json::Value;

use crate::aws::sage_maker::Document;
use crate::cycle::{Cause, Failure, Progress, Verdict};

/// A version that was just made may be missing from an answer; one that stays missing is not there.
const MISSING_LOOKS: u32 = 15;

/// `reasons` are those of a failure.
pub(super) fn judge(status: &str, reasons: Vec<String>, missing: u32) -> Verdict {
    match status {
        "" if missing >= MISSING_LOOKS => {
            Verdict::Failed(Failure::new(Cause::NotFound, "Amazon SageMaker does not know the version (any more)."))
        }
        "Completed" => Verdict::Done,
        "Failed" => {
            let told = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
            let reason = format!("Amazon SageMaker could not register the version: {}.", told.trim_end_matches('.'));
            Verdict::Failed(Failure::new(Cause::RegistrationFailed, reason))
        }
        "Deleting" => Verdict::Failed(Failure::new(Cause::Conflict, "Somebody deletes the version.")),
        // A status of the future may be one on the way.
        _ => Verdict::Pending,
    }
}

/// Why SageMaker failed a version: texts from outside.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageStatusDetails.html>
pub(super) fn reasons(package: &Document) -> Vec<String> {
    let details = package.get("ModelPackageStatusDetails").cloned().unwrap_or_default();
    let items = ["ValidationStatuses", "ImageScanStatuses"].map(|list| details[list].clone());
    let items = items.iter().filter_map(Value::as_array).flatten();
    let reason = |item: &Value| item["FailureReason"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    items.filter_map(reason).collect()
}

pub(super) fn progress(status: &str) -> Progress {
    Progress { state: status.to_owned(), ..Progress::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_status_means_one_thing() {
        for (status, missing, expected) in [
            ("Pending", 0, "pending"),
            ("InProgress", 0, "pending"),
            ("OfTheFuture", 0, "pending"),
            ("", MISSING_LOOKS - 1, "pending"),
            ("", MISSING_LOOKS, "not-found"),
            ("Completed", 0, "done"),
            ("Failed", 0, "registration-failed"),
            ("Deleting", 0, "conflict"),
        ] {
            let verdict = match judge(status, Vec::new(), missing) {
                Verdict::Pending => "pending".to_owned(),
                Verdict::Done => "done".to_owned(),
                Verdict::Failed(failure) => failure.cause.to_string(),
                verdict => format!("{verdict:?}"),
            };
            assert_eq!(verdict, expected, "{status} {missing}");
        }
    }

    #[test]
    fn reasons_are_where_sagemaker_puts_them() {
        let details = json!({
            "ValidationStatuses": [{"Name": "a", "Status": "Failed", "FailureReason": "It is broken."}, {"Name": "b", "Status": "Completed"}],
            "ImageScanStatuses": [{"Name": "c", "Status": "Failed", "FailureReason": ""}],
        });
        let package = json!({"ModelPackageStatusDetails": details}).as_object().cloned().unwrap();
        assert_eq!(reasons(&package), ["It is broken."]);
        assert!(reasons(&Document::new()).is_empty());
        let Verdict::Failed(failure) = judge("Failed", reasons(&package), 0) else { panic!("it failed") };
        assert_eq!(failure.reason, "Amazon SageMaker could not register the version: It is broken.");
    }
}
