//! GIF and WebP, which have to be decoded whole.

use std::{fs::File, io::BufReader};

use image::{ImageDecoder, ImageFormat, ImageReader, metadata::Orientation};

use super::{
    DecodeError, Format, Limits, Stored, check_memory, check_size, damaged, image_error,
    samples::{Layout, factor, to_rgb},
    unsupported,
};

pub(super) fn decode(
    file: BufReader<File>,
    head: &[u8],
    length: u64,
    format: Format,
    needed: u32,
    limits: &Limits,
) -> Result<Stored, DecodeError> {
    let kind = if format == Format::Gif { ImageFormat::Gif } else { ImageFormat::WebP };
    if format == Format::WebP && webp_length(head).is_some_and(|announced| announced > length) {
        return Err(DecodeError::Truncated);
    }
    let problem = |error| image_error(format, &error);
    let mut reader = ImageReader::with_format(file, kind);
    let mut granted = image::Limits::no_limits();
    granted.max_alloc = Some(limits.memory);
    reader.limits(granted);
    let mut decoder = reader.into_decoder().map_err(problem)?;
    let (width, height) = decoder.dimensions();
    check_size(format, width, height, limits)?;
    let bytes = decoder.total_bytes();
    // Frames or planes are kept besides the samples.
    check_memory(format, bytes.saturating_mul(2), limits)?;
    let color = decoder.color_type();
    let layout = Layout::of(color).ok_or_else(|| unsupported(format, "rarely used colours"))?;
    // Metadata that can't be read doesn't spoil the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let bytes = usize::try_from(bytes).map_err(|_| DecodeError::TooMuchMemory { format })?;
    let mut samples = vec![0; bytes];
    decoder.read_image(&mut samples).map_err(problem)?;
    let factor = factor(width, height, needed);
    let pixels =
        to_rgb(samples, layout, width, height, factor).ok_or_else(|| damaged(format, "it has too few pixels"))?;
    Ok(Stored { width, height, pixels, orientation })
}

/// The length in bytes that the container of a WebP announces; its decoder fills in what is missing.
fn webp_length(head: &[u8]) -> Option<u64> {
    let size = head.get(4..8)?.try_into().ok()?;
    Some(u64::from(u32::from_le_bytes(size)) + 8)
}
