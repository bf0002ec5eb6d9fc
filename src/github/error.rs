//! What GitHub refuses, in words.

/// A call to GitHub that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// GitHub refused it.
    #[error("GitHub answered {status} to {what}: {message}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// What GitHub says: text from outside.
        message: String,
    },
    /// There was no answer that can be read.
    #[error("GitHub did not answer to {what}")]
    Silent {
        /// What was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<octocrab::Error>,
    },
    /// The address of the API is none.
    #[error("GITHUB_API_URL is not the address of an API")]
    NoAddress(#[source] http::uri::InvalidUri),
    /// The answer lacks what was asked for.
    #[error("GitHub's answer to {what} has no {member}")]
    Incomplete {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        member: &'static str,
    },
}

impl GitHubError {
    pub(super) fn new(what: &'static str, error: octocrab::Error) -> Self {
        match error {
            octocrab::Error::GitHub { source, .. } => {
                Self::Refused { what, status: source.status_code.as_u16(), message: source.message }
            }
            other => Self::Silent { what, source: Box::new(other) },
        }
    }

    /// What the user can do about it.
    ///
    /// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
    pub fn advice(&self) -> Option<String> {
        let Self::Refused { status, message, .. } = self else { return None };
        let is_limit = message.contains("rate limit");
        match status {
            401 => Some("GitHub does not know the token: see the input `github-token`.".to_owned()),
            403 | 404 if !is_limit => Some(
                "Does the job's token lack a permission? docs/github.md says which one is needed. Workflows of forks never have it."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Whether asking again at once may help. Whoever asks again after a call that writes has to look first.
    pub fn is_passing(&self) -> bool {
        match self {
            // A limit that is used up comes back in minutes, and whoever goes on asking is kept out for longer.
            Self::Refused { status, .. } => *status >= 500,
            Self::Silent { .. } => true,
            Self::NoAddress(_) | Self::Incomplete { .. } => false,
        }
    }
}
