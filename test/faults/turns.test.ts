// The real programs are killed one after another: a rank or a finalizer, then the finalizer after it. The third finishes.
import t from 'tap';
import { noInjector } from './injector.js';
import { finalizePart, type Life, lives } from './lives.js';
import { countCalls, isDeep, type Run, sample, sweep, which } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

/** How far apart the calls are at which the second is killed; it starts elsewhere for each call of the first. */
const STRIDE = 37;

/** Beyond all calls. */
const NEVER = 1e9;

const kill = (life: Life, at: number): Run => ({ life, fault: 'kill', at });

/** The first is killed at each call, or at some; the second at some. */
async function inTurn(first: Life, second: Life, wanted: number) {
  await t.test(`${first.name}, then ${second.name}, both killed: the third finishes`, { skip }, async (t) => {
    const [n, m] = [await countCalls(template, first), await countCalls(template, second)];
    const stride = isDeep ? STRIDE : m;
    const { at, step } = sample(n, wanted);
    const others = (at: number) =>
      Array.from({ length: Math.ceil(m / stride) }, (_, i) => ((at * 5 + i * stride) % m) + 1);
    const pairs = at.flatMap((at) => others(at).map((other) => [kill(first, at), kill(second, other)]));
    const title = `kill, ${first.name} at ${which(step, n)}, then ${second.name} at ${which(stride, m)}`;
    await sweep(t, template, title, pairs);
  });
}

await inTurn(lives.publish, lives.publish, 6);
await inTurn(lives.transfer, lives.publish, 6);
await inTurn(lives.dataset, lives.dataset, 5);
await inTurn(lives.resume, lives.finalizeResume, 5);

/**
 * The first is killed at each call, or at some. The next two are given one of its directories each, and live to their
 * end: alone, each would see a dataset of which a rank is missing.
 */
async function thenParts(first: Life, parts: readonly ['a' | 'b', 'a' | 'b'], wanted: number) {
  const next = parts.map(finalizePart);
  const title = `${first.name}, killed, then ${parts[0]} alone, then ${parts[1]} alone`;
  await t.test(`${title}: all ranks or none`, { skip }, async (t) => {
    const calls = await countCalls(template, first);
    const { at, step } = sample(calls, wanted);
    const trial = (at: number) => [kill({ ...first, must: undefined }, at), ...next.map((life) => kill(life, NEVER))];
    await sweep(t, template, `kill, ${title} at ${which(step, calls)}`, at.map(trial));
  });
}

// The last: ranks that have agreed are published, all of them or none, by whoever comes, whatever he is given.
for (const life of [lives.apart, lives.apartIncomplete, lives.ranksApart]) {
  await thenParts(life, ['a', 'b'], 5);
  await thenParts(life, ['b', 'a'], 5);
}
