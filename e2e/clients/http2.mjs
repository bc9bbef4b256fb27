// One request over HTTP/2: METHOD URL [BODY [HEADER=VALUE]...]. Prints status, header fields and body as JSON.
import { connect } from "node:http2";

const [method, address, body = "", ...fields] = process.argv.slice(2);
const url = new URL(address);
const session = connect(url.origin, { rejectUnauthorized: false });
const head = { ":method": method, ":path": url.pathname + url.search };
for (const field of fields) {
  const [name, value] = field.split("=");
  head[name] = value;
}
const stream = session.request(head, { endStream: body === "" });
if (body !== "") stream.end(body);
let answer;
stream.on("response", (fields) => (answer = fields));
let text = "";
stream.setEncoding("utf8");
stream.on("data", (chunk) => (text += chunk));
stream.on("end", () => {
  console.log(JSON.stringify({ status: answer[":status"], fields: answer, body: text }));
  session.close();
});
