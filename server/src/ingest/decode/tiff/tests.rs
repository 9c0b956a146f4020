use std::io::Write;

use super::super::{DecodeError, Decoded, Limits, decode};

/// A TIFF of one image: its tags, values of up to 16 bits each, and its chunks.
struct Tiff {
    tags: Vec<(u16, Vec<u16>)>,
    chunks: Vec<Vec<u8>>,
    tiled: bool,
}

const WIDTH: u16 = 256;
const LENGTH: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const ROWS: u16 = 278;
const PLANAR: u16 = 284;
const COLORS: u16 = 320;
const TILE_WIDTH: u16 = 322;
const TILE_LENGTH: u16 = 323;
const EXTRA: u16 = 338;
const FORMAT: u16 = 339;
const SAMPLING: u16 = 530;

impl Tiff {
    /// With one strip, unless rows per strip are given later.
    fn new(width: u16, height: u16, photometric: u16, bits: &[u16], chunk: &[u8]) -> Self {
        let tags = vec![
            (WIDTH, vec![width]),
            (LENGTH, vec![height]),
            (BITS, bits.to_vec()),
            (PHOTOMETRIC, vec![photometric]),
            (SAMPLES, vec![bits.len() as u16]),
            (ROWS, vec![height]),
        ];
        Self { tags, chunks: vec![chunk.to_vec()], tiled: false }
    }

    fn with(mut self, tag: u16, values: &[u16]) -> Self {
        self.tags.retain(|(known, _)| *known != tag);
        self.tags.push((tag, values.to_vec()));
        self
    }

    fn in_chunks(mut self, chunks: &[&[u8]]) -> Self {
        self.chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        self
    }

    fn in_tiles(self, side: (u16, u16), chunks: &[&[u8]]) -> Self {
        let tags = self.tags.iter().filter(|(tag, _)| *tag != ROWS).cloned().collect();
        let tiled = Self { tags, tiled: true, ..self };
        tiled.with(TILE_WIDTH, &[side.0]).with(TILE_LENGTH, &[side.1]).in_chunks(chunks)
    }

    fn bytes(&self, big_endian: bool) -> Vec<u8> {
        let short = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let long = |n: usize| if big_endian { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() };
        let mut file = if big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        file.extend(short(42));
        file.extend([0; 4]);
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for chunk in &self.chunks {
            places.push(file.len());
            file.extend(chunk);
        }
        let (offsets, counts) = if self.tiled { (324, 325) } else { (273, 279) };
        let lengths: Vec<usize> = self.chunks.iter().map(Vec::len).collect();
        let longs = [(offsets, places), (counts, lengths)].map(|(tag, values)| {
            let bytes: Vec<u8> = values.iter().flat_map(|n| long(*n)).collect();
            (tag, 4_u16, values.len(), bytes)
        });
        let shorts = self
            .tags
            .iter()
            .map(|(tag, values)| (*tag, 3, values.len(), values.iter().flat_map(|n| short(*n)).collect::<Vec<u8>>()));
        for (tag, kind, count, mut bytes) in shorts.chain(longs) {
            if bytes.len() > 4 {
                let place = file.len();
                file.extend(&bytes);
                bytes = long(place).to_vec();
            }
            bytes.resize(4, 0);
            entries.push((tag, [&short(tag)[..], &short(kind), &long(count), &bytes].concat()));
        }
        entries.sort();
        let directory = long(file.len());
        file[4..8].copy_from_slice(&directory);
        file.extend(short(entries.len() as u16));
        entries.iter().for_each(|(_, entry)| file.extend(entry));
        file.extend([0; 4]);
        file
    }

    fn decoded(&self, needed: u32) -> Result<Decoded, DecodeError> {
        decoded(&self.bytes(false), needed)
    }

    /// The pixels, row by row.
    fn pixels(&self) -> Vec<[u8; 3]> {
        self.decoded(u32::MAX).unwrap().pixels.pixels().map(|p| p.0).collect()
    }
}

fn decoded(bytes: &[u8], needed: u32) -> Result<Decoded, DecodeError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    decode(file.path(), needed, &Limits::default())
}

#[track_caller]
fn near(found: [u8; 3], expected: [u8; 3]) {
    assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3), "{found:?}, expected {expected:?}");
}

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

#[test]
fn greys_of_every_depth_are_decoded() {
    for (bits, row, expected) in [
        (1, vec![0b0100_0000], [0, 255, 0]),
        (2, vec![0b0001_1100], [0, 85, 255]),
        (4, vec![0x05, 0xf0], [0, 85, 255]),
        (8, vec![0, 128, 255], [0, 128, 255]),
        (16, [0_u16, 0x8080, 0xffff].iter().flat_map(|v| v.to_le_bytes()).collect(), [0, 128, 255]),
    ] {
        let black = Tiff::new(3, 1, 1, &[bits], &row).pixels();
        assert_eq!(black, expected.map(|v| [v; 3]), "{bits}");
        let white = Tiff::new(3, 1, 0, &[bits], &row).pixels();
        assert_eq!(white, expected.map(|v| [255 - v; 3]), "{bits}, white is 0");
    }
    let big = Tiff::new(2, 1, 1, &[16], &[0x80, 0x80, 0xff, 0xff]).bytes(true);
    assert_eq!(decoded(&big, 2).unwrap().pixels.get_pixel(0, 0).0, [128; 3]);
}

#[test]
fn palettes_are_looked_up() {
    for (bits, row) in [(1, vec![0b0100_0000]), (4, vec![0x01, 0x00]), (8, vec![0, 1, 0])] {
        let colors = 1 << bits;
        let mut table = vec![0; 3 * colors];
        // The first is red, the second blue.
        table[0] = 0xffff;
        table[2 * colors + 1] = 0xffff;
        let tiff = Tiff::new(3, 1, 3, &[bits], &row).with(COLORS, &table);
        assert_eq!(tiff.pixels(), [RED, BLUE, RED], "{bits}");
        let short = tiff.with(COLORS, &table[..3]);
        assert!(matches!(short.decoded(3), Err(DecodeError::Damaged { .. })), "{bits}");
    }
}

#[test]
fn what_is_transparent_shows_white() {
    let grey = |extra: &[u16], samples: &[u8]| Tiff::new(2, 1, 1, &[8, 8], samples).with(EXTRA, extra).pixels();
    assert_eq!(grey(&[2], &[100, 255, 100, 0]), [[100; 3], [255; 3]]);
    assert_eq!(grey(&[1], &[100, 255, 50, 127]), [[100; 3], [178; 3]]);
    assert_eq!(grey(&[0], &[100, 255, 100, 0]), [[100; 3]; 2], "this sample means something else");
    let untold = Tiff::new(2, 1, 2, &[8; 4], &[255, 0, 0, 255, 255, 0, 0, 0]);
    assert_eq!(untold.pixels(), [RED, [255; 3]]);
    let inverted = Tiff::new(1, 1, 0, &[8, 8], &[100, 255]).with(EXTRA, &[2]);
    assert_eq!(inverted.pixels(), [[155; 3]]);
    let spare = Tiff::new(1, 1, 2, &[8; 5], &[255, 0, 0, 9, 9]).with(EXTRA, &[0, 0]);
    assert_eq!(spare.pixels(), [RED]);
}

#[test]
fn other_colours_become_rgb() {
    let one = |photometric: u16, bits: &[u16], samples: &[u8]| Tiff::new(1, 1, photometric, bits, samples);
    let lab = one(8, &[8; 3], &[138, 81, 70]).pixels()[0];
    near(lab, RED);
    near(one(9, &[8; 3], &[138, 128 + 81, 128 + 70]).pixels()[0], RED);
    near(one(8, &[8; 3], &[255, 0, 0]).pixels()[0], [255; 3]);
    near(one(8, &[8; 3], &[75, 68, 144]).pixels()[0], BLUE);
    near(one(6, &[8; 3], &[76, 85, 255]).with(SAMPLING, &[1, 1]).pixels()[0], [254, 0, 0]);
    near(one(5, &[8; 4], &[0, 255, 255, 0]).pixels()[0], RED);
    let floats: Vec<u8> = [1.0_f32, 0.0, -3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    near(one(2, &[32; 3], &floats).with(FORMAT, &[3; 3]).pixels()[0], RED);
    let words: Vec<u8> = [0xffff_u16, 0, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
    near(one(2, &[16; 3], &words).pixels()[0], RED);
}

#[test]
fn strips_tiles_and_planes_come_together() {
    let expected: Vec<[u8; 3]> = (0..15).map(|n| [n * 10; 3]).collect();
    let grey = Tiff::new(5, 3, 1, &[8], &[]);
    let samples: Vec<u8> = (0..15).map(|n| n * 10).collect();
    let strips = grey.with(ROWS, &[2]).in_chunks(&[&samples[..10], &samples[10..]]);
    assert_eq!(strips.pixels(), expected);
    // Tiles of 16 × 16 cover the image beyond its edges.
    let tile = |from: usize| {
        let mut tile = vec![7; 256];
        for y in 0..16 {
            for x in 0..16 {
                let at = from + x;
                tile[y * 16 + x] = if at < 20 && y < 2 { (y * 20 + at) as u8 * 5 } else { 7 };
            }
        }
        tile
    };
    let tiles = Tiff::new(20, 2, 1, &[8], &[]).in_tiles((16, 16), &[&tile(0), &tile(16)]);
    assert_eq!(tiles.pixels(), (0..40).map(|n| [n * 5; 3]).collect::<Vec<_>>());

    let planes = Tiff::new(2, 2, 2, &[8; 3], &[]).with(PLANAR, &[2]).with(ROWS, &[1]);
    let planes = planes.in_chunks(&[&[255, 0], &[0, 0], &[0, 0], &[0, 0], &[0, 255], &[255, 0]]);
    assert_eq!(planes.pixels(), [RED, BLUE, BLUE, [0; 3]]);
}

#[test]
fn tiffs_are_reduced_and_turned() {
    let samples: Vec<u8> = (0..8 * 4).map(|n| (n % 8) * 30).collect();
    let strips: Vec<&[u8]> = samples.chunks(8).collect();
    let tiff = Tiff::new(8, 4, 1, &[8], &[]).with(ROWS, &[1]).in_chunks(&strips).with(ORIENTATION, &[6]);
    let decoded = tiff.decoded(4).unwrap();
    assert_eq!((decoded.width, decoded.height), (4, 8));
    assert_eq!(decoded.pixels.dimensions(), (2, 4));
    assert_eq!(decoded.pixels.get_pixel(1, 3).0, [195; 3]);
}

#[test]
fn what_cannot_be_decoded_is_told_in_words() {
    let plain = |bits: &[u16]| Tiff::new(1, 1, 1, bits, &[0; 8]);
    for (tiff, part) in [
        (plain(&[8]).with(COMPRESSION, &[3]), "has CCITT Group 3 (fax) compression"),
        (plain(&[8]).with(COMPRESSION, &[34_925]), "has LZMA compression"),
        (plain(&[8]).with(COMPRESSION, &[6]), "has JPEG compression of the old kind"),
        (plain(&[8]).with(COMPRESSION, &[9999]), "has a rarely used compression"),
        (plain(&[32]), "has 32-bit samples"),
        (plain(&[12]), "has 12-bit samples"),
        (plain(&[32]).with(FORMAT, &[3]), "has 32-bit floating-point samples"),
        (plain(&[16]).with(FORMAT, &[2]), "has 16-bit samples"),
        (plain(&[8]).with(PHOTOMETRIC, &[4]), "has rarely used colours"),
        (Tiff::new(1, 1, 6, &[8; 3], &[0; 8]), "a lower resolution than its brightness"),
        (Tiff::new(1, 1, 2, &[8], &[0; 8]), "is damaged: its pixels have too few samples"),
    ] {
        let sentence = tiff.decoded(1).unwrap_err().to_string();
        assert!(sentence.contains(part) && sentence.ends_with('.'), "{sentence}");
        assert!(!sentence.contains(['`', '{', '[', '"']), "{sentence}");
    }
    let mut untold = plain(&[8]);
    untold.tags.retain(|(tag, _)| *tag != PHOTOMETRIC);
    let sentence = untold.decoded(1).unwrap_err().to_string();
    assert!(sentence.contains("does not say what its colours are"), "{sentence}");
    let cut = Tiff::new(100, 100, 1, &[8], &[0; 50 * 100]);
    assert!(matches!(cut.decoded(1), Err(DecodeError::Truncated)));
}
