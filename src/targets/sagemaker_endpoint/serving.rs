//! What an endpoint serves: a configuration with the models of its variants, as one document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::aws::sage_maker::{Document, Made, Reader, Variant};
use crate::cycle::Failure;
use crate::spec::Tag;

/// A configuration, and the models of its variants.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    /// The configuration's name.
    pub(super) config: String,
    /// The request that made it, without its name and its tags.
    pub(super) document: Document,
    /// Its tags.
    pub(super) tags: Vec<Tag>,
    /// By name.
    pub(super) models: BTreeMap<String, Model>,
}

/// A model.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    /// The request that made it, without its name and its tags, and with images by the digests that run.
    pub(super) document: Document,
    /// Its tags.
    pub(super) tags: Vec<Tag>,
}

impl Serving {
    /// Looks at a configuration. `variants` tell which digests its tags are on.
    ///
    /// # Errors
    /// When a part of it is gone, or AWS does not say.
    pub(super) async fn look(reader: &Reader, config: &str, variants: &[Variant]) -> Result<Self, Failure> {
        let Made { arn, document } = reader.describe_endpoint_config(config).await?;
        let tags = reader.tags(&arn).await?;
        let mut models = BTreeMap::new();
        for variant in self::variants(&document) {
            let Some(name) = variant["ModelName"].as_str() else { continue };
            let live = variants.iter().find(|live| variant["VariantName"] == live.name);
            let Made { arn, document } = reader.describe_model(name).await?;
            let model = Model { document: pinned(document, live), tags: reader.tags(&arn).await? };
            models.insert(name.to_owned(), model);
        }
        Ok(Self { config: config.to_owned(), document, tags, models })
    }

    /// The configuration, with each variant's model in the place of its name: what two of them differ in, they serve
    /// differently.
    pub(super) fn picture(&self) -> Value {
        picture(&self.document, |name| self.models.get(name).map(|model| &model.document))
    }

    /// The variant that is meant, and where it is: the one of that name, or the only one.
    pub(super) fn variant(&self, name: Option<&str>) -> Option<(usize, &Value)> {
        let all = variants(&self.document);
        match name {
            Some(name) => all.iter().enumerate().find(|(_, variant)| variant["VariantName"] == name),
            None => all.first().filter(|_| all.len() == 1).map(|only| (0, only)),
        }
    }

    /// The model of a variant.
    pub(super) fn model_of(&self, variant: &Value) -> Option<&Model> {
        self.models.get(variant["ModelName"].as_str()?)
    }

    /// The images that run, by their digests where those are known.
    pub(super) fn images(&self) -> Vec<String> {
        self.models.values().flat_map(|model| images(&model.document)).collect()
    }
}

/// As [`Serving::picture`], for a configuration whose models are found by `model`.
pub(super) fn picture<'a>(config: &Document, model: impl Fn(&str) -> Option<&'a Document>) -> Value {
    let mut picture = config.clone();
    for member in ["ProductionVariants", "ShadowProductionVariants"] {
        for variant in picture.get_mut(member).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(members) = variant.as_object_mut() else { continue };
            let Some(found) = members.get("ModelName").and_then(Value::as_str).and_then(&model) else { continue };
            let found = Value::Object(found.clone());
            members.remove("ModelName");
            members.insert("Model".to_owned(), found);
        }
    }
    Value::Object(picture)
}

/// The production variants of a configuration.
pub(super) fn variants(config: &Document) -> &[Value] {
    config.get("ProductionVariants").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The containers of a model.
pub(super) fn containers(model: &Document) -> Vec<&Map<String, Value>> {
    let several = model.get("Containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    model.get("PrimaryContainer").into_iter().chain(several).filter_map(Value::as_object).collect()
}

/// The images of a model.
pub(super) fn images(model: &Document) -> Vec<String> {
    containers(model).iter().filter_map(|container| container.get("Image")?.as_str().map(str::to_owned)).collect()
}

/// The digest in an image's name.
pub(super) fn digest(image: &str) -> Option<&str> {
    image.split_once('@').map(|(_, digest)| digest).filter(|digest| digest.starts_with("sha256:"))
}

/// A model with the digests that run in the place of the tags that were resolved to them, which may be on others by now.
fn pinned(mut model: Document, live: Option<&Variant>) -> Document {
    let pin = |container: &mut Value| {
        let resolved = container["Image"].as_str().and_then(|image| live?.resolved(image)).map(str::to_owned);
        if let Some(resolved) = resolved {
            container["Image"] = json!(resolved);
        }
    };
    if let Some(primary) = model.get_mut("PrimaryContainer") {
        pin(primary);
    }
    model.get_mut("Containers").and_then(Value::as_array_mut).into_iter().flatten().for_each(pin);
    model
}
