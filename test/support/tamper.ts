// A phone that lies: every SIP message it sends as a datagram is changed on its way out.

import type { Host, Network } from '#kernel/host';
import { sipCodec } from '#sip/codec';
import { type SipMessage, SipRequest } from '#sip/message';

export type Tamper = (message: SipMessage) => SipMessage;

/** Changes requests of one method. */
export function requests(method: string, change: (request: SipRequest) => SipRequest): Tamper {
  return message =>
    message instanceof SipRequest && message.method === method ? change(message) : message;
}

/** The same host, whose SIP datagrams are changed before they leave. */
export function hostThat(tamper: Tamper, host: Host): Host {
  const { network } = host;
  const lying: Network = {
    async bindDatagram(local, receive) {
      const socket = await network.bindDatagram(local, receive);
      const send = socket.send.bind(socket);
      socket.send = (datagram, to) => send(changed(tamper, datagram), to);
      return socket;
    },
    listen: (...args) => network.listen(...args),
    connect: (...args) => network.connect(...args),
    serveLocal: (...args) => network.serveLocal(...args),
    dialLocal: (...args) => network.dialLocal(...args),
    resolve: (...args) => network.resolve(...args),
    ownerOf: (...args) => network.ownerOf(...args),
  };
  const { name, clock, random, store, trace, log } = host;
  return { name, clock, random, store, trace, log, network: lying };
}

function changed(tamper: Tamper, datagram: Uint8Array): Uint8Array {
  let message: SipMessage;
  try {
    message = sipCodec.decode(datagram);
  } catch {
    return datagram; // sound
  }
  return tamper(message).encode();
}
