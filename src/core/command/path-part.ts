import { type Argument, mapArgument } from './argument.js';

/** Which part of a value a placeholder stands for, as it is written in the braces. */
export type PathPart = '' | '.' | '/' | '//' | '/.';

const parts: Readonly<Record<Exclude<PathPart, ''>, (path: string) => string>> = {
  '.': withoutExtension,
  '/': baseName,
  '//': folderName,
  '/.': (path) => withoutExtension(baseName(path)),
};

/** A part of a value that is taken for a path. */
export function partOf(value: Argument, part: PathPart): Argument {
  return part === '' ? value : mapArgument(value, parts[part]);
}

/** All before the last dot, when that comes after the last slash. Of `.profile` nothing is left, as in GNU parallel. */
function withoutExtension(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') ? path.slice(0, dot) : path;
}

/** The last name of a path; slashes at its end do not count, so that it is empty for an empty path alone. */
function baseName(path: string): string {
  const end = trimmedEnd(path);
  if (end === 0) return path.slice(0, 1);
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

/** The folder that the last name of a path lies in: `.` for a bare name. */
function folderName(path: string): string {
  const end = trimmedEnd(path);
  if (end === 0) return path === '' ? '.' : '/';
  const slash = path.lastIndexOf('/', end - 1);
  if (slash < 0) return '.';
  return path.slice(0, trimmedEnd(path, slash)) || '/';
}

/** Where a path ends when the slashes before `end` are left out. */
function trimmedEnd(path: string, end = path.length): number {
  while (end > 0 && path.charCodeAt(end - 1) === SLASH) end--;
  return end;
}

const SLASH = 0x2f;
