//! Questions that services take by UDP, one that is true to its protocol for each, and what answers to them say.
//!
//! A question carries a random number wherever its protocol has room for one, and only an answer that repeats it counts: an echo,
//! and what answers anything, is nobody's answer. Answers come from anybody: they are read to their end and no further, and nothing
//! in them is followed.

mod ber;
mod management;
mod names;
mod sessions;
mod stores;

use gabion_model::Severity;

/// What makes one question different from every other.
pub type Nonce = [u8; 16];

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// As people write it.
    pub says: &'static str,
    pub write: fn(&Nonce) -> Vec<u8>,
    /// What an answer says, where it is one to that question.
    pub read: fn(&Nonce, &[u8]) -> Option<String>,
}

/// Something that strangers must not be given.
#[derive(Debug)]
pub struct Hole {
    pub aspect: &'static str,
    pub says: &'static str,
    pub ask: Ask,
    /// As like it as can be, and given to nobody: whoever answers it as well answers anything.
    pub twin: Ask,
    /// At an address of the internet; at others it is one less.
    pub severity: Severity,
}

/// A service.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    /// Where it usually is.
    pub ports: &'static [u16],
    pub hello: Ask,
    pub holes: &'static [Hole],
    /// That it answers strangers at an address of the internet.
    pub exposed: Severity,
    /// Whether it answers from another port.
    pub any_port: bool,
}

impl Service {
    /// The question by which it is known, and those for what must not be given.
    pub fn asks(&self) -> impl Iterator<Item = (&Ask, Option<&Hole>)> {
        let holes = self.holes.iter().map(|hole| (&hole.ask, Some(hole)));
        std::iter::once((&self.hello, None)).chain(holes)
    }
}

/// All of them.
pub static SERVICES: &[&Service] = &[
    &names::DNS,
    &names::MDNS,
    &names::NETBIOS,
    &management::NTP,
    &management::SNMP,
    &management::RPC,
    &stores::MEMCACHED,
    &stores::TFTP,
    &stores::LDAP,
    &stores::SQL_SERVER,
    &stores::COAP,
    &stores::SSDP,
    &sessions::IKE,
    &sessions::OPENVPN,
    &sessions::QUIC,
    &sessions::RADIUS,
    &sessions::SIP,
    &sessions::STUN,
    &sessions::ECHO,
];

/// Ports that services usually have.
pub fn usual() -> impl Iterator<Item = u16> {
    SERVICES.iter().flat_map(|service| service.ports).copied()
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}

/// So many bytes of it, from a place on.
fn part(nonce: &Nonce, from: usize, count: usize) -> &[u8] {
    nonce.get(from..from.saturating_add(count)).unwrap_or_default()
}

/// A word that nothing else has, of the same number.
fn word(nonce: &Nonce) -> String {
    format!("gx{}", gabion_vault::encoding::hex_encode(part(nonce, 0, 6)))
}

/// What somebody else wrote, as it may be shown: letters and signs, no longer than a line.
fn visible(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    line.take(160).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: Nonce = [7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn all() -> impl Iterator<Item = Ask> {
        let twins = SERVICES.iter().flat_map(|service| service.holes).map(|hole| hole.twin);
        SERVICES.iter().flat_map(|service| service.asks()).map(|(ask, _)| *ask).chain(twins)
    }

    /// Except where that is the service.
    #[test]
    fn a_question_that_comes_back_is_no_answer() {
        for ask in all().filter(|ask| ask.says != "a text") {
            let question = (ask.write)(&NONCE);
            assert!(!question.is_empty() && question.len() <= 1_200, "{}", ask.says);
            assert_eq!((ask.read)(&NONCE, &question), None, "{}", ask.says);
        }
    }

    #[test]
    fn ports_are_those_of_one_service() {
        let mut ports: Vec<u16> = usual().collect();
        let count = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), count);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for ask in all() {
                let _ = (ask.read)(&NONCE, &bytes);
            }
        }

        /// A question with bytes of it changed comes nearer to an answer than anything at random.
        #[test]
        fn what_is_nearly_an_answer_is_read_or_left(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            end in any::<prop::sample::Index>(),
        ) {
            for ask in all() {
                let mut bytes = (ask.write)(&NONCE);
                for (at, byte) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                bytes.truncate(end.index(bytes.len()).saturating_add(1));
                if let Some(says) = (ask.read)(&NONCE, &bytes) {
                    prop_assert!(says.chars().count() <= 2_000);
                }
            }
        }
    }
}
