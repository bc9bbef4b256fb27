// A browser for machines: keeps cookies, follows redirects within the gate, fills the gate's own forms.

import assert from "node:assert/strict";
import { request } from "node:http";

export class Browser {
  // `sites` are other origins whose pages are opened too; the first of their pages that leads no further is
  // the end of the way, and stays in `page`.
  constructor(origin, name, password, sites = []) {
    Object.assign(this, { origin, name, password, sites, jars: new Map(), pages: [] });
  }

  knows(url) {
    return url.origin === this.origin || this.sites.includes(url.origin);
  }

  async open(url, form) {
    const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    headers["sec-fetch-site"] = form ? "same-origin" : "none";
    // One jar for each origin, although browsers have one for a host: these are hosts of their own in earnest.
    const here = new URL(url).origin;
    const jar = this.jars.get(here) ?? new Map();
    this.jars.set(here, jar);
    if (jar.size) headers.cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (form) Object.assign(headers, { origin: here, "content-type": "application/x-www-form-urlencoded" });
    const method = form ? "POST" : "GET";
    const answer = await send(url, { method, headers }, form && new URLSearchParams(form).toString());
    for (const cookie of answer.headers["set-cookie"] ?? []) {
      const [pair] = cookie.split(";");
      const at = pair.indexOf("=");
      if (pair.slice(at + 1) === "") jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    this.pages.push(`${method} ${new URL(url).pathname} ${answer.status}`);
    return { status: answer.status, location: answer.headers.location ?? null, text: answer.text };
  }

  // Goes on until the browser is sent away; returns where to.
  async follow(url, answers = {}) {
    let answer = await this.open(url);
    let here = new URL(url);
    for (let step = 0; step < 20; step++) {
      if (answer.location) {
        const next = new URL(answer.location, here);
        if (!this.knows(next)) return next;
        here = next;
        answer = await this.open(next);
        continue;
      }
      if (here.origin !== this.origin) {
        this.page = answer;
        return here;
      }
      // A page that leads on by itself, where a redirect would be stopped by the policy of the form's page.
      const on = answer.text.match(/<meta http-equiv="refresh" content="0; url=([^"]+)">/);
      if (on) {
        const next = new URL(unescape(on[1]), here);
        if (!this.knows(next)) return next;
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

// One request, as its headers are: `fetch` puts values of its own into those of Fetch Metadata.
function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const asked = request(url, options, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

function unescape(text) {
  return text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll(/&#([0-9]+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
