// One thing going wrong on purpose: messages of a kind that never arrive. It stands between an
// instance and its host, so neither protocols nor functions know of it.

import type { Codec, Host, Network, Stream } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import type { Traced } from '#kernel/trace';

/** What a fault looks at: a message about to be sent, by the ladder's name for it. */
export interface Fault {
  /** Why the message is lost, or undefined where it goes on. */
  loses(summary: string): string | undefined;
}

/** Loses every message whose summary is `what` or starts with it: 'MAA', 'REGISTER', '401'. */
export function drop(what: string): Fault {
  return {
    loses: summary =>
      summary === what || summary.startsWith(`${what} `)
        ? `dropped by --break drop=${what}`
        : undefined,
  };
}

/** The same host, seen through a fault. `codecs` read what crosses sockets. */
export function faulty(host: Host, fault: Fault, codecs: readonly Codec<Traced & object>[]): Host {
  const summaryOf = (octets: Uint8Array): string | undefined => {
    for (const codec of codecs) {
      try {
        return codec.decode(octets).summary();
      } catch {
        // of another protocol
      }
    }
    return undefined;
  };
  const losesOctets = (octets: Uint8Array): boolean => {
    const summary = summaryOf(octets);
    return summary !== undefined && fault.loses(summary) !== undefined;
  };

  const stream = (inner: Stream): Stream => {
    const send = inner.send.bind(inner);
    inner.send = octets => {
      if (!losesOctets(octets)) send(octets);
    };
    return inner;
  };
  const pipe = <M>(inner: Pipe<M>): Pipe<M> => {
    const send = inner.send.bind(inner);
    inner.send = message => {
      if (fault.loses((message as Traced).summary()) === undefined) send(message);
    };
    return inner;
  };

  const { network, trace } = host;
  const lossy: Network = {
    async bindDatagram(local, receive) {
      const socket = await network.bindDatagram(local, receive);
      const send = socket.send.bind(socket);
      socket.send = (datagram, to) => {
        if (!losesOctets(datagram)) send(datagram, to);
      };
      return socket;
    },
    listen: (protocol, local, accept, options) =>
      network.listen(protocol, local, accepted => accept(stream(accepted)), options),
    connect: (protocol, remote, options) => stream(network.connect(protocol, remote, options)),
    serveLocal: (name, accept) =>
      network.serveLocal(name, accepted => accept(pipe(accepted) as never)),
    dialLocal: (name, codec) => pipe(network.dialLocal(name, codec)),
    resolve: (name, service) => network.resolve(name, service),
    dns: network.dns,
    ownerOf: (address, ...rest) => network.ownerOf(address, ...rest),
  };
  return {
    name: host.name,
    clock: host.clock,
    random: host.random,
    store: host.store,
    log: host.log,
    network: lossy,
    trace: {
      get enabled() {
        return trace.enabled;
      },
      decide: (decision, what) => trace.decide(decision, what),
      crossed(crossing) {
        const lost = fault.loses(crossing.message.summary());
        trace.crossed(lost === undefined ? crossing : { ...crossing, lost });
      },
    },
  };
}
