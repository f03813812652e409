/** What work tells of itself while somebody traces it; without a tracer there are no spans, and nothing is asked of the work. */

export type SpanFields = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  child(name: string, fields?: SpanFields): Span;
  set(fields: SpanFields): void;
  /** Once; with an error when the work failed. */
  end(error?: unknown): void;
}

export interface Tracer {
  start(name: string, fields: SpanFields): Span;
  /** Sends what waits, within a few seconds. */
  close(): Promise<void>;
}

/** The same work as a child of `parent`, if there is one. */
export async function spanned<T>(
  parent: Span | undefined,
  name: string,
  fields: SpanFields,
  work: () => Promise<T>,
): Promise<T> {
  const span = parent?.child(name, fields);
  try {
    const value = await work();
    span?.end();
    return value;
  } catch (error) {
    span?.end(error);
    throw error;
  }
}
