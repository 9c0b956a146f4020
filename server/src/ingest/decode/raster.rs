//! PNG, GIF, WebP and TIFF, which have to be decoded whole.

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
    // Memory for one decoded image as a multiple of its samples; two where frames or planes are
    // kept besides them.
    let (kind, copies) = match format {
        Format::Png => (ImageFormat::Png, 1),
        Format::Gif => (ImageFormat::Gif, 2),
        Format::WebP => (ImageFormat::WebP, 2),
        Format::Tiff => (ImageFormat::Tiff, 1),
        Format::Jpeg | Format::Jpeg2000 => return Err(unsupported(format, "this decoder")),
    };
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
    check_memory(format, bytes.saturating_mul(copies), limits)?;
    let color = decoder.color_type();
    let layout = Layout::of(color).ok_or_else(|| unsupported(format, format!("{color:?}")))?;
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
