// A list of numbers that grows in a typed array: 1 to 8 bytes an element, nothing for the garbage collector to visit.

export type NumberArray = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** A column of numbers of one kind. */
export type Uint8Column = Column<Uint8Array<ArrayBuffer>>;
export type Uint32Column = Column<Uint32Array<ArrayBuffer>>;
export type Float64Column = Column<Float64Array<ArrayBuffer>>;

export const u8 = (): Uint8Column => new Column((size) => new Uint8Array(size));
export const u32 = (): Uint32Column => new Column((size) => new Uint32Array(size));
export const f64 = (): Float64Column => new Column((size) => new Float64Array(size));

const firstCapacity = 64;

export class Column<T extends NumberArray> {
  /** Valid up to `length`; replaced when the column grows. */
  array: T;
  length = 0;
  readonly #create: (size: number) => T;

  constructor(create: (size: number) => T) {
    this.#create = create;
    this.array = create(firstCapacity);
  }

  push(value: number): void {
    this.#reserve(1);
    this.array[this.length++] = value;
  }

  /** Several elements at once, as ids in a column of bytes. */
  pushAll(values: T): void {
    this.#reserve(values.length);
    this.array.set(values, this.length);
    this.length += values.length;
  }

  get(index: number): number {
    if (index >= this.length) throw new RangeError(`bug: element ${index} of ${this.length}`);
    return this.array[index] as number;
  }

  set(index: number, value: number): void {
    if (index >= this.length) throw new RangeError(`bug: element ${index} of ${this.length}`);
    this.array[index] = value;
  }

  add(index: number, difference: number): void {
    this.set(index, this.get(index) + difference);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.array.length) return;
    const grown = this.#create(Math.max(this.array.length * 2, this.length + count));
    grown.set(this.array);
    this.array = grown;
  }
}
