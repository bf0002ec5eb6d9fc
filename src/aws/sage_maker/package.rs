//! Versions of model package groups, as they are listed.

/// A version of a model package group, as ListModelPackages shows it.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageSummary.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelPackage {
    /// Its ARN.
    pub arn: String,
    /// Its number within the group.
    pub version: i32,
    /// Whether somebody approved it: `Approved`, `Rejected` or `PendingManualApproval`.
    pub approval: String,
    /// What whoever registered it wrote about it: text from outside.
    pub description: String,
    /// Whether it is complete: `Completed`, `Pending`, `InProgress`, `Failed` or `Deleting`.
    pub status: String,
}

impl ModelPackage {
    /// Whether it can be deployed.
    pub fn is_deployable(&self) -> bool {
        self.approval == "Approved" && self.status == "Completed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_approved_and_complete_can_be_deployed() {
        for (approval, status, expected) in [
            ("Approved", "Completed", true),
            ("Approved", "InProgress", false),
            ("PendingManualApproval", "Completed", false),
            ("Rejected", "Completed", false),
            ("", "", false),
        ] {
            let (approval, status) = (approval.to_owned(), status.to_owned());
            let package = ModelPackage { version: 1, approval, status, ..ModelPackage::default() };
            assert_eq!(package.is_deployable(), expected, "{package:?}");
        }
    }
}
