// The real programs are killed one after another: a rank or a finalizer, then the finalizer after it. The third finishes.
import t from 'tap';
import { noInjector } from './injector.js';
import { type Life, lives } from './lives.js';
import { countCalls, isDeep, type Run, sample, sweep, which } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

/** How far apart the calls are at which the second is killed; it starts elsewhere for each call of the first. */
const STRIDE = 37;

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
