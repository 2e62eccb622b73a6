type Write = NodeJS.WriteStream['write'];

/** What ora writes before and behind each frame, for terminals that then show it at once. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/** The same stream, which is given each frame in one piece: in any terminal nothing is seen of how it is made. */
export function wholeFrames(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  let frame: string | undefined;
  const write = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
    if (chunk === BEGIN) frame = '';
    if (frame === undefined) return (stream.write as (...args: unknown[]) => boolean)(chunk, ...more);
    frame += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    if (chunk !== END) return true;
    const whole = frame;
    frame = undefined;
    return stream.write(whole);
  };
  return Object.create(stream, { write: { value: write as Write, writable: true } }) as NodeJS.WriteStream;
}
