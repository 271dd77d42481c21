// The registration state document, RFC 3680 §5, with the GRUUs of RFC 5628: read by UE and P-CSCF,
// written by S-CSCF. Elements and attributes of other extensions are passed over.

import { element, parseXml, type XmlElement, XmlError, xmlDocument } from '#kernel/xml';

export const reginfoType = 'application/reginfo+xml';

export type ContactEvent =
  | 'registered'
  | 'created'
  | 'refreshed'
  | 'shortened'
  | 'expired'
  | 'deactivated'
  | 'probation'
  | 'unregistered'
  | 'rejected';

export interface ReginfoContact {
  readonly id: string;
  readonly state: 'active' | 'terminated';
  readonly event: ContactEvent;
  readonly uri: string;
  /** Seconds left. */
  readonly expires?: number | undefined;
  /** Seconds to wait before registering again, with 'probation'. */
  readonly retryAfter?: number | undefined;
  readonly callId?: string | undefined;
  readonly cseq?: number | undefined;
  /** Preference, 0 to 1. */
  readonly q?: number | undefined;
  /** Seconds since it was registered. */
  readonly durationRegistered?: number | undefined;
  readonly displayName?: string | undefined;
  /** RFC 5628 §5.1. */
  readonly pubGruu?: string | undefined;
  readonly tempGruu?: string | undefined;
  /** CSeq of the REGISTER that first made a temporary GRUU valid. RFC 5628 §5.2 */
  readonly tempGruuFirstCseq?: number | undefined;
  /** Contact parameters, such as +sip.instance, as RFC 3680 §5.3 `unknown-param` carries them. */
  readonly params?: ReadonlyMap<string, string>;
}

export interface ReginfoRegistration {
  /** The public identity. */
  readonly aor: string;
  readonly id: string;
  readonly state: 'init' | 'active' | 'terminated';
  readonly contacts: readonly ReginfoContact[];
}

export interface Reginfo {
  readonly version: number;
  readonly state: 'full' | 'partial';
  readonly registrations: readonly ReginfoRegistration[];
}

const namespace = 'urn:ietf:params:xml:ns:reginfo';
const gruuNamespace = 'urn:ietf:params:xml:ns:gruuinfo';

/** Registrations in one document, contacts in one registration; a document of more is refused. */
const limits = { registrations: 256, contacts: 1024 } as const;

const contactEvents: readonly ContactEvent[] = [
  'registered',
  'created',
  'refreshed',
  'shortened',
  'expired',
  'deactivated',
  'probation',
  'unregistered',
  'rejected',
];

/** Reads a document. Throws an XmlError where it is not one. */
export function parseReginfo(text: string): Reginfo {
  const root = parseXml(text);
  if (root.name !== 'reginfo' || root.namespace !== namespace) {
    throw new XmlError('the root is not reginfo');
  }
  const registrations = root.all('registration');
  if (registrations.length > limits.registrations) throw new XmlError('too many registrations');
  return {
    version: whole(root, 'version') ?? 0,
    state: oneOf(root, 'state', ['full', 'partial']),
    registrations: registrations.map(parseRegistration),
  };
}

function parseRegistration(node: XmlElement): ReginfoRegistration {
  const contacts = node.all('contact');
  if (contacts.length > limits.contacts) throw new XmlError('too many contacts');
  return {
    aor: attribute(node, 'aor'),
    id: node.attributes.get('id') ?? '',
    state: oneOf(node, 'state', ['init', 'active', 'terminated']),
    contacts: contacts.map(parseContact),
  };
}

function parseContact(node: XmlElement): ReginfoContact {
  const uri = node.child('uri')?.text.trim();
  if (!uri) throw new XmlError('a contact without uri');
  const gruu = (name: string) =>
    node.children.find(child => child.namespace === gruuNamespace && child.name === name);
  const tempGruu = gruu('temp-gruu');
  return {
    id: node.attributes.get('id') ?? '',
    state: oneOf(node, 'state', ['active', 'terminated']),
    event: oneOf(node, 'event', contactEvents),
    uri,
    expires: whole(node, 'expires'),
    retryAfter: whole(node, 'retry-after'),
    callId: node.attributes.get('callid'),
    cseq: whole(node, 'cseq'),
    q: preference(node),
    durationRegistered: whole(node, 'duration-registered'),
    displayName: node.child('display-name')?.text,
    pubGruu: gruu('pub-gruu')?.attributes.get('uri'),
    tempGruu: tempGruu?.attributes.get('uri'),
    tempGruuFirstCseq: tempGruu === undefined ? undefined : whole(tempGruu, 'first-cseq'),
    params: new Map(
      node
        .all('unknown-param')
        .map(param => [param.attributes.get('name')?.toLowerCase() ?? '', param.text.trim()]),
    ),
  };
}

/** The document as it goes into a NOTIFY. */
export function reginfoText(info: Reginfo): string {
  const gruus = info.registrations.some(registration =>
    registration.contacts.some(contact => contact.pubGruu ?? contact.tempGruu),
  );
  const registrations = info.registrations.map(registration =>
    element(
      'registration',
      { aor: registration.aor, id: registration.id, state: registration.state },
      ...registration.contacts.map(contactElement),
    ),
  );
  const { version, state } = info;
  return xmlDocument(
    element(
      'reginfo',
      { xmlns: namespace, 'xmlns:gr': gruus ? gruuNamespace : undefined, version, state },
      ...registrations,
    ),
  );
}

function contactElement(contact: ReginfoContact): XmlElement {
  const { id, state, event, expires, callId, cseq, displayName, pubGruu, tempGruu } = contact;
  return element(
    'contact',
    {
      id,
      state,
      event,
      expires,
      'retry-after': contact.retryAfter,
      callid: callId,
      cseq,
      q: contact.q,
      'duration-registered': contact.durationRegistered,
    },
    element('uri', {}, contact.uri),
    displayName === undefined ? undefined : element('display-name', {}, displayName),
    ...[...(contact.params ?? [])].map(([name, value]) =>
      element('unknown-param', { name }, value),
    ),
    pubGruu === undefined ? undefined : element('gr:pub-gruu', { uri: pubGruu }),
    tempGruu === undefined
      ? undefined
      : element('gr:temp-gruu', {
          uri: tempGruu,
          'first-cseq': contact.tempGruuFirstCseq ?? cseq ?? 0,
        }),
  );
}

function attribute(node: XmlElement, name: string): string {
  const value = node.attributes.get(name);
  if (value === undefined) throw new XmlError(`<${node.name}> without ${name}`);
  return value;
}

function oneOf<T extends string>(node: XmlElement, name: string, allowed: readonly T[]): T {
  const value = attribute(node, name);
  const found = allowed.find(candidate => candidate === value);
  if (found === undefined) throw new XmlError(`<${node.name}> with ${name}="${value}"`);
  return found;
}

/** Undefined where absent or none: phones and Kamailio write it with any number of zeros. */
function preference(node: XmlElement): number | undefined {
  const value = node.attributes.get('q');
  return value !== undefined && /^(0(\.\d{0,6})?|1(\.0{0,6})?)$/.test(value)
    ? Number(value)
    : undefined;
}

/** A number of seconds or the like; undefined when absent. */
function whole(node: XmlElement, name: string): number | undefined {
  const value = node.attributes.get(name);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new XmlError(`<${node.name}> with ${name}="${value}"`);
  return Number(value);
}
