// The repository keeps its own rules: the checks of checks.ts, on every file. What they find has to be mended; no list of
// exceptions stands here but where a rule does not hold by its nature.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as native from '../../lib/base/native.js';
import { FILE_VERDICTS } from '../../lib/base/native-manifest.js';
import { ANSWERS } from '../../lib/base/native-word.js';
import { shapes } from '../../lib/base/options.js';
import { UNTIL } from '../../lib/base/phases.js';
import { FINALIZE_OPTIONS } from '../../lib/cli/options.js';
import { root } from '../support.js';
import * as checks from './checks.js';

const SKIPPED = /^(node_modules|dist|build.*|\.git|\.tap|\.cache|prebuilds)$/;

/** Files below a folder of the repository. */
function* below(dir: string): Generator<string> {
  for (const entry of fs.readdirSync(join(root, dir), { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* SKIPPED.test(entry.name) ? [] : below(path);
    else if (entry.isFile()) yield path;
  }
}

const all = [...below('')];
const read = (path: string): checks.Source => ({ path, text: fs.readFileSync(join(root, path), 'utf8') });
const sources = (name: RegExp) => all.filter((path) => name.test(path)).map(read);
const exists = (path: string) => fs.existsSync(join(root, path)) || fs.existsSync(join(root, `${path}.cc`));

const code = sources(/\.(ts|mjs|cc|h|c|sh|py)$/);
const typeScript = sources(/^(lib|bin|test)\/.*\.ts$/);
const cpp = sources(/^(native|test\/(native|faults|fuzz))\/.*\.(cc|h)$/);
const ofTypeScript = typeScript.map(checks.measureTypeScript);
const ofCpp = checks.measureCpp(cpp);

/** A test is one function, however many steps it has; and one table of traps is a class. */
const ofTests = (path: string): boolean => path.startsWith('test/');

t.test('the files are found', async (t) => {
  t.ok(code.length > 200, `${code.length} files of code`);
  t.ok(ofTypeScript.flatMap(({ functions }) => functions).length > 500);
  t.ok(ofCpp.functions.length > 300 && ofCpp.classes.length > 30);
});

t.test('a file begins with what lives in it', async (t) => {
  t.same(checks.withoutFirstLines(code), []);
});

t.test('no file of code has more than 400 lines', async (t) => {
  t.same(checks.longFiles(code), []);
});

t.test('no line of code is wider than 120 columns', async (t) => {
  t.same(checks.wideLines(code), []);
});

t.test('no function has more than 40 lines', async (t) => {
  const functions = [...ofTypeScript.flatMap((each) => each.functions), ...ofCpp.functions];
  t.same(
    checks.longer(
      functions.filter(({ path }) => !ofTests(path)),
      40,
    ),
    [],
  );
});

t.test('no class has more than 200 lines of code', async (t) => {
  const classes = [...ofTypeScript.flatMap((each) => each.classes), ...ofCpp.classes];
  t.same(
    checks.longer(
      classes.filter(({ path }) => !ofTests(path)),
      200,
    ),
    [],
  );
});

t.test('links of the documents lead to files and headings that are there', async (t) => {
  t.same(checks.deadLinks(sources(/\.md$/), exists), []);
});

t.test('ARCHITECTURE.md has a line for each room, and names nothing that is not there', async (t) => {
  const rooms = ['lib', 'native'].flatMap((dir) =>
    fs
      .readdirSync(join(root, dir), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${dir}/${name}`),
  );
  t.same(checks.layersMissing(read('ARCHITECTURE.md').text, rooms, exists), []);
});

const BANS: readonly checks.Ban[] = [
  {
    call: /(?<![\w.>:])::?f(data)?sync\(|(?<![\w.>:])f(data)?sync\(/,
    instead: 'Os::Fsync, which tests can fail and count',
    within: ['native/'],
    but: ['native/os/'],
  },
  {
    call: /(?<![\w.>])::(open|rename|unlink|mkdir)(at2?)?\(|(?<![\w.>])::(close|p?read|p?write)\(/,
    instead: 'the Os, the one way to the operating system',
    within: ['native/'],
    but: ['native/os/'],
  },
  {
    call: /\bpath\.(resolve|normalize)\(|\bimport \{[^}]*\b(resolve|normalize)\b[^}]*\} from 'node:path'/,
    instead: 'toAbsolute of base/names.ts: a path is bytes, and `..` after a link is not what it seems',
    within: ['lib/'],
    but: ['lib/base/'],
  },
  {
    call: /\bimport .* from 'node:fs(\/promises)?'/,
    instead: 'the addon, whose calls go through the Os',
    within: ['lib/finalize/', 'lib/transfer/', 'lib/comm/'],
    but: ['lib/finalize/scan.ts', 'lib/finalize/directory-lock.ts', 'lib/comm/directory.ts', 'lib/comm/pmi.ts'],
  },
  {
    call: /\bconsole\.(log|error|warn)\(/,
    instead: 'a value or an error: a library prints nothing, and lib/cli/output does for the command',
    within: ['lib/'],
    but: [],
  },
  {
    call: /\bJSON\.stringify\(|\bstdout\.write\((?!`\$\{toJson\()/,
    instead: 'toJson or say, which let no character through that acts on a terminal',
    within: ['lib/cli/commands/'],
    but: [],
  },
  {
    call: /\bprocess\.env\b/,
    instead: 'lib/base/options.ts (settings) or lib/base/launch.ts (the launcher), which read each variable once',
    within: ['lib/'],
    // What a launcher says to PMI and PMIx; what a child inherits; what a terminal can show; where SCR has its prefix.
    but: ['lib/base/', 'lib/comm.ts', 'lib/as-root/others.ts', 'lib/cli/output/bar.ts', 'lib/cli/scr-prefix.ts'],
  },
];

t.test('no call that has a replacement', async (t) => {
  t.same(checks.banned(sources(/^(lib|native)\/.*\.(ts|cc|h)$/), BANS), []);
});

t.test('no sentence that users read lacks its noun', async (t) => {
  t.same(checks.withoutNoun(sources(/^(lib|native)\/.*\.(ts|cc)$/)), []);
});

/** An enumeration of native.ts, and what it is in native/. */
const ENUMERATIONS: readonly [words: unknown, header: string, name: string][] = [
  [native.DURABILITY, 'native/base/record.h', 'Durability'],
  [native.OWNER, 'native/base/record.h', 'OwnerPolicy'],
  [native.LINKS, 'native/plan/plan.h', 'Links'],
  [native.INCOMPLETE, 'native/finalize/policy.h', 'Incomplete'],
  [native.VERIFY, 'native/publish/publisher.h', 'Verify'],
  [native.OVERWRITE, 'native/publish/publisher.h', 'Overwrite'],
  [native.NATIVE_STATES, 'native/transfer.h', 'State'],
  [native.KINDS, 'native/survey.h', 'Kind'],
  [native.STANDINGS, 'native/survey.h', 'Standing'],
  [ANSWERS, 'native/base/answer.h', 'Answer'],
  [FILE_VERDICTS, 'native/manifest/check.h', 'FileVerdict'],
  [native.ACTIONS, 'native/finalize/policy.h', 'Action'],
  [UNTIL, 'native/publish/publisher.h', 'Until'],
];

t.test('enumerations have the same words and numbers in TypeScript and C++', async (t) => {
  for (const [words, header, name] of ENUMERATIONS) {
    const numbers = Array.isArray(words)
      ? Object.fromEntries(words.map((word, i) => [word.replace(' ', '-'), i]))
      : words;
    const { 'for-dataset': _, 'in-phases': __, ...all } = checks.cppEnum(read(header).text, name); // of which TypeScript is never told
    t.same(all, numbers, name);
  }
});

t.test('an option of finalize() is one of axl-finalize, and takes what that takes', async (t) => {
  const rows = new Map(FINALIZE_OPTIONS.map((row) => [row.name, row]));
  const ofCode = ['signal', 'entries', 'onEvent', 'movers']; // what only a program can give
  for (const [key, check] of Object.entries(shapes.finalize)) {
    if (ofCode.includes(key)) continue;
    const name = key === 'roots' ? '--root' : `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const row = rows.get(name);
    t.ok(row, `${name} has a row`);
    for (const word of row?.choices ?? []) t.doesNotThrow(() => check(word, key), `${key}: ${word}`);
    if (row?.choices) t.throws(() => check(`no-${row.choices?.[0]}`, key), `${key} is checked`);
  }
});
