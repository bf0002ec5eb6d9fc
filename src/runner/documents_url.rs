//! Where this action's own documents are.

use super::Environment;

/// The page that explains every cause, of the version that the workflow uses; `None` where the runner does not say which one that
/// is, as for `uses: ./`.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
pub fn troubleshooting_url(environment: &Environment) -> Option<String> {
    let server = environment.get("GITHUB_SERVER_URL")?.trim_end_matches('/');
    let repository = environment.get("GITHUB_ACTION_REPOSITORY")?;
    let version = environment.get("GITHUB_ACTION_REF")?;
    Some(format!("{server}/{repository}/blob/{version}/docs/troubleshooting.md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_version_that_is_used() {
        let used = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_ACTION_REPOSITORY", "org/ecs-deploy-action"),
            ("GITHUB_ACTION_REF", "v1"),
        ];
        assert_eq!(
            troubleshooting_url(&Environment::new(used)),
            Some("https://github.com/org/ecs-deploy-action/blob/v1/docs/troubleshooting.md".to_owned())
        );
    }

    #[test]
    fn an_action_of_the_workspace_has_none() {
        let local =
            [("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_ACTION_REPOSITORY", ""), ("GITHUB_ACTION_REF", "")];
        assert_eq!(troubleshooting_url(&Environment::new(local)), None);
    }
}
