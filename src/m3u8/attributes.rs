//! Attribute lists (RFC 8216, section 4.2).

use std::collections::BTreeMap;

/// By name, quotes taken off.
pub(super) fn attributes(list: &str) -> BTreeMap<&str, String> {
    let mut attributes = BTreeMap::new();
    let mut rest = list;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value, next.strip_prefix(',').unwrap_or(next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        attributes.insert(name.trim(), value.trim().to_owned());
        rest = next;
    }
    attributes
}
