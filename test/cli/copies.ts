// What the tests of axl-cp share: a place with something to copy, and what is there afterwards.
import type { Test } from 'tap';
import { type ChildOptions, Place, tree } from '../support.js';

/** A place with a tree to copy, a file, and a directory that is there. */
export function ready(t: Test): Place {
  const place = new Place(t);
  place.write('src/a', 'A');
  place.write('src/sub/b', 'B');
  place.write('file', 'F');
  place.write('old/x', 'of before');
  return place;
}

export const at = (place: Place, options: ChildOptions = {}): ChildOptions => ({ cwd: place.root, ...options });
export const without = (entries: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !names.some((each) => name.startsWith(each))));

/** What is there after a run, beside what `ready` has made. */
export const made = (place: Place) => without(tree(place.root), 'src/', 'file', 'states/');

const SRC = { a: 'A', 'sub/': '', 'sub/b': 'B' };
export const under = (dir: string, entries: Record<string, string> = SRC) => ({
  [`${dir}/`]: '',
  ...Object.fromEntries(Object.entries(entries).map(([name, content]) => [`${dir}/${name}`, content])),
});
export const OLD = under('old', { x: 'of before' });
