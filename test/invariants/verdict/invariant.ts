/** One promise, and whether the run kept it. */
export interface Invariant {
  readonly name: string;
  readonly statement: string;
  /** How many things were looked at: a promise that was never put to the test is not kept, it is not checked. */
  readonly checked: number;
  /** The first of them, each beginning with the id of what is wrong. */
  readonly violations: readonly string[];
  readonly violationsTotal: number;
  /** Allowed exceptions, and other numbers. */
  readonly numbers: Readonly<Record<string, number>>;
}

const MAX_VIOLATIONS = 20;

/** Collects what is found about one invariant. */
export class Findings {
  private checked = 0;
  private readonly violations: string[] = [];
  private total = 0;
  private readonly numbers: Record<string, number> = {};

  constructor(
    private readonly name: string,
    private readonly statement: string,
  ) {}

  look(count = 1): void {
    this.checked += count;
  }

  /** @param what begins with the id of what is wrong */
  violate(what: string): void {
    this.total += 1;
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(what);
  }

  add(number: string, value = 1): void {
    this.numbers[number] = (this.numbers[number] ?? 0) + value;
  }

  invariant(): Invariant {
    const { name, statement, checked, violations, total, numbers } = this;
    return { name, statement, checked, violations, violationsTotal: total, numbers };
  }
}
