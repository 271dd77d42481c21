// The body of a third-party REGISTER: service information (TS 24.229 §7.6), the REGISTER and its
// answer as message/sip (§5.4.1.7A), several of them as multipart/mixed (RFC 2046 §5.1).

import type { ApplicationServer } from '#diameter/cx-user-data';
import { element, xmlDocument } from '#kernel/xml';
import type { RegistrationExchange } from './registration.ts';

export interface Body {
  readonly type: string;
  readonly octets: Uint8Array;
}

export function serviceBody(
  server: ApplicationServer,
  exchange: RegistrationExchange | undefined,
): Body | undefined {
  const parts: Body[] = [];
  if (server.serviceInfo !== undefined) {
    const info = element(
      'ims-3gpp',
      { version: 1 },
      element('service-info', {}, server.serviceInfo),
    );
    parts.push({
      type: 'application/3gpp-ims+xml',
      octets: Buffer.from(xmlDocument(info), 'utf8'),
    });
  }
  if (server.includeRegisterRequest && exchange !== undefined) {
    parts.push({ type: 'message/sip', octets: exchange.request.encode() });
  }
  if (server.includeRegisterResponse && exchange !== undefined) {
    parts.push({ type: 'message/sip', octets: exchange.response.encode() });
  }
  return parts.length < 2 ? parts[0] : multipart(parts);
}

function multipart(parts: readonly Body[]): Body {
  const boundary = freeBoundary(parts);
  const pieces: Uint8Array[] = [];
  for (const { type, octets } of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\nContent-Type: ${type}\r\n\r\n`, 'latin1'), octets);
    pieces.push(Buffer.from('\r\n', 'latin1'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`, 'latin1'));
  return { type: `multipart/mixed;boundary="${boundary}"`, octets: Buffer.concat(pieces) };
}

/** One that stands in no part. */
function freeBoundary(parts: readonly Body[]): string {
  for (let n = 0; ; n++) {
    const boundary = `carillon-part-${n}`;
    if (!parts.some(({ octets }) => Buffer.from(octets).includes(boundary))) return boundary;
  }
}
