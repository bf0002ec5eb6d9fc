//! Which past is asked for: `mode: report`.

use super::{InputError, Secret, field};
use crate::runner::Inputs;

const DAYS: u32 = 30;
const DAYS_MOST: u32 = 365;

/// How an environment fared.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The environment's name.
    pub environment: String,
    /// In how many days.
    pub days: u32,
    /// The token for GitHub's API.
    pub token: Secret,
}

impl History {
    /// Reads the inputs; `None` when something else is asked for.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_inputs(inputs: &Inputs) -> Result<Option<Self>, InputError> {
        let is_report = inputs.mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("report"));
        if !is_report {
            return match inputs.report_days {
                Some(_) => Err(InputError::new(
                    "report-days",
                    "it says how far a report looks back, and `mode` is not `report`",
                    "set `mode: report`, or leave this input out",
                )),
                None => Ok(None),
            };
        }
        let Some(environment) = inputs.environment.clone() else {
            let remedy = "name the environment whose deployments are to be counted, such as `production`";
            return Err(InputError::new("environment", "a report is about one, and none is named", remedy));
        };
        let Some(token) = inputs.github_token.as_deref().map(Secret::new) else {
            let remedy = "leave it out: its default is the job's own token";
            return Err(InputError::new("github-token", "it is empty, and the history is on GitHub", remedy));
        };
        let remedy = format!("write a number of days from 1 to {DAYS_MOST}");
        let days = match inputs.report_days.as_deref() {
            None => DAYS,
            Some(text) => field::within("report-days", text, 1..=DAYS_MOST, &remedy)?,
        };
        Ok(Some(Self { environment, days, token }))
    }
}
