/** Documents that a test writes from the program: they must say what it says. GOLDEN_WRITE=1 writes them; read the diff. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/** @param path from the project's folder */
export function checkDocument(path: string, text: string): void {
  if (process.env.GOLDEN_WRITE === '1') writeFileSync(path, text);
  const written = readFileSync(path, 'utf8');
  expect(written, `${path} is not what the program says: GOLDEN_WRITE=1 writes it anew`).toBe(text);
}
