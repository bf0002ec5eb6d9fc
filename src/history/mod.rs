//! `mode: report`: how an environment fares, from what GitHub's Deployments keep.

mod measures;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

pub use self::measures::Measures;
use crate::cycle::{Cause, Conclusion, Events, Failure, Kind, Outcome, Output, Table};
use crate::github::{Client, Deployed, GitHubError, MAX_DEPLOYMENTS, Past};
use crate::spec::History;

/// The longest bar of the chart.
const BAR: usize = 30;

/// Reads the history, and tells what it amounts to.
///
/// # Errors
/// When GitHub refuses, or does not answer.
pub async fn tell(asked: &History, client: &Client, now: Timestamp, events: &Events) -> Result<Conclusion, Failure> {
    let History { environment, days, .. } = asked;
    let since = now.checked_sub((i64::from(*days) * 24).hours()).unwrap_or(Timestamp::UNIX_EPOCH);
    let Past { deployed: history, is_cut_off } = client.history(environment, since).await.map_err(failure)?;
    if is_cut_off {
        events.warn(format!("Only the newest {MAX_DEPLOYMENTS} deployments to {environment} were read."));
    }
    let measures = Measures::of(&history, *days);
    events.send(Kind::Tabulated(table(&measures, *days)));
    if !history.is_empty() {
        events.send(Kind::Tabulated(chart(&history, since, now, *days)));
    }
    let mut report = json!({"environment": environment, "days": days});
    if let (Some(report), Ok(serde_json::Value::Object(measures))) =
        (report.as_object_mut(), serde_json::to_value(&measures))
    {
        report.extend(measures);
    }
    events.know(Output::Report, &report);
    let headline = match measures.changes {
        0 => format!("In {days} days nothing was deployed to {environment}."),
        1 => format!("In {days} days there was 1 change of {environment}; {} failed.", measures.failed),
        changes => format!("In {days} days there were {changes} changes of {environment}; {} failed.", measures.failed),
    };
    Ok(Conclusion { outcome: Outcome::Planned, cause: None, headline, reason: None, advice: None })
}

fn failure(error: GitHubError) -> Failure {
    let cause = match &error {
        GitHubError::Refused { status: 401 | 403 | 404, .. } => Cause::AccessDenied,
        error if error.is_passing() => Cause::Unavailable,
        _ => Cause::RequestRefused,
    };
    let advice = error.advice();
    Failure::new(cause, format!("{error}.")).because(error).advise_if_any(advice)
}

fn table(measures: &Measures, days: u32) -> Table {
    let time = |seconds: Option<u64>| seconds.map_or_else(|| "unknown".to_owned(), spoken);
    let rate = |rate: Option<f64>, of: usize| {
        rate.map_or_else(
            || "unknown".to_owned(),
            |rate| format!("{:.0} % ({of} of {})", rate * 100.0, measures.changes),
        )
    };
    let rows = [
        ("Deployment frequency", frequency(measures.deployments_per_day)),
        ("Lead time for changes", time(measures.lead_time_seconds)),
        ("Change failure rate", rate(measures.change_failure_rate, measures.failed)),
        ("Time to restore", time(measures.time_to_restore_seconds)),
        ("Rollback rate", rate(measures.rollback_rate, measures.rollbacks)),
    ];
    Table::new(
        format!("The last {days} days"),
        ["Measure", "Value"],
        rows.map(|(name, value)| [name.to_owned(), value]),
    )
}

fn frequency(per_day: f64) -> String {
    if per_day >= 1.0 { format!("{per_day:.1} a day") } else { format!("{:.1} a week", per_day * 7.0) }
}

/// A duration that may be days.
fn spoken(seconds: u64) -> String {
    let minutes = seconds / 60;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A row for each day (by UTC), week or four weeks, with a bar: a full block for what reached the environment, a light one for what
/// did not, or not for long.
fn chart(history: &[Deployed], since: Timestamp, now: Timestamp, days: u32) -> Table {
    let (step, title) = match days {
        0..=28 => (1.days(), "Day"),
        29..=196 => (7.days(), "Week from"),
        _ => (28.days(), "Four weeks from"),
    };
    let day = |moment: Timestamp| moment.to_zoned(TimeZone::UTC).date();
    let mut counts: Vec<(Date, usize, usize)> = Vec::new();
    let mut begin = day(since);
    while begin <= day(now) {
        let end = begin.saturating_add(step);
        let within = history.iter().filter(|it| (begin..end).contains(&day(it.ended_at)));
        let (mut well, mut badly) = (0, 0);
        for deployed in within {
            match deployed.outcome {
                Outcome::Deployed | Outcome::Unchanged => well += 1,
                Outcome::RolledBack | Outcome::Failed | Outcome::RollbackFailed => badly += 1,
                Outcome::Planned | Outcome::InProgress | Outcome::Refused | Outcome::Superseded => {}
            }
        }
        counts.push((begin, well, badly));
        begin = end;
    }
    let most = counts.iter().map(|(_, well, badly)| well + badly).max().unwrap_or_default().max(BAR);
    let blocks = |block: &str, number: usize| block.repeat((number * BAR).div_ceil(most));
    let rows = counts.into_iter().map(|(begin, well, badly)| {
        let bar = format!("{}{}", blocks("█", well), blocks("░", badly));
        [begin.to_string(), well.to_string(), badly.to_string(), bar]
    });
    Table::new("Over time", [title, "Went well", "Did not", ""], rows)
}
