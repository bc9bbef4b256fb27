//! What stands on a page, and acting on it: links, forms, fields, text, clicks.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::BrowserError;
use crate::page::Page;
use crate::value::Read;

/// How long a page may take to be read.
const LOOK: Duration = Duration::from_secs(5);
/// How long a click by the mouse may take to arrive.
const CLICK: Duration = Duration::from_secs(2);

/// What a press is heard as.
const PRESSES: &[&str] =
    &["click", "mousedown", "mouseup", "pointerdown", "pointerup", "mouseover", "mouseenter", "pointerover"];
/// What is heard beside a press.
const FURTHER: &[&str] = &["dblclick", "contextmenu", "auxclick"];
/// Elements that listen and are marked.
const LISTENERS: usize = 150;

const SEE: &str = include_str!("scripts/see.js");

/// Something that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it leads, in full.
    pub url: String,
    /// What it is: `a`, `area`, `iframe`, `link`, `meta`, …
    pub element: String,
    /// What it says.
    pub text: String,
    /// Finds it again on this page.
    pub selector: String,
}

/// A form, or all fields that belong to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Where it is sent, in full.
    pub action: String,
    /// `GET`, `POST` or `DIALOG`; empty for fields without a form.
    pub method: String,
    /// How its body is written.
    pub enctype: String,
    /// Finds it again on this page; empty for fields without a form.
    pub selector: String,
    /// Its fields and buttons, in order.
    pub fields: Vec<Field>,
    /// Fields without a form, which scripts read.
    pub loose: bool,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name; without one a form does not send it.
    pub name: String,
    /// `text`, `password`, `email`, `hidden`, `submit`, …, `select`, `textarea`, `button`, `editable`.
    pub kind: String,
    /// Its value now.
    pub value: String,
    /// What can be chosen.
    pub options: Vec<String>,
    /// What a person reads beside it.
    pub label: String,
    /// What the browser may fill in.
    pub autocomplete: String,
    /// The regular expression its value must match.
    pub pattern: String,
    /// The smallest value.
    pub min: String,
    /// The largest value.
    pub max: String,
    /// How long its value may be.
    pub max_length: Option<u32>,
    /// Whether it must have a value.
    pub required: bool,
    /// Whether it is ticked or chosen.
    pub checked: bool,
    /// Whether it cannot be changed.
    pub disabled: bool,
    /// Finds it again on this page.
    pub selector: String,
}

impl Page {
    /// The document as it stands now, written as HTML, cut.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost, or does not answer.
    pub async fn html(&self) -> Result<String, BrowserError> {
        let html = self.look(&format!("html({})", self.hub.limits.html)).await?;
        Ok(html.as_str().unwrap_or_default().to_owned())
    }

    /// Everything on the page that leads elsewhere.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost, or does not answer.
    pub async fn links(&self) -> Result<Vec<Link>, BrowserError> {
        let links = self.look(&format!("links({})", self.hub.limits.elements)).await?;
        Ok(serde_json::from_value(links).unwrap_or_default())
    }

    /// All forms of the page.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost, or does not answer.
    pub async fn forms(&self) -> Result<Vec<Form>, BrowserError> {
        let forms = self.look(&format!("forms({})", self.hub.limits.elements)).await?;
        Ok(serde_json::from_value(forms).unwrap_or_default())
    }

    /// Gives a field a value, as if it was typed or chosen. A box is ticked by anything but `false`, `off`, `0` and
    /// nothing; a file's content is `text`. `>>>` in a selector leads into a shadow tree
    /// or a frame.
    ///
    /// # Errors
    ///
    /// There is no such field, it does not take the value, or the page is lost.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<(), BrowserError> {
        let filled = self.look(&format!("fill({}, {})", json!(selector), json!(text))).await?;
        match filled.as_bool() {
            Some(true) => Ok(()),
            Some(false) => Err(BrowserError::Script(format!("`{selector}` does not take this value"))),
            None => Err(BrowserError::Element(selector.to_owned())),
        }
    }

    /// Clicks an element: with the mouse where it can be seen, by its own `click` otherwise. What follows is waited
    /// for by [`Page::settle`].
    ///
    /// # Errors
    ///
    /// There is no such element, or the page is lost.
    pub async fn click(&self, selector: &str) -> Result<(), BrowserError> {
        let place = self.look(&format!("target({})", json!(selector))).await?;
        if place.is_null() {
            return Err(BrowserError::Element(selector.to_owned()));
        }
        if place.is("hit") {
            let mut sent = Ok(Value::Null);
            for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
                let button = if kind == "mouseMoved" { "none" } else { "left" };
                let event = json!({
                    "type": kind,
                    "x": place.get("x"),
                    "y": place.get("y"),
                    "button": button,
                    "clickCount": i32::from(kind != "mouseMoved"),
                });
                sent = self.ask("Input.dispatchMouseEvent", event, CLICK).await;
                if sent.is_err() {
                    break;
                }
            }
            // A page that is busy with the click, or leaves because of it, got it.
            match sent {
                Ok(_) | Err(BrowserError::TimedOut { .. } | BrowserError::Command { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.press(selector).await
    }

    /// Clicks an element by its own `click`, seen or not: quicker than the mouse.
    ///
    /// # Errors
    ///
    /// There is no such element, or the page is lost.
    pub async fn press(&self, selector: &str) -> Result<(), BrowserError> {
        self.act(&format!("press({})", json!(selector)), selector).await
    }

    /// Fires what waits for a person, where `marker` stands in it: handlers in attributes (`onmouseover=…`) and addresses
    /// that are scripts (`javascript:…`). How many there were.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost, or does not answer.
    pub async fn provoke(&self, marker: &str) -> Result<u64, BrowserError> {
        let fired = self.look(&format!("provoke({}, {})", json!(marker), self.hub.limits.elements)).await?;
        Ok(fired.as_u64().unwrap_or_default())
    }

    /// Presses the key that sends, in a field.
    ///
    /// # Errors
    ///
    /// There is no such field, or the page is lost.
    pub async fn enter(&self, selector: &str) -> Result<(), BrowserError> {
        self.act(&format!("enter({})", json!(selector)), selector).await
    }

    /// Sends a form with what stands in it, by its button if it has one, without the browser's own checks.
    ///
    /// # Errors
    ///
    /// There is no such form, or the page is lost.
    pub async fn submit(&self, selector: &str) -> Result<(), BrowserError> {
        self.act(&format!("submit({})", json!(selector)), selector).await
    }

    async fn act(&self, call: &str, selector: &str) -> Result<(), BrowserError> {
        match self.look(call).await {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(_) => Err(BrowserError::Element(selector.to_owned())),
            // The document left before it could answer.
            Err(BrowserError::Command { message, .. })
                if message.contains("context was destroyed") || message.contains("navigated") =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Marks, in our own world, elements that listen for a press: `listened`.
    pub(crate) async fn mark_listeners(&self) -> Result<(), BrowserError> {
        let world = self.world(LOOK).await?;
        let group = "gabion-listeners";
        let ask = json!({ "expression": "document", "objectGroup": group });
        let document = self.ask("Runtime.evaluate", ask, LOOK).await?;
        let ask = json!({ "objectId": document.text_at("/result/objectId"), "depth": -1, "pierce": true });
        let answer = self.ask("DOMDebugger.getEventListeners", ask, LOOK).await?;
        let mut nodes: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for listener in answer.list("listeners") {
            let (kind, node) = (listener.text("type"), listener.get("backendNodeId").and_then(Value::as_i64));
            let Some(node) = node else { continue };
            if PRESSES.contains(&kind) {
                nodes.entry(node).or_default();
            } else if FURTHER.contains(&kind) {
                nodes.entry(node).or_default().push(kind);
            }
        }
        let marks = nodes.into_iter().take(LISTENERS).map(async |(node, further)| {
            let ask = json!({ "backendNodeId": node, "executionContextId": world, "objectGroup": group });
            let found = self.ask("DOM.resolveNode", ask, LOOK).await.ok()?;
            let mark = json!({
                "objectId": found.text_at("/object/objectId"),
                "functionDeclaration": "function (further) { this.listened = true; this.further = further; }",
                "arguments": [{ "value": further }],
            });
            self.ask("Runtime.callFunctionOn", mark, LOOK).await.ok()
        });
        join_all(marks).await;
        self.post("Runtime.releaseObjectGroup", json!({ "objectGroup": group }));
        Ok(())
    }

    /// What a script that is given what `see.js` makes says of the page.
    pub(crate) async fn survey(&self, script: &str, most: usize) -> Result<Value, BrowserError> {
        self.see(&format!("{}({}, {most})", script.trim_end(), SEE.trim_end()), LOOK).await
    }

    /// A call of what `see.js` makes.
    pub(crate) async fn look(&self, call: &str) -> Result<Value, BrowserError> {
        self.see(&format!("{}.{call}", SEE.trim_end()), LOOK).await
    }
}
