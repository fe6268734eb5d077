// The real programs are killed before a system call, or in the middle of a write, and what they leave is finalized.
import t from 'tap';
import { noInjector } from './injector.js';
import { type Life, lives } from './lives.js';
import { countCalls, isDeep, type Run, sample, sweep } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

const WRITES = ['write', 'pwrite64'];

/** One sweep for each life: killed at each call, or torn at each write. */
async function everywhere(fault: 'kill' | 'torn', life: Life, wanted: number) {
  const only = fault === 'torn' ? WRITES : undefined;
  await t.test(`${life.name}, ${fault}: destinations are complete or as before`, { skip }, async (t) => {
    const calls = await countCalls(template, life, only);
    const { at, step } = sample(calls, wanted);
    const title = `${fault}, ${life.name}: at ${step === 1 ? 'each' : `every ${step}th`} of ${calls} calls`;
    await sweep(
      t,
      template,
      title,
      at.map((at) => [{ life, fault, at, only }]),
    );
  });
}

for (const life of Object.values(lives)) await everywhere('kill', life, 10);
for (const life of Object.values(lives)) await everywhere('torn', life, 2);

/** The first is killed at N, the next at M, for a sample of all pairs; M starts elsewhere for each N. */
async function inTurn(first: Life, second: Life, wanted: number) {
  await t.test(`${first.name}, then ${second.name}, both killed: the third finishes`, { skip }, async (t) => {
    const [n, m] = [await countCalls(template, first), await countCalls(template, second)];
    const stride = isDeep ? 7 : m;
    const { at, step } = sample(n, wanted);
    const pairs = at.flatMap((at) => {
      const others = Array.from({ length: Math.ceil(m / stride) }, (_, i) => 1 + ((at * 5 + i * stride) % m));
      return others.map((other) => [kill(first, at), kill(second, other)]);
    });
    const title = `kill, ${first.name} at ${step === 1 ? 'each' : `every ${step}th`} of ${n} calls`;
    await sweep(t, template, `${title}, ${second.name} at ${others(stride, m)}`, pairs);
  });
}
const others = (stride: number, m: number) => (stride === m ? `one of ${m}` : `every ${stride}th of ${m}`);
const kill = (life: Life, at: number): Run => ({ life, fault: 'kill', at });

await inTurn(lives.publish, lives.publish, 10);
await inTurn(lives.transfer, lives.publish, 8);
await inTurn(lives.dataset, lives.dataset, 8);
await inTurn(lives.resume, lives.finalizeResume, 6);
