use std::io::{Cursor, Write};

use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgb, codecs::gif, codecs::png};

use super::*;

fn limits() -> Limits {
    Limits::default()
}

fn decode_bytes(bytes: &[u8], needed: u32, limits: &Limits) -> Result<Decoded, DecodeError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    decode(file.path(), needed, limits)
}

/// Red grows to the right, green downwards, with some texture so that nothing compresses away.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let texture = (x * 7 + y * 13) % 32;
        Rgb([(x * 223 / width + texture) as u8, (y * 223 / height + texture) as u8, 100])
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    encoded(&image.clone().into(), ImageFormat::Jpeg)
}

fn progressive(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.set_progressive(true);
    let (width, height) = (image.width() as u16, image.height() as u16);
    encoder.encode(image.as_raw(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

const ALL: [(ImageFormat, Format); 5] = [
    (ImageFormat::Jpeg, Format::Jpeg),
    (ImageFormat::Png, Format::Png),
    (ImageFormat::Gif, Format::Gif),
    (ImageFormat::WebP, Format::WebP),
    (ImageFormat::Tiff, Format::Tiff),
];

fn close(a: Rgb<u8>, b: Rgb<u8>, most: u8) -> bool {
    a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= most)
}

#[test]
fn every_format_is_decoded_whole_and_reduced() {
    let original = picture(300, 200);
    for (kind, format) in ALL {
        let bytes = encoded(&original.clone().into(), kind);
        let whole = decode_bytes(&bytes, u32::MAX, &limits()).unwrap();
        assert_eq!((whole.width, whole.height, whole.format), (300, 200, format));
        assert_eq!(whole.pixels.dimensions(), (300, 200), "{format}");
        let middle = *whole.pixels.get_pixel(150, 100);
        assert!(close(middle, *original.get_pixel(150, 100), 24), "{format}: {middle:?}");
        for needed in [1, 37, 75, 100, 149, 150, 151, 300, 1024] {
            let reduced = decode_bytes(&bytes, needed, &limits()).unwrap();
            assert_eq!((reduced.width, reduced.height), (300, 200));
            let longest = reduced.pixels.width();
            assert!(longest >= needed.min(300) && longest <= 300, "{format} {needed}: {longest}");
        }
        let small = decode_bytes(&bytes, 75, &limits()).unwrap();
        assert_eq!(small.pixels.dimensions(), (75, 50), "{format}");
        let middle = *small.pixels.get_pixel(37, 25);
        assert!(close(middle, Rgb([125, 125, 100]), 20), "{format}: {middle:?}");
    }
}

#[test]
fn every_pixel_type_becomes_rgb() {
    let original: DynamicImage = picture(40, 30).into();
    let variants = [
        original.to_luma8().into(),
        original.to_luma_alpha8().into(),
        original.to_rgba8().into(),
        original.to_luma16().into(),
        original.to_luma_alpha16().into(),
        original.to_rgb16().into(),
        DynamicImage::from(original.to_rgba16()),
    ];
    for variant in &variants {
        let bytes = encoded(variant, ImageFormat::Png);
        let decoded = decode_bytes(&bytes, u32::MAX, &limits()).unwrap();
        let expected = *variant.to_rgb8().get_pixel(20, 15);
        let found = *decoded.pixels.get_pixel(20, 15);
        assert!(close(found, expected, 1), "{:?}: {found:?} {expected:?}", variant.color());
    }
    let grey = encoded(&original.to_luma8().into(), ImageFormat::Jpeg);
    assert_eq!(decode_bytes(&grey, 40, &limits()).unwrap().pixels.dimensions(), (40, 30));
    let clear: DynamicImage = image::RgbaImage::new(4, 4).into();
    for kind in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff] {
        let decoded = decode_bytes(&encoded(&clear, kind), 4, &limits()).unwrap();
        assert_eq!(decoded.pixels.get_pixel(1, 1).0, [255; 3], "{kind:?}");
    }
}

#[test]
fn cmyk_and_unusual_jpegs_are_decoded() {
    let ink: Vec<u8> = [0, 255, 255, 0].repeat(64 * 64);
    for color in [jpeg_encoder::ColorType::Cmyk, jpeg_encoder::ColorType::CmykAsYcck] {
        let mut bytes = Vec::new();
        jpeg_encoder::Encoder::new(&mut bytes, 95).encode(&ink, 64, 64, color).unwrap();
        let decoded = decode_bytes(&bytes, 16, &limits()).unwrap();
        let found = *decoded.pixels.get_pixel(5, 5);
        assert!(close(found, Rgb([255, 0, 0]), 8), "{color:?}: {found:?}");
    }
    let bytes = progressive(&picture(300, 200));
    let decoded = decode_bytes(&bytes, 75, &limits()).unwrap();
    assert_eq!(decoded.pixels.dimensions(), (75, 50));
    for (h, v) in [(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (1, 4), (2, 4)] {
        let Some(sampling) = jpeg_encoder::SamplingFactor::from_factors(h, v) else {
            continue;
        };
        let image = picture(101, 67);
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
        encoder.set_sampling_factor(sampling);
        encoder.encode(image.as_raw(), 101, 67, jpeg_encoder::ColorType::Rgb).unwrap();
        for needed in [10, 50, 101] {
            let decoded = decode_bytes(&bytes, needed, &limits()).unwrap();
            assert_eq!((decoded.width, decoded.height), (101, 67), "{h}x{v}");
            assert!(decoded.pixels.width() >= needed);
        }
    }
}

/// An Exif block that says nothing but the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn pictures_are_turned_upright() {
    let original = picture(96, 64);
    for orientation in 1..=8 {
        let mut expected: DynamicImage = original.clone().into();
        expected.apply_orientation(Orientation::from_exif(orientation).unwrap());
        let expected = expected.into_rgb8();

        let plain = jpeg(&original);
        let mut with_exif = plain[..2].to_vec();
        let block = exif(orientation);
        with_exif.extend([0xff, 0xe1, 0, (block.len() + 8) as u8]);
        with_exif.extend(b"Exif\0\0");
        with_exif.extend(&block);
        with_exif.extend(&plain[2..]);

        let mut png_bytes = Vec::new();
        let mut encoder = png::PngEncoder::new(&mut png_bytes);
        encoder.set_exif_metadata(block).unwrap();
        encoder.write_image(original.as_raw(), 96, 64, ExtendedColorType::Rgb8).unwrap();

        for bytes in [with_exif, png_bytes] {
            let whole = decode_bytes(&bytes, u32::MAX, &limits()).unwrap();
            assert_eq!((whole.width, whole.height), expected.dimensions(), "{orientation}");
            assert_eq!(whole.pixels.dimensions(), expected.dimensions());
            let found = *whole.pixels.get_pixel(8, 8);
            assert!(close(found, *expected.get_pixel(8, 8), 24), "{orientation}: {found:?}");
            let reduced = decode_bytes(&bytes, 24, &limits()).unwrap();
            assert_eq!((reduced.width, reduced.height), expected.dimensions());
            assert_eq!(reduced.pixels.width() * expected.height(), reduced.pixels.height() * expected.width());
        }
    }
}

#[test]
fn truncated_files_are_errors() {
    let original = picture(300, 200);
    let mut files: Vec<(String, Vec<u8>)> =
        ALL.iter().map(|(kind, format)| (format.to_string(), encoded(&original.clone().into(), *kind))).collect();
    files.push(("progressive".to_owned(), progressive(&original)));
    for (name, bytes) in files {
        for part in [20, 50, 90, 97] {
            for needed in [50, u32::MAX] {
                let cut = &bytes[..bytes.len() * part / 100];
                let error = decode_bytes(cut, needed, &limits()).unwrap_err();
                assert!(matches!(error, DecodeError::Truncated), "{name} {part} %: {error}");
            }
        }
    }
    for cut in [2, 3, 10, 100] {
        let error = decode_bytes(&jpeg(&original)[..cut], 50, &limits()).unwrap_err();
        assert!(matches!(error, DecodeError::Truncated | DecodeError::Unknown), "{cut}: {error}");
    }
    let whole = jpeg(&original);
    let error = decode_bytes(&whole[..whole.len() - 2], 50, &limits()).unwrap_err();
    assert_eq!(error.to_string(), "The file ends before the image does.");
    // What follows the end doesn't matter, such as the second picture of a phone.
    let mut longer = whole.clone();
    longer.extend(b"more");
    assert!(decode_bytes(&longer, 50, &limits()).is_ok());
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1))))
    })
}

/// A PNG that announces a size and ends after its header.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    bytes.extend(&chunk);
    bytes.extend(crc(&chunk).to_be_bytes());
    bytes.extend(b"\0\0\0\0IDAT");
    bytes.extend(crc(b"IDAT").to_be_bytes());
    bytes
}

#[test]
fn headers_that_claim_absurd_sizes_are_refused_before_decoding() {
    let small = picture(16, 16);
    let mut jpeg = jpeg(&small);
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);

    let mut gif = encoded(&small.clone().into(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0x60, 0xea, 0x60, 0xea]);

    let mut tiff = encoded(&small.clone().into(), ImageFormat::Tiff);
    let directory = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
    // Width, height and rows in a strip.
    for entry in tiff[directory + 2..].chunks_exact_mut(12) {
        if matches!(entry[..2], [0x00 | 0x01 | 0x16, 1]) {
            entry[2..].copy_from_slice(&[4, 0, 1, 0, 0, 0, 0x60, 0xea, 0, 0]);
        }
    }

    // A lossless WebP: 14 bits each for width and height, less one.
    let webp = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\xfe\xbf\xff\x0f\0";

    for (name, bytes) in [
        ("PNG", png_header(60_000, 60_000)),
        ("PNG", png_header(0x7fff_ffff, 0x7fff_ffff)),
        ("JPEG", jpeg),
        ("GIF", gif),
        ("TIFF", tiff),
        ("WebP", webp.to_vec()),
    ] {
        let error = decode_bytes(&bytes, 1024, &limits()).unwrap_err();
        assert!(
            matches!(error, DecodeError::TooManyPixels { .. } | DecodeError::TooMuchMemory { .. }),
            "{name}: {error}"
        );
    }
    let error = decode_bytes(&png_header(0, 5), 1024, &limits()).unwrap_err();
    assert!(matches!(error, DecodeError::Damaged { .. } | DecodeError::NoPixels(_)), "{error}");
}

#[test]
fn a_small_file_of_many_pixels_still_respects_the_memory_limit() {
    let large = DynamicImage::new_rgb8(3000, 3000);
    let bytes = encoded(&large, ImageFormat::WebP);
    assert!(bytes.len() < 3000 * 3000 / 50, "{}", bytes.len());
    assert!(decode_bytes(&bytes, 100, &limits()).is_ok());
    let tight = Limits { memory: 8_000_000, ..limits() };
    let error = decode_bytes(&bytes, 100, &tight).unwrap_err();
    assert!(matches!(error, DecodeError::TooMuchMemory { format: Format::WebP }), "{error}");
    // These are reduced row by row, so the same limit is enough for them.
    for kind in [ImageFormat::Png, ImageFormat::Tiff] {
        assert!(decode_bytes(&encoded(&large, kind), 100, &tight).is_ok(), "{kind:?}");
    }

    let image = RgbImage::new(3000, 3000);
    let error = decode_bytes(&progressive(&image), 100, &tight).unwrap_err();
    assert!(matches!(error, DecodeError::TooMuchMemory { .. }), "{error}");
    // A baseline image is never held whole, so the same limit is enough for it.
    assert!(decode_bytes(&jpeg(&image), 100, &tight).is_ok());
}

#[test]
fn what_is_no_image_is_named() {
    for (bytes, part) in [
        (&b""[..], "empty"),
        (b"<!DOCTYPE html><html>", "an HTML page, not an image"),
        (b"\xef\xbb\xbf \n<HTML lang=en>", "an HTML page"),
        (b"<?xml version=\"1.0\"?><html xmlns=\"\">", "an HTML page"),
        (b"<!-- hello --><html>", "an HTML page"),
        (b"\0\0\0\x18ftypavif", "an AVIF image, which can't be decoded"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG"),
        (b"<Error><Code>AccessDenied</Code></Error>", "XML"),
        (b"{\"error\": 1}", "JSON"),
        (b"Not found\n", "a text"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"BM\0\0\0\0", "BMP"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIF"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"RIFF\0\0\0\0WAVE", "RIFF"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08", "no known image format"),
    ] {
        let sentence = decode_bytes(bytes, 100, &limits()).unwrap_err().to_string();
        assert!(sentence.contains(part) && sentence.ends_with('.'), "{sentence}");
    }
    let gone = decode(Path::new("/nonexistent/file"), 1, &limits()).unwrap_err();
    assert!(matches!(gone, DecodeError::Reading(_)), "{gone}");
}

#[test]
fn damaged_files_never_panic() {
    let original = picture(64, 48);
    let mut state = 12345u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let mut files: Vec<Vec<u8>> = ALL.iter().map(|(kind, _)| encoded(&original.clone().into(), *kind)).collect();
    files.push(progressive(&original));
    files.push(jp2());
    for file in files {
        for _ in 0..60 {
            let mut bytes = file.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            if let Err(error) = decode_bytes(&bytes, 32, &limits()) {
                assert!(error.to_string().len() <= 1000 && error.to_string().ends_with('.'), "{error}");
            }
        }
    }
    for magic in [
        &b"\xff\xd8\xff"[..],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\0",
        b"RIFF\xff\0\0\0WEBPVP8 ",
        b"\xff\x4f\xff\x51",
    ] {
        let mut bytes = magic.to_vec();
        bytes.extend((0..500).map(|_| random() as u8));
        assert!(decode_bytes(&bytes, 32, &limits()).is_err());
    }
}

#[test]
fn only_the_first_frame_of_a_gif_counts() {
    let frame =
        |shade: u8| image::Frame::new(image::RgbaImage::from_pixel(20, 10, image::Rgba([shade, shade, shade, 255])));
    let mut bytes = Vec::new();
    gif::GifEncoder::new(&mut bytes).encode_frames([frame(10), frame(200)]).unwrap();
    let decoded = decode_bytes(&bytes, 20, &limits()).unwrap();
    assert!(close(*decoded.pixels.get_pixel(5, 5), Rgb([10; 3]), 2));
}

/// A JPEG 2000 file of 48 × 24 pixels in one colour, with four resolution levels, in hexadecimal.
const JP2: &str = "\
    0000000c6a5020200d0a870a00000014667479706a703220000000006a7032200000002d6a70326800000016\
    6968647200000018000000300003070700000000000f636f6c7201000000000010000000976a703263ff4fff\
    51002f0000000000300000001800000000000000000000003000000018000000000000000000030701010701\
    01070101ff52000c00000001000304040001ff5c000d4040484850484850484850ff90000a00000000003d00\
    01ff93cfb428023486f97c60f362108fc3e71008ec8a8ffa401847cfb42c08ec9af97c61210da0860f808080\
    808080808080ffd9\
";

fn jp2() -> Vec<u8> {
    let digits: Vec<u8> = JP2.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn jpeg_2000_is_decoded_at_the_level_that_is_enough() {
    let file = jp2();
    let start = file.windows(4).position(|w| w == b"\xff\x4f\xff\x51").unwrap();
    for bytes in [&file[..], &file[start..]] {
        for (needed, longest) in [(u32::MAX, 48), (48, 48), (25, 48), (24, 24), (12, 12), (5, 6)] {
            let decoded = decode_bytes(bytes, needed, &limits()).unwrap();
            assert_eq!((decoded.width, decoded.height), (48, 24));
            assert_eq!(decoded.format.media_type(), "image/jp2");
            assert!(decoded.pixels.width() >= needed.min(48) && decoded.pixels.width() <= longest);
            assert!(close(*decoded.pixels.get_pixel(2, 1), Rgb([200, 100, 50]), 2));
        }
        for cut in [40, bytes.len() / 2, bytes.len() - 1] {
            let error = decode_bytes(&bytes[..cut], 48, &limits()).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated), "{cut}: {error}");
        }
    }
    let mut huge = file;
    for at in [start + 8, start + 12] {
        huge[at..at + 4].copy_from_slice(&60_000u32.to_be_bytes());
    }
    let error = decode_bytes(&huge, 1024, &limits()).unwrap_err();
    assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{error}");
}
