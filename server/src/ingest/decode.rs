//! From a file on disk to pixels, within limits of time and memory.
//!
//! The bytes decide what a file is. Its header is read and judged before anything is decoded, and
//! decoding yields no more pixels than are needed: a JPEG is decoded at a fraction of its size, PNG and
//! TIFF are reduced row by row, other formats as they are converted.

mod jp2;
mod jpeg;
mod png;
mod raster;
mod samples;
mod tiff;

use std::{
    error::Error as _,
    fmt,
    fs::File,
    io::{self, BufReader, Read, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::{DynamicImage, ImageError, RgbImage, metadata::Orientation};

/// What decoding one file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels a header may announce.
    pub pixels: u64,
    /// The most memory that is held at once, in bytes, as far as a header tells.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pixels: 250_000_000, memory: 512 * 1024 * 1024 }
    }
}

/// A format that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG, all kinds but arithmetic coding.
    Jpeg,
    /// PNG.
    Png,
    /// GIF, of which the first frame counts.
    Gif,
    /// WebP.
    WebP,
    /// TIFF, of which the first page counts.
    Tiff,
    /// JPEG 2000, as a file or a bare codestream.
    Jpeg2000,
}

impl Format {
    /// The registered media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Jpeg2000 => "image/jp2",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Jpeg2000 => "JPEG 2000",
        })
    }
}

/// A decoded image, upright.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The width of the whole image in pixels, turned as its metadata says.
    pub width: u32,
    /// The height of the whole image in pixels, turned as its metadata says.
    pub height: u32,
    /// The image, perhaps reduced: its longest edge is at least what was asked for, unless the
    /// whole image is smaller.
    pub pixels: RgbImage,
    /// What the file is.
    pub format: Format,
}

/// Why a file has no pixels. Each is one sentence for the owner of the image.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file has no bytes.
    #[error("The origin returned an empty file, not an image.")]
    Empty,
    /// Something known that is no image.
    #[error("The origin returned {0}, not an image: supported are JPEG, PNG, GIF, WebP, TIFF and JPEG 2000.")]
    NotAnImage(&'static str),
    /// An image in a format that can't be decoded.
    #[error("The origin returned {0}, which can't be decoded: supported are JPEG, PNG, GIF, WebP, TIFF and JPEG 2000.")]
    OtherImage(&'static str),
    /// A web page, such as a login form or an error message.
    #[error("The origin returned an HTML page, not an image.")]
    Html,
    /// Bytes nobody recognises.
    #[error("The file is in no known image format: supported are JPEG, PNG, GIF, WebP, TIFF and JPEG 2000.")]
    Unknown,
    /// A header that announces no pixels at all.
    #[error("The {0} image has no pixels.")]
    NoPixels(Format),
    /// More pixels than the limit.
    #[error("The image is {width} × {height} pixels; the most that is accepted is {limit} pixels.")]
    TooManyPixels {
        /// The announced width.
        width: u32,
        /// The announced height.
        height: u32,
        /// The limit in pixels.
        limit: u64,
    },
    /// More memory than the limit.
    #[error(
        "The {format} image needs more memory than is granted to one image: use a smaller image, or a baseline JPEG."
    )]
    TooMuchMemory {
        /// What the file is.
        format: Format,
    },
    /// The last part is missing.
    #[error("The file ends before the image does.")]
    Truncated,
    /// A valid file of a kind that can't be decoded.
    #[error("The {format} image has {detail}, which can't be decoded: save it in a more usual form, or as PNG.")]
    Unsupported {
        /// What the file is.
        format: Format,
        /// The feature.
        detail: String,
    },
    /// Damaged, or not what it claims to be.
    #[error("The {format} image is damaged: {detail}.")]
    Damaged {
        /// What the file is.
        format: Format,
        /// What is wrong.
        detail: String,
    },
    /// The local copy can't be read.
    #[error("The server could not read its copy of the image ({0}): reingest it.")]
    Reading(io::Error),
}

/// What a decoder makes of a file: sizes as stored, before turning.
struct Stored {
    width: u32,
    height: u32,
    pixels: RgbImage,
    orientation: Orientation,
}

/// Decodes `file` so that the longest edge of the pixels is at least `longest_needed`, or the whole
/// image if that is smaller; `u32::MAX` asks for every pixel. Blocks: call it off the async threads.
///
/// # Errors
/// One of [`DecodeError`], whose text may be shown to the owner of the image. A decoder that panics
/// counts as a damaged image.
pub fn decode(file: &Path, longest_needed: u32, limits: &Limits) -> Result<Decoded, DecodeError> {
    let mut file = File::open(file).map_err(DecodeError::Reading)?;
    let mut head = Vec::new();
    (&mut file).take(1024).read_to_end(&mut head).map_err(DecodeError::Reading)?;
    let format = sniff(&head)?;
    let length = file.metadata().map_err(DecodeError::Reading)?.len();
    file.rewind().map_err(DecodeError::Reading)?;

    let work = || {
        let needed = longest_needed.max(1);
        match format {
            Format::Jpeg => jpeg::decode(file, length, needed, limits),
            Format::Jpeg2000 => jp2::decode(file, length, needed, limits),
            Format::Png => png::decode(BufReader::new(file), needed, limits),
            Format::Tiff => tiff::decode(BufReader::new(file), needed, limits),
            _ => raster::decode(BufReader::new(file), &head, length, format, needed, limits),
        }
    };
    // Nothing the decoder touched is used after a panic.
    let stored = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DecodeError::Damaged { format, detail: "it could not be decoded".to_owned() }))?;
    Ok(upright(stored, format))
}

fn upright(stored: Stored, format: Format) -> Decoded {
    let Stored { width, height, pixels, orientation } = stored;
    let mut image = DynamicImage::ImageRgb8(pixels);
    image.apply_orientation(orientation);
    let (width, height) = match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            (height, width)
        }
        _ => (width, height),
    };
    Decoded { width, height, pixels: image.into_rgb8(), format }
}

/// What a file is, by its first bytes; up to a kilobyte of them is looked at.
///
/// # Errors
/// When it is nothing that can be decoded: what it is instead.
pub fn sniff(head: &[u8]) -> Result<Format, DecodeError> {
    const KNOWN: [(&[u8], Format); 11] = [
        (b"\xff\xd8\xff", Format::Jpeg),
        (b"\x89PNG\r\n\x1a\n", Format::Png),
        (b"GIF87a", Format::Gif),
        (b"GIF89a", Format::Gif),
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        (b"II+\0", Format::Tiff),
        (b"MM\0+", Format::Tiff),
        (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
        (b"\xff\x4f\xff\x51", Format::Jpeg2000),
        (b"\0\0\0\x0cjP\x1a\x1a\r\n\x87\n", Format::Jpeg2000),
    ];
    const OTHER: [(&[u8], DecodeError); 8] = [
        (b"%PDF", DecodeError::NotAnImage("a PDF document")),
        (b"PK\x03\x04", DecodeError::NotAnImage("a ZIP archive")),
        (b"\x1f\x8b", DecodeError::NotAnImage("a gzip file")),
        (b"BM", DecodeError::OtherImage("a BMP image")),
        (b"\xff\x0a", DecodeError::OtherImage("a JPEG XL image")),
        (b"\0\0\0\x0cJXL ", DecodeError::OtherImage("a JPEG XL image")),
        (b"ID3", DecodeError::NotAnImage("an audio file")),
        (b"RIFF", DecodeError::NotAnImage("a RIFF file")),
    ];
    if head.is_empty() {
        return Err(DecodeError::Empty);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Ok(Format::WebP);
    }
    if let Some((_, format)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Ok(*format);
    }
    if let Some((_, error)) = OTHER.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(error);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Err(match head.get(8..11) {
            Some(b"avi") => DecodeError::OtherImage("an AVIF image"),
            Some(b"hei" | b"hev" | b"mif" | b"msf") => DecodeError::OtherImage("a HEIF image"),
            _ => DecodeError::NotAnImage("a video or audio file"),
        });
    }
    Err(sniff_text(head))
}

/// What a file that has no known magic number is, going by its first characters.
fn sniff_text(head: &[u8]) -> DecodeError {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let holds = |tag: &str| text.contains(tag);
    if text.starts_with('<') {
        if ["<html", "<!doctype html", "<head", "<body"].iter().any(|tag| holds(tag)) {
            return DecodeError::Html;
        }
        if holds("<svg") {
            return DecodeError::OtherImage("an SVG drawing");
        }
        return DecodeError::NotAnImage("an XML document");
    }
    if text.starts_with(['{', '[']) {
        return DecodeError::NotAnImage("a JSON document");
    }
    // A character may be cut at the end of the head, so only control characters count against text.
    let printable = |byte: &u8| *byte >= 0x20 || byte.is_ascii_whitespace();
    if head.iter().all(printable) && text.chars().filter(|c| *c == '\u{fffd}').count() <= 1 {
        return DecodeError::NotAnImage("a text");
    }
    DecodeError::Unknown
}

/// Judges the announced size.
fn check_size(format: Format, width: u32, height: u32, limits: &Limits) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::NoPixels(format));
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(DecodeError::TooManyPixels { width, height, limit: limits.pixels });
    }
    Ok(())
}

/// Judges the memory a decoder is going to hold, in bytes.
fn check_memory(format: Format, bytes: u64, limits: &Limits) -> Result<(), DecodeError> {
    if bytes > limits.memory {
        return Err(DecodeError::TooMuchMemory { format });
    }
    Ok(())
}

fn damaged(format: Format, detail: impl fmt::Display) -> DecodeError {
    DecodeError::Damaged { format, detail: plainly(&detail.to_string()) }
}

fn unsupported(format: Format, detail: impl fmt::Display) -> DecodeError {
    DecodeError::Unsupported { format, detail: detail.to_string() }
}

/// A decoder's message as the end of a sentence, if it is made of words; what only programmers read goes into the log.
fn plainly(detail: &str) -> String {
    let text = detail.trim().trim_end_matches('.');
    let plain = |c: char| c.is_ascii_alphanumeric() || " ,-'/".contains(c);
    let words = |word: &str| !word.chars().skip(1).any(|c| c.is_ascii_uppercase()) || word.len() <= 4;
    if (1..=200).contains(&text.len()) && text.chars().all(plain) && text.split(' ').all(words) {
        return text.to_owned();
    }
    tracing::info!(detail, "a decoder gave up");
    "its data can't be decoded".to_owned()
}

/// Whether an error means that bytes are missing at the end.
fn is_end(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::UnexpectedEof
        {
            return true;
        }
        cause = error.source();
    }
    let text = error.to_string().to_ascii_lowercase();
    ["unexpected end", "unexpected eof", "end of file", "fill whole buffer", "no more bytes"]
        .iter()
        .any(|words| text.contains(words))
}

fn image_error(format: Format, error: &ImageError) -> DecodeError {
    if is_end(error) {
        return DecodeError::Truncated;
    }
    match error {
        ImageError::Limits(_) => DecodeError::TooMuchMemory { format },
        ImageError::Unsupported(_) => unsupported(format, "a rarely used feature"),
        ImageError::Decoding(what) => match what.source() {
            Some(source) => damaged(format, source),
            None => damaged(format, what),
        },
        other => damaged(format, other),
    }
}

#[cfg(test)]
mod tests;
