//! Which task definition to start from.

use std::fs;
use std::path::{Path, PathBuf};

use super::nearest::nearest;
use super::{Arn, Format, InputError, Source, TaskDefinition};

/// The longest family name.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
const FAMILY_LENGTH: usize = 255;

/// The inputs that name a task definition, strongest first, as in the official render action.
pub(super) struct Wanted<'a> {
    pub(super) named: Option<&'a str>,
    pub(super) arn: Option<&'a str>,
    pub(super) family: Option<&'a str>,
    pub(super) revision: Option<&'a str>,
}

/// Finds the strongest of them, and reads it when it is a file.
pub(super) fn find(wanted: &Wanted<'_>, workspace: &Path) -> Result<Source, InputError> {
    if let Some(named) = wanted.named {
        return file_or_registered(named, workspace);
    }
    if let Some(arn) = wanted.arn {
        if !arn.starts_with("arn:") {
            return Err(InputError::new("task-definition-arn", format!("`{arn}` is not an ARN"), REMEDY));
        }
        return registered("task-definition-arn", arn).map(|_| Source::Registered(arn.to_owned()));
    }
    match (wanted.family, wanted.revision) {
        (None, None) => Ok(Source::Running),
        (None, Some(_)) => Err(InputError::new(
            "task-definition-revision",
            "a revision alone does not say of which family",
            "set `task-definition-family` too",
        )),
        (Some(family), None) => {
            registered("task-definition-family", family).map(|_| Source::Registered(family.to_owned()))
        }
        (Some(family), Some(revision)) => {
            if !is_family(family) {
                let problem = format!("`{family}` is not a family's name");
                return Err(InputError::new("task-definition-family", problem, "write the name without a revision"));
            }
            match revision.parse::<u32>() {
                Ok(number) if number > 0 => Ok(Source::Registered(format!("{family}:{number}"))),
                Ok(_) | Err(_) => Err(InputError::new(
                    "task-definition-revision",
                    format!("`{revision}` is not a revision"),
                    "write its number, 1 or more",
                )),
            }
        }
    }
}

const REMEDY: &str = "write `family`, `family:revision` or a task definition's ARN (arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION)";

/// Checks the name of a registered task definition: gives its family, and whether it says a revision.
pub(super) fn registered<'a>(input: &'static str, text: &'a str) -> Result<(&'a str, bool), InputError> {
    let name = if text.starts_with("arn:") {
        let arn = text.parse::<Arn>();
        match arn {
            Ok(arn) if arn.service == "ecs" && arn.kind() == "task-definition" => {
                &text[text.len() - arn.name().len()..]
            }
            Ok(_) => {
                return Err(InputError::new(input, format!("`{text}` is not the ARN of a task definition"), REMEDY));
            }
            Err(reason) => return Err(InputError::new(input, format!("`{text}` is {reason}"), REMEDY)),
        }
    } else {
        text
    };
    let (family, revision) = match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (name, None),
    };
    let numbered = revision.is_none_or(|revision| revision.parse::<u32>().is_ok_and(|number| number > 0));
    if is_family(family) && numbered {
        Ok((family, revision.is_some()))
    } else {
        Err(InputError::new(input, format!("`{text}` names no task definition"), REMEDY))
    }
}

/// Up to 255 letters, digits, hyphens and underscores.
fn is_family(text: &str) -> bool {
    (1..=FAMILY_LENGTH).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A file if there is one of that name, or if it can only be one; else the name of a registered task definition.
fn file_or_registered(named: &str, workspace: &Path) -> Result<Source, InputError> {
    let path = workspace.join(named);
    if path.is_file() || is_a_file(named) {
        return read(named, &as_seen_from_here(path, workspace), workspace).map(Source::Document);
    }
    registered("task-definition", named).map(|_| Source::Registered(named.to_owned()))
}

/// Names of task definitions have neither dots nor slashes.
pub(super) fn is_a_file(named: &str) -> bool {
    !named.starts_with("arn:") && named.contains(['/', '\\', '.'])
}

fn read(named: &str, path: &Path, workspace: &Path) -> Result<TaskDefinition, InputError> {
    let text = match fs::metadata(path) {
        // A device or a pipe may never end.
        Ok(metadata) if !metadata.is_file() => Err(unreadable(named, "it is not a file")),
        Ok(_) => fs::read_to_string(path).map_err(|error| unreadable(named, &error.kind().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(named, path, workspace)),
        Err(error) => Err(unreadable(named, &error.kind().to_string())),
    }?;
    TaskDefinition::parse(&text, Format::detect(path, &text)).map_err(|error| {
        InputError::new(INPUT, format!("`{named}` {error}"), "give a task definition as one JSON or YAML document")
    })
}

const INPUT: &str = "task-definition";

fn unreadable(named: &str, why: &str) -> InputError {
    let problem = format!("the file `{named}` cannot be read ({why})");
    InputError::new(INPUT, problem, "give the path of a JSON or YAML text file in the workspace")
}

/// What to do about a file that is not there: a near name, or the two ways in which files get lost on a runner.
fn missing(named: &str, path: &Path, workspace: &Path) -> InputError {
    if is_in_the_temporary_folder(path) {
        return InputError::new(
            INPUT,
            format!("`{named}` is in the runner's temporary folder, which this container does not see"),
            "write the file into the workspace instead; only a runner of version 2.329 or newer shows its temporary folder \
             to container actions, and only when the input is the path alone",
        );
    }
    let problem = format!("there is no file `{named}` in {}", workspace.display());
    let near = near_names(path, path.parent().unwrap_or(workspace));
    if !near.is_empty() {
        return InputError::new(INPUT, problem, format!("did you mean {}?", near.join(" or ")));
    }
    InputError::new(
        INPUT,
        problem,
        "check the path; the repository has to be checked out in this job (actions/checkout), and nothing outside of the \
         workspace is visible to a container action",
    )
}

/// The runner hands a path on its own disk over as the container sees it, but not one that somebody wrote out by hand
/// (`ContainerInfo.TranslateToContainerPath` in actions/runner): `/home/runner/work/REPOSITORY/REPOSITORY/x` is `x` here, and
/// `/home/runner/work/_temp/x` is `/github/runner_temp/x`.
fn as_seen_from_here(path: PathBuf, workspace: &Path) -> PathBuf {
    if path.exists() {
        return path;
    }
    let Some(on_the_runner) = after_the_work_folder(&path) else { return path };
    let mut parts = on_the_runner.components();
    let first = parts.next();
    let inside = match first {
        Some(first) if first.as_os_str() == TEMPORARY => Path::new("/github/runner_temp").join(parts.as_path()),
        first if first.is_some() && first == parts.next() => workspace.join(parts.as_path()),
        _ => return path,
    };
    if inside.exists() { inside } else { path }
}

/// What the runner calls its temporary folder, in the folder in which it works.
const TEMPORARY: &str = "_temp";

fn is_in_the_temporary_folder(path: &Path) -> bool {
    path.starts_with("/github/runner_temp")
        || after_the_work_folder(path).is_some_and(|rest| rest.starts_with(TEMPORARY))
}

/// The rest of a path below the folder in which a runner works: `work` on GitHub's own machines, `_work` on others.
fn after_the_work_folder(path: &Path) -> Option<&Path> {
    let mut parts = path.is_absolute().then(|| path.components())?;
    parts.by_ref().find(|part| part.as_os_str() == "work" || part.as_os_str() == "_work")?;
    Some(parts.as_path())
}

fn near_names(path: &Path, folder: &Path) -> Vec<String> {
    let (Some(wanted), Ok(entries)) = (path.file_name().and_then(|name| name.to_str()), fs::read_dir(folder)) else {
        return Vec::new();
    };
    let names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| Format::of_extension(Path::new(name)).is_some())
        .collect();
    nearest(wanted, names.iter().map(String::as_str)).iter().take(3).map(|name| format!("`{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> tempfile::TempDir {
        let workspace = tempfile::tempdir().unwrap();
        fs::create_dir(workspace.path().join("deploy")).unwrap();
        fs::write(workspace.path().join("deploy/web.json"), r#"{"family": "web"}"#).unwrap();
        workspace
    }

    fn found(named: &str) -> Result<Source, String> {
        file_or_registered(named, workspace().path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_on_the_runners_own_disk_is_found_in_the_workspace() {
        for named in [
            "deploy/web.json",
            "./deploy/web.json",
            "/home/runner/work/web/web/deploy/web.json",
            "/opt/actions-runner/_work/shop/shop/deploy/web.json",
        ] {
            assert!(matches!(found(named), Ok(Source::Document(_))), "{named}: {:?}", found(named));
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_says_why() {
        for (named, why) in [
            ("/home/runner/work/_temp/task-definition-x.json", "2.329"),
            ("/github/runner_temp/x.json", "2.329"),
            ("/home/runner/work/web/web/deploy/other.json", "actions/checkout"),
            ("/home/runner/work/web/shop/deploy/web.json", "actions/checkout"),
            ("deploy/wep.json", "did you mean `web.json`?"),
            ("deploy/", "it is not a file"),
            ("/dev/zero", "it is not a file"),
        ] {
            let error = found(named).unwrap_err();
            assert!(error.contains(why) && error.contains(named), "{named}: {error}");
        }
    }
}
