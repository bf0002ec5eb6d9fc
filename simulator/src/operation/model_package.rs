//! Amazon SageMaker's model registry: groups of model packages, and their versions.

use std::time::Duration;

use serde_json::{Value, json};

use super::sage_maker::{make, page};
use super::{Answer, text, unknown};
use crate::wire::Refusal;
use crate::world::{Made, World, invalid};

/// How long a client token is remembered. The API reference says that a token makes a call idempotent, and not for how long.
const TOKEN_LIFE: Duration = Duration::from_secs(8 * 3600);

pub(super) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "CreateModelPackageGroup" => create_group(world, request),
        "DescribeModelPackageGroup" => {
            let group = world.model_package_group(text(request, "ModelPackageGroupName"))?;
            let mut document = world.made_document(group, "ModelPackageGroupArn");
            document["ModelPackageGroupStatus"] = json!("Completed");
            document["CreatedBy"] = json!({});
            Ok(document)
        }
        "DeleteModelPackageGroup" => delete_group(world, request),
        "CreateModelPackage" => create(world, request),
        "UpdateModelPackage" => update(world, request),
        "DescribeModelPackage" => describe(world, request),
        "ListModelPackages" => list(world, request),
        _ => unknown(operation),
    }
}

fn create_group(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "ModelPackageGroupName");
    if let Ok(there) = world.model_package_group(name) {
        return Err(invalid(format!("Model Package Group already exists: {}", there.arn)));
    }
    let group = make(world, "model-package-group", name, request);
    let arn = group.arn.clone();
    world.sage_maker.groups.insert(name.to_owned(), group);
    Ok(json!({"ModelPackageGroupArn": arn}))
}

fn delete_group(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "ModelPackageGroupName");
    let arn = world.model_package_group(name)?.arn.clone();
    if !world.model_packages(name).is_empty() {
        // That it has to be empty is in the API reference; the words were not found.
        let message = format!("Model Package Group {arn} cannot be deleted because it still contains Model Packages.");
        return Err(Refusal::new("ConflictException", message));
    }
    world.sage_maker.groups.remove(name);
    Ok(Value::Null)
}

/// Only versions of a group are made here.
fn create(world: &mut World, request: &Value) -> Answer {
    let group = text(request, "ModelPackageGroupName");
    if group.is_empty() {
        return Err(invalid("Missing ARN."));
    }
    world.model_package_group(group)?;
    if request["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
        // "In this case, you cannot supply a tag argument", says the API reference; the words of the error were not found.
        return Err(invalid("Tags cannot be given for a model package that belongs to a model package group."));
    }
    let token = request["ClientToken"].as_str().map(str::to_owned);
    let mut asked = request.clone();
    if let Some(members) = asked.as_object_mut() {
        members.remove("ClientToken");
    }
    let known = token.as_ref().and_then(|token| world.sage_maker.tokens.get(token));
    if let Some((at, before, arn)) = known
        && world.now < *at + TOKEN_LIFE
    {
        if *before == asked {
            return Ok(json!({"ModelPackageArn": arn}));
        }
        // Nothing says what happens then.
        return Err(invalid("The client token was used with other parameters."));
    }
    let arn = world.create_model_package(group, &asked);
    if let Some(token) = token {
        world.sage_maker.tokens.insert(token, (world.now, asked, arn.clone()));
    }
    Ok(json!({"ModelPackageArn": arn}))
}

fn update(world: &mut World, request: &Value) -> Answer {
    let arn = text(request, "ModelPackageArn");
    world.model_package(arn)?;
    let Some(package) = world.sage_maker.packages.iter_mut().find(|package| package.arn == arn) else {
        return Err(invalid(format!("ModelPackage {arn} does not exist.")));
    };
    for member in ["ModelApprovalStatus", "ApprovalDescription", "ModelLifeCycle"] {
        if !request[member].is_null() {
            package.document.insert(member.to_owned(), request[member].clone());
        }
    }
    Ok(json!({"ModelPackageArn": arn}))
}

fn describe(world: &World, request: &Value) -> Answer {
    let package = world.model_package(text(request, "ModelPackageName"))?;
    Ok(world.model_package_document(package))
}

fn list(world: &World, request: &Value) -> Answer {
    let (group, approval) = (text(request, "ModelPackageGroupName"), request["ModelApprovalStatus"].as_str());
    world.model_package_group(group)?;
    let mut packages: Vec<&Made> = world.model_packages(group);
    packages.sort_by_key(|package| package.at);
    // The documented default, of which AWS's own samples assume the contrary.
    if request["SortOrder"] == "Descending" {
        packages.reverse();
    }
    // A page is cut before it is filtered: it may be empty and not be the last.
    let items = packages.into_iter().map(|package| world.model_package_document(package)).collect();
    let mut answer = page("ModelPackageSummaryList", items, request);
    if let Some(page) = answer["ModelPackageSummaryList"].as_array_mut() {
        page.retain(|package| approval.is_none_or(|approval| package["ModelApprovalStatus"] == approval));
        for package in page {
            const MEMBERS: [&str; 8] = [
                "ModelPackageArn",
                "ModelPackageGroupName",
                "ModelPackageVersion",
                "ModelPackageStatus",
                "ModelApprovalStatus",
                "ModelPackageDescription",
                "ModelLifeCycle",
                "CreationTime",
            ];
            if let Some(members) = package.as_object_mut() {
                members.retain(|member, _| MEMBERS.contains(&member.as_str()));
            }
        }
    }
    Ok(answer)
}
