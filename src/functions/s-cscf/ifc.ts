// Does an initial filter criterion apply to a request? TS 29.228 annex B (data), annex C (logic of
// trigger points), annex F (patterns). Pure: a request, what the S-CSCF knows about it, an answer.

import type {
  InitialFilterCriterion,
  RegistrationType,
  ServicePointTrigger,
  SessionCase,
  TriggerPoint,
} from '#diameter/cx-user-data';
import { ere } from '#kernel/ere';
import { Contact, contactExpires, Expires, isContactStar } from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { uriText } from '#sip/uri';

/** What is asked about beside the request itself. */
export interface Circumstances {
  /** Absent for REGISTER, which is of no session. */
  readonly sessionCase: SessionCase | undefined;
  /** Whether the served user is registered: which part of the profile counts. */
  readonly registered: boolean;
  /** Of a REGISTER that has been accepted. */
  readonly registration?: RegistrationType | undefined;
}

export interface Match {
  readonly criterion: InitialFilterCriterion;
  /** Its place in the list, to go on behind it. */
  readonly index: number;
}

/** The next criterion that applies, from place `from` on, in order of priority. TS 24.229 §5.4.3.2 */
export function nextMatch(
  criteria: readonly InitialFilterCriterion[],
  from: number,
  request: SipRequest,
  circumstances: Circumstances,
): Match | undefined {
  for (let index = from; index < criteria.length; index++) {
    const criterion = criteria[index]!;
    if (matches(criterion, request, circumstances)) return { criterion, index };
  }
  return undefined;
}

export function matches(
  criterion: InitialFilterCriterion,
  request: SipRequest,
  circumstances: Circumstances,
): boolean {
  const part = criterion.profilePart;
  if (part !== undefined && (part === 'REGISTERED') !== circumstances.registered) return false;
  const { triggerPoint } = criterion;
  return triggerPoint === undefined || isMet(triggerPoint, request, circumstances);
}

/** Annex C: an empty conjunction is true, an empty disjunction false. */
function isMet(point: TriggerPoint, request: SipRequest, circumstances: Circumstances): boolean {
  const met = (trigger: ServicePointTrigger): boolean =>
    applies(trigger, request, circumstances) !== trigger.negated;
  return point.form === 'CNF'
    ? point.groups.every(group => group.some(met))
    : point.groups.some(group => group.every(met));
}

function applies(
  trigger: ServicePointTrigger,
  request: SipRequest,
  circumstances: Circumstances,
): boolean {
  switch (trigger.kind) {
    case 'method':
      return (
        trigger.method === request.method &&
        (trigger.registrationTypes.length === 0 ||
          request.method !== 'REGISTER' ||
          (circumstances.registration !== undefined &&
            trigger.registrationTypes.includes(circumstances.registration)))
      );
    case 'requestUri':
      return found(trigger.pattern, uriText(request.uri));
    case 'sipHeader':
      return headerApplies(trigger.header, trigger.content, request);
    case 'sessionCase':
      return trigger.sessionCase === circumstances.sessionCase;
    case 'sessionDescription':
      return lineApplies(trigger.line, trigger.content, request);
  }
}

const found = (pattern: string, text: string): boolean => ere(pattern)?.test(text) ?? false;

/** The pattern is to match a header's whole name, in any case: 'To' is not in 'Contact'. */
function headerApplies(pattern: string, content: string | undefined, request: SipRequest): boolean {
  const name = ere(`^(${pattern.toLowerCase()})$`);
  if (name === undefined) return false;
  return request.headers.some(
    field => name.test(field.key) && (content === undefined || found(content, field.value)),
  );
}

/** Lines of session and media descriptions alike. */
function lineApplies(line: string, content: string | undefined, request: SipRequest): boolean {
  if (request.body.length === 0) return false;
  const type = ere(`^(${line})$`);
  if (type === undefined) return false;
  const { buffer, byteOffset, byteLength } = request.body;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
  for (const whole of text.split(/\r\n|\r|\n/)) {
    if (whole[1] !== '=' || !type.test(whole[0]!)) continue;
    if (content === undefined || found(content, whole.slice(2))) return true;
  }
  return false;
}

/** What kind of registration a REGISTER asks for. TS 24.229 §5.4.1.7 */
export function registrationType(request: SipRequest, initial: boolean): RegistrationType {
  const contacts = request.all(Contact);
  const overall = request.get(Expires);
  const leaves =
    contacts.length === 0
      ? overall === 0
      : contacts.every(
          contact => isContactStar(contact) || (contactExpires(contact) ?? overall) === 0,
        );
  if (leaves) return 'DE_REGISTRATION';
  return initial ? 'INITIAL_REGISTRATION' : 'RE_REGISTRATION';
}
