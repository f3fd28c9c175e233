/** A PNG file as an address that a page holds in itself; in browsers too. */
export function dataUri(png: Uint8Array): string {
  // Arguments of a call are limited in number.
  const CHUNK = 2 ** 14;
  let binary = '';
  for (let at = 0; at < png.length; at += CHUNK) binary += String.fromCharCode(...png.subarray(at, at + CHUNK));
  return `data:image/png;base64,${btoa(binary)}`;
}
