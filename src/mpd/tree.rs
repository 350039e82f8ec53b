//! XML as a small tree, for reading.

use super::Error;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::ops::Range;

/// Elements deeper than this are refused: no MPD needs them.
const MAX_DEPTH: usize = 64;

/// An element: local names only, without prefixes.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
    pub(super) text: String,
    /// Where its start tag lies in the document, in bytes.
    pub(super) tag: Range<usize>,
    /// Where the whole of it ends.
    pub(super) end: usize,
}

impl Node {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        let Some(value) = self.attribute(name) else { return Ok(None) };
        let parsed = value.trim().parse().map(Some);
        parsed.map_err(|_| Error::Invalid(format!("{}@{name} is no number: {value}", self.name)))
    }

    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn no_xml(reason: impl ToString) -> Error {
    Error::NoXml(reason.to_string())
}

/// How many bytes have been read.
fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn node(start: &BytesStart<'_>, tag: Range<usize>) -> Result<Node, Error> {
    let name = start.local_name().as_ref().to_string();
    let mut node = Node { name, end: tag.end, tag, ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(no_xml)?;
        let name = attribute.key.local_name().as_ref().to_string();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(no_xml)?;
        node.attributes.push((name, value.into_owned()));
    }
    Ok(node)
}

/// Reads a whole document; its root.
pub(super) fn parse(text: &str) -> Result<Node, Error> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        let at = place(&reader);
        match reader.read_event().map_err(no_xml)? {
            Event::Start(_) if open.len() > MAX_DEPTH => return Err(no_xml("nested too deep")),
            Event::Start(start) => open.push(node(&start, at..place(&reader))?),
            Event::Empty(start) => add(&mut open, node(&start, at..place(&reader))?),
            Event::End(_) => {
                let mut closed = open.pop().unwrap_or_default();
                closed.end = place(&reader);
                add(&mut open, closed);
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content()),
            Event::CData(text) => add_text(&mut open, &text.xml10_content()),
            Event::Eof => return root(open),
            _ => {}
        }
    }
}

fn add(open: &mut [Node], child: Node) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(child);
    }
}

fn add_text(open: &mut [Node], text: &str) {
    if let Some(parent) = open.last_mut() {
        parent.text.push_str(text);
    }
}

fn root(mut open: Vec<Node>) -> Result<Node, Error> {
    if open.len() > 1 {
        return Err(no_xml(format!("{} is not closed", open[open.len() - 1].name)));
    }
    let mut document = open.pop().unwrap_or_default();
    document.children.pop().ok_or_else(|| no_xml("no element in it"))
}
