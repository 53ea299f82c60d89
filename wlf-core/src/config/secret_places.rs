//! Where in a line secrets stand: behind keys that name them, and before the `@` of URLs, however wrong the rest is.

use super::closest;

/// Words in a key whose value is not to be shown, misspelt ones included.
const SECRET_KEYS: [&str; 6] = ["passw", "pasw", "secret", "token", "credential", "private"];

/// Keys whose values are not to be shown, for what was meant to be one.
const MEANT: [&str; 3] = ["password", "token", "client_secret"];

/// Whether a line has a key that names a secret.
pub(super) fn is_secret_line(line: &str) -> bool {
    secret_key(line).is_some()
}

/// Where the value begins of the first key of a line that names a secret. A key whose colon is missing ends with its word.
fn secret_key(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let named = SECRET_KEYS.iter().filter_map(|word| {
        let at = lower.find(word)?;
        let rest = lower.get(at..)?;
        let colon = rest.find(':').map(|colon| colon + 1);
        // Not every word is a key: `topic: secret-orders`.
        let is_behind_a_key = lower.get(..at)?.contains(": ");
        let word_ends = rest.find([' ', '\t', '"', '\'', '{', '[']);
        let end = match word_ends.filter(|_| !is_behind_a_key) {
            Some(end) => Some(colon.map_or(end, |colon| colon.min(end))),
            None => colon,
        };
        end.map(|end| at + end)
    });
    let named = named.min();
    named.into_iter().chain(misspelt_key(&lower)).min()
}

/// The same for a key that is like one.
fn misspelt_key(line: &str) -> Option<usize> {
    let mut from = 0;
    for (colon, _) in line.match_indices(':') {
        let before = line.get(from..colon)?;
        from = colon + 1;
        let is_delimiter = |c: char| !c.is_alphanumeric() && c != '_' && c != '-';
        let key = before.rsplit(is_delimiter).next().unwrap_or_default();
        let whole = before.trim_start_matches(['-', ' ']);
        // Longer than `to`, which anything is near to.
        let is_like = |key: &str| key.len() >= 3 && closest(key, MEANT).is_some();
        // With something in the middle of it that does not belong there.
        let letters: String = whole.chars().filter(|c| c.is_alphanumeric()).collect();
        let is_broken = || SECRET_KEYS.iter().any(|word| letters.contains(word));
        if is_like(key) || is_like(whole) || is_broken() {
            return Some(from);
        }
    }
    None
}

/// The bytes of a line that must not be shown: what stands behind a secret's key, and the passwords in URLs.
pub(super) fn secrets(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut before = line;
    if let Some(value_at) = secret_key(line)
        && let Some((front, behind)) = line.split_at_checked(value_at)
    {
        let value = behind.trim();
        let start = line.len() - behind.trim_start().len();
        found.push((start, start + value.len()));
        before = front;
    }
    let mut begins = urls(before);
    if begins.first().is_none_or(|first| *first > 0) {
        begins.insert(0, 0);
    }
    let ends = begins.iter().skip(1).copied().chain([before.len()]);
    for (from, to) in begins.iter().copied().zip(ends) {
        found.extend(password(before, from, to));
    }
    found.retain(|(start, end)| {
        let text = line.get(*start..*end).unwrap_or_default();
        !text.starts_with("${") || text.contains(":-") || !text.contains('}')
    });
    found
}

/// Where URLs begin: at a scheme and two slashes, which something stands before that no password ends with.
fn urls(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (slashes, _) in line.match_indices("//") {
        let before = line.get(..slashes).unwrap_or_default();
        let scheme = before.trim_end_matches(':');
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let begins = scheme.trim_end_matches(is_scheme).len();
        let is_url = begins < scheme.len()
            && (begins == 0
                || scheme
                    .get(..begins)
                    .is_some_and(|it| it.ends_with([' ', '"', '\'', '[', ','])));
        if is_url {
            found.push(begins);
        }
    }
    found
}

/// The password of `user:password@host` in a part of a line, with or without a scheme: up to the last `@`, since the password
/// itself may have some.
fn password(line: &str, from: usize, to: usize) -> Option<(usize, usize)> {
    let text = line.get(from..to)?;
    let at = text.rfind('@')?;
    let front = text.get(..at)?;
    let user = match front.find("//") {
        Some(slashes) => slashes + 2,
        // Without a scheme a URL begins behind the key.
        None => front.find(": ").map_or(0, |colon| colon + 2),
    };
    let colon = front.get(user..)?.find(':')?;
    Some((from + user + colon + 1, from + at))
}

/// The texts that what stands in a line may mean: without anchor, quotes and escapes, and without the name of a variable whose
/// default it is.
pub(super) fn meant(text: &str) -> Vec<String> {
    let mut text = text.trim();
    while text.starts_with(['&', '!']) {
        let Some((_, rest)) = text.split_once(' ') else {
            break;
        };
        text = rest.trim_start();
    }
    let mut all = vec![text.to_owned()];
    let bare = text.trim_matches(['"', '\'', '{', '}', '[', ']', ',', ' ']);
    all.push(bare.to_owned());
    all.push(bare.replace("''", "'"));
    all.push(bare.replace("\\\"", "\"").replace("\\\\", "\\"));
    if let Some((_, default)) = bare.split_once(":-") {
        all.push(default.trim_end_matches('}').to_owned());
    }
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    all.dedup();
    all
}
