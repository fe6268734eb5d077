// AXL's rules for adding, as axl-cp has them: what goes where, and what cannot be copied.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t from 'tap';
import { axlCp } from '../support.js';
import { at, made, ready, under } from './copies.js';

/** AXL's documented rules for adding, and what is said of what cannot be: arguments, status, what is made, the sentence. */
const RULES: readonly (readonly [string, readonly string[], number, Record<string, string>, RegExp])[] = [
  ['a file becomes a new name', ['file', 'new'], 0, { new: 'F' }, /^$/],
  ['a file replaces a file', ['file', 'old/x'], 0, under('old', { x: 'F' }), /^$/],
  ['a file goes into a directory', ['file', 'old'], 0, { 'old/file': 'F' }, /^$/],
  ['directories on the way are made', ['file', 'p/q/new'], 0, { 'p/': '', 'p/q/': '', 'p/q/new': 'F' }, /^$/],
  ['a directory becomes a new name', ['-r', 'src', 'new'], 0, under('new'), /^$/],
  ['a directory goes into a directory under its own name', ['-r', 'src', 'old'], 0, under('old/src'), /^$/],
  ['what is in a directory', ['-r', 'src/.', 'old'], 0, { 'old/a': 'A', 'old/sub/': '', 'old/sub/b': 'B' }, /^$/],
  ['-R is -r', ['-R', 'src', 'new'], 0, under('new'), /^$/],
  ['-a is -r -p', ['-a', 'src', 'new'], 0, under('new'), /^$/],
  ['letters go together', ['-rpv', 'src', 'new'], 0, under('new'), /^$/],
  ['a directory onto a file fails', ['-r', 'src', 'old/x'], 1, {}, /^axl-cp: .*ENOTDIR.*\n$/],
  ['a directory without -r is omitted', ['src', 'new'], 0, {}, /^axl-cp: omitting directory 'src': give -r.*\n$/],
  ['the others are copied', ['src', 'file', 'old'], 0, { 'old/file': 'F' }, /^axl-cp: omitting directory 'src'.*\n$/],
  ['several go into a directory', ['-r', 'file', 'src', 'old'], 0, { 'old/file': 'F', ...under('old/src') }, /^$/],
  ['several need a directory', ['file', 'src/a', 'new'], 1, {}, /^axl-cp: target 'new' is not a directory.*\n$/],
  ['which a file is not', ['file', 'src/a', 'old/x'], 1, {}, /^axl-cp: target 'old\/x' is not a directory.*\n$/],
  [
    'one that is written NEW/ is made',
    ['file', 'src/a', 'new/'],
    0,
    { 'new/': '', 'new/file': 'F', 'new/a': 'A' },
    /^$/,
  ],
  ['two of one name fail', ['file', 'src/../file', 'old'], 1, {}, /^axl-cp: .*\n$/],
  ['a source that is not there fails', ['none', 'new'], 1, {}, /^axl-cp: .*none: ENOENT.*\n$/],
  ['and with it the others', ['file', 'none', 'old'], 1, {}, /^axl-cp: .*none: ENOENT.*\n$/],
  ['a FIFO fails', ['fifo', 'new'], 1, {}, /^axl-cp: .*fifo: .*only files, directories and symbolic links.*\n$/],
  [
    'also in a directory',
    ['-r', 'odd', 'new'],
    1,
    {},
    /^axl-cp: .*fifo: .*only files, directories and symbolic links.*\n$/,
  ],
  ['a device fails', ['/dev/null', 'new'], 1, {}, /^axl-cp: .*\/dev\/null: .*only files.*\n$/],
  ['a link that leads nowhere fails', ['nowhere', 'new'], 1, {}, /^axl-cp: .*nowhere: .*; --links copy .*\n$/],
  ['also in a directory', ['-r', 'lost', 'new'], 1, {}, /^axl-cp: .*nowhere: .*; --links copy .*\n$/],
  ['a circle of links, too', ['-r', 'circle', 'new'], 1, {}, /^axl-cp: .*ELOOP.*; --links copy .*\n$/],
  ['it is copied as a link', ['-r', '--links=copy', 'circle', 'new'], 0, under('new', { up: '-> .' }), /^$/],
  ['a link is followed', ['link', 'new'], 0, { new: 'F' }, /^$/],
  ['also in a directory', ['-r', 'links', 'new'], 0, under('new', { l: 'F' }), /^$/],
  ['unless it is to be copied', ['-r', '--links', 'copy', 'links', 'new'], 0, under('new', { l: '-> ../file' }), /^$/],
  ['or left out', ['-r', '--links=skip', 'links', 'new'], 0, under('new', {}), /has no file/],
  ['a link to a directory is one', ['alias', 'new'], 0, {}, /omitting directory 'alias'/],
  ['and is copied as one', ['-r', 'alias', 'new'], 0, under('new'), /^$/],
];

t.test("AXL's rules for adding", async (t) => {
  for (const [what, args, status, wanted, said] of RULES)
    await t.test(`${what}: axl-cp ${args.join(' ')}`, async (t) => {
      const place = ready(t);
      for (const fifo of ['fifo', 'odd/fifo']) {
        fs.mkdirSync(place.path('odd'), { recursive: true });
        spawnSync('mkfifo', [place.path(fifo)]);
      }
      fs.symlinkSync('nonexistent', place.path('nowhere'));
      fs.mkdirSync(place.path('lost'));
      fs.symlinkSync('nonexistent', place.path('lost/nowhere'));
      fs.symlinkSync('file', place.path('link'));
      fs.symlinkSync('src', place.path('alias'));
      fs.mkdirSync(place.path('links'));
      fs.mkdirSync(place.path('circle'));
      fs.symlinkSync('.', place.path('circle/up'));
      fs.symlinkSync('../file', place.path('links/l'));
      const before = made(place);
      const ended = await axlCp(args, at(place));
      t.equal(ended.status, status, ended.stderr);
      t.same(made(place), { ...before, ...wanted });
      t.match(ended.stderr, said);
    });
});
