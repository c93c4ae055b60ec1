// The distinct lines of all files of a folder, each a JSON object.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export function lines(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  const all = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean));
  return [...new Set(all)].map((line) => JSON.parse(line));
}
