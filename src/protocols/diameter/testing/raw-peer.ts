// A peer for tests that says exactly what it is told to, right or wrong, and shows what it hears.

import { framedPipe } from '#kernel/framing';
import type { Address, Host } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import { Avp } from '../avp.ts';
import { CapabilitiesExchange } from '../base.ts';
import { ourCapabilities } from '../capabilities.ts';
import { diameterCodec } from '../codec.ts';
import { Cx } from '../cx.ts';
import type { AvpDefinition } from '../definition.ts';
import { DiameterStreamReader } from '../framing.ts';
import { FLAG, type Header } from '../header.ts';
import { Envelope } from '../make.ts';
import { DiameterMessage } from '../message.ts';

export class RawPeer {
  readonly heard: DiameterMessage[] = [];
  closed: string | undefined;
  onMessage: (message: DiameterMessage) => void = () => {};
  readonly identity: string;
  readonly realm: string;
  readonly envelope: Envelope;
  readonly #pipe: Pipe<DiameterMessage>;
  readonly #write: (octets: Uint8Array) => void;
  #id = 1000;

  constructor(host: Host, to: Address, identity: string, realm: string) {
    this.identity = identity;
    this.realm = realm;
    this.envelope = new Envelope(identity, realm);
    const stream = host.network.connect('tcp', to);
    this.#pipe = framedPipe(stream, new DiameterStreamReader(), diameterCodec);
    this.#write = octets => stream.send(octets);
    this.#pipe.onMessage = message => {
      this.heard.push(message);
      this.onMessage(message);
    };
    this.#pipe.onClosed = reason => {
      this.closed = reason;
    };
  }

  send(message: DiameterMessage): void {
    this.#pipe.send(message);
  }

  octets(octets: Uint8Array): void {
    this.#write(octets);
  }

  close(): void {
    this.#pipe.close();
  }

  cer(change: { readonly applications?: readonly (typeof Cx)[]; readonly stateId?: number } = {}) {
    const said = ourCapabilities(
      {
        identity: this.identity,
        realm: this.realm,
        vendorId: 0,
        productName: 'raw',
        originStateId: change.stateId ?? 1,
        applications: change.applications ?? [Cx],
      },
      ['192.0.2.1'],
    );
    this.send(this.base(CapabilitiesExchange.code, this.envelope.base(CapabilitiesExchange, said)));
  }

  base(code: number, avps: readonly Avp[]): DiameterMessage {
    return this.request({ code, application: 0, flags: FLAG.request }, avps);
  }

  request(header: Partial<Header>, avps: readonly Avp[]): DiameterMessage {
    this.#id++;
    const { flags = FLAG.request | FLAG.proxiable, code = 0, application = Cx.id } = header;
    const { hopByHop = this.#id, endToEnd = this.#id } = header;
    return new DiameterMessage({ flags, code, application, hopByHop, endToEnd }, avps);
  }
}

/** The AVPs with one replaced, taken out or repeated. */
export const edit = {
  without: (avps: readonly Avp[], { code }: AvpDefinition<unknown, never>): readonly Avp[] =>
    avps.filter(avp => avp.code !== code),
  twice: (avps: readonly Avp[], { code }: AvpDefinition<unknown, never>): readonly Avp[] =>
    avps.flatMap(avp => (avp.code === code ? [avp, avp] : [avp])),
  data: (avps: readonly Avp[], { code }: AvpDefinition<unknown, never>, data: Uint8Array) =>
    avps.map(avp => (avp.code === code ? Avp.raw(code, avp.vendor, avp.flags, data) : avp)),
};
