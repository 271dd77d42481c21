import type { Instant } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import type { Binding } from './bindings.ts';
import type { PCscf } from './p-cscf.ts';

export class RegEventSubscriptions {
  constructor(_: PCscf) {}
  follow(_binding: Binding, _now: Instant): void {}
  notified(_tx: ServerTransaction): boolean {
    return false;
  }
  stop(): void {}
}
