//! TIFF, reduced strip by strip, or by rows of tiles.
//!
//! The `tiff` crate unpacks more than it has colours for. It is told that all samples are greys, so that it hands them
//! out as they are stored, and the colours are made of them here.

mod color;
mod relabel;

use std::{fs::File, io::BufReader, num::NonZero};

use ::tiff::{
    TiffError, TiffUnsupportedError,
    decoder::{Decoder, Limits as Granted, TiffCodingUnit},
    tags::{CompressionMethod, PlanarConfiguration, SampleFormat, Tag},
};
use image::{RgbImage, metadata::Orientation};

use super::{
    DecodeError, Format, Limits, Stored, check_memory, check_size, damaged, is_end,
    samples::{Reducer, factor, mean},
    unsupported,
};
use color::Colors;
use relabel::Relabelled;

const FORMAT: Format = Format::Tiff;

type Source = Decoder<Relabelled<BufReader<File>>>;

pub(super) fn decode(file: BufReader<File>, needed: u32, limits: &Limits) -> Result<Stored, DecodeError> {
    let (file, photometric) = Relabelled::new(file).map_err(|error| problem(error.into()))?;
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let mut granted = Granted::default();
    (granted.decoding_buffer_size, granted.intermediate_buffer_size) = (memory, memory);
    let mut source = Decoder::new(file).map_err(problem)?.with_limits(granted);
    let (width, height) = source.dimensions().map_err(problem)?;
    check_size(FORMAT, width, height, limits)?;
    let form = Form::read(&mut source, photometric)?;
    let pixels = form.pixels(&mut source, (width, height), needed, limits)?;
    let turned = number(&mut source, Tag::Orientation)?.and_then(|value| u8::try_from(value).ok());
    let orientation = turned.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms);
    Ok(Stored { width, height, pixels, orientation })
}

/// How samples are stored and what they mean.
struct Form {
    /// Bits of a sample.
    bits: u16,
    floats: bool,
    /// Samples of a pixel.
    samples: usize,
    /// Whether each sample of a pixel lies in a plane of its own.
    planar: bool,
    compression: CompressionMethod,
    colors: Colors,
}

impl Form {
    fn read(source: &mut Source, photometric: u16) -> Result<Self, DecodeError> {
        let bits = numbers(source, Tag::BitsPerSample)?.first().copied().unwrap_or(1);
        let samples = number(source, Tag::SamplesPerPixel)?.unwrap_or(1);
        let format = numbers(source, Tag::SampleFormat)?.first().copied().unwrap_or(1);
        let extra = numbers(source, Tag::ExtraSamples)?;
        let planar = number(source, Tag::PlanarConfiguration)? == Some(PlanarConfiguration::Planar.to_u16());
        let compression = CompressionMethod::from_u16_exhaustive(number(source, Tag::Compression)?.unwrap_or(1));
        let colors = Colors::read(source, photometric, bits, samples, &extra, compression)?;
        let floats = format == SampleFormat::IEEEFP.to_u16();
        // Grey floats have no white that everybody agrees on.
        let readable = match bits {
            1 | 2 | 4 | 8 | 16 => !floats && (format == SampleFormat::Uint.to_u16() || colors.are_signed()),
            32 => floats && colors.are_rgb(),
            _ => false,
        };
        if !readable {
            let kind = if floats { " floating-point" } else { "" };
            return Err(unsupported(FORMAT, format!("{bits}-bit{kind} samples")));
        }
        Ok(Self { bits, floats, samples: samples.into(), planar, compression, colors })
    }

    /// Reads the chunks of the image, which are strips or tiles, those beside each other together.
    fn pixels(
        &self,
        source: &mut Source,
        (width, height): (u32, u32),
        needed: u32,
        limits: &Limits,
    ) -> Result<RgbImage, DecodeError> {
        let (chunk_width, chunk_height) = source.chunk_dimensions();
        let across = width.div_ceil(chunk_width.max(1));
        let down = height.div_ceil(chunk_height.max(1));
        let mut reducer = Reducer::new(width, height, factor(width, height, needed));
        let mut chunks = Vec::new();
        let mut line = Vec::new();
        for band in 0..down {
            chunks.clear();
            let mut held = 0;
            for column in 0..across {
                chunks.push(self.chunk(source, band * across + column, &mut held, limits)?);
            }
            for row in 0..chunks.first().map_or(0, |chunk| chunk.height) {
                line.clear();
                for chunk in &chunks {
                    self.unpack(chunk, row, &mut line)?;
                }
                self.colors.add(&mut reducer, &line, self.samples);
            }
        }
        reducer.finish().ok_or_else(|| damaged(FORMAT, "it has too few pixels"))
    }

    /// Reads one chunk with all its planes; `held` counts the bytes of those that are kept with it.
    fn chunk(&self, source: &mut Source, index: u32, held: &mut u64, limits: &Limits) -> Result<Chunk, DecodeError> {
        let (width, height) = source.chunk_data_dimensions(index);
        let layout = source.image_coding_unit_layout(TiffCodingUnit(index)).map_err(problem)?;
        *held += layout.complete_len as u64;
        // These are decompressed whole before they are copied.
        let copies = match self.compression {
            CompressionMethod::ModernJPEG | CompressionMethod::WebP => layout.complete_len as u64 * 2,
            _ => 0,
        };
        check_memory(FORMAT, *held + copies, limits)?;
        let mut bytes = vec![0; layout.complete_len];
        source.read_coding_unit_bytes(TiffCodingUnit(index), &mut bytes).map_err(problem)?;
        let stride = |stride: Option<NonZero<usize>>| stride.map_or(0, NonZero::get);
        let (row, plane) = (stride(layout.row_stride), stride(layout.plane_stride));
        Ok(Chunk { width: width as usize, height: height as usize, row, plane, bytes })
    }

    /// Adds the samples of a row of a chunk, 8 bits each, pixel by pixel.
    fn unpack(&self, chunk: &Chunk, row: usize, line: &mut Vec<u8>) -> Result<(), DecodeError> {
        let missing = || damaged(FORMAT, "it has too few pixels");
        let from = line.len();
        if !self.planar {
            let bytes = chunk.bytes.get(row * chunk.row..).ok_or_else(missing)?;
            self.samples_of(bytes, chunk.width * self.samples, line);
        } else {
            line.resize(from + chunk.width * self.samples, 0);
            let mut plane = Vec::with_capacity(chunk.width);
            for n in 0..self.samples {
                plane.clear();
                let bytes = chunk.bytes.get(n * chunk.plane + row * chunk.row..).ok_or_else(missing)?;
                self.samples_of(bytes, chunk.width, &mut plane);
                let places = line[from..].iter_mut().skip(n).step_by(self.samples);
                places.zip(&plane).for_each(|(place, sample)| *place = *sample);
            }
        }
        if line.len() - from == chunk.width * self.samples { Ok(()) } else { Err(missing()) }
    }

    /// Adds so many samples of a row as 8 bits each; fewer only if there are not so many.
    fn samples_of(&self, row: &[u8], count: usize, out: &mut Vec<u8>) {
        match self.bits {
            8 => out.extend(row.iter().take(count)),
            16 => out.extend(row.chunks_exact(2).take(count).map(|s| {
                let value = u16::from_ne_bytes([s[0], s[1]]);
                mean(u32::from(value), 257)
            })),
            32 if self.floats => out.extend(row.chunks_exact(4).take(count).map(|s| {
                // Casting saturates, and makes NaN 0.
                (f32::from_ne_bytes([s[0], s[1], s[2], s[3]]) * 255.0 + 0.5) as u8
            })),
            bits => {
                let most = (1_u16 << bits) - 1;
                // Places in a table of colours stay what they are.
                let scale = if self.colors.are_places() { 1 } else { 255 / most };
                let sample = |n: usize| {
                    let at = n * usize::from(bits);
                    let byte = u16::from(*row.get(at / 8)?);
                    let value = (byte >> (8 - usize::from(bits) - at % 8)) & most;
                    u8::try_from(value * scale).ok()
                };
                out.extend((0..count).map_while(sample));
            }
        }
    }
}

/// A decoded part of an image.
struct Chunk {
    width: usize,
    height: usize,
    /// Bytes from one row to the next.
    row: usize,
    /// Bytes from one plane to the next.
    plane: usize,
    bytes: Vec<u8>,
}

fn numbers(source: &mut Source, tag: Tag) -> Result<Vec<u16>, DecodeError> {
    Ok(source.find_tag_unsigned_vec(tag).map_err(problem)?.unwrap_or_default())
}

fn number(source: &mut Source, tag: Tag) -> Result<Option<u16>, DecodeError> {
    source.find_tag_unsigned(tag).map_err(problem)
}

fn problem(error: TiffError) -> DecodeError {
    match error {
        error if is_end(&error) => DecodeError::Truncated,
        TiffError::UnsupportedError(TiffUnsupportedError::UnsupportedCompressionMethod(method)) => {
            unsupported(FORMAT, compression(method.to_u16()))
        }
        TiffError::UnsupportedError(_) => unsupported(FORMAT, "samples in a rarely used form"),
        TiffError::LimitsExceeded | TiffError::IntSizeError => DecodeError::TooMuchMemory { format: FORMAT },
        TiffError::FormatError(error) => damaged(FORMAT, error),
        error => damaged(FORMAT, error),
    }
}

fn compression(method: u16) -> &'static str {
    match method {
        2 | 3 => "CCITT Group 3 (fax) compression",
        6 => "JPEG compression of the old kind",
        34_925 => "LZMA compression",
        _ => "a rarely used compression",
    }
}

#[cfg(test)]
mod tests;
