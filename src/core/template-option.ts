import * as z from 'zod';
import { BatchxError } from './errors.js';
import { compileTemplate } from './template.js';

/** An option that is a template with `{{ name }}`; one that cannot be understood is refused. */
export const templateText = () =>
  z
    .string()
    .superRefine((text, context) => {
      try {
        compileTemplate(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: BatchxError.from(error).message.replace(/^template: /, '') });
      }
    })
    .meta({ template: true });
