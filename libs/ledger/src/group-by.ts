/** Never empty. */
export type Group<Element> = readonly [Element, ...Element[]];

/** The elements of a list by key, in their order; the keys in the order of their first elements. */
export function groupBy<Element>(
  list: readonly Element[],
  keyOf: (element: Element) => string,
): ReadonlyMap<string, Group<Element>> {
  const groups = new Map<string, [Element, ...Element[]]>();
  for (const element of list) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [element]);
    else group.push(element);
  }
  return groups;
}
