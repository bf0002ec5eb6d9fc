//! An address that has to answer, so many times in a row.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use http::header::LOCATION;
use tokio::time::Instant;

use super::Standing;
use super::http::get;
use crate::cycle::{Cause, Events, Failure};
use crate::spec::HealthCheck;
use crate::text::count;
use crate::web::Web;

/// How long one answer may take, its body included.
const ATTEMPT: Duration = Duration::from_secs(10);
/// So many redirects in a row are followed.
const REDIRECTS: u32 = 5;

/// An address while it is asked.
#[derive(Debug)]
pub(super) struct AddressWatch {
    wanted: HealthCheck,
    web: Web,
    deadline: Instant,
    due: Instant,
    in_a_row: u32,
    /// What was wrong at the last question.
    complaint: Option<String>,
}

impl AddressWatch {
    pub(super) fn begin(wanted: HealthCheck, http_client: Option<SharedHttpClient>) -> Self {
        let now = Instant::now();
        let web = Web::new(http_client, ATTEMPT);
        Self { deadline: now + wanted.within, due: now, wanted, web, in_a_row: 0, complaint: None }
    }

    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Asks once.
    pub(super) async fn look(&mut self, events: &Events) -> Standing {
        let asked = Instant::now();
        let address = &self.wanted.address;
        match self.ask().await {
            Ok(status) => {
                self.in_a_row += 1;
                self.complaint = None;
                events.note(format!(
                    "{address} answered with {status}: good answer {} of {}.",
                    self.in_a_row, self.wanted.successes
                ));
                if self.in_a_row >= self.wanted.successes {
                    return Standing::Passed;
                }
            }
            Err(complaint) => {
                self.in_a_row = 0;
                if self.complaint.as_ref() != Some(&complaint) {
                    events.note(format!("{address} {complaint}."));
                }
                self.complaint = Some(complaint);
            }
        }
        if Instant::now() >= self.deadline {
            return Standing::Failed(self.failure());
        }
        self.due = (asked + self.wanted.interval).min(self.deadline);
        Standing::Pending
    }

    /// The status of a good answer, or what is wrong, to follow the address.
    async fn ask(&self) -> Result<u16, String> {
        let mut address = self.wanted.address.clone();
        for _ in 0..=REDIRECTS {
            let answer = get(&address, &self.web).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            match location {
                Some(location) if !self.wanted.status.contain(status) && (300..400).contains(&status) => {
                    address = address.redirected(location).ok_or_else(|| {
                        format!("answered with {}, a redirect to another host, which is not followed", status)
                    })?;
                }
                _ => return self.judge(&answer),
            }
        }
        Err(format!("redirects more than {REDIRECTS} times"))
    }

    fn judge(&self, answer: &http::Response<Bytes>) -> Result<u16, String> {
        let (status, wanted) = (answer.status().as_u16(), &self.wanted);
        if !wanted.status.contain(status) {
            return Err(format!("answered with {status}, not with {}", wanted.status));
        }
        if let Some(expected) = &wanted.body
            && !expected.is_match(&String::from_utf8_lossy(answer.body()))
        {
            return Err(format!("answered with {status}, and `health-check-body` does not match"));
        }
        Ok(status)
    }

    fn failure(&self) -> Failure {
        let HealthCheck { address, successes, within, .. } = &self.wanted;
        let within = count(within.as_secs_f64() / 60.0, "minute", "minutes");
        let last = match &self.complaint {
            Some(complaint) => format!("at last it {complaint}"),
            None => format!("at last {} were good", self.in_a_row),
        };
        Failure::new(
            Cause::HealthCheckUrl,
            format!("{address} did not give {successes} good answers in a row within {within}: {last}."),
        )
        .advise(
            "Look at the log of the new tasks. If the service only needs more time until it answers, raise \
             `health-check-minutes`.",
        )
    }
}
