// One measurement in a process of its own: calls a function of a trial and prints what it returns. It does not import
// the library: the memory trial looks at the process before that.
import { readFileSync } from 'node:fs';

const [trial, name] = process.argv.slice(2);
const given = readFileSync(0, 'utf8');
const functions = await import(`./trials/${trial}.mjs`);
process.stdout.write(JSON.stringify(await functions[name](JSON.parse(given))));
