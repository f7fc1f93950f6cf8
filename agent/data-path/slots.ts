// The number of volumes that this node moves at the same time, shared by backups and restores.

export class Slots {
  #total: number;
  #used = 0;
  readonly #freeListeners: (() => void)[] = [];
  readonly #changeListeners: ((used: number) => void)[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  get total(): number {
    return this.#total;
  }

  /** What was taken stays taken, also when it is more now than there is. */
  resize(total: number): void {
    const isMore = total > this.#total;
    this.#total = total;
    if (isMore) this.#tellFree();
  }

  get used(): number {
    return this.#used;
  }

  /** @returns the function that gives the slot back, or undefined when none is free. */
  tryTake(): (() => void) | undefined {
    if (this.#used >= this.#total) return undefined;
    this.#change(1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#change(-1);
      this.#tellFree();
    };
  }

  /** Called each time a slot was given back, or there are more. */
  onFree(listener: () => void): void {
    this.#freeListeners.push(listener);
  }

  /** Called with the number of used slots each time it has changed. */
  onChange(listener: (used: number) => void): void {
    this.#changeListeners.push(listener);
  }

  #tellFree(): void {
    for (const listener of this.#freeListeners) listener();
  }

  #change(by: number): void {
    this.#used += by;
    for (const listener of this.#changeListeners) listener(this.#used);
  }
}
