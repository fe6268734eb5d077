// A typedoc plugin: docs/reference/api.md says which errors `@throws {TypeError} ...; {RangeError} ...` means, and what each word of
// a type means that has a comment. The markdown theme leaves both out. `@example examples/api/NAME.ts` shows that file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Converter, LiteralType, UnionType } from 'typedoc';
import { root } from './toolchain.mjs';

function nameThrown(tag) {
  for (const part of tag.content) if (part.kind === 'text') part.text = part.text.replace(/\{(\w+Error)\}/g, '`$1`');
  if (!tag.typeAnnotation) return;
  tag.content.unshift({ kind: 'code', text: `\`${tag.typeAnnotation.slice(1, -1)}\`` }, { kind: 'text', text: ' ' });
}

function showExample(tag) {
  for (const part of tag.content)
    part.text = part.text.replace(/examples\/api\/\w+\.ts(?=\n)/, (name) =>
      readFileSync(join(root, name), 'utf8').trim(),
    );
}

/** `'a' | 'b'`, of which each has a comment, as a list below the comment of the type. */
function listWords({ type, comment }) {
  if (!comment || !(type instanceof UnionType) || !type.elementSummaries) return;
  if (!type.types.every((one) => one instanceof LiteralType)) return;
  for (const [i, { value }] of type.types.entries())
    comment.summary.push({ kind: 'text', text: `\n- \`${value}\`: ` }, ...type.elementSummaries[i]);
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE, (_context, reflection) => {
    for (const tag of reflection.comment?.getTags('@throws') ?? []) nameThrown(tag);
    for (const tag of reflection.comment?.getTags('@example') ?? []) showExample(tag);
    listWords(reflection);
  });
}
