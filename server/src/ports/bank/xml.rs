//! XML in and out: a tree for reading, within limits; a few verbs for writing.
//!
//! Names are local names: banks choose prefixes as they like. Document types and entities of
//! their own are refused, so nothing can be pulled in from outside and nothing expands.

use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::BankError;

/// Largest file that is read.
pub const MOST_BYTES: usize = 16 << 20;
/// Deepest nesting.
const MOST_DEPTH: usize = 48;
/// Most elements of one file.
const MOST_ELEMENTS: usize = 1_000_000;

/// An element with what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Local name.
    pub name: String,
    /// Its own text, without the blanks around it.
    pub text: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

impl Node {
    /// The first child of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|node| node.name == name)
    }

    /// The element at the end of a path of first children: `Acct/Id/IBAN`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('/')
            .try_fold(self, |node, name| node.child(name))
    }

    /// The text at the end of a path; none when it is missing or empty.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path)
            .map(|node| node.text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The same, or an error that names the path.
    ///
    /// # Errors
    /// [`BankError::Missing`].
    pub fn must(&self, path: &str) -> Result<&str, BankError> {
        self.text_at(path)
            .ok_or_else(|| BankError::Missing(format!("{}/{path}", self.name)))
    }

    /// All children of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.children.iter().filter(move |node| node.name == name)
    }

    /// Name of the first child.
    #[must_use]
    pub fn first(&self) -> Option<String> {
        self.children.first().map(|node| node.name.clone())
    }

    /// What it says, without the blanks around texts: two files of the same elements,
    /// attributes and texts have the same content, whatever their line ends.
    #[must_use]
    pub fn content(&self) -> String {
        let mut out = String::new();
        self.write_content(&mut out);
        out
    }

    fn write_content(&self, out: &mut String) {
        out.push_str(&format!("<{}", self.name));
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write_content(out);
        }
        out.push_str("</>");
    }

    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn unreadable(problem: impl Into<String>) -> BankError {
    BankError::Unreadable(problem.into())
}

/// Reads a whole file into a tree.
///
/// # Errors
/// Not UTF-8, not well-formed, too large, too deep, or with a document type.
pub fn read(bytes: &[u8]) -> Result<Node, BankError> {
    if bytes.len() > MOST_BYTES {
        return Err(unreadable(format!("it is larger than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Node> = vec![Node::default()];
    let mut elements = 0usize;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| unreadable(format!("at byte {}: {error}", reader.error_position())))?;
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            elements += 1;
            if elements > MOST_ELEMENTS || open.len() > MOST_DEPTH {
                return Err(unreadable("it has too many or too deep elements"));
            }
        }
        match event {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => {
                let node = element(&start)?;
                last(&mut open)?.children.push(node);
            }
            Event::End(_) => close(&mut open)?,
            Event::Text(words) => {
                let words = words.decode().map_err(|e| unreadable(e.to_string()))?;
                last(&mut open)?.text.push_str(&words);
            }
            Event::CData(words) => {
                let words = words.decode().map_err(|e| unreadable(e.to_string()))?;
                last(&mut open)?.text.push_str(&words);
            }
            Event::GeneralRef(reference) => {
                let one = resolve(&reference)?;
                last(&mut open)?.text.push_str(&one);
            }
            Event::DocType(_) => return Err(unreadable("it has a document type")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    root(open)
}

fn root(mut open: Vec<Node>) -> Result<Node, BankError> {
    match (open.pop(), open.is_empty()) {
        (Some(mut top), true) if top.children.len() == 1 => {
            top.children.pop().ok_or_else(|| unreadable("it is empty"))
        }
        _ => Err(unreadable("it ends too early, or holds no single document")),
    }
}

fn last(open: &mut [Node]) -> Result<&mut Node, BankError> {
    open.last_mut()
        .ok_or_else(|| unreadable("it ends too often"))
}

fn close(open: &mut Vec<Node>) -> Result<(), BankError> {
    let mut node = open.pop().ok_or_else(|| unreadable("it ends too often"))?;
    node.text = node.text.trim().to_owned();
    last(open)?.children.push(node);
    Ok(())
}

fn element(start: &BytesStart<'_>) -> Result<Node, BankError> {
    let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| unreadable(error.to_string()))?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|error| unreadable(error.to_string()))?
            .into_owned();
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        attributes.push((key, value));
    }
    Ok(Node {
        name,
        attributes,
        ..Node::default()
    })
}

fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, BankError> {
    let bad = |e: String| unreadable(e);
    if let Some(c) = reference
        .resolve_char_ref()
        .map_err(|e| bad(e.to_string()))?
    {
        return Ok(c.to_string());
    }
    let name = reference.decode().map_err(|e| bad(e.to_string()))?;
    resolve_xml_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| unreadable(format!("it names the entity {name:?}")))
}

/// A document under construction; two blanks of indentation per level.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
}

impl Writer {
    /// A document whose root carries this namespace.
    #[must_use]
    pub fn new(namespace: &str) -> Self {
        let out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{namespace}\">\n"
        );
        Self {
            out,
            open: vec!["Document"],
        }
    }

    fn indent(&mut self) {
        self.out.push_str(&"  ".repeat(self.open.len()));
    }

    /// An element with what `inside` writes.
    pub fn group(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        self.indent();
        self.out.push_str(&format!("<{name}>\n"));
        self.open.push(name);
        inside(self);
        self.open.pop();
        self.indent();
        self.out.push_str(&format!("</{name}>\n"));
    }

    /// An element with text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.indent();
        self.out
            .push_str(&format!("<{name}>{}</{name}>\n", escape(text)));
    }

    /// An element with text and one attribute.
    pub fn leaf_with(&mut self, name: &str, attribute: (&str, &str), text: &str) {
        let (key, value) = attribute;
        self.indent();
        self.out.push_str(&format!(
            "<{name} {key}=\"{}\">{}</{name}>\n",
            escape(value),
            escape(text)
        ));
    }

    /// The text of the document.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.out.push_str("</Document>\n");
        self.out
    }
}
