//! Which task definition to start from.

use std::fs;
use std::path::Path;

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
    let looks_like_a_file = !named.starts_with("arn:")
        && (named.contains(['/', '\\']) || Format::of_extension(&path).is_some() || named.contains('.'));
    if path.is_file() || looks_like_a_file {
        return read(named, &path, workspace).map(Source::Document);
    }
    registered("task-definition", named).map(|_| Source::Registered(named.to_owned()))
}

fn read(named: &str, path: &Path, workspace: &Path) -> Result<TaskDefinition, InputError> {
    const INPUT: &str = "task-definition";
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(workspace);
            let problem = format!("there is no file `{named}` in {}", workspace.display());
            return Err(InputError::new(INPUT, problem, missing_file_remedy(path, folder)));
        }
        Err(error) => {
            let problem = format!("the file `{named}` cannot be read ({})", error.kind());
            return Err(InputError::new(INPUT, problem, "give the path of a JSON or YAML text file in the workspace"));
        }
    };
    TaskDefinition::parse(&text, Format::detect(path, &text)).map_err(|error| {
        InputError::new(INPUT, format!("`{named}` {error}"), "give a task definition as one JSON or YAML document")
    })
}

/// What to do about a file that is not there: a near name, or the two ways in which files get lost on a runner.
fn missing_file_remedy(path: &Path, folder: &Path) -> String {
    let near = near_names(path, folder);
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    "check the path; the repository has to be checked out in this job (actions/checkout), and a file in the runner's \
     temporary folder is only visible to a container action from runner 2.329 on"
        .to_owned()
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
