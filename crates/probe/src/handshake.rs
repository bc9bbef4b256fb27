//! The beginning of a handshake in versions of TLS that no library speaks any more: a `ClientHello` by hand, and what comes back
//! (RFC 5246, RFC 6101, RFC 8446). Nothing is ever agreed on: after the first answer the connection ends.

use std::time::Duration;

use gabion_egress::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// What is offered.
#[derive(Debug, Clone, Copy)]
pub struct Hello<'a> {
    /// `0x0303` for TLS 1.2.
    pub version: u16,
    /// Also TLS 1.3, without a key: whoever speaks it asks for one.
    pub newest: bool,
    pub suites: &'a [u16],
    /// Whether contents may be compressed.
    pub compression: bool,
    /// The name of the server, where it is a name and no address.
    pub name: &'a str,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The server goes on.
    Agreed(Agreed),
    /// It refuses, by the number of an alert where it says one.
    Refused(Option<u8>),
    /// No answer in time, or none of TLS.
    Nothing,
}

/// What a server chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreed {
    pub version: u16,
    pub suite: u16,
    pub compression: bool,
    /// The server's own certificate in DER, where it came in clear.
    pub certificate: Option<Vec<u8>>,
}

/// The most that is read of an answer, in bytes.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(4);

impl Hello<'_> {
    /// As it goes out, in a record.
    #[must_use]
    pub fn bytes(&self, random: &[u8; 32]) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend_from_slice(random);
        // No session to go on with.
        body.push(0);
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        body.extend(counted(&suites));
        body.extend_from_slice(if self.compression { &[2, 1, 0] } else { &[1, 0] });
        // The third version of SSL has no extensions.
        if self.version > 0x0300 {
            body.extend(counted(&self.extensions()));
        }
        let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
        let mut message = vec![1];
        message.extend(length.iter().skip(1));
        message.extend(body);
        let mut record = vec![22];
        record.extend_from_slice(&self.version.min(0x0301).to_be_bytes());
        record.extend(counted(&message));
        record
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut add = |kind: u16, content: &[u8]| {
            all.extend_from_slice(&kind.to_be_bytes());
            all.extend(counted(content));
        };
        if !self.name.is_empty() {
            let mut name = vec![0];
            name.extend(counted(self.name.as_bytes()));
            add(0, &counted(&name));
        }
        // The groups X25519, P-256, P-384, P-521; points as they are.
        add(10, &counted(&[0, 0x1d, 0, 0x17, 0, 0x18, 0, 0x19]));
        add(11, &[1, 0]);
        if self.version >= 0x0303 {
            let signatures: Vec<u8> =
                SIGNATURES.iter().flat_map(|signature: &u16| signature.to_be_bytes()).collect();
            add(13, &counted(&signatures));
        }
        if self.newest {
            add(43, &[2, 3, 4]);
            add(51, &[0, 0]);
        }
        all
    }

    /// Sends it, and reads what comes back; with `certificate` up to the server's certificate.
    pub async fn ask(&self, mut stream: Box<dyn Stream>, random: &[u8; 32], certificate: bool) -> Reply {
        let asked = async {
            stream.write_all(&self.bytes(random)).await.ok()?;
            stream.flush().await.ok()?;
            let mut bytes = Vec::new();
            loop {
                let reply = read(&bytes);
                let enough = match &reply {
                    Reply::Agreed(agreed) => {
                        !certificate || agreed.certificate.is_some() || is_newest(agreed.suite)
                    }
                    Reply::Refused(_) => true,
                    Reply::Nothing => false,
                };
                if enough || bytes.len() >= LONGEST {
                    return Some(reply);
                }
                match stream.read_buf(&mut bytes).await {
                    Ok(0) | Err(_) if bytes.is_empty() => return Some(Reply::Refused(None)),
                    Ok(0) | Err(_) => return Some(reply),
                    Ok(_) => {}
                }
            }
        };
        timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(Reply::Nothing)
    }
}

/// SHA-2 and SHA-1 with RSA and ECDSA: a server must have no excuse.
const SIGNATURES: &[u16] =
    &[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807, 0x0203, 0x0201];

/// Suites of TLS 1.3, where certificates are secret.
const fn is_newest(suite: u16) -> bool {
    suite >> 8 == 0x13
}

/// With its length in two bytes before it.
fn counted(content: &[u8]) -> Vec<u8> {
    let mut all = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    all.extend_from_slice(content);
    all
}

/// What an answer says, as far as it is there.
fn read(bytes: &[u8]) -> Reply {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let [kind, _, _, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let content = behind.get(..length).unwrap_or(behind);
        match kind {
            21 => {
                if let (true, [_, alert, ..]) = (messages.is_empty(), content) {
                    return Reply::Refused(Some(*alert));
                }
                break;
            }
            22 => messages.extend_from_slice(content),
            _ => break,
        }
        rest = behind.get(length..).unwrap_or_default();
    }
    let mut agreed = None;
    let mut rest = messages.as_slice();
    while let [kind, one, two, three, behind @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([0, *one, *two, *three])).unwrap_or(usize::MAX);
        let Some(content) = behind.get(..length) else { break };
        match (kind, &mut agreed) {
            (2, None) => agreed = chosen(content),
            // A list of certificates with three bytes of length each, the server's own first.
            (11, Some(agreed)) => {
                if let [_, _, _, one, two, three, list @ ..] = content {
                    let length = u32::from_be_bytes([0, *one, *two, *three]);
                    let own = usize::try_from(length).ok().and_then(|length| list.get(..length));
                    agreed.certificate = own.map(<[u8]>::to_vec);
                }
            }
            _ => {}
        }
        rest = behind.get(length..).unwrap_or_default();
    }
    agreed.map_or(Reply::Nothing, Reply::Agreed)
}

/// What a `ServerHello` chose.
fn chosen(content: &[u8]) -> Option<Agreed> {
    let (version, rest) = content.split_at_checked(2)?;
    let (session, rest) = rest.get(32..)?.split_first()?;
    match (version, rest.get(usize::from(*session)..)?) {
        ([high, low], [one, two, compression, ..]) => Some(Agreed {
            version: u16::from_be_bytes([*high, *low]),
            suite: u16::from_be_bytes([*one, *two]),
            compression: *compression != 0,
            certificate: None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `ServerHello` of that version and suite, and a certificate of three bytes, in two records.
    fn answer(version: u16, suite: u16) -> Vec<u8> {
        let mut hello = version.to_be_bytes().to_vec();
        hello.extend([7; 32]);
        hello.extend([1, 9]);
        hello.extend(suite.to_be_bytes());
        hello.push(0);
        let mut message = vec![2, 0, 0, u8::try_from(hello.len()).unwrap()];
        message.extend(hello);
        message.extend([11, 0, 0, 9, 0, 0, 6, 0, 0, 3, 1, 2, 3]);
        let (one, two) = message.split_at(20);
        let mut all = vec![22, 3, 1];
        all.extend(counted(one));
        all.extend([22, 3, 1]);
        all.extend(counted(two));
        all
    }

    #[test]
    fn what_a_server_chose_is_read_across_records() {
        let certificate = Some(vec![1, 2, 3]);
        let agreed = Agreed { version: 0x0301, suite: 0x002f, compression: false, certificate };
        assert_eq!(read(&answer(0x0301, 0x002f)), Reply::Agreed(agreed));
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 70]), Reply::Refused(Some(70)));
        assert_eq!(read(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reply::Nothing);
    }

    #[test]
    fn hostile_answers_are_no_panic() {
        let whole = answer(0x0303, 0x1301);
        for end in 0..whole.len() {
            let _ = read(&whole[..end]);
            let mut changed = whole.clone();
            for byte in [0, 1, 0x7f, 0xff] {
                changed[end] = byte;
                let _ = read(&changed);
            }
        }
    }

    #[test]
    fn a_hello_counts_what_it_has() {
        let hello =
            Hello { version: 0x0303, newest: true, suites: &[0xc02f], compression: true, name: "a.example" };
        let bytes = hello.bytes(&[5; 32]);
        assert_eq!(bytes.get(..3), Some(&[22, 3, 1][..]));
        let record = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let message = usize::from(u16::from_be_bytes([bytes[7], bytes[8]]));
        assert_eq!((bytes.len(), message), (record + 5, record - 4));
    }
}
