// Watches where a planted word goes in the scripts of a page. Runs before them; `WORD` and `TELL` are put in by the probe.
(() => {
  const word = "WORD", tell = (kind, text) => { try { window["TELL"](kind + "\n" + String(text).slice(0, 4000)); } catch (_) {} };
  const has = (value) => typeof value === "string" && value.includes(word);
  const sink = (kind, value) => { if (has(value)) tell("sink " + kind, value); };
  const method = (owner, name, kind, at) => {
    const own = owner && owner[name];
    if (typeof own !== "function") return;
    owner[name] = function (...all) {
      const value = at === undefined ? all.map((one) => (typeof one === "string" ? one : "")).join("") : all[at];
      sink(kind, value);
      return own.apply(this, all);
    };
  };
  const setter = (owner, name, kind) => {
    const own = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (!own || !own.set) return;
    Object.defineProperty(owner, name, { ...own, set(value) {
      sink(typeof kind === "function" ? kind(this) : kind, String(value));
      return own.set.call(this, value);
    } });
  };
  setter(Element.prototype, "innerHTML", "html");
  setter(Element.prototype, "outerHTML", "html");
  setter(ShadowRoot.prototype, "innerHTML", "html");
  setter(HTMLIFrameElement.prototype, "srcdoc", "html");
  method(Element.prototype, "insertAdjacentHTML", "html", 1);
  method(Range.prototype, "createContextualFragment", "html", 0);
  method(DOMParser.prototype, "parseFromString", "html", 0);
  method(Document.prototype, "write", "html");
  method(Document.prototype, "writeln", "html");
  setter(HTMLAnchorElement.prototype, "href", "address");
  setter(HTMLAreaElement.prototype, "href", "address");
  setter(HTMLIFrameElement.prototype, "src", "address");
  setter(HTMLFormElement.prototype, "action", "address");
  setter(HTMLButtonElement.prototype, "formAction", "address");
  setter(HTMLInputElement.prototype, "formAction", "address");
  setter(HTMLScriptElement.prototype, "src", "source");
  setter(HTMLEmbedElement.prototype, "src", "address");
  setter(HTMLScriptElement.prototype, "text", "code");
  setter(HTMLScriptElement.prototype, "textContent", "code");
  setter(Node.prototype, "textContent", (own) => (own instanceof HTMLScriptElement ? "code" : "text"));
  const attribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    const lower = String(name).toLowerCase();
    if (has(String(name))) tell("sink attribute", name);
    if (lower.startsWith("on")) sink("code", String(value));
    if (["href", "action", "formaction", "xlink:href"].includes(lower)) sink("address", String(value));
    if (lower === "src") sink(this instanceof HTMLScriptElement ? "source" : "address", String(value));
    if (lower === "srcdoc") sink("html", String(value));
    return attribute.call(this, name, value);
  };
  const evaluate = window.eval;
  // Its own scope is lost by that: it sees the globals only.
  window.eval = function (text) { sink("code", text); return evaluate(text); };
  for (const name of ["setTimeout", "setInterval"]) {
    const own = window[name];
    window[name] = function (code, ...rest) { sink("code", code); return own.call(window, code, ...rest); };
  }
  window.Function = new Proxy(window.Function, {
    construct(own, all, as) { sink("code", String(all[all.length - 1])); return Reflect.construct(own, all, as); },
    apply(own, it, all) { sink("code", String(all[all.length - 1])); return Reflect.apply(own, it, all); },
  });
  if (window.navigation) {
    window.navigation.addEventListener("navigate", (event) => {
      let to = event.destination.url;
      try { to = decodeURIComponent(to); } catch (_) {}
      const page = location.href.split("#")[0];
      if (event.hashChange || !to.includes(word) || to.startsWith(page + "#")) return;
      const own = new URL(".", location.href).href;
      tell([own, location.origin + "/"].some((base) => to.startsWith(base + word)) ? "sink place" : "sink elsewhere", to.slice(to.indexOf(word)));
      if (event.cancelable) event.preventDefault();
    });
  }
  const jquery = () => {
    const own = window.jQuery;
    if (!own || own.gx || !own.fn) return;
    own.gx = true;
    const init = own.fn.init;
    const watched = function (first, ...rest) { sink("html", first); return new init(first, ...rest); };
    watched.prototype = init.prototype;
    own.fn.init = watched;
  };
  document.addEventListener("DOMContentLoaded", jquery, true);
  document.addEventListener("readystatechange", jquery, true);
  new MutationObserver(jquery).observe(document, { childList: true, subtree: true });
  // What a script asks for by name gets the word where there is nothing: the name is learned by that.
  const named = (kind, name) => { tell("name " + kind, name); return word + kind[0] + Array.from(String(name)).map((c) => c.charCodeAt(0).toString(16).padStart(4, "0")).join("") + "z"; };
  const get = URLSearchParams.prototype.get;
  URLSearchParams.prototype.get = function (name) { const own = get.call(this, name); return own === null ? named("parameter", name) : own; };
  const item = Storage.prototype.getItem;
  Storage.prototype.getItem = function (name) {
    const own = item.call(this, name);
    return own === null ? named(this === window.sessionStorage ? "tab" : "kept", name) : own;
  };
  try { if (!window.name) window.name = word + "w"; } catch (_) {}
  const data = (path) => new Proxy(function () {}, {
    get(_, name) {
      if (name === Symbol.toPrimitive) return () => named("message", path);
      if (typeof name === "symbol") return undefined;
      if (["toString", "valueOf"].includes(name)) return () => named("message", path);
      const text = named("message", path ? path + "." + name : name);
      return new Proxy(new String(text), {
        get(own, inner) {
          if (typeof inner === "symbol" || inner in own) { const value = own[inner]; return typeof value === "function" ? value.bind(own) : value; }
          return named("message", (path ? path + "." : "") + name + "." + inner);
        },
      });
    },
  });
  const parse = JSON.parse;
  JSON.parse = function (text, ...rest) {
    if (has(text) && !/[{["]/.test(text)) { tell("name parsed", ""); return data(""); }
    return parse.call(this, text, ...rest);
  };
  window.addEventListener("load", () => setTimeout(() => {
    for (const one of [word + "m", data("")]) {
      try { window.dispatchEvent(new MessageEvent("message", { data: one, origin: "http://attacker.example", source: window })); } catch (_) {}
    }
  }, 0));
})();
