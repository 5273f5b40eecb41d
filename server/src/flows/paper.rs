//! Lines of text on A4 pages, as a PDF with its font inside: every character takes the same
//! width, so that columns of figures stand under each other without measuring.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use ttf_parser::{Face, GlyphId};

use crate::error::Fault;

/// Characters of a line.
pub(super) const COLUMNS: usize = 94;
/// Longest first line that is set in large letters.
const HEADLINE: usize = 52;
/// Lines of a page, two for its foot among them.
const LINES: usize = 66;
/// A4 in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 42.0;
const SIZE: f32 = 9.0;
const LEADING: f32 = 11.5;

const FONT: Name<'static> = Name(b"DejaVuSansMono");
const INFO: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};
/// Objects that are there once; pages come after them.
const CATALOG: i32 = 1;
const PAGES: i32 = 2;
const ABOUT: i32 = 3;
const TYPE0: i32 = 4;
const CID: i32 = 5;
const DESCRIPTOR: i32 = 6;
const FILE: i32 = 7;
const UNICODE: i32 = 8;
const FIRST_PAGE: i32 = 9;

/// Lines while they are written.
#[derive(Default)]
pub(super) struct Text {
    pub(super) lines: Vec<String>,
}

impl Text {
    /// Words, broken at spaces where they are longer than a line.
    pub(super) fn say(&mut self, words: &str) {
        self.lines.extend(wrapped(words, COLUMNS));
    }

    /// A heading over a rule.
    pub(super) fn section(&mut self, name: &str) {
        self.lines.push(String::new());
        self.lines.push(name.to_owned());
        self.lines.push("─".repeat(COLUMNS));
    }

    /// A name on the left, a text on the right.
    pub(super) fn pair(&mut self, name: &str, value: &str) {
        let room = COLUMNS.saturating_sub(value.chars().count() + 1);
        let name: String = name.chars().take(room).collect();
        self.lines.push(format!("{name:<room$} {value}"));
    }
}

/// Words in lines of at most `width` characters, broken at spaces; one line for no words.
pub(super) fn wrapped(words: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in words.split_whitespace() {
        let wide = line.chars().count() + 1 + word.chars().count() > width;
        if wide && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A font that has been asked for characters.
struct Font {
    face: Face<'static>,
    bytes: &'static [u8],
    used: BTreeMap<u16, char>,
}

impl Font {
    fn open() -> Result<Self, Fault> {
        let bytes = dejavu::sans_mono::regular();
        Ok(Self {
            face: Face::parse(bytes, 0).map_err(Fault::internal)?,
            bytes,
            used: BTreeMap::new(),
        })
    }

    /// A line as glyph numbers; what the font lacks is shown as a question mark.
    fn glyphs(&mut self, line: &str) -> Vec<u8> {
        let mut glyphs = Vec::with_capacity(2 * line.len());
        for c in line.chars().take(COLUMNS) {
            let known = self.face.glyph_index(c).map(|glyph| (glyph, c));
            let asked = known.or_else(|| self.face.glyph_index('?').map(|glyph| (glyph, '?')));
            if let Some((GlyphId(glyph), c)) = asked {
                self.used.insert(glyph, c);
                glyphs.extend(glyph.to_be_bytes());
            }
        }
        glyphs
    }

    /// A measure of the font in thousandths of its size.
    fn scaled(&self, units: i16) -> f32 {
        f32::from(units) * 1000.0 / f32::from(self.face.units_per_em())
    }

    fn write(&self, pdf: &mut Pdf) -> Result<(), Fault> {
        let mut type0 = pdf.type0_font(Ref::new(TYPE0));
        type0
            .base_font(FONT)
            .encoding_predefined(Name(b"Identity-H"));
        type0
            .descendant_font(Ref::new(CID))
            .to_unicode(Ref::new(UNICODE));
        type0.finish();
        let advance = self.face.glyph_hor_advance(GlyphId(3)).unwrap_or(0);
        // A whole number, or readers take the width of a whole em instead.
        let advance = i16::try_from(advance).map_err(Fault::internal)?;
        let mut cid = pdf.cid_font(Ref::new(CID));
        cid.subtype(CidFontType::Type2)
            .base_font(FONT)
            .system_info(INFO);
        cid.font_descriptor(Ref::new(DESCRIPTOR))
            .default_width(self.scaled(advance).round());
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
        cid.finish();
        let b = self.face.global_bounding_box();
        let [left, low, right, high] = [b.x_min, b.y_min, b.x_max, b.y_max].map(|n| self.scaled(n));
        let mut descriptor = pdf.font_descriptor(Ref::new(DESCRIPTOR));
        descriptor
            .name(FONT)
            .flags(FontFlags::FIXED_PITCH | FontFlags::NON_SYMBOLIC);
        descriptor
            .bbox(Rect::new(left, low, right, high))
            .italic_angle(0.0);
        descriptor.ascent(self.scaled(self.face.ascender()));
        descriptor.descent(self.scaled(self.face.descender()));
        descriptor.cap_height(self.scaled(self.face.capital_height().unwrap_or(1493)));
        descriptor.stem_v(80.0).font_file2(Ref::new(FILE));
        descriptor.finish();
        let packed = pack(self.bytes)?;
        let mut file = pdf.stream(Ref::new(FILE), &packed);
        file.filter(Filter::FlateDecode);
        file.pair(
            Name(b"Length1"),
            i32::try_from(self.bytes.len()).map_err(Fault::internal)?,
        );
        file.finish();
        let mut cmap = UnicodeCmap::new(Name(b"Granary"), INFO);
        for (glyph, c) in &self.used {
            cmap.pair(*glyph, *c);
        }
        pdf.cmap(Ref::new(UNICODE), &cmap.finish());
        Ok(())
    }
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).map_err(Fault::internal)?;
    packed.finish().map_err(Fault::internal)
}

/// Whether a line has characters that the font does not show.
pub(super) fn lacks(line: &str) -> bool {
    match Face::parse(dejavu::sans_mono::regular(), 0) {
        Ok(face) => line.chars().any(|c| face.glyph_index(c).is_none()),
        Err(_) => false,
    }
}

/// Puts lines on pages, the very first one in large letters where it is short. `foot` stands under each with its number. The same lines give the same
/// bytes.
pub(super) fn pdf(title: &str, foot: &str, lines: &[String]) -> Result<Vec<u8>, Fault> {
    let (mut pdf, mut font) = (Pdf::new(), Font::open()?);
    let sheets: Vec<&[String]> = lines.chunks(LINES - 2).collect();
    let count = i32::try_from(sheets.len()).map_err(Fault::internal)?;
    pdf.catalog(Ref::new(CATALOG)).pages(Ref::new(PAGES));
    let mut pages = pdf.pages(Ref::new(PAGES));
    pages
        .kids((0..count).map(|n| Ref::new(FIRST_PAGE + 2 * n)))
        .count(count);
    pages.finish();
    let mut about = pdf.document_info(Ref::new(ABOUT));
    about.title(TextStr(title)).creator(TextStr("Granary"));
    about.finish();
    for (sheet, n) in sheets.iter().zip(0..) {
        let (page_id, content_id) = (
            Ref::new(FIRST_PAGE + 2 * n),
            Ref::new(FIRST_PAGE + 2 * n + 1),
        );
        let mut page = pdf.page(page_id);
        page.parent(Ref::new(PAGES))
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT));
        page.contents(content_id);
        page.resources().fonts().pair(Name(b"F"), Ref::new(TYPE0));
        page.finish();
        let foot = format!("{foot} · page {} of {count}", n + 1);
        let content = pack(&content(&mut font, n == 0, sheet, &foot))?;
        pdf.stream(content_id, &content).filter(Filter::FlateDecode);
    }
    font.write(&mut pdf)?;
    Ok(pdf.finish())
}

/// The drawing of a page.
fn content(font: &mut Font, first: bool, lines: &[String], foot: &str) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text();
    content.set_leading(LEADING);
    content.next_line(MARGIN, HEIGHT - MARGIN - SIZE);
    for (n, line) in lines.iter().enumerate() {
        let headline = first && n == 0 && line.chars().count() <= HEADLINE;
        let size = if headline { 1.75 * SIZE } else { SIZE };
        content.set_font(Name(b"F"), size);
        content
            .show(Str(&font.glyphs(line)))
            .next_line_using_leading();
    }
    content.end_text();
    content.begin_text();
    content
        .set_font(Name(b"F"), SIZE - 2.0)
        .next_line(MARGIN, MARGIN);
    content.show(Str(&font.glyphs(foot)));
    content.end_text();
    content.finish().to_vec()
}
