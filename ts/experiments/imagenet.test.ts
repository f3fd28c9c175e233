import { expect, test } from 'vitest';
import { findOstriches } from './imagenet_ostriches.ts';
import { imagenetClaims } from './imagenet_report.ts';
import { enlarged, loadPhotos, readImagenetNetwork, SHIPPED_IMAGENET, sourceDigest } from './imagenet_source.ts';

const { signal } = new AbortController();

test('a photo that is shipped becomes an ostrich, also as a PNG file read back', async () => {
  const network = await readImagenetNetwork(SHIPPED_IMAGENET);
  const photos = await loadPhotos(SHIPPED_IMAGENET, network, signal, 1);
  const { ostriches, png } = await findOstriches(network, SHIPPED_IMAGENET, photos, signal);
  expect(ostriches).toMatchObject([{ answer: 'chickadee', changedAnswer: 'ostrich', isOstrich: true }]);
  expect(ostriches[0]?.distortion).toBeLessThan(0.0065);
  expect(ostriches[0]?.anyDistortion).toBeLessThan(ostriches[0]?.distortion ?? 0);
  expect([...png.subarray(1, 4)]).toEqual([...'PNG'].map((sign) => sign.charCodeAt(0)));
});

test('what decides a source is its files, not where they lie', async () => {
  const digest = await sourceDigest(SHIPPED_IMAGENET);
  expect(JSON.stringify(digest)).not.toContain(SHIPPED_IMAGENET.photos);
  const other = await sourceDigest({ ...SHIPPED_IMAGENET, classifier: { input: { channels: 'bgr' } } });
  expect(other).not.toEqual(digest);
});

test('small images are enlarged by repeating pixels, in either order of channels', () => {
  const set = {
    images: Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    shape: [1, 2, 3],
    count: 1,
    labels: Int32Array.of(4),
    source: 's',
  };
  const network = { label: '', bytes: new Uint8Array(), classNames: [] } as unknown as Parameters<typeof enlarged>[1];
  const last = enlarged(set, { ...network, imageShape: [1, 4, 3], interleaved: true });
  expect([...last.images].map((value) => Math.round(10 * value))).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  const first = enlarged(set, { ...network, imageShape: [3, 1, 4], interleaved: false });
  expect([...first.images].map((value) => Math.round(10 * value))).toEqual([1, 1, 4, 4, 2, 2, 5, 5, 3, 3, 6, 6]);
});

test('a file that is no ostrich when read back speaks against the paper', () => {
  const ostrich = { photo: 'p', answer: 'a', distortion: 0.01, anyDistortion: 0.001, margin: 2 };
  const claims = imagenetClaims({
    network: 'N',
    photos: 2,
    pixels: 100,
    ostriches: [
      { ...ostrich, changedAnswer: 'ostrich', isOstrich: true },
      { ...ostrich, changedAnswer: 'a', isOstrich: false },
    ],
    layers: [],
    norms: [{ layer: 'c', kind: 'dense', size: '2 × 2', stride: null, norm: 2, printed: null, folded: false }],
    product: 2,
  });
  expect(claims.map(({ verdict }) => verdict)).toEqual(['holds in part', 'holds', 'holds']);
  expect(claims[2]?.finding).toContain('certifies 7.1e-2');
});
