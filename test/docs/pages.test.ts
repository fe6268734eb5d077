// What the documents say is so: options, exit statuses, codes, records, links, examples.
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { leave } from '../journals.js';
import { axlCp, axlFinalize, axlVerify, library, Place, program, root, tree } from '../support.js';

const read = (path: string): string => fs.readFileSync(join(root, path), 'utf8');
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] as string);
/** Every page: those at the top, and all below docs/ and examples/. */
const below = (directory: string): string[] =>
  fs
    .readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(directory, name));
const documents = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md'].concat(
  below('docs'),
  below('examples'),
);

t.test('README, man page and --help have the same options', async (t) => {
  const { stdout } = await axlFinalize(['--help']);
  const help = all(stdout, /^ {2}(?:-\w, )?(--[\w-]+)/gm).sort();
  t.ok(help.length >= 25);
  const readme = read('README.md');
  t.same(all(readme.slice(readme.indexOf('<!-- options -->')), /^\| `(?:-\w, )?(--[\w-]+)/gm).sort(), help);
  const man = read('man/axl-finalize.1').replaceAll('\\-', '-');
  for (const option of help) t.ok(man.includes(option), `the man page has ${option}`);
});

t.test('axl-verify: its page, man page and --help have the same options and exit statuses', async (t) => {
  const { stdout } = await axlVerify(['--help']);
  const [page, man] = [read('docs/reference/axl-verify.md'), read('man/axl-verify.1').replaceAll('\\-', '-')];
  const options = all(stdout, /^ {2}(?:-\w, )?(--[\w-]+)/gm).sort();
  t.ok(options.length >= 7);
  t.same(all(page, /^- `(?:-\w, )?(--[\w-]+)/gm).sort(), options);
  for (const option of options) t.ok(man.includes(option), option);
  const statuses = all(stdout.slice(stdout.indexOf('Exit status')), /^ {2}(\d) /gm);
  t.same(statuses, ['6', '3', '1', '0', '2']);
  t.same(all(page, /\*\*(\d)\*\*/g), statuses);
  t.same(all(man.slice(man.indexOf('.SH EXIT')), /^\.B "(\d)"/gm), statuses);
});

t.test(
  'axl-cp: its page, man page and --help have the same options and exit statuses, and from-axl.md has all of AXL',
  async (t) => {
    const { stdout } = await axlCp(['--help']);
    const [page, man] = [read('docs/reference/axl-cp.md'), read('man/axl-cp.1').replaceAll('\\-', '-')];
    const options = all(stdout, /^ {2}(?:-\w, )*(--[\w-]+)/gm).sort();
    t.ok(options.length >= 20);
    t.same(all(page, /^- `(?:-\w, )*(--[\w-]+)/gm).sort(), options);
    for (const option of options) t.ok(man.includes(option), option);
    const statuses = all(stdout.slice(stdout.indexOf('Exit status')), /^ {2}(\d) /gm);
    t.same(statuses.toSorted(), ['0', '1', '2', '3', '4', '5', '6']);
    t.same(all(page, /\*\*(\d)\*\*/g), statuses);
    t.same(all(man.slice(man.indexOf('.SH EXIT')), /^\.B "(\d)"/gm), statuses);
    const from = read('docs/how-to/from-axl.md');
    for (const letter of ['-a', '-p', '-r', '-R', '-S', '-U', '-X'])
      t.match(from, new RegExp(`\\| [^|]*\`${letter}\\b`), letter);
  },
);

t.test('README and --help have the same exit statuses in the same order', async (t) => {
  const { stdout } = await axlFinalize(['--help']);
  const help = all(stdout.slice(stdout.indexOf('Exit status')), /^ {2}(\d) /gm);
  const readme = read('README.md');
  t.same(all(readme.slice(readme.indexOf('Exit status')), /\*\*(\d)\*\*/g), help);
  t.same(help, ['6', '1', '7', '5', '4', '3', '0', '2']);
});

/** Settings of the tests, and constants and variables of AXL itself. */
const FOREIGN = /^AXL_((TEST|XFER|DEBUG)_|(MKDIR|USE_EXTENSION|COPY_METADATA|DEBUG)$)/;

t.test('lib/base/errors.ts, native/base/status.cc and the documents have the same codes', async (t) => {
  const codes = all(read('lib/base/errors.ts'), /^ {2}\| '(AXL_\w+)'/gm);
  t.ok(codes.length > 10);
  const engine = all(read('native/base/status.cc'), /"(AXL_\w+)"/g).filter((code) => code !== 'AXL_UNKNOWN');
  t.same(
    codes.filter((code) => !engine.includes(code)),
    ['AXL_RANK_FAILED', 'AXL_RANK_LOST', 'AXL_COMMAND_FAILED'],
    'which are of lib/comm/agreement.ts, lib/comm.ts and lib/finalize/on-published.ts',
  );
  t.same(
    engine.filter((code) => !codes.includes(code)),
    [],
  );
  const variables = all(read('lib/base/options.ts'), /(?:'|env\.)(AXL_\w+)/g);
  variables.push(...all(read('lib/finalize/on-published.ts'), /^ {4}(AXL_\w+):/gm));
  variables.push(...all(read('contrib/modulefiles/axl-transfer/0.1.0'), /^setenv (AXL_\w+)/gm));
  variables.push(...all(read('examples/slurm/burst_buffer.lua'), /"(AXL_\w+)=/g));
  for (const path of documents) {
    const named = all(read(path), /\b(AXL_[A-Z][A-Z_]+)\b/g);
    t.same(
      named.filter((word) => !codes.includes(word) && !variables.includes(word) && !FOREIGN.test(word)),
      [],
      path,
    );
  }
});

t.test('each environment variable that lib/base/options.ts reads is explained to its readers', (t) => {
  const page = read('docs/reference/environment.md');
  const variables = new Set(all(read('lib/base/options.ts'), /(?:'|env\.)(AXL_\w+)/g));
  t.ok(variables.size >= 5);
  for (const variable of variables) t.ok(page.includes(`\n| \`${variable}\``), variable);
  t.end();
});

t.test('each environment variable that lib/ reads is on one page', (t) => {
  const page = read('docs/reference/environment.md');
  const sources = ['lib', 'scripts'].flatMap((dir) =>
    fs.readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }).map((path) => join(dir, path)),
  );
  const shipped = sources.filter((path) => /^lib\/.*\.ts$|\/(toolchain|axl-transfer)\.mjs$/.test(path));
  const variables = new Set(shipped.flatMap((path) => all(read(path), /\benv\.([A-Z][A-Z_]+)\b/g)));
  for (const name of all(read('lib/base/launch.ts'), /'([A-Z]+_[A-Z_]+)'/g)) variables.add(name);
  t.ok(variables.size >= 15);
  for (const variable of variables) t.ok(page.includes(`\`${variable}\``), variable);
  t.end();
});

t.test('docs/reference/api.md says of each code what it means', (t) => {
  const page = read('docs/reference/api.md');
  const codes = all(read('lib/base/errors.ts'), /^ {2}\| '(AXL_\w+)'/gm);
  t.same(all(page, /^- `(AXL_\w+)`: \S/gm), codes);
  t.notMatch(page, /\{\w+Error\}/, 'and has no braces of docstrings');
  t.end();
});

t.test('docs/reference/reports.md has every field of the reports, every event, every metric', async (t) => {
  const section = read('docs/reference/reports.md');
  const place = new Place(t);
  await leave.complete(place, 'a');
  const metrics = place.path('axl.prom');
  const shard = ['--shard', '0/1', '--dataset', '--report', place.path('axl.json')];
  const { stdout } = await axlFinalize([...shard, '--ndjson', '--metrics', metrics, place.states]);
  const merged = await axlFinalize(['merge', '--json', place.path('axl.0-of-1.json')]);
  const documents = [fs.readFileSync(place.path('axl.0-of-1.json'), 'utf8'), merged.stdout];
  const fields = documents.flatMap((text) => {
    const { entries, datasets, timings, counts, ...rest } = JSON.parse(text);
    return [{ entries, datasets, timings, counts, ...rest }, entries[0], datasets[0], timings, counts].flatMap(
      Object.keys,
    );
  });
  const names = all(fs.readFileSync(place.path('axl.0-of-1.prom'), 'utf8'), /^# TYPE (\w+)/gm);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  t.ok(fields.length > 40 && names.length > 8 && events.length > 3);
  for (const word of new Set([...fields, ...names, ...events])) t.ok(section.includes(`\`${word}\``), word);
});

t.test('docs/state-format.md has the records of native/journal/format.h', async (t) => {
  const header = [...read('native/journal/format.h').matchAll(/^ {2}k(\w+) = (kOptional \| )?(\d+),/gm)];
  const page = [...read('docs/state-format.md').matchAll(/^\| (\d+) \| ([A-Z]+) \|/gm)];
  t.ok(header.length > 10);
  t.same(
    page.map(([, number, name]) => `${name} ${number}`),
    header.map(([, name, optional, n]) => `${name?.toUpperCase()} ${Number(n) + (optional ? 0x80 : 0)}`),
  );
});

/** GitHub's anchors of a document's headings, numbered where one is there already, and those that the page sets itself. */
function anchors(text: string): string[] {
  const seen = new Map<string, number>();
  const headings = all(text.replace(/^```[\s\S]*?^```/gm, ''), /^#+ (.*)$/gm).map((title) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
  return [...headings, ...all(text, /<a id="([^"]+)">/g)];
}

t.test('links between the documents lead somewhere', async (t) => {
  for (const path of documents) {
    for (const link of all(read(path), /\]\(([^)\s]+)\)/g).filter((target) => !/^[a-z]+:/.test(target))) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      t.ok(fs.existsSync(join(root, target)), `${path} links to ${link}`);
      if (anchor !== undefined && fs.existsSync(join(root, target)))
        t.ok(anchors(read(target)).includes(anchor), `${path} links to ${link}`);
    }
  }
});

t.test('npm installs a man page beside each command: it takes a list of pages, and no single one', (t) => {
  const { man, bin } = JSON.parse(read('package.json'));
  t.same(
    man,
    Object.keys(bin).map((name) => `./man/${name}.1`),
  );
  for (const page of man) t.ok(fs.existsSync(join(root, page)), page);
  t.end();
});

t.test('the changelog begins with the version of package.json', async (t) => {
  const { version } = JSON.parse(read('package.json'));
  t.equal(all(read('CHANGELOG.md'), /^## (\S+)/gm)[0], version);
});

/** The first code block of a language in the README, or in what follows a heading there. */
function block(language: string, heading = '') {
  const readme = read('README.md');
  return all(readme.slice(readme.indexOf(heading)), new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))[0] ?? '';
}

t.test("the README's example runs as it stands, also where JavaScript has no `await using`", async (t) => {
  const place = new Place(t);
  place.write('l/ssd/ckpt.42/rank7', 'checkpoint');
  const paths = { '/p/job/state': place.states, '/l/ssd': place.path('l/ssd'), '/p/lustre/run': place.path('run') };
  let code = block('ts').replace("'axl-transfer'", `'${library}'`);
  for (const [shown, used] of Object.entries(paths)) code = code.replaceAll(`'${shown}`, `'${used}`);
  code += `console.log(report.filesPublished); function computeNextStep() {}`;
  t.notMatch(code, 'await using', 'which this Node may have, but the oldest one that we name has not');
  const ended = await program(process.execPath, ['--input-type=module', '-e', code]);
  t.equal(ended.stdout, '1\n', ended.stderr);
  t.same(tree(place.path('run')), { 'ckpt.42/': '', 'ckpt.42/rank7': 'checkpoint' });
  t.same(tree(place.states), {});
});

t.test("the README's commands of recovery run", async (t) => {
  const place = new Place(t);
  const finalizer = `${process.execPath} ${join(root, 'dist/bin/axl-finalize.js')}`;
  const [first = '', resume = '', open = ''] = block('sh', '## Recovery').split(/\n(?=\S)/);
  const run = (line: string) =>
    program('sh', ['-c', line.replace('axl-finalize', finalizer).replace('/p/job/state', place.states)]);
  await leave.incomplete(place, 'a');
  const resumed = await run(resume);
  t.equal(resumed.status, 0, resumed.stderr);
  t.same(tree(place.dest), { a: 'source/a' });
  const stateFile = await leave.incomplete(place, 'b');
  const node = open.replace(/^node/, process.execPath).replace("'axl-transfer'", `'${library}'`);
  const opened = await run(node.replace('STATE_FILE', stateFile));
  t.equal(opened.status, 0, opened.stderr);
  t.same(tree(place.dest), { a: 'source/a', b: 'source/b' });
  await leave.incomplete(place, 'c');
  t.equal((await run(first)).status, 3);
  t.same(tree(place.dest), { a: 'source/a', b: 'source/b' });
  t.same(tree(place.states), {});
});
