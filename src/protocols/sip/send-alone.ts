// A message outside any transaction: the ACK to a 2xx. RFC 3261 §13.2.2.4, §16.11.

import type { Target } from './flow.ts';
import type { Edit, SipRequest } from './message.ts';
import type { TransactionLayer } from './transaction-layer.ts';
import type { Link } from './transport/link.ts';
import { candidatesFor } from './transport/resolve.ts';
import { pushVia } from './transport/via.ts';

/** Sends `message` once, with our Via. What cannot be sent is lost, as on a wire. */
export function sendAlone(
  layer: TransactionLayer,
  message: SipRequest,
  target: Target,
  edits: readonly Edit[],
  branch: string,
): void {
  const send = (link: Link): void => link.send(message.with(...edits, pushVia(link, branch)));
  if ('flow' in target) {
    send(target.flow as Link);
    return;
  }
  const { uri, point = layer.point } = target;
  const open = 'host' in uri ? layer.transports.dialled(uri.host) : undefined;
  if (open !== undefined) {
    send(open);
    return;
  }
  const lost = (error: unknown): void =>
    layer.host.log.info('sip.not sent', { request: message.summary(), why: String(error) });
  const first = async (): Promise<void> => {
    const [candidate] = layer.deadTargets.inOrder(await candidatesFor(uri, layer.host));
    if (candidate !== undefined) send(await layer.transports.linkTo(candidate, point));
    else lost('nowhere to send');
  };
  first().catch(lost);
}
