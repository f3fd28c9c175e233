/**
 * Vulkan in software (SwiftShader), which Debian's chromium brings: shows that webgpu computes the right numbers, not
 * how fast. In CI it must be there; elsewhere tests of webgpu are left out without it.
 */
import { existsSync } from 'node:fs';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Makes Dawn find it and answers whether tests of webgpu are to run. Call before the first session is made. */
export function useSoftwareGpu(): boolean {
  const expected = existsSync(SWIFTSHADER) || process.env['CI'] !== undefined;
  if (expected) process.env['VK_DRIVER_FILES'] ??= SWIFTSHADER;
  return expected;
}
