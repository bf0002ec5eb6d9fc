//! Identifiers as AWS makes them, except that the same world makes the same ones.

/// Makes identifiers that follow from the seed and from how many were made before.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    seed: u64,
    made: u64,
}

impl Identity {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, made: 0 }
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        mix(self.seed ^ mix(self.made))
    }

    /// A task's: 32 hexadecimal digits.
    pub(crate) fn task(&mut self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// A deployment's or a service revision's: 19 decimal digits.
    pub(crate) fn digits(&mut self) -> String {
        const LEAST: u64 = 1_000_000_000_000_000_000;
        format!("{}", LEAST + self.number() % (9 * LEAST))
    }

    /// A service deployment's: 21 characters of the URL-safe base 64 alphabet.
    pub(crate) fn nano(&mut self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        (0..21).map(|_| char::from(ALPHABET[(self.number() % 64) as usize])).collect()
    }

    /// An event's or a container's: a UUID's form.
    pub(crate) fn uuid(&mut self) -> String {
        uuid(self.number(), self.number())
    }
}

/// Two numbers in a UUID's form.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    let digits = format!("{high:016x}{low:016x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64, public domain).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_what_looks_like_aws_made_it_and_always_the_same() {
        let make = |seed| {
            let mut identity = Identity::new(seed);
            [identity.task(), identity.digits(), identity.nano(), identity.uuid()]
        };
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert_eq!(make(1).map(|made| made.len()), [32, 19, 21, 36]);
    }
}
