//! What was probably meant.

/// The candidates that are a few slips of the pen away from this name, nearest first.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let slips = (name.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let names = ["web", "worker", "log-router"];

        assert_eq!(nearest("wbe", names), ["web"]);
        assert_eq!(nearest("logrouter", names), ["log-router"]);
        assert_eq!(nearest("we", ["wed", "web"]), ["web", "wed"]);
        assert_eq!(nearest("api", names), Vec::<&str>::new());
    }
}
