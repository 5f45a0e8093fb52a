//! Colours as people see them: which of a terminal's few is the nearest, and how well text stands out from its ground.
//!
//! Distances are those of OKLab, where equal numbers look equally far apart; contrast is that of WCAG 2.

use crate::config::theme::Rgb;

/// The sixteen of a terminal as xterm has them. What a terminal really shows for them is its owner's choice.
pub const SIXTEEN: [Rgb; 16] = [
    Rgb(0x00, 0x00, 0x00),
    Rgb(0xcd, 0x00, 0x00),
    Rgb(0x00, 0xcd, 0x00),
    Rgb(0xcd, 0xcd, 0x00),
    Rgb(0x00, 0x00, 0xee),
    Rgb(0xcd, 0x00, 0xcd),
    Rgb(0x00, 0xcd, 0xcd),
    Rgb(0xe5, 0xe5, 0xe5),
    Rgb(0x7f, 0x7f, 0x7f),
    Rgb(0xff, 0x00, 0x00),
    Rgb(0x00, 0xff, 0x00),
    Rgb(0xff, 0xff, 0x00),
    Rgb(0x5c, 0x5c, 0xff),
    Rgb(0xff, 0x00, 0xff),
    Rgb(0x00, 0xff, 0xff),
    Rgb(0xff, 0xff, 0xff),
];

/// What one of the 256 is: after the first sixteen, which each terminal has its own way, a cube of six levels and a row of greys.
#[must_use]
pub fn of_256(index: u8) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    match index {
        0..16 => SIXTEEN[usize::from(index)],
        16..232 => {
            let cube = index - 16;
            Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232.. => {
            let grey = 8 + (index - 232) * 10;
            Rgb(grey, grey, grey)
        }
    }
}

/// The nearest of the 240 that look the same everywhere.
#[must_use]
pub fn nearest_of_256(colour: Rgb) -> u8 {
    nearest(colour, (16..=255).map(|index| (index, of_256(index)))).unwrap_or(15)
}

/// The nearest of the sixteen.
#[must_use]
pub fn nearest_of_16(colour: Rgb) -> u8 {
    nearest(colour, (0..16).map(|index| (index, of_256(index)))).unwrap_or(7)
}

fn nearest(colour: Rgb, of: impl Iterator<Item = (u8, Rgb)>) -> Option<u8> {
    of.min_by(|(_, one), (_, other)| distance(colour, *one).total_cmp(&distance(colour, *other))).map(|(index, _)| index)
}

/// How different two colours look; 0.02 is just seen, black and white are 1 apart.
#[must_use]
pub fn distance(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (oklab(linear(one)), oklab(linear(other)));
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
}

/// Contrast of text and ground after WCAG 2: from 1 to 21; 4.5 is asked for text.
#[must_use]
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

fn luminance(colour: Rgb) -> f64 {
    let [red, green, blue] = linear(colour);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Amounts of light, from 0 to 1.
#[must_use]
pub fn linear(Rgb(red, green, blue): Rgb) -> [f64; 3] {
    [red, green, blue].map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

/// Björn Ottosson's OKLab, from amounts of light.
fn oklab([red, green, blue]: [f64; 3]) -> [f64; 3] {
    let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
    let middle = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
    let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785_0 * middle - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205_0 * middle + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * middle - 0.808_675_766_0 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_as_wcag_says() {
        let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 1e-9);
        assert!((contrast(white, Rgb(0x76, 0x76, 0x76)) - 4.54).abs() < 0.01);
        assert!((contrast(white, white) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn distances_are_as_oklab_says() {
        assert!((distance(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 1.0).abs() < 1e-3);
        assert!(distance(Rgb(10, 10, 10), Rgb(10, 10, 10)) < 1e-9);
    }

    #[test]
    fn a_colour_that_is_there_is_its_own_nearest() {
        for index in 16..=255 {
            assert!(distance(of_256(nearest_of_256(of_256(index))), of_256(index)) < 1e-9, "{index}");
        }
        for index in 0..16 {
            assert_eq!(nearest_of_16(of_256(index)), index);
        }
    }

    #[test]
    fn a_shade_becomes_the_one_that_people_would_take() {
        assert_eq!(nearest_of_16(Rgb(0xb3, 0x23, 0x1f)), 1, "a dark red");
        assert_eq!(nearest_of_16(Rgb(0xff, 0xe6, 0x00)), 11, "a yellow");
        assert_eq!(nearest_of_16(Rgb(0x15, 0x18, 0x1e)), 0, "nearly black");
        assert_eq!(nearest_of_256(Rgb(0x15, 0x18, 0x1e)), 234);
        assert_eq!(nearest_of_256(Rgb(0xff, 0x00, 0x00)), 196);
    }
}
