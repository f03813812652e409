export interface Import {
  specifier: string;
  line: number;
  kind: 'static' | 'type' | 'dynamic';
}
export function codeOnly(text: string): string;
export function importsOf(text: string, code?: string): Import[];
