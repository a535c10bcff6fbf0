/** A list in slices of at most `size`; an empty list has none. */
export function slicesOf<Element>(list: readonly Element[], size: number): readonly (readonly Element[])[] {
  const slices: (readonly Element[])[] = [];
  for (let from = 0; from < list.length; from += size) slices.push(list.slice(from, from + size));
  return slices;
}
