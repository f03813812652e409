/** What happened, as a hash that two runs of one seed must share, and as lines for whoever looks into a failure. */

/** Words of four bytes of a message that all are hashed; beyond, every 61st. */
const WHOLE_WORDS = 512;
const STRIDE = 61;

export class Trace {
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;
  readonly #write: ((line: string) => void) | undefined;
  readonly #noted: ((line: string) => void) | undefined;
  #nowMs = 0;

  /** `write` gets every line, `noted` those that are worth one. */
  constructor(write?: (line: string) => void, noted?: (line: string) => void) {
    this.#write = write;
    this.#noted = noted;
  }

  /** 16 hex digits over all that was noted so far. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  get verbose(): boolean {
    return this.#write !== undefined;
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x85ebca6b);
    this.#high ^= this.#high >>> 15;
    this.#low = Math.imul(this.#low ^ (word + this.#high), 0xc2b2ae35);
    this.#low ^= this.#low >>> 13;
  }

  #text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  event(atMs: number, owner: string, kind: string): void {
    this.#nowMs = atMs;
    this.#mix(Math.floor(atMs));
    this.#mix(Math.floor((atMs % 1) * 2 ** 30));
    this.#text(owner);
    this.#text(kind);
  }

  bytes(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const words = bytes.length >> 2;
    const whole = Math.min(words, WHOLE_WORDS);
    for (let at = 0; at < whole; at++) this.#mix(view.getInt32(at * 4, true));
    for (let at = whole; at < words; at += STRIDE) this.#mix(view.getInt32(at * 4, true));
    for (let at = words * 4; at < bytes.length; at++) this.#mix(bytes[at]!);
  }

  /** Something worth a line. */
  note(text: string): void {
    this.#text(text);
    this.#noted?.(`${(this.#nowMs / 1000).toFixed(1).padStart(7)} ${text}`);
    this.#write?.(`${(this.#nowMs / 1000).toFixed(4).padStart(11)} ${text}`);
  }

  /** A line that is not hashed. */
  remark(text: () => string): void {
    this.#write?.(`${(this.#nowMs / 1000).toFixed(4).padStart(11)} ${text()}`);
  }
}
