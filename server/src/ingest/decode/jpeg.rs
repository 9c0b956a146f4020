//! JPEG, decoded at the fraction of its size that is enough.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
};

use image::{ImageDecoder, ImageFormat, ImageReader, RgbImage, metadata::Orientation};
use jpeg_decoder::{Decoder, Error as JpegError, PixelFormat, UnsupportedFeature};

use super::{
    DecodeError, Format, Limits, Stored, check_memory, check_size, damaged, image_error,
    samples::{Layout, factor, to_rgb},
    unsupported,
};

const FORMAT: Format = Format::Jpeg;

/// The most scans of a progressive image; each costs a pass over all pixels whatever its length in
/// the file. Encoders write about ten.
const MOST_SCANS: u32 = 100;

/// Files up to this size are read at once, which is faster; bytes.
const READ_WHOLE: u64 = 32 * 1024 * 1024;

pub(super) fn decode(mut file: File, length: u64, needed: u32, limits: &Limits) -> Result<Stored, DecodeError> {
    let mut whole = Vec::new();
    if length <= READ_WHOLE {
        file.read_to_end(&mut whole).map_err(DecodeError::Reading)?;
    }
    let outline = if whole.is_empty() { outline(&mut BufReader::new(&file)) } else { outline(&mut whole.as_slice()) }?;
    outline.check(needed, limits)?;
    let scaled = if whole.is_empty() {
        file.rewind().map_err(DecodeError::Reading)?;
        scaled(BufReader::with_capacity(64 * 1024, &file), needed)
    } else {
        scaled(whole.as_slice(), needed)
    };
    let pixels = match scaled {
        Ok(pixels) => pixels,
        // The other decoder knows odd samplings this one doesn't, but not how to scale.
        Err(first) => {
            drop(whole);
            file.rewind().map_err(DecodeError::Reading)?;
            fallback(file, length, &outline, needed, limits).map_err(|_| jpeg_error(first))?
        }
    };
    Ok(Stored { width: outline.width, height: outline.height, pixels, orientation: outline.orientation })
}

/// Decodes at the smallest of 1/8, 1/4, 1/2 and 1 whose longest edge reaches `needed`.
fn scaled(reader: impl Read, needed: u32) -> Result<RgbImage, JpegError> {
    let mut decoder = Decoder::new(reader);
    let needed_side = u16::try_from(needed).unwrap_or(u16::MAX);
    decoder.scale(needed_side, needed_side)?;
    let samples = decoder.decode()?;
    let missing = || JpegError::Format("it has too few pixels".to_owned());
    let info = decoder.info().ok_or_else(missing)?;
    let layout = match info.pixel_format {
        PixelFormat::L8 => Layout::L8,
        PixelFormat::L16 => Layout::L16,
        PixelFormat::RGB24 => Layout::Rgb8,
        PixelFormat::CMYK32 => Layout::Cmyk8,
    };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let factor = factor(width, height, needed);
    to_rgb(samples, layout, width, height, factor).ok_or_else(missing)
}

fn fallback(file: File, length: u64, outline: &Outline, needed: u32, limits: &Limits) -> Result<RgbImage, DecodeError> {
    // The file, all samples, and for a progressive image all coefficients.
    let pixels = u64::from(outline.width) * u64::from(outline.height);
    check_memory(FORMAT, length + pixels * 3 + outline.coefficient_bytes(), limits)?;
    let problem = |error| image_error(FORMAT, &error);
    let decoder = ImageReader::with_format(BufReader::new(file), ImageFormat::Jpeg).into_decoder().map_err(problem)?;
    let color = decoder.color_type();
    let layout = Layout::of(color).ok_or_else(|| unsupported(FORMAT, "rarely used colours"))?;
    let (width, height) = decoder.dimensions();
    check_size(FORMAT, width, height, limits)?;
    let bytes = usize::try_from(decoder.total_bytes()).map_err(|_| DecodeError::TooMuchMemory { format: FORMAT })?;
    let mut samples = vec![0; bytes];
    decoder.read_image(&mut samples).map_err(problem)?;
    let factor = factor(width, height, needed);
    to_rgb(samples, layout, width, height, factor).ok_or_else(|| damaged(FORMAT, "it has too few pixels"))
}

fn jpeg_error(error: JpegError) -> DecodeError {
    match error {
        JpegError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => DecodeError::Truncated,
        JpegError::Unsupported(feature) => unsupported(FORMAT, words(&feature)),
        JpegError::Format(detail) => damaged(FORMAT, detail),
        other => damaged(FORMAT, other),
    }
}

fn words(feature: &UnsupportedFeature) -> String {
    match feature {
        UnsupportedFeature::Hierarchical => "hierarchical coding".to_owned(),
        UnsupportedFeature::ArithmeticEntropyCoding => "arithmetic coding".to_owned(),
        UnsupportedFeature::SamplePrecision(bits) => format!("{bits}-bit samples"),
        UnsupportedFeature::ComponentCount(count) => format!("{count} colour components"),
        UnsupportedFeature::DNL => "no height in its header".to_owned(),
        _ => "rarely used colours".to_owned(),
    }
}

/// What the markers of a file say, read from the first to the last without decoding anything.
#[derive(Debug)]
struct Outline {
    width: u32,
    height: u32,
    /// The horizontal and vertical sampling factors of each component.
    samplings: Vec<(u64, u64)>,
    progressive: bool,
    scans: u32,
    orientation: Orientation,
}

impl Outline {
    fn check(&self, needed: u32, limits: &Limits) -> Result<(), DecodeError> {
        check_size(FORMAT, self.width, self.height, limits)?;
        if self.scans == 0 {
            return Err(damaged(FORMAT, "it has a header but no picture"));
        }
        if self.progressive && self.scans > MOST_SCANS {
            return Err(unsupported(FORMAT, format!("{} scans", self.scans)));
        }
        // Planes and pixels, at the scale of which more is never needed.
        let longest = u64::from(self.width.max(self.height));
        let divisor = match longest / u64::from(needed.max(1)) {
            0..2 => 1,
            2..4 => 2,
            4..8 => 4,
            _ => 8,
        };
        let channels = self.samplings.len() as u64;
        let pixels = u64::from(self.width) * u64::from(self.height) / (divisor * divisor);
        let planes = pixels * (2 * channels + 3);
        check_memory(FORMAT, planes + self.coefficient_bytes(), limits)
    }

    /// What a progressive image needs until its last scan, in bytes; nothing for others.
    fn coefficient_bytes(&self) -> u64 {
        if !self.progressive {
            return 0;
        }
        let across = self.samplings.iter().map(|s| s.0).max().unwrap_or(1).max(1);
        let down = self.samplings.iter().map(|s| s.1).max().unwrap_or(1).max(1);
        let units = u64::from(self.width).div_ceil(8 * across) * u64::from(self.height).div_ceil(8 * down);
        let blocks: u64 = self.samplings.iter().map(|(h, v)| h * v).sum();
        units * blocks * 64 * 2
    }
}

/// Walks all markers up to the end of the image.
///
/// Fails when the file ends first: decoders are lenient there, and would answer with a picture that
/// is grey from somewhere on.
fn outline(reader: &mut impl BufRead) -> Result<Outline, DecodeError> {
    let mut found = Outline {
        width: 0,
        height: 0,
        samplings: Vec::new(),
        progressive: false,
        scans: 0,
        orientation: Orientation::NoTransforms,
    };
    let mut exif = None;
    loop {
        match marker(reader)? {
            // Start of image, restarts and the marker without meaning have no content.
            0xd8 | 0xd0..=0xd7 | 0x01 => {}
            0xd9 => break,
            kind @ (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                let content = segment(reader)?;
                if found.samplings.is_empty() {
                    found.read_frame(kind, &content)?;
                }
            }
            0xda => {
                found.scans = found.scans.saturating_add(1);
                segment(reader)?;
            }
            0xe1 => {
                let content = segment(reader)?;
                if let Some(content) = content.strip_prefix(b"Exif\0\0") {
                    exif.get_or_insert_with(|| content.to_vec());
                }
            }
            _ => {
                segment(reader)?;
            }
        }
    }
    if let Some(turned) = exif.and_then(|exif| Orientation::from_exif_chunk(&exif)) {
        found.orientation = turned;
    }
    Ok(found)
}

impl Outline {
    /// Reads a frame header (ITU-T T.81 §B.2.2).
    fn read_frame(&mut self, kind: u8, content: &[u8]) -> Result<(), DecodeError> {
        let [_, h1, h2, w1, w2, _, components @ ..] = content else {
            return Err(damaged(FORMAT, "its frame header is too short"));
        };
        self.height = u32::from(u16::from_be_bytes([*h1, *h2]));
        self.width = u32::from(u16::from_be_bytes([*w1, *w2]));
        self.progressive = matches!(kind, 0xc2 | 0xc6 | 0xca | 0xce);
        self.samplings = components.chunks_exact(3).map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15))).collect();
        if self.samplings.is_empty() {
            return Err(damaged(FORMAT, "it has no colour components"));
        }
        Ok(())
    }
}

/// The next marker, past everything that isn't one; inside a scan that is the coded picture.
fn marker(reader: &mut impl BufRead) -> Result<u8, DecodeError> {
    loop {
        let buffer = fill(reader)?;
        match buffer.iter().position(|byte| *byte == 0xff) {
            None => {
                let length = buffer.len();
                reader.consume(length);
                continue;
            }
            Some(at) => reader.consume(at + 1),
        }
        let mut code = 0xff;
        while code == 0xff {
            code = fill(reader)?[0];
            reader.consume(1);
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

/// The content of the segment that follows a marker.
fn segment(reader: &mut impl BufRead) -> Result<Vec<u8>, DecodeError> {
    let mut length = [0; 2];
    reader.read_exact(&mut length).map_err(end)?;
    let length = usize::from(u16::from_be_bytes(length))
        .checked_sub(2)
        .ok_or_else(|| damaged(FORMAT, "a segment has no length"))?;
    let mut content = vec![0; length];
    reader.read_exact(&mut content).map_err(end)?;
    Ok(content)
}

/// Some bytes; none left is an error.
fn fill(reader: &mut impl BufRead) -> Result<&[u8], DecodeError> {
    let buffer = reader.fill_buf().map_err(end)?;
    if buffer.is_empty() {
        return Err(DecodeError::Truncated);
    }
    Ok(buffer)
}

fn end(error: io::Error) -> DecodeError {
    if error.kind() == io::ErrorKind::UnexpectedEof { DecodeError::Truncated } else { DecodeError::Reading(error) }
}
