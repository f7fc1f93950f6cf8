// Items a few at a time, so that what a group needs from the store can be asked for with one request.

/** Yields the items in their order, `size` together; the last group may be smaller. */
export function* inGroups<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
