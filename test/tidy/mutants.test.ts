// The table of deliberate faults fits the sources: each of its texts stands once where it says. scripts/mutants.mjs,
// which builds and runs them, takes too long to be the first to tell.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { root } from '../support.js';

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly and?: { readonly from: string };
}

const load = (name: string) => import(pathToFileURL(join(root, 'test', 'mutants', name)).href);

t.test('the text of each mutant stands once in its file, and a test is named that notices it', async (t) => {
  const mutants = Object.values((await load('mutants.mjs')) as Record<string, Mutant[]>).flat();
  const { killers } = (await load('killers.mjs')) as { killers: Record<string, string> };
  t.ok(mutants.length > 100);
  const times = ({ file }: Mutant, text: string) =>
    readFileSync(join(root, 'native', file), 'utf8').split(text).length - 1;
  const stale = (mutant: Mutant) =>
    [mutant.from, ...(mutant.and ? [mutant.and.from] : [])].some((text) => times(mutant, text) !== 1);
  t.same(
    mutants.filter(stale).map(({ name }) => name),
    [],
  );
  t.same(
    mutants.filter(({ name }) => killers[name] === undefined).map(({ name }) => name),
    [],
  );
  t.same(
    Object.keys(killers).filter((name) => !mutants.some((mutant) => mutant.name === name)),
    [],
  );
});
