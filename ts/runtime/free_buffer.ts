/** Gives memory back at once, where the garbage collector would let tens of megabytes of it pile up first. */

/** As of ES2024. */
type BufferWithTransfer = ArrayBuffer & { transfer?: (byteLength: number) => ArrayBuffer };

/** Not worth a call below. */
const WORTH_FREEING = 1 << 14;

/** Messages sent there are dropped, with the memory that they own. */
let nowhere: MessagePort | undefined;

/**
 * Frees the memory of a typed array that nobody reads any more: its length is 0 afterwards. Arrays that share their
 * buffer with others, and small ones, are left to the garbage collector.
 */
export function freeBuffer(data: ArrayBufferView): void {
  const buffer: ArrayBufferLike = data.buffer;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== data.byteLength) return;
  if (buffer.byteLength < WORTH_FREEING) return;
  const { transfer } = buffer as BufferWithTransfer;
  // Node.js 22 and browsers since 2023; before, a message takes its memory along.
  if (transfer !== undefined) transfer.call(buffer, 0);
  else port().postMessage(undefined, [buffer]);
}

function port(): MessagePort {
  if (nowhere === undefined) {
    nowhere = new MessageChannel().port1;
    nowhere.close();
  }
  return nowhere;
}
