// tshark: what Wireshark makes of a file, with no protocol forced upon any port.

import { Child } from './child.ts';

export const PACKAGE = 'tshark';

/** Expert information as Wireshark grades it; a comment of the file's own is the lowest. */
const SEVERITY = {
  comment: 0x0010_0000,
  chat: 0x0020_0000,
  note: 0x0040_0000,
  warn: 0x0060_0000,
  error: 0x0080_0000,
} as const;

export interface Remark {
  readonly severity: keyof typeof SEVERITY;
  readonly message: string;
}

export interface Frame {
  readonly number: number;
  /** 'eth:ethertype:ip:udp:sip:sdp' */
  readonly layers: readonly string[];
  readonly info: string;
  /** Messages in it: a TCP segment may hold several. */
  readonly messages: { readonly sip: number; readonly diameter: number; readonly rtp: number };
  readonly isMalformed: boolean;
  readonly remarks: readonly Remark[];
}

const FIELDS = [
  'frame.number',
  'frame.protocols',
  '_ws.col.Info',
  '_ws.malformed',
  '_ws.expert.severity',
  '_ws.expert.message',
  // each stands once in every message of its protocol
  'sip.CSeq.method',
  'diameter.cmd.code',
  'rtp.seq',
];
/** Between a frame's fields, and between the values of one field: octets no message of ours holds. */
const NEXT_FIELD = '\u001f';
const NEXT_VALUE = '\u001e';

/** Dissects every frame of a capture file. */
export async function dissect(file: string, ...options: readonly string[]): Promise<Frame[]> {
  const tshark = new Child('tshark', [
    ...['-r', file, '-T', 'fields', '-E', `separator=${NEXT_FIELD}`],
    ...['-E', `aggregator=${NEXT_VALUE}`, '-E', 'occurrence=a', ...options],
    ...FIELDS.flatMap(field => ['-e', field]),
  ]);
  const status = await tshark.ended;
  if (status !== 0) throw new Error(`tshark ended with ${status}: ${tshark.output}`);
  return tshark.output
    .split('\n')
    .filter(line => line.includes(NEXT_FIELD))
    .map(frameOf);
}

function frameOf(line: string): Frame {
  const [number = '', layers = '', info = '', malformed = '', severities = '', remarks = ''] =
    line.split(NEXT_FIELD);
  const [sip = 0, diameter = 0, rtp = 0] = line
    .split(NEXT_FIELD)
    .slice(6)
    .map(values => values.split(NEXT_VALUE).filter(value => value !== '').length);
  const texts = remarks.split(NEXT_VALUE);
  return {
    number: Number(number),
    layers: layers.split(':'),
    info,
    messages: { sip, diameter, rtp },
    isMalformed: malformed !== '',
    remarks: severities
      .split(NEXT_VALUE)
      .filter(text => text !== '')
      .map((text, at) => ({ severity: gradeOf(Number(text)), message: texts[at] ?? '' })),
  };
}

function gradeOf(severity: number): keyof typeof SEVERITY {
  for (const [name, value] of Object.entries(SEVERITY)) {
    if (value === severity) return name as keyof typeof SEVERITY;
  }
  throw new Error(`tshark graded something ${severity}`);
}
