// An application as they are often written: it keeps whatever it is sent, and answers with all it has.
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

let accounts = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const url = new URL(request.url, "http://app");
  const json = (status, value, fields = {}) => {
    let bytes = Buffer.from(JSON.stringify(value));
    const zips = url.pathname === "/api/zipped" || /gzip/.test(request.headers["accept-encoding"] ?? "");
    if (zips) {
      bytes = gzipSync(bytes);
      fields = { ...fields, "content-encoding": "gzip" };
    }
    response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...fields });
    response.end(request.method === "HEAD" ? undefined : bytes);
  };
  if (url.pathname === "/api/count") return json(200, accounts.length);
  if (url.pathname === "/api/accounts" && request.method === "POST") {
    const account = { id: accounts.length + 1, role: "user", passwordHash: "$2b$planted", ...JSON.parse(body) };
    accounts.push(account);
    return json(201, account);
  }
  if (url.pathname === "/api/accounts") return json(200, accounts);
  if (url.pathname === "/api/zipped") return json(200, accounts);
  if (url.pathname === "/api/wrong") return json(200, { id: "one" });
  if (url.pathname === "/api/odd") return json(418, { secret: "planted-detail" });
  if (url.pathname === "/api/old") return json(200, 0);
  if (url.pathname.startsWith("/api/internal/")) return json(200, { internals: true });
  json(404, {});
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
