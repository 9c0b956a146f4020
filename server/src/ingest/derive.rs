//! Thumbnails from decoded pixels.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder};

/// The JPEG quality of thumbnails, of 100.
const QUALITY: u8 = 85;

/// One thumbnail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Its longest edge in pixels, which names it.
    pub edge: u32,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The encoded image.
    pub jpeg: Vec<u8>,
}

/// Why no thumbnail could be made.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// The pixels could not be resized.
    #[error("The thumbnails could not be made: {0}.")]
    Resize(String),
    /// The pixels could not be written as JPEG.
    #[error("The thumbnails could not be encoded: {0}.")]
    Encode(#[from] jpeg_encoder::EncodingError),
}

/// The size of an image of `full` pixels confined to a square of `edge`, as the IIIF Image API's
/// `!w,h` has it: rounded, at least one pixel, never larger than the image.
pub fn confined(full: (u32, u32), edge: u32) -> (u32, u32) {
    let (width, height) = full;
    let longest = u64::from(width.max(height).max(1));
    if longest <= u64::from(edge) {
        return full;
    }
    let side = |length: u32| {
        let scaled = (u64::from(length) * u64::from(edge) + longest / 2) / longest;
        u32::try_from(scaled).unwrap_or(edge).max(1)
    };
    (side(width), side(height))
}

/// Makes a thumbnail for each of `edges`, the image of `full` pixels at its own size standing in, once, for those that
/// it is smaller than. `pixels` is the image, perhaps already reduced, but not below the largest edge that will be made.
/// Largest first.
///
/// # Errors
/// When the pixels can't be resized or encoded, such as an image without any.
pub fn thumbnails(pixels: &RgbImage, full: (u32, u32), edges: &[u32]) -> Result<Vec<Thumbnail>, DeriveError> {
    let longest = full.0.max(full.1);
    let mut edges: Vec<u32> = edges.iter().filter(|edge| **edge > 0).map(|edge| longest.min(*edge)).collect();
    edges.sort_unstable_by(|a, b| b.cmp(a));
    edges.dedup();

    let mut resizer = Resizer::new();
    let mut made = Vec::with_capacity(edges.len());
    // Each is made from the next larger one: a fraction of the work, and no visible difference.
    let mut larger: Option<RgbImage> = None;
    for edge in edges {
        let (width, height) = confined(full, edge);
        let source = larger.as_ref().unwrap_or(pixels);
        let small = resize(&mut resizer, source, width, height)?;
        made.push(Thumbnail { edge, width, height, jpeg: encode(&small)? });
        larger = Some(small);
    }
    Ok(made)
}

/// `source` at exactly `width` × `height` pixels, both at least 1.
fn resize(resizer: &mut Resizer, source: &RgbImage, width: u32, height: u32) -> Result<RgbImage, DeriveError> {
    if source.dimensions() == (width, height) {
        return Ok(source.clone());
    }
    let problem = |error: &dyn std::fmt::Display| DeriveError::Resize(error.to_string());
    let view = ImageRef::new(source.width(), source.height(), source.as_raw(), PixelType::U8x3)
        .map_err(|error| problem(&error))?;
    let mut small = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    resizer.resize(&view, &mut small, Some(&options)).map_err(|error| problem(&error))?;
    RgbImage::from_raw(width, height, small.into_vec())
        .ok_or_else(|| problem(&"the resizer answered with too few pixels"))
}

/// `image` as a baseline JPEG.
///
/// # Errors
/// When a side is 0 or over 65,535 pixels.
pub fn encode(image: &RgbImage) -> Result<Vec<u8>, DeriveError> {
    let side =
        |length: u32| u16::try_from(length).map_err(|_| DeriveError::Resize("a side is over 65,535 pixels".to_owned()));
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut jpeg = Vec::with_capacity(image.as_raw().len() / 8 + 1024);
    Encoder::new(&mut jpeg, QUALITY).encode(image.as_raw(), width, height, ColorType::Rgb)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policies;

    fn gradient(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]))
    }

    fn sizes(width: u32, height: u32) -> Vec<(u32, u32, u32)> {
        thumbnails(&gradient(width, height), (width, height), policies::thumbnail_sizes())
            .unwrap()
            .into_iter()
            .map(|t| (t.edge, t.width, t.height))
            .collect()
    }

    #[test]
    fn standard_sizes_keep_the_aspect_and_never_grow() {
        assert_eq!(sizes(3000, 2000), [(1024, 1024, 683), (400, 400, 267), (200, 200, 133), (100, 100, 67)]);
        assert_eq!(sizes(250, 500), [(500, 250, 500), (400, 200, 400), (200, 100, 200), (100, 50, 100)]);
        assert_eq!(sizes(1000, 800), [(1000, 1000, 800), (400, 400, 320), (200, 200, 160), (100, 100, 80)]);
        assert_eq!(sizes(300, 399), [(399, 300, 399), (200, 150, 200), (100, 75, 100)]);
        assert_eq!(sizes(1024, 4), [(1024, 1024, 4), (400, 400, 2), (200, 200, 1), (100, 100, 1)]);
        assert_eq!(sizes(100, 40), [(100, 100, 40)]);
        assert_eq!(sizes(99, 40), [(99, 99, 40)]);
        assert_eq!(sizes(1, 1), [(1, 1, 1)]);
        assert_eq!(sizes(2000, 1)[0], (1024, 1024, 1));
    }

    #[test]
    fn thumbnails_are_jpegs_of_the_picture_also_from_reduced_pixels() {
        let reduced = gradient(1500, 1125);
        let made = thumbnails(&reduced, (6000, 4500), policies::thumbnail_sizes()).unwrap();
        assert_eq!(made.len(), 4);
        for thumbnail in made {
            let decoded = image::load_from_memory(&thumbnail.jpeg).unwrap().to_rgb8();
            assert_eq!(decoded.dimensions(), (thumbnail.width, thumbnail.height));
            assert_eq!((thumbnail.width, thumbnail.height), confined((6000, 4500), thumbnail.edge));
            let [r, g, b] = decoded.get_pixel(thumbnail.width / 2, thumbnail.height / 2).0;
            assert!(r.abs_diff(128) < 8 && g.abs_diff(128) < 8 && b.abs_diff(128) < 8, "{r} {g} {b}");
        }
    }

    #[test]
    fn repeated_and_unordered_edges_are_made_once() {
        let made = thumbnails(&gradient(500, 500), (500, 500), &[100, 0, 400, 100]).unwrap();
        assert_eq!(made.iter().map(|t| t.edge).collect::<Vec<_>>(), [400, 100]);
    }
}
