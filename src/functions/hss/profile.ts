// The service profile that an S-CSCF downloads: TS 29.228 §6.6 and annex B, from the record and the
// network's filter criteria.

import { FEATURES } from '#diameter/cx';
import {
  type PublicIdentityProfile,
  type ServiceProfile,
  userDataXml,
} from '#diameter/cx-user-data';
import type { HssConfig, Psi } from './config.ts';
import type { Entry } from './database.ts';
import { servesUnregistered } from './filter-criteria.ts';
import { impusOf, type PublicUserIdentity } from './identities.ts';
import type { ServiceProfileConfig } from './service-profiles.ts';

/** Writes User-Data, once per record, implicit set and IMPI. */
export class Profiles {
  readonly #config: HssConfig;
  readonly #written = new WeakMap<Entry, Map<string, string>>();

  constructor(config: HssConfig) {
    this.#config = config;
  }

  /** An implicit registration set, for one IMPI, as an S-CSCF with these features takes it. */
  userData(entry: Entry, impi: string, set = '', features = 0): string {
    const written = this.#written.get(entry) ?? new Map<string, string>();
    this.#written.set(entry, written);
    const key = `${impi} ${set} ${features & (FEATURES.SiFC | FEATURES.AliasInd)}`;
    let xml = written.get(key);
    if (xml === undefined) {
      const serviceProfiles = this.#serviceProfiles(entry, set, features);
      xml = userDataXml({ impi, serviceProfiles });
      written.set(key, xml);
    }
    return xml;
  }

  /** What an S-CSCF needs for a PSI: every request goes to its server. TS 23.228 §5.4.12 */
  psiUserData(psi: Psi): string {
    return userDataXml({
      impi: psi.impi,
      serviceProfiles: [
        {
          publicIdentities: [
            psi.wildcard === undefined
              ? { identity: psi.identity, barred: false, kind: 'PSI' }
              : {
                  identity: psi.identity,
                  barred: false,
                  kind: 'WILDCARDED_PSI',
                  wildcardedPsi: psi.identity,
                },
          ],
          filterCriteria: [
            {
              priority: 0,
              applicationServer: {
                serverName: psi.server,
                defaultHandling: 'SESSION_TERMINATED',
                includeRegisterRequest: false,
                includeRegisterResponse: false,
              },
            },
          ],
          sharedFilterCriteria: [],
        },
      ],
    });
  }

  /** Whether anything is done for calls of this identity while it is not registered. */
  servesUnregistered(entry: Entry, identity: PublicUserIdentity | undefined): boolean {
    const { own, sets } = this.#criteria(entry, profileOf(entry, identity));
    return [...own, ...sets.flatMap(set => set.criteria)].some(servesUnregistered);
  }

  /** Identities of one service profile stand together, in the order of their first. */
  #serviceProfiles(entry: Entry, set: string, features: number): readonly ServiceProfile[] {
    const groups = new Map<string | undefined, PublicUserIdentity[]>();
    for (const identity of impusOf(entry.identities, set)) {
      const name = profileOf(entry, identity);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [identity]);
      else group.push(identity);
    }
    const aliases = (features & FEATURES.AliasInd) !== 0;
    return [...groups].map(([name, identities]) => {
      const profile = name === undefined ? undefined : this.#config.profiles.get(name);
      const authorization = authorizationOf(profile);
      return {
        publicIdentities: identities.map(identity => identityProfile(identity, aliases)),
        ...(authorization === undefined ? {} : { coreNetworkServicesAuthorization: authorization }),
        ...this.#filters(entry, name, features),
      };
    });
  }

  /** An S-CSCF that does not know the shared sets is given what is in them. TS 29.228 §6.6 */
  #filters(entry: Entry, name: string | undefined, features: number) {
    const { own, sets } = this.#criteria(entry, name);
    if ((features & FEATURES.SiFC) !== 0) {
      return { filterCriteria: own, sharedFilterCriteria: sets.map(({ id }) => id) };
    }
    const all = sets.length === 0 ? own : [...own, ...sets.flatMap(({ criteria }) => criteria)];
    return {
      filterCriteria: all.toSorted((a, b) => a.priority - b.priority),
      sharedFilterCriteria: [],
    };
  }

  #criteria(entry: Entry, name: string | undefined) {
    const profile = name === undefined ? undefined : this.#config.profiles.get(name);
    const services = profile?.services ?? entry.subscriber.services;
    const own = (profile?.filterCriteria ?? this.#config.filterCriteria)
      .filter(({ service }) => service === undefined || services.includes(service))
      .map(({ criterion }) => criterion);
    return { own, sets: profile?.sharedFilterCriteria ?? [] };
  }
}

const profileOf = (entry: Entry, identity: PublicUserIdentity | undefined): string | undefined =>
  identity?.profile ?? entry.subscriber.profile;

function identityProfile(identity: PublicUserIdentity, aliases: boolean): PublicIdentityProfile {
  const { impu, barred, alias, display, contacts, wildcarded } = identity;
  return {
    identity: impu,
    barred,
    kind: wildcarded ? 'WILDCARDED_IMPU' : 'IMPU',
    ...(wildcarded ? { wildcardedImpu: impu } : {}),
    ...(aliases && alias !== undefined ? { aliasGroupId: alias } : {}),
    ...(display === undefined ? {} : { displayName: display }),
    ...(contacts === undefined ? {} : { maxSimultaneousRegistrations: contacts }),
  };
}

/** What the user may use. TS 29.228 annex B.2.1 */
function authorizationOf(profile: ServiceProfileConfig | undefined) {
  const { mediaProfile, icsis } = profile ?? {};
  if (mediaProfile === undefined && icsis === undefined) return undefined;
  return {
    ...(mediaProfile === undefined ? {} : { subscribedMediaProfileId: mediaProfile }),
    ...(icsis === undefined ? {} : { serviceIds: icsis }),
  };
}
