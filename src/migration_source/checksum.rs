//! Checksums as the tools compute them, byte for byte.

use sha2::{Digest, Sha256, Sha384};
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};

/// sqlx: SHA-384 over the text.
pub(super) fn sha384(text: &str) -> Vec<u8> {
    Sha384::digest(text).to_vec()
}

/// Prisma, Drizzle, and our own books: SHA-256 in lower case hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// Flyway: CRC-32 over the lines without what ends them, as a signed number. A byte order mark does not count.
pub(super) fn flyway(text: &str) -> i32 {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut hasher = crc32fast::Hasher::new();
    // Java's reader ends a line at `\r`, `\n` and `\r\n`; the end of the text ends none.
    for line in text.split(['\r', '\n']) {
        hasher.update(line.as_bytes());
    }
    i32::from_ne_bytes(hasher.finalize().to_ne_bytes())
}

/// refinery: SipHash-1-3 over name, version and text, as Rust hashes them. It has two builds, whose versions have 32 and 64
/// bits, and whose sums differ.
pub(super) fn refinery(name: &str, version: i64, text: &str, width: Width) -> u64 {
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    match (width, i32::try_from(version)) {
        (Width::Narrow, Ok(version)) => version.hash(&mut hasher),
        (Width::Narrow, Err(_)) | (Width::Wide, _) => version.hash(&mut hasher),
    }
    text.hash(&mut hasher);
    hasher.finish()
}

/// Bits of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Narrow,
    Wide,
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_byte_order_marks_do_not_change_flyways_sum() {
        let sum = flyway("CREATE TABLE a (id int);\nSELECT 1;\n");
        assert_eq!(sum, flyway("\u{feff}CREATE TABLE a (id int);\r\nSELECT 1;"));
        // The same bytes without line feeds, from a table of CRC-32: "123456789" is cbf43926.
        assert_eq!(flyway("1234\n56789"), 0xcbf4_3926_u32 as i32);
    }

    #[test]
    fn sha256_is_written_as_prisma_writes_it() {
        assert_eq!(sha256("hello"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    }
}
