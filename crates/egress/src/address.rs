//! Which addresses belong to the public internet: our own table, because `is_global` is not stable and
//! the predicates that are miss half of it.
//!
//! IPv4: everything but the special-purpose blocks (RFC 6890 and its registry). IPv6: nothing but
//! 2000::/3 (RFC 4291, 2.4), and of that not what is special or carries an IPv4 address inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address may not be reached. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Special {
    /// RFC 2544, 198.18.0.0/15.
    #[error("a benchmarking address")]
    Benchmark,
    /// RFC 6598, 100.64.0.0/10.
    #[error("a carrier's shared address")]
    CarrierNat,
    /// A cloud's own service on an address that looks public: Azure's 168.63.129.16.
    #[error("a cloud's metadata service")]
    CloudMetadata,
    /// RFC 5737, RFC 3849, RFC 9637.
    #[error("a documentation address")]
    Documentation,
    /// RFC 6890, 192.0.0.0/24 and 2001::/23.
    #[error("an address of the protocols themselves")]
    IetfProtocol,
    /// RFC 4291, 2.5.5: an IPv4 address written as IPv6.
    #[error("an IPv4 address in an IPv6 one")]
    Ipv4InIpv6,
    /// RFC 5214: `…:0:5efe:a.b.c.d`.
    #[error("an ISATAP address")]
    Isatap,
    /// RFC 3927, fe80::/10.
    #[error("a link-local address")]
    LinkLocal,
    #[error("a loopback address")]
    Loopback,
    #[error("a multicast address")]
    Multicast,
    /// RFC 6052, RFC 8215, where no prefix is configured.
    #[error("a NAT64 address")]
    Nat64,
    /// One of this gate's own.
    #[error("an address of this gate")]
    Own,
    /// RFC 1918.
    #[error("a private address")]
    Private,
    /// 240.0.0.0/4 and the limited broadcast.
    #[error("a reserved address")]
    Reserved,
    /// RFC 3879, fec0::/10.
    #[error("a site-local address")]
    SiteLocal,
    /// RFC 3056 2002::/16 and its relay 192.88.99.0/24.
    #[error("a 6to4 address")]
    SixToFour,
    /// RFC 4380, 2001::/32.
    #[error("a Teredo address")]
    Teredo,
    /// 0.0.0.0/8, which reaches this machine on Linux, and `::`.
    #[error("an address of this network")]
    ThisNetwork,
    /// Outside 2000::/3, or returned (3ffe::/16, RFC 3701).
    #[error("an address nobody was given")]
    Unallocated,
    /// RFC 4193, fc00::/7.
    #[error("a unique local address")]
    UniqueLocal,
}

/// Whether an address is one of the public internet. `nat64` are the prefixes (of 96 bits) by which this
/// network reaches IPv4: what they lead to is judged instead.
///
/// # Errors
/// What it is instead.
pub fn judge(address: IpAddr, nat64: &[Ipv6Addr]) -> Result<(), Special> {
    let special = match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => match nat64.iter().find(|prefix| same_96_bits(**prefix, address)) {
            Some(_) => v4(last_32_bits(address)),
            None => v6(address),
        },
    };
    special.map_or(Ok(()), Err)
}

fn v4(address: Ipv4Addr) -> Option<Special> {
    let special = match address.octets() {
        [0, ..] => Special::ThisNetwork,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Special::Private,
        [100, 64..=127, ..] => Special::CarrierNat,
        [127, ..] => Special::Loopback,
        [168, 63, 129, 16] => Special::CloudMetadata,
        [169, 254, ..] => Special::LinkLocal,
        [192, 0, 0, _] => Special::IetfProtocol,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Special::Documentation,
        [192, 88, 99, _] => Special::SixToFour,
        [198, 18 | 19, ..] => Special::Benchmark,
        [224..=239, ..] => Special::Multicast,
        [240..=255, ..] => Special::Reserved,
        _ => return None,
    };
    Some(special)
}

fn v6(address: Ipv6Addr) -> Option<Special> {
    let special = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Special::ThisNetwork,
        [0, 0, 0, 0, 0, 0, 0, 1] => Special::Loopback,
        // Compatible, mapped and translated (RFC 4291, 2.5.5; RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Special::Ipv4InIpv6,
        [0x64, 0xff9b, 0 | 1, ..] => Special::Nat64,
        [0xfe80..=0xfebf, ..] => Special::LinkLocal,
        [0xfec0..=0xfeff, ..] => Special::SiteLocal,
        [0xff00..=0xffff, ..] => Special::Multicast,
        [0xfc00..=0xfdff, ..] => Special::UniqueLocal,
        [0x2001, 0, ..] => Special::Teredo,
        [0x2001, 0..=0x1ff, ..] => Special::IetfProtocol,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Special::Documentation,
        [0x2002, ..] => Special::SixToFour,
        [0x3ffe, ..] => Special::Unallocated,
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Special::Isatap,
        [0x2000..=0x3fff, ..] => return None,
        _ => Special::Unallocated,
    };
    Some(special)
}

fn same_96_bits(prefix: Ipv6Addr, address: Ipv6Addr) -> bool {
    u128::from(prefix) >> 32 == u128::from(address) >> 32
}

fn last_32_bits(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every boundary, one inside and one outside.
    #[test]
    fn blocks_end_where_they_end() {
        let table = [
            ("0.255.255.255", "1.0.0.0"),
            ("10.0.0.0", "9.255.255.255"),
            ("10.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.63.255.255"),
            ("100.127.255.255", "100.128.0.0"),
            ("127.255.255.255", "128.0.0.0"),
            ("168.63.129.16", "168.63.129.17"),
            ("169.254.0.0", "169.253.255.255"),
            ("172.16.0.0", "172.15.255.255"),
            ("172.31.255.255", "172.32.0.0"),
            ("192.0.0.255", "192.0.1.0"),
            ("192.168.0.0", "192.167.255.255"),
            ("198.19.255.255", "198.20.0.0"),
            ("224.0.0.0", "223.255.255.255"),
            ("2001:1ff::1", "2001:200::1"),
            ("2002:ffff::1", "2003::1"),
            ("3fff:fff::1", "3fff:1000::1"),
            ("4000::1", "2a00::1"),
            ("1fff::1", "2000::1"),
        ];
        for (inside, outside) in table {
            assert!(judge(inside.parse().unwrap(), &[]).is_err(), "{inside}");
            assert_eq!(judge(outside.parse().unwrap(), &[]), Ok(()), "{outside}");
        }
    }

    #[test]
    fn a_configured_nat64_prefix_is_looked_through() {
        let prefix = ["64:ff9b::".parse().unwrap()];
        assert_eq!(judge("64:ff9b::808:808".parse().unwrap(), &prefix), Ok(()));
        assert_eq!(judge("64:ff9b::a00:1".parse().unwrap(), &prefix), Err(Special::Private));
        assert_eq!(judge("64:ff9b:1::808:808".parse().unwrap(), &prefix), Err(Special::Nat64));
    }
}
