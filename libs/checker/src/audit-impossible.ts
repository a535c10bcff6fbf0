/** The audit cannot be made at all: no such sale, or an input that nobody can read. */
export class AuditImpossible extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'AuditImpossible';
  }
}
