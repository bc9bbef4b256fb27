// The same rules by casbin (npm). `node casbin.mjs SIZE...`; CASBIN names the folder that holds node_modules.
import { createRequire } from "node:module";
const require = createRequire(`${process.env.CASBIN}/`);
const { newModelFromString, newEnforcer, StringAdapter } = require("casbin");

const model = `
[request_definition]
r = sub, obj, act, acr
[policy_definition]
p = role, type, act, level, acr
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub.role == p.role && r.act == p.act && r.obj.type == p.type && r.obj.owner == r.sub.id && r.obj.level <= p.level && r.acr >= p.acr
`;
const rows = [];
for (const size of process.argv.slice(2).map(Number)) {
  const rules = Array.from({ length: size }, (_, n) => `p, r${Math.floor(n / 5)}, Document, see, ${n % 5}, 1`);
  const enforcer = await newEnforcer(newModelFromString(model), new StringAdapter(rules.join("\n")));
  const taken = [];
  const times = Math.max(20, Math.min(5000, 500000 / size));
  const sub = { id: "alice", role: `r${Math.floor(size / 10)}` };
  const obj = { type: "Document", owner: "alice", level: 2 };
  for (let n = 0; n < times; n += 1) {
    const start = process.hrtime.bigint();
    const allowed = await enforcer.enforce(sub, obj, "see", 2);
    taken.push(Number(process.hrtime.bigint() - start));
    if (!allowed) throw new Error("denied");
  }
  taken.sort((one, other) => one - other);
  rows.push({ engine: "casbin", policies: size, p50_ns: taken[taken.length >> 1], p99_ns: taken[Math.floor(taken.length * 0.99)] });
}
console.log(JSON.stringify(rows, null, 2));
