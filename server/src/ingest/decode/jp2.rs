//! JPEG 2000, decoded at the resolution level that is enough.

use std::{fs::File, io::Read};

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};
use image::metadata::Orientation;

use super::{
    DecodeError, Format, Limits, Stored, check_memory, check_size, damaged,
    samples::{Layout, factor, to_rgb},
    unsupported,
};

const FORMAT: Format = Format::Jpeg2000;

/// Bytes the decoder holds for each sample of the decoded resolution: coefficients, the wavelet
/// transform of them, and the result.
const BYTES_PER_SAMPLE: u64 = 12;

pub(super) fn decode(mut file: File, length: u64, needed: u32, limits: &Limits) -> Result<Stored, DecodeError> {
    check_memory(FORMAT, length.saturating_mul(2), limits)?;
    let mut data = Vec::new();
    file.read_to_end(&mut data).map_err(DecodeError::Reading)?;
    // The decoder takes what is there, so completeness is judged here.
    if !codestream(&data).is_some_and(|stream| stream.ends_with(b"\xff\xd9")) {
        return Err(DecodeError::Truncated);
    }
    let problem = |error| damaged(FORMAT, error);
    let mut settings = DecodeSettings::default();
    let whole = Image::new(&data, &settings).map_err(problem)?;
    let (width, height) = (whole.width(), whole.height());
    check_size(FORMAT, width, height, limits)?;
    settings.target_resolution = Some(super::super::derive::confined((width, height), needed));
    let image = Image::new(&data, &settings).map_err(problem)?;
    let layout = layout(&image)?;
    let (across, down) = (image.width(), image.height());
    let samples = u64::from(across) * u64::from(down) * 4;
    check_memory(FORMAT, samples * BYTES_PER_SAMPLE + length, limits)?;

    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(problem)?;
    let plane = u64::from(across) * u64::from(down);
    if decoded.components().iter().any(|c| c.samples().len() as u64 != plane) {
        return Err(unsupported(FORMAT, "components of different sizes"));
    }
    let factor = factor(across, down, needed);
    let pixels = to_rgb(decoded.data_u8(), layout, across, down, factor)
        .ok_or_else(|| damaged(FORMAT, "it has too few pixels"))?;
    Ok(Stored { width, height, pixels, orientation: Orientation::NoTransforms })
}

fn layout(image: &Image<'_>) -> Result<Layout, DecodeError> {
    let colors = match image.color_space() {
        ColorSpace::Gray => 1,
        ColorSpace::RGB => 3,
        ColorSpace::CMYK => 4,
        ColorSpace::Unknown { num_channels } | ColorSpace::Icc { num_channels, .. } => *num_channels,
    };
    match (colors, image.has_alpha()) {
        (1, false) => Ok(Layout::L8),
        (1, true) => Ok(Layout::La8),
        (3, false) => Ok(Layout::Rgb8),
        (3, true) => Ok(Layout::Rgba8),
        (4, false) => Ok(Layout::Cmyk8),
        (4, true) => Ok(Layout::Cmyka8),
        (n, _) => Err(unsupported(FORMAT, format!("{n} colour channels"))),
    }
}

/// The codestream of a file: all of it, or the `jp2c` box if that is there completely.
fn codestream(data: &[u8]) -> Option<&[u8]> {
    if data.starts_with(b"\xff\x4f") {
        return Some(data);
    }
    let mut rest = data;
    loop {
        let short = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        let kind = rest.get(4..8)?;
        let (header, length) = match short {
            0 => (8, rest.len()),
            1 => {
                let long = u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?);
                (16, usize::try_from(long).ok()?)
            }
            _ => (8, usize::try_from(short).ok()?),
        };
        if kind == b"jp2c" {
            return rest.get(header..length);
        }
        if length < header {
            return None;
        }
        rest = rest.get(length..)?;
    }
}
