// PROTOS c07-sip: each file holds messages behind their lengths, with places to fill in.

export interface Places {
  /** user@host */
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly port: number;
  /** Of the Via branch and the Call-ID. */
  readonly id: string;
}

export const places: Places = {
  from: 'alice@example.com',
  to: 'bob@example.com',
  address: '192.0.2.1',
  port: 5060,
  id: '1',
};

/** The messages of a file, filled in. */
export function protosMessages(file: Buffer, fill: Places = places): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const prefix = /^(\d+) /.exec(file.toString('latin1', at, at + 12));
    if (prefix === null) break;
    at += prefix[0].length;
    const template = file.toString('latin1', at, at + Number(prefix[1]));
    at += Number(prefix[1]);
    const filled = template
      .replaceAll('<To>', fill.to)
      .replaceAll('<From>', fill.from)
      .replaceAll('<From-Address>', fill.address)
      .replaceAll('<From-IP>', fill.address)
      .replaceAll('<Local-Port>', String(fill.port))
      .replaceAll('<Branch-ID>', fill.id)
      .replaceAll('<Call-ID>', fill.id)
      .replaceAll('<CSeq>', '1')
      .replaceAll('<Teardown-Method>', 'CANCEL');
    const bodyAt = filled.indexOf('\r\n\r\n') + 4;
    const length = String(filled.length - bodyAt);
    messages.push(Buffer.from(filled.replaceAll('<Content-Length>', length), 'latin1'));
  }
  return messages;
}
