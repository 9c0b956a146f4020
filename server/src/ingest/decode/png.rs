//! PNG, reduced row by row.

use std::{fs::File, io::BufReader};

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Limits as Granted, Reader, Transformations};
use image::{RgbImage, metadata::Orientation};

use super::{
    DecodeError, Format, Limits, Stored, check_memory, check_size, damaged, is_end,
    samples::{Layout, Reducer, factor},
    unsupported,
};

const FORMAT: Format = Format::Png;

pub(super) fn decode(file: BufReader<File>, needed: u32, limits: &Limits) -> Result<Stored, DecodeError> {
    let granted = Granted { bytes: usize::try_from(limits.memory).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(file, granted);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Every sample becomes 8 bits, palettes colours, a transparent colour an opacity.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height) = decoder.read_header_info().map_err(problem)?.size();
    check_size(FORMAT, width, height, limits)?;
    let mut reader = decoder.read_info().map_err(problem)?;
    let orientation = reader.info().exif_metadata.as_ref().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = pixels(&mut reader, Reducer::new(width, height, factor(width, height, needed)), limits)?;
    Ok(Stored { width, height, pixels, orientation: orientation.unwrap_or(Orientation::NoTransforms) })
}

fn pixels(
    reader: &mut Reader<BufReader<File>>,
    mut reducer: Reducer,
    limits: &Limits,
) -> Result<RgbImage, DecodeError> {
    let layout = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::L8,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::La8,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb8,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba8,
        _ => return Err(unsupported(FORMAT, "rarely used colours")),
    };
    if reader.info().interlaced {
        // The rows of the last pass lie between those of the passes before.
        let bytes = reader.output_buffer_size().ok_or(DecodeError::TooMuchMemory { format: FORMAT })?;
        check_memory(FORMAT, bytes as u64, limits)?;
        let mut samples = vec![0; bytes];
        reader.next_frame(&mut samples).map_err(problem)?;
        reducer.rows(&samples, layout);
    } else {
        while let Some(row) = reader.next_row().map_err(problem)? {
            reducer.rows(row.data(), layout);
        }
    }
    reducer.finish().ok_or_else(|| damaged(FORMAT, "it has too few pixels"))
}

fn problem(error: DecodingError) -> DecodeError {
    match error {
        error if is_end(&error) => DecodeError::Truncated,
        DecodingError::LimitsExceeded => DecodeError::TooMuchMemory { format: FORMAT },
        error => damaged(FORMAT, error),
    }
}
