// What becomes of metadata that a file system refuses: the words of callers as the numbers of native/, and back.
import { readFileSync } from 'node:fs';
import type { MetadataPart, MetadataPolicies, MetadataPolicy, OwnerPolicy } from './types.js';
import { KEPT, OWNER } from './words.js';

/** By bit of native/base/record.h. */
const PARTS: readonly MetadataPart[] = ['owner', 'mode', 'times', 'xattrs', 'acls', 'capabilities'];

/** Of bits. */
export const partsOf = (bits: number): readonly MetadataPart[] => PARTS.filter((_, bit) => bits & (1 << bit));

interface Given {
  readonly metadata?: MetadataPolicy;
  readonly owner?: OwnerPolicy;
  readonly acls?: 'copy' | 'skip';
}

type Part = keyof MetadataPolicies;

/** What a caller says of each part: `metadata`, and `owner` and `acls`, which are short for a part of it. */
function asked({ metadata = {}, owner, acls }: Given): MetadataPolicies {
  const parts: MetadataPolicies =
    typeof metadata === 'string' ? Object.fromEntries(KEPT.map((part) => [part, metadata])) : metadata;
  const twice = (part: Part, word: OwnerPolicy | undefined): MetadataPolicies => {
    if (word === undefined) return {};
    const before = typeof metadata === 'string' ? undefined : parts[part];
    if (before !== undefined && before !== word)
      throw new TypeError(`${part} and metadata.${part} say different things: give one of them`);
    return { [part]: word };
  };
  return { ...parts, ...twice('owner', owner), ...twice('acls', acls === 'skip' ? 'skip' : undefined) };
}

let namespaced: boolean | undefined;

/** Root of a user namespace (a container's) is root of few ids, which are other numbers outside. A process keeps its own. */
const isOfNamespace = (): boolean => {
  namespaced ??= hasOwnIds();
  return namespaced;
};

function hasOwnIds(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
  } catch {
    return false; // a kernel without such namespaces
  }
}

/** Of the initial user namespace: all rules for root are about this one, as in native/os (Os::IsRoot). */
export const isRoot = (): boolean => process.geteuid?.() === 0 && !isOfNamespace();

/** Numbers, 0 for what nothing is said of. */
export type NativePolicies = Readonly<Record<Part, number>>;

const numbers = (policies: MetadataPolicies): NativePolicies =>
  Object.fromEntries(
    KEPT.map((part) => {
      const word = policies[part];
      return [part, word === undefined ? 0 : OWNER[word]];
    }),
  ) as NativePolicies;

/** For axl-finalize: what a transfer has recorded counts where nothing is said. */
export const overridden = (given: Given): NativePolicies => numbers(asked(given));

/**
 * For a new transfer. Root means to give files away, and wants to hear if it cannot; others never can. Times are often
 * coarser elsewhere, which nobody wants to be stopped by.
 */
export function policies(given: Given): NativePolicies {
  const own = isRoot() ? 'fail' : 'warn';
  return numbers({ owner: own, mode: own, times: 'warn', xattrs: 'fail', acls: 'fail', ...asked(given) });
}

/** As `inspect` shows them. */
export function recorded(numbersOf: NativePolicies): Required<MetadataPolicies> | undefined {
  const word = (n: number) => (Object.keys(OWNER) as OwnerPolicy[]).find((key) => OWNER[key] === n);
  const words = KEPT.map((part) => [part, word(numbersOf[part])] as const);
  return words.some(([, known]) => known === undefined)
    ? undefined
    : (Object.fromEntries(words) as unknown as Required<MetadataPolicies>);
}

/** `warn`, or `owner=warn,acls=skip`. @returns undefined if it is neither, or says two things of one part */
export function parseMetadata(text: string): MetadataPolicy | undefined {
  const isWord = (word: string): word is OwnerPolicy => Object.hasOwn(OWNER, word);
  if (isWord(text)) return text;
  const pairs = text.split(',').map((pair) => pair.split('='));
  const good = pairs.every(
    ([part, word, more]) => KEPT.includes(part as Part) && isWord(word ?? '') && more === undefined,
  );
  const isOnce = new Set(pairs.map(([part]) => part)).size === pairs.length;
  return good && isOnce ? (Object.fromEntries(pairs) as MetadataPolicies) : undefined;
}
