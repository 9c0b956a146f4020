//! Conversion of decoded samples to 8-bit RGB, reduced on the way where fewer pixels are needed.

use image::{ColorType, RgbImage};

/// How decoded samples lie in memory, in native byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    L8,
    La8,
    Rgb8,
    Rgba8,
    L16,
    La16,
    Rgb16,
    Rgba16,
    Rgb32F,
    Rgba32F,
    /// Ink amounts: 255 is full ink.
    Cmyk8,
    /// [`Layout::Cmyk8`] and an opacity.
    Cmyka8,
}

impl Layout {
    pub(super) fn of(color: ColorType) -> Option<Self> {
        Some(match color {
            ColorType::L8 => Self::L8,
            ColorType::La8 => Self::La8,
            ColorType::Rgb8 => Self::Rgb8,
            ColorType::Rgba8 => Self::Rgba8,
            ColorType::L16 => Self::L16,
            ColorType::La16 => Self::La16,
            ColorType::Rgb16 => Self::Rgb16,
            ColorType::Rgba16 => Self::Rgba16,
            ColorType::Rgb32F => Self::Rgb32F,
            ColorType::Rgba32F => Self::Rgba32F,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::L8 => 1,
            Self::La8 | Self::L16 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::La16 | Self::Cmyk8 => 4,
            Self::Cmyka8 => 5,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
            Self::Rgb32F => 12,
            Self::Rgba32F => 16,
        }
    }
}

/// How often an image of that size can be halved, thirded and so on without its longest edge
/// falling below `needed`.
pub(super) fn factor(width: u32, height: u32, needed: u32) -> u32 {
    (width.max(height) / needed.max(1)).max(1)
}

/// The samples as RGB on white, each pixel the mean of a square of `factor` × `factor`. `None` if
/// there are too few samples.
pub(super) fn to_rgb(samples: Vec<u8>, layout: Layout, width: u32, height: u32, factor: u32) -> Option<RgbImage> {
    let length = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
    if samples.len() < length.checked_mul(layout.bytes())? {
        return None;
    }
    if layout == Layout::Rgb8 && factor == 1 {
        return RgbImage::from_raw(width, height, samples);
    }
    // One reducer for each layout, so that the compiler sees its loop whole.
    let shape =
        Shape { width: width as usize, height: height as usize, bytes: layout.bytes(), factor: factor.max(1) as usize };
    let data = match layout {
        Layout::L8 => shape.reduce(&samples, |p| [p[0]; 3]),
        Layout::La8 => shape.reduce(&samples, |p| [on_white(p[0], p[1]); 3]),
        Layout::Rgb8 => shape.reduce(&samples, |p| [p[0], p[1], p[2]]),
        Layout::Rgba8 => shape.reduce(&samples, |p| [p[0], p[1], p[2]].map(|c| on_white(c, p[3]))),
        Layout::L16 => shape.reduce(&samples, |p| [word(p, 0); 3]),
        Layout::La16 => shape.reduce(&samples, |p| [on_white(word(p, 0), word(p, 1)); 3]),
        Layout::Rgb16 => shape.reduce(&samples, |p| [0, 1, 2].map(|n| word(p, n))),
        Layout::Rgba16 => shape.reduce(&samples, |p| [0, 1, 2].map(|n| on_white(word(p, n), word(p, 3)))),
        Layout::Rgb32F => shape.reduce(&samples, |p| [0, 1, 2].map(|n| float(p, n))),
        Layout::Rgba32F => shape.reduce(&samples, |p| [0, 1, 2].map(|n| on_white(float(p, n), float(p, 3)))),
        Layout::Cmyk8 => shape.reduce(&samples, ink),
        Layout::Cmyka8 => shape.reduce(&samples, |p| ink(p).map(|c| on_white(c, p[4]))),
    };
    let side = |length: u32| length.div_ceil(factor.max(1));
    RgbImage::from_raw(side(width), side(height), data)
}

struct Shape {
    width: usize,
    height: usize,
    bytes: usize,
    factor: usize,
}

impl Shape {
    fn reduce(&self, samples: &[u8], color: impl Fn(&[u8]) -> [u8; 3]) -> Vec<u8> {
        let row = self.width * self.bytes;
        let samples = &samples[..row * self.height];
        if self.factor == 1 {
            return samples.chunks_exact(self.bytes).flat_map(color).collect();
        }
        let columns = self.width.div_ceil(self.factor);
        let mut reduced = Vec::with_capacity(columns * self.height.div_ceil(self.factor) * 3);
        let mut sums = vec![[0u32; 3]; columns];
        for rows in samples.chunks(row * self.factor) {
            sums.fill([0; 3]);
            for line in rows.chunks_exact(row) {
                for (sum, block) in sums.iter_mut().zip(line.chunks(self.bytes * self.factor)) {
                    for pixel in block.chunks_exact(self.bytes) {
                        let [r, g, b] = color(pixel);
                        sum[0] += u32::from(r);
                        sum[1] += u32::from(g);
                        sum[2] += u32::from(b);
                    }
                }
            }
            let lines = rows.len() / row;
            for (column, sum) in sums.iter().enumerate() {
                let across = self.factor.min(self.width - column * self.factor);
                let count = u32::try_from(across * lines).unwrap_or(u32::MAX);
                reduced.extend(sum.map(|s| mean(s, count)));
            }
        }
        reduced
    }
}

fn mean(sum: u32, count: u32) -> u8 {
    u8::try_from(sum.saturating_add(count / 2) / count).unwrap_or(u8::MAX)
}

/// `color` with `opacity` over white paper.
fn on_white(color: u8, opacity: u8) -> u8 {
    let (color, opacity) = (u32::from(color), u32::from(opacity));
    mean(color * opacity + 255 * (255 - opacity), 255)
}

fn word(pixel: &[u8], n: usize) -> u8 {
    let value = u16::from_ne_bytes([pixel[2 * n], pixel[2 * n + 1]]);
    mean(u32::from(value), 257)
}

fn float(pixel: &[u8], n: usize) -> u8 {
    let at = 4 * n;
    let value = f32::from_ne_bytes([pixel[at], pixel[at + 1], pixel[at + 2], pixel[at + 3]]);
    // Casting saturates, and makes NaN 0.
    (value * 255.0 + 0.5) as u8
}

fn ink(pixel: &[u8]) -> [u8; 3] {
    let paper = 255 - u32::from(pixel[3]);
    [0, 1, 2].map(|n| mean((255 - u32::from(pixel[n])) * paper, 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(layout: Layout, samples: &[u8]) -> [u8; 3] {
        to_rgb(samples.to_vec(), layout, 1, 1, 1).unwrap().get_pixel(0, 0).0
    }

    #[test]
    fn every_layout_becomes_rgb() {
        let words = |values: &[u16]| values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<_>>();
        let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<_>>();
        assert_eq!(one(Layout::L8, &[7]), [7; 3]);
        assert_eq!(one(Layout::La8, &[0, 0]), [255; 3]);
        assert_eq!(one(Layout::La8, &[0, 128]), [127; 3]);
        assert_eq!(one(Layout::Rgba8, &[1, 2, 3, 255]), [1, 2, 3]);
        assert_eq!(one(Layout::L16, &words(&[0xffff])), [255; 3]);
        assert_eq!(one(Layout::La16, &words(&[0, 0])), [255; 3]);
        assert_eq!(one(Layout::Rgb16, &words(&[0, 0x8080, 0xffff])), [0, 128, 255]);
        assert_eq!(one(Layout::Rgba16, &words(&[0, 0, 0, 0])), [255; 3]);
        assert_eq!(one(Layout::Rgb32F, &floats(&[-1.0, 0.5, 9.0])), [0, 128, 255]);
        assert_eq!(one(Layout::Rgba32F, &floats(&[f32::NAN, 0.0, 0.0, 0.0])), [255; 3]);
        assert_eq!(one(Layout::Cmyk8, &[255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(one(Layout::Cmyk8, &[0, 0, 0, 255]), [0, 0, 0]);
        assert_eq!(one(Layout::Cmyka8, &[0, 0, 0, 255, 0]), [255; 3]);
    }

    #[test]
    fn reduced_pixels_are_means_also_at_the_edges() {
        let samples = [0, 2, 10, 4, 6, 20, 100, 100, 50];
        let reduced = to_rgb(samples.to_vec(), Layout::L8, 3, 3, 2).unwrap();
        assert_eq!(reduced.dimensions(), (2, 2));
        let values: Vec<u8> = reduced.pixels().map(|p| p.0[0]).collect();
        assert_eq!(values, [3, 15, 100, 50]);
        assert!(to_rgb(vec![0; 8], Layout::L8, 3, 3, 2).is_none());
        assert_eq!((factor(6000, 4500, 1024), factor(100, 50, 1024)), (5, 1));
    }
}
