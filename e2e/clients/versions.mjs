// Which client programs are installed.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
for (const name of Object.keys(dependencies)) {
  const path = require.resolve.paths(name).map((folder) => `${folder}/${name}/package.json`);
  for (const candidate of path) {
    try {
      console.log(name, JSON.parse(readFileSync(candidate)).version);
      break;
    } catch {
      // Looked for further up.
    }
  }
}
