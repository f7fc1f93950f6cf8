// The number of volumes that this node moves at the same time, shared by backups and restores.

export class Slots {
  readonly total: number;
  #used = 0;
  readonly #freeListeners: (() => void)[] = [];
  readonly #changeListeners: ((used: number) => void)[] = [];

  constructor(total: number) {
    this.total = total;
  }

  get used(): number {
    return this.#used;
  }

  /** @returns the function that gives the slot back, or undefined when none is free. */
  tryTake(): (() => void) | undefined {
    if (this.#used >= this.total) return undefined;
    this.#change(1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#change(-1);
      for (const listener of this.#freeListeners) listener();
    };
  }

  /** Called each time a slot was given back. */
  onFree(listener: () => void): void {
    this.#freeListeners.push(listener);
  }

  /** Called with the number of used slots each time it has changed. */
  onChange(listener: (used: number) => void): void {
    this.#changeListeners.push(listener);
  }

  #change(by: number): void {
    this.#used += by;
    for (const listener of this.#changeListeners) listener(this.#used);
  }
}
