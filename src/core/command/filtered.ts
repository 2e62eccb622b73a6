import { compileTemplate, type Template } from '../template.js';

/** What needs the whole of Liquid: a filter, text in quotes, an element by its number. */
const liquid = /[|[\]"']/;

/** By what stands between the braces: as many as there are in the commands of this process. */
const compiled = new Map<string, Template>();

/** The template of a `{{ place }}` that is more than a name, such as `name | upcase`. Throws when it makes no sense. */
export function filtered(place: string): Template | undefined {
  if (!liquid.test(place)) return undefined;
  let template = compiled.get(place);
  if (template === undefined) {
    template = compileTemplate(`{{ ${place} }}`, 'command');
    compiled.set(place, template);
  }
  return template;
}
