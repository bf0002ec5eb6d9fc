//! What goes with a deployment: where its images come from, what moves along with it, and what it makes superfluous.

use super::field;
use super::from_inputs::resource;
use super::{InputError, Origin};
use crate::runner::Inputs;
use crate::text::last_part;

/// The service from which `mode: promote`, or a plan of it, takes the images. `promotes` is whether that is the mode, `plans`
/// whether only a plan is wanted; `cluster` and `service` are what is deployed to.
pub(super) fn origin(
    inputs: &Inputs,
    (promotes, plans): (bool, bool),
    (cluster, service): (&str, &str),
) -> Result<Option<Origin>, InputError> {
    let Some(from) = inputs.from_service.as_deref() else {
        return match inputs.from_cluster {
            Some(_) => Err(InputError::new(
                "from-cluster",
                "it says where a service is, and none is named",
                "name the service in `from-service`",
            )),
            None if promotes => Err(InputError::new(
                "from-service",
                "`mode: promote` needs to know from where",
                "name the service whose images shall be deployed",
            )),
            None => Ok(None),
        };
    };
    if !promotes && !plans {
        return Err(InputError::new(
            "from-service",
            "it says where images come from, and `mode` is not `promote`",
            "set `mode: promote`, or `mode: plan` to see what that would do",
        ));
    }
    for (input, value) in [("image", &inputs.image), ("images", &inputs.images)] {
        if value.is_some() {
            let problem = "the images are those of `from-service`";
            return Err(InputError::new(input, problem, "leave one of the two out"));
        }
    }
    let arn = named("from-service", "service", from)?;
    let here = service.parse::<super::Arn>().ok().map(|arn| (arn.region, Some(arn.account)));
    let here = here.or_else(|| inputs.aws_region.clone().map(|region| (region, None)));
    if let (Some(arn), Some((region, account))) = (&arn, here)
        && (arn.region != region || account.is_some_and(|account| account != arn.account))
    {
        return Err(InputError::new(
            "from-service",
            format!("`{from}` is in another region or account than what is deployed to"),
            "name a service of the same region and account: one set of credentials is used for both",
        ));
    }
    let within = arn.as_ref().and_then(|arn| arn.name().split_once('/')).map(|(cluster, _)| cluster.to_owned());
    if let Some(cluster) = inputs.from_cluster.as_deref() {
        named("from-cluster", "cluster", cluster)?;
    }
    let from_cluster = inputs.from_cluster.clone().or(within).unwrap_or_else(|| cluster.to_owned());
    if last_part(&from_cluster) == last_part(cluster) && last_part(from) == last_part(service) {
        return Err(InputError::new(
            "from-service",
            "it is the very service that is deployed to",
            "name another service, or another cluster in `from-cluster`",
        ));
    }
    Ok(Some(Origin { cluster: from_cluster, service: from.to_owned() }))
}

fn named(input: &'static str, kind: &'static str, text: &str) -> Result<Option<super::Arn>, InputError> {
    resource(kind, text).map_err(|error| InputError { input, ..error })
}

/// How many revisions to keep.
pub(super) fn keep_revisions(text: &str) -> Result<usize, InputError> {
    let remedy = "write how many of the family's newest revisions to keep, 1 or more";
    match field::number::<usize>("keep-revisions", text, remedy)? {
        0 => Err(InputError::new("keep-revisions", "the revision that was just deployed is one to keep", remedy)),
        number => Ok(number),
    }
}

/// Names of rules: up to 64 letters, digits, dots, hyphens and underscores. Rules with a schedule are on the default event bus.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>
pub(super) fn scheduled_rules(text: &str, waits: bool) -> Result<Vec<String>, InputError> {
    const INPUT: &str = "scheduled-rules";
    let mut rules = field::list(text);
    rules.sort();
    rules.dedup();
    let is_name =
        |rule: &String| rule.len() <= 64 && rule.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    if let Some(wrong) = rules.iter().find(|rule| !is_name(rule)) {
        return Err(InputError::new(
            INPUT,
            format!("`{wrong}` is not a rule's name"),
            "write the names of EventBridge rules, between commas or one a line",
        ));
    }
    if !rules.is_empty() && !waits {
        return Err(InputError::new(
            INPUT,
            "rules move when the rollout has succeeded, and `wait-for-service-stability` is false",
            "wait, or leave this input out",
        ));
    }
    Ok(rules)
}
