import { describe, expect, test, vi } from 'vitest';
import { freeBuffer } from './free_buffer.ts';

describe('freeBuffer', () => {
  test('takes the memory away', () => {
    for (let turn = 0; turn < 3; turn++) {
      const data = new Float32Array(1 << 15);
      freeBuffer(data);
      expect(data.length).toBe(0);
      expect(data.buffer.byteLength).toBe(0);
    }
  });

  test('by transfer, where the engine has it', () => {
    const data = new Float32Array(1 << 15);
    const transfer = vi.fn();
    Object.assign(data.buffer, { transfer });
    freeBuffer(data);
    expect(transfer).toHaveBeenCalledExactlyOnceWith(0);
  });

  test('leaves what others may still read, and what is small', () => {
    const shared = new Float32Array(new SharedArrayBuffer(1 << 17));
    const whole = new Float32Array(1 << 15);
    const part = whole.subarray(1 << 14);
    const small = new Float32Array(10);
    for (const data of [shared, part, small]) {
      const { length } = data;
      freeBuffer(data);
      expect(data.length).toBe(length);
    }
    expect(whole.length).toBe(1 << 15);
  });
});
