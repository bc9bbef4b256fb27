// A browser for machines: keeps cookies, follows redirects within the gate, fills the gate's own forms.

import assert from "node:assert/strict";

export class Browser {
  constructor(origin, name, password) {
    Object.assign(this, { origin, name, password, jar: new Map(), pages: [] });
  }

  async open(url, form) {
    const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    headers["sec-fetch-site"] = form ? "same-origin" : "none";
    if (this.jar.size) headers.cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (form) Object.assign(headers, { origin: this.origin, "content-type": "application/x-www-form-urlencoded" });
    const method = form ? "POST" : "GET";
    const answer = await fetch(url, { method, headers, redirect: "manual", body: form && new URLSearchParams(form).toString() });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(";");
      const at = pair.indexOf("=");
      if (pair.slice(at + 1) === "") this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await answer.text();
    this.pages.push(`${method} ${new URL(url).pathname} ${answer.status}`);
    return { status: answer.status, location: answer.headers.get("location"), text };
  }

  // Goes on until the browser is sent away from the gate; returns where to.
  async follow(url, answers = {}) {
    let answer = await this.open(url);
    let here = new URL(url);
    for (let step = 0; step < 20; step++) {
      if (answer.location) {
        const next = new URL(answer.location, here);
        if (next.origin !== this.origin) return next;
        here = next;
        answer = await this.open(next);
        continue;
      }
      // A page that leads on by itself, where a redirect would be stopped by the policy of the form's page.
      const on = answer.text.match(/<meta http-equiv="refresh" content="0; url=([^"]+)">/);
      if (on) {
        const next = new URL(unescape(on[1]), here);
        if (next.origin !== this.origin) return next;
        here = next;
        answer = await this.open(next);
        continue;
      }
      const form = answer.text.match(/<form method="post" action="([^"]+)">([\s\S]*?)<\/form>/);
      assert.ok(form, `${this.pages.join("\n")}\n${answer.status}\n${answer.text.slice(0, 2000)}`);
      const fields = {};
      for (const [input] of form[2].matchAll(/<input [^>]*>/g)) {
        const name = input.match(/name="([^"]+)"/)?.[1];
        if (name) fields[name] = unescape(input.match(/value="([^"]*)"/)?.[1] ?? "");
      }
      if ("password" in fields) Object.assign(fields, { name: this.name, password: this.password });
      const decisions = [...form[2].matchAll(/name="decision" value="([^"]+)"/g)].map((match) => match[1]);
      if (decisions.length) {
        fields.decision = answers.decision ?? decisions.find((word) => word === "allow" || word === "continue");
      }
      here = new URL(unescape(form[1]), here);
      answer = await this.open(here, fields);
      if (answers.last && answer.text.includes(answers.last)) return here;
    }
    assert.fail(`too many steps:\n${this.pages.join("\n")}`);
  }
}

function unescape(text) {
  return text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll(/&#([0-9]+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
