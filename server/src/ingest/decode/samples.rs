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
    let mut reducer = Reducer::new(width, height, factor);
    reducer.rows(&samples, layout);
    reducer.finish()
}

/// Takes an image row by row, from the top down, and holds no more of it than its reduced form.
pub(super) struct Reducer {
    width: usize,
    height: usize,
    factor: usize,
    /// Rows taken so far.
    taken: usize,
    /// The sums of the squares that are not complete yet.
    sums: Vec<[u32; 3]>,
    data: Vec<u8>,
}

impl Reducer {
    /// For an image of `width` × `height` pixels, both at least 1; each pixel becomes the mean of a square of
    /// `factor` × `factor`.
    pub(super) fn new(width: u32, height: u32, factor: u32) -> Self {
        let (width, height, factor) = (width as usize, height as usize, factor.max(1) as usize);
        let columns = width.div_ceil(factor);
        let data = Vec::with_capacity(columns * height.div_ceil(factor) * 3);
        Self { width, height, factor, taken: 0, sums: vec![[0; 3]; columns], data }
    }

    /// Takes whole rows; what is more than the image has is ignored.
    pub(super) fn rows(&mut self, samples: &[u8], layout: Layout) {
        let bytes = layout.bytes();
        // One loop for each layout, so that the compiler sees it whole.
        match layout {
            Layout::L8 => self.take(samples, bytes, |p| [p[0]; 3]),
            Layout::La8 => self.take(samples, bytes, |p| [on_white(p[0], p[1]); 3]),
            Layout::Rgb8 => self.take(samples, bytes, |p| [p[0], p[1], p[2]]),
            Layout::Rgba8 => self.take(samples, bytes, |p| [p[0], p[1], p[2]].map(|c| on_white(c, p[3]))),
            Layout::L16 => self.take(samples, bytes, |p| [word(p, 0); 3]),
            Layout::La16 => self.take(samples, bytes, |p| [on_white(word(p, 0), word(p, 1)); 3]),
            Layout::Rgb16 => self.take(samples, bytes, |p| [0, 1, 2].map(|n| word(p, n))),
            Layout::Rgba16 => self.take(samples, bytes, |p| [0, 1, 2].map(|n| on_white(word(p, n), word(p, 3)))),
            Layout::Rgb32F => self.take(samples, bytes, |p| [0, 1, 2].map(|n| float(p, n))),
            Layout::Rgba32F => self.take(samples, bytes, |p| [0, 1, 2].map(|n| on_white(float(p, n), float(p, 3)))),
            Layout::Cmyk8 => self.take(samples, bytes, ink),
            Layout::Cmyka8 => self.take(samples, bytes, |p| ink(p).map(|c| on_white(c, p[4]))),
        }
    }

    /// Takes whole rows of pixels of so many bytes, and their colours from each.
    pub(super) fn take(&mut self, samples: &[u8], bytes: usize, color: impl Fn(&[u8]) -> [u8; 3]) {
        for line in samples.chunks_exact(self.width * bytes).take(self.height - self.taken) {
            self.taken += 1;
            if self.factor == 1 {
                self.data.extend(line.chunks_exact(bytes).flat_map(&color));
                continue;
            }
            for (sum, block) in self.sums.iter_mut().zip(line.chunks(bytes * self.factor)) {
                for pixel in block.chunks_exact(bytes) {
                    let [r, g, b] = color(pixel);
                    sum[0] += u32::from(r);
                    sum[1] += u32::from(g);
                    sum[2] += u32::from(b);
                }
            }
            let down = self.taken % self.factor;
            if down == 0 {
                self.close(self.factor);
            } else if self.taken == self.height {
                self.close(down);
            }
        }
    }

    /// Writes a row of means of squares that are so many rows high.
    fn close(&mut self, down: usize) {
        for (column, sum) in self.sums.iter_mut().enumerate() {
            let across = self.factor.min(self.width - column * self.factor);
            let count = u32::try_from(across * down).unwrap_or(u32::MAX);
            self.data.extend(sum.map(|s| mean(s, count)));
            *sum = [0; 3];
        }
    }

    /// The reduced image, unless rows are missing.
    pub(super) fn finish(self) -> Option<RgbImage> {
        let side = |length: usize| u32::try_from(length.div_ceil(self.factor)).ok();
        let (across, down) = (side(self.width)?, side(self.height)?);
        RgbImage::from_raw(across, down, self.data)
    }
}

pub(super) fn mean(sum: u32, count: u32) -> u8 {
    u8::try_from(sum.saturating_add(count / 2) / count).unwrap_or(u8::MAX)
}

/// `color` with `opacity` over white paper.
pub(super) fn on_white(color: u8, opacity: u8) -> u8 {
    let (color, opacity) = (u32::from(color), u32::from(opacity));
    mean(color * opacity + 255 * (255 - opacity), 255)
}

pub(super) fn word(pixel: &[u8], n: usize) -> u8 {
    let value = u16::from_ne_bytes([pixel[2 * n], pixel[2 * n + 1]]);
    mean(u32::from(value), 257)
}

pub(super) fn float(pixel: &[u8], n: usize) -> u8 {
    let at = 4 * n;
    let value = f32::from_ne_bytes([pixel[at], pixel[at + 1], pixel[at + 2], pixel[at + 3]]);
    // Casting saturates, and makes NaN 0.
    (value * 255.0 + 0.5) as u8
}

pub(super) fn ink(pixel: &[u8]) -> [u8; 3] {
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
