// The number of volumes that this node moves at the same time, shared by backups and restores.

export class Slots {
  readonly total: number;
  #used = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(total: number) {
    this.total = total;
  }

  get used(): number {
    return this.#used;
  }

  /** @returns the function that gives the slot back, or undefined when none is free. */
  tryTake(): (() => void) | undefined {
    if (this.#used >= this.total) return undefined;
    this.#used++;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#used--;
      for (const listener of this.#listeners) listener();
    };
  }

  /** Called each time a slot was given back. */
  onFree(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
