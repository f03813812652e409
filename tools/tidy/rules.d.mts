export interface Finding {
  file: string;
  line: number;
  rule: string;
  text: string;
  level: 'error' | 'warning';
}
export function tidy(
  files: ReadonlyMap<string, string>,
  options?: { exceptions?: { path: string; effects: string[]; reason: string }[] },
): Finding[];
