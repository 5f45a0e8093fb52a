//! Rates and counts as people read them: three digits that mean something, in at most five columns, so that a figure that
//! hardly moves is not written anew every second.

/// Rounded to three significant digits; below a hundred to a whole number.
#[must_use]
pub fn three_digits(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 0.0;
    }
    let digits = value.log10().floor().max(2.0);
    let unit = 10_f64.powf(digits - 2.0);
    (value / unit).round() * unit
}

/// A rate: `0`, `<1`, `412`, `1 200`, `12.3k`, `100k`, `1.20M`. At most five columns wide up to a thousand million.
#[must_use]
pub fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 0.5 {
        return "<1".to_owned();
    }
    let value = three_digits(per_second.round());
    let scaled = |value: f64, unit: &str| {
        let decimals = if value >= 100.0 {
            0
        } else if value >= 10.0 {
            1
        } else {
            2
        };
        format!("{value:.decimals$}{unit}")
    };
    match value {
        value if value < 1000.0 => format!("{value:.0}"),
        value if value < 10_000.0 => {
            let whole = value as u64;
            format!("{} {:03}", whole / 1000, whole % 1000)
        }
        value if value < 1e6 => scaled(value / 1e3, "k"),
        value if value < 1e9 => scaled(value / 1e6, "M"),
        value => scaled(value / 1e9, "G"),
    }
}

/// The least of 1, 2, 5, 10, 20, 50 … that is not below the value: what the top of a scale says.
#[must_use]
pub fn step_above(value: f64) -> f64 {
    if !value.is_finite() || value <= 1.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * unit).find(|step| *step >= value * (1.0 - 1e-9)).unwrap_or(unit * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        let read = [0.0, 0.2, 18.4, 412.4, 999.6, 1_204.0, 9_994.0, 9_996.0, 12_345.0, 100_000.0, 999_900.0, 1_204_331.0];
        let said = ["0", "<1", "18", "412", "1 000", "1 200", "9 990", "10.0k", "12.3k", "100k", "1.00M", "1.20M"];
        assert_eq!(read.map(rate), said);
        assert!((0..40).all(|power| rate(1.7_f64.powi(power)).len() <= 5));
        assert_eq!(rate(-3.0), "0");
        assert_eq!(rate(f64::NAN), "0");
    }

    #[test]
    fn a_small_move_is_no_other_figure() {
        assert!((three_digits(1_204.3) - three_digits(1_201.0)).abs() < 1e-9);
        assert!((three_digits(17.2) - 17.0).abs() < 1e-9);
    }

    #[test]
    fn scales_end_at_one_two_five() {
        let read = [0.0, 1.0, 1.2, 3.0, 5.0, 51.0, 412.0, 1_000.0, 2_455.0];
        assert_eq!(read.map(step_above), [1.0, 1.0, 2.0, 5.0, 5.0, 100.0, 500.0, 1_000.0, 5_000.0]);
    }
}
