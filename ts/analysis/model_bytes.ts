/** Bytes of a model as its readers want them. */

/** A Buffer's slice() is a view where Uint8Array's is a copy, which readers rely on: the same memory, as the plain class. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
