/// The candidate that `name` was most likely meant to be, if one is near enough to ask.
///
/// Letter case does not count as a difference, nor does an ending that was left out or added.
pub fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let by_distance = candidates
        .clone()
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 4)
        .map(|(_, candidate)| candidate);
    let begins = |candidate: &&str| {
        let candidate = candidate.to_lowercase();
        let (short, long) = if candidate.len() < lower.len() {
            (&candidate, &lower)
        } else {
            (&lower, &candidate)
        };
        short.len() >= 3 && long.starts_with(short.as_str())
    };
    by_distance.or_else(|| candidates.into_iter().find(begins))
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
        assert_eq!(closest("dir", ["directory"]), Some("directory"));
        assert_eq!(closest("warning", ["info", "warn"]), Some("warn"));
        assert_eq!(closest("zzz", ["id", "key"]), None);
        assert_eq!(closest("", ["id", "key"]), None);
    }
}
