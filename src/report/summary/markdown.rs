//! Markdown as GitHub renders it, made of text that may be anything.
//!
//! Every text goes through [`text`], [`sentence`], [`code`], [`fence`] or [`link`]. What they return stays where it is put: in its
//! sentence, its table cell, its block.

use std::fmt::Write as _;

use crate::text::{one_line, readable};

/// Text as prose, on one line: nothing in it is markup, HTML or the border of a cell.
pub(super) fn text(text: &str) -> String {
    let text = one_line(text);
    escaped(&text, begins_block(&text))
}

/// [`text`], in which what stands between backticks is set in the type of code, as people mean it. Not for tables.
pub(super) fn sentence(sentence: &str) -> String {
    let sentence = one_line(sentence);
    let parts: Vec<_> = sentence.split('`').collect();
    let is_paired = !parts.len().is_multiple_of(2);
    let has_blank_code = parts.iter().skip(1).step_by(2).any(|part| part.trim().is_empty());
    // Two backticks in a row are a longer delimiter, not two spans.
    if !is_paired || has_blank_code || sentence.contains("``") {
        return text(&sentence);
    }
    let prose_and_code = parts.iter().enumerate().map(|(position, part)| match position {
        0 => escaped(part, begins_block(part)),
        _ if position.is_multiple_of(2) => escaped(part, false),
        _ => code(part),
    });
    prose_and_code.collect()
}

/// Written as character references, which CommonMark never takes for structure (section 2.5), and only where needed, so
/// that the runner still finds most of the secrets that it masks.
fn escaped(text: &str, with_first: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (position, character) in text.char_indices() {
        if (position == 0 && with_first) || is_markup(character) {
            // Writing to a string cannot fail.
            write!(escaped, "&#{};", u32::from(character)).unwrap_or_default();
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether a line with this text would be an item of a list (`-`, `+`, `1.`, `1)`), a rule or an underline.
fn begins_block(text: &str) -> bool {
    let after_number = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let is_numbered = after_number.len() < text.len() && after_number.starts_with(['.', ')']);
    is_numbered || text.starts_with(['-', '+', '='])
}

const fn is_markup(character: char) -> bool {
    matches!(character, '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '#' | '$' | '@')
}

/// A value, set in the type of code.
pub(super) fn code(value: &str) -> String {
    let value = one_line(value);
    // Inside a code span nothing is markup but what ends it, and in a table `|`, whose escape has an escape of its own.
    if value.is_empty() {
        String::new()
    } else if value.contains(['`', '|', '\\']) {
        format!("<code>{}</code>", text(&value))
    } else {
        format!("`{value}`")
    }
}

/// A heading of the summary's second level.
pub(super) fn section(title: &str, body: &str) -> String {
    format!("### {title}\n\n{body}")
}

/// A table. The cells are Markdown already.
pub(super) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    wide_table(&header, rows)
}

/// The same, of as many columns as there are.
pub(super) fn wide_table(header: &[impl AsRef<str>], rows: impl IntoIterator<Item = impl AsRef<[String]>>) -> String {
    let mut table = format!("{}{}", row(header), row(&vec![":--"; header.len()]));
    table.extend(rows.into_iter().map(|cells| row(cells.as_ref())));
    table
}

fn row(cells: &[impl AsRef<str>]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {} |", cell.as_ref())).collect();
    format!("|{cells}\n")
}

/// A block of text as it is, highlighted as a language, in a fence that nothing in it closes.
pub(super) fn fence(language: &str, content: &str) -> String {
    let content = readable(content);
    let fence = "`".repeat((longest_run(&content, '`') + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", content.trim_end_matches('\n'))
}

fn longest_run(content: &str, of: char) -> usize {
    content.split(|character| character != of).map(str::len).max().unwrap_or_default()
}

/// Something that is folded until it is asked for. The title is Markdown's HTML already.
pub(super) fn folded(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

/// A link; or the address as code, if it is one that could do something else than lead to a page.
pub(super) fn link(label: &str, address: &str) -> String {
    let is_page = address.starts_with("https://") || address.starts_with("http://");
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(character);
    if is_page && address.chars().all(is_plain) { format!("[{}]({address})", text(label)) } else { code(address) }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text that is made to break out.
    pub(crate) const HOSTILE: &str = "([a1 \\\\`|<>&*_~\\[\\]#$@:;%!=+\\-\\r\\n\u{2028}\u{202e}é]|```|</code>|</details>|<script>|&lt;|%%|\n```\n|\n\n# |\\PC){0,30}";

    /// Whether anything in a line can begin a tag or a character reference other than those that this module writes.
    pub(crate) fn is_inert(markdown: &str) -> bool {
        let without_code_spans: String = markdown.split('`').step_by(2).collect();
        let rest = without_code_spans.replace("<code>", "").replace("</code>", "");
        let mut references = rest.split('&');
        references.next();
        !rest.contains(['<', '>', '|', '\\', '\n', '\r'])
            && references.all(|after| {
                after.starts_with('#')
                    && after.split_once(';').is_some_and(|(number, _)| number[1..].parse::<u32>().is_ok())
            })
    }

    /// The cells of a line, as GFM (section 4.10) splits them: at each `|` that no backslash stands before, whatever is
    /// around it.
    pub(crate) fn cells(line: &str) -> usize {
        line.trim_matches('|').replace("\\|", "").split('|').count()
    }

    fn unescaped(markdown: &str) -> String {
        let mut parts = markdown.split("&#");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| {
            let (number, rest) = part.split_once(';').unwrap();
            let character = number.parse().ok().and_then(char::from_u32).unwrap();
            format!("{all}{character}{rest}")
        })
    }

    proptest! {
        #[test]
        fn prose_is_inert_and_says_the_same(hostile in HOSTILE) {
            let escaped = text(&hostile);
            prop_assert!(is_inert(&escaped), "{}", escaped);
            let bare: String = escaped.split("&#").map(|part| part.split_once(';').map_or(part, |(_, rest)| rest)).collect();
            prop_assert!(!bare.contains(['`', '*', '_', '~', '[', ']', '$', '@']), "{}", escaped);
            prop_assert!(!begins_block(&escaped) && !escaped.starts_with([' ', '\t']), "{}", escaped);
            prop_assert_eq!(unescaped(&escaped), one_line(&hostile));
        }

        #[test]
        fn a_sentence_is_inert(hostile in HOSTILE) {
            let sentence = sentence(&hostile);
            prop_assert!(is_inert(&sentence), "{}", sentence);
            prop_assert!(!begins_block(&sentence), "{}", sentence);
            prop_assert!(sentence.matches('`').count().is_multiple_of(2) && !sentence.contains("``"), "{}", sentence);
        }

        #[test]
        fn a_value_stays_in_its_cell(hostile in HOSTILE) {
            let table = table(["a", "b", "c"], [[code(&hostile), text(&hostile), code(&hostile)]]);
            prop_assert_eq!(table.lines().count(), 3, "{}", table);
            prop_assert!(table.lines().all(|line| cells(line) == 3), "{}", table);
            prop_assert!(is_inert(&code(&hostile)), "{}", table);
        }

        #[test]
        fn nothing_closes_the_fence_but_its_end(hostile in HOSTILE) {
            let block = fence("text", &hostile);
            let lines: Vec<_> = block.lines().collect();
            let fence = lines[0].strip_suffix("text").unwrap();
            prop_assert_eq!(lines[lines.len() - 1], fence);
            let closes = |line: &&str| line.trim().len() >= fence.len() && line.trim().chars().all(|character| character == '`');
            prop_assert_eq!(lines[1..].iter().filter(|line| closes(line)).count(), 1, "{}", block);
        }
    }

    #[test]
    fn ordinary_text_is_written_as_it_is() {
        assert_eq!(
            text("(service web) has started 2 tasks: arn:aws:ecs"),
            "(service web) has started 2 tasks: arn:aws:ecs"
        );
        assert_eq!(
            code("111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.2"),
            "`111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.2`"
        );
    }

    #[test]
    fn nothing_begins_a_block() {
        for (line, expected) in [
            ("1. one", "&#49;. one"),
            ("12) two", "&#49;2) two"),
            ("127 (not found)", "127 (not found)"),
            ("- item", "&#45; item"),
            ("+ item", "&#43; item"),
            ("===", "&#61;=="),
            ("# title", "&#35; title"),
        ] {
            assert_eq!(text(line), expected);
        }
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        for (said, expected) in [
            (
                "Set `mode: rollback` or `a|b`, then *go*.",
                "Set `mode: rollback` or <code>a&#124;b</code>, then &#42;go&#42;.",
            ),
            ("`a` alone", "`a` alone"),
            ("one ` of them", "one &#96; of them"),
            ("```", "&#96;&#96;&#96;"),
            ("`a``b`", "&#96;a&#96;&#96;b&#96;"),
        ] {
            assert_eq!(sentence(said), expected);
        }
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(text("<b>*x*|y"), "&#60;b&#62;&#42;x&#42;&#124;y");
        assert_eq!(code("a|b`c"), "<code>a&#124;b&#96;c</code>");
        assert_eq!(code("<img src=x>"), "`<img src=x>`");
    }

    #[test]
    fn a_link_leads_to_a_page() {
        assert_eq!(link("Run", "https://github.com/a/b?c=d#e"), "[Run](https://github.com/a/b?c=d#e)");
        for other in ["javascript:alert", "/ecs", "https://x) [y](https://z", "https://x\" onclick", "https://x<y>"] {
            assert_eq!(link("Run", other), code(other));
        }
    }
}
