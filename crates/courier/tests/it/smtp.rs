use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_courier::{Courier, DeliveryError, MailSecurity, MailSettings, MailTransport};
use gabion_model::outbound::Mailer as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{courier, letter};

/// Answers every `RCPT` with `recipient`, offers what `greeting` says, keeps all it hears.
pub(crate) async fn server(
    recipient: &'static str,
    offers: &'static str,
) -> (MailSettings, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let keep = Arc::clone(&keep);
            tokio::spawn(async move {
                let _ = talk(stream, recipient, offers, &keep).await;
            });
        }
    });
    let settings = MailSettings {
        transport: MailTransport::Smtp,
        from: "gate@example.net".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        security: MailSecurity::Plain,
        ..MailSettings::default()
    };
    (settings, heard)
}

async fn talk(
    stream: TcpStream,
    recipient: &str,
    offers: &str,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 sink\r\n").await?;
    let mut data = false;
    while let Some(line) = lines.next_line().await? {
        heard.lock().unwrap().push(line.clone());
        let answer = match line.get(..4).unwrap_or(&line) {
            "." if data => {
                data = false;
                "250 kept\r\n".to_owned()
            }
            _ if data => continue,
            "EHLO" => format!("250-sink\r\n{offers}250 8BITMIME\r\n"),
            "RCPT" => format!("{recipient}\r\n"),
            "DATA" => {
                data = true;
                "354 go on\r\n".to_owned()
            }
            "QUIT" => return Ok(()),
            _ => "250 ok\r\n".to_owned(),
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn settled(courier: &Courier) {
    while courier.counts().sent + courier.counts().dead == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_letter_is_handed_over_whole() {
    let (settings, heard) = server("250 ok", "").await;
    let courier = courier(&settings);
    courier.deliver(&letter("ada@example.org")).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:<gate@example.net>")));
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
    assert!(heard.iter().any(|line| line == "Two"), "a line with only a dot ends nothing: {heard:?}");
}

#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_not_tried_again() {
    let (settings, heard) = server("550 no such mailbox", "").await;
    let courier = courier(&settings);
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    settled(&courier).await;
    assert_eq!((courier.counts().dead, courier.counts().waiting), (1, 0));
    assert_eq!(heard.lock().unwrap().iter().filter(|line| line.starts_with("RCPT")).count(), 1);
}

#[tokio::test]
async fn a_letter_that_is_refused_for_now_waits() {
    let (settings, heard) = server("450 later", "").await;
    let courier = courier(&settings);
    courier.start();
    courier.send(letter("ada@example.org")).unwrap();
    while !heard.lock().unwrap().iter().any(|line| line.starts_with("RCPT")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((courier.counts().dead, courier.counts().waiting), (0, 1));
}

/// Without TLS nothing is said: not to a server that does not offer it, nor to one in between that took
/// the offer away.
#[tokio::test]
async fn nothing_is_said_where_starttls_is_missing() {
    let (settings, heard) = server("250 ok", "").await;
    let settings = MailSettings { security: MailSecurity::Starttls, ..settings };
    let told = courier(&settings).deliver(&letter("ada@example.org")).await;
    assert!(matches!(told, Err(DeliveryError::Smtp(_))), "{told:?}");
    let heard = heard.lock().unwrap().clone();
    assert!(!heard.iter().any(|line| line.starts_with("MAIL") || line.starts_with("AUTH")), "{heard:?}");
}
