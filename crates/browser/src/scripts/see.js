// Reads a document: links, forms and fields, and how to find them again. Runs in a world of its own, so that nothing
// the page did to its globals is seen here. The surrounding program appends the call.
(() => {
  const text = (value, most) => String(value ?? "").replace(/\s+/g, " ").trim().slice(0, most);

  // The document in a frame of the same origin.
  function inside(element) {
    if (element.localName !== "iframe" && element.localName !== "frame" && element.localName !== "object") return null;
    try {
      return element.contentDocument;
    } catch {
      return null;
    }
  }

  // Every element, those in open shadow trees and in frames of the same origin included.
  function* all(root, depth = 0) {
    const walker = (root.ownerDocument ?? root).createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      yield node;
      const inner = depth < 16 && (node.shadowRoot ?? inside(node));
      if (inner) yield* all(inner, depth + 1);
    }
  }

  // A selector that finds the element again; `>>>` leads into a shadow tree or a frame.
  function path(element) {
    const steps = [];
    let node = element;
    while (node && steps.length < 64) {
      const root = node.getRootNode();
      if (node.id && root.querySelectorAll("#" + CSS.escape(node.id)).length === 1) {
        steps.unshift("#" + CSS.escape(node.id));
      } else {
        let index = 1;
        for (let before = node.previousElementSibling; before; before = before.previousElementSibling) {
          if (before.localName === node.localName) index += 1;
        }
        steps.unshift(CSS.escape(node.localName) + ":nth-of-type(" + index + ")");
        if (node.parentElement) {
          steps.unshift(">");
          node = node.parentElement;
          continue;
        }
      }
      node = root.host ?? (root === document ? null : root.defaultView?.frameElement);
      if (!node) break;
      steps.unshift(">>>");
    }
    return steps.join(" ");
  }

  function find(selector) {
    let root = document;
    let element = null;
    for (const part of selector.split(">>>")) {
      if (!root) return null;
      element = root.querySelector(part.trim());
      root = element && (element.shadowRoot ?? inside(element));
    }
    return element;
  }

  function absolute(value, element) {
    try {
      return new URL(value, element.baseURI).href;
    } catch {
      return "";
    }
  }

  function links(most) {
    const found = [];
    const add = (element, value) => {
      const url = absolute(value, element);
      if (url && found.length < most) {
        found.push({ url: url.slice(0, 8192), element: element.localName, text: text(element.textContent, 120), selector: path(element) });
      }
    };
    for (const element of all(document)) {
      if (found.length >= most) break;
      const name = element.localName;
      if (name === "a" || name === "area") {
        const target = element.getAttribute("href") ?? element.getAttribute("xlink:href");
        if (target !== null) add(element, target);
      } else if (name === "iframe" || name === "frame" || name === "embed") {
        if (element.getAttribute("src")) add(element, element.getAttribute("src"));
      } else if (name === "object") {
        if (element.getAttribute("data")) add(element, element.getAttribute("data"));
      } else if (name === "link" && /\b(next|prev|alternate|canonical|search|help)\b/i.test(element.rel)) {
        if (element.getAttribute("href")) add(element, element.getAttribute("href"));
      } else if (name === "meta" && /^refresh$/i.test(element.httpEquiv)) {
        const match = /url\s*=\s*['"]?([^'"]+)/i.exec(element.content);
        if (match) add(element, match[1]);
      }
    }
    return found;
  }

  function label(field) {
    const named = [...(field.labels ?? [])].map((one) => one.textContent).join(" ");
    const own = field.localName === "button" ? field.textContent : "";
    return text(own || named || field.getAttribute("aria-label") || field.getAttribute("placeholder") || field.getAttribute("title"), 120);
  }

  function describe(field) {
    const options = field.localName === "select" ? [...field.options].slice(0, 100).map((one) => text(one.value, 200)) : [];
    const length = Number(field.getAttribute("maxlength"));
    return {
      name: text(field.getAttribute("name"), 256),
      kind: field.localName === "input" ? field.type : field.isContentEditable ? "editable" : field.localName,
      value: String(field.value ?? "").slice(0, 1024),
      options,
      label: label(field),
      autocomplete: text(field.getAttribute("autocomplete"), 64),
      pattern: text(field.getAttribute("pattern"), 256),
      min: text(field.getAttribute("min"), 64),
      max: text(field.getAttribute("max"), 64),
      max_length: field.hasAttribute("maxlength") && length >= 0 ? length : null,
      required: Boolean(field.required),
      checked: Boolean(field.checked),
      disabled: Boolean(field.disabled || field.readOnly),
      selector: path(field),
    };
  }

  const isField = (element) =>
    ["input", "select", "textarea", "button"].includes(element.localName) ||
    (element.isContentEditable && !element.parentElement?.isContentEditable);

  function forms(most) {
    const found = new Map();
    let fields = 0;
    for (const element of all(document)) {
      if (fields >= most || found.size >= most) break;
      if (element.localName === "form" && !found.has(element)) {
        found.set(element, {
          action: (element.getAttribute("action") ? absolute(element.getAttribute("action"), element) : element.ownerDocument.URL).slice(0, 8192),
          method: (element.getAttribute("method") ?? "get").toUpperCase().slice(0, 16),
          enctype: element.enctype || "application/x-www-form-urlencoded",
          selector: path(element),
          fields: [],
          loose: false,
        });
      } else if (isField(element)) {
        const owner = element.form ?? null;
        // A button outside of forms is no field.
        if (!owner && (element.localName === "button" || ["button", "submit", "image", "reset"].includes(element.type))) continue;
        if (!found.has(owner)) {
          if (owner) continue;
          found.set(null, { action: location.href.slice(0, 8192), method: "", enctype: "", selector: "", fields: [], loose: true });
        }
        found.get(owner).fields.push(describe(element));
        fields += 1;
      }
    }
    return [...found.values()];
  }

  function html(most) {
    const kind = document.doctype ? "<!DOCTYPE " + document.doctype.name + ">" : "";
    return (kind + (document.documentElement?.outerHTML ?? "")).slice(0, most);
  }

  function fill(selector, value) {
    const field = find(selector);
    if (!field) return null;
    field.focus?.();
    const tell = (name) => field.dispatchEvent(new Event(name, { bubbles: true, composed: true }));
    if (field.localName === "input" && ["checkbox", "radio"].includes(field.type)) {
      const wanted = !["", "false", "off", "0"].includes(value);
      if (field.checked !== wanted) field.click();
    } else if (field.localName === "select") {
      const option = [...field.options].find((one) => one.value === value) ?? [...field.options].find((one) => one.text.trim() === value);
      if (!option) return false;
      field.value = option.value;
      tell("input");
      tell("change");
    } else if (field.isContentEditable && !("value" in field)) {
      field.textContent = value;
      tell("input");
    } else if (field.type === "file") {
      const files = new DataTransfer();
      files.items.add(new File([value], "probe.txt", { type: "text/plain" }));
      field.files = files.files;
      tell("input");
      tell("change");
    } else {
      try {
        field.value = value;
      } catch {
        return false;
      }
      field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, data: value, inputType: "insertText" }));
      tell("change");
    }
    return true;
  }

  function fill_all(pairs) {
    for (const [selector, value] of pairs) fill(selector, value);
    return true;
  }

  // As far down as it goes, for what is loaded then.
  function scroll_down() {
    scrollTo(0, document.scrollingElement?.scrollHeight ?? 0);
    return true;
  }

  // Fires what waits for somebody: handlers in attributes, and addresses that are scripts, where `marker` stands in them.
  function provoke(marker, most) {
    let fired = 0;
    const found = [];
    for (const element of all(document)) {
      for (const { name, value } of element.attributes) {
        if (!value.includes(marker)) continue;
        if (name.startsWith("on")) found.push([element, name.slice(2)]);
        else if (/^\s*javascript:/i.test(value.replace(/[\u0000-\u0020]+/g, ""))) found.push([element, name]);
      }
      if (found.length >= most) break;
    }
    for (const [element, event] of found) {
      fired += 1;
      if (event === "click" || element.matches("a[href], area[href]")) {
        element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: window }));
      } else if (event === "action" || event === "formaction") {
        const form = element.localName === "form" ? element : element.form;
        form?.requestSubmit(element.localName === "form" ? undefined : element);
      } else if (event.startsWith("focus")) {
        if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "0");
        element.focus();
      } else {
        const kind = event.startsWith("mouse") ? MouseEvent : event.startsWith("pointer") ? PointerEvent : event.startsWith("key") ? KeyboardEvent : Event;
        element.dispatchEvent(new kind(event, { bubbles: true, cancelable: true }));
      }
    }
    return fired;
  }

  // Where to click: the middle of the element, if that is what a click there would reach.
  function target(selector) {
    const element = find(selector);
    if (!element) return null;
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    if (element.ownerDocument !== document) return { x: 0, y: 0, hit: false };
    const box = element.getClientRects()[0];
    if (!box || box.width < 1 || box.height < 1) return { x: 0, y: 0, hit: false };
    const x = box.left + box.width / 2;
    const y = box.top + box.height / 2;
    let over = document.elementFromPoint(x, y);
    while (over && over.shadowRoot && over !== element) {
      const inner = over.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === over) break;
      over = inner;
    }
    let hit = false;
    for (let node = over; node && !hit; node = node.parentNode ?? node.host) hit = node === element;
    return { x, y, hit };
  }

  function press(selector) {
    const element = find(selector);
    if (!element) return false;
    const options = { bubbles: true, cancelable: true, composed: true, view: window };
    for (const name of ["pointerover", "mouseover", "mouseenter", "pointerdown", "mousedown", "pointerup", "mouseup"]) {
      element.dispatchEvent(name.startsWith("p") ? new PointerEvent(name, options) : new MouseEvent(name, options));
    }
    if (element.click) element.click();
    else element.dispatchEvent(new MouseEvent("click", options));
    for (const name of element.further ?? []) element.dispatchEvent(new MouseEvent(name, options));
    return true;
  }

  // The key that sends.
  function enter(selector) {
    const element = find(selector);
    if (!element) return false;
    element.focus?.();
    const options = { key: "Enter", code: "Enter", keyCode: 13, which: 13, bubbles: true, cancelable: true, composed: true };
    for (const name of ["keydown", "keypress", "keyup"]) element.dispatchEvent(new KeyboardEvent(name, options));
    return true;
  }

  function submit(selector) {
    const form = find(selector);
    if (!form) return false;
    const button = form.querySelector("button:not([type=button]):not([type=reset]), input[type=submit], input[type=image]");
    // What the browser's own checks refuse is sent all the same.
    form.noValidate = true;
    if (button && !button.disabled) button.click();
    else if (form.requestSubmit) form.requestSubmit();
    else HTMLFormElement.prototype.submit.call(form);
    return true;
  }

  return { all, path, find, text, links, forms, html, fill, fill_all, scroll_down, provoke, target, press, enter, submit };
})()
