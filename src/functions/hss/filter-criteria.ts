// Initial filter criteria as a network file writes them, made into those of the service profile.
// TS 23.218 §5.2, TS 29.228 annexes B and C.

import type {
  InitialFilterCriterion,
  RegistrationType,
  ServicePointTrigger,
  SessionCase,
  TriggerPoint,
} from '#diameter/cx-user-data';
import { UsageError } from '#kernel/errors';

/** One condition; exactly one of method, sessionCase, requestUri, header and sdpLine. */
export interface TriggerSettings {
  readonly method?: string;
  /** With method REGISTER: of these kinds only. */
  readonly registrationType?: readonly ('initial' | 're' | 'de')[];
  readonly sessionCase?: keyof typeof SESSION_CASES;
  readonly requestUri?: string;
  readonly header?: string;
  /** With header or sdpLine: what it must match; without it, that it is there is enough. */
  readonly content?: string;
  readonly sdpLine?: string;
  readonly negated?: boolean;
}

export interface FilterCriterionSettings {
  /** Lower is asked first. */
  readonly priority: number;
  /** Only for subscribers whose record names this service; without it for all. */
  readonly service?: string;
  /** OR of ANDs. */
  readonly any?: readonly (readonly TriggerSettings[])[];
  /** AND of ORs. */
  readonly all?: readonly (readonly TriggerSettings[])[];
  /** SIP URI of the application server. */
  readonly server: string;
  readonly defaultHandling?: 'continue' | 'terminate';
  readonly serviceInfo?: string;
  readonly profilePart?: 'registered' | 'unregistered';
}

/** A criterion and whose it is: of every subscriber, or of those with the service. */
export interface FilterCriterion {
  readonly service: string | undefined;
  readonly criterion: InitialFilterCriterion;
}

const SESSION_CASES = {
  originating: 'ORIGINATING_REGISTERED',
  'terminating-registered': 'TERMINATING_REGISTERED',
  'terminating-unregistered': 'TERMINATING_UNREGISTERED',
  'originating-unregistered': 'ORIGINATING_UNREGISTERED',
  'originating-cdiv': 'ORIGINATING_CDIV',
} as const satisfies Record<string, SessionCase>;

const REGISTRATION_TYPES = {
  initial: 'INITIAL_REGISTRATION',
  re: 'RE_REGISTRATION',
  de: 'DE_REGISTRATION',
} as const satisfies Record<string, RegistrationType>;

/**
 * What a network file that names none means: the application server hears of every registration, and
 * subscribers of its two services have their calls go through it.
 */
export function defaultFilterCriteria(home: string): readonly FilterCriterionSettings[] {
  const server = (user: string): string => `sip:${user}as.${home}:5090`;
  const terminatingCalls: FilterCriterionSettings['all'] = [
    [{ method: 'INVITE' }],
    [{ sessionCase: 'terminating-registered' }, { sessionCase: 'terminating-unregistered' }],
  ];
  return [
    { priority: 10, server: server(''), all: [[{ method: 'REGISTER' }]], serviceInfo: 'carillon' },
    {
      priority: 20,
      service: 'screening',
      server: server('screening@'),
      all: terminatingCalls,
    },
    {
      priority: 30,
      service: 'forwarding',
      server: server('forwarding@'),
      all: terminatingCalls,
    },
  ];
}

/** In the order of their priority. Throws a UsageError that names the criterion and what is wrong. */
export function filterCriteria(
  settings: readonly FilterCriterionSettings[],
  where = 'hss.filterCriteria',
): readonly FilterCriterion[] {
  return settings
    .map((criterion, at) => filterCriterion(criterion, `${where}[${at}]`))
    .sort((a, b) => a.criterion.priority - b.criterion.priority);
}

function filterCriterion(settings: FilterCriterionSettings, where: string): FilterCriterion {
  const { service, priority, server, defaultHandling, serviceInfo, profilePart } = settings;
  const triggerPoint = triggerPointOf(settings, where);
  if (!/^sips?:/.test(server)) {
    throw new UsageError(`${where}.server: "${server}" is not a SIP URI, such as sip:as.example`);
  }
  return {
    service,
    criterion: {
      priority,
      ...(triggerPoint === undefined ? {} : { triggerPoint }),
      applicationServer: {
        serverName: server,
        defaultHandling:
          defaultHandling === 'terminate' ? 'SESSION_TERMINATED' : 'SESSION_CONTINUED',
        ...(serviceInfo === undefined ? {} : { serviceInfo }),
        includeRegisterRequest: false,
        includeRegisterResponse: false,
      },
      ...(profilePart === undefined
        ? {}
        : { profilePart: profilePart === 'registered' ? 'REGISTERED' : 'UNREGISTERED' }),
    },
  };
}

function triggerPointOf(
  settings: FilterCriterionSettings,
  where: string,
): TriggerPoint | undefined {
  const { any, all } = settings;
  if (any !== undefined && all !== undefined) {
    throw new UsageError(`${where}: any and all stand side by side; write one of the two`);
  }
  const groups = any ?? all;
  if (groups === undefined || groups.length === 0) return undefined;
  const form = any === undefined ? 'CNF' : 'DNF';
  const name = any === undefined ? 'all' : 'any';
  return {
    form,
    groups: groups.map((group, g) => {
      if (group.length === 0) throw new UsageError(`${where}.${name}[${g}]: no condition in it`);
      return group.map((trigger, t) => triggerOf(trigger, `${where}.${name}[${g}][${t}]`));
    }),
  };
}

function triggerOf(settings: TriggerSettings, where: string): ServicePointTrigger {
  const { method, sessionCase, requestUri, header, sdpLine, content, negated = false } = settings;
  const given = Object.entries({ method, sessionCase, requestUri, header, sdpLine })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    throw new UsageError(
      `${where}: ${found} given; a condition has one of method, sessionCase, requestUri, header, sdpLine`,
    );
  }
  if (content !== undefined && header === undefined && sdpLine === undefined) {
    throw new UsageError(`${where}.content: goes with header or sdpLine only`);
  }
  if (settings.registrationType !== undefined && method !== 'REGISTER') {
    throw new UsageError(`${where}.registrationType: goes with method REGISTER only`);
  }
  const matching = content === undefined ? {} : { content };
  if (method !== undefined) {
    const registrationTypes = (settings.registrationType ?? []).map(
      type => REGISTRATION_TYPES[type],
    );
    return { kind: 'method', negated, method, registrationTypes };
  }
  if (sessionCase !== undefined) {
    return { kind: 'sessionCase', negated, sessionCase: SESSION_CASES[sessionCase] };
  }
  if (requestUri !== undefined) return { kind: 'requestUri', negated, pattern: requestUri };
  if (header !== undefined) return { kind: 'sipHeader', negated, header, ...matching };
  return { kind: 'sessionDescription', negated, line: sdpLine!, ...matching };
}

/**
 * Whether the criterion can trigger for a user who is not registered: what makes an identity one
 * with services related to the unregistered state. TS 29.228 §6.1.4.1
 */
export function servesUnregistered(criterion: InitialFilterCriterion): boolean {
  if (criterion.profilePart === 'REGISTERED') return false;
  const { triggerPoint } = criterion;
  if (triggerPoint === undefined) return true;
  const possible = (trigger: ServicePointTrigger): boolean => {
    if (trigger.kind === 'method') return (trigger.method !== 'REGISTER') !== trigger.negated;
    if (trigger.kind !== 'sessionCase') return true;
    return (trigger.sessionCase === 'TERMINATING_UNREGISTERED') !== trigger.negated;
  };
  return triggerPoint.form === 'CNF'
    ? triggerPoint.groups.every(group => group.some(possible))
    : triggerPoint.groups.some(group => group.every(possible));
}
