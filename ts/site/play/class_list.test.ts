import { expect, test } from 'vitest';
import { classList } from './class_list.ts';

test('a name a line, an array, an object by index, a config.json', () => {
  const names = ['cat', 'dog, small'];
  expect(classList('cat\r\ndog, small\n', 2)).toEqual(names);
  expect(classList(JSON.stringify(names), 2)).toEqual(names);
  expect(classList('{"1": "dog, small", "0": "cat"}', 2)).toEqual(names);
  expect(classList('{"id2label": {"0": "cat", "1": "dog, small"}, "size": 5}', 2)).toEqual(names);
});

test('another number than classes is an error that says so', () => {
  expect(() => classList('cat\n', 2)).toThrow('Expected 2 class names but received 1');
});
