/** Names of a model's classes from a file: one a line, or JSON, an array or an object by index. */

/** @throws when there are not as many as classes. */
export function classList(text: string, classes: number): string[] {
  const names = parsed(text);
  if (names.length === classes) return names;
  throw new Error(
    `Expected ${classes} class names but received ${names.length}; give one name a line, or a JSON array of them`,
  );
}

function parsed(text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text
      .trimEnd()
      .split(/\r?\n/)
      .map((line) => line.trim());
  }
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'object' || value === null) return [String(value)];
  // Of a config.json: { "id2label": { "0": … } }
  const byIndex: object = 'id2label' in value && value.id2label instanceof Object ? value.id2label : value;
  return Object.values(byIndex).map(String);
}
