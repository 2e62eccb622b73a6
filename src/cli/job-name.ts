import { hash } from 'node:crypto';

/** What of a command line says which job of a pipeline it is about. */
interface Given {
  readonly flags: {
    readonly input?: readonly string[] | undefined;
    readonly manifest?: string | undefined;
    readonly output?: string | undefined;
    readonly test?: boolean | undefined;
  };
  readonly positionals: readonly string[];
  readonly literals?: readonly unknown[] | undefined;
}

/** What the job of a pipeline is called: another input, or another place for what is made of it, is another job. */
export function jobName(name: string, { flags, positionals, literals }: Given): string {
  const { input, manifest, output, test } = flags;
  const others = [positionals.slice(1), literals, input, manifest, output];
  const given = others.some((each) => each !== undefined && each.length > 0);
  const word = given ? `-${hash('sha256', JSON.stringify(others)).slice(0, 8)}` : '';
  return `${name}${test === true ? '_test' : ''}${word}`;
}
