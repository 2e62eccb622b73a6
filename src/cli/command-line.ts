/** The command line of a run: the name of the command, and what stands behind it. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly cwd: string;
}

/** The command line of this process. */
export const commandLine = (name: string, args: readonly string[]): CommandLine => ({
  args: [name, ...args],
  cwd: process.cwd(),
});
