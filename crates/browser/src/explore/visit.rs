//! One page of an exploration: takes a way, goes it, and looks at what is there.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::words::{FORBIDDEN, says, sets_password, value_for};
use crate::error::BrowserError;
use crate::limits::{Patience, cut};
use crate::page::Page;
use crate::sight::{Form, Link};

const SURVEY: &str = include_str!("../scripts/survey.js");

/// Links, forms and things to press of one state.
const MOST: usize = 400;
/// Things of one state that were left alone, and are said.
const AVOIDED: usize = 500;
/// A page that is at work looks up this often to see whether time is over.
const WAIT: Duration = Duration::from_millis(500);

/// What a page offers, as `survey.js` tells it.
#[derive(Debug, Deserialize)]
struct Survey {
    url: String,
    shape: String,
    links: Vec<Link>,
    forms: Vec<Form>,
    clicks: Vec<Press>,
    tall: bool,
}

/// Something that can be pressed.
#[derive(Debug, Clone, Deserialize)]
struct Press {
    /// What it is, wherever it is shown again.
    key: String,
    /// What a person reads.
    words: String,
    /// What a programmer reads.
    hints: String,
    selector: String,
}

/// Something to do, and what was pressed to get where it is.
struct Todo {
    path: Vec<Press>,
    what: Deed,
}

enum Deed {
    Press(Press),
    /// The key that sends, in a field of no form.
    Enter(String),
    Send(Form),
}

impl Survey {
    /// Where the same thing is now.
    fn again(&self, press: &Press) -> Option<String> {
        self.clicks.iter().find(|one| one.key == press.key).map(|one| one.selector.clone())
    }
}

pub(super) struct Visitor<'a> {
    shared: &'a Shared<'a>,
    page: Page,
}

impl<'a> Visitor<'a> {
    pub(super) async fn new(shared: &'a Shared<'a>) -> Result<Self, BrowserError> {
        let page = shared.context.page().await?;
        Ok(Self { shared, page })
    }

    pub(super) fn page(&self) -> &Page {
        &self.page
    }

    /// Goes ways until there are none left, or patience is.
    pub(super) async fn work(mut self) {
        loop {
            let news = self.shared.news.notified();
            if !self.shared.has_time() {
                break;
            }
            let way = {
                let mut plan = self.shared.plan();
                let way = plan.next();
                if way.is_some() {
                    plan.busy = plan.busy.saturating_add(1);
                } else if plan.busy == 0 || plan.over {
                    break;
                }
                way
            };
            let Some(way) = way else {
                // Whoever is at work may find more.
                let _either = timeout(WAIT, news).await;
                continue;
            };
            let visited = self.visit(&way).await;
            {
                let mut plan = self.shared.plan();
                plan.busy = plan.busy.saturating_sub(1);
                plan.lost = plan.lost.saturating_add(usize::from(self.page.lost().is_some()));
            }
            self.shared.news.notify_waiters();
            if let Err(error) = visited {
                tracing::debug!(url = way, %error, "state not explored");
            }
            if self.page.lost().is_some() {
                match self.shared.context.page().await {
                    Ok(page) => self.page = page,
                    Err(_) => break,
                }
            }
        }
        self.shared.news.notify_waiters();
    }

    async fn visit(&self, way: &str) -> Result<(), BrowserError> {
        let mut now = self.go(way, &[]).await?;
        self.shared.plan().visited(way);
        self.note(&now);
        if now.tall {
            now = self.scroll().await?;
        }
        if !self.shared.plan().is_new(&now.shape, self.shared.options) {
            return Ok(());
        }
        let mut todo = VecDeque::new();
        self.fill_loose(&now).await;
        self.add(&mut todo, &now, &[]);
        while let Some(next) = todo.pop_front() {
            if !self.shared.has_time() {
                return Ok(());
            }
            if !self.act(way, &next, &mut now).await? {
                continue;
            }
            let before = std::mem::replace(&mut now, self.look_around().await?);
            self.note(&now);
            if same_place(&now.url, way) {
                let path: Vec<Press> = match &next.what {
                    Deed::Press(press) => next.path.iter().chain([press]).cloned().collect(),
                    Deed::Enter(_) | Deed::Send(_) => next.path.clone(),
                };
                if now.shape != before.shape
                    && self.shared.plan().is_new(&now.shape, self.shared.options)
                    && path.len() <= self.shared.options.depth
                {
                    self.fill_loose(&now).await;
                    self.add(&mut todo, &now, &path);
                }
            } else if !todo.is_empty() {
                // Somewhere else, known by its address from now on.
                now = self.go(way, &[]).await?;
            }
        }
        Ok(())
    }

    /// Does one thing; whether it could be done.
    async fn act(&self, way: &str, next: &Todo, now: &mut Survey) -> Result<bool, BrowserError> {
        for again in [false, true] {
            if again {
                // What was done before took it away.
                *now = self.go(way, &next.path).await?;
            }
            let selector = match &next.what {
                Deed::Press(press) => now.again(press),
                Deed::Enter(selector) => Some(selector.clone()),
                Deed::Send(form) => Some(form.selector.clone()),
            };
            let Some(selector) = selector else { continue };
            let done = match &next.what {
                Deed::Press(_) => self.page.press(&selector).await,
                Deed::Enter(_) => self.page.enter(&selector).await,
                Deed::Send(form) => {
                    self.fill(form).await;
                    self.page.submit(&selector).await
                }
            };
            match done {
                Ok(()) => return self.page.settle(self.patience()).await.map(|_| true),
                Err(BrowserError::Element(_)) => {}
                Err(BrowserError::Script(_) | BrowserError::Command { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Opens an address and presses what leads to a state, as far as it is there.
    async fn go(&self, url: &str, path: &[Press]) -> Result<Survey, BrowserError> {
        self.page.goto(url, self.whole()).await?;
        let mut survey = self.look_around().await?;
        for press in path {
            let Some(selector) = survey.again(press) else { break };
            self.page.press(&selector).await?;
            self.page.settle(self.patience()).await?;
            survey = self.look_around().await?;
        }
        Ok(survey)
    }

    async fn scroll(&self) -> Result<Survey, BrowserError> {
        self.page.look("scroll_down()").await?;
        self.page.settle(self.patience()).await?;
        self.look_around().await
    }

    async fn look_around(&self) -> Result<Survey, BrowserError> {
        for popup in self.page.popups() {
            let _either = popup.settle(self.patience()).await;
            let url = popup.url();
            self.found(&url, &self.page.url(), "");
        }
        // Without it, what only scripts make pressable is not seen; the rest is.
        let _either = self.page.mark_listeners().await;
        let survey = self.page.survey(SURVEY, MOST).await?;
        serde_json::from_value(survey).map_err(|error| BrowserError::Script(error.to_string()))
    }

    /// Puts down what a state shows.
    fn note(&self, survey: &Survey) {
        self.found(&survey.url, &survey.url, "");
        for link in &survey.links {
            self.found(&link.url, &survey.url, &link.text);
        }
        let mut plan = self.shared.plan();
        for form in &survey.forms {
            plan.form(&survey.url, form);
        }
        drop(plan);
        self.shared.news.notify_waiters();
    }

    fn found(&self, url: &str, on: &str, text: &str) {
        if !self.shared.context.allows(url) {
            return;
        }
        let path =
            url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let visit = !self.is_forbidden(&[text, path]);
        if !visit {
            self.avoid(&format!("{} ({})", cut(url, 200), cut(text, 80)));
        }
        self.shared.plan().found(url, on, visit, self.shared.options);
    }

    /// What a state gives to do, before everything that is still to be done elsewhere.
    fn add(&self, todo: &mut VecDeque<Todo>, survey: &Survey, path: &[Press]) {
        let options = self.shared.options;
        let mut new = Vec::new();
        for press in &survey.clicks {
            if self.is_forbidden(&[&press.words, &press.hints]) {
                self.avoid(&press.words);
            } else if self.shared.plan().press(&press.key, &survey.url, options) {
                new.push(Deed::Press(press.clone()));
            }
        }
        let loose =
            survey.forms.iter().filter(|form| options.send && form.loose).flat_map(|form| &form.fields);
        for field in loose.filter(|field| matches!(field.kind.as_str(), "text" | "search" | "textarea")) {
            let called = [field.name.as_str(), field.label.as_str()];
            let key = format!("{} {} {}", field.kind, called.join(" "), field.selector);
            if !self.is_forbidden(&called) && self.shared.plan().press(&key, &survey.url, options) {
                new.push(Deed::Enter(field.selector.clone()));
            }
        }
        for form in survey.forms.iter().filter(|form| options.send && !form.loose) {
            let buttons =
                form.fields.iter().filter(|field| matches!(field.kind.as_str(), "button" | "submit"));
            let said: Vec<&str> = buttons
                .flat_map(|button| [button.value.as_str(), button.label.as_str(), button.name.as_str()])
                .chain([form.action.split_once("://").map_or("", |(_, rest)| rest), form.selector.as_str()])
                .collect();
            let secret = form.fields.iter().any(|field| field.kind == "password");
            if self.is_forbidden(&said) || sets_password(form) || (secret && !options.passwords) {
                self.avoid(&form.action);
            } else if self.shared.context.allows(&form.action) && self.shared.plan().send(form) {
                new.push(Deed::Send(form.clone()));
            }
        }
        for what in new.into_iter().rev() {
            todo.push_front(Todo { path: path.to_vec(), what });
        }
    }

    /// Fields without a form are filled in before anything is pressed.
    async fn fill_loose(&self, survey: &Survey) {
        let passwords = self.shared.options.passwords;
        let secret = |form: &Form| form.fields.iter().any(|field| field.kind == "password");
        for form in survey.forms.iter().filter(|form| form.loose && !sets_password(form)) {
            if secret(form) && !passwords {
                continue;
            }
            self.fill(form).await;
        }
    }

    async fn fill(&self, form: &Form) {
        let values: Vec<_> = form
            .fields
            .iter()
            .filter_map(|field| {
                let value = value_for(field, &self.shared.options.values)?;
                Some(json!([field.selector, value]))
            })
            .take(MOST)
            .collect();
        if !values.is_empty() {
            // A field that is gone, or takes nothing, is left as it is.
            let _either = self.page.look(&format!("fill_all({})", json!(values))).await;
        }
    }

    fn is_forbidden(&self, texts: &[&str]) -> bool {
        let options = self.shared.options;
        let own = options.forbidden.iter().map(String::as_str);
        let words: Vec<&str> = FORBIDDEN
            .iter()
            .copied()
            .chain(own)
            .filter(|word| !options.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(word)))
            .collect();
        texts.iter().any(|text| says(text, words.iter().copied()))
    }

    fn avoid(&self, what: &str) {
        let mut plan = self.shared.plan();
        if plan.avoided.len() < AVOIDED && !plan.avoided.iter().any(|one| one == what) {
            plan.avoided.push(what.to_owned());
        }
    }

    /// After a press.
    fn patience(&self) -> Patience {
        let usual = self.shared.options.patience;
        Patience { quiet: usual.quiet.min(Duration::from_millis(100)), ..self.limit(usual) }
    }

    /// For an address.
    fn whole(&self) -> Patience {
        self.limit(self.shared.options.patience)
    }

    fn limit(&self, usual: Patience) -> Patience {
        let left = self.shared.end.saturating_duration_since(Instant::now());
        Patience { whole: usual.whole.min(left.max(WAIT)), ..usual }
    }
}

/// Whether two addresses are the same document and route.
fn same_place(one: &str, other: &str) -> bool {
    let plain = |url: &str| {
        let (front, fragment) = url.split_once('#').unwrap_or((url, ""));
        let route = fragment.starts_with('/') || fragment.starts_with('!');
        (front.to_owned(), if route { fragment.to_owned() } else { String::new() })
    };
    plain(one) == plain(other)
}
