// Reads the profile document of TS 29.228 annex E. Elements of later releases are passed over,
// whatever Extension they stand in. A filter criterion that makes no sense is left out and told,
// so that one bad criterion does not cost the user his service; a document that makes no sense is
// refused.

import { ProtocolError } from '#kernel/errors';
import { parseXml, type XmlElement } from '#kernel/xml';
import {
  type ApplicationServer,
  CODES,
  type CoreNetworkServicesAuthorization,
  type ImsSubscription,
  type InitialFilterCriterion,
  type PublicIdentityProfile,
  type ServicePointTrigger,
  type ServiceProfile,
  type TriggerPoint,
} from './ims-subscription.ts';

/** The profile cannot be used; the SAR or PPR that brought it failed. */
export class UserDataError extends ProtocolError {
  override readonly name: string = 'UserDataError';
}

const fail = (message: string): never => {
  throw new UserDataError(message, { clause: 'TS 29.228 annex B' });
};

/** Reads User-Data. Throws an XmlError or a UserDataError. */
export function parseUserData(xml: string): ImsSubscription {
  const root = parseXml(xml);
  if (root.name !== 'IMSSubscription') fail(`root ${root.name}, not IMSSubscription`);
  const profiles = root.all('ServiceProfile');
  if (profiles.length === 0) fail('no ServiceProfile');
  return { impi: textOf(root, 'PrivateID'), serviceProfiles: profiles.map(parseServiceProfile) };
}

export function parseServiceProfile(profile: XmlElement): ServiceProfile {
  const problems: string[] = [];
  const criteria: InitialFilterCriterion[] = [];
  for (const [index, criterion] of profile.all('InitialFilterCriteria').entries()) {
    try {
      criteria.push(parseCriterion(criterion));
    } catch (error) {
      if (!(error instanceof UserDataError)) throw error;
      problems.push(`InitialFilterCriteria ${index + 1}: ${error.message}`);
    }
  }
  const authorization = profile.child('CoreNetworkServicesAuthorization');
  return {
    publicIdentities: profile.all('PublicIdentity').map(parseIdentity),
    ...(authorization === undefined
      ? {}
      : { coreNetworkServicesAuthorization: parseAuthorization(authorization) }),
    filterCriteria: criteria.sort((a, b) => a.priority - b.priority),
    sharedFilterCriteria: extended(profile, 'SharedIFCSetID').map(numberIn),
    ...(problems.length === 0 ? {} : { problems }),
  };
}

function parseIdentity(identity: XmlElement): PublicIdentityProfile {
  const text = (name: string) => extended(identity, name)[0]?.text.trim();
  const number = (name: string) => {
    const found = extended(identity, name)[0];
    return found === undefined ? undefined : numberIn(found);
  };
  const kind = number('IdentityType') ?? 0;
  return defined({
    identity: textOf(identity, 'Identity'),
    barred: flag(identity.child('BarringIndication')),
    kind: named(CODES.identityKind, kind) ?? fail(`IdentityType ${kind}`),
    wildcardedImpu: text('WildcardedIMPU'),
    wildcardedPsi: text('WildcardedPSI'),
    displayName: text('DisplayName'),
    aliasGroupId: text('AliasIdentityGroupID'),
    serviceLevelTraceInfo: text('ServiceLevelTraceInfo'),
    servicePriorityLevel: number('ServicePriorityLevel'),
    maxSimultaneousRegistrations: number('MaxNumOfAllowedSimultRegistrations'),
  });
}

function parseAuthorization(authorization: XmlElement): CoreNetworkServicesAuthorization {
  const media = authorization.child('SubscribedMediaProfileId');
  const services = extended(authorization, 'ListOfServiceIds')[0];
  return defined({
    subscribedMediaProfileId: media === undefined ? undefined : numberIn(media),
    serviceIds: services?.all('ServiceId').map(id => id.text.trim()),
  });
}

// ------------------------------------------------------------------ filter criteria, §B.2.2

function parseCriterion(criterion: XmlElement): InitialFilterCriterion {
  const priority = criterion.child('Priority');
  const trigger = criterion.child('TriggerPoint');
  const part = criterion.child('ProfilePartIndicator');
  const server = criterion.child('ApplicationServer') ?? fail('no ApplicationServer');
  return defined({
    // the schema wants one; without it the criterion comes first, as in other S-CSCFs
    priority: priority === undefined ? 0 : numberIn(priority),
    triggerPoint: trigger === undefined ? undefined : parseTrigger(trigger),
    applicationServer: parseServer(server),
    profilePart:
      part === undefined
        ? undefined
        : (named(CODES.profilePart, numberIn(part)) ?? fail(`ProfilePartIndicator ${part.text}`)),
  });
}

function parseServer(server: XmlElement): ApplicationServer {
  const handling = server.child('DefaultHandling');
  const code = handling === undefined ? 0 : numberIn(handling);
  return defined({
    serverName: textOf(server, 'ServerName'),
    defaultHandling: named(CODES.defaultHandling, code) ?? fail(`DefaultHandling ${code}`),
    serviceInfo: server.child('ServiceInfo')?.text,
    includeRegisterRequest: extended(server, 'IncludeRegisterRequest').length > 0,
    includeRegisterResponse: extended(server, 'IncludeRegisterResponse').length > 0,
  });
}

function parseTrigger(trigger: XmlElement): TriggerPoint {
  const groups = new Map<number, ServicePointTrigger[]>();
  for (const spt of trigger.all('SPT')) {
    const parsed = parseSpt(spt);
    const numbers = spt.all('Group').map(numberIn);
    for (const number of numbers.length === 0 ? [0] : numbers) {
      const group = groups.get(number);
      if (group === undefined) groups.set(number, [parsed]);
      else group.push(parsed);
    }
  }
  return {
    form: flag(trigger.child('ConditionTypeCNF')) ? 'CNF' : 'DNF',
    groups: [...groups].sort(([a], [b]) => a - b).map(([, group]) => group),
  };
}

function parseSpt(spt: XmlElement): ServicePointTrigger {
  const negated = flag(spt.child('ConditionNegated'));
  for (const element of spt.children) {
    switch (element.name) {
      case 'Method':
        return {
          negated,
          kind: 'method',
          method: element.text.trim(),
          registrationTypes: extended(spt, 'RegistrationType').map(
            type =>
              named(CODES.registrationType, numberIn(type)) ??
              fail(`RegistrationType ${type.text}`),
          ),
        };
      case 'RequestURI':
        return { negated, kind: 'requestUri', pattern: element.text.trim() };
      case 'SIPHeader':
        return {
          negated,
          kind: 'sipHeader',
          header: textOf(element, 'Header'),
          ...contentOf(element),
        };
      case 'SessionCase': {
        const code = numberIn(element);
        const sessionCase = named(CODES.sessionCase, code) ?? fail(`SessionCase ${code}`);
        return { negated, kind: 'sessionCase', sessionCase };
      }
      case 'SessionDescription':
        return {
          negated,
          kind: 'sessionDescription',
          line: textOf(element, 'Line'),
          ...contentOf(element),
        };
    }
  }
  return fail('an SPT of no kind we know');
}

function contentOf(element: XmlElement): { content?: string } {
  const content = element.child('Content');
  return content === undefined ? {} : { content: content.text };
}

// ------------------------------------------------------------------ helpers

/** Children of the name, in the element and in the Extensions within Extensions it has. */
function extended(element: XmlElement, name: string): readonly XmlElement[] {
  const found: XmlElement[] = [];
  for (let at: XmlElement | undefined = element; at !== undefined; at = at.child('Extension')) {
    found.push(...at.all(name));
  }
  return found;
}

function textOf(element: XmlElement, name: string): string {
  const text = element.child(name)?.text.trim() ?? '';
  return text === '' ? fail(`no ${name} in ${element.name}`) : text;
}

function numberIn(element: XmlElement): number {
  const text = element.text.trim();
  return /^\d{1,9}$/.test(text) ? Number(text) : fail(`${element.name} is '${text}'`);
}

function flag(element: XmlElement | undefined): boolean {
  if (element === undefined) return false;
  const text = element.text.trim();
  if (text === '1' || text === 'true') return true;
  return text === '0' || text === 'false' ? false : fail(`${element.name} is '${text}'`);
}

const named = <T>(names: readonly T[], code: number): T | undefined => names[code];

/** Without the keys that have no value, so that what is absent is absent. */
function defined<T extends object>(object: T): T {
  for (const key of Object.keys(object) as (keyof T)[]) {
    if (object[key] === undefined) delete object[key];
  }
  return object;
}
