//! GitHub's expressions: what is between `${{` and `}}`.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>

use std::sync::LazyLock;

use regex_lite::Regex;

/// A part of a text.
enum Part<'a> {
    Literal(&'a str),
    /// What is between the braces.
    Expression(&'a str),
}

/// Whether GitHub fills something in.
pub(super) fn is_in(text: &str) -> bool {
    parts(text).iter().any(|part| matches!(part, Part::Expression(_)))
}

/// The text with something else in place of each expression.
pub(super) fn filled(text: &str, with: &str) -> String {
    parts(text).into_iter().map(|part| if let Part::Literal(literal) = part { literal } else { with }).collect()
}

/// The expressions.
pub(super) fn expressions(text: &str) -> Vec<&str> {
    parts(text)
        .into_iter()
        .filter_map(|part| if let Part::Expression(inside) = part { Some(inside) } else { None })
        .collect()
}

/// As GitHub's own scanner finds them: a brace in a quoted text ends nothing.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, inside, after)) = rest.split_once("${{").and_then(|(literal, after)| {
        let (inside, after) = after.split_at_checked(end(after)?)?;
        Some((literal, inside, after.strip_prefix("}}")?))
    }) {
        parts.extend([Part::Literal(literal), Part::Expression(inside)]);
        rest = after;
    }
    parts.push(Part::Literal(rest));
    parts
}

fn end(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, character)| {
        is_quoted ^= character == '\'';
        (!is_quoted && text.get(at..)?.starts_with("}}")).then_some(at)
    })
}

/// An output that an expression looks at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// `steps`, `needs` or `jobs`, in small letters.
    pub(super) context: String,
    /// The id of the step or of the job.
    pub(super) id: &'a str,
    /// The name of the output.
    pub(super) output: &'a str,
    /// All of it, as it is written.
    pub(super) text: &'a str,
}

/// The outputs that an expression looks at.
pub(super) fn references(expression: &str) -> impl Iterator<Item = Reference<'_>> {
    // The pattern is a constant, and a test uses it.
    static OUTPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)(?:^|[^\w.-])((steps|needs|jobs)\s*\.\s*([a-z_][\w-]*)\s*\.\s*outputs\s*(?:\.\s*([a-z_][\w-]*)|\[\s*'([^']*)'\s*\]))",
        )
        .ok()
    });
    OUTPUT.iter().flat_map(|pattern| pattern.captures_iter(expression)).filter_map(|found| {
        Some(Reference {
            context: found.get(2)?.as_str().to_ascii_lowercase(),
            id: found.get(3)?.as_str(),
            output: found.get(4).or_else(|| found.get(5))?.as_str(),
            text: found.get(1)?.as_str(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_found_as_github_finds_them() {
        for (text, is_inside, filled_text) in [
            ("plain", vec![], "plain"),
            ("a${{ b }}c${{d}}", vec![" b ", "d"], "aXcX"),
            ("${{ format('}}', x) }}!", vec![" format('}}', x) "], "X!"),
            ("${{ never closed", vec![], "${{ never closed"),
            ("${{ 'never closed }}", vec![], "${{ 'never closed }}"),
            ("é${{ 'it''s' }}é", vec![" 'it''s' "], "éXé"),
        ] {
            assert_eq!(expressions(text), is_inside, "{text}");
            assert_eq!(filled(text, "X"), filled_text, "{text}");
            assert_eq!(is_in(text), !is_inside.is_empty(), "{text}");
        }
    }

    #[test]
    fn references_are_found_in_each_way_of_writing_them() {
        let found =
            |text| references(text).map(|it| (it.context, it.id.to_owned(), it.output.to_owned())).collect::<Vec<_>>();
        let expected =
            |context: &str, id: &str, output: &str| vec![(context.to_owned(), id.to_owned(), output.to_owned())];

        assert_eq!(found("steps.a-b.outputs.c-d"), expected("steps", "a-b", "c-d"));
        assert_eq!(found("!Steps . a . outputs [ 'c d' ]"), expected("steps", "a", "c d"));
        assert_eq!(found("x && needs.a.outputs.b == '1'"), expected("needs", "a", "b"));
        assert_eq!(found("mysteps.a.outputs.b || x.steps.a.outputs.b || my-steps.a.outputs.b"), []);
        assert_eq!(found("steps.a.outcome"), []);
    }
}
