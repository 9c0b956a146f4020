//! The colours that the samples of a TIFF stand for (TIFF 6.0 §4 to §6, §16, §21, §23).

use super::{
    super::samples::{Layout, Reducer, ink, on_white},
    DecodeError, FORMAT, Source, damaged, numbers, problem, unsupported,
};
use ::tiff::tags::{CompressionMethod, ExtraSamples, Tag};

/// How the samples of a pixel become a colour; each has 8 bits.
pub(super) struct Colors {
    kind: Kind,
    opacity: Opacity,
}

enum Kind {
    /// Whether 0 is white.
    Grey {
        inverted: bool,
    },
    Rgb,
    /// Places in a table.
    Palette(Vec<[u8; 3]>),
    Cmyk,
    /// As JPEG has it.
    YCbCr,
    /// CIE L*a*b*; `offset` is what 0 of a* and b* is stored as.
    Lab {
        offset: u8,
    },
}

enum Opacity {
    None,
    /// The sample at this place; the colours are multiplied by it already, or not.
    Sample {
        at: usize,
        multiplied: bool,
    },
}

impl Kind {
    /// Samples that make a colour.
    fn samples(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr | Self::Lab { .. } => 3,
            Self::Cmyk => 4,
        }
    }

    fn color(&self, pixel: &[u8]) -> [u8; 3] {
        match self {
            Self::Grey { inverted: false } => [pixel[0]; 3],
            Self::Grey { inverted: true } => [255 - pixel[0]; 3],
            Self::Rgb => [pixel[0], pixel[1], pixel[2]],
            Self::Palette(table) => table.get(usize::from(pixel[0])).copied().unwrap_or_default(),
            Self::Cmyk => ink(pixel),
            Self::YCbCr => from_ycbcr([pixel[0], pixel[1], pixel[2]]),
            Self::Lab { offset } => {
                // Without an offset they are signed bytes.
                let signed = |sample: u8| f32::from(sample.wrapping_sub(*offset).cast_signed());
                from_lab(f32::from(pixel[0]) / 2.55, signed(pixel[1]), signed(pixel[2]))
            }
        }
    }
}

impl Colors {
    pub(super) fn read(
        source: &mut Source,
        photometric: u16,
        bits: u16,
        samples: u16,
        extra: &[u16],
        compression: CompressionMethod,
    ) -> Result<Self, DecodeError> {
        let kind = match photometric {
            0 => Kind::Grey { inverted: true },
            1 => Kind::Grey { inverted: false },
            2 => Kind::Rgb,
            3 if bits <= 8 => Kind::Palette(table(source, bits)?),
            5 => Kind::Cmyk,
            6 => {
                // JPEG brings its own sampling, which its decoder undoes.
                let sampling = numbers(source, Tag::ChromaSubsampling)?;
                if compression != CompressionMethod::ModernJPEG && sampling != [1, 1] {
                    return Err(unsupported(FORMAT, "colours at a lower resolution than its brightness"));
                }
                Kind::YCbCr
            }
            8 => Kind::Lab { offset: 0 },
            9 => Kind::Lab { offset: 128 },
            _ => return Err(unsupported(FORMAT, "rarely used colours")),
        };
        let own = kind.samples();
        if usize::from(samples) < own {
            return Err(damaged(FORMAT, "its pixels have too few samples"));
        }
        let spare = usize::from(samples) - own;
        let opacity = match extra.first().map(|meaning| ExtraSamples::from_u16(*meaning)) {
            Some(Some(ExtraSamples::AssociatedAlpha)) if spare > 0 => Opacity::Sample { at: own, multiplied: true },
            Some(Some(ExtraSamples::UnassociatedAlpha)) if spare > 0 => Opacity::Sample { at: own, multiplied: false },
            // Some writers don't say what a single one means.
            None if spare == 1 => Opacity::Sample { at: own, multiplied: false },
            _ => Opacity::None,
        };
        Ok(Self { kind, opacity })
    }

    /// Whether samples may be signed.
    pub(super) fn are_signed(&self) -> bool {
        matches!(self.kind, Kind::Lab { .. })
    }

    /// Whether samples are red, green and blue.
    pub(super) fn are_rgb(&self) -> bool {
        matches!(self.kind, Kind::Rgb)
    }

    /// Whether samples are places in a table of colours.
    pub(super) fn are_places(&self) -> bool {
        matches!(self.kind, Kind::Palette(_))
    }

    /// Hands a row over to the reducer.
    pub(super) fn add(&self, reducer: &mut Reducer, row: &[u8], samples: usize) {
        match (&self.kind, &self.opacity) {
            (Kind::Grey { inverted: false }, Opacity::None) if samples == 1 => reducer.rows(row, Layout::L8),
            (Kind::Rgb, Opacity::None) if samples == 3 => reducer.rows(row, Layout::Rgb8),
            (kind, Opacity::None) => reducer.take(row, samples, |pixel| kind.color(pixel)),
            (kind, Opacity::Sample { at, multiplied: false }) => {
                reducer.take(row, samples, |pixel| kind.color(pixel).map(|c| on_white(c, pixel[*at])));
            }
            (kind, Opacity::Sample { at, multiplied: true }) => {
                reducer.take(row, samples, |pixel| kind.color(pixel).map(|c| c.saturating_add(255 - pixel[*at])));
            }
        }
    }
}

/// The table of colours: all reds, then all greens, then all blues, 16 bits each.
fn table(source: &mut Source, bits: u16) -> Result<Vec<[u8; 3]>, DecodeError> {
    let length = 1_usize << bits;
    let values = source.get_tag_u16_vec(Tag::ColorMap).map_err(problem)?;
    if values.len() < 3 * length {
        return Err(damaged(FORMAT, "its table of colours is too short"));
    }
    let high = |value: u16| value.to_be_bytes()[0];
    Ok((0..length).map(|n| [0, 1, 2].map(|c| high(values[c * length + n]))).collect())
}

/// ITU-T T.871: full range, as JPEG has it.
fn from_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    // Casting saturates.
    [y + 1.402 * cr, y - 0.344_14 * cb - 0.714_14 * cr, y + 1.772 * cb].map(|value| (value + 0.5) as u8)
}

/// CIE L*a*b* under D50, as TIFF has it, to sRGB.
fn from_lab(l: f32, a: f32, b: f32) -> [u8; 3] {
    let y = (l + 16.0) / 116.0;
    let linear = |t: f32| if t > 6.0 / 29.0 { t * t * t } else { 3.0 * (6.0_f32 / 29.0).powi(2) * (t - 4.0 / 29.0) };
    let (x, y, z) = (0.9642 * linear(y + a / 500.0), linear(y), 0.8249 * linear(y - b / 200.0));
    // Bradford-adapted to the white of sRGB.
    let rgb = [
        3.133_856 * x - 1.616_867 * y - 0.490_615 * z,
        -0.978_768 * x + 1.916_141 * y + 0.033_454 * z,
        0.071_945 * x - 0.228_991 * y + 1.405_243 * z,
    ];
    rgb.map(|value| {
        let shown = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (shown * 255.0 + 0.5) as u8
    })
}
