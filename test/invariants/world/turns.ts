/** Who breaks something has it for itself until it is healed. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** Resolves when everything is free, first come first served. @returns a function that gives it free */
  async take(things: readonly string[]): Promise<() => void> {
    const before = things.map((thing) => this.last.get(thing) ?? Promise.resolve());
    let finished: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      finished = resolve;
    });
    for (const thing of things) this.last.set(thing, mine);
    await Promise.all(before);
    return finished;
  }
}
