// Is docs/state-format.md enough to read a state file? A reader in another language, written from that page alone, and
// the library say the same of every fixture.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { inspect } from '../lib/index.js';
import { root } from './support.js';

const FIXTURES = join(root, 'test/fixtures/journal');
const READER = join(root, 'test/journal-reader.py');

interface Said {
  readonly file: string;
  readonly code?: string;
  readonly torn?: boolean;
  readonly validBytes?: number;
  readonly list?: readonly (readonly [string | null, Readonly<Record<string, unknown>>])[];
}

const files = fs
  .readdirSync(FIXTURES)
  .sort()
  .map((name) => join(FIXTURES, name));
const { status, stdout, error } = spawnSync('python3', [READER, ...files], { encoding: 'utf8' });
const missing = error ? 'python3 is not there: the page was NOT read by another program' : false;
if (missing) t.comment(missing);
const said: Said[] = missing
  ? []
  : stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Said);
const REFUSED = ['AXL_STATE_CORRUPT', 'AXL_STATE_VERSION'];

t.test('the reader of the page and the library say the same of every fixture', { skip: missing }, async (t) => {
  t.equal(status, 0);
  t.equal(said.length, files.length);
  for (const [i, { file, code, torn, validBytes, list = [] }] of said.entries()) {
    const ours = inspect(files[i] as string);
    const refusal = ours.error && REFUSED.includes(ours.error.code) ? ours.error.code : undefined;
    t.equal(code, refusal, file);
    if (code !== undefined) continue;
    t.match(
      { torn, validBytes, records: list.length },
      { torn: ours.torn, validBytes: ours.validBytes, records: ours.records },
    );
    const of = (name: string) => list.filter(([type]) => type === name).map(([, fields]) => fields);
    t.match(
      of('TRANSFER')[0],
      { name: ours.name, dataset: ours.dataset, attempt: ours.attempt, home: ours.home },
      file,
    );
    const paths = of('FILE').map(({ dest }) => Buffer.from(dest as string, 'latin1').toString('hex'));
    t.same(
      paths,
      ours.fileList.map(({ destBytes }) => destBytes.toString('hex')),
      file,
    );
    const done = new Map(of('DONE').map((fields) => [fields.file, fields]));
    for (const [id, { crc32c }] of ours.fileList.entries())
      if (crc32c !== undefined) t.equal(done.get(id)?.crc, crc32c, `${file}, file ${id}`);
  }
});

t.test('every record of the page stands in a fixture', { skip: missing }, async (t) => {
  const page = fs.readFileSync(join(root, 'docs/state-format.md'), 'utf8');
  const names = [...page.matchAll(/^\| \d+ \| ([A-Z]+) \|/gm)].map(([, name]) => name);
  const there = new Set(said.flatMap(({ list = [] }) => list.map(([name]) => name)));
  t.equal(names.length, 27);
  t.same(
    names.filter((name) => !there.has(name as string)),
    [],
  );
});
