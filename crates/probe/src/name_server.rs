//! The name server of a run (RFC 1035): it is the authority for one zone, gives the listener's address for every name in it, and
//! keeps who asked for what.
//!
//! A name that nobody guesses, and that somebody asks for, was taken from where the test put it: an application that resolves it and
//! is then kept from connecting is found by that. It answers questions and never asks; it answers no name of another zone, gives no
//! long answer to a short question, and reads by UDP and by TCP under bounds in size, number and time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::listen::serve;

/// A name server that runs. Dropping it ends it.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

/// A question that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub peer: SocketAddr,
    /// In lower case, without the dot at its end.
    pub name: String,
    /// `A`, `AAAA`, `TXT`.
    pub kind: String,
}

#[derive(Debug)]
struct Shared {
    zone: Zone,
    asked: Mutex<Vec<Asked>>,
    arrived: Notify,
}

/// A zone in which every name is at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: Name,
    address: IpAddr,
}

/// What a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// In lower case, without the dot at its end.
    pub name: String,
    /// `A`, `AAAA`, `TXT`.
    pub kind: String,
}

/// The longest question, in bytes.
const LONGEST: usize = 4 << 10;
/// The most questions that are kept.
const MOST: usize = 2_000;
const PATIENCE: Duration = Duration::from_secs(5);
/// Nothing is remembered on the way: each round has a name of its own, but what is asked again must come again.
const LIFE: u32 = 0;

impl Zone {
    /// A zone by its name; nothing where that is none.
    #[must_use]
    pub fn new(name: &str, address: IpAddr) -> Option<Self> {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let label = |label: &str| !label.is_empty() && label.len() < 64 && label.chars().all(letters);
        let bare = name.strip_suffix('.').unwrap_or(name);
        if bare.len() > 180 || !bare.split('.').all(label) {
            return None;
        }
        let name = Name::from_ascii(format!("{bare}.")).ok()?.to_lowercase();
        Some(Self { name, address })
    }

    /// What a question asks for, and the answer to it; nothing for what is no question.
    #[must_use]
    pub fn answer(&self, bytes: &[u8]) -> Option<(Vec<u8>, Option<Wanted>)> {
        let question = Message::from_vec(bytes.get(..LONGEST).unwrap_or(bytes)).ok()?;
        if question.metadata.message_type != MessageType::Query {
            return None;
        }
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        let (OpCode::Query, [query]) = (question.metadata.op_code, question.queries.as_slice()) else {
            answer.metadata.response_code = ResponseCode::NotImp;
            return Some((answer.to_vec().ok()?, None));
        };
        // As it was written: some mix capitals into a name to know their answer by.
        answer.add_query(query.clone());
        let name = query.name().to_lowercase();
        if !self.name.zone_of(&name) || query.query_class() != DNSClass::IN {
            answer.metadata.response_code = ResponseCode::Refused;
            return Some((answer.to_vec().ok()?, None));
        }
        answer.metadata.authoritative = true;
        let record = |data: RData| Record::from_rdata(query.name().clone(), LIFE, data);
        match (query.query_type(), self.address) {
            (RecordType::A | RecordType::ANY, IpAddr::V4(address)) => {
                answer.add_answer(record(RData::A(A(address))));
            }
            (RecordType::AAAA | RecordType::ANY, IpAddr::V6(address)) => {
                answer.add_answer(record(RData::AAAA(AAAA(address))));
            }
            (RecordType::NS, _) if name == self.name => {
                answer.add_answer(record(RData::NS(NS(self.name.clone()))));
            }
            (RecordType::SOA, _) if name == self.name => {
                answer.add_answer(record(RData::SOA(self.authority())));
            }
            // It is there, and has nothing of that kind.
            _ => {
                let record = Record::from_rdata(self.name.clone(), LIFE, RData::SOA(self.authority()));
                answer.add_authority(record);
            }
        }
        let name = name.to_ascii().trim_end_matches('.').to_owned();
        Some((answer.to_vec().ok()?, Some(Wanted { name, kind: query.query_type().to_string() })))
    }

    fn authority(&self) -> SOA {
        SOA::new(self.name.clone(), self.name.clone(), 1, 60, 60, 60, LIFE)
    }

    /// A name in it.
    #[must_use]
    pub fn name(&self, label: &str) -> String {
        format!("{label}.{}", self.name.to_ascii().trim_end_matches('.'))
    }
}

impl NameServer {
    /// Begins to listen, by UDP and by TCP.
    ///
    /// # Errors
    /// When the address is taken, or none of this machine.
    pub async fn start(at: SocketAddr, zone: Zone) -> io::Result<Self> {
        let (listener, socket) = both(at).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { zone, asked: Mutex::default(), arrived: Notify::new() });
        let own = Arc::clone(&shared);
        let streams = tokio::spawn(serve(listener, PATIENCE, move |stream, peer| {
            let shared = Arc::clone(&own);
            async move { take(stream, peer, &shared).await }
        }));
        let own = Arc::clone(&shared);
        let datagrams = tokio::spawn(async move {
            let mut room = vec![0; LONGEST];
            loop {
                let Ok((read, peer)) = socket.recv_from(&mut room).await else {
                    // A port that was closed meanwhile, or the like.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                if let Some(answer) = own.answer(room.get(..read).unwrap_or_default(), peer) {
                    let _ = socket.send_to(&answer, peer).await;
                }
            }
        });
        Ok(Self { address, shared, tasks: [streams, datagrams] })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name by which somebody is told from all others.
    #[must_use]
    pub fn name(&self, word: &str) -> String {
        self.shared.zone.name(word)
    }

    /// Questions for names that have the word among their labels.
    #[must_use]
    pub fn asked(&self, word: &str) -> Vec<Asked> {
        let named = |asked: &&Asked| asked.name.split('.').any(|label| label.eq_ignore_ascii_case(word));
        lock(&self.shared.asked).iter().filter(named).cloned().collect()
    }

    /// The first that has the word, now or within a time.
    pub async fn wait(&self, word: &str, within: Duration) -> Option<Asked> {
        let arrives = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(asked) = self.asked(word).into_iter().next() {
                    return asked;
                }
                arrived.await;
            }
        };
        timeout(within, arrives).await.ok()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn answer(&self, bytes: &[u8], peer: SocketAddr) -> Option<Vec<u8>> {
        let (answer, asked) = self.zone.answer(bytes)?;
        if let Some(Wanted { name, kind }) = asked {
            let mut all = lock(&self.asked);
            if all.len() < MOST {
                all.push(Asked { peer, name, kind });
            }
            drop(all);
            self.arrived.notify_waiters();
        }
        Some(answer)
    }
}

/// One port for both; a free one is tried until it is free in both ways.
async fn both(at: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut tries = if at.port() == 0 { 20_u8 } else { 1 };
    loop {
        let listener = TcpListener::bind(at).await?;
        tries = tries.saturating_sub(1);
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

/// Questions over a stream, each with its length before it (RFC 7766).
async fn take(mut stream: TcpStream, peer: SocketAddr, shared: &Shared) -> io::Result<()> {
    loop {
        let length = usize::from(stream.read_u16().await?);
        if length > LONGEST {
            return Ok(());
        }
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await?;
        let Some(answer) = shared.answer(&bytes, peer) else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&answer).await?;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use gabion_egress::{Datagram, Dial as _, TcpDial};
    use hickory_proto::op::Query;
    use proptest::prelude::*;

    use super::*;

    fn zone() -> Zone {
        Zone::new("cb.example", Ipv4Addr::new(127, 0, 0, 9).into()).unwrap()
    }

    fn question(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::new(77, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        message.to_vec().unwrap()
    }

    fn answered(name: &str, kind: RecordType) -> (Message, Option<Wanted>) {
        let (bytes, asked) = zone().answer(&question(name, kind)).unwrap();
        (Message::from_vec(&bytes).unwrap(), asked)
    }

    #[test]
    fn every_name_of_the_zone_is_at_one_address_and_no_other_is_answered() {
        let (answer, asked) = answered("GxWord.CB.example.", RecordType::A);
        assert_eq!(answer.answers[0].data, RData::A(A(Ipv4Addr::new(127, 0, 0, 9))));
        assert_eq!(asked, Some(Wanted { name: "gxword.cb.example".to_owned(), kind: "A".to_owned() }));
        assert_eq!(answer.answers[0].name.to_ascii(), "GxWord.CB.example.");
        assert!(answer.metadata.authoritative && !answer.metadata.recursion_available);
        let (answer, asked) = answered("a.b.cb.example.", RecordType::AAAA);
        assert!(answer.answers.is_empty() && answer.authorities.len() == 1 && asked.is_some());
        for other in ["example.", "cb.example.org.", "xcb.example.", "."] {
            let (answer, asked) = answered(other, RecordType::A);
            assert_eq!((answer.metadata.response_code, asked), (ResponseCode::Refused, None), "{other}");
        }
        assert_eq!(zone().answer(b"no question"), None);
        // An answer is no question: two servers would talk for ever.
        let (bytes, _) = zone().answer(&question("a.cb.example.", RecordType::A)).unwrap();
        assert_eq!(zone().answer(&bytes), None);
    }

    #[test]
    fn only_names_are_zones() {
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        for wrong in ["", ".", "a..b", "a b", "a/b", "é.example", &"a".repeat(64), &"a.".repeat(120)] {
            assert_eq!(Zone::new(wrong, address), None, "{wrong}");
        }
        assert_eq!(Zone::new("CB.example.", address).unwrap().name("x"), "x.cb.example");
    }

    #[tokio::test]
    async fn questions_are_answered_by_both_ways_and_kept() {
        let server = NameServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), zone()).await.unwrap();
        let name = format!("{}.", server.name("gxone"));
        let asked = question(&name, RecordType::A);
        let datagram = Datagram { bytes: &asked, patience: Duration::from_secs(5), any_port: false };
        let answers = TcpDial.ask(server.address(), datagram).await.unwrap();
        assert_eq!(Message::from_vec(&answers[0]).unwrap().answers.len(), 1);
        let came = server.wait("gxone", Duration::from_secs(5)).await.unwrap();
        assert_eq!((came.name.as_str(), came.kind.as_str()), ("gxone.cb.example", "A"));
        let mut stream = TcpDial.dial(server.address()).await.unwrap();
        let asked = question("gxtwo.cb.example.", RecordType::TXT);
        stream.write_u16(u16::try_from(asked.len()).unwrap()).await.unwrap();
        stream.write_all(&asked).await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await.unwrap();
        assert!(Message::from_vec(&answer).unwrap().answers.is_empty());
        assert_eq!(server.asked("gxtwo").len(), 1);
        assert!(server.asked("gxthree").is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some((answer, _)) = zone().answer(&bytes) {
                prop_assert!(answer.len() <= bytes.len() + 200);
            }
        }

        #[test]
        fn a_changed_question_is_answered_or_left(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            end in any::<prop::sample::Index>(),
        ) {
            let mut bytes = question("gxword.cb.example.", RecordType::A);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.index(bytes.len()) + 1);
            if let Some((answer, _)) = zone().answer(&bytes) {
                prop_assert!(Message::from_vec(&answer).is_ok());
            }
        }
    }
}
