// Which of the known words somebody may have meant who wrote another one.

/** Levenshtein's distance. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The known word that is the nearest, and no more than `most` slips of the finger away; undefined if there is none. */
export function nearest(word: string, known: readonly string[], most: number): string | undefined {
  const [first] = known.toSorted((a, b) => distance(word, a) - distance(word, b));
  if (first === undefined) return undefined;
  return distance(word, first) <= most ? first : undefined;
}
