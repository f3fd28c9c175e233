import { defineConfig } from 'vitest/config';

// Two workers: the project's reference machine has two cores, and ONNX Runtime takes a thread a session.
const maxWorkers = 2;

export default defineConfig({
  test: {
    maxWorkers,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{ts,models,bindings}/**/*.test.ts'],
          exclude: ['**/*.browser.test.ts', '**/node_modules/**'],
        },
      },
      {
        // Node drives a headless Chromium through playwright-core: one browser at a time.
        extends: true,
        test: {
          name: 'browser',
          include: ['{ts,bindings}/**/*.browser.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
