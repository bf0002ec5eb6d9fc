//! What an endpoint remembers in tags, for a run that comes after one that was killed, or for the next attempt of the same: its
//! autoscaling while that is away, and where a rollback went.

use aws_smithy_types::base64;

use super::Writers;
use crate::aws::scaling::Scaling;
use crate::aws::{Again, Attempts, send};
use crate::cycle::Events;
use crate::spec::Tag;

/// How the keys of the tags begin. A number follows.
const KEY: &str = "ecs-deploy-action:autoscaling-";
/// The most that a tag's value holds, and so many tags of the fifty that an endpoint may have.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html>
const VALUE: usize = 256;
const MOST: usize = 20;

/// Lets the endpoint remember. Where that cannot be done, only a run that is killed would lose something.
pub(super) async fn remember(writers: &Writers, arn: &str, scaling: &[Scaling], max_retries: u32, events: &Events) {
    let told = |why: &str| {
        events.warn(format!("If this run is killed, autoscaling has to be registered again by hand: {why}."));
    };
    let Some(tags) = write(scaling) else { return told("it is more than the endpoint's tags hold") };
    let attempts = Attempts::new(max_retries, events);
    let writer = &writers.sage_maker;
    if let Err(error) = send(Again::WhenPassing, attempts, async || writer.add_tags(arn, &tags).await).await {
        told(&error.to_string());
    }
}

/// Under which key an endpoint remembers where a workflow run went back to.
const WAY_BACK: &str = "ecs-deploy-action:rollback";

/// Lets the endpoint remember where this run goes back to, so that its next attempt goes there too, and not one further.
pub(super) async fn remember_way_back(
    writers: &Writers,
    arn: &str,
    run: &str,
    config: &str,
    max_retries: u32,
    events: &Events,
) {
    let tag = Tag { key: WAY_BACK.to_owned(), value: format!("{run}/{config}") };
    let (writer, attempts) = (&writers.sage_maker, Attempts::new(max_retries, events));
    let tags = [tag];
    if let Err(error) = send(Again::WhenPassing, attempts, async || writer.add_tags(arn, &tags).await).await {
        events.warn(format!(
            "If this job is run again, it has to name the configuration in `to`, which is {config} now: the endpoint cannot \
             remember it. {error}"
        ));
    }
}

/// Where an earlier attempt of this run began to go back to.
pub(super) fn way_back(tags: &[Tag], run: &str) -> Option<String> {
    let tag = tags.iter().find(|tag| tag.key == WAY_BACK)?;
    let (of, config) = tag.value.split_once('/')?;
    (of == run).then(|| config.to_owned())
}

/// Lets the endpoint forget its autoscaling, once everything is back. Idempotent.
pub(super) async fn forget(writers: &Writers, arn: &str, max_retries: u32, events: &Events) {
    let (writer, attempts) = (&writers.sage_maker, Attempts::new(max_retries, events));
    let forgotten = send(Again::WhenPassing, attempts, async || writer.delete_tags(arn, &keys()).await).await;
    if let Err(error) = forgotten {
        events.note(format!("Tags of the endpoint are left that nobody needs any more: {error}"));
    }
}

/// Every key that may be in use.
pub(super) fn keys() -> Vec<String> {
    (1..=MOST).map(|number| format!("{KEY}{number}")).collect()
}

/// `None` when it is too much.
pub(super) fn write(scaling: &[Scaling]) -> Option<Vec<Tag>> {
    // What tags may hold has no room for the signs of JSON.
    let text = base64::encode(serde_json::to_vec(scaling).ok()?);
    let values = text.as_bytes().chunks(VALUE).map(|value| String::from_utf8_lossy(value).into_owned());
    let tags: Vec<Tag> =
        (1..).zip(values).map(|(number, value)| Tag { key: format!("{KEY}{number}"), value }).collect();
    (tags.len() <= MOST).then_some(tags)
}

/// What is remembered; nothing where that cannot be read.
pub(super) fn read(tags: &[Tag]) -> Vec<Scaling> {
    let value = |key: String| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str());
    let text: String = keys().into_iter().map_while(value).collect();
    base64::decode(text).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn scaling(length: usize) -> Vec<Scaling> {
        let Value::Object(target) = json!({"ResourceId": "é".repeat(length), "MinCapacity": 2}) else {
            unreachable!()
        };
        vec![Scaling { target, ..Scaling::default() }]
    }

    #[test]
    fn what_is_written_is_read_again_whatever_else_is_there() {
        for length in [0, 1, 100, 500] {
            let mut tags = write(&scaling(length)).unwrap();
            assert!(tags.iter().all(|tag| tag.value.len() <= VALUE && tag.value.is_ascii()));
            tags.reverse();
            tags.push(Tag { key: "team".to_owned(), value: "ml".to_owned() });
            assert_eq!(read(&tags), scaling(length));
        }
        assert_eq!(write(&scaling(5000)), None);
        assert_eq!(read(&[]), []);
        assert_eq!(read(&[Tag { key: format!("{KEY}1"), value: "nonsense".to_owned() }]), []);
    }
}
