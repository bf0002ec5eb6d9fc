//! AWS STS, and the runner's ID tokens.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, text};
use crate::wire::Refusal;
use crate::world::{Key, World};

/// Performs an operation for the owner of a key, or gives nothing when there is no such operation.
pub(crate) fn perform(world: &mut World, caller: &Key, operation: &str, request: &Value) -> Option<Answer> {
    Some(match operation {
        "GetIdToken" => Ok(json!({"value": world.issue_id_token(text(request, "audience"))})),
        "GetCallerIdentity" => Ok(json!({
            "Arn": caller.arn,
            "UserId": format!("AROASIMULATOR:{}", caller.id),
            "Account": world.scenario.account,
        })),
        "AssumeRole" => assume(world, operation, request),
        "AssumeRoleWithWebIdentity" => vouched_for(world, request).and_then(|()| assume(world, operation, request)),
        _ => return None,
    })
}

/// Whether the ID token is one of ours, for AWS, and not too old.
fn vouched_for(world: &World, request: &Value) -> Result<(), Refusal> {
    let token = world.id_token(text(request, "WebIdentityToken")).ok_or_else(|| {
        let message = "Couldn't retrieve verification key from your identity provider";
        Refusal::new("InvalidIdentityToken", message)
    })?;
    if token.audience != world.scenario.audience {
        return Err(Refusal::new("InvalidIdentityToken", "Incorrect token audience"));
    }
    if world.now >= token.expires {
        return Err(Refusal::new("ExpiredTokenException", "Token expired"));
    }
    Ok(())
}

fn assume(world: &mut World, operation: &str, request: &Value) -> Answer {
    let role = text(request, "RoleArn");
    let ours = format!("arn:{}:iam::{}:role/", world.scenario.partition(), world.scenario.account);
    // A role trusts the callers of its own account here, and AWS does not tell a role that does not exist from one that
    // does not trust.
    let path = role.strip_prefix(&ours).ok_or_else(|| {
        Refusal::new("AccessDenied", format!("Not authorized to perform sts:{operation}")).with_status(403)
    })?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let seconds = request["DurationSeconds"].as_str().map_or(Ok(3600), str::parse::<u64>).unwrap_or(0);
    if !(900..=43200).contains(&seconds) {
        let message = "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint";
        return Err(Refusal::new("ValidationError", message));
    }
    let session = text(request, "RoleSessionName");
    let key = world.begin_session(name, session, Duration::from_secs(seconds));
    let expires = world.scenario.epoch + key.expires.unwrap_or_default();
    Ok(json!({
        "Credentials": {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "SessionToken": key.token,
            "Expiration": format!("{expires:.0}"),
        },
        "AssumedRoleUser": {"AssumedRoleId": format!("AROASIMULATOR:{session}"), "Arn": key.arn},
    }))
}
