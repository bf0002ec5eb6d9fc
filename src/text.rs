//! Text made fit to be shown: text from outside, names, numbers, lists.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// The same text without what only a terminal understands: escape sequences, control characters and marks that reverse
/// the direction of reading. Every kind of line end becomes `\n`; tabs stay.
pub fn readable(text: &str) -> String {
    let mut characters = text.chars().peekable();
    let mut readable = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => skip_sequence(&mut characters),
            '\r' => {
                characters.next_if_eq(&'\n');
                readable.push('\n');
            }
            '\u{2028}' | '\u{2029}' => readable.push('\n'),
            '\n' | '\t' => readable.push(character),
            _ if character.is_control() || reverses(character) => {}
            _ => readable.push(character),
        }
    }
    readable
}

/// [`readable`], on one line.
pub fn one_line(text: &str) -> String {
    readable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `limit` characters of a text, the last one an ellipsis when something is missing.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A number with its noun.
pub fn count<N: fmt::Display + PartialEq + From<u8>>(number: N, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == N::from(1) { singular } else { plural })
}

/// The last part of an ARN or a path, which is what people call the thing: `web:42` of a task definition. Anything else as it is.
pub fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Complaints as one sentence after another.
pub fn sentences(complaints: impl IntoIterator<Item = impl fmt::Display>) -> String {
    complaints.into_iter().map(|complaint| format!("{complaint}.")).collect::<Vec<_>>().join(" ")
}

/// Skips the rest of a terminal's escape sequence (ECMA-48, sections 5.4 and 5.6).
fn skip_sequence(characters: &mut Peekable<Chars<'_>>) {
    if characters.next_if_eq(&'[').is_some() {
        while characters.next_if(|character| matches!(character, ' '..='?')).is_some() {}
        characters.next_if(|character| matches!(character, '@'..='~'));
    } else if characters.next_if_eq(&']').is_some() {
        // An operating system command, such as a hyperlink: up to a bell or the string terminator. The terminator begins
        // with an escape of its own, whose remains go the way of every other sequence.
        while characters.next_if(|character| !matches!(character, &BELL | &ESCAPE | '\n')).is_some() {}
    } else {
        characters.next_if_eq(&'\\');
    }
}

/// The explicit marks of the Unicode bidirectional algorithm (UAX #9, section 2).
const fn reverses(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_terminal_understands_is_removed() {
        for (text, expected) in [
            ("plain: é 漢 🚢", "plain: é 漢 🚢"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("\u{1b}]8;;https://example.com\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("cut \u{1b}[31", "cut "),
            ("bell\u{7} nul\u{0} next\u{85}line", "bell nul nextline"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            ("tab\tstays", "tab\tstays"),
            ("evil\u{202e}txt.exe", "eviltxt.exe"),
        ] {
            assert_eq!(readable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("  a\r\n\tb \u{2028} c\n"), "a b c");
    }

    #[test]
    fn an_arn_is_shortened_to_its_name() {
        assert_eq!(last_part("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:42"), "web:42");
        assert_eq!(last_part("web:42"), "web:42");
    }

    #[test]
    fn shortened_text_shows_that_it_is() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("äbcd", 3), "äb…");
    }
}
