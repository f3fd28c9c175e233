import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

describe('what is mirrored from blindspot.h', () => {
  it('is what scripts/generate writes today', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
