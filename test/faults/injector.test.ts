// The harness itself: the injector does what its options say, and a program that breaks the promise is found out.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Fault, inject, noInjector } from './injector.js';
import type { Life } from './lives.js';
import { countCalls, tryAll } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

/** A shell that writes a file and reads it, with a fault at one of its calls of one kind. */
async function shell(call: string, fault: Fault, at = 1) {
  const { place } = await template.copy();
  const path = join(place, 'file');
  const ended = await inject(['sh', '-c', `echo 0123456789 > ${path} && cat ${path}`], {
    place,
    only: [call],
    at,
    fault,
  });
  const content = fs.existsSync(path) ? fs.readFileSync(path, 'latin1') : undefined;
  return { ...ended, content, hit: ended.hit?.call };
}

t.test('a kill comes before the call', { skip }, async (t) => {
  t.match(await shell('openat', 'kill'), { hit: 'openat', status: null, signal: 9, content: undefined });
  t.match(await shell('write', 'kill'), { hit: 'write', status: null, signal: 9, content: '' });
});

t.test('a torn write has written a part before the kill', { skip }, async (t) => {
  t.match(await shell('write', 'torn'), { hit: 'write', status: null, signal: 9, content: '01234' });
});

t.test('a short write and a short read say so, and the program goes on', { skip }, async (t) => {
  t.match(await shell('write', 'short'), { hit: 'write', status: 0, content: '0123456789\n', stdout: '0123456789\n' });
  t.match(await shell('read', 'short'), { hit: 'read', status: 0, stdout: '0123456789\n' });
});

t.test('an error is reported, and the call has done nothing', { skip }, async (t) => {
  t.match(await shell('openat', 'errno=EACCES'), { hit: 'openat', status: 2, content: undefined });
  t.match(await shell('write', 'errno=ENOSPC'), { hit: 'write', status: 1, content: '' });
  t.match(await shell('read', 'errno=EIO'), { hit: 'read', status: 1 });
});

t.test('an error that lasts is reported by every later call, and one that does not by none', { skip }, async (t) => {
  const { place } = await template.copy();
  const command = ['sh', '-c', `for i in 1 2 3; do echo $i > ${place}/$i; done; ls ${place}`];
  const left = async (fault: Fault) =>
    (await inject(command, { place, only: ['openat'], at: 2, fault })).stdout.match(/^\d$/gm);
  t.same(await left('errno=EROFS+'), null);
  t.same(await left('errno=EROFS'), ['1', '3']);
});

t.test('a close that fails has closed', { skip }, async (t) => {
  const code = `const fs = require('fs');
    const fd = fs.openSync(process.argv[1], 'w');
    try { fs.closeSync(fd) } catch (error) { console.log(error.code) }
    console.log(fs.readlinkSync('/proc/self/fd/' + fd));`;
  const { place } = await template.copy();
  const command = [process.execPath, '-e', code, join(place, 'file')];
  const { hit, stdout } = await inject(command, { place, only: ['close'], at: 1, fault: 'errno=EIO' });
  t.equal(hit?.call, 'close');
  t.equal(stdout, 'EIO\n/dev/null\n');
});

t.test('a call that is paused has done nothing until what is done meanwhile is done', { skip }, async (t) => {
  const { place } = await template.copy();
  const path = join(place, 'file');
  let meanwhile = 'not done';
  const ended = await inject(['sh', '-c', `echo 0123456789 > ${path}`], {
    place,
    only: ['write'],
    at: 1,
    fault: 'pause',
    meanwhile: async () => {
      meanwhile = fs.readFileSync(path, 'latin1');
    },
  });
  t.match(ended, { status: 0, hit: { call: 'write' } });
  t.same([meanwhile, fs.readFileSync(path, 'latin1')], ['', '0123456789\n']);
});

t.test('a delay that lasts delays every later call', { skip }, async (t) => {
  const started = performance.now();
  t.match(await shell('openat', 'delay=150+'), { hit: 'openat', status: 0, stdout: '0123456789\n' });
  t.ok(performance.now() - started >= 300, 'the one that writes and the one that reads');
});

t.test('a fault beyond the last call is not reached, and calls elsewhere do not count', { skip }, async (t) => {
  t.match(await shell('write', 'kill', 2), { hit: undefined, calls: 1, status: 0, content: '0123456789\n' });
});

/** Copies to the final names, and says that all is well whatever happens. */
const careless: Life = {
  name: 'a careless copy',
  prepare: async () => {},
  command: ({ place }) => ['sh', '-c', `cp -a ${place}/source/* ${place}/dest/ 2>/dev/null; echo published`],
  finish: [],
  must: undefined,
};

t.test('a program that writes to the final names, and hides failures, is found out', { skip }, async (t) => {
  const calls = await countCalls(template, careless);
  const wrongWith = async (fault: Fault, first: number) => {
    const at = Array.from({ length: 16 }, (_, i) => first + Math.floor((i * calls) / 16));
    return (
      await tryAll(
        template,
        at.map((at) => [{ life: careless, fault, at }]),
      )
    ).wrong.length;
  };
  t.ok((await wrongWith('kill', 1)) > 0, 'killed');
  t.ok((await wrongWith('errno=EIO', 1)) > 0, 'failed');
  t.equal(await wrongWith('kill', calls + 1), 0, 'and without a fault nothing is wrong');
});

t.test('two who meet and both give up are found out, and one who is disturbed', { skip }, async (t) => {
  const quitter: Life = {
    ...careless,
    name: 'a quitter',
    command: ({ place }) => ['sh', '-c', `ls ${place} >&2; exit 1`],
  };
  const wrongWith = async (life: Life, meanwhile: Life) =>
    (await tryAll(template, [[{ life, fault: 'pause', at: 1, meanwhile }]])).wrong.length;
  t.equal(await wrongWith(quitter, quitter), 1);
  t.equal(await wrongWith({ ...quitter, undisturbed: true }, careless), 1);
  t.equal(await wrongWith(careless, quitter), 0);
});
