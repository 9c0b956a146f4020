//! What the links of an image point at: image services of level 0 (IIIF Image API 3), made of the
//! stored thumbnails.

use crate::domain::images::Image;

/// Why pixels are not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The image is not delivered at all: never processed, failed, or not on an image channel.
    Absent,
    /// The image is for its owner's keys only.
    Protected,
}

/// The sizes of an image that a visitor may see, largest first. Images with roles are for keys of their
/// customer only; so is what is larger than `maxUnauthorised` (`reference/dlcs.md` §6.2).
///
/// # Errors
/// When there are none.
pub fn sizes(image: &Image, owner: bool) -> Result<Vec<(i64, i64)>, Denied> {
    if !image.error.is_empty() || image.stored_generation.is_none() || image.thumbnails.is_empty() {
        return Err(Denied::Absent);
    }
    if owner {
        return Ok(image.thumbnails.clone());
    }
    if !image.settings.roles.is_empty() {
        return Err(Denied::Protected);
    }
    let limit = if image.settings.max_unauthorised < 0 { i64::MAX } else { image.settings.max_unauthorised };
    let open: Vec<(i64, i64)> = image.thumbnails.iter().copied().filter(|(w, h)| *w.max(h) <= limit).collect();
    if open.is_empty() { Err(Denied::Protected) } else { Ok(open) }
}

/// The offered size that a `size` parameter means: `max`, `w,h`, `!w,h`, `w,` or `,h` (Image API 3 §4.2).
///
/// # Errors
/// One sentence that says what to ask for.
pub fn choose(size: &str, offered: &[(i64, i64)]) -> Result<(i64, i64), String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|n| *n > 0);
    let found = match (size, size.strip_prefix('!')) {
        ("max" | "full", _) => offered.first(),
        (_, Some(within)) => within
            .split_once(',')
            .and_then(|(w, h)| Some((number(w)?, number(h)?)))
            .and_then(|(w, h)| offered.iter().find(|(width, height)| *width <= w && *height <= h)),
        (exact, None) => match exact.split_once(',') {
            Some((w, "")) => number(w).and_then(|w| offered.iter().find(|(width, _)| *width == w)),
            Some(("", h)) => number(h).and_then(|h| offered.iter().find(|(_, height)| *height == h)),
            Some((w, h)) => number(w).zip(number(h)).and_then(|wanted| offered.iter().find(|offer| **offer == wanted)),
            None => None,
        },
    };
    found.copied().ok_or_else(|| {
        let list: Vec<String> = offered.iter().map(|(w, h)| format!("{w},{h}")).collect();
        format!("The size `{size}` is not offered: ask for max, {}.", list.join(" or "))
    })
}

/// Whether a request is one that level 0 can answer.
///
/// # Errors
/// One sentence that names the part that isn't.
pub fn check(region: &str, rotation: &str, quality: &str) -> Result<(), (&'static str, String)> {
    if region != "full" {
        return Err(("region", format!("The region `{region}` is not offered: ask for `full`.")));
    }
    if rotation != "0" {
        return Err(("rotation", format!("The rotation `{rotation}` is not offered: ask for `0`.")));
    }
    if quality != "default.jpg" {
        return Err(("quality", format!("`{quality}` is not offered: ask for `default.jpg`.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::choose;

    const OFFERED: &[(i64, i64)] = &[(1024, 721), (400, 282), (200, 141), (100, 70)];

    #[test]
    fn each_form_of_a_size_finds_what_it_means() {
        for (size, expected) in [
            ("max", (1024, 721)),
            ("400,282", (400, 282)),
            ("!400,400", (400, 282)),
            ("!399,400", (200, 141)),
            ("200,", (200, 141)),
            (",70", (100, 70)),
        ] {
            assert_eq!(choose(size, OFFERED), Ok(expected), "{size}");
        }
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        for size in ["", ",", "!", "!,", "0,0", "401,282", "!99,99", "pct:50", "-1,5", "99999999999999999999,"] {
            assert!(choose(size, OFFERED).is_err(), "{size}");
        }
    }
}
