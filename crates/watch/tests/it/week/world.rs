//! A thousand people, twenty programs, and what happens to everybody who runs something: three weeks of it.

use gabion_model::{Actor, ControlId, Outcome, Timestamp};

use super::dice::Dice;
use super::events::{DAY, From, HOUR, MINUTE, Stream, Usage, Why, account};

/// Monday, 2026-01-05, 00:00 UTC.
pub(crate) const MONDAY: i64 = 1_767_571_200;
const DAYS: i64 = 21;
/// When the measured week begins.
pub(crate) const MEASURED: Timestamp = Timestamp::from_secs(MONDAY + 14 * DAY);

const PEOPLE: usize = 1_000;
const PROGRAMS: usize = 20;
const ROUTES: [&str; 4] = ["/orders/*", "/api/*", "/reports/*", "/assets/*"];
const WEAK: &str = "off:gateway.tls public:/assets/*";

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1 Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
];
const TELEPHONES: [&str; 2] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Mobile/15E148 Safari/604.1",
    "Shop/4.12 (Android 15; Pixel 9)",
];

/// Somebody, and how they live.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    kind: Kind,
    pub(crate) desk: [u8; 4],
    browser: &'static str,
    telephone: &'static str,
    /// When they begin, in hours of the day.
    begins: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Office,
    Home,
    Mobile,
}

/// Everybody, and the dice by which they live.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) people: Vec<Person>,
    dice: Dice,
    /// Requests of each route in each quarter of an hour.
    quarters: Vec<[Usage; ROUTES.len()]>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let people = (0..PEOPLE).map(|number| Person::new(number, &mut dice)).collect();
        let quarters = vec![[Usage::default(); ROUTES.len()]; (DAYS * DAY / (15 * MINUTE)) as usize];
        Self { people, dice, quarters }
    }

    pub(crate) fn live(&mut self, stream: &mut Stream) {
        let people = std::mem::take(&mut self.people);
        for day in 0..DAYS {
            let launch = day == 17;
            for person in &people {
                self.day(stream, person, day, launch);
            }
            self.work_of_administrators(stream, &people, day);
            self.programs(stream, day);
            self.machines(stream, day);
            self.noise(stream, &people, day);
            if [1, 4].contains(&(day % 7)) {
                self.deploy(stream, &people, MONDAY + day * DAY + 14 * HOUR);
            }
            if launch {
                self.launch(stream, MONDAY + day * DAY + 12 * HOUR);
            }
        }
        self.routes(stream);
        self.people = people;
    }

    /// What one person does in a day.
    fn day(&mut self, stream: &mut Stream, person: &Person, day: i64, launch: bool) {
        let is_weekend = day % 7 >= 5;
        let works = match person.kind {
            Kind::Office => !is_weekend && !self.dice.chance(800),
            Kind::Home => self.dice.chance(if is_weekend { 6_000 } else { 4_000 }),
            Kind::Mobile => self.dice.chance(7_000),
        };
        if !works {
            return;
        }
        let travels = self.dice.chance(150);
        let start = MONDAY + day * DAY + person.begins * HOUR + self.dice.between(0, 50 * MINUTE);
        let hours = match person.kind {
            Kind::Office => self.dice.between(6, 9),
            _ => self.dice.between(1, 4),
        };
        let hotel = [172, 16 + self.dice.below(16) as u8, self.dice.below(250) as u8, 7];
        let mut address = if travels { hotel } else { person.address(&mut self.dice) };
        let agent = match person.kind {
            Kind::Mobile => person.telephone,
            _ if self.dice.chance(20) => "Mozilla/5.0 (X11; CrOS x86_64) AppleWebKit/537.36 Chrome/143.0",
            _ => person.browser,
        };
        if self.dice.chance(5_000) || travels {
            self.sign_in(stream, person, start, From { address, agent });
        }
        for hour in 0..hours {
            let at = start + hour * HOUR;
            if person.kind == Kind::Mobile && self.dice.chance(5_000) {
                address = person.address(&mut self.dice);
                stream.moved(at, &person.name, true, From { address, agent });
            }
            let times = if launch && (12..15).contains(&(person.begins + hour)) { 3 } else { 1 };
            let busy = 1 + self.dice.below(2) as usize;
            for route in ROUTES.iter().enumerate().take(busy) {
                let requests = self.dice.about(50) * times;
                let distinct = requests * 2 / 3 + 1;
                let usage = Usage { requests, distinct, bytes: requests * 20_000, failed: 0 };
                stream.counted(at + 59 * MINUTE, Some((&person.name, false)), route.1, "closed", usage);
                self.spread(at, route.0, requests);
            }
        }
        // On the way home with the telephone in the same session's place, or at the sofa.
        if person.kind == Kind::Office && self.dice.chance(3_000) {
            let home = person.home();
            stream.moved(
                start + (hours + 2) * HOUR,
                &person.name,
                true,
                From { address: home, agent: person.browser },
            );
        }
    }

    fn sign_in(&mut self, stream: &mut Stream, person: &Person, start: i64, from: From<'_>) {
        let mut at = start;
        if self.dice.chance(200) {
            for _ in 0..1 + self.dice.below(2) + if self.dice.chance(1_000) { 2 } else { 0 } {
                stream.unknown_name(at, from);
                at += self.dice.between(4, 40);
            }
        }
        let wrong = match self.dice.below(1_000) {
            0..40 => 1,
            40..55 => 2,
            55..60 => self.dice.between(3, 6),
            _ => 0,
        };
        for _ in 0..wrong {
            stream.wrong_password(at, &person.name, from);
            at += self.dice.between(4, 60);
        }
        if wrong > 4 {
            // The throttle; a new password by mail, later.
            stream.throttled(at, 2, from);
            at += 16 * MINUTE;
        }
        if self.dice.chance(100) {
            for _ in 0..1 + self.dice.below(3) {
                stream.wrong_factor(at, &person.name, from);
                at += 31;
            }
        }
        stream.signed_in(at, &person.name, from);
    }

    /// Adds requests to the quarters of an hour.
    fn spread(&mut self, at: i64, route: usize, requests: u64) {
        let first = ((at - MONDAY) / (15 * MINUTE)).max(0) as usize;
        for quarter in first..first + 4 {
            if let Some(usage) = self.quarters.get_mut(quarter) {
                usage[route].requests += requests / 4;
            }
        }
    }

    fn work_of_administrators(&mut self, stream: &mut Stream, people: &[Person], day: i64) {
        if day % 7 >= 5 {
            return;
        }
        for administrator in people.iter().take(5) {
            let from = From { address: administrator.desk, agent: administrator.browser };
            for _ in 0..self.dice.below(4) {
                let at = MONDAY + day * DAY + self.dice.between(9 * HOUR, 17 * HOUR);
                let whom = &people[self.dice.below(PEOPLE as u64) as usize].name;
                let (who, control) = (&administrator.name, ControlId::AUTHZ_ADMIN_SURFACE);
                match self.dice.below(3) {
                    0 => stream.act(at, who, ("account.edit", control), whom, &[("roles", "member")], from),
                    1 => stream.act(at, who, ("group.edit", control), "sales", &[], from),
                    _ => {
                        stream.act(at, who, ("api-key.create", ControlId::TOKEN_API_KEYS), "shop", &[], from)
                    }
                }
            }
        }
        // Somebody lost a telephone and comes with a new one, from the usual desk.
        if day % 7 == 2 {
            let (at, helper, loser) =
                (MONDAY + day * DAY + 11 * HOUR, &people[1], &people[40 + day as usize]);
            let from = From { address: helper.desk, agent: helper.browser };
            stream.act(
                at,
                &helper.name,
                ("account.reset-factors", ControlId::AUTHN_RECOVERY_CODES),
                &loser.name,
                &[],
                from,
            );
            stream.signed_in(
                at + 20 * MINUTE,
                &loser.name,
                From { address: loser.desk, agent: TELEPHONES[0] },
            );
        }
    }

    /// Programs: by the hour, and one export each night.
    fn programs(&mut self, stream: &mut Stream, day: i64) {
        for number in 0..PROGRAMS {
            let name = format!("program-{number}");
            let from = From { address: [10, 20, number as u8, 5], agent: "python-requests/2.32" };
            if day == 0 {
                stream.key_moved(MONDAY + 60, &name, from);
            }
            for hour in 0..24 {
                let export = number < 3 && hour == 2;
                let requests = if export { 1_500 } else { 60 + self.dice.below(20) };
                let usage = Usage { requests, distinct: requests, bytes: requests * 30_000, failed: 0 };
                let at = MONDAY + day * DAY + hour * HOUR;
                if export {
                    stream.counted(at + 10 * MINUTE, Some((&name, true)), "/api/*", "open", usage);
                }
                stream.counted(at + 59 * MINUTE, Some((&name, true)), "/api/*", "closed", usage);
                self.spread(at, 1, requests);
            }
        }
    }

    /// Probes, crawlers that are welcome, and a mail program with an old password.
    fn machines(&mut self, stream: &mut Stream, day: i64) {
        let today = MONDAY + day * DAY;
        let probe = From { address: [10, 30, 1, 1], agent: "probe/1.0" };
        for tenth in 0..DAY / (10 * MINUTE) {
            stream.signed_in(today + tenth * 10 * MINUTE, "probe", probe);
        }
        let crawler = From { address: [10, 40, 7, 9], agent: "Mozilla/5.0 (compatible; Goodbot/2.1)" };
        for _ in 0..500 {
            let at = today + self.dice.between(0, DAY);
            let path = format!("/old-{}", self.dice.below(5_000));
            stream.refused(at, Actor::Anonymous, &path, Why::NOT_THERE, 1, crawler);
        }
        let stale = From { address: [10, 50, 3, 3], agent: "Thunderbird/140" };
        if day == 0 {
            stream.signed_in(today, "person-700", stale);
            stream.signed_in(today + 1, "person-700", stale);
        }
        for quarter in 0..(DAY / (15 * MINUTE)) {
            let at = today + quarter * 15 * MINUTE;
            if day > 1 {
                stream.wrong_password(at, "person-700", stale);
                stream.throttled(at + 60, 3, stale);
            }
        }
    }

    /// What goes wrong for everybody each day.
    fn noise(&mut self, stream: &mut Stream, people: &[Person], day: i64) {
        let today = MONDAY + day * DAY;
        let is_weekend = day % 7 >= 5;
        for _ in 0..if is_weekend { 60 } else { 300 } {
            let person = &people[self.dice.below(PEOPLE as u64) as usize];
            let at = today + self.dice.between(8 * HOUR, 18 * HOUR);
            let from = From { address: person.desk, agent: person.browser };
            match self.dice.below(8) {
                // A page that was left open until its session ended and goes on asking.
                0 | 1 => {
                    let path = format!("/api/notices/{}", self.dice.below(3));
                    let count = 1 + self.dice.below(40);
                    stream.refused(at, Actor::Anonymous, &path, Why::STRANGER, count, from);
                }
                // Pictures that are gone.
                2 | 3 => {
                    let count = 2 + self.dice.below(12);
                    let path = format!("/assets/{}.png", self.dice.below(12));
                    stream.answered(
                        at,
                        account(&person.name),
                        &path,
                        404,
                        (count, self.dice.below(4) + 1),
                        from,
                    );
                }
                4 => stream.refused(at, account(&person.name), "/orders/new", Why::CSRF, 1, from),
                5 => stream.refused(at, account(&person.name), "/admin", Why::FORBIDDEN, 1, from),
                // An application on a telephone whose token ended asks three times.
                6 => stream.refused(at, Actor::Anonymous, "/api/orders", Why::BAD_TOKEN, 3, from),
                _ => stream.refused(at, Actor::Anonymous, "/api/orders", Why::MALFORMED, 2, from),
            }
        }
        for _ in 0..10 {
            let person = &people[self.dice.below(PEOPLE as u64) as usize];
            let at = today + self.dice.between(8 * HOUR, 18 * HOUR);
            let from = From { address: person.desk, agent: person.browser };
            stream.answered(at, account(&person.name), "/reports/42", 500, (1, 1), from);
        }
    }

    /// A minute of 502, a restart, a changed configuration; those who work meet it, telephones try again.
    fn deploy(&mut self, stream: &mut Stream, people: &[Person], at: i64) {
        stream.gate(at, "gate.stop", Outcome::Success, &[("connections_cut", "3")]);
        stream.gate(at + 20, "gate.start", Outcome::Success, &[("weak", WEAK)]);
        for number in 0..PROGRAMS {
            let from = From { address: [10, 20, number as u8, 5], agent: "python-requests/2.32" };
            stream.key_moved(at + 25 + number as i64, &format!("program-{number}"), from);
        }
        for person in people.iter().step_by(4) {
            let from = From { address: person.desk, agent: person.browser };
            let (moment, count) = (at + self.dice.between(0, MINUTE), 1 + self.dice.below(5));
            stream.refused(moment, account(&person.name), "/api/orders", Why::BAD_GATEWAY, count, from);
            // The new release stumbles once for some.
            if self.dice.chance(2_000) {
                stream.answered(moment + MINUTE, account(&person.name), "/api/orders", 503, (2, 1), from);
            }
        }
        let changed = [("changed", "routes"), ("weak", WEAK)];
        stream.gate(at + 30 * MINUTE, "configuration.reload", Outcome::Begun, &changed);
        stream.gate(at + 30 * MINUTE, "configuration.reload", Outcome::Success, &changed);
    }

    /// Three hours of ten times as much, many of them new here.
    fn launch(&mut self, stream: &mut Stream, at: i64) {
        for number in 0..400 {
            let address = [100, 64 + (number % 60) as u8, (number % 250) as u8, (number / 250) as u8];
            let from = From { address, agent: TELEPHONES[number % 2] };
            let moment = at + self.dice.between(0, 3 * HOUR);
            if self.dice.chance(1_500) {
                stream.unknown_name(moment, from);
            }
            stream.signed_in(moment + 30, &format!("new-{number}"), from);
            if self.dice.chance(300) {
                stream.refused(moment + 60, Actor::Anonymous, "/orders/1", Why::TOO_MANY, 5, from);
            }
        }
        // The largest office is over its limit now and then.
        for _ in 0..20 {
            let from = From { address: [198, 51, 100, 1], agent: BROWSERS[0] };
            let moment = at + self.dice.between(0, 3 * HOUR);
            stream.refused(moment, Actor::Anonymous, "/orders/1", Why::TOO_MANY, 80, from);
        }
        for quarter in 0..12 {
            for route in 0..ROUTES.len() {
                let first = ((at - MONDAY) / (15 * MINUTE)) as usize;
                self.quarters[first + quarter][route].requests *= 10;
            }
        }
    }

    fn routes(&mut self, stream: &mut Stream) {
        for (number, quarter) in self.quarters.iter().enumerate() {
            for (route, usage) in ROUTES.iter().zip(quarter) {
                let base = 30 + self.dice.below(10);
                let usage = Usage { requests: usage.requests + base, ..*usage };
                let at = MONDAY + number as i64 * 15 * MINUTE + 14 * MINUTE;
                stream.counted(at, None, route, "closed", usage);
            }
        }
    }
}

impl Person {
    fn new(number: usize, dice: &mut Dice) -> Self {
        let kind = match number {
            0..600 => Kind::Office,
            600..850 => Kind::Home,
            _ => Kind::Mobile,
        };
        let desk = match number {
            0..300 => [198, 51, 100, 1],
            300..500 => [203, 0, 113, dice.below(4) as u8],
            500..600 => [192, 0, 2, dice.below(200) as u8],
            // Two or three households behind one network of a provider.
            _ => [81, (number % 100) as u8, (number / 300) as u8, number as u8],
        };
        let begins = match kind {
            Kind::Office => dice.between(7, 10),
            Kind::Home => dice.between(10, 20),
            Kind::Mobile => dice.between(6, 20),
        };
        Self {
            name: format!("person-{number}"),
            kind,
            desk,
            browser: BROWSERS[dice.below(4) as usize],
            telephone: TELEPHONES[dice.below(2) as usize],
            begins,
        }
    }

    fn address(&self, dice: &mut Dice) -> [u8; 4] {
        // Six networks of a mobile provider for all who are on the way.
        if self.kind == Kind::Mobile {
            [90, 1, dice.below(6) as u8, dice.below(250) as u8]
        } else {
            self.desk
        }
    }

    fn home(&self) -> [u8; 4] {
        let [.., last] = self.desk;
        [82, last, self.name.len() as u8, (self.begins * 7) as u8]
    }
}
