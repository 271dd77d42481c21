// `/sip` of the console's own origin: WebSocket connections of phones in a browser, handed on to the
// P-CSCF as they are (RFC 7118). The token never guards them: SIP authenticates.

import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address } from '#kernel/host';

/** Phones at once that come this way. */
const MOST = 1000;

export class SipTunnel {
  readonly #pcscf: () => Address | undefined;
  readonly #open = new Set<Duplex>();

  /** `pcscf` says where the P-CSCF takes WebSocket connections, if it runs here. */
  constructor(pcscf: () => Address | undefined) {
    this.#pcscf = pcscf;
  }

  /** Serves an HTTP request to upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?')[0];
    const pcscf = this.#pcscf();
    if (path !== '/sip') refuse(socket, '404 Not Found');
    else if (pcscf === undefined || this.#open.size >= MOST) {
      refuse(socket, '503 Service Unavailable');
    } else this.#join(request, socket, head, pcscf);
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #join(request: IncomingMessage, socket: Duplex, head: Buffer, pcscf: Address): void {
    const far = connect({ host: pcscf.host, port: pcscf.port });
    this.#open.add(socket);
    const end = (): void => {
      this.#open.delete(socket);
      socket.destroy();
      far.destroy();
    };
    far.on('error', end).on('close', end);
    socket.on('close', end);
    far.on('connect', () => {
      far.write(headOf(request));
      far.write(head);
      socket.pipe(far);
      far.pipe(socket);
    });
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** The request as it came; cookies are for the console alone. */
function headOf({ rawHeaders }: IncomingMessage): string {
  const lines = ['GET /sip HTTP/1.1'];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (/^(cookie|authorization)$/i.test(name)) continue;
    lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
