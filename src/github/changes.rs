//! Which commits go out with a deployment.
//!
//! <https://docs.github.com/en/rest/commits/commits#compare-two-commits>

use serde_json::Value;

use super::{Client, GitHubError};
use crate::text::{one_line, shorten};

/// More commits than this are counted and not listed.
const MAX_COMMITS: usize = 50;

/// Titles and names longer than these are cut.
const MAX_TITLE: usize = 120;
const MAX_AUTHOR: usize = 60;

/// The commits between what ran and what is deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The newest first, at most fifty. Texts are from outside.
    pub commits: Vec<Change>,
    /// How many there are.
    pub total: u64,
    /// How many commits of what ran are missing from what is deployed: it goes back, or sideways.
    pub behind: u64,
    /// The page that shows them.
    pub url: Option<String>,
}

/// One commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The commit's hash.
    pub commit: String,
    /// The first line of its message.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// The pull request that brought it, as far as its message tells.
    pub pull_request: Option<u64>,
}

impl Client {
    /// Compares what ran with what is deployed: two commits, each as its hash.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer; also when it knows one of the commits no more.
    pub async fn changes(&self, before: &str, after: &str) -> Result<Changes, GitHubError> {
        // The newest come last: only the last page has them.
        let compare = |page: u64| format!("compare/{before}...{after}?per_page={MAX_COMMITS}&page={page}");
        let first = self.get("compare the commits", &compare(1)).await?;
        let total = first["total_commits"].as_u64().unwrap_or_default();
        let pages = total.div_ceil(MAX_COMMITS as u64);
        let mut listed: Vec<Change> = commits(&first).collect();
        if pages > 1 {
            let last = self.get("compare the commits", &compare(pages)).await?;
            if pages > 2 {
                let before_last = self.get("compare the commits", &compare(pages - 1)).await?;
                listed = commits(&before_last).collect();
            }
            listed.extend(commits(&last));
        }
        listed.reverse();
        listed.truncate(MAX_COMMITS);
        let behind = first["behind_by"].as_u64().unwrap_or_default();
        Ok(Changes { commits: listed, total, behind, url: first["html_url"].as_str().map(str::to_owned) })
    }
}

fn commits(comparison: &Value) -> impl Iterator<Item = Change> {
    comparison["commits"].as_array().into_iter().flatten().map(|commit| {
        let message = commit["commit"]["message"].as_str().unwrap_or_default();
        let title = one_line(message.lines().next().unwrap_or_default());
        let author = commit["author"]["login"].as_str().or(commit["commit"]["author"]["name"].as_str());
        Change {
            commit: commit["sha"].as_str().unwrap_or_default().to_owned(),
            pull_request: pull_request(&title),
            title: shorten(&title, MAX_TITLE),
            author: shorten(&one_line(author.unwrap_or("unknown")), MAX_AUTHOR),
        }
    })
}

/// The number that GitHub writes into the message of a merge (`Merge pull request #12 from …`) and of a squash (`… (#12)`).
fn pull_request(title: &str) -> Option<u64> {
    let number = match title.strip_prefix("Merge pull request #") {
        Some(rest) => rest.split(' ').next()?,
        None => title.strip_suffix(')')?.rsplit_once("(#")?.1,
    };
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_request_is_read_from_what_github_writes() {
        for (title, expected) in [
            ("Merge pull request #12 from shop/fix", Some(12)),
            ("Pay by card (#345)", Some(345)),
            ("Pay by card (#x)", None),
            ("Fixes #3", None),
            ("", None),
        ] {
            assert_eq!(pull_request(title), expected, "{title}");
        }
    }
}
