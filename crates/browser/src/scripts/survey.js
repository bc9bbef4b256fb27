// What a page offers: its links, forms, what looks clickable, and its shape. Given what see.js makes.
((see, most) => {
  const NODES = 8000;
  // Numbers differ from object to object; what is left is the kind of thing.
  const kind = (value) => String(value ?? "").replace(/[0-9a-f]{8,}|\d+/gi, "#").slice(0, 80);

  const roles = ["button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "switch", "checkbox", "radio", "treeitem"];
  const within = (element, names) => element.closest(names) !== null;

  // Whether following the element's address is all that a click on it is for.
  const leads = (element) => {
    const target = element.getAttribute("href");
    if (target === null) return false;
    const plain = target.trim().toLowerCase();
    if (plain === "" || plain.startsWith("javascript:")) return false;
    if (plain.startsWith("#")) return plain.startsWith("#/") || plain.startsWith("#!");
    return !element.hasAttribute("onclick");
  };

  function step(element) {
    const names = [element.localName];
    if (element.id) names.push("#" + kind(element.id));
    const role = element.getAttribute("role");
    if (role) names.push("@" + role);
    return names.join("");
  }

  function where(element) {
    const steps = [];
    for (let node = element; node && node !== document.body && steps.length < 12; node = node.parentElement ?? node.getRootNode().host ?? null) {
      steps.unshift(step(node));
    }
    return steps.join(">");
  }

  function words(element) {
    return [
      element.textContent,
      element.getAttribute("aria-label"),
      element.getAttribute("title"),
      element.getAttribute("value"),
      element.getAttribute("alt"),
    ]
      .map((one) => see.text(one, 120))
      .filter(Boolean)
      .join(" | ");
  }

  function hints(element) {
    return ["id", "name", "href", "onclick", "data-action", "data-testid", "class", "formaction"]
      .map((name) => see.text(element.getAttribute(name), 200))
      .filter(Boolean)
      .join(" | ");
  }

  function clickable(element, style) {
    const name = element.localName;
    if (["html", "body", "option", "label", "iframe", "textarea", "select"].includes(name)) return false;
    if (element.disabled || element.getAttribute("aria-disabled") === "true") return false;
    if (name === "a" || name === "area") return !leads(element);
    if (name === "button") return !(element.form && element.type !== "button");
    if (name === "input") return ["button", "image"].includes(element.type) || (!element.form && element.type === "submit");
    if (name === "summary" || element.hasAttribute("onclick") || roles.includes(element.getAttribute("role"))) return true;
    // Whoever listens for what is inside of it is not pressed itself.
    if (element.listened && !element.querySelector("a[href], button, input, select, [role=button], [onclick]")) return true;
    if (style.cursor !== "pointer") return false;
    // The outermost of what shows the hand, unless that is something of the above.
    const parent = element.parentElement;
    if (parent && getComputedStyle(parent).cursor === "pointer") return false;
    return !within(element, "a[href], button, label, summary, [role=button], [onclick]");
  }

  // What the pointer shows: rules with `:hover` say where.
  const hovers = [];
  for (const sheet of document.styleSheets) {
    let rules = [];
    try {
      rules = sheet.cssRules;
    } catch {
      continue;
    }
    for (const rule of rules) {
      if (hovers.length >= 200) break;
      const selector = rule.selectorText ?? "";
      if (selector.includes(":hover") && /display|visibility|opacity|height|left|top|transform|clip/.test(rule.cssText)) hovers.push(selector.replace(/:hover/g, ""));
    }
  }
  const shown_by_pointer = (element) => hovers.length > 0 && hovers.some((selector) => {
    try {
      return element.closest(selector) !== null;
    } catch {
      return false;
    }
  });

  const shape = new Set();
  const clicks = [];
  let nodes = 0;
  for (const element of see.all(document)) {
    nodes += 1;
    if (nodes > NODES) break;
    const name = element.localName;
    if (["script", "style", "meta", "link", "br", "path"].includes(name)) continue;
    const style = getComputedStyle(element);
    const seen = element.checkVisibility ? element.checkVisibility({ visibilityProperty: true }) : style.display !== "none";
    if (!seen && !shown_by_pointer(element)) continue;
    shape.add(where(element).split(">").slice(-4).join(">") + "." + kind(element.className?.baseVal ?? element.className) + "?" + kind(element.getAttribute("name")));
    if (/^h[1-6]$|^title$|^legend$|^label$/.test(name)) shape.add(name + ":" + kind(see.text(element.textContent, 60)));
    if (clicks.length < most && clickable(element, style)) {
      const said = words(element);
      clicks.push({ key: where(element) + "|" + kind(said) + "|" + kind(element.getAttribute("onclick")), words: said, hints: hints(element), selector: see.path(element) });
    }
  }
  let hash = 0xcbf29ce484222325n;
  for (const line of [...shape].sort()) {
    for (let at = 0; at < line.length; at += 1) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(line.charCodeAt(at))) * 0x100000001b3n);
    }
  }
  return {
    url: location.href.slice(0, 8192),
    shape: hash.toString(16),
    links: see.links(most),
    forms: see.forms(most),
    clicks,
    tall: (document.scrollingElement?.scrollHeight ?? 0) > innerHeight * 1.5,
  };
})
