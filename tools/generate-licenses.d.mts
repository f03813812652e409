export interface Dependency {
  name: string;
  version: string;
  license: string;
  optional: boolean;
  direct: boolean;
  fromRegistry: boolean;
  hashed: boolean;
  script: boolean;
}
export const PERMISSIVE: ReadonlySet<string>;
export function dependencies(): Dependency[];
