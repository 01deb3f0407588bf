//! How much a vault may hold, and when that is worth a notice.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_base::ByteCount;

use crate::field::FieldError;
use crate::refusal::Refusal;

/// Bytes in a gigabyte of the contract (1024³: contract, section 7, metrics).
const GIGABYTE: u64 = 1 << 30;
/// The smallest and largest vault, in gigabytes (R5, R6).
const LIMITS: (u32, u32) = (10, 10_485_760);

/// The size of a vault: 10 to 10 485 760 gigabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "i64")]
pub struct VaultSize(u32);

impl VaultSize {
    /// Checks a number of gigabytes; any number out of range is refused with the code of sizes (R5).
    pub fn new(gigabytes: i64) -> Result<Self, Refusal> {
        let (least, most) = LIMITS;
        let fits = u32::try_from(gigabytes).ok().filter(|size| (least..=most).contains(size));
        fits.map(Self).ok_or(Refusal::SizeInvalid)
    }

    /// In gigabytes.
    pub const fn gigabytes(self) -> u32 {
        self.0
    }

    /// In bytes.
    pub fn bytes(self) -> ByteCount {
        ByteCount(u64::from(self.0) * GIGABYTE)
    }

    /// Whether nothing more fits in (R18).
    pub fn is_full(self, used: ByteCount) -> bool {
        used >= self.bytes()
    }

    /// The size to which a vault grows that holds `used`: a quarter more, rounded up to a whole
    /// gigabyte, until there is room (R17); never more than the largest.
    #[must_use]
    pub fn expanded(self, used: ByteCount) -> Self {
        let (_, most) = LIMITS;
        let mut size = self;
        while size.is_full(used) && size.0 < most {
            size = Self((size.0 + size.0.div_ceil(4)).min(most));
        }
        size
    }
}

impl From<VaultSize> for u32 {
    fn from(size: VaultSize) -> Self {
        size.0
    }
}

impl TryFrom<i64> for VaultSize {
    type Error = Refusal;
    fn try_from(gigabytes: i64) -> Result<Self, Refusal> {
        Self::new(gigabytes)
    }
}

impl fmt::Display for VaultSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GB", self.0)
    }
}

/// The share of a vault's size above which a notice is sent: 1 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "i64")]
pub struct Threshold(u8);

impl Threshold {
    /// What a vault has unless somebody says otherwise.
    pub const DEFAULT: Self = Self(80);

    /// Checks a percentage, as the field `threshold`.
    pub fn new(percent: i64) -> Result<Self, FieldError> {
        let fits = u8::try_from(percent).ok().filter(|percent| (1..=100).contains(percent));
        fits.map(Self).ok_or(FieldError::new("threshold", "1 to 100"))
    }

    /// In percent.
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// Whether more than this share of `size` is used.
    pub fn is_exceeded(self, used: ByteCount, size: VaultSize) -> bool {
        u128::from(used.get()) * 100 > u128::from(size.bytes().get()) * u128::from(self.0)
    }
}

impl From<Threshold> for u8 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

impl TryFrom<i64> for Threshold {
    type Error = FieldError;
    fn try_from(percent: i64) -> Result<Self, FieldError> {
        Self::new(percent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn size_has_its_limits() {
        let check = |size: i64, ok: bool| assert_eq!(VaultSize::new(size).is_ok(), ok, "{size}");
        check(10, true);
        check(10_485_760, true);
        check(9, false);
        check(10_485_761, false);
        check(-10, false);
        check(i64::MAX, false);
    }

    #[test]
    fn full_vault_grows_by_quarters() {
        let check = |size: i64, used_gigabytes: u64, expected: u32| {
            let used = ByteCount(used_gigabytes * GIGABYTE);
            assert_eq!(VaultSize::new(size).unwrap().expanded(used).gigabytes(), expected);
        };
        check(100, 99, 100);
        check(100, 100, 125);
        check(10, 10, 13);
        check(10, 13, 17);
        check(10_000_000, 10_000_000, 10_485_760);
        check(10, 20_000_000, 10_485_760);
    }

    #[test]
    fn threshold_is_exceeded_above_its_share() {
        let size = VaultSize::new(100).unwrap();
        let check = |percent: i64, used: u64, expected: bool| {
            let threshold = Threshold::new(percent).unwrap();
            assert_eq!(threshold.is_exceeded(ByteCount(used), size), expected);
        };
        check(80, 80 * GIGABYTE, false);
        check(80, 80 * GIGABYTE + 1, true);
        check(100, u64::MAX, true);
        assert!(Threshold::new(0).is_err());
        assert!(Threshold::new(101).is_err());
    }

    proptest! {
        #[test]
        fn vault_that_grew_has_room_or_is_the_largest(size in 10_i64..=10_485_760, used: u64) {
            let (size, used) = (VaultSize::new(size).unwrap(), ByteCount(used));
            let grown = size.expanded(used);
            prop_assert!(grown >= size);
            prop_assert!(!grown.is_full(used) || grown.gigabytes() == 10_485_760);
            prop_assert!(size.is_full(used) || grown == size);
        }
    }
}
