//! Where this run is shown.

use super::Environment;

/// The page of this attempt of this workflow run, on github.com or on the company's own server; `None` outside a run.
pub fn run_url(environment: &Environment) -> Option<String> {
    let server = environment.get("GITHUB_SERVER_URL")?.trim_end_matches('/');
    let repository = environment.get("GITHUB_REPOSITORY")?;
    let run = environment.get("GITHUB_RUN_ID")?;
    let attempt = environment.get("GITHUB_RUN_ATTEMPT").map(|attempt| format!("/attempts/{attempt}"));
    Some(format!("{server}/{repository}/actions/runs/{run}{}", attempt.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempt_is_named_when_there_is_one() {
        let run = [
            ("GITHUB_SERVER_URL", "https://github.example.com"),
            ("GITHUB_REPOSITORY", "shop/web"),
            ("GITHUB_RUN_ID", "42"),
        ];
        let url = |more: &[(&str, &str)]| run_url(&Environment::new(run.iter().chain(more).copied()));
        let page = "https://github.example.com/shop/web/actions/runs/42";
        assert_eq!(url(&[("GITHUB_RUN_ATTEMPT", "3")]), Some(format!("{page}/attempts/3")));
        assert_eq!(url(&[]), Some(page.to_owned()));
    }

    #[test]
    fn outside_a_run_there_is_no_page() {
        assert_eq!(run_url(&Environment::new([("GITHUB_SERVER_URL", "https://github.com")])), None);
    }
}
