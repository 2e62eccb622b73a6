const LF = 0x0a;

/** Puts a text, or bytes, before each line of bytes that come in blocks, cut anywhere. */
export function tagged(text: string | Uint8Array): (block: Uint8Array) => Uint8Array {
  const tag = Buffer.from(text as Uint8Array);
  let atStart = true;
  return (block) => {
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < block.length;) {
      if (atStart) pieces.push(tag);
      const end = block.indexOf(LF, from);
      atStart = end >= 0;
      const to = atStart ? end + 1 : block.length;
      pieces.push(block.subarray(from, to));
      from = to;
    }
    return Buffer.concat(pieces);
  };
}
