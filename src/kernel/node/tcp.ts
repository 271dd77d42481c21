// TCP and TLS streams.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { UsageError } from '../errors.ts';
import type { Address, Listener, Stream, StreamOptions } from '../host.ts';
import { BaseStream } from './base-stream.ts';
import {
  atMostEachMinute,
  bindError,
  checkAddress,
  plainHost,
  type Resource,
  type SocketContext,
} from './context.ts';

type Protocol = 'tcp' | 'tls';

/** Connects; errors come as `onClosed`, in a later turn like every event. */
export function connectTcp(
  context: SocketContext,
  protocol: Protocol,
  remote: Address,
  options: StreamOptions,
): Stream {
  const at = { host: remote.host, port: remote.port, noDelay: true, keepAlive: true };
  const socket = protocol === 'tls' ? connectTls({ ...at, ...tlsOptions(options) }) : connect(at);
  return SocketStream.connecting(context, protocol, remote, socket);
}

/** What node's TLS takes; a name is sent only where there is one, never an IP address (RFC 6066 §3). */
export function tlsOptions(options: StreamOptions): object {
  const { tls } = options;
  const { serverName, key, cert, ca, rejectUnauthorized } = tls ?? {};
  return {
    minVersion: 'TLSv1.2',
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

/** @throws UsageError where a secured listener has no certificate. */
export function checkCertificate(protocol: string, options: StreamOptions): void {
  if (options.tls?.key === undefined || options.tls.cert === undefined) {
    throw new UsageError(`listening on ${protocol} needs a key and a certificate`);
  }
}

/** @throws AddressError, UsageError */
export async function listenTcp(
  context: SocketContext,
  protocol: Protocol,
  local: Address,
  accept: (stream: Stream) => void,
  options: StreamOptions,
): Promise<Listener> {
  const take = (socket: Socket) => {
    if (socket.destroyed || socket.remoteAddress === undefined) return; // gone already
    SocketStream.accepted(context, protocol, socket).handTo(accept);
  };
  if (protocol === 'tcp') {
    const server = createServer({ noDelay: true, keepAlive: true }, take);
    return bindServer(context, server, local);
  }
  checkCertificate(protocol, options);
  const { connect: handshakeTimeout } = context.limits;
  // A peer asked for no certificate may offer one in vain; who needs one gives a `ca`.
  const requestCert = options.tls?.ca !== undefined;
  const settings = { ...tlsOptions(options), handshakeTimeout, requestCert, noDelay: true };
  const server = createTlsServer({ ...settings, keepAlive: true }, take);
  const refused = atMostEachMinute(context.clock, times =>
    context.log.info('TLS handshakes failed', { local, times }),
  );
  server.on('tlsClientError', refused);
  return bindServer(context, server, local);
}

/** Binds a server of any kind; what it accepts are resources of their own. */
export async function bindServer(
  context: SocketContext,
  server: Server,
  local: Address,
): Promise<Listener> {
  checkAddress(local);
  server.maxConnections = context.limits.connections;
  server.on('connection', socket => {
    context.connections.add(socket);
    socket.once('close', () => context.connections.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error) => {
      void bindError(error, 'tcp', local, context.book).then(reject);
    };
    server.once('error', refuse);
    const at = { host: local.host, port: local.port, ipv6Only: true, exclusive: true };
    server.listen(at, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  const bound = server.address() as { address: string; port: number };
  const address: Address = { host: bound.address, port: bound.port };
  const release = context.book.claim(context.instance, 'tcp', address);
  server.on('error', error => context.log.warn('listener', { local: address, error }));
  server.on(
    'drop',
    atMostEachMinute(context.clock, times =>
      context.log.warn('connections dropped at the bound', { local: address, times }),
    ),
  );
  let isOpen = true;
  const listener: Listener & Resource = {
    local: address,
    close() {
      if (!isOpen) return;
      isOpen = false;
      release();
      server.close();
      // The port is free at once; the server's own 'close' waits for every connection.
      context.resources.delete(listener);
    },
    destroy: () => listener.close(),
  };
  context.resources.add(listener);
  return listener;
}

class SocketStream extends BaseStream {
  readonly #socket: Socket;
  #corked = false;

  static connecting(
    context: SocketContext,
    protocol: Protocol,
    remote: Address,
    socket: Socket,
  ): SocketStream {
    const stream = new SocketStream(context, protocol, remote, socket);
    stream.startOpening();
    socket.once(protocol === 'tls' ? 'secureConnect' : 'connect', () =>
      stream.opened(localOf(socket)),
    );
    return stream;
  }

  static accepted(context: SocketContext, protocol: Protocol, socket: Socket): SocketStream {
    const remote = { host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 };
    const stream = new SocketStream(context, protocol, remote, socket);
    stream.accepted(localOf(socket));
    return stream;
  }

  private constructor(
    context: SocketContext,
    protocol: Protocol,
    remote: Address,
    socket: Socket | TLSSocket,
  ) {
    super(context, protocol, remote);
    this.#socket = socket;
    socket.on('data', octets => this.received(octets));
    socket.on('error', error => this.failWith(error));
    socket.on('close', () => this.gone());
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  protected write(octets: Uint8Array): void {
    const socket = this.#socket;
    if (!this.#corked) {
      // What is sent in one turn leaves in one call to the system.
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(octets);
  }

  protected end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export function localOf(socket: Socket): Address {
  return { host: plainHost(socket.localAddress), port: socket.localPort ?? 0 };
}
