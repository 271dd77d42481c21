// An HSS for the S-CSCF's tests: a real Diameter node whose answers a test can change, with one
// subscriber who has a card and a password, one with a password alone, and a public service.

import { milenage } from '#aka/milenage';
import { sqnOctets } from '#aka/sequence';
import type { AnswerInput } from '#diameter/application';
import {
  Cx,
  MultimediaAuth,
  type MultimediaAuthRequest,
  PushProfile,
  RegistrationTermination,
  ServerAssignment,
  type ServerAssignmentRequest,
} from '#diameter/cx';
import {
  type ImsSubscription,
  type InitialFilterCriterion,
  userDataXml,
} from '#diameter/cx-user-data';
import { DiameterNode } from '#diameter/node';
import type { Host } from '#kernel/host';
import { ha1 } from '#sip/digest';

export const home = 'ims.mnc001.mcc001.3gppnetwork.org';
export const key = {
  k: Buffer.from('465b5ce8b199b49faa5f0a2ee238a6bc', 'hex'),
  opc: Buffer.from('cd63cb71954a9f4e48a5994e37a02baf', 'hex'),
};

export interface Person {
  readonly name: string;
  readonly sim: string;
  readonly login: string;
  readonly number: string;
  readonly tel: string;
  readonly named: string;
  readonly barred: string;
}

const person = (name: string, n: number): Person => ({
  name,
  sim: `00101000000000${n}@${home}`,
  login: `${name}@${home}`,
  number: `sip:+1555010000${n}@${home}`,
  tel: `tel:+1555010000${n}`,
  named: `sip:${name}@${home}`,
  barred: `sip:00101000000000${n}@${home}`,
});

export const alice = person('alice', 1);
export const bob = person('bob', 2);
export const echo = `sip:echo@${home}`;

type Mar = MultimediaAuthRequest;
type Sar = ServerAssignmentRequest;
type Maa = AnswerInput<typeof MultimediaAuth>;
type Saa = AnswerInput<typeof ServerAssignment>;

export class ScriptedHss {
  /** What was asked, in order. */
  readonly mars: Mar[] = [];
  readonly sars: Sar[] = [];
  /** The filter criteria of everybody. */
  criteria: readonly InitialFilterCriterion[] = [];
  /** Answers in place of the usual ones, where they give one. */
  onMar: (request: Mar) => Maa | undefined = () => undefined;
  onSar: (request: Sar) => Saa | undefined = () => undefined;
  algorithms: readonly ('MD5' | 'SHA-256')[] = ['MD5'];
  sequence = 1000;
  readonly node: DiameterNode;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.node = new DiameterNode(host, {
      identity: `hss.${home}`,
      realm: home,
      applications: [Cx],
      allowedPeers: () => true,
    });
    this.node.handle(MultimediaAuth, request => {
      this.mars.push(request);
      return this.onMar(request) ?? this.#vectors(request);
    });
    this.node.handle(ServerAssignment, request => {
      this.sars.push(request);
      return this.onSar(request) ?? this.#assign(request);
    });
  }

  start(): void {
    this.node.serveLocal(`hss.${home}`);
  }

  /** The types of the SARs so far, each with its IMPI. */
  get assignments(): readonly string[] {
    return this.sars.map(({ type, impi }) => `${type} ${impi?.split('@')[0] ?? '-'}`);
  }

  profileOf(who: Person, impi: string): ImsSubscription {
    const identity = (text: string, barred = false) => ({
      identity: text,
      barred,
      kind: 'IMPU' as const,
    });
    return {
      impi,
      serviceProfiles: [
        {
          publicIdentities: [
            identity(who.barred, true),
            identity(who.number),
            identity(who.tel),
            identity(who.named),
          ],
          filterCriteria: this.criteria,
          sharedFilterCriteria: [],
        },
      ],
    };
  }

  rtr(impi: string, code: 'PERMANENT_TERMINATION' | 'NEW_SERVER_ASSIGNED', others: string[] = []) {
    return this.node.call(
      RegistrationTermination,
      { impi, impus: [], reason: { code }, associated: { impis: others } },
      this.#destination,
    );
  }

  ppr(subscription: ImsSubscription) {
    const userData = userDataXml(subscription);
    return this.node.call(PushProfile, { impi: subscription.impi, userData }, this.#destination);
  }

  readonly #destination = { destinationRealm: home, destinationHost: `scscf.${home}` };

  #vectors(request: Mar): Maa {
    const who = personOf(request.impi);
    if (who === undefined) return { result: 'DIAMETER_ERROR_USER_UNKNOWN' };
    if (request.impi === who.sim) return this.#vector();
    const item = (username: string) => ({
      scheme: 'SIP Digest',
      digest: {
        realm: home,
        qop: 'auth',
        algorithm: this.algorithms[0]!,
        ha1: this.#ha1(who, username, this.algorithms[0]!),
        ...(this.algorithms[1] === undefined
          ? {}
          : {
              alternateAlgorithm: this.algorithms[1],
              alternateHa1: this.#ha1(who, username, this.algorithms[1]),
            }),
      },
    });
    const auth = [item(who.login)];
    if (request.vectors > 1) auth.push(item(who.name));
    return { result: 'DIAMETER_SUCCESS', impi: request.impi, auth };
  }

  #vector(): Maa {
    this.sequence += 32;
    const rand = this.#host.random.bytes(16);
    const amf = Buffer.from('8000', 'hex');
    const made = milenage({ ...key, rand, amf, sqn: sqnOctets(this.sequence) });
    return {
      result: 'DIAMETER_SUCCESS',
      auth: [
        {
          scheme: 'Digest-AKAv1-MD5',
          authenticate: Buffer.concat([rand, made.autn]),
          authorization: made.res,
          confidentialityKey: made.ck,
          integrityKey: made.ik,
        },
      ],
    };
  }

  #ha1(who: Person, username: string, algorithm: 'MD5' | 'SHA-256'): string {
    return ha1({ username, realm: home, secret: `${who.name}-secret`, algorithm });
  }

  #assign(request: Sar): Saa {
    const [impu = ''] = request.impus;
    if (impu === echo) return this.#service();
    const who = personOf(request.impi ?? impu) ?? personOf(impu);
    if (who === undefined) return { result: 'DIAMETER_ERROR_USER_UNKNOWN' };
    const wanted =
      request.userDataAlreadyAvailable === 'USER_DATA_NOT_AVAILABLE' &&
      ['REGISTRATION', 'RE_REGISTRATION', 'UNREGISTERED_USER'].includes(request.type);
    return {
      result: 'DIAMETER_SUCCESS',
      ...(wanted ? { userData: userDataXml(this.profileOf(who, request.impi ?? who.sim)) } : {}),
      associated: { impis: [who.sim, who.login] },
    };
  }

  #service(): Saa {
    const subscription: ImsSubscription = {
      impi: `psi-echo@${home}`,
      serviceProfiles: [
        {
          publicIdentities: [{ identity: echo, barred: false, kind: 'PSI' }],
          filterCriteria: [server(`sip:echo@as.${home}:5090`)],
          sharedFilterCriteria: [],
        },
      ],
    };
    return { result: 'DIAMETER_SUCCESS', userData: userDataXml(subscription) };
  }
}

function personOf(identity: string): Person | undefined {
  return [alice, bob].find(who => Object.values(who).includes(identity));
}

/** A criterion that applies always, or where its trigger point does. */
export function server(
  serverName: string,
  more: Partial<InitialFilterCriterion> & {
    readonly as?: Partial<InitialFilterCriterion['applicationServer']>;
  } = {},
): InitialFilterCriterion {
  const { as, ...criterion } = more;
  return {
    priority: 10,
    applicationServer: {
      serverName,
      defaultHandling: 'SESSION_CONTINUED',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
      ...as,
    },
    ...criterion,
  };
}
