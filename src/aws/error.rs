//! What went wrong in a call to AWS, converted once, here, from what the SDK says.

use std::error::Error as StdError;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::advice::Refused;
use super::{Operation, SessionError, sage_maker};
use crate::cycle::{Cause, Failure};

/// A call to AWS that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {explanation}{}", request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
pub struct CallError {
    /// The call.
    pub operation: Operation,
    /// What kind of trouble it is.
    pub kind: CallErrorKind,
    /// AWS's code and message, or what happened on the way: text from outside.
    pub explanation: String,
    /// AWS's code, where it gave one.
    code: String,
    /// AWS's id for the request, which its support asks for.
    pub request_id: Option<String>,
    #[source]
    source: Box<dyn StdError + Send + Sync>,
}

/// The kinds of trouble that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// Too many calls; nothing happened, and the same call will be taken later.
    Throttled,
    /// What was named does not exist.
    NotFound,
    /// The credentials are good and do not allow this.
    Denied,
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// Something is in a state that excludes the call.
    Conflict,
    /// This partition, region or endpoint does not offer the operation.
    Unsupported,
    /// AWS refused the request as it is.
    Invalid,
    /// No answer, a broken answer or a server's error: the call may have taken effect all the same.
    Unavailable,
}

impl CallError {
    pub(super) fn new<E>(operation: Operation, error: SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        let code = error.code().unwrap_or_default().to_owned();
        let (kind, explanation) = match &error {
            SdkError::ServiceError(context) => {
                let code = context.err().code();
                let message = context.err().message();
                let kind = match (operation.service(), code) {
                    ("sagemaker", Some("ValidationException")) => sage_maker::kind(message.unwrap_or_default()),
                    _ => classify(code, message, context.raw().status().as_u16()),
                };
                let explanation = match (code, message) {
                    (Some(code), Some(message)) => format!("{code}: {message}"),
                    (Some(text), None) | (None, Some(text)) => text.to_owned(),
                    (None, None) => format!("HTTP status {}", context.raw().status().as_u16()),
                };
                (kind, explanation)
            }
            other if session_error(other).is_some() => {
                let explanation = session_error(other).map(SessionError::reason).unwrap_or_default();
                (CallErrorKind::Credentials, explanation)
            }
            other if names_credentials(other) => {
                (CallErrorKind::Credentials, format!("no usable AWS credentials: {}", innermost(other)))
            }
            SdkError::TimeoutError(_) => (CallErrorKind::Unavailable, "no answer in time".to_owned()),
            SdkError::ConstructionFailure(_) => (CallErrorKind::Invalid, innermost(&error)),
            other => (CallErrorKind::Unavailable, innermost(other)),
        };
        Self { operation, kind, explanation, code, request_id, source: error.into() }
    }

    /// A request that could not be made, so that nothing was sent.
    pub(super) fn unsent(operation: Operation, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        let (kind, explanation) = match session_error(&*source) {
            Some(error) => (CallErrorKind::Credentials, error.reason()),
            None if names_credentials(&*source) => {
                (CallErrorKind::Credentials, format!("no usable AWS credentials: {}", innermost(&*source)))
            }
            None => (CallErrorKind::Invalid, innermost(&*source)),
        };
        Self { operation, kind, explanation, code: String::new(), request_id: None, source }
    }

    /// An answer that AWS gave and that does not say what it has to.
    pub(super) fn unreadable(operation: Operation, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            operation,
            kind: CallErrorKind::Unavailable,
            explanation: "the answer cannot be read".to_owned(),
            code: String::new(),
            request_id: None,
            source: source.into(),
        }
    }

    /// A refusal that did not come through the SDK.
    pub(super) fn answered(operation: Operation, status: u16, code: &str, message: &str) -> Self {
        let kind = classify(Some(code).filter(|code| !code.is_empty()), Some(message), status);
        let explanation = match (code, message) {
            ("", _) => format!("HTTP status {status}"),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        let source = explanation.clone().into();
        Self { operation, kind, explanation, code: code.to_owned(), request_id: None, source }
    }

    /// Something that AWS says does not exist, in an answer that is otherwise a success.
    pub(super) fn not_found(operation: Operation, explanation: String) -> Self {
        let source = explanation.clone().into();
        Self { operation, kind: CallErrorKind::NotFound, explanation, code: String::new(), request_id: None, source }
    }

    /// Something that AWS refused in an answer that is otherwise a success.
    pub(super) fn refused(operation: Operation, explanation: String) -> Self {
        let source = explanation.clone().into();
        Self { operation, kind: CallErrorKind::Invalid, explanation, code: String::new(), request_id: None, source }
    }

    /// Whether the call may have taken effect although it failed.
    pub fn may_have_happened(&self) -> bool {
        self.kind == CallErrorKind::Unavailable
    }

    /// Whether the same call is worth making again.
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, CallErrorKind::Throttled | CallErrorKind::Unavailable)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let cause = match error.kind {
            CallErrorKind::NotFound => Cause::NotFound,
            CallErrorKind::Denied => Cause::AccessDenied,
            CallErrorKind::Credentials => Cause::Credentials,
            CallErrorKind::Conflict => Cause::Conflict,
            CallErrorKind::Invalid | CallErrorKind::Unsupported => Cause::RequestRefused,
            CallErrorKind::Throttled | CallErrorKind::Unavailable => Cause::Unavailable,
        };
        let CallError { operation, kind, code, explanation: message, .. } = &error;
        let refused = Refused { operation: *operation, kind: *kind, code, message };
        let advice = session_error(&error).map(SessionError::advice).or_else(|| refused.advice());
        Self::new(cause, error.to_string()).because(error).advise_if_any(advice)
    }
}

/// Sorts AWS's error codes. The codes that every service shares are in "Common Error Types" of the Amazon ECS API
/// reference, the others beside each operation.
fn classify(code: Option<&str>, message: Option<&str>, status: u16) -> CallErrorKind {
    let message = message.unwrap_or_default();
    match code.unwrap_or_default() {
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        // EventBridge, while somebody else changes the same rule.
        | "ConcurrentModificationException" => CallErrorKind::Throttled,
        // RegisterTaskDefinition has no code of its own for this.
        "ClientException" if message.contains("Too many concurrent attempts") => CallErrorKind::Throttled,
        "ClientException" if message.contains("Unable to describe task definition") => CallErrorKind::NotFound,
        "ClusterNotFoundException"
        | "ServiceNotFoundException"
        | "ServiceDeploymentNotFoundException"
        | "TaskDefinitionNotFoundException"
        | "ResourceNotFoundException"
        | "TargetNotFoundException"
        // Application Auto Scaling.
        | "ObjectNotFoundException"
        | "RepositoryNotFoundException"
        | "ImageNotFoundException"
        | "ScanNotFoundException"
        | "LayersNotFoundException"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "ApplicationDoesNotExistException"
        | "DeploymentDoesNotExistException"
        | "DeploymentGroupDoesNotExistException"
        | "DeploymentNotStartedException"
        | "DeploymentTargetDoesNotExistException"
        | "RevisionDoesNotExistException" => CallErrorKind::NotFound,
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" => CallErrorKind::Denied,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "RequestExpired"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId"
        | "RequestTimeTooSkewed"
        | "OptInRequired"
        | "RegionDisabledException" => CallErrorKind::Credentials,
        "ConflictException"
        | "ServiceNotActiveException"
        | "UpdateInProgressException"
        | "DeploymentAlreadyCompletedException"
        | "DeploymentLimitExceededException" => CallErrorKind::Conflict,
        "UnsupportedFeatureException" | "UnknownOperationException" | "InvalidAction" => CallErrorKind::Unsupported,
        _ if status == 429 => CallErrorKind::Throttled,
        _ if status >= 500 => CallErrorKind::Unavailable,
        _ => CallErrorKind::Invalid,
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The SDK reports a role's session that could not be renewed in the same way.
fn session_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a SessionError> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The SDK reports credentials that it could not get as a failure to send, with the real error somewhere inside.
fn names_credentials(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| error.is::<aws_credential_types::provider::error::CredentialsError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_a_caller_must_do() {
        let cases = [
            (Some("ThrottlingException"), "Rate exceeded", 400, CallErrorKind::Throttled),
            (
                Some("ClientException"),
                "Too many concurrent attempts to create a new revision",
                400,
                CallErrorKind::Throttled,
            ),
            (Some("ClientException"), "Unable to describe task definition.", 400, CallErrorKind::NotFound),
            (Some("ClientException"), "No Fargate configuration exists for given values.", 400, CallErrorKind::Invalid),
            (Some("AccessDeniedException"), "is not authorized to perform", 400, CallErrorKind::Denied),
            (
                Some("ExpiredTokenException"),
                "The security token included in the request is expired",
                400,
                CallErrorKind::Credentials,
            ),
            (Some("NoSuchKey"), "The specified key does not exist.", 404, CallErrorKind::NotFound),
            (Some("ConflictException"), "", 400, CallErrorKind::Conflict),
            (Some("UnknownOperationException"), "", 400, CallErrorKind::Unsupported),
            (Some("ServerException"), "", 500, CallErrorKind::Unavailable),
            (None, "", 503, CallErrorKind::Unavailable),
            (None, "", 429, CallErrorKind::Throttled),
            (Some("AnErrorFromTheFuture"), "", 400, CallErrorKind::Invalid),
        ];
        for (code, message, status, kind) in cases {
            assert_eq!(classify(code, Some(message), status), kind, "{code:?} {message}");
        }
    }
}
