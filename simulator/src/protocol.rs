//! Which protocol a request speaks, and how its answer is written: awsJson1.1 for most services, Smithy RPC v2 CBOR for Amazon
//! CloudWatch, awsQuery for AWS STS, what GitHub's runner offers for ID tokens, GitHub's REST API, web hooks, and plain
//! pages.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::cbor;
use crate::exchange::Request;
use crate::model::{self, Model};
use crate::operation::github;
use crate::wire::Refusal;

/// The path at which the runner's ID tokens are to be had, on whatever host.
pub(crate) const ID_TOKEN_PATH: &str = "/id-token";
/// Where the layers of images are to be had, on whatever host.
const LAYER_PATH: &str = "/layer/";
/// Where endpoints are asked.
const ENDPOINT_PATH: &str = "/endpoints/";
/// Where GitHub's REST API has its repositories, behind `https://api.github.com` or `https://HOST/api/v3`.
const REPOSITORIES_PATH: &str = "/repos/";
/// Where web hooks take messages, on whatever host.
const HOOK_PATH: &str = "/hook/";

/// A request, taken apart.
pub(crate) struct Asked {
    pub(crate) operation: String,
    /// The parameters; `None` when the body is not what the protocol says.
    pub(crate) parameters: Option<Value>,
    pub(crate) protocol: Protocol,
}

/// A way to ask and to answer.
#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    /// With the model that the request's target names.
    Json(Option<&'static Model>),
    /// <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
    Cbor(&'static Model),
    /// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
    Query,
    /// <https://docs.github.com/en/actions/reference/security/oidc>
    Runner,
    /// <https://docs.github.com/en/rest>
    GitHub,
    /// A web hook that takes whatever comes.
    Hook,
    /// A page, of whoever it is.
    Web,
    /// An endpoint of Amazon SageMaker is asked. <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>
    Invocation,
    /// A layer of an image, from the signed address that Amazon ECR gave.
    Layer,
    /// An object of Amazon S3, of which no more than GetObject is known. <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>
    Object,
}

impl Asked {
    pub(crate) fn read(request: &Request) -> Self {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
        if request.method == "GET" && path.ends_with(ID_TOKEN_PATH) {
            let parameters = Some(Value::Object(pairs(query.as_bytes())));
            return Self { operation: "GetIdToken".to_owned(), parameters, protocol: Protocol::Runner };
        }
        if request.method == "GET"
            && let Some((_, layer)) = path.split_once(LAYER_PATH)
        {
            let parameters = Some(json!({"path": layer}));
            return Self { operation: "GetLayer".to_owned(), parameters, protocol: Protocol::Layer };
        }
        if let Some((_, path)) = path.split_once(REPOSITORIES_PATH) {
            let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            let parameters = json!({
                "method": request.method, "path": format!("{REPOSITORIES_PATH}{path}"), "query": pairs(query.as_bytes()),
                "body": body,
            });
            let operation =
                github::name(&request.method, &github::segments(&parameters)).unwrap_or_default().to_owned();
            return Self { operation, parameters: Some(parameters), protocol: Protocol::GitHub };
        }
        if request.method == "POST" && path.contains(HOOK_PATH) {
            let headers = request.headers.iter();
            let headers: Map<String, Value> = headers
                .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap_or_default())))
                .collect();
            let body = String::from_utf8_lossy(&request.body);
            let parameters = json!({"url": request.uri, "headers": headers, "body": body});
            return Self { operation: "hook".to_owned(), parameters: Some(parameters), protocol: Protocol::Hook };
        }
        if request.method == "GET" && header("authorization").contains("/s3/aws4_request") {
            let path =
                path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
            let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
            let key = pairs(format!("key={key}").as_bytes()).remove("key");
            let parameters = Some(json!({"Bucket": bucket, "Key": key}));
            return Self { operation: "GetObject".to_owned(), parameters, protocol: Protocol::Object };
        }
        if request.method == "GET" {
            let parameters = json!({"url": request.uri, "authorization": header("authorization")});
            return Self { operation: "GET".to_owned(), parameters: Some(parameters), protocol: Protocol::Web };
        }
        if let Some(endpoint) = path.split_once(ENDPOINT_PATH).and_then(|(_, rest)| rest.strip_suffix("/invocations")) {
            let parameters = json!({
                "EndpointName": endpoint,
                "Body": String::from_utf8_lossy(&request.body),
                "ContentType": header("content-type"),
                "TargetVariant": header("x-amzn-sagemaker-target-variant"),
            });
            let (operation, parameters) = ("InvokeEndpoint".to_owned(), Some(parameters));
            return Self { operation, parameters, protocol: Protocol::Invocation };
        }
        if header("content-type").starts_with("application/x-www-form-urlencoded") {
            let mut parameters = pairs(&request.body);
            let action = parameters.remove("Action");
            parameters.remove("Version");
            let operation = action.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            return Self { operation, parameters: Some(Value::Object(parameters)), protocol: Protocol::Query };
        }
        if header("smithy-protocol") == cbor::PROTOCOL
            && let Some((model, operation)) = of_path(path)
        {
            let parameters = cbor::read(&request.body);
            return Self { operation: operation.to_owned(), parameters, protocol: Protocol::Cbor(model) };
        }
        let target = header("x-amz-target");
        let (prefix, name) = target.split_once('.').unwrap_or(("", target));
        let model = model::of_prefix(prefix);
        let parameters = serde_json::from_slice(&request.body).ok();
        Self { operation: name.to_owned(), parameters, protocol: Protocol::Json(model) }
    }

    /// The name that the signature has to be made for; `None` when any will do.
    pub(crate) fn signing_name(&self) -> Option<&'static str> {
        match self.protocol {
            Protocol::Json(model) => model.map(|model| model.signing_name.as_str()),
            Protocol::Cbor(model) => Some(&model.signing_name),
            Protocol::Query => Some("sts"),
            Protocol::Invocation => Some("sagemaker"),
            Protocol::Object => Some("s3"),
            Protocol::GitHub => Some("github"),
            Protocol::Runner | Protocol::Layer | Protocol::Web | Protocol::Hook => None,
        }
    }

    /// Whether the caller has to sign: the others bring a token instead.
    pub(crate) fn is_signed(&self) -> bool {
        let bears_a_token = matches!(
            self.protocol,
            Protocol::Runner | Protocol::Layer | Protocol::Web | Protocol::GitHub | Protocol::Hook
        );
        !bears_a_token && self.operation != "AssumeRoleWithWebIdentity"
    }
}

impl Protocol {
    /// The media type of the answers.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json(_) => "application/x-amz-json-1.1",
            Self::Cbor(_) => cbor::CONTENT_TYPE,
            Self::Query => "text/xml",
            Self::Runner | Self::GitHub | Self::Hook => "application/json; charset=utf-8",
            Self::Web => "text/html; charset=utf-8",
            Self::Invocation => "application/json",
            Self::Layer | Self::Object => "application/octet-stream",
        }
    }

    /// What an error looks like as a value.
    pub(crate) fn error(self, refusal: &Refusal) -> Value {
        match self {
            Self::Json(_) | Self::Cbor(_) | Self::Layer | Self::Invocation => refusal.body(),
            Self::Query => json!({"Type": "Sender", "Code": refusal.code, "Message": refusal.message}),
            Self::Object => json!({"Code": refusal.code, "Message": refusal.message}),
            Self::Runner | Self::GitHub | Self::Hook => json!({"message": refusal.message}),
            Self::Web => json!({"body": refusal.message}),
        }
    }

    /// The answer's bytes.
    pub(crate) fn write(self, operation: &str, answer: &Value, succeeded: bool) -> Bytes {
        const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
        let text = match self {
            Self::Cbor(model) => {
                let operation = model.operations.get(operation).filter(|_| succeeded);
                let shape = operation.and_then(|operation| operation.output.as_deref());
                return cbor::write(model, shape, answer);
            }
            // What answers nothing has no body.
            Self::Json(_) if answer.is_null() => String::new(),
            Self::Json(_) | Self::Runner | Self::Layer | Self::GitHub | Self::Hook => answer.to_string(),
            Self::Invocation if succeeded => answer["Body"].as_str().unwrap_or_default().to_owned(),
            Self::Invocation => answer.to_string(),
            Self::Web => answer["body"].as_str().unwrap_or_default().to_owned(),
            Self::Object if succeeded => answer["Body"].as_str().unwrap_or_default().to_owned(),
            Self::Object => format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}</Error>", xml(answer)),
            Self::Query if succeeded => format!(
                "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{}</{operation}Result></{operation}Response>",
                xml(answer)
            ),
            Self::Query => {
                format!("<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{}</Error></ErrorResponse>", xml(answer))
            }
        };
        Bytes::from(text)
    }
}

/// `/service/<service>/operation/<operation>`, the end of a path of the CBOR protocol.
fn of_path(path: &str) -> Option<(&'static Model, &str)> {
    let (rest, operation) = path.rsplit_once("/operation/")?;
    let (_, service) = rest.rsplit_once("/service/")?;
    Some((model::of_prefix(service)?, operation))
}

fn pairs(form: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(form).map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
}

/// Elements for members, text for everything else.
fn xml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| format!("<{name}>{}</{name}>", xml(member))).collect()
        }
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_query_protocol_is_xml() {
        let answer = json!({"Credentials": {"SessionToken": "a<b&c"}, "PackedPolicySize": 6});

        let written = Protocol::Query.write("AssumeRole", &answer, true);

        assert_eq!(
            String::from_utf8_lossy(&written),
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <Credentials><SessionToken>a&lt;b&amp;c</SessionToken></Credentials><PackedPolicySize>6</PackedPolicySize>\
             </AssumeRoleResult></AssumeRoleResponse>"
        );
    }
}
