/** How many streams each shopper has in this process: one who orders much could otherwise have all of them. */
export class ShopperStreams {
  private readonly open = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** A place for one more. @returns how to give it up, as often as one likes; undefined where the shopper has all */
  take(shopper: string): (() => void) | undefined {
    const count = this.open.get(shopper) ?? 0;
    if (count >= this.most) return undefined;
    this.open.set(shopper, count + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const left = (this.open.get(shopper) ?? 1) - 1;
      if (left === 0) this.open.delete(shopper);
      else this.open.set(shopper, left);
    };
  }
}
