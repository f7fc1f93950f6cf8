// The end of what a command writes: keeps the last bytes and forgets the rest, however much comes.

export class OutputTail {
  readonly #limitBytes: number;
  #pieces: Buffer[] = [];
  #keptBytes = 0;
  #seenBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(piece: Buffer): void {
    const tail = piece.subarray(Math.max(0, piece.length - this.#limitBytes));
    this.#seenBytes += piece.length;
    this.#keptBytes += tail.length;
    // A copy: the piece may be a window into a much larger buffer.
    this.#pieces.push(Buffer.from(tail));
    while (this.#keptBytes - (this.#pieces[0]?.length ?? 0) >= this.#limitBytes) {
      this.#keptBytes -= this.#pieces.shift()?.length ?? 0;
    }
  }

  /** As UTF-8; says at its beginning how much is missing. */
  text(): string {
    const all = Buffer.concat(this.#pieces);
    const kept = all.subarray(Math.max(0, all.length - this.#limitBytes));
    const missingBytes = this.#seenBytes - kept.length;
    return missingBytes === 0 ? kept.toString() : `[${missingBytes} bytes before are left out] ${kept.toString()}`;
  }
}
