/** Names of classes that an ONNX file holds in its own metadata, as exporters write them. */
import { z } from 'zod';
import { BlindspotError } from '../errors.ts';
import { decodeModel } from '../onnx/read_model.ts';

/** Ultralytics writes `names`, a dict of Python's; others what Hugging Face calls id2label, or plain lists. */
const KEYS = ['names', 'id2label', 'classes', 'class_names', 'labels'];

const List = z.array(z.string());
const ByIndex = z.record(z.string().regex(/^\d+$/), z.string());

/**
 * @param bytes an ONNX file.
 * @returns the lists that there are; none for what is no ONNX file.
 */
export function metadataNames(bytes: Uint8Array): string[][] {
  try {
    const { metadataProps } = decodeModel(bytes);
    const entries = new Map(metadataProps.map(({ key, value }) => [key.toLowerCase(), value]));
    return KEYS.flatMap((key) => {
      const names = parseNameList(entries.get(key) ?? '');
      return names === undefined ? [] : [names];
    });
  } catch (error) {
    if (error instanceof BlindspotError) return [];
    throw error;
  }
}

/** JSON or a literal of Python's, a list or a dict by index; else one name a line, or with commas between. */
export function parseNameList(text: string): string[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (!/^[[{]/.test(trimmed)) return trimmed.split(trimmed.includes('\n') ? /\r?\n/ : ',').map((name) => name.trim());
  return namesOf(parsed(trimmed) ?? parsed(pythonToJson(trimmed)));
}

/** A list of names, or an object of them by index without a gap; undefined for anything else. */
export function namesOf(value: unknown): string[] | undefined {
  const list = List.safeParse(value);
  if (list.success) return list.data;
  const byIndex = ByIndex.safeParse(value);
  if (!byIndex.success) return undefined;
  const size = Object.keys(byIndex.data).length;
  const names = Array.from({ length: size }, (_, index) => byIndex.data[String(index)]);
  return names.every((name) => name !== undefined) ? (names as string[]) : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** {0: 'it', 1: "it's"} as {"0": "it", "1": "it's"}. Strings are taken whole, so that what is in them stays. */
function pythonToJson(text: string): string {
  return text
    .replaceAll(
      /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\d+)\s*:/gs,
      (_, single?: string, double?: string, index?: string) =>
        index === undefined ? JSON.stringify(unescaped(single ?? double ?? '')) : `"${index}":`,
    )
    .replace(/,\s*([\]}])$/, '$1');
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gis, (_, x?: string, u?: string, other = '') => {
    const code = x ?? u;
    return code === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(code, 16));
  });
}
