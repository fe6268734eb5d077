// How large lib/ and native/ are: lines, and the length of functions and classes. `node scripts/measure.mjs`
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCurrent } from './setup.mjs';
import { root } from './toolchain.mjs';

await makeCurrent();
const { measureCpp, measureTypeScript } = await import('../dist/test/tidy/checks.js');

const sources = (dir, name) =>
  readdirSync(join(root, dir), { recursive: true })
    .filter((path) => name.test(path))
    .map((path) => ({ path: join(dir, path), text: readFileSync(join(root, dir, path), 'utf8') }));
const lib = sources('lib', /\.ts$/);
const native = sources('native', /\.(cc|h)$/);
const count = (files) => files.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);

function show(name, files, { functions, classes }) {
  const lengths = functions.map(({ lines }) => lines).sort((a, b) => a - b);
  const at = (share) => lengths[Math.floor(share * (lengths.length - 1))];
  const largest = classes.toSorted((a, b) => b.lines - a.lines).slice(0, 4);
  console.log(
    `${name}: ${files.length} files, ${count(files)} lines; ${lengths.length} functions, median ${at(0.5)}, p90 ${at(0.9)}, longest ${at(1)} lines`,
  );
  console.log(
    `  largest classes, in lines of code: ${largest.map(({ name, lines }) => `${name} ${lines}`).join(', ')}`,
  );
}

const ofLib = lib.map(measureTypeScript);
show('lib', lib, {
  functions: ofLib.flatMap((each) => each.functions),
  classes: ofLib.flatMap((each) => each.classes),
});
show('native', native, measureCpp(native));
console.log(`lib and native: ${count(lib) + count(native)} lines`);
