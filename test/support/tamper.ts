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
  const lying: Network['bindDatagram'] = async (local, receive) => {
    const socket = await host.network.bindDatagram(local, receive);
    const send = socket.send.bind(socket);
    socket.send = (datagram, to) => send(changed(tamper, datagram), to);
    return socket;
  };
  const network = instead(host.network, 'bindDatagram', lying);
  return instead(host, 'network', network);
}

/** An object that is another in everything but one member. */
function instead<T extends object, K extends keyof T>(whole: T, member: K, other: T[K]): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name === member) return other;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
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
