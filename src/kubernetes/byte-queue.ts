/** Pieces of a body between who receives them and the one loop that reads them. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  readonly #onLevel: ((waitingBytes: number) => void) | undefined;
  readonly #onLeft: (() => void) | undefined;
  #waitingBytes = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  /** `onLevel` hears how many bytes wait, `onLeft` that the reader has left before the end. */
  constructor(onLevel?: (waitingBytes: number) => void, onLeft?: () => void) {
    this.#onLevel = onLevel;
    this.#onLeft = onLeft;
  }

  push(piece: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#pieces.push(piece);
    this.#level(piece.length);
    this.#wake?.();
  }

  /** What was pushed before is still read, then the loop ends, or throws the error. */
  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let left = true;
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#level(-piece.length);
          yield piece;
        } else if (this.#end !== undefined) {
          left = false;
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
        }
      }
    } finally {
      if (left) this.#onLeft?.();
    }
  }

  #level(change: number): void {
    this.#waitingBytes += change;
    this.#onLevel?.(this.#waitingBytes);
  }
}
