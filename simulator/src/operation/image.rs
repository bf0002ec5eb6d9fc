//! Amazon ECR: repositories, images, scans.

use serde_json::{Value, json};

use super::{Answer, text, texts};
use crate::clock::epoch_seconds;
use crate::registry::{Image, digest};
use crate::wire::{Refusal, page_of};
use crate::world::{Repository, World};

/// Lists hold up to 1000 items a page, and 100 unless more are asked for.
const USUAL: usize = 100;
const MOST: usize = 1000;

/// Performs an operation of Amazon ECR.
pub(super) fn perform(world: &mut World, operation: &str, request: &Value) -> Answer {
    let name = text(request, "repositoryName");
    let account = request["registryId"].as_str().unwrap_or(&world.scenario.account).to_owned();
    match operation {
        "DescribeRepositories" => return repositories(world, &account, request),
        "DescribePullThroughCacheRules" => return rules(world, &account, request),
        "PutImage" => return put(world, &account, request),
        _ => {}
    }
    let repository = world.registries.get(&account, name).ok_or_else(|| no_repository(name, &account))?;
    match operation {
        "DescribeImages" => images(world, repository, &account, request),
        "BatchGetImage" => Ok(manifests(repository, &account, request)),
        "GetDownloadUrlForLayer" => layer(repository, &account, request),
        "DescribeImageScanFindings" => findings(world, repository, &account, request),
        _ => super::unknown(operation),
    }
}

fn no_repository(name: &str, account: &str) -> Refusal {
    let message = format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
    Refusal::new("RepositoryNotFoundException", message)
}

fn no_image(id: &Value, name: &str, account: &str) -> Refusal {
    let (digest, tag) = (id["imageDigest"].as_str().unwrap_or("null"), id["imageTag"].as_str().unwrap_or("null"));
    let message = format!(
        "The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the repository with name \
         '{name}' in the registry with id '{account}'"
    );
    Refusal::new("ImageNotFoundException", message)
}

/// The digest and the image that an image id means.
fn find<'a>(repository: &'a Repository, id: &'a Value) -> Option<(&'a str, &'a Image)> {
    let digest = match (id["imageDigest"].as_str(), id["imageTag"].as_str()) {
        (Some(digest), _) => digest,
        (None, Some(tag)) => repository.tagged(tag)?,
        (None, None) => return None,
    };
    Some((digest, repository.image(digest)?))
}

fn paged(items: Vec<Value>, member: &str, request: &Value) -> Answer {
    let (items, next) = page_of(items, request, USUAL, MOST)?;
    Ok(json!({member: items, "nextToken": next}))
}

fn repositories(world: &World, account: &str, request: &Value) -> Answer {
    let wanted = texts(request, "repositoryNames");
    if let Some(missing) = wanted.iter().find(|name| world.registries.get(account, name).is_none()) {
        return Err(no_repository(missing, account));
    }
    let scenario = &world.scenario;
    let document = |(name, it): (&str, &Repository)| {
        let filters: Vec<Value> =
            it.exclusions.iter().map(|filter| json!({"filterType": "WILDCARD", "filter": filter})).collect();
        json!({
            "repositoryArn": format!("arn:{}:ecr:{}:{account}:repository/{name}", scenario.partition(), scenario.region),
            "registryId": account,
            "repositoryName": name,
            "repositoryUri": format!("{account}.dkr.ecr.{}.amazonaws.com/{name}", scenario.region),
            "createdAt": epoch_seconds(scenario.epoch, std::time::Duration::ZERO),
            "imageTagMutability": it.mutability,
            "imageTagMutabilityExclusionFilters": (!filters.is_empty()).then_some(filters),
            "imageScanningConfiguration": {"scanOnPush": true},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        })
    };
    let all = world.registries.of_account(account);
    let items = all.filter(|(name, _)| wanted.is_empty() || wanted.contains(name)).map(document).collect();
    paged(items, "repositories", request)
}

fn rules(world: &World, account: &str, request: &Value) -> Answer {
    let created = epoch_seconds(world.scenario.epoch, std::time::Duration::ZERO);
    let rules = world.registries.pull_through.iter().filter(|(owner, _)| owner == account);
    let document = |prefix: &str| {
        json!({
            "ecrRepositoryPrefix": prefix,
            "upstreamRegistryUrl": "registry-1.docker.io",
            "registryId": account,
            "createdAt": created,
        })
    };
    paged(rules.map(|(_, prefix)| document(prefix)).collect(), "pullThroughCacheRules", request)
}

fn images(world: &World, repository: &Repository, account: &str, request: &Value) -> Answer {
    let name = text(request, "repositoryName");
    let document = |digest: &str, image: &Image| {
        let tags = repository.tags_of(digest);
        json!({
            "registryId": account,
            "repositoryName": name,
            "imageDigest": digest,
            "imageTags": (!tags.is_empty()).then_some(tags),
            "imageSizeInBytes": image.manifest.len(),
            "imagePushedAt": epoch_seconds(world.scenario.epoch, std::time::Duration::ZERO),
            "imageManifestMediaType": image.media_type,
        })
    };
    let Some(ids) = request["imageIds"].as_array().filter(|ids| !ids.is_empty()) else {
        let all = repository.digests().filter_map(|digest| Some(document(digest, repository.image(digest)?)));
        return paged(all.collect(), "imageDetails", request);
    };
    let found = |id| find(repository, id).ok_or_else(|| no_image(id, name, account));
    let details = ids.iter().map(|id| found(id).map(|(digest, image)| document(digest, image)));
    Ok(json!({"imageDetails": details.collect::<Result<Vec<_>, _>>()?}))
}

/// What cannot be had is listed, in an answer that is otherwise a success.
fn manifests(repository: &Repository, account: &str, request: &Value) -> Value {
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in request["imageIds"].as_array().into_iter().flatten() {
        match find(repository, id) {
            Some((digest, image)) => images.push(json!({
                "registryId": account,
                "repositoryName": request["repositoryName"],
                "imageId": {"imageDigest": digest, "imageTag": id["imageTag"]},
                "imageManifest": image.manifest,
                "imageManifestMediaType": image.media_type,
            })),
            None => failures.push(json!({
                "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found",
            })),
        }
    }
    json!({"images": images, "failures": failures})
}

fn layer(repository: &Repository, account: &str, request: &Value) -> Answer {
    let (name, digest) = (text(request, "repositoryName"), text(request, "layerDigest"));
    if repository.config(digest).is_none() {
        let message = format!("The layer with digest '{digest}' does not exist in the repository with name '{name}'");
        return Err(Refusal::new("LayersNotFoundException", message));
    }
    Ok(json!({
        "downloadUrl": format!("https://prod-layers.s3.amazonaws.com/layer/{account}/{name}/{digest}?X-Amz-Signature=0a"),
        "layerDigest": digest,
    }))
}

/// A layer, from the address that GetDownloadUrlForLayer gave: `<account>/<repository>/<digest>`.
pub(crate) fn download(world: &World, path: &str) -> Answer {
    let found = path.split_once('/').and_then(|(account, rest)| {
        let (name, digest) = rest.rsplit_once('/')?;
        world.registries.get(account, name)?.config(digest)
    });
    let missing = || Refusal::new("NoSuchKey", "The specified key does not exist.").with_status(404);
    found.and_then(|config| serde_json::from_str(config).ok()).ok_or_else(missing)
}

fn findings(world: &World, repository: &Repository, account: &str, request: &Value) -> Answer {
    let (name, id) = (text(request, "repositoryName"), &request["imageId"]);
    let (digest, image) = find(repository, id).ok_or_else(|| no_image(id, name, account))?;
    let scan = image.scan_at(world.now).ok_or_else(|| {
        let message = format!(
            "Image scan does not exist for the image with '{{imageDigest:'{digest}'}}' in the repository with name '{name}' in \
             the registry with id '{account}'"
        );
        Refusal::new("ScanNotFoundException", message)
    })?;
    let mut answer = scan.clone();
    answer["registryId"] = json!(account);
    answer["repositoryName"] = json!(name);
    answer["imageId"] = json!({"imageDigest": digest});
    for list in ["findings", "enhancedFindings"] {
        if let Some(all) = scan["imageScanFindings"][list].as_array() {
            let (items, next) = page_of(all.clone(), request, USUAL, MOST)?;
            answer["imageScanFindings"][list] = Value::Array(items);
            answer["nextToken"] = json!(next);
        }
    }
    Ok(answer)
}

/// Puts a tag on an image that is there: what `docker push` does for the layers of another one is not simulated.
fn put(world: &mut World, account: &str, request: &Value) -> Answer {
    let (name, tag) = (text(request, "repositoryName"), text(request, "imageTag"));
    let manifest = text(request, "imageManifest");
    let repository = world.registries.get_mut(account, name).ok_or_else(|| no_repository(name, account))?;
    let wanted = digest(manifest);
    if request["imageDigest"].as_str().is_some_and(|announced| announced != wanted) {
        let message = "The digest of the image manifest does not match the digest that was provided";
        return Err(Refusal::new("ImageDigestDoesNotMatchException", message));
    }
    let Some(media_type) = repository.image(&wanted).map(|image| image.media_type) else {
        return Err(Refusal::new(
            "LayersNotFoundException",
            "Layers of the image manifest do not exist in the repository",
        ));
    };
    if request["imageManifestMediaType"].as_str().is_some_and(|said| said != media_type) {
        return Err(Refusal::invalid("Invalid parameter at 'imageManifestMediaType'"));
    }
    match repository.tagged(tag) {
        Some(there) if there == wanted => {
            let message = format!(
                "Image with digest '{wanted}' and tag '{tag}' already exists in the repository with name '{name}' in registry \
                 with id '{account}'"
            );
            return Err(Refusal::new("ImageAlreadyExistsException", message));
        }
        Some(_) if repository.is_immutable(tag) => {
            let message = format!(
                "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the \
                 repository is immutable."
            );
            return Err(Refusal::new("ImageTagAlreadyExistsException", message));
        }
        _ => repository.tag(tag, &wanted),
    }
    Ok(json!({
        "image": {
            "registryId": account,
            "repositoryName": name,
            "imageId": {"imageDigest": wanted, "imageTag": tag},
            "imageManifest": manifest,
            "imageManifestMediaType": media_type,
        }
    }))
}
