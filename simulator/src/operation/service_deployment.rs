//! Service deployments and service revisions.

use serde_json::{Value, json};

use super::{Answer, cluster, missing, text, texts};
use crate::wire::{Refusal, page, without_nulls};
use crate::world::{Status, World};

pub(super) fn describe(world: &mut World, request: &Value) -> Answer {
    let wanted = texts(request, "serviceDeploymentArns");
    if wanted.is_empty() || wanted.len() > 20 {
        return Err(Refusal::invalid("Service deployment ARNs must have between 1 and 20 members."));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let (services, around) = world.split();
    for arn in wanted {
        let mut all =
            services.iter().flat_map(|service| service.service_deployments.iter().map(move |each| (service, each)));
        match all.find(|(_, each)| each.arn == arn) {
            Some((service, each)) => found.push(each.document(service, &around)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

/// Newest first.
pub(super) fn list(world: &mut World, request: &Value) -> Answer {
    let cluster = cluster(world, request)?;
    let missing = || Refusal::new("ServiceNotFoundException", "Service not found.");
    let position = world.service_index(&cluster, text(request, "service")).ok_or_else(missing)?;
    let statuses = texts(request, "status");
    let (services, around) = world.split();
    let service = &services[position];
    let within = |moment: &Value| {
        let (after, before) = (request["createdAt"]["after"].as_f64(), request["createdAt"]["before"].as_f64());
        let moment = moment.as_f64().unwrap_or_default();
        after.is_none_or(|after| moment > after) && before.is_none_or(|before| moment < before)
    };
    let briefs = service
        .service_deployments
        .iter()
        .rev()
        .filter(|each| statuses.is_empty() || statuses.contains(&each.status.name()))
        .map(|each| each.brief(service, &around))
        .filter(|brief| within(&brief["createdAt"]))
        .collect();
    let (briefs, next) = page(briefs, request, 20)?;
    Ok(without_nulls(&json!({"serviceDeployments": briefs, "nextToken": next})))
}

/// Stops a service deployment that is under way (developer guide, "Stopping Amazon ECS service deployments").
pub(super) fn stop(world: &mut World, request: &Value) -> Answer {
    let arn = text(request, "serviceDeploymentArn");
    let (services, mut around) = world.split();
    let service = services.iter_mut().find(|service| service.service_deployments.iter().any(|each| each.arn == arn));
    let missing = || Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let service = service.ok_or_else(missing)?;
    let status = service.service_deployment_mut(arn).ok_or_else(missing)?.status;
    let answer = Ok(json!({"serviceDeploymentArn": arn}));
    let abort = request["stopType"] == "ABORT";
    match status {
        _ if status.finished() => Err(Refusal::new(
            "ConflictException",
            format!("The service deployment cannot be stopped because it is in the {} state.", status.name()),
        )),
        // What is stopping or going back already goes on with it.
        Status::StopRequested | Status::RollbackRequested | Status::RollbackInProgress => answer,
        // The enum has ABORT, the text does not describe it: the tasks that run are assumed to stay.
        _ if abort => {
            service.fail_in_place(arn, &mut around);
            answer
        }
        _ if !service.can_roll_back() => {
            Err(Refusal::new("ConflictException", "The service has no completed deployment to roll back to."))
        }
        _ => {
            service.ask_to_go_back(arn, &mut around);
            answer
        }
    }
}

/// Ends a pause (developer guide, "Continuing Amazon ECS service deployments"). Which error it is when nothing waits there the
/// API reference does not say; of those that it lists this one fits best.
pub(super) fn resume(world: &mut World, request: &Value) -> Answer {
    let (arn, hook) = (text(request, "serviceDeploymentArn"), text(request, "hookId"));
    let (services, mut around) = world.split();
    let service = services.iter_mut().find(|service| service.service_deployments.iter().any(|each| each.arn == arn));
    let missing = || Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let service = service.ok_or_else(missing)?;
    let current = service.service_deployment_mut(arn).ok_or_else(missing)?;
    let is_in_progress = current.status == Status::InProgress;
    if !current.shift.as_mut().is_some_and(|shift| is_in_progress && shift.resume(hook)) {
        return Err(Refusal::invalid(format!("The hook {hook} is not awaiting an action.")));
    }
    if request["action"] == "ROLLBACK" {
        service.ask_to_go_back(arn, &mut around);
    } else {
        service.look(&mut around);
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}

pub(super) fn describe_revisions(world: &mut World, request: &Value) -> Answer {
    let wanted = texts(request, "serviceRevisionArns");
    if wanted.is_empty() || wanted.len() > 20 {
        return Err(Refusal::invalid("Service revision ARNs must have between 1 and 20 members."));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let (services, around) = world.split();
    for arn in wanted {
        match services.iter().find_map(|service| Some((service, service.revision(arn)?))) {
            Some((service, revision)) => found.push(service.revision_document(revision, &around)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}
