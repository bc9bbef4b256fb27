// Prints the processor time of reading and validating documents with ajv, in nanoseconds: one line for each document.
// Arguments: the schema, the milliseconds to spend on each, the documents.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// From the folder it is started in, where the packages are.
const require = createRequire(process.cwd() + "/");
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;

const [schema, milliseconds, ...documents] = process.argv.slice(2);
const ajv = new Ajv({ strict: false });
addFormats(ajv, { mode: "full" });
const validate = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
for (const path of documents) {
  const bytes = readFileSync(path);
  const judge = () => validate(JSON.parse(bytes.toString("utf8")));
  // Compiled by the engine before it is measured.
  for (let times = 0; times < 2000; times++) if (!judge()) throw new Error("the document is not valid");
  const before = process.cpuUsage();
  let times = 0;
  let spent = 0;
  while (spent < milliseconds * 1000) {
    for (let turn = 0; turn < 50; turn++) if (!judge()) throw new Error("the document is not valid");
    times += 50;
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
  console.log(Math.round((spent * 1000) / times));
}
