// A typedoc plugin: docs/api.md says which error a @throws {TypeError} means, which the markdown theme leaves out.
import { Converter } from 'typedoc';

function nameThrown(tag) {
  if (!tag.typeAnnotation) return;
  tag.content.unshift({ kind: 'code', text: `\`${tag.typeAnnotation.slice(1, -1)}\`` }, { kind: 'text', text: ' ' });
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE, (_context, reflection) => {
    for (const tag of reflection.comment?.getTags('@throws') ?? []) nameThrown(tag);
  });
}
