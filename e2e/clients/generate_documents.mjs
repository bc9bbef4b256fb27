// The documents of a table, asked of validators that were compiled: `contract.js TABLE`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , contract, table] = process.argv;
const validators = await import(pathToFileURL(contract).href);
let wrong = 0;
const rows = JSON.parse(readFileSync(table, "utf8"));
for (const { why, schema, fits, document } of rows) {
  const read = validators[schema].safeParse(document);
  if (read.success !== fits) {
    console.error(`${why}: ${read.success ? "accepted" : read.error.message}`);
    wrong += 1;
  }
}
// Parameters arrive as text.
const { putOrder } = validators.operations;
const id = "0190163d-8694-739b-aea5-966c26f8ad91";
const parameters = [
  ["path", { id: "12" }, true],
  ["path", { id: "0" }, false],
  ["path", { id: "1e3" }, false],
  ["path", { id: " 1" }, false],
  ["query", {}, true],
  ["query", { dry: "true", tags: ["a", "b"], fields: "id,total" }, true],
  ["query", { tags: "a" }, true],
  ["query", { dry: "yes" }, false],
  ["query", { tags: ["a", "b", "c"] }, false],
  ["query", { fields: "id,secret" }, false],
  ["query", { admin: "1" }, false],
  ["header", { "x-request-id": id, host: "a" }, true],
  ["header", {}, false],
];
for (const [place, value, fits] of parameters) {
  if (putOrder[place].safeParse(value).success !== fits) {
    console.error(`${place} ${JSON.stringify(value)}: expected ${fits}`);
    wrong += 1;
  }
}
if (putOrder.path.parse({ id: "12" }).id !== 12) wrong += 1;
console.log(`${rows.length} documents, ${wrong} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;
