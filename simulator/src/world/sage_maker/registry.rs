//! The model registry: what versions of a model are, and how they come to be complete.

use serde_json::{Map, Value, json};

use super::{Made, invalid};
use crate::wire::Refusal;
use crate::world::World;

impl World {
    pub(crate) fn model_package_group(&self, name: &str) -> Result<&Made, Refusal> {
        self.sage_maker.groups.get(name).ok_or_else(|| {
            let arn = self.sage_maker_arn("model-package-group", name);
            invalid(format!("ModelPackageGroup {arn} does not exist."))
        })
    }

    pub(crate) fn model_package(&self, arn: &str) -> Result<&Made, Refusal> {
        let found = self.sage_maker.packages.iter().find(|package| package.arn == arn);
        found.ok_or_else(|| invalid(format!("ModelPackage {arn} does not exist.")))
    }

    /// The versions of a group.
    pub(crate) fn model_packages(&self, group: &str) -> Vec<&Made> {
        self.sage_maker.packages.iter().filter(|package| package.document["ModelPackageGroupName"] == group).collect()
    }

    /// The next version of a group, as it was asked for.
    pub(crate) fn create_model_package(&mut self, group: &str, document: &Value) -> String {
        let versions = self.model_packages(group).into_iter();
        let last = versions.filter_map(|package| package.document["ModelPackageVersion"].as_u64()).max();
        self.put_model_package(group, last.unwrap_or_default() + 1, document)
    }

    /// A version that has been complete for long, unless its document says otherwise.
    pub(crate) fn add_model_package(&mut self, group: &str, version: u64, document: &Value) -> String {
        let mut document = document.clone();
        if document["ModelPackageStatus"].is_null() {
            document["ModelPackageStatus"] = json!("Completed");
        }
        self.put_model_package(group, version, &document)
    }

    fn put_model_package(&mut self, group: &str, version: u64, document: &Value) -> String {
        if !self.sage_maker.groups.contains_key(group) {
            let arn = self.sage_maker_arn("model-package-group", group);
            let mut document = Map::new();
            document.insert("ModelPackageGroupName".to_owned(), json!(group));
            let made = Made { name: group.to_owned(), arn, document, at: self.now };
            self.sage_maker.groups.insert(group.to_owned(), made);
        }
        let name = format!("{group}/{version}");
        let arn = self.sage_maker_arn("model-package", &name);
        let mut document = document.as_object().cloned().unwrap_or_default();
        document.insert("ModelPackageGroupName".to_owned(), json!(group));
        document.insert("ModelPackageVersion".to_owned(), json!(version));
        document.entry("ModelApprovalStatus").or_insert_with(|| json!("PendingManualApproval"));
        self.sage_maker.packages.push(Made { name, arn: arn.clone(), document, at: self.now });
        arn
    }

    /// As DescribeModelPackage shows it. The digest of each image is found while the version is made.
    pub(crate) fn model_package_document(&self, package: &Made) -> Value {
        let mut document = self.made_document(package, "ModelPackageArn");
        document["ModelPackageName"] = document["ModelPackageGroupName"].clone();
        let failure = self.scenario.registration_failure.as_deref();
        if document["ModelPackageStatus"].is_null() {
            document["ModelPackageStatus"] = json!(match failure {
                _ if self.now < package.at + self.scenario.registration => "InProgress",
                Some(_) => "Failed",
                None => "Completed",
            });
        }
        let status = &document["ModelPackageStatus"];
        let validation = match (status == "Failed", failure) {
            (true, reason) => {
                json!([{"Name": "Validation", "Status": "Failed", "FailureReason": reason.unwrap_or("")}])
            }
            (false, _) => json!([]),
        };
        document["ModelPackageStatusDetails"] = json!({"ValidationStatuses": validation});
        for container in document["InferenceSpecification"]["Containers"].as_array_mut().into_iter().flatten() {
            let image = self.resolved(container["Image"].as_str().unwrap_or_default());
            container["ImageDigest"] = json!(image.split_once('@').map(|(_, digest)| digest));
        }
        document
    }
}
