//! Changing attributes of a start tag without touching the rest of its text.

use quick_xml::escape::escape;
use quick_xml::events::BytesStart;
use std::ops::Range;

/// A change of one attribute: its new value, or `None` to take it away.
pub(super) type Change<'a> = (&'a str, Option<String>);

/// The tag with these changes.
pub(super) fn change(tag: &BytesStart<'_>, changes: &[Change<'_>]) -> BytesStart<'static> {
    let name = tag.name().as_ref().to_string();
    let mut text = tag.attributes_raw().to_string();
    for (attribute, value) in changes {
        let span = find(&text, attribute);
        let new = value.as_ref().map(|value| format!("{attribute}=\"{}\"", escape(value.as_str())));
        match (span, new) {
            (Some(span), Some(new)) => {
                text.replace_range(span.clone(), &keep_space(&text[span], &new));
            }
            (Some(span), None) => text.replace_range(span, ""),
            (None, Some(new)) => text.insert_str(text.trim_end().len(), &format!(" {new}")),
            (None, None) => {}
        }
    }
    let len = name.len();
    BytesStart::from_content(name + &text, len)
}

/// The new attribute behind the white space that stood in front of the old one.
fn keep_space(old: &str, new: &str) -> String {
    let space = &old[..old.len() - old.trim_start().len()];
    format!("{space}{new}")
}

/// Where an attribute lies, with the white space in front of it.
fn find(text: &str, wanted: &str) -> Option<Range<usize>> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let name_at = at + (rest.len() - rest.trim_start().len());
        let equals = name_at + text[name_at..].find('=')?;
        let value_at = equals + 1 + text[equals + 1..].find(['"', '\''])?;
        let quote = char::from(text.as_bytes()[value_at]);
        let end = value_at + 1 + text[value_at + 1..].find(quote)? + 1;
        if text[name_at..equals].trim_end() == wanted {
            return Some(at..end);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(content: &'static str, changes: &[Change<'_>]) -> String {
        let tag =
            BytesStart::from_content(content, content.find([' ', '\n']).unwrap_or(content.len()));
        let tag = change(&tag, changes);
        format!("{}{}", tag.name().as_ref(), tag.attributes_raw())
    }

    #[test]
    fn replaces_removes_and_adds_in_place() {
        let tag =
            "MPD\n\ttype='static'\n\tmediaPresentationDuration=\"PT6S\"\n\tx:type = \"a > b\"";
        let changes = [
            ("type", Some("dynamic".to_string())),
            ("mediaPresentationDuration", None),
            ("publishTime", Some("<now>".to_string())),
            ("absent", None),
        ];
        let wanted = "MPD\n\ttype=\"dynamic\"\n\tx:type = \"a > b\" publishTime=\"&lt;now&gt;\"";
        assert_eq!(changed(tag, &changes), wanted);
        assert_eq!(changed("S", &[("d", Some("1".into()))]), "S d=\"1\"");
    }
}
