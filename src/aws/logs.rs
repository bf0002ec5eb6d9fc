//! Amazon CloudWatch Logs: what containers wrote.

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use aws_sdk_cloudwatchlogs::types::OrderBy;
use jiff::Timestamp;

use super::{CallError, Operation};

/// Calls to CloudWatch Logs, which change nothing.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
}

/// One log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The log group.
    pub group: String,
    /// The log stream.
    pub name: String,
    /// Its region, where that is named.
    pub region: Option<String>,
}

/// One event of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, by the container's machine.
    pub at: Timestamp,
    /// Text from outside.
    pub text: String,
}

impl Reader {
    pub(in crate::aws) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The lines after `token`, or from the beginning, oldest first, and the token for those that come later. The token that
    /// went in comes out where there is nothing more yet.
    ///
    /// [GetLogEvents](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html)
    ///
    /// # Errors
    /// As AWS answers. A container that has not written anything yet has no stream: not found.
    pub async fn after(&self, stream: &Stream, token: Option<&str>) -> Result<(Vec<Line>, Option<String>), CallError> {
        self.get(stream, token, None).await
    }

    /// The last `count` lines, oldest first.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn last(&self, stream: &Stream, count: i32) -> Result<Vec<Line>, CallError> {
        Ok(self.get(stream, None, Some(count)).await?.0)
    }

    /// The fifty log streams of a group that were written to last, each with the time at which it was made.
    ///
    /// [DescribeLogStreams](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html),
    /// which takes no prefix in that order, and may know of the last minutes only later.
    ///
    /// # Errors
    /// As AWS answers. A group that nothing was written to yet is not there: not found.
    pub async fn written_last(&self, group: &str) -> Result<Vec<(Stream, Timestamp)>, CallError> {
        let answer = self
            .client
            .describe_log_streams()
            .log_group_name(group)
            .order_by(OrderBy::LastEventTime)
            .descending(true)
            .send()
            .await
            .map_err(|error| CallError::new(Operation::DescribeLogStreams, error))?;
        let stream = |stream: &aws_sdk_cloudwatchlogs::types::LogStream| {
            let made = Timestamp::from_millisecond(stream.creation_time()?).ok()?;
            Some((Stream { group: group.to_owned(), name: stream.log_stream_name()?.to_owned(), region: None }, made))
        };
        Ok(answer.log_streams().iter().filter_map(stream).collect())
    }

    async fn get(
        &self,
        stream: &Stream,
        token: Option<&str>,
        last: Option<i32>,
    ) -> Result<(Vec<Line>, Option<String>), CallError> {
        let mut call = self
            .client
            .get_log_events()
            .log_group_name(&stream.group)
            .log_stream_name(&stream.name)
            .start_from_head(last.is_none())
            .set_limit(last)
            .set_next_token(token.map(str::to_owned))
            .customize();
        // To override it with none is to have none.
        if let Some(region) = &stream.region {
            call = call.config_override(Builder::default().region(Region::new(region.clone())));
        }
        let answer = call.send().await.map_err(|error| CallError::new(Operation::GetLogEvents, error))?;
        let line = |event: &aws_sdk_cloudwatchlogs::types::OutputLogEvent| {
            let at = Timestamp::from_millisecond(event.timestamp()?).ok()?;
            Some(Line { at, text: event.message()?.to_owned() })
        };
        let lines = answer.events().iter().filter_map(line).collect();
        Ok((lines, answer.next_forward_token().map(str::to_owned)))
    }
}
