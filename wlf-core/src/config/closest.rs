/// The candidate that `name` was most likely meant to be, if one is near enough to ask.
///
/// Letter case does not count as a difference.
pub(crate) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 4)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let types = ["KafkaDispatcher", "RedisDispatcher", "BinlogFilter"];
        assert_eq!(closest("KafkaDispacher", types), Some("KafkaDispatcher"));
        assert_eq!(closest("kafkadispatcher", types), Some("KafkaDispatcher"));
        assert_eq!(closest("BinlogFliter", types), Some("BinlogFilter"));
        assert_eq!(closest("PulsarDispatcher", types), None);
        assert_eq!(closest("topics", ["topic", "key"]), Some("topic"));
        assert_eq!(closest("zzz", ["id", "key"]), None);
        assert_eq!(closest("", ["id", "key"]), None);
    }
}
