//! Pictures made of arithmetic: the same name and size, the same bytes.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// A picture in the format its name ends in.
///
/// # Panics
/// When the name ends in no format known here.
pub(crate) fn encoded(name: &str, width: u32, height: u32) -> Vec<u8> {
    let format = ImageFormat::from_path(name).expect("a name that ends in an image format");
    let seed = name.bytes().fold(17, |seed, byte| scramble(seed ^ u32::from(byte)));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(drawn(seed, width, height))
        .write_to(&mut bytes, format)
        .expect("a picture in memory can be encoded");
    bytes.into_inner()
}

/// Two gradients in a hue of the seed's, and a little noise.
fn drawn(seed: u32, width: u32, height: u32) -> RgbImage {
    let [red, green, blue, _] = seed.to_le_bytes();
    let part = |at: u32, of: u32| (at * 200 / of.max(1)) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        let noise = (scramble(seed ^ (x << 16) ^ y) % 24) as u8;
        let (across, down) = (part(x, width), part(y, height));
        Rgb([
            across.wrapping_add(red % 32).saturating_add(noise),
            down.wrapping_add(green % 32).saturating_add(noise),
            (blue / 2).saturating_add(noise).saturating_add(across / 3),
        ])
    })
}

fn scramble(mut value: u32) -> u32 {
    value = (value ^ 0x9E37_79B9).wrapping_mul(0x85EB_CA6B);
    value ^= value >> 13;
    value = value.wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

/// A PNG whose header claims 60000 × 60000 pixels, with hardly any data behind it.
pub(crate) fn huge_png() -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(60_000_u32.to_be_bytes());
    header.extend(60_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(b"IHDR", &header));
    png.extend(chunk(b"IDAT", &[0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]));
    png.extend(chunk(b"IEND", &[]));
    png
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a short chunk");
    let mut body = kind.to_vec();
    body.extend(data);
    let mut chunk = length.to_be_bytes().to_vec();
    chunk.extend(&body);
    chunk.extend(checksum(&body).to_be_bytes());
    chunk
}

/// CRC-32 as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_comes_back() {
        for name in ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif"] {
            let bytes = encoded(name, 40, 30);
            let image = image::load_from_memory(&bytes).unwrap();
            assert_eq!((image.width(), image.height()), (40, 30), "{name}");
            assert_eq!(bytes, encoded(name, 40, 30));
        }
    }

    #[test]
    fn the_huge_header_is_well_formed() {
        let reader = image::ImageReader::new(Cursor::new(huge_png())).with_guessed_format().unwrap();
        assert_eq!(reader.into_dimensions().unwrap(), (60_000, 60_000));
    }
}
