//! The elements of a page as a browser's parser sees them.
//!
//! The tree is what decides whether a tag is a script: `<style>` in SVG is no raw text, one in `MathML` is no style, and a comment, a
//! title or a text area holds no tags at all. So the parser of the HTML standard runs, and its tree is thrown away but for a list
//! of elements.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, LocalName, ParseOpts, QualName, local_name, ns, parse_document};

/// How the page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scripting {
    /// `<noscript>` holds text.
    On,
    /// `<noscript>` holds elements, and no script runs.
    Off,
}

/// One element, or the attributes that a second `<html>` or `<body>` adds to the first.
pub(super) struct Element {
    name: QualName,
    pub(super) attributes: Vec<Attribute>,
    /// The line on which the tag ends.
    pub(super) line: u64,
    text: Cell<String>,
    /// Whether the page ended inside of this script, which then never runs.
    unfinished: Cell<bool>,
    is_integration_point: bool,
}

impl Element {
    fn new(name: QualName, attributes: Vec<Attribute>, line: u64, flags: &ElementFlags) -> Self {
        Self {
            name,
            attributes,
            line,
            text: Cell::default(),
            unfinished: Cell::default(),
            is_integration_point: flags.mathml_annotation_xml_integration_point,
        }
    }

    pub(super) fn local_name(&self) -> &str {
        &self.name.local
    }

    pub(super) fn is_html(&self) -> bool {
        self.name.ns == ns!(html)
    }

    pub(super) fn is_svg(&self) -> bool {
        self.name.ns == ns!(svg)
    }

    /// Whether it runs or loads a script, which an element of this name in `MathML` does not.
    pub(super) fn is_script(&self) -> bool {
        self.name.local == local_name!("script") && (self.is_html() || self.is_svg())
    }

    pub(super) fn is_style(&self) -> bool {
        self.name.local == local_name!("style") && (self.is_html() || self.is_svg())
    }

    /// Whether the page ended before the script did: browsers do not run it (HTML, section 13.2.6.4.8).
    pub(super) fn is_unfinished(&self) -> bool {
        self.unfinished.get()
    }

    /// The value of an attribute, in whatever namespace: `xlink:href` is `href`.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.name.local == name)
            .map(|attribute| &*attribute.value)
    }

    /// The text of a script or style, without that of elements in it. It is taken out.
    pub(super) fn take_text(&self) -> String {
        self.text.take()
    }

    fn push(&self, more: &str) {
        if self.is_script() || self.is_style() {
            let mut text = self.text.take();
            text.push_str(more);
            self.text.set(text);
        }
    }
}

/// Reads a page, or the document of a `srcdoc`, and returns its elements in order.
pub(super) fn elements(html: &str, scripting: Scripting, is_srcdoc: bool) -> Vec<Rc<Element>> {
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: scripting == Scripting::On,
            iframe_srcdoc: is_srcdoc,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    parse_document(Elements::default(), options).one(html)
}

/// Takes the tree as it grows and keeps the elements alone.
struct Elements {
    document: Rc<Element>,
    list: Cell<Vec<Rc<Element>>>,
    line: Cell<u64>,
}

impl Default for Elements {
    fn default() -> Self {
        Self {
            document: nameless(),
            list: Cell::default(),
            line: Cell::new(1),
        }
    }
}

/// What stands for the document and for comments: the tree builder asks for nothing but whether they are the same.
fn nameless() -> Rc<Element> {
    let name = QualName::new(None, ns!(), LocalName::from(""));
    let flags = ElementFlags::default();
    Rc::new(Element::new(name, Vec::new(), 0, &flags))
}

impl Elements {
    fn keep(&self, element: &Rc<Element>) {
        let mut list = self.list.take();
        list.push(Rc::clone(element));
        self.list.set(list);
    }
}

impl TreeSink for Elements {
    type Handle = Rc<Element>;
    type Output = Vec<Rc<Element>>;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> Self::Output {
        self.list.take()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Self::Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Self::Handle) -> &'a QualName {
        &target.name
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> Self::Handle {
        let element = Rc::new(Element::new(name, attributes, self.line.get(), &flags));
        self.keep(&element);
        element
    }

    fn create_comment(&self, _: StrTendril) -> Self::Handle {
        nameless()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Self::Handle {
        nameless()
    }

    fn append(&self, parent: &Self::Handle, child: NodeOrText<Self::Handle>) {
        if let NodeOrText::AppendText(text) = child {
            parent.push(&text);
        }
    }

    // Text that is moved out of a table: neither a script nor a style is the parent of one.
    fn append_based_on_parent_node(
        &self,
        _: &Self::Handle,
        _: &Self::Handle,
        _: NodeOrText<Self::Handle>,
    ) {
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn mark_script_already_started(&self, node: &Self::Handle) {
        node.unfinished.set(true);
    }

    // What is inside of a template counts: declarative shadow roots are templates, and scripts copy the others into the page.
    fn get_template_contents(&self, target: &Self::Handle) -> Self::Handle {
        Rc::clone(target)
    }

    fn same_node(&self, x: &Self::Handle, y: &Self::Handle) -> bool {
        Rc::ptr_eq(x, y)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, _: &Self::Handle, _: NodeOrText<Self::Handle>) {}

    fn add_attrs_if_missing(&self, target: &Self::Handle, attributes: Vec<Attribute>) {
        let flags = ElementFlags::default();
        let line = self.line.get();
        self.keep(&Rc::new(Element::new(
            target.name.clone(),
            attributes,
            line,
            &flags,
        )));
    }

    fn remove_from_parent(&self, _: &Self::Handle) {}

    fn reparent_children(&self, _: &Self::Handle, _: &Self::Handle) {}

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Self::Handle) -> bool {
        handle.is_integration_point
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(line);
    }
}
