//! The whole program as a function: environment in, exit code out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

use crate::aws::Connection;
use crate::aws::permissions::{self, Place, trust_policy};
use crate::cycle::{
    Cancellation, Cause, Conclusion, Doing, Ended, Events, Failure, Handover, Kind, Outcome, Output, Policy,
};
use crate::dispatch::{Prepared, unreadable};
use crate::github::Client;
use crate::report::github::{self, Begun};
use crate::report::{self, Audience, Outbox, state};
use crate::runner::inputs::UnreadableInputs;
use crate::runner::{Console, Environment, Inputs, RunContext};
use crate::spec::{Asked, History, InputError, Mode, Spec, Tag, Validation};
use crate::verification::Checks;
use crate::web::Web;

/// What the program gets from the process that it runs in.
pub struct Host {
    /// The environment, read once.
    pub environment: Environment,
    /// The way to standard output.
    pub console: Console,
    /// Says when the workflow run is cancelled.
    pub cancellation: Cancellation,
    /// Now, by the wall clock.
    pub now: Timestamp,
    /// Replaces the network, for tests and rehearsals.
    pub http_client: Option<SharedHttpClient>,
    /// The step itself, or what is done after the job.
    pub stage: Stage,
}

/// When the program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As the step.
    Main,
    /// As the step's post step, after all steps of the job.
    Post,
}

/// Runs the action and answers its exit code: see [`exit_code`](crate::cycle::exit_code).
///
/// The future is boxed: its full type is some hundred layers deep, which no caller should have to compile.
pub fn run(host: Host) -> LocalBoxFuture<'static, u8> {
    async { LocalSet::new().run_until(exit_code(host)).await }.boxed_local()
}

/// How long reports may take when everything else is over.
const REPORTS: Duration = Duration::from_secs(5);
/// The same for a step that was cancelled, and is killed soon. What it cannot tell in this time, its post step does.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// How long each answer to a report may take.
const HISTORY: Duration = Duration::from_secs(10);

async fn exit_code(host: Host) -> u8 {
    let sinks = report::sinks(&host.environment, &host.console);
    let events = Events::new(host.now, sinks);
    let outbox = Rc::new(Outbox::default());
    let conclusion = match host.stage {
        Stage::Main => Some(step(&host, &events, &outbox).await),
        Stage::Post => afterwards(&host, &events, &outbox).boxed_local().await,
    };
    // Whoever still listens hears that nothing more comes.
    drop(events);
    outbox
        .close(async {
            tokio::select! {
                () = sleep(REPORTS) => {}
                () = host.cancellation.cancelled() => sleep(LAST_WORDS).await,
            }
        })
        .await;
    conclusion.map_or(crate::cycle::exit_code::DONE, |conclusion| conclusion.exit_code())
}

async fn step(host: &Host, events: &Events, outbox: &Rc<Outbox>) -> Conclusion {
    let asked = inputs(host, events)
        .and_then(|inputs| Asked::from_inputs(&inputs, &workspace(host)).map_err(|errors| wrong(&errors)));
    let spec = match asked {
        Ok(Asked::Deployment(spec)) => *spec,
        Ok(Asked::History(history)) => return tell_history(host, &history, events).await,
        Ok(Asked::Validation(validation)) => return validate(host, &validation, events),
        Err(failure) => return refuse(failure, events),
    };
    if spec.prints_policy {
        return print_policies(host, &spec, events).await;
    }
    for teller in audience(host, &spec).tellers(None, outbox) {
        events.add(teller);
    }
    match begin(host, spec, events).await {
        Ok(prepared) => prepared.run(events).boxed_local().await.unwrap_or_else(|failure| refuse(failure, events)),
        Err(failure) => refuse(failure, events),
    }
}

fn audience<'a>(host: &'a Host, spec: &'a Spec) -> Audience<'a> {
    Audience {
        environment: &host.environment,
        console: &host.console,
        http_client: host.http_client.clone(),
        announcements: &spec.announcements,
    }
}

/// Does what the step left to do; `None` when that is nothing.
async fn afterwards(host: &Host, events: &Events, outbox: &Rc<Outbox>) -> Option<Conclusion> {
    let left = |name: &str| host.environment.get(&format!("STATE_{name}"));
    // Without a rollout that was, or may have been, started nothing is owed, however the step ended.
    let owed = left(state::OWED)?;
    let ended = match left(state::OUTCOME).and_then(Outcome::of_word) {
        Some(outcome) => Ended::Concluded(outcome, left(state::CAUSE).and_then(Cause::of_word)),
        None => Ended::Killed,
    };
    let unable = |failure: Failure| {
        let headline = "What the step left in flight was not looked after: look at it now.".to_owned();
        let Failure { cause, reason, advice, .. } = failure;
        let outcome = Outcome::RollbackFailed;
        let conclusion = Conclusion { outcome, cause: Some(cause), headline, reason: Some(reason), advice };
        events.send(Kind::Concluded(conclusion.clone()));
        conclusion
    };
    let spec = match spec(host, events) {
        Ok(spec) => spec,
        Err(failure) => return Some(unable(failure)),
    };
    let begun = left(github::BEGUN).and_then(|begun| serde_json::from_str::<Begun>(begun).ok());
    let takes_back_for_the_job = spec.rollback_on_job_failure && spec.job_has_failed;
    let debt = Handover::outline(owed);
    if debt.as_ref().is_ok_and(|debt| !debt.is_due(ended, takes_back_for_the_job, spec.on_cancel)) {
        if let Some(begun) = begun.filter(|_| left(github::ENDED).is_none()) {
            let conclusion = concluded(ended, left(state::MESSAGE));
            // However that ends: it complains itself, and nothing else is left to do.
            timeout(REPORTS, audience(host, &spec).end_on_github(begun, &conclusion)).await.ok();
        }
        return None;
    }
    for teller in audience(host, &spec).tellers(begun, outbox) {
        events.add(teller);
    }
    if let Err(error) = debt {
        return Some(unable(unreadable(error)));
    }
    let finished = match prepare(host, spec, events).await {
        Ok(prepared) => prepared.finish(events, owed, ended, takes_back_for_the_job).await,
        Err(failure) => Err(failure),
    };
    finished.unwrap_or_else(|failure| Some(unable(failure)))
}

/// What the step concluded, as far as it has left word; a step that was killed has left none.
fn concluded(ended: Ended, headline: Option<&str>) -> Conclusion {
    let (outcome, cause) = match ended {
        Ended::Concluded(outcome, cause) => (outcome, cause),
        Ended::Killed => (Outcome::Failed, Some(Cause::Cancelled)),
    };
    let headline = headline.unwrap_or("The step was killed, and what it began was left as it was.").to_owned();
    Conclusion { outcome, cause, headline, reason: None, advice: None }
}

async fn begin<'a>(host: &'a Host, spec: Spec, events: &Events) -> Result<Prepared<'a>, Failure> {
    tokio::select! {
        biased;
        () = host.cancellation.cancelled() => Err(Failure::cancelled()),
        prepared = prepare(host, spec, events) => prepared,
    }
}

async fn prepare<'a>(host: &'a Host, spec: Spec, events: &Events) -> Result<Prepared<'a>, Failure> {
    let connection =
        Connection::new(&host.environment, &spec, host.now, &host.console, host.http_client.clone()).await?;
    for endpoint in connection.endpoints(&spec) {
        events.warn(format!("The environment sends calls to {endpoint} instead of AWS (AWS_ENDPOINT_URL)."));
    }
    let policy = Policy {
        wait: match (&spec.mode, &spec.one_off) {
            (Mode::RunTask, Some(one_off)) => one_off.wait,
            (Mode::RegisterModel, _) => true,
            _ => spec.wait,
        },
        wait_for: spec.wait_for,
        credentials_end: connection.credentials_end().map(|end| {
            let left = Duration::try_from(end.duration_since(host.now)).unwrap_or_default();
            (Instant::now() + left).checked_sub(events.elapsed()).unwrap_or_else(Instant::now)
        }),
        rollback_on_failure: spec.rollback_on_failure,
        on_conflict: spec.on_conflict,
        on_cancel: spec.on_cancel,
        on_pause: spec.on_pause,
        doing: match spec.mode {
            Mode::Deploy => Doing::Deploy,
            Mode::Plan => Doing::Plan,
            Mode::Rollback { .. } => Doing::Rollback,
            Mode::Continue { .. } => Doing::Continue,
            Mode::RunTask => Doing::RunTask,
            Mode::RegisterModel => Doing::RegisterModel,
        },
    };
    let mut tags = spec.tags.clone();
    if spec.deploy_tags {
        tags.extend(deploy_tags(&host.environment));
    }
    let checks = Checks::new(spec.verification.clone(), connection.cloudwatch_reader(), host.http_client.clone());
    let today = host.now.to_zoned(TimeZone::UTC).date();
    let (environment, cancellation) = (&host.environment, host.cancellation.clone());
    Ok(Prepared { environment, cancellation, spec, policy, tags, today, connection, checks })
}

fn spec(host: &Host, events: &Events) -> Result<Spec, Failure> {
    Spec::from_inputs(&inputs(host, events)?, &workspace(host)).map_err(|errors| wrong(&errors))
}

fn wrong(errors: &[InputError]) -> Failure {
    let reasons = errors.iter().map(|error| format!("{error}.")).collect::<Vec<_>>().join(" ");
    Failure::new(Cause::InvalidInput, reasons)
}

fn inputs(host: &Host, events: &Events) -> Result<Inputs, Failure> {
    let unreadable = |error: UnreadableInputs| Failure::new(Cause::InvalidInput, error.to_string()).because(error);
    let (inputs, notices) = Inputs::read(&host.environment).map_err(unreadable)?;
    Ok(match host.stage {
        Stage::Main => {
            for notice in notices {
                events.warn(notice);
            }
            inputs
        }
        Stage::Post => inputs.for_the_post_step(),
    })
}

fn workspace(host: &Host) -> PathBuf {
    host.environment.get("GITHUB_WORKSPACE").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Tags by which a revision can be traced to what made it, and found again by a rollback.
fn deploy_tags(environment: &Environment) -> Vec<Tag> {
    let run = environment.get("GITHUB_RUN_ID").map(|run| match environment.get("GITHUB_RUN_ATTEMPT") {
        Some(attempt) => format!("{run}/{attempt}"),
        None => run.to_owned(),
    });
    [
        ("commit", environment.get("GITHUB_SHA").map(str::to_owned)),
        ("repository", environment.get("GITHUB_REPOSITORY").map(str::to_owned)),
        ("run", run),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some(Tag { key: format!("{}:{key}", env!("CARGO_PKG_NAME")), value: value? }))
    .collect()
}

/// `mode: report`: asks GitHub alone.
async fn tell_history(host: &Host, history: &History, events: &Events) -> Conclusion {
    events.send(Kind::Started { target: format!("the deployments to {}", history.environment), mode: Doing::Report });
    host.console.mask(history.token.reveal());
    let told = async {
        let run = RunContext::read(&host.environment).ok_or_else(|| {
            Failure::new(Cause::InvalidInput, "This is not a workflow run: which repository is asked for is not known.")
        })?;
        let web = Web::new(host.http_client.clone(), HISTORY);
        let client = Client::new(&run.api_url, &run.repository, history.token.reveal().into(), web)
            .map_err(|error| Failure::new(Cause::InvalidInput, format!("{error}.")).because(error))?;
        crate::history::tell(history, &client, host.now, events).await
    };
    let told = tokio::select! {
        biased;
        () = host.cancellation.cancelled() => Err(Failure::cancelled()),
        told = told => told,
    };
    match told {
        Ok(conclusion) => {
            events.know(Output::Changed, false);
            events.send(Kind::Concluded(conclusion.clone()));
            conclusion
        }
        Err(failure) => refuse(failure, events),
    }
}

/// `mode: validate`: asks nobody.
fn validate(host: &Host, validation: &Validation, events: &Events) -> Conclusion {
    events.send(Kind::Started { target: "workflows and task definitions".to_owned(), mode: Doing::Validate });
    let ours = host.environment.get("GITHUB_ACTION_REPOSITORY").map(str::to_owned);
    match crate::validate::tell(validation, &workspace(host), ours, events) {
        Ok(conclusion) => {
            events.know(Output::Changed, false);
            events.send(Kind::Concluded(conclusion.clone()));
            conclusion
        }
        Err(failure) => refuse(failure, events),
    }
}

fn permissions_of(spec: &Spec) -> String {
    if let Some(registration) = &spec.registration {
        return format!("the permissions for model package group {}", registration.group);
    }
    if let Some(endpoint) = &spec.endpoint {
        return format!("the permissions for endpoint {}", endpoint.name);
    }
    match &spec.service {
        Some(service) => format!("the permissions for service {service}"),
        None => "the permissions for a one-off task".to_owned(),
    }
}

/// `mode: iam-policy`: says what the role has to be allowed and who may assume it. Asks nothing of AWS.
async fn print_policies(host: &Host, spec: &Spec, events: &Events) -> Conclusion {
    events.send(Kind::Started { target: permissions_of(spec), mode: Doing::IamPolicy });
    let environment = &host.environment;
    let place = Place::of(spec, environment);
    let claims = crate::aws::claims(spec, environment, &host.console, host.http_client.clone()).await;
    let policies = [
        (
            Output::Policy,
            "What the role has to be allowed",
            serde_json::to_value(permissions::Policy::for_spec(spec, &place)).ok(),
        ),
        (
            Output::TrustPolicy,
            "Who may assume the role (its trust policy)",
            Some(trust_policy(spec, &place, environment, claims.as_ref())),
        ),
    ];
    let mut gaps = BTreeSet::new();
    for (output, title, policy) in policies {
        let document = policy.map(|policy| format!("{policy:#}")).unwrap_or_default();
        gaps.extend(place.gaps(&document));
        events.know(output, &document);
        events.send(Kind::Printed { title: title.to_owned(), document });
    }
    for (word, meaning) in gaps {
        events.warn(format!("`{word}` stands for {meaning}."));
    }
    events.know(Output::Changed, false);
    let conclusion = Conclusion {
        outcome: Outcome::Planned,
        cause: None,
        headline: "Nothing was changed or looked at: these are the policies that the inputs need.".to_owned(),
        reason: None,
        advice: Some("docs/permissions.md says what each permission is for.".to_owned()),
    };
    events.send(Kind::Concluded(conclusion.clone()));
    conclusion
}

fn refuse(failure: Failure, events: &Events) -> Conclusion {
    let conclusion = Conclusion {
        outcome: Outcome::Refused,
        cause: Some(failure.cause),
        headline: "Nothing was changed: the request cannot be carried out as it is.".to_owned(),
        reason: Some(failure.reason),
        advice: failure.advice,
    };
    events.know(Output::Changed, false);
    events.send(Kind::Concluded(conclusion.clone()));
    conclusion
}
