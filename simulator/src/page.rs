//! What addresses answer that are not AWS's: the service's own, behind its load balancer.

use std::time::Duration;

use serde::Deserialize;

use crate::scenario::seconds;

/// A page, for [`Scenario::page`](crate::Scenario::page).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Page {
    /// The URL without its query; or a path, on whatever host.
    pub(crate) url: String,
    /// The first that holds is given; where none does, the page is not found.
    pub(crate) answers: Vec<PageAnswer>,
}

impl Page {
    /// A page at that URL, or at that path of every host.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), answers: Vec::new() }
    }

    /// The same page, with this answer where no earlier one holds.
    pub fn answer(mut self, answer: PageAnswer) -> Self {
        self.answers.push(answer);
        self
    }
}

/// An answer, and when it holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct PageAnswer {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) location: Option<String>,
    /// Only while a task runs whose image contains this.
    #[serde(default)]
    pub(crate) image: Option<String>,
    /// Only so long after the world started.
    #[serde(default, deserialize_with = "until")]
    pub(crate) until: Option<Duration>,
}

fn until<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    seconds(deserializer).map(Some)
}

impl PageAnswer {
    /// An answer of that HTTP status, without a body.
    pub fn status(status: u16) -> Self {
        Self { status, body: String::new(), location: None, image: None, until: None }
    }

    /// A redirect.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..Self::status(302) }
    }

    /// Its body.
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Only while a task runs whose image contains `image`.
    pub fn while_runs(self, image: impl Into<String>) -> Self {
        Self { image: Some(image.into()), ..self }
    }

    /// Only so long after the world started.
    pub fn until(self, until: Duration) -> Self {
        Self { until: Some(until), ..self }
    }
}
