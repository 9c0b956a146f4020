//! A TIFF file whose first image says that its samples are greys, whatever they are.

use std::io::{self, Read, Seek, SeekFrom};

/// The tag that says how samples make colours.
const PHOTOMETRIC: u64 = 262;
/// What it is made to say: 0 is black.
const BLACK_IS_ZERO: u16 = 1;
/// The type of 16-bit values.
const SHORT: u64 = 3;

/// Reads as the file does, but for two bytes.
pub(super) struct Relabelled<R> {
    inner: R,
    position: u64,
    /// Where the two bytes are.
    at: u64,
    bytes: [u8; 2],
}

impl<R: Read + Seek> Relabelled<R> {
    /// A file from its start, and what it really says of its samples.
    pub(super) fn new(mut inner: R) -> io::Result<(Self, u16)> {
        let (at, photometric, big_endian) = find(&mut inner)?;
        inner.rewind()?;
        let bytes = if big_endian { BLACK_IS_ZERO.to_be_bytes() } else { BLACK_IS_ZERO.to_le_bytes() };
        Ok((Self { inner, position: 0, at, bytes }, photometric))
    }
}

/// Where the first directory says how samples make colours, what it says, and in which byte order.
fn find(file: &mut (impl Read + Seek)) -> io::Result<(u64, u16, bool)> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut head = [0; 16];
    file.read_exact(&mut head[..8])?;
    let big_endian = head.starts_with(b"MM");
    let number = |bytes: &[u8]| {
        let join = |all: u64, byte: &u8| (all << 8) | u64::from(*byte);
        if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    };
    // BigTIFF has wider fields.
    let (directory, count_size, entry_size, value) = if number(&head[2..4]) == 43 {
        file.read_exact(&mut head[8..])?;
        (number(&head[8..16]), 8, 20, 12)
    } else {
        (number(&head[4..8]), 2, 12, 8)
    };
    file.seek(SeekFrom::Start(directory))?;
    let mut field = [0; 20];
    file.read_exact(&mut field[..count_size])?;
    let mut at = directory.saturating_add(count_size as u64);
    for _ in 0..number(&field[..count_size]).min(u64::from(u16::MAX)) {
        let entry = &mut field[..entry_size];
        file.read_exact(entry)?;
        if number(&entry[..2]) == PHOTOMETRIC {
            if number(&entry[2..4]) != SHORT {
                return Err(wrong("its colours are described in a wrong way"));
            }
            let photometric = u16::try_from(number(&entry[value..value + 2])).unwrap_or(u16::MAX);
            return Ok((at.saturating_add(value as u64), photometric, big_endian));
        }
        at = at.saturating_add(entry_size as u64);
    }
    Err(wrong("it does not say what its colours are"))
}

impl<R: Read> Read for Relabelled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for (at, byte) in (self.at..).zip(self.bytes) {
            let place = at.checked_sub(self.position).and_then(|place| usize::try_from(place).ok());
            if let Some(place) = place.filter(|place| *place < read) {
                buffer[place] = byte;
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Relabelled<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}
