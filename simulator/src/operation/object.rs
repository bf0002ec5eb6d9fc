//! Amazon S3, as far as an object is read.

use serde_json::{Value, json};

use super::{Answer, text};
use crate::wire::Refusal;
use crate::world::World;

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
pub(crate) fn get(world: &World, request: &Value) -> Answer {
    let (bucket, key) = (text(request, "Bucket"), text(request, "Key"));
    let refuse = |code: &str, message: &str| Err(Refusal::new(code, message).with_status(404));
    match world.objects.get(&format!("{bucket}/{key}")) {
        Some(body) => Ok(json!({"Body": body})),
        None if world.objects.keys().any(|name| name.starts_with(&format!("{bucket}/"))) => {
            refuse("NoSuchKey", "The specified key does not exist.")
        }
        None => refuse("NoSuchBucket", "The specified bucket does not exist"),
    }
}
