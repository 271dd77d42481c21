// Errors by who is at fault. The peer is wrong: ProtocolError, caught once at the edge, where it
// becomes the answer it deserves. We are wrong: assert. The person is wrong: UsageError.

/** What a peer sent cannot be taken. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError';
  /** Octets from the start of the message, where known. */
  readonly offset: number | undefined;
  /** The clause that forbids it: 'RFC 3261 §7.3.1'. */
  readonly clause: string | undefined;

  constructor(message: string, where: { offset?: number; clause?: string } = {}) {
    super(message);
    this.offset = where.offset;
    this.clause = where.clause;
  }
}

/** A person's command line, file or setting is wrong; the message says what would be right. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** An address cannot be bound. */
export class AddressError extends Error {
  override readonly name: string = 'AddressError';
  readonly code: 'in use' | 'unavailable';
  readonly address: { readonly host: string; readonly port: number };

  constructor(
    code: 'in use' | 'unavailable',
    address: { host: string; port: number },
    detail: string,
  ) {
    super(`address ${address.host} port ${address.port} is ${code}: ${detail}`);
    this.code = code;
    this.address = address;
  }
}

/** A store or a link failed; what depended on it is refused, nothing else. */
export class Unavailable extends Error {
  override readonly name: string = 'Unavailable';
}

/** Our own mistake: ends the procedure, never silently. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
