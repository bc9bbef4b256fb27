//! The steps that the state of all alerts takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::{DocumentChange, Event, EventKind, Severity, Timestamp};
use serde::Serialize;

use super::{Area, Book, GROUPS, HOUR, LAST, MINUTE, PER_RULE, POSITION, RAISED, REMEMBERED, RULES, WAITING};
use crate::group::{self, Group, GroupState, Touched};
use crate::{ChannelSettings, Notice, NoticeKind};

impl Book {
    pub(super) fn next(&mut self) -> u64 {
        self.last = self.last.saturating_add(1);
        self.last
    }

    /// Something rang.
    pub(super) fn ring(&mut self, position: u64, event: &Event, now: Timestamp) {
        let settings = Arc::clone(&self.settings);
        let key = group::key(event);
        let window = settings.window.as_duration();
        let is_its = |group: &&Group, key: &str| {
            group.key == key && !group.is_closed() && event.time.saturating_since(group.last_seen) <= window
        };
        let known = self.groups.values().rev().find(|group| is_its(group, &key)).map(|group| group.id);
        if let Some(id) = known {
            return self.again(id, position, event, now);
        }
        // One rule does not take the places of the others, and nothing that is open makes room: what is too much is counted
        // together, by rule.
        let rule = group::rule(event);
        let own = self.groups.values().filter(|group| !group.is_closed() && group.rule == rule).count();
        let has_place = self.has_place();
        let (key, fields) = match self.groups.len() {
            _ if own < PER_RULE && has_place => (key, true),
            many if many < GROUPS.saturating_add(RULES) => (format!("{rule}\u{1f}*"), false),
            _ => ("\u{1f}*".to_owned(), false),
        };
        let known = self.groups.values().rev().find(|group| group.key == key && !group.is_closed());
        if let Some(id) = known.map(|group| group.id).filter(|_| !fields) {
            return self.again(id, position, event, now);
        }
        let id = self.next();
        let mut group = Group::of(id, key, position, event);
        if !fields {
            group.fields = BTreeMap::from([("many".to_owned(), "more than can be told apart".to_owned())]);
        }
        let is_excepted = settings.exceptions.iter().any(|exception| exception.matcher.fits(event));
        let silence =
            self.silences.values().find(|silence| silence.holds(now) && silence.matcher.fits(event));
        if is_excepted || silence.is_some() {
            (group.state, group.silence) = (GroupState::Silenced, silence.map(|silence| silence.id));
        }
        let is_open = group.state == GroupState::Open;
        self.groups.insert(id, group.clone());
        self.dirty.insert((Area::Group, id));
        if is_open {
            self.tell(&group, NoticeKind::Raised, 1, now);
        }
    }

    /// It rang again for the same.
    fn again(&mut self, id: u64, position: u64, event: &Event, now: Timestamp) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let worse = group.take(position, event);
        let is_heard = matches!(group.state, GroupState::Open | GroupState::Acknowledged);
        if worse && is_heard {
            // Whoever took it took something less.
            (group.state, group.acknowledged, group.step) = (GroupState::Open, None, 1);
        }
        let group = group.clone();
        self.dirty.insert((Area::Group, id));
        if worse && is_heard {
            self.drop_notices(id);
            self.tell(&group, NoticeKind::Raised, 1, now);
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Group> {
        let settings = Arc::clone(&self.settings);
        self.end_silences(now);
        let last_step = settings.last_step();
        let mut closed = Vec::new();
        let ids: Vec<u64> =
            self.groups.values().filter(|group| !group.is_closed()).map(|group| group.id).collect();
        for id in ids {
            let Some(group) = self.groups.get(&id).cloned() else { continue };
            let idle = now.saturating_since(group.last_seen);
            let longest = settings.close_after.as_duration();
            let longest = if group.state == GroupState::Open { longest.saturating_mul(3) } else { longest };
            if idle >= longest {
                self.change(id, |group| {
                    group.state = GroupState::Closed;
                    group.closed = Some(Touched { by: "gate".to_owned(), at: now });
                });
                self.drop_notices(id);
                let group = Group { state: GroupState::Closed, ..group };
                self.follow_up(&group, NoticeKind::Closed, now);
                closed.push(group);
                continue;
            }
            let (GroupState::Open, Some(told)) = (group.state, group.told) else { continue };
            let since = now.saturating_since(told);
            if group.step < last_step && since >= settings.escalate_after.as_duration() {
                let next = settings.channels.iter().map(|one| one.step).filter(|step| *step > group.step);
                let step = next.min().unwrap_or(last_step);
                self.change(id, |group| (group.step, group.told) = (step, Some(now)));
                let group = Group { step, ..group };
                self.tell(&group, NoticeKind::Escalated, step, now);
            } else if since >= settings.repeat_after.as_duration() && !self.waits(id) {
                self.change(id, |group| group.told = Some(now));
                for step in 1..=group.step {
                    self.tell(&group, NoticeKind::Repeated, step, now);
                }
            }
        }
        self.forget(now);
        closed
    }

    /// Silences that are over: what rang under them is told now, if it is still of interest.
    pub(super) fn end_silences(&mut self, now: Timestamp) {
        let over: Vec<u64> =
            self.silences.values().filter(|silence| !silence.holds(now)).map(|silence| silence.id).collect();
        for silence in over {
            self.silences.remove(&silence);
            self.dirty.insert((Area::Silence, silence));
            let under =
                |group: &&Group| group.state == GroupState::Silenced && group.silence == Some(silence);
            let ids: Vec<u64> = self.groups.values().filter(under).map(|group| group.id).collect();
            for id in ids {
                self.change(id, |group| (group.state, group.silence) = (GroupState::Open, None));
                if let Some(group) = self.groups.get(&id).cloned() {
                    self.tell(&group, NoticeKind::Raised, 1, now);
                }
            }
        }
    }

    /// Tells the channels of a step.
    fn tell(&mut self, group: &Group, kind: NoticeKind, step: u8, now: Timestamp) {
        let settings = Arc::clone(&self.settings);
        let id = group.key.split('\u{1f}').next().unwrap_or_default().to_owned();
        let takes = |channel: &&ChannelSettings| {
            let own = channel.name == group.fields.get("channel").map_or("", String::as_str);
            // That a channel fails is told by the others.
            channel.step == step && channel.takes(&group.rule, &id, group.severity) && !own
        };
        for channel in settings.channels.iter().filter(takes) {
            if self.has_room(channel, group.severity, now) {
                self.notice(&channel.name, kind, Some(group), 0, now);
            } else {
                self.fold(channel, group.severity, now);
            }
            let name = channel.name.clone();
            self.change(group.id, |group| {
                group.told = Some(now);
                if !group.channels.contains(&name) {
                    group.channels.push(name);
                }
            });
        }
        // Nobody is there for it at this step: the clock runs all the same.
        self.change(group.id, |group| group.told = Some(group.told.unwrap_or(now)));
    }

    /// Tells those who keep alerts themselves that it was taken or is over.
    pub(super) fn follow_up(&mut self, group: &Group, kind: NoticeKind, now: Timestamp) {
        let settings = Arc::clone(&self.settings);
        let told =
            |channel: &&ChannelSettings| channel.kind.follows() && group.channels.contains(&channel.name);
        for channel in settings.channels.iter().filter(told) {
            self.notice(&channel.name, kind, Some(group), 0, now);
        }
    }

    /// Whether a channel is told of one more by itself: within its share of the hour, and while not too much waits for it. What
    /// is less bad leaves a quarter of both to what is `high`, and what is `critical` has as much again: whoever makes many
    /// alerts does not hide a worse one.
    fn has_room(&mut self, channel: &ChannelSettings, severity: Severity, now: Timestamp) -> bool {
        let part = |all: usize| match severity {
            Severity::Critical => all.saturating_mul(2),
            Severity::High => all,
            _ => all.saturating_sub(all.div_euclid(4)),
        };
        let its = |notice: &&Notice| notice.channel == channel.name && notice.kind.rings();
        if self.notices.values().filter(its).count() >= part(WAITING) {
            return false;
        }
        let sent = self.sent.entry(channel.name.clone()).or_default();
        sent.retain(|at| now.saturating_since(*at) < HOUR);
        if sent.len() >= part(usize::try_from(channel.per_hour).unwrap_or(usize::MAX)) {
            return false;
        }
        sent.push(now);
        true
    }

    /// One notice about all that a channel has no room for, at the time when there is room.
    fn fold(&mut self, channel: &ChannelSettings, severity: Severity, now: Timestamp) {
        let is_it = |notice: &&Notice| {
            notice.channel == channel.name && notice.kind == NoticeKind::More && notice.due > now
        };
        let id = match self.notices.values().find(is_it) {
            Some(notice) => notice.id,
            None => self.notice(&channel.name, NoticeKind::More, None, 0, now).id,
        };
        let sent = self.sent.entry(channel.name.clone()).or_default();
        if let Some(notice) = self.notices.get_mut(&id) {
            if notice.more == 0 {
                let room = sent.iter().min().map_or(now, |first| first.saturating_add(HOUR));
                notice.due = room.max(now.saturating_add(MINUTE));
                sent.push(notice.due);
            }
            notice.more = notice.more.saturating_add(1);
            notice.worst = notice.worst.max(Some(severity));
            self.dirty.insert((Area::Notice, id));
        }
    }

    /// Whether somebody is still to be told of a group.
    fn waits(&self, group: u64) -> bool {
        self.notices.values().any(|notice| notice.group.as_ref().is_some_and(|own| own.id == group))
    }

    pub(super) fn notice(
        &mut self,
        channel: &str,
        kind: NoticeKind,
        group: Option<&Group>,
        more: u64,
        now: Timestamp,
    ) -> Notice {
        let (id, channel) = (self.next(), channel.to_owned());
        let group = group.cloned().map(Box::new);
        let notice = Notice { id, channel, kind, group, more, made: now, due: now, tries: 0, worst: None };
        self.notices.insert(id, notice.clone());
        self.dirty.insert((Area::Notice, id));
        notice
    }

    /// What was not told yet of a group has no point any more. Whoever was tried already may have heard of it.
    pub(super) fn drop_notices(&mut self, group: u64) {
        let is_its = |notice: &&Notice| {
            notice.kind.rings() && notice.group.as_ref().is_some_and(|own| own.id == group)
        };
        let ids: Vec<u64> = self.notices.values().filter(is_its).map(|notice| notice.id).collect();
        for id in ids {
            self.notices.remove(&id);
            self.dirty.insert((Area::Notice, id));
        }
    }

    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.get_mut(&id) {
            change(group);
            self.dirty.insert((Area::Group, id));
        }
    }

    /// Whether there is a place for one more group; the oldest that are closed make room.
    fn has_place(&mut self) -> bool {
        while self.groups.len() >= GROUPS {
            let closed = self.groups.values().find(|group| group.is_closed()).map(|group| group.id);
            let Some(id) = closed else { return false };
            self.groups.remove(&id);
            self.dirty.insert((Area::Group, id));
        }
        true
    }

    fn forget(&mut self, now: Timestamp) {
        let is_old = |group: &&Group| {
            group.closed.as_ref().is_some_and(|closed| now.saturating_since(closed.at) > REMEMBERED)
        };
        let ids: Vec<u64> = self.groups.values().filter(is_old).map(|group| group.id).collect();
        for id in ids {
            self.groups.remove(&id);
            self.dirty.insert((Area::Group, id));
        }
    }

    /// What a step changed, to be kept.
    pub(super) fn changes(&self, last: u64) -> Vec<DocumentChange> {
        let mut changes = Vec::new();
        for (area, id) in &self.dirty {
            let (name, text) = match area {
                Area::Group => ("group", self.groups.get(id).map(json)),
                Area::Notice => ("notice", self.notices.get(id).map(json)),
                Area::Silence => ("silence", self.silences.get(id).map(json)),
            };
            let id = format!("{name}/{id:020}");
            changes.push(match text {
                Some(text) => DocumentChange::Put { id, text },
                None => DocumentChange::Remove { id },
            });
        }
        let mut number = |id: &str, number: u64| {
            changes.push(DocumentChange::Put { id: id.to_owned(), text: number.to_string() });
        };
        if self.last != last {
            number(LAST, self.last);
        }
        if let Some(own) = self.position.filter(|own| Some(*own) != self.kept) {
            number(POSITION, own);
        }
        changes
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What a silence would have seen of a group.
pub(super) fn resembling(group: &Group) -> Event {
    use gabion_model::{Actor, ControlId, Outcome};
    let control = ControlId::WATCH_ALERTS;
    let mut event =
        Event::new(group.last_seen, EventKind::Alert, RAISED, Actor::Gate, Outcome::Success, control);
    event.resource.clone_from(&group.rule);
    event.severity = Some(group.severity);
    event.address = group.address.as_ref().and_then(|text| text.parse().ok());
    let rule = group.key.split('\u{1f}').next().unwrap_or_default();
    event.metadata.insert("rule".to_owned(), rule.to_owned());
    for (name, value) in &group.fields {
        event.metadata.insert(format!("group.{name}"), value.clone());
    }
    event
}
