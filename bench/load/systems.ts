// What is measured beside what. Each system is the same network under other settings, or the peer.

export const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

export type Authentication = 'MD5' | 'AKAv1-MD5';

export interface System {
  readonly name: string;
  readonly authentication: Authentication;
  /** What it does and keeps, for the person who reads the table. */
  readonly about: string;
  /** As the driver names it: a core of its own making, or one that a command starts. */
  readonly sut: 'trio' | 'cmd';
  /** Words for `carillon up`. */
  readonly settings: readonly string[];
  /** Subscribers come by the API, because nothing is kept in files. */
  readonly imports: boolean;
  /** Whether its highest rates are searched for; the others are compared at fixed rates. */
  readonly searched: boolean;
}

interface Variant {
  readonly name: string;
  readonly about: string;
  readonly settings: readonly string[];
  readonly searched: boolean;
}

const set = (...settings: string[]): string[] => settings.flatMap(one => ['--set', one]);
const NO_TRACE = 'trace.enabled=false';

/** From what the peer does too to what the lab does by default. */
const VARIANTS: readonly Variant[] = [
  {
    name: 'memory',
    about: 'all in memory, trace off: what the peer does',
    settings: set('store.kind=memory', NO_TRACE),
    searched: true,
  },
  {
    name: 'durable',
    about: 'durable store, trace off',
    settings: set(NO_TRACE),
    searched: true,
  },
  { name: 'traced', about: 'durable store, trace on', settings: [], searched: false },
  {
    name: 'whole',
    about: 'durable store, trace on, reg-event subscription and third-party REGISTER',
    settings: set('pcscf.regEvent=true', `hss.filterCriteria=${thirdParty()}`),
    searched: false,
  },
];

/** The lab's criterion for REGISTER, and the one never met. */
function thirdParty(): string {
  return JSON.stringify([
    { priority: 10, server: `sip:as.${HOME}:5090`, all: [[{ method: 'REGISTER' }]] },
    { priority: 20, server: 'sip:127.0.0.20:5060', any: [[{ method: 'PUBLISH' }]] },
  ]);
}

/**
 * With AKA both cores ask the supplied Cx responder, which wants an S-CSCF of capability 1; our HSS is
 * not started.
 */
const ELSEWHERE = [
  ...['--only', 'pcscf,icscf,scscf,as'],
  ...set('hss.address=127.0.0.14:3868', 'scscf.capabilities=[0, 1]'),
];

/** `quick` leaves out what is only there to tell costs apart. */
export function systemsFor(
  authentication: Authentication,
  options: { readonly peer: boolean; readonly quick: boolean },
): readonly System[] {
  const isOwnHss = authentication === 'MD5';
  const carillon = VARIANTS.filter(
    ({ name }) => !options.quick || name === 'memory' || name === 'whole',
  ).map(
    ({ name, about, settings, searched }): System => ({
      name: `carillon ${name}`,
      authentication,
      about,
      sut: 'cmd',
      settings: isOwnHss ? settings : [...ELSEWHERE, ...settings],
      imports: isOwnHss && name === 'memory',
      searched,
    }),
  );
  const kamailio: System = {
    name: 'kamailio',
    authentication,
    about: 'P-, I- and S-CSCF of Kamailio and the Cx responder, all in memory',
    sut: 'trio',
    settings: [],
    imports: false,
    searched: true,
  };
  return options.peer ? [...carillon, kamailio] : carillon;
}
