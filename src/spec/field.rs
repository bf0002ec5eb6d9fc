//! Inputs of one value, or of a list of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Arn, InputError, InvalidArn};

/// The boolean words of YAML 1.2's core schema, which GitHub's own toolkit takes for an input.
pub(super) fn flag(input: &'static str, text: &str) -> Result<bool, InputError> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        other => Err(InputError::new(input, format!("`{other}` is neither true nor false"), "write `true` or `false`")),
    }
}

/// A whole number.
pub(super) fn number<T: std::str::FromStr>(input: &'static str, text: &str, remedy: &str) -> Result<T, InputError> {
    text.parse().map_err(|_not_a_number| InputError::new(input, format!("`{text}` is not such a number"), remedy))
}

/// A whole number in a range, which the remedy names.
pub(super) fn within<T: std::str::FromStr + PartialOrd>(
    input: &'static str,
    text: &str,
    range: RangeInclusive<T>,
    remedy: &str,
) -> Result<T, InputError> {
    let number = number(input, text, remedy)?;
    if range.contains(&number) {
        return Ok(number);
    }
    Err(InputError::new(input, format!("`{text}` is out of range"), remedy))
}

/// How many minutes to wait: some, and so many at most.
pub(super) fn minutes(input: &'static str, text: &str, most: f64) -> Result<Duration, InputError> {
    match minutes_or_none(input, text, most) {
        Ok(wait) if !wait.is_zero() => Ok(wait),
        _ => Err(no_minutes(input, text, &format!("write minutes, more than 0 and at most {most}"))),
    }
}

/// How many minutes to wait, so many at most; 0 is not at all.
pub(super) fn minutes_or_none(input: &'static str, text: &str, most: f64) -> Result<Duration, InputError> {
    match text.parse::<f64>() {
        Ok(minutes) if (0.0..=most).contains(&minutes) => Ok(Duration::from_secs_f64(minutes * 60.0)),
        Ok(_) | Err(_) => Err(no_minutes(input, text, &format!("write minutes, 0 to {most}"))),
    }
}

fn no_minutes(input: &'static str, text: &str, remedy: &str) -> InputError {
    InputError::new(input, format!("`{text}` is not a time to wait"), remedy)
}

/// Items between commas or line ends, trimmed, blank ones left out.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// One of a few words.
pub(super) fn choice<T: Copy>(input: &'static str, text: &str, choices: &[(&str, T)]) -> Result<T, InputError> {
    if let Some((_, value)) = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return Ok(*value);
    }
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
    Err(InputError::new(input, format!("`{text}` is not a choice"), format!("write one of {}", words.join(", "))))
}

/// `arn:…:iam::…:role/…`, in any partition.
pub(super) fn role(input: &'static str, text: &str) -> Result<String, InputError> {
    match text.parse::<Arn>() {
        Ok(arn) if arn.is_role() => Ok(text.to_owned()),
        Ok(_) => Err(InputError::new(input, format!("`{text}` is not the ARN of an IAM role"), ROLE)),
        Err(reason) => Err(InputError::new(input, format!("`{text}` is {reason}"), ROLE)),
    }
}

const ROLE: &str = "write arn:aws:iam::ACCOUNT:role/NAME, with the partition that your account is in";

/// The ARN of an object in S3.
pub(super) fn s3_object(input: &'static str, text: &str) -> Result<String, InputError> {
    match text.parse::<Arn>() {
        Ok(arn) if arn.service == "s3" && arn.resource.contains('/') => Ok(text.to_owned()),
        Ok(_) | Err(InvalidArn) => Err(InputError::new(
            input,
            format!("`{text}` is not the ARN of a file in S3"),
            "write arn:aws:s3:::BUCKET/KEY.env, one a line or between commas",
        )),
    }
}

/// A command as a JSON list of strings, or in the words of a shell.
pub(super) fn command(input: &'static str, text: &str) -> Result<Vec<String>, InputError> {
    let remedy = "write a JSON list such as [\"sh\", \"-c\", \"exec app\"], or words with every quote closed";
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|_not_a_list| {
            InputError::new(input, "it starts like a JSON list and is not a list of strings", remedy)
        });
    }
    shell_words::split(text).map_err(|_open_quote| InputError::new(input, "a quote is not closed", remedy))
}
