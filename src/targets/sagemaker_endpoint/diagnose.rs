//! Collects the evidence of a failed rollout.

use jiff::Timestamp;

use super::Rollout;
use super::known_causes::hints;
use crate::aws::CallErrorKind;
use crate::aws::logs::{Reader, Stream};
use crate::cycle::{Diagnosis, LogTail};

/// How many logs are shown, and how many lines of each.
const MAX_LOGS: usize = 3;
const LINES: i32 = 30;

/// What AWS says, and what the containers of the new instances wrote last. A part that cannot be had is left out: a diagnosis
/// never stands in the way of a rollback.
pub(super) async fn diagnose(rollout: &Rollout, logs: &Reader) -> Diagnosis {
    let statements: Vec<String> = rollout.last.iter().filter_map(|endpoint| endpoint.failure.clone()).collect();
    let logs = tails(logs, &rollout.endpoint, rollout.began).await;
    let hints = hints(&statements, logs.iter().flat_map(|log| &log.lines));
    Diagnosis { hints, statements, logs, ..Diagnosis::default() }
}

/// The ends of the newest logs. SageMaker gives each instance a log stream: `VARIANT/INSTANCE`.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html>
async fn tails(logs: &Reader, endpoint: &str, began: Option<Timestamp>) -> Vec<LogTail> {
    let group = format!("/aws/sagemaker/Endpoints/{endpoint}");
    let streams = match logs.written_last(&group).await {
        Ok(streams) => newest(streams, began),
        // No container ever came to write anything.
        Err(error) if error.kind == CallErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let note = Some(format!("It cannot be read: {error}"));
            return vec![LogTail { container: endpoint.to_owned(), group: Some(group), note, ..LogTail::default() }];
        }
    };
    let mut tails = Vec::new();
    for stream in streams {
        let variant = stream.name.split('/').next().unwrap_or_default().to_owned();
        let mut tail = LogTail { container: variant, ..LogTail::default() };
        match logs.last(&stream, LINES).await {
            Ok(lines) => tail.lines = lines.into_iter().map(|line| line.text).collect(),
            Err(error) => tail.note = Some(format!("It cannot be read: {error}")),
        }
        (tail.group, tail.stream) = (Some(stream.group), Some(stream.name));
        if !tail.lines.is_empty() || tail.note.is_some() {
            tails.push(tail);
        }
    }
    tails
}

/// The streams of the new instances, newest first. What is older than the rollout is of instances that served before.
fn newest(mut streams: Vec<(Stream, Timestamp)>, began: Option<Timestamp>) -> Vec<Stream> {
    streams.retain(|(stream, made)| {
        // What data capture has to say lies beside what the container says.
        !stream.name.ends_with("/data-log") && began.is_none_or(|began| *made >= began)
    });
    streams.sort_by_key(|(_, made)| std::cmp::Reverse(*made));
    streams.into_iter().take(MAX_LOGS).map(|(stream, _)| stream).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_logs_of_new_instances_are_shown_and_the_newest_come_first() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let streams = || {
            let stream = |(name, made): (&str, i64)| {
                (Stream { group: String::new(), name: name.to_owned(), region: None }, at(made))
            };
            [("a/1", 10), ("a/2", 30), ("a/2/data-log", 30), ("b/3", 40), ("a/4", 20)].map(stream).to_vec()
        };
        let names = |began| newest(streams(), began).into_iter().map(|stream| stream.name).collect::<Vec<_>>();
        assert_eq!(names(Some(at(20))), ["b/3", "a/2", "a/4"]);
        assert_eq!(names(None), ["b/3", "a/2", "a/4"]);
        assert_eq!(names(Some(at(31))), ["b/3"]);
    }
}
