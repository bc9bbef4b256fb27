// Validates SARIF files with Microsoft's own tool: `node sarif_validate.mjs FILE...`. Prints what it says of each, and ends with 1
// when it is not SARIF 2.1.0.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("@microsoft/sarif-multitool-linux/package.json"));
const tool = join(folder, "Sarif.Multitool");
chmodSync(tool, 0o755);
let wrong = 0;
for (const file of process.argv.slice(2)) {
  const output = join(mkdtempSync(join(tmpdir(), "sarif-")), "verdict.sarif");
  const arguments_ = ["validate", file, "--output", output, "--level", "Error"];
  const environment = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" };
  const run = spawnSync(tool, arguments_, { encoding: "utf8", env: environment });
  const verdict = JSON.parse(readFileSync(output, "utf8").replace(/^\ufeff/, ""));
  const errors = verdict.runs[0].results.filter((result) => result.level === "error");
  for (const error of errors) {
    wrong += 1;
    console.error(error.ruleId, JSON.stringify(error.message).slice(0, 400));
  }
  if (run.error) throw run.error;
  console.log(`${file}: ${errors.length} errors`);
}
process.exit(wrong ? 1 : 0);
