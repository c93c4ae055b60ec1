//! What an IP address is: out in the world, inside, or nothing that a tool is ever at.
//!
//! The ranges are those of IANA's special-purpose registries (RFC 6890), and the places where clouds keep a machine's own
//! credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Public,
    /// Inside: only for what the config names. The word says what it is.
    Inside(&'static str),
    /// For nobody.
    Never(&'static str),
}
use Standing::{Inside, Never, Public};

const METADATA: &str = "a cloud's metadata service";
const EMBEDDED: &str = "an IPv4 address in an IPv6 one";

/// A range: its first address, how many bits are fixed, and what it is. The first that fits counts.
type Range<A> = (A, u32, Standing);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const V4: &[Range<Ipv4Addr>] = &[
    // Azure's and Alibaba's stand in ranges that are otherwise good.
    (v4(168, 63, 129, 16), 32, Never(METADATA)),
    (v4(100, 100, 100, 200), 32, Never(METADATA)),
    (v4(169, 254, 169, 254), 32, Never(METADATA)),
    (v4(10, 0, 0, 0), 8, Inside("private")),
    (v4(172, 16, 0, 0), 12, Inside("private")),
    (v4(192, 168, 0, 0), 16, Inside("private")),
    (v4(100, 64, 0, 0), 10, Inside("shared (CGNAT)")),
    (v4(127, 0, 0, 0), 8, Inside("this machine")),
    (v4(0, 0, 0, 0), 8, Never("no host's")),
    (v4(169, 254, 0, 0), 16, Never("link-local")),
    (v4(192, 0, 0, 0), 24, Never("reserved")),
    (v4(192, 0, 2, 0), 24, Never("for documentation")),
    (v4(192, 88, 99, 0), 24, Never("a 6to4 relay")),
    (v4(198, 18, 0, 0), 15, Never("for benchmarks")),
    (v4(198, 51, 100, 0), 24, Never("for documentation")),
    (v4(203, 0, 113, 0), 24, Never("for documentation")),
    (v4(224, 0, 0, 0), 4, Never("multicast")),
    (v4(240, 0, 0, 0), 4, Never("reserved")),
    (v4(0, 0, 0, 0), 0, Public),
];

const fn v6(s: [u16; 8]) -> Ipv6Addr {
    Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7])
}

const V6: &[Range<Ipv6Addr>] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 1]), 128, Inside("this machine")),
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 128, Never("no host's")),
    // Compatible, mapped and translated: all of ::/32 is for such.
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 32, Never(EMBEDDED)),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0]), 96, Never("an IPv4 address behind NAT64")),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0]), 48, Never("an IPv4 address behind NAT64")),
    // Amazon's, and Google's.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0]), 32, Never(METADATA)),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]), 128, Never(METADATA)),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7, Inside("private")),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10, Never("link-local")),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8, Never("multicast")),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32, Never("an IPv4 address behind Teredo")),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23, Never("reserved")),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]), 32, Never("for documentation")),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20, Never("for documentation")),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16, Never("an IPv4 address behind 6to4")),
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0]), 3, Public),
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 0, Never("reserved")),
];

/// What `address` is.
pub(super) fn standing(address: IpAddr) -> Standing {
    let found = match address {
        IpAddr::V4(one) => V4.iter().find_map(|(first, fixed, standing)| {
            let beyond = |address: &Ipv4Addr| address.to_bits().checked_shr(32 - fixed);
            (beyond(&one) == beyond(first)).then_some(*standing)
        }),
        IpAddr::V6(one) => V6.iter().find_map(|(first, fixed, standing)| {
            let beyond = |address: &Ipv6Addr| address.to_bits().checked_shr(128 - fixed);
            (beyond(&one) == beyond(first)).then_some(*standing)
        }),
    };
    found.unwrap_or(Never("reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_begins_and_ends_where_the_registry_says() {
        for (address, expected) in [
            ("8.8.8.8", Public),
            ("9.255.255.255", Public),
            ("10.0.0.0", Inside("private")),
            ("10.255.255.255", Inside("private")),
            ("11.0.0.0", Public),
            ("100.63.255.255", Public),
            ("100.64.0.0", Inside("shared (CGNAT)")),
            ("100.100.100.200", Never(METADATA)),
            ("100.127.255.255", Inside("shared (CGNAT)")),
            ("100.128.0.0", Public),
            ("126.255.255.255", Public),
            ("127.0.0.0", Inside("this machine")),
            ("128.0.0.0", Public),
            ("168.63.129.16", Never(METADATA)),
            ("169.254.0.0", Never("link-local")),
            ("169.254.169.254", Never(METADATA)),
            ("172.15.255.255", Public),
            ("172.31.255.255", Inside("private")),
            ("172.32.0.0", Public),
            ("192.167.255.255", Public),
            ("192.169.0.0", Public),
            ("198.17.255.255", Public),
            ("198.19.255.255", Never("for benchmarks")),
            ("198.20.0.0", Public),
            ("223.255.255.255", Public),
            ("239.255.255.255", Never("multicast")),
            ("255.255.255.255", Never("reserved")),
            ("0.255.255.255", Never("no host's")),
            ("1.0.0.0", Public),
            ("::", Never("no host's")),
            ("::1", Inside("this machine")),
            ("::7f00:1", Never(EMBEDDED)),
            ("::ffff:8.8.8.8", Never(EMBEDDED)),
            ("64:ff9b::808:808", Never("an IPv4 address behind NAT64")),
            ("64:ff9b:1:ffff::1", Never("an IPv4 address behind NAT64")),
            ("100::1", Never("reserved")),
            ("1fff:ffff::1", Never("reserved")),
            ("2000::1", Public),
            ("2001::1", Never("an IPv4 address behind Teredo")),
            ("2001:1ff::1", Never("reserved")),
            ("2001:200::1", Public),
            ("2001:db8::1", Never("for documentation")),
            ("2001:db9::1", Public),
            ("2002:7f00:1::", Never("an IPv4 address behind 6to4")),
            ("2606:4700:4700::1111", Public),
            ("3fff:fff::1", Never("for documentation")),
            ("3fff:1000::1", Public),
            ("4000::1", Never("reserved")),
            ("fbff::1", Never("reserved")),
            ("fd00:ec2::254", Never(METADATA)),
            ("fd20:ce::254", Never(METADATA)),
            ("fd00::1", Inside("private")),
            ("fe80::1", Never("link-local")),
            ("fec0::1", Never("reserved")),
            ("ff02::1", Never("multicast")),
        ] {
            assert_eq!(standing(address.parse().expect(address)), expected, "{address}");
        }
    }
}
