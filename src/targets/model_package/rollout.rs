//! The version while SageMaker registers it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Request;
use super::judge::{judge, progress};
use super::plan::Draft;
use crate::aws::CallErrorKind;
use crate::aws::sage_maker::{Document, Reader};
use crate::cycle::{Failure, Look, Watch};
use crate::text::last_part;

/// A version on paper: names only, no values of variables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memo {
    group: String,
    /// Its ARN, once AWS told it.
    arn: Option<String>,
    /// What is written on it, by which it is found again.
    description: Option<String>,
    /// The versions that have the same written on them and are others.
    others: Vec<String>,
    /// What it is compared with.
    content: Document,
    decision: Option<(String, String)>,
}

/// A version while SageMaker registers it.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub(super) reader: Reader,
    pub(super) group: String,
    pub(super) arn: Option<String>,
    pub(super) description: Option<String>,
    pub(super) others: Vec<String>,
    /// CreateModelPackage's members; without the values of variables in the post step, which makes no version.
    pub(super) request: Document,
    /// The status that it gets once it is complete, and why.
    pub(super) decision: Option<(String, String)>,
    /// The last look.
    pub(super) last: Option<Document>,
    /// Looks in a row at which it was not there.
    missing: u32,
    /// Whether this is the post step, some time after the call that makes the version.
    pub(super) is_later: bool,
}

impl Rollout {
    pub(super) fn new(reader: Reader, request: &Request, draft: &Draft) -> Self {
        let memo = Memo {
            group: request.registration.group.clone(),
            arn: draft.found.as_ref().map(|found| found.arn.clone()),
            description: draft.description.clone(),
            others: draft.others.clone(),
            content: Document::new(),
            decision: draft.decision.clone(),
        };
        Self { request: draft.request.clone(), is_later: false, ..Self::recall(reader, memo) }
    }

    pub(super) fn memo(&self) -> Memo {
        Memo {
            group: self.group.clone(),
            arn: self.arn.clone(),
            description: self.description.clone(),
            others: self.others.clone(),
            content: without_values(&self.request),
            decision: self.decision.clone(),
        }
    }

    pub(super) fn recall(reader: Reader, memo: Memo) -> Self {
        let Memo { group, arn, description, others, content, decision } = memo;
        let (request, last, missing, is_later) = (content, None, 0, true);
        Self { reader, group, arn, description, others, request, decision, last, missing, is_later }
    }

    /// What a person calls it.
    pub(super) fn name(&self) -> String {
        let number = self.arn.as_deref().map_or("?", last_part);
        format!("Version {number} of {}", self.group)
    }

    /// Looks for a version of which AWS did not tell the ARN.
    pub(super) async fn find(&mut self) -> Result<(), Failure> {
        if let (None, Some(description)) = (&self.arn, &self.description) {
            let packages = self.reader.model_packages(&self.group).await?;
            let is_new = |arn: &String| !self.others.contains(arn);
            let found = packages.into_iter().find(|it| it.description == *description && is_new(&it.arn));
            self.arn = found.map(|found| found.arn);
        }
        Ok(())
    }
}

/// The request without the values of variables, which are nobody's business: that they are the same is in what the version is
/// found by.
fn without_values(request: &Document) -> Document {
    let mut content = request.clone();
    let containers = content.get_mut("InferenceSpecification").and_then(|it| it.get_mut("Containers"));
    for container in containers.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        container.remove("Environment");
    }
    content
}

impl Watch for Rollout {
    async fn look(&mut self) -> Result<Look, Failure> {
        self.find().await?;
        let described = match &self.arn {
            Some(arn) => self.reader.describe_model_package(arn).await.map(Some),
            None => Ok(None),
        };
        match described {
            Ok(Some(made)) => (self.last, self.missing) = (Some(made.document), 0),
            Ok(None) => self.missing += 1,
            Err(error) if error.kind == CallErrorKind::NotFound => self.missing += 1,
            Err(error) => return Err(error.into()),
        }
        let last = self.last.as_ref().filter(|_| self.missing == 0);
        let status = last.and_then(|last| last.get("ModelPackageStatus")).and_then(Value::as_str).unwrap_or_default();
        let verdict = judge(status, last.map(super::judge::reasons).unwrap_or_default(), self.missing);
        Ok(Look { verdict, progress: progress(status), said: Vec::new(), rest: None })
    }

    fn counts(&self) -> bool {
        false
    }
}
