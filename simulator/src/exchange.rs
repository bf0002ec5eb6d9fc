//! One request, from the door to the world and back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::clock::Clock;
use crate::fault::{Incoming, Rules};
use crate::journal::Call;
use crate::protocol::{Asked, Protocol};
use crate::scenario::{GITHUB_TOKEN, ID_TOKEN_REQUEST_TOKEN, ServiceDeployments};
use crate::wire::Refusal;
use crate::world::{Key, World, mix, uuid};
use crate::{Fault, Shared, operation, signature};

/// A request as a door takes it in.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer as a door gives it out.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) request_id: String,
    /// Where a page redirects to.
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
    /// Only so much of the body is sent, although all of it is announced.
    pub(crate) cut: Option<usize>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the simulated connection timed out")]
    TimedOut,
    #[error("the simulated connection was reset")]
    Reset,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) world: World,
    pub(crate) rules: Rules,
    pub(crate) journal: Vec<Call>,
    /// What the world was like, oldest first; kept only while a rule may ask for it.
    past: VecDeque<(Duration, World)>,
}

/// What is decided about a request while the lock is held.
struct Decided {
    reply: Result<Reply, Broken>,
    delay: Duration,
    hangs: bool,
}

/// Takes a request in, and gives the answer out when its time has come.
pub(crate) async fn exchange(shared: &Arc<Shared>, request: Request) -> Result<Reply, Broken> {
    let decided = shared.state().decide(&request);
    if decided.hangs {
        shared.hung.notify_one();
        return std::future::pending().await;
    }
    if !decided.delay.is_zero() {
        tokio::time::sleep(decided.delay).await;
    }
    decided.reply
}

impl State {
    pub(crate) fn new(world: World) -> Self {
        Self { clock: Clock::start(), world, rules: Rules::default(), journal: Vec::new(), past: VecDeque::new() }
    }

    /// Lets the world catch up with the clock.
    pub(crate) fn catch_up(&mut self) {
        let now = self.clock.elapsed();
        let memory = self.rules.longest_memory();
        let past = &mut self.past;
        self.world.advance(now, |world| {
            if memory.is_some() {
                past.push_back((world.now, world.clone()));
            }
        });
        self.forget();
    }

    /// Remembers what the world is like now, if a rule may ask for it.
    pub(crate) fn remember(&mut self) {
        if self.rules.longest_memory().is_some() {
            self.past.push_back((self.world.now, self.world.clone()));
            self.forget();
        }
    }

    fn forget(&mut self) {
        let Some(memory) = self.rules.longest_memory() else { return self.past.clear() };
        let oldest = self.world.now.saturating_sub(memory);
        // The state at the oldest moment that may be asked for began with the last change before it.
        while self.past.get(1).is_some_and(|(at, _)| *at <= oldest) {
            self.past.pop_front();
        }
    }

    fn decide(&mut self, request: &Request) -> Decided {
        self.catch_up();
        let number = self.journal.len();
        let at = self.world.now;
        let seed = self.world.scenario.seed;
        let asked = Asked::read(request);
        let (name, protocol) = (asked.operation.as_str(), asked.protocol);
        let fault = self.rules.strike(&Incoming { operation: name, number, at, seed });
        let valid = admit(&self.world, request, &asked);
        let parameters = asked.parameters.clone().unwrap_or(Value::Null);

        let latency = self.world.scenario.latency;
        let outcome = match refusal(fault.as_ref()) {
            Some(refusal) => Some(Err(refusal)),
            None if before_effect(fault.as_ref()) => None,
            None => Some(valid.clone().and_then(|caller| self.perform(&caller, &asked, &parameters, fault.as_ref()))),
        };
        let (status, response) = match &outcome {
            None => (0, Value::Null),
            Some(Ok(response)) => match asked.protocol {
                Protocol::Web => (operation::page::status(response), response.clone()),
                Protocol::GitHub => (operation::github::status(name), response.clone()),
                _ => (200, response.clone()),
            },
            Some(Err(refusal)) => (refusal.status, protocol.error(refusal)),
        };
        // A model takes its time.
        let thinking = Duration::from_secs_f64(response["Latency"].as_f64().unwrap_or_default());
        let body = protocol.write(name, &response, (200..300).contains(&status));
        let location =
            matches!(asked.protocol, Protocol::Web).then(|| response["location"].as_str().map(str::to_owned)).flatten();
        self.journal.push(Call {
            number,
            at,
            service: asked.signing_name().unwrap_or_default(),
            region: signature::region(request),
            operation: name.to_owned(),
            request: parameters,
            status,
            response,
            fault: fault.clone(),
            valid: valid.is_ok(),
        });
        let request_id = uuid(mix(seed ^ number as u64), mix(number as u64));
        let cut = (fault == Some(Fault::CutAnswer)).then_some(body.len() / 2);
        let reply = match fault {
            Some(Fault::TimeoutBeforeEffect | Fault::TimeoutAfterEffect) => Err(Broken::TimedOut),
            Some(Fault::Reset) => Err(Broken::Reset),
            _ => Ok(Reply { status, content_type: protocol.content_type(), request_id, location, body, cut }),
        };
        let slow = if let Some(Fault::Slow(slow)) = fault { slow } else { Duration::ZERO };
        Decided { reply, delay: latency + slow + thinking, hangs: matches!(fault, Some(Fault::Hang { .. })) }
    }

    fn perform(
        &mut self,
        caller: &Key,
        asked: &Asked,
        request: &Value,
        fault: Option<&Fault>,
    ) -> Result<Value, Refusal> {
        let (service, name) = (asked.signing_name().unwrap_or_default(), asked.operation.as_str());
        if matches!(asked.protocol, Protocol::Web) {
            return operation::page::get(&self.world, request);
        }
        if matches!(asked.protocol, Protocol::Hook) {
            return Ok(Value::Null);
        }
        if let Some(answer) = operation::session::perform(&mut self.world, caller, name, request) {
            return answer;
        }
        if let Protocol::Invocation = asked.protocol {
            return operation::invocation::invoke(&self.world, request);
        }
        if let Protocol::Object = asked.protocol {
            return operation::object::get(&self.world, request);
        }
        if let Protocol::Layer = asked.protocol {
            return operation::image::download(&self.world, request["path"].as_str().unwrap_or_default());
        }
        if operation::reads(name) {
            if let Some(Fault::StaleRead(age)) = fault
                && let Some(mut then) = self.state_of(*age)
            {
                return operation::perform(&mut then, service, name, request);
            }
            return operation::perform(&mut self.world, service, name, request);
        }
        let answer = operation::perform(&mut self.world, service, name, request)?;
        if ["UpdateService", "CreateDeployment", "CreateEndpoint", "UpdateEndpoint"].contains(&name) {
            self.world.updated_by_client();
        }
        self.remember();
        Ok(answer)
    }

    /// The world of so long ago, or the oldest one that is remembered.
    fn state_of(&self, age: Duration) -> Option<World> {
        let moment = self.world.now.saturating_sub(age);
        let found = self.past.iter().rev().find(|(at, _)| *at <= moment).or_else(|| self.past.front());
        found.map(|(_, world)| world.clone())
    }
}

/// The faults that are answers.
fn refusal(fault: Option<&Fault>) -> Option<Refusal> {
    match fault? {
        Fault::Throttle => Some(Refusal::new("ThrottlingException", "Rate exceeded")),
        Fault::ServerError => {
            Some(Refusal::new("ServerException", "Service Unavailable. Please try again later.").with_status(500))
        }
        Fault::ExpiredToken => Some(expired()),
        Fault::Refuse { status, code, message } => Some(Refusal::new(code, message.clone()).with_status(*status)),
        _ => None,
    }
}

fn before_effect(fault: Option<&Fault>) -> bool {
    matches!(fault, Some(Fault::TimeoutBeforeEffect | Fault::Reset | Fault::Hang { after_effect: false }))
}

fn expired() -> Refusal {
    Refusal::new("ExpiredTokenException", "The security token included in the request is expired")
}

/// Whether AWS would look at what the request asks for: who asks, whether they may, and whether it is well formed. Gives the
/// caller.
fn admit(world: &World, request: &Request, asked: &Asked) -> Result<Key, Refusal> {
    let scenario = &world.scenario;
    let name = asked.operation.as_str();
    let caller = if scenario.require_signature && asked.is_signed() {
        signature::verify(world, asked.signing_name(), request)?
    } else {
        world.lasting_key()
    };
    if asked.is_signed() && caller.expires.is_some_and(|expiry| world.now >= expiry) {
        return Err(match asked.protocol {
            Protocol::Query => Refusal { code: "ExpiredToken".to_owned(), ..expired() }.with_status(403),
            Protocol::Json(_)
            | Protocol::Cbor(_)
            | Protocol::Runner
            | Protocol::Layer
            | Protocol::Object
            | Protocol::Web
            | Protocol::GitHub
            | Protocol::Invocation
            | Protocol::Hook => expired(),
        });
    }
    let unknown = || Refusal::new("UnknownOperationException", format!("The operation \"{name}\" is not known."));
    let model = match asked.protocol {
        Protocol::Json(model) => model.ok_or_else(unknown)?,
        Protocol::Cbor(model) => model,
        Protocol::Query
        | Protocol::Layer
        | Protocol::Object
        | Protocol::Web
        | Protocol::Hook
        | Protocol::Invocation => return Ok(caller),
        Protocol::Runner => return bears(request, ID_TOKEN_REQUEST_TOKEN).map(|()| caller),
        Protocol::GitHub => return bears(request, GITHUB_TOKEN).map(|()| caller),
    };
    let operation = model.operations.get(name).ok_or_else(unknown)?;
    if operation::of_service_deployments(name) {
        let caller = world.caller();
        match scenario.service_deployments {
            ServiceDeployments::Available => {}
            ServiceDeployments::Denied => {
                return Err(Refusal::new(
                    "AccessDeniedException",
                    format!(
                        "User: {caller} is not authorized to perform: ecs:{name} because no identity-based policy allows it"
                    ),
                ));
            }
            ServiceDeployments::Unsupported => {
                return Err(Refusal::new(
                    "UnsupportedFeatureException",
                    "This feature is not supported in this Region.",
                ));
            }
        }
    }
    let Some(body) = &asked.parameters else {
        return Err(Refusal::new("SerializationException", "The body is not JSON."));
    };
    model.check(&operation.input, body, scenario.accept_unknown_members).map_err(|departure| {
        match asked.signing_name() {
            // SageMaker has one error for everything.
            Some("sagemaker") => {
                Refusal::new("ValidationException", format!("1 validation error detected: {departure}"))
            }
            _ => Refusal::from(departure),
        }
    })?;
    Ok(caller)
}

fn bears(request: &Request, token: &str) -> Result<(), Refusal> {
    let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    if authorization.and_then(|value| value.strip_prefix("Bearer ")) == Some(token) {
        return Ok(());
    }
    Err(Refusal::new("Unauthorized", "The request token is not valid.").with_status(401))
}
