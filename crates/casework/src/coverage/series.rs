//! The natural logarithm and the exponential by their power series, from + − × ÷ alone.
//!
//! Those four and the square root are exactly rounded on every machine; a library's `ln` and `exp` are not, and the
//! same log must give the same bytes everywhere.

/// ln 2, rounded to the nearest double.
const LN_2: f64 = std::f64::consts::LN_2;

/// The natural logarithm of a finite number that is at least 1.
pub(super) fn ln(value: f64) -> f64 {
    let (mut mantissa, mut halvings) = (value, 0.0);
    while mantissa > 1.5 {
        mantissa /= 2.0;
        halvings += 1.0;
    }
    // ln m = 2 artanh((m − 1) / (m + 1)); the argument is at most 1/5 in size, so each term is below 1/25 of the last.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let (mut power, mut sum) = (ratio, 0.0);
    for term in 0..16 {
        sum += power / f64::from(2 * term + 1);
        power *= ratio * ratio;
    }
    halvings * LN_2 + 2.0 * sum
}

/// The exponential of a number from 0 to 700.
pub(super) fn exp(value: f64) -> f64 {
    let (mut rest, mut doublings) = (value, 0);
    while rest > 0.5 {
        rest /= 2.0;
        doublings += 1;
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for place in 1..20 {
        term *= rest / f64::from(place);
        sum += term;
    }
    (0..doublings).fold(sum, |power, _| power * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree_with_the_library_to_a_part_in_a_billion() {
        let close = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3);
        for step in 0..2_000 {
            let value = f64::from(step) / 20.0;
            assert!(close(exp(value), value.exp()), "exp {value}");
            assert!(close(ln(1.0 + value * value), (1.0 + value * value).ln()), "ln {value}");
            assert!(close(ln(exp(value)), value), "ln exp {value}");
        }
        assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
    }
}
