// Which documents of a table validators accept: `contract.js TABLE`; one letter each, `y` or `n`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , contract, table] = process.argv;
const validators = await import(pathToFileURL(contract).href);
const rows = JSON.parse(readFileSync(table, "utf8"));
console.log(rows.map((document) => (validators.Order.safeParse(document).success ? "y" : "n")).join(""));
