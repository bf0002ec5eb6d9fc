//! Amazon SageMaker's operations.

use serde_json::{Map, Value, json};

use super::{Answer, model_package, text, texts, unknown};
use crate::wire::without_nulls;
use crate::world::{EndpointAsked, EndpointStatus as Status, Made, World, invalid};

pub(super) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    match operation {
        "CreateModel" => create_model(world, request),
        "DescribeModel" => world.model(text(request, "ModelName")).map(|model| world.made_document(model, "ModelArn")),
        "DeleteModel" => {
            let name = text(request, "ModelName");
            world.model(name)?;
            world.sage_maker.models.remove(name);
            Ok(Value::Null)
        }
        "CreateEndpointConfig" => create_config(world, request),
        "DescribeEndpointConfig" => world
            .endpoint_config(text(request, "EndpointConfigName"))
            .map(|config| world.made_document(config, "EndpointConfigArn")),
        // One that is in use can be deleted all the same, which breaks the endpoint's next update.
        "DeleteEndpointConfig" => {
            let name = text(request, "EndpointConfigName");
            world.endpoint_config(name)?;
            world.sage_maker.configs.remove(name);
            Ok(Value::Null)
        }
        "ListEndpointConfigs" => list_configs(world, request),
        "CreateEndpoint" => create_endpoint(world, request),
        "UpdateEndpoint" => update_endpoint(world, request),
        "DescribeEndpoint" => {
            world.endpoint(text(request, "EndpointName")).map(|endpoint| world.endpoint_document(endpoint))
        }
        "DeleteEndpoint" => delete_endpoint(world, request),
        "ListEndpoints" => list_endpoints(world, request),
        "UpdateEndpointWeightsAndCapacities" => scale(world, request),
        _ if operation.contains("ModelPackage") => model_package::perform(world, operation, request),
        "AddTags" => add_tags(world, request),
        "DeleteTags" => {
            let gone = texts(request, "TagKeys");
            if let Some(tags) = world.sage_maker.tags.get_mut(text(request, "ResourceArn")) {
                tags.retain(|tag| !gone.contains(&text(tag, "Key")));
            }
            Ok(json!({}))
        }
        "ListTags" => Ok(json!({"Tags": world.sage_maker.tags.get(text(request, "ResourceArn"))})).map(listed),
        _ => unknown(operation),
    }
}

/// A list that is not there is empty.
fn listed(mut answer: Value) -> Value {
    if answer["Tags"].is_null() {
        answer["Tags"] = json!([]);
    }
    answer
}

/// What a request makes, without its tags, which are kept apart.
pub(super) fn make(world: &mut World, kind: &str, name: &str, request: &Value) -> Made {
    let arn = world.sage_maker_arn(kind, name);
    let mut document: Map<String, Value> = request.as_object().cloned().unwrap_or_default();
    let tags = document.remove("Tags");
    if let Some(Value::Array(tags)) = tags {
        world.sage_maker.tags.insert(arn.clone(), tags);
    }
    Made { name: name.to_owned(), arn, document, at: world.now }
}

fn create_model(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "ModelName");
    if let Ok(there) = world.model(name) {
        return Err(invalid(format!("Cannot create already existing model \"{}\".", there.arn)));
    }
    let containers = request["Containers"].as_array().cloned().unwrap_or_default();
    for container in [&request["PrimaryContainer"]].into_iter().chain(&containers) {
        let image = text(container, "Image");
        if image.contains(char::is_whitespace) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{image}' at 'primaryContainer.image' failed to satisfy constraint: Member \
                 must satisfy regular expression pattern: [\\S]+"
            )));
        }
        if let Some(package) = container["ModelPackageName"].as_str() {
            let package = world.model_package(package)?;
            if package.document["ModelApprovalStatus"] != "Approved" {
                // Said in the API reference of CreateModel; the words of the error were not found.
                return Err(invalid(format!(
                    "Model package \"{}\" must be Approved to deploy the model.",
                    package.arn
                )));
            }
        }
    }
    let made = make(world, "model", name, request);
    let arn = made.arn.clone();
    world.sage_maker.models.insert(name.to_owned(), made);
    Ok(json!({"ModelArn": arn}))
}

fn create_config(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "EndpointConfigName");
    if let Ok(there) = world.endpoint_config(name) {
        return Err(invalid(format!("Cannot create already existing endpoint configuration \"{}\".", there.arn)));
    }
    for variant in request["ProductionVariants"].as_array().into_iter().flatten() {
        world.model(text(variant, "ModelName"))?;
        if variant["InstanceType"].is_null() && variant["ServerlessConfig"].is_null() {
            let variant = text(variant, "VariantName");
            return Err(invalid(format!("Instance Type or Serverless Config must be given for variant {variant}.")));
        }
    }
    let made = make(world, "endpoint-config", name, request);
    let arn = made.arn.clone();
    world.sage_maker.configs.insert(name.to_owned(), made);
    Ok(json!({"EndpointConfigArn": arn}))
}

fn create_endpoint(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "EndpointName");
    let there = world.sage_maker.endpoints.keys().find(|there| there.eq_ignore_ascii_case(name));
    if let Some(there) = there {
        let arn = world.sage_maker_arn("endpoint", there);
        return Err(invalid(format!("Cannot create already existing endpoint \"{arn}\".")));
    }
    world.create_endpoint(name, text(request, "EndpointConfigName"))?;
    let arn = world.endpoint(name)?.arn.clone();
    let tags = request["Tags"].as_array().cloned().unwrap_or_default();
    world.sage_maker.tags.insert(arn.clone(), tags);
    Ok(json!({"EndpointArn": arn}))
}

fn update_endpoint(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "EndpointName");
    at_rest(world, name)?;
    if world.is_scaled_away(name, text(request, "EndpointConfigName")).is_some() {
        // Said in the developer guide ("Update or delete endpoints that use automatic scaling"); the words were not found.
        return Err(invalid("A variant with a registered scalable target cannot change its instance type or go."));
    }
    let property = |property: &Value| text(property, "VariantPropertyType").to_owned();
    let excluded = request["ExcludeRetainedVariantProperties"].as_array().into_iter().flatten().map(property);
    let asked = EndpointAsked {
        config: text(request, "EndpointConfigName").to_owned(),
        retains: request["RetainAllVariantProperties"] == true,
        excluded: excluded.collect(),
        deployment: request.get("DeploymentConfig").filter(|deployment| !deployment.is_null()).cloned(),
        retains_deployment: request["RetainDeploymentConfig"] == true,
    };
    world.update_endpoint(name, asked)?;
    Ok(json!({"EndpointArn": world.endpoint(name)?.arn}))
}

fn delete_endpoint(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "EndpointName");
    let endpoint = world.endpoint(name)?;
    if endpoint.status != Status::Failed {
        at_rest(world, name)?;
    }
    world.delete_endpoint(name);
    Ok(Value::Null)
}

/// Counts and weights change at once here; AWS takes minutes, in `Updating`.
fn scale(world: &mut World, request: &Value) -> Answer {
    let name = text(request, "EndpointName");
    at_rest(world, name)?;
    let desired = request["DesiredWeightsAndCapacities"].as_array().cloned().unwrap_or_default();
    world.change_endpoint(name, |endpoint, _| {
        for variant in &mut endpoint.fleet {
            let Some(desired) = desired.iter().find(|desired| desired["VariantName"] == variant.name) else { continue };
            variant.count = desired["DesiredInstanceCount"].as_u64().unwrap_or(variant.count);
            variant.weight = desired["DesiredWeight"].as_f64().unwrap_or(variant.weight);
        }
    });
    Ok(json!({"EndpointArn": world.endpoint(name)?.arn}))
}

/// What an endpoint has to be for a change. A failed one can only be deleted.
fn at_rest(world: &World, name: &str) -> Result<(), crate::wire::Refusal> {
    let endpoint = world.endpoint(name)?;
    match endpoint.status {
        Status::InService | Status::UpdateRollbackFailed => Ok(()),
        // The words for a failed one were not found.
        Status::Failed => Err(invalid(format!("Cannot update failed endpoint \"{}\".", endpoint.arn))),
        _ => Err(invalid(format!("Cannot update in-progress endpoint \"{}\".", endpoint.arn))),
    }
}

fn list_configs(world: &World, request: &Value) -> Answer {
    let wanted = text(request, "NameContains");
    let mut configs: Vec<&Made> =
        world.sage_maker.configs.values().filter(|config| config.name.contains(wanted)).collect();
    configs.sort_by_key(|config| config.at);
    if request["SortOrder"] != "Ascending" {
        configs.reverse();
    }
    let items = configs.into_iter().map(|config| world.config_summary(config)).collect();
    Ok(page("EndpointConfigs", items, request))
}

fn list_endpoints(world: &World, request: &Value) -> Answer {
    let wanted = text(request, "NameContains");
    let endpoints = world.sage_maker.endpoints.values().filter(|endpoint| endpoint.name.contains(wanted));
    Ok(page("Endpoints", endpoints.map(|endpoint| world.endpoint_summary(endpoint)).collect(), request))
}

fn add_tags(world: &mut World, request: &Value) -> Answer {
    let tags = world.sage_maker.tags.entry(text(request, "ResourceArn").to_owned()).or_default();
    for tag in request["Tags"].as_array().into_iter().flatten() {
        tags.retain(|there| there["Key"] != tag["Key"]);
        tags.push(tag.clone());
    }
    Ok(json!({"Tags": tags}))
}

/// A page of up to `MaxResults`, ten by default. A token is the position at which the next page starts.
pub(super) fn page(member: &str, items: Vec<Value>, request: &Value) -> Value {
    let start = request["NextToken"].as_str().and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let size = request["MaxResults"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(10);
    let next = (start + size < items.len()).then(|| (start + size).to_string());
    let items: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    without_nulls(&json!({member: items, "NextToken": next}))
}
