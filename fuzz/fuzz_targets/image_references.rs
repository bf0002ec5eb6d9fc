//! An image, as `image` and as `images` take it.
//!
//! The same text is right in both or in neither, is one word, and comes out as it went in. What it is taken apart into names the
//! same image, and so does its digest alone.
#![no_main]

use std::path::Path;

use ecs_deploy_action::spec::{Format, ImageReference, Spec, TaskDefinition, render};
use ecs_deploy_action_fuzz::inputs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|image: &str| {
    let nowhere = Path::new("/nonexistent");
    let image = image.trim();
    if image.is_empty() || image.lines().count() != 1 || image.contains('\r') {
        return;
    }
    let one = Spec::from_inputs(&inputs([("service", "web"), ("image", image)]).0, nowhere);
    let named = format!("web={image}");
    let pair = Spec::from_inputs(&inputs([("service", "web"), ("images", &named)]).0, nowhere);
    assert_eq!(one.is_ok(), pair.is_ok(), "{one:?} {pair:?}");
    let (Ok(one), Ok(pair)) = (one, pair) else { return };
    assert!(!image.contains(char::is_whitespace));
    assert_eq!(one.overrides.image.as_deref(), Some(image));

    let reference: ImageReference = image.parse().expect("the inputs took it");
    assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference));
    if let Some(digest) = &reference.digest {
        let pinned = reference.pinned(digest);
        assert_eq!(pinned.to_string().parse().as_ref(), Ok(&pinned));
        assert_eq!((&pinned.registry, &pinned.repository), (&reference.registry, &reference.repository));
    }

    let document = r#"{"family": "web", "containerDefinitions": [{"name": "web", "image": "old"}]}"#;
    let document = TaskDefinition::parse(document, Format::Json).expect("the document is one");
    for spec in [one, pair] {
        let rendered = render(&document, &spec.overrides).expect("the container is there");
        assert_eq!(rendered.images(), [("web", image)]);
    }
});
