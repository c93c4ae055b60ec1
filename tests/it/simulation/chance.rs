//! All chance of a simulation comes from here, and all of it from one seed.

/// SplitMix64. (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, but not, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.any() % end.max(1)
    }

    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Clone>(&mut self, some: &[T]) -> T {
        some[pick(self.any(), some.len())].clone()
    }
}

/// Which of so many a number stands for.
pub fn pick(number: u64, len: usize) -> usize {
    usize::try_from(number % u64::try_from(len.max(1)).expect("a length")).expect("below a length")
}
