/**
 * Reports as text for a terminal and as Markdown, and the Markdown put between the markers of a document:
 *
 *     <!-- bench:search -->
 *     (tables of the group "search")
 *     <!-- /bench -->
 *
 * A group that was not run leaves its part as it is. `bench:goals` takes the goals of all groups.
 */
import { BlindspotError } from '../errors.ts';
import type { BenchReport, Environment, Goal, GroupReport, Table } from './report.ts';

/** Where the figures lie, seen from the document. */
const FIGURES = 'figures';

/** @throws INVALID_DATA when a marker is not closed. */
export function fillDocument(text: string, report: BenchReport): string {
  return text.replaceAll(/<!-- bench:(\w+) -->[\s\S]*?(<!-- \/bench -->|$)/g, (whole, name: string, end: string) => {
    if (end === '') throw new BlindspotError('INVALID_DATA', `<!-- bench:${name} --> has no <!-- /bench --> after it`);
    const group = report[name];
    if (name !== 'goals' && group === undefined) return whole;
    const body = group === undefined ? goalsMarkdown(report) : groupMarkdown(group);
    return `<!-- bench:${name} -->\n${body}\n${end}`;
  });
}

function groupMarkdown({ environment, tables, figures }: GroupReport): string {
  const pictures = figures.map(({ name, alt }) => `![${alt}](${FIGURES}/${name}.png)`);
  return [...tables.map(tableMarkdown), ...pictures, `*${environmentText(environment)}*`].join('\n\n');
}

function tableMarkdown({ title, columns, rows, notes }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${columns.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  const table = [line(columns), rule, ...rows.map(line)].join('\n');
  return [`**${title}**`, table, ...notes].join('\n\n');
}

function goalsMarkdown(report: BenchReport): string {
  return tableMarkdown({ ...goalsTable(goalsOf(report)), title: 'Goals' });
}

function goalsOf(report: BenchReport): Goal[] {
  return Object.values(report).flatMap(({ goals }) => goals);
}

function goalsTable(goals: readonly Goal[]): Table {
  return {
    title: 'Goals',
    columns: ['', 'goal', 'measured', 'met'],
    rows: goals.map(({ what, goal, measured, met }) => [what, goal, measured, met ? 'yes' : 'NO']),
    notes: [],
  };
}

export function environmentText(environment: Environment): string {
  const { date, cpu, cores, memoryGiB, instructionSet, coresBusy, quick, versions } = environment;
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const busy = coresBusy > 0.2 ? `; others kept ${coresBusy} of the cores busy` : '';
  return (
    `Measured on ${date}: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${instructionSet}${busy}; ${parts.join(', ')}` +
    `${quick ? '; --quick: not to be relied on' : ''}.`
  );
}

/** For a terminal: columns aligned, figures to the right. */
export function reportText({ environment, tables, goals }: GroupReport): string {
  const all = goals.length > 0 ? [...tables, goalsTable(goals)] : tables;
  return `${all.map(tableText).join('\n')}\n${environmentText(environment)}\n`;
}

function tableText({ title, columns, rows, notes }: Table): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  const aligned = lines.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [`\n${title}`, ...aligned, ...notes, ''].join('\n');
}
