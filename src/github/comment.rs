//! One comment on a pull request, kept up to date.
//!
//! <https://docs.github.com/en/rest/issues/comments>

use serde_json::{Value, json};

use super::write::{self, Before};
use super::{Client, GitHubError, MAX_COMMENT};
use crate::text::one_line;

/// So many pages of a hundred comments are searched.
const PAGES: u32 = 20;

/// Room for what closes a fence and what is folded.
const CLOSERS: usize = 200;

const CUT_NOTE: &str = "\n\n_The rest was left out: GitHub takes no longer comment. The run's summary has it._\n";

impl Client {
    /// Writes the comment with that key: changes the one that is there, or makes it.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn comment(&self, pull_request: u64, key: &str, markdown: &str) -> Result<(), GitHubError> {
        // Two hyphens could end what nobody is to see.
        let key = one_line(key).replace("--", "- ").replace(['<', '>'], "");
        let marker = format!("<!-- {}: {key} -->", env!("CARGO_PKG_NAME"));
        let body = json!({"body": fit(&format!("{marker}\n{markdown}"))});
        let look = async || {
            let Some(found) = self.find_comment(pull_request, &marker).await? else { return Ok(None) };
            if found["body"] != body["body"] {
                let id = found["id"].as_u64().unwrap_or_default();
                self.patch("change a comment", &format!("issues/comments/{id}"), &body).await?;
            }
            Ok(Some(()))
        };
        let write =
            async || self.post("write a comment", &format!("issues/{pull_request}/comments"), &body).await.map(|_| ());
        write::once(Before::Perhaps, look, write).await
    }

    async fn find_comment(&self, pull_request: u64, marker: &str) -> Result<Option<Value>, GitHubError> {
        for page in 1..=PAGES {
            let path = format!("issues/{pull_request}/comments?per_page=100&page={page}");
            let comments = self.get("list the comments", &path).await?;
            let comments = comments.as_array().map(Vec::as_slice).unwrap_or_default();
            let is_ours = |comment: &&Value| {
                comment["body"].as_str().is_some_and(|body| body.starts_with(marker)) && is_of_a_writer(comment)
            };
            if let Some(ours) = comments.iter().find(is_ours) {
                return Ok(Some(ours.clone()));
            }
            if comments.len() < 100 {
                break;
            }
        }
        Ok(None)
    }

    /// The open pull request that a commit belongs to, if there is one.
    ///
    /// # Errors
    /// When GitHub refuses, or does not answer.
    pub async fn pull_request_of(&self, commit: &str) -> Result<Option<u64>, GitHubError> {
        let pulls = self.get("find the commit's pull request", &format!("commits/{commit}/pulls")).await?;
        Ok(pulls
            .as_array()
            .into_iter()
            .flatten()
            .find(|pull| pull["state"] == "open")
            .and_then(|pull| pull["number"].as_u64()))
    }
}

/// Whether whoever wrote the comment may write to the repository, as the one has to whose token this is: a stranger who knows the
/// marker gets no text put into his mouth that he could change later.
fn is_of_a_writer(comment: &Value) -> bool {
    comment["user"]["type"] == "Bot"
        || matches!(comment["author_association"].as_str(), Some("OWNER" | "MEMBER" | "COLLABORATOR"))
}

/// As many whole lines as a comment may have. What is open where it is cut is closed.
fn fit(markdown: &str) -> String {
    if markdown.encode_utf16().count() <= MAX_COMMENT {
        return markdown.to_owned();
    }
    let room = MAX_COMMENT - CUT_NOTE.len() - CLOSERS;
    let (mut length, mut fence, mut folded) = (0, None, 0_usize);
    let mut kept = String::new();
    for line in markdown.split_inclusive('\n') {
        length += line.encode_utf16().count();
        if length > room {
            break;
        }
        kept.push_str(line);
        let ticks = line.len() - line.trim_start_matches('`').len();
        match &fence {
            Some(opened) if line.trim_end().len() == *opened && ticks == *opened => fence = None,
            None if ticks >= 3 => fence = Some(ticks),
            None if line.starts_with("<details>") => folded += 1,
            None if line.starts_with("</details>") => folded = folded.saturating_sub(1),
            Some(_) | None => {}
        }
    }
    if let Some(ticks) = fence {
        kept.push_str(&format!("{}\n", "`".repeat(ticks)));
    }
    kept.push_str(&"\n</details>\n".repeat(folded));
    kept + CUT_NOTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_cut_at_the_end_of_a_line() {
        let short = "one\ntwo\n";
        assert_eq!(fit(short), short);
        let long = "🚢🚢\n".repeat(MAX_COMMENT / 4);
        let cut = fit(&long);
        assert!(cut.encode_utf16().count() <= MAX_COMMENT);
        assert!(cut.encode_utf16().count() > MAX_COMMENT - CUT_NOTE.len() - CLOSERS - 5);
        let kept = cut.strip_suffix(CUT_NOTE).unwrap();
        assert!(kept.lines().all(|line| line == "🚢🚢"), "{kept}");
    }

    #[test]
    fn what_is_open_where_it_is_cut_is_closed() {
        let diff =
            format!("before\n<details><summary>Diff</summary>\n\n````diff\n{}````\n", "+ ```\n".repeat(MAX_COMMENT));
        let cut = fit(&diff);
        assert!(cut.encode_utf16().count() <= MAX_COMMENT);
        let end = cut.strip_suffix(CUT_NOTE).unwrap();
        assert!(end.ends_with("+ ```\n````\n\n</details>\n"), "{}", &end[end.len() - 100..]);
        let done = format!("```\na\n```\n<details>\n</details>\n{}", "x\n".repeat(MAX_COMMENT));
        assert!(fit(&done).strip_suffix(CUT_NOTE).unwrap().ends_with("x\nx\n"));
    }
}
