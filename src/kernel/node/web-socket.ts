// WebSocket streams, RFC 6455: one call of `send`, one message; one message received, one call of
// `onOctets`. Text or binary makes no difference to what is carried (RFC 7118 §5).

import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import type { Address, Listener, Stream, StreamOptions } from '../host.ts';
import { addressText } from '../recorder.ts';
import { BaseStream } from './base-stream.ts';
import { checkAddress, plainHost, type SocketContext } from './context.ts';
import { bindServer, checkCertificate, localOf, tlsOptions } from './tcp.ts';

type Protocol = 'ws' | 'wss';

const DEFAULT = { path: '/', subprotocol: 'sip' };

export function connectWebSocket(
  context: SocketContext,
  protocol: Protocol,
  remote: Address,
  options: StreamOptions,
): Stream {
  checkAddress(remote);
  const { path, subprotocol } = options.webSocket ?? DEFAULT;
  const settings: ClientOptions = {
    ...tlsOptions(options),
    handshakeTimeout: context.limits.connect,
    maxPayload: context.limits.webSocketMessage,
    perMessageDeflate: false,
  };
  const url = `${protocol}://${addressText(remote)}${path}`;
  const socket = new WebSocket(url, [subprotocol], settings);
  return WebSocketStream.connecting(context, protocol, remote, socket);
}

/** @throws AddressError, UsageError */
export async function listenWebSocket(
  context: SocketContext,
  protocol: Protocol,
  local: Address,
  accept: (stream: Stream) => void,
  options: StreamOptions,
): Promise<Listener> {
  const { path, subprotocol } = options.webSocket ?? DEFAULT;
  if (protocol === 'wss') checkCertificate(protocol, options);
  const { connect, connections } = context.limits;
  const timeouts = { headersTimeout: connect, requestTimeout: connect, keepAliveTimeout: 1000 };
  const http =
    protocol === 'wss'
      ? createSecureServer({ ...tlsOptions(options), ...timeouts, handshakeTimeout: connect })
      : createServer(timeouts);
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: context.limits.webSocketMessage,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol,
  });
  let open = 0;
  http.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    if (request.url?.split('?')[0] !== path) return refuse(socket, 404);
    if (!offered.some(one => one.trim() === subprotocol)) return refuse(socket, 400);
    if (open >= connections) return refuse(socket, 503);
    socket.on('error', () => {}); // until the WebSocket has taken it over
    upgrader.handleUpgrade(request, socket, head, webSocket => {
      open++;
      webSocket.once('close', () => open--);
      WebSocketStream.accepted(context, protocol, request.socket, webSocket).handTo(accept);
    });
  });
  return bindServer(context, http, local);
}

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
}

class WebSocketStream extends BaseStream {
  readonly #socket: WebSocket;
  /** What was sent before the connection was open. */
  #early: Uint8Array[] = [];
  #earlyOctets = 0;

  static connecting(
    context: SocketContext,
    protocol: Protocol,
    remote: Address,
    socket: WebSocket,
  ): WebSocketStream {
    const stream = new WebSocketStream(context, protocol, remote, socket);
    stream.startOpening();
    let local: Address | undefined;
    socket.once('upgrade', response => {
      local = localOf(response.socket);
    });
    socket.once('unexpected-response', (_request, response) =>
      stream.fail(`answered ${response.statusCode} instead of upgrading`),
    );
    socket.once('open', () => {
      stream.#flush();
      stream.opened(local ?? stream.local);
    });
    return stream;
  }

  static accepted(
    context: SocketContext,
    protocol: Protocol,
    tcp: Socket,
    socket: WebSocket,
  ): WebSocketStream {
    const remote = { host: plainHost(tcp.remoteAddress), port: tcp.remotePort ?? 0 };
    const stream = new WebSocketStream(context, protocol, remote, socket);
    stream.accepted(localOf(tcp));
    return stream;
  }

  private constructor(
    context: SocketContext,
    protocol: Protocol,
    remote: Address,
    socket: WebSocket,
  ) {
    super(context, protocol, remote);
    this.#socket = socket;
    socket.on('message', data => this.received(data as Buffer));
    socket.on('error', error => this.failWith(error));
    socket.on('close', () => this.gone());
  }

  get queued(): number {
    return this.#socket.bufferedAmount + this.#earlyOctets;
  }

  protected write(octets: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      this.#early.push(octets);
      this.#earlyOctets += octets.length;
      return;
    }
    // Browsers hand text frames to the application as text, which is what SIP stacks there expect.
    this.#socket.send(octets, { binary: !isUtf8(octets) });
  }

  #flush(): void {
    const early = this.#early;
    this.#early = [];
    this.#earlyOctets = 0;
    for (const octets of early) this.write(octets);
  }

  protected end(): void {
    this.#socket.close(1000);
  }

  destroy(): void {
    this.#socket.terminate();
  }
}
