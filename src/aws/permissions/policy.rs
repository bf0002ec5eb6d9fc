//! The policy that allows exactly what inputs need.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Condition, Grant, Operation, Place};
use crate::spec::Spec;

/// An identity-based policy of IAM.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

/// One statement, which allows something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    effect: &'static str,
    action: Vec<String>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    condition: Map<String, Value>,
}

impl Policy {
    /// What the calls need that are made for `spec`: grants on the same things are one statement.
    pub fn for_spec(spec: &Spec, place: &Place) -> Self {
        let mut statement: Vec<Statement> = Vec::new();
        let grants = Operation::ALL.iter().flat_map(|operation| operation.grants());
        for grant in grants.filter(|grant| grant.when.holds(spec)) {
            let next = Statement::of(grant, place);
            // Nothing of the kind is named.
            if next.resource.is_empty() {
                continue;
            }
            match statement.iter_mut().find(|had| (&had.resource, &had.condition) == (&next.resource, &next.condition))
            {
                Some(had) if had.action.contains(&next.action[0]) => {}
                Some(had) => had.action.extend(next.action),
                None => statement.push(next),
            }
        }
        Self { version: "2012-10-17", statement }
    }
}

impl Statement {
    /// What allows an action that is not in the table, on nothing yet.
    pub(in crate::aws) fn allowing(action: &str) -> Self {
        Self { effect: "Allow", action: vec![action.to_owned()], resource: Vec::new(), condition: Map::new() }
    }

    /// The same on this resource, if there is one.
    #[must_use]
    pub(in crate::aws) fn on(self, resource: Option<&str>) -> Self {
        match resource {
            Some(resource) => Self { resource: vec![resource.to_owned()], ..self },
            None => self,
        }
    }

    /// What allows one grant.
    pub fn of(grant: &Grant, place: &Place) -> Self {
        Self {
            effect: "Allow",
            action: vec![grant.action.to_owned()],
            resource: grant.on.iter().flat_map(|resource| place.arns(*resource)).collect(),
            condition: grant.condition.map(|condition| condition.written(place)).unwrap_or_default(),
        }
    }
}

impl Condition {
    /// As it stands in a statement.
    fn written(self, place: &Place) -> Map<String, Value> {
        let (operator, key, value) = self.parts(place);
        [(operator.to_owned(), json!({ key: value }))].into_iter().collect()
    }

    /// The same for a reader of the documentation.
    pub fn words(self, place: &Place) -> String {
        let (_, key, value) = self.parts(place);
        format!("{key} = {value}")
    }

    /// Its operator, key and value.
    fn parts(self, place: &Place) -> (&'static str, &'static str, String) {
        match self {
            Self::InCluster => ("ArnEquals", "ecs:cluster", place.cluster()),
            Self::InOriginCluster => ("ArnEquals", "ecs:cluster", place.origin_cluster()),
            Self::PassedTo(service) => ("StringEquals", "iam:PassedToService", service.to_owned()),
            Self::MadeBy(operation) => ("StringEquals", "ecs:CreateAction", operation.to_owned()),
            Self::ForAws => ("Bool", "kms:GrantIsForAWSResource", "true".to_owned()),
        }
    }
}
