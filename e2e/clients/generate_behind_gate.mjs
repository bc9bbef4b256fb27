// What was generated for Express and Next.js, compiled, as an application behind a gate that runs: `FRAMEWORK FOLDER PORT`.
// `/me` tells who is calling, `/raw` what came in the header; `/later` lets an hour go by.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [, , framework, folder, port] = process.argv;
let hours = 0;
const Clock = Date;
globalThis.Date = class extends Clock {
  constructor(...given) { if (given.length === 0) super(Clock.now() + hours * 3_600_000); else super(...given); }
  static now() { return Clock.now() + hours * 3_600_000; }
};
const verifier = await import(pathToFileURL(`${folder}/gabion-identity.js`).href);

if (framework === "express") {
  const { default: express } = await import("express");
  const application = express();
  application.get("/raw", (request, response) => response.json(request.get("gabion-identity") ?? null));
  application.get("/later", (_, response) => { hours += 1; response.json(hours); });
  application.use(verifier.requireIdentity);
  application.get(["/me", "/other/me"], (request, response) => response.json(verifier.identityOf(request)));
  application.listen(Number(port), "127.0.0.1");
} else {
  const { proxy } = await import(pathToFileURL(`${folder}/proxy.js`).href);
  const me = verifier.withIdentity((_, identity) => Response.json(identity));
  const answer = async (path, request) => {
    if (path === "/raw") return Response.json(request.headers.get("gabion-identity"));
    if (path === "/later") return Response.json(++hours);
    // As Next.js does: the proxy before the route.
    const refused = await proxy(request);
    const answered = await me(request, {});
    if ((refused?.status ?? 200) !== answered.status) return new Response("proxy and handler differ", { status: 500 });
    return answered;
  };
  createServer(async (incoming, outgoing) => {
    const headers = new Headers();
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) headers.append(incoming.rawHeaders[at], incoming.rawHeaders[at + 1]);
    const answered = await answer(incoming.url, new Request(`http://127.0.0.1${incoming.url}`, { headers }));
    outgoing.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
  }).listen(Number(port), "127.0.0.1");
}
