import { expect, test } from 'vitest';
import { fillDocument, reportText } from './markdown.ts';
import type { GroupReport } from './report.ts';

const goal = { what: 'this', goal: '≤ 2 µs', measured: '1 µs', met: true };

const group: GroupReport = {
  environment: {
    date: '2030-01-02',
    cpu: 'a CPU',
    cores: 2,
    memoryGiB: 8,
    instructionSet: 'avx2',
    coresBusy: 0.1,
    quick: false,
    versions: { node: '20' },
  },
  tables: [{ title: 'Speed', columns: ['', 'a | b'], rows: [['this', '1 µs']], notes: ['A note.'] }],
  goals: [goal],
  figures: [{ name: 'plot', alt: 'A plot', x: 'x', y: 'y', series: [] }],
  raw: {},
};

test('the tables of a group replace what stands between its markers, and nothing else', () => {
  const before =
    'Text.\n\n<!-- bench:search -->\nold\n<!-- /bench -->\n\nMore.\n\n<!-- bench:scale -->\nkept\n<!-- /bench -->\n';
  const after = fillDocument(before, { search: group });
  expect(after).toContain(
    'Text.\n\n<!-- bench:search -->\n**Speed**\n\n|  | a \\| b |\n|---|---:|\n| this | 1 µs |\n\nA note.',
  );
  expect(after).toContain('![A plot](figures/plot.png)');
  expect(after).toContain('*Measured on 2030-01-02: a CPU, 2 cores, 8 GiB, avx2; node 20.*\n<!-- /bench -->\n\nMore.');
  expect(after).toContain('<!-- bench:scale -->\nkept\n<!-- /bench -->\n');
  expect(after).not.toContain('old');
  expect(fillDocument(after, { search: group })).toBe(after);
});

test('the goals of all groups are one table', () => {
  const text = fillDocument('<!-- bench:goals --><!-- /bench -->', {
    a: group,
    b: { ...group, goals: [{ ...goal, met: false }] },
  });
  expect(text).toContain('| this | ≤ 2 µs | 1 µs | yes |\n| this | ≤ 2 µs | 1 µs | NO |');
});

test('a marker without an end is refused by its name', () => {
  expect(() => fillDocument('<!-- bench:search -->\n', { search: group })).toThrow('bench:search');
});

test('a terminal gets aligned columns and the machine', () => {
  expect(reportText(group)).toContain('Speed\n      a | b\nthis   1 µs\nA note.\n');
  expect(reportText({ ...group, environment: { ...group.environment, coresBusy: 1.5 } })).toContain(
    'others kept 1.5 of the cores busy',
  );
});
