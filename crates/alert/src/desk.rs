//! The state of all alerts, and every step it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{DocumentError, Documents, Event, EventKind, MemoryDocuments, Timestamp};
use tokio::sync::watch;

use crate::group::{self, Group, GroupState, Touched};
use crate::standing::{ChannelStanding, Health};
use crate::{ChannelSettings, NewSilence, Notice, NoticeKind, Settings, Silence};

/// All alerts. Each step is durable when its method returns.
pub struct Desk {
    book: Mutex<Book>,
    storage: Arc<dyn Documents>,
    /// How each channel does; forgotten at the end of the gate.
    health: Mutex<BTreeMap<String, Health>>,
    changed: watch::Sender<()>,
}

#[derive(Clone, Default)]
struct Book {
    settings: Arc<Settings>,
    groups: BTreeMap<u64, Group>,
    silences: BTreeMap<u64, Silence>,
    notices: BTreeMap<u64, Notice>,
    last: u64,
    /// Up to which record of the ledger it has seen.
    position: Option<u64>,
    /// What of it is kept.
    kept: Option<u64>,
    /// When each channel was sent something in the last hour; forgotten at the end of the gate.
    sent: BTreeMap<String, Vec<Timestamp>>,
    /// What a step changed.
    dirty: BTreeSet<(Area, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Area {
    Group,
    Notice,
    Silence,
}

/// Why nothing was done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error("it is closed already")]
    Closed,
    #[error("there is no such alert or silence")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] DocumentError),
    #[error("there are as many silences as can be kept")]
    TooMany,
}

/// How a try to tell went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Delivered,
    /// It may go better later; after this time if the channel said so.
    Failed {
        again_in: Option<Duration>,
    },
    /// It never will.
    Refused,
}

/// What became of a notice after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Again { at: Timestamp, tries: u32 },
    Delivered,
    GivenUp,
}

impl Desk {
    /// Reads what was kept.
    ///
    /// # Errors
    /// When it cannot be read, or a text in it is not one of ours.
    pub fn open(storage: Arc<dyn Documents>, settings: Settings) -> Result<Self, DocumentError> {
        let mut book = Book { settings: Arc::new(settings), ..Book::default() };
        for (id, text) in storage.documents(AREA)? {
            let damaged = || DocumentError(format!("`{id}` of the alerts cannot be read"));
            match id.split_once('/') {
                None if id == POSITION => {
                    book.position = Some(text.parse().map_err(|_| damaged())?);
                    book.kept = book.position;
                }
                None if id == LAST => book.last = book.last.max(text.parse().map_err(|_| damaged())?),
                Some(("group", _)) => {
                    let group: Group = serde_json::from_str(&text).map_err(|_| damaged())?;
                    book.last = book.last.max(group.id);
                    book.groups.insert(group.id, group);
                }
                Some(("notice", _)) => {
                    let notice: Notice = serde_json::from_str(&text).map_err(|_| damaged())?;
                    book.last = book.last.max(notice.id);
                    book.notices.insert(notice.id, notice);
                }
                Some(("silence", _)) => {
                    let silence: Silence = serde_json::from_str(&text).map_err(|_| damaged())?;
                    book.last = book.last.max(silence.id);
                    book.silences.insert(silence.id, silence);
                }
                _ => return Err(damaged()),
            }
        }
        Ok(Self { book: Mutex::new(book), storage, health: Mutex::default(), changed: watch::channel(()).0 })
    }

    /// One that forgets at its end.
    #[must_use]
    pub fn forgetful() -> Self {
        let storage = Arc::new(MemoryDocuments::default());
        Self { book: Mutex::default(), storage, health: Mutex::default(), changed: watch::channel(()).0 }
    }

    /// Goes by these from now on. What waits for a channel that is no more is given up at its next turn.
    pub fn set_settings(&self, settings: Settings) {
        let is_there = |name: &String| settings.channels.iter().any(|channel| channel.name == *name);
        self.health(|all| all.retain(|name, _| is_there(name)));
        self.lock().settings = Arc::new(settings);
        self.changed.send_replace(());
    }

    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.lock().settings)
    }

    /// Up to which record of the ledger it has seen.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.lock().position
    }

    /// Says when something changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Shows it a record. One that it has seen already changes nothing.
    ///
    /// # Errors
    /// When it cannot be kept: nothing changed, and it is to be shown again.
    pub fn see(&self, position: u64, event: &Event, now: Timestamp) -> Result<(), DocumentError> {
        let rings = event.kind == EventKind::Alert && event.action == RAISED;
        if !rings {
            // How far it is is kept with the next alert or tick: what is read again changes nothing.
            let mut book = self.lock();
            book.position = book.position.max(Some(position));
            return Ok(());
        }
        self.step(|book| {
            if book.position.is_some_and(|own| own >= position) {
                return Ok(());
            }
            book.position = Some(position);
            book.ring(position, event, now);
            Ok(())
        })
    }

    /// Begins behind this record, where it began nowhere yet.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn begin(&self, position: u64) -> Result<(), DocumentError> {
        self.step(|book| {
            book.position.get_or_insert(position);
            Ok(())
        })
    }

    /// What time does. To be called now and then.
    ///
    /// # Errors
    /// When it cannot be kept; the next call does it.
    pub fn tick(&self, now: Timestamp) -> Result<Vec<Group>, DocumentError> {
        self.step(|book| Ok::<_, DocumentError>(book.tick(now)))
    }

    /// Forgets every alert that names an account that is erased, and what was to be told of it. What the ledger has of them is
    /// erased there.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn erase(&self, name: &str) -> Result<(), DocumentError> {
        self.step(|book| {
            let names = |group: &&Group| {
                serde_json::to_string(group).is_ok_and(|text| text.to_lowercase().contains(name))
            };
            let ids: Vec<u64> = book.groups.values().filter(names).map(|group| group.id).collect();
            for id in ids {
                book.groups.remove(&id);
                book.dirty.insert((Area::Group, id));
                book.drop_notices(id);
            }
            Ok(())
        })
    }

    /// Somebody has it: nobody else is told of it, unless it becomes worse.
    ///
    /// # Errors
    /// When there is none that is open.
    pub fn acknowledge(&self, id: u64, by: &str, now: Timestamp) -> Result<Group, DeskError> {
        self.touch(id, NoticeKind::Acknowledged, now, |group| {
            if group.acknowledged.is_some() {
                return false;
            }
            group.state = GroupState::Acknowledged;
            group.acknowledged = Some(Touched { by: by.to_owned(), at: now });
            true
        })
    }

    /// It is over: the next alert of its kind begins another.
    ///
    /// # Errors
    /// When there is none that is open.
    pub fn close(&self, id: u64, by: &str, now: Timestamp) -> Result<Group, DeskError> {
        self.touch(id, NoticeKind::Closed, now, |group| {
            group.state = GroupState::Closed;
            group.closed = Some(Touched { by: by.to_owned(), at: now });
            true
        })
    }

    /// Tells nobody of alerts that fit, until it ends; what is open and fits is silenced with it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn silence(&self, new: NewSilence, by: &str, now: Timestamp) -> Result<Silence, DeskError> {
        self.step(|book| {
            if book.silences.len() >= SILENCES {
                return Err(DeskError::TooMany);
            }
            let NewSilence { matcher, until, reason } = new;
            let (id, by) = (book.next(), by.to_owned());
            let silence = Silence { id, matcher, from: now, until, reason: group::cut(&reason, 500), by };
            book.silences.insert(id, silence.clone());
            book.dirty.insert((Area::Silence, id));
            let fits = |group: &&Group| {
                group.state == GroupState::Open && silence.matcher.fits(&book::resembling(group))
            };
            let fitting: Vec<u64> = book.groups.values().filter(fits).map(|group| group.id).collect();
            for group in fitting {
                book.change(group, |group| {
                    (group.state, group.silence) = (GroupState::Silenced, Some(id));
                });
                book.drop_notices(group);
            }
            Ok(silence)
        })
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// When there is none.
    pub fn unsilence(&self, id: u64, now: Timestamp) -> Result<Silence, DeskError> {
        self.step(|book| {
            let silence = book.silences.get_mut(&id).ok_or(DeskError::NotFound)?;
            silence.until = silence.until.min(now);
            let ended = silence.clone();
            book.dirty.insert((Area::Silence, id));
            book.end_silences(now);
            Ok(ended)
        })
    }

    /// A test message to a channel, or to all. One that waits already is not made a second time.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] when there is no such channel.
    pub fn test(&self, channel: Option<&str>, now: Timestamp) -> Result<Vec<Notice>, DeskError> {
        self.step(|book| {
            let settings = Arc::clone(&book.settings);
            let wanted = |one: &&ChannelSettings| channel.is_none_or(|name| name == one.name);
            let mut notices = Vec::new();
            for channel in settings.channels.iter().filter(wanted) {
                let is_it =
                    |notice: &&Notice| notice.channel == channel.name && notice.kind == NoticeKind::Test;
                let waits = book.notices.values().find(is_it).cloned();
                notices.push(match waits {
                    Some(notice) => notice,
                    None => book.notice(&channel.name, NoticeKind::Test, None, 0, now),
                });
            }
            if notices.is_empty() { Err(DeskError::NotFound) } else { Ok(notices) }
        })
    }

    /// Test messages that are told now by whoever asks, and not kept.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] when there is no such channel.
    pub fn test_now(&self, channel: Option<&str>, now: Timestamp) -> Result<Vec<Notice>, DeskError> {
        self.step(|book| {
            let settings = Arc::clone(&book.settings);
            let names = settings.channels.iter().map(|one| &one.name);
            let wanted = names.filter(|name| channel.is_none_or(|channel| channel == name.as_str()));
            let made = wanted.map(|name| {
                let (id, channel) = (book.next(), name.clone());
                let (kind, group, more, tries) = (NoticeKind::Test, None, 0, 0);
                Notice { id, channel, kind, group, more, worst: None, made: now, due: now, tries }
            });
            let notices: Vec<Notice> = made.collect();
            if notices.is_empty() { Err(DeskError::NotFound) } else { Ok(notices) }
        })
    }

    /// Groups, the latest first.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        self.lock().groups.values().rev().cloned().collect()
    }

    #[must_use]
    pub fn group(&self, id: u64) -> Option<Group> {
        self.lock().groups.get(&id).cloned()
    }

    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        self.lock().silences.values().cloned().collect()
    }

    /// Everything that was not told yet.
    #[must_use]
    pub fn waiting(&self) -> Vec<Notice> {
        self.lock().notices.values().cloned().collect()
    }

    /// What is to be told to a channel now, in order; at most one at a time is given out.
    #[must_use]
    pub fn due(&self, channel: &str, now: Timestamp) -> Option<Notice> {
        let book = self.lock();
        book.notices
            .values()
            .filter(|notice| notice.channel == channel)
            .find(|notice| notice.due <= now)
            .cloned()
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self, channel: &str) -> Option<Timestamp> {
        let book = self.lock();
        book.notices.values().filter(|notice| notice.channel == channel).map(|notice| notice.due).min()
    }

    /// Names of channels that something waits for and that are not there any more.
    #[must_use]
    pub fn orphans(&self) -> Vec<Notice> {
        let book = self.lock();
        let is_there = |name: &str| book.settings.channels.iter().any(|channel| channel.name == name);
        book.notices.values().filter(|notice| !is_there(&notice.channel)).cloned().collect()
    }

    /// What a try with a notice would come to. Whoever acts by it records it in the ledger and then says so by
    /// [`told`](Self::told): a record too many is better than one too few.
    #[must_use]
    pub fn outcome(notice: &Notice, told: &Told, now: Timestamp) -> Change {
        let tries = notice.tries.saturating_add(1);
        match told {
            Told::Delivered => Change::Delivered,
            Told::Refused => Change::GivenUp,
            Told::Failed { again_in } => {
                if now.saturating_since(notice.made) >= PATIENCE {
                    return Change::GivenUp;
                }
                let doubled = FIRST_PAUSE
                    .saturating_mul(1_u32.checked_shl(tries.min(16).saturating_sub(1)).unwrap_or(1));
                let pause = doubled.min(LONGEST_PAUSE).max(again_in.unwrap_or_default().min(LONGEST_ASKED));
                Change::Again { at: now.saturating_add(pause), tries }
            }
        }
    }

    /// How a try with a notice went.
    ///
    /// # Errors
    /// When it cannot be kept: the notice is told again.
    pub fn told(&self, notice: &Notice, change: Change, now: Timestamp) -> Result<(), DocumentError> {
        self.step(|book| {
            let Some(kept) = book.notices.get_mut(&notice.id) else { return Ok(()) };
            book.dirty.insert((Area::Notice, notice.id));
            match change {
                Change::Again { at, tries } => (kept.due, kept.tries) = (at, tries),
                // More was counted to it while it was told.
                Change::Delivered | Change::GivenUp if kept.more > notice.more => {
                    kept.more = kept.more.saturating_sub(notice.more);
                    (kept.made, kept.due, kept.tries) = (now, now.saturating_add(MINUTE), 0);
                }
                Change::GivenUp => {
                    book.notices.remove(&notice.id);
                }
                Change::Delivered => {
                    book.notices.remove(&notice.id);
                    if let Some(group) = notice.group.as_ref().filter(|_| notice.kind.rings()) {
                        book.change(group.id, |own| own.told = Some(now));
                    }
                }
            }
            Ok(())
        })
    }

    /// A channel took something. Whether it had failed before.
    pub fn works(&self, channel: &str, now: Timestamp) -> bool {
        self.health(|all| all.entry(channel.to_owned()).or_default().works(now))
    }

    /// A channel failed; `lasting`: in a way that does not pass by itself. Whether others are to be told now: once until it
    /// takes something again.
    pub fn fails(&self, channel: &str, reason: &str, lasting: bool, now: Timestamp) -> bool {
        self.health(|all| all.entry(channel.to_owned()).or_default().fails(reason, lasting, now))
    }

    /// How each channel does.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelStanding> {
        let book = self.lock().clone();
        let standing = |channel: &ChannelSettings, health: Health| {
            let its = book.notices.values().filter(|notice| notice.channel == channel.name);
            let folded = its.clone().map(|notice| notice.more).sum();
            health.standing(channel, its.count(), folded)
        };
        self.health(|all| {
            let of = |channel| standing(channel, all.get(&channel.name).cloned().unwrap_or_default());
            book.settings.channels.iter().map(of).collect()
        })
    }

    fn health<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Health>) -> T) -> T {
        look(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn touch(
        &self,
        id: u64,
        kind: NoticeKind,
        now: Timestamp,
        change: impl FnOnce(&mut Group) -> bool,
    ) -> Result<Group, DeskError> {
        self.step(|book| {
            let group = book.groups.get_mut(&id).ok_or(DeskError::NotFound)?;
            if group.is_closed() {
                return Err(DeskError::Closed);
            }
            if !change(group) {
                return Ok(group.clone());
            }
            let group = group.clone();
            book.dirty.insert((Area::Group, id));
            book.drop_notices(id);
            book.follow_up(&group, kind, now);
            Ok(group)
        })
    }

    /// One step: on a copy, durable, and then the state.
    fn step<T, E: From<DocumentError>>(&self, step: impl FnOnce(&mut Book) -> Result<T, E>) -> Result<T, E> {
        let mut book = self.lock();
        let last = book.last;
        let mut next = book.clone();
        next.dirty.clear();
        let answer = step(&mut next)?;
        let changes = next.changes(last);
        next.kept = next.position;
        if !changes.is_empty() {
            self.storage.change_documents(AREA, &changes)?;
        }
        *book = next;
        drop(book);
        if !changes.is_empty() {
            self.changed.send_replace(());
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Desk").field("groups", &self.lock().groups.len()).finish_non_exhaustive()
    }
}

/// The action of alerts in the ledger.
const RAISED: &str = "alert.raised";
const AREA: &str = "alert";
const POSITION: &str = "position";
/// The highest number that was given.
const LAST: &str = "last";
/// Groups that are kept, with those that are closed.
const GROUPS: usize = 2_000;
/// Open ones of one rule that are told apart.
const PER_RULE: usize = 200;
const SILENCES: usize = 200;
/// Rules whose groups are counted together when there is no place for more.
const RULES: usize = 500;
/// Messages that wait for one channel; what is more is folded into one.
const WAITING: usize = 200;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// No longer than this is waited because a channel asks for it.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

mod book;
#[cfg(test)]
mod tests;
