// The service profile that an S-CSCF downloads: TS 29.228 §6.6 and annex B, from the record and the
// network's filter criteria.

import {
  type ImsSubscription,
  type PublicIdentityProfile,
  userDataXml,
} from '#diameter/cx-user-data';
import type { HssConfig, Psi } from './config.ts';
import type { Entry } from './database.ts';
import { servesUnregistered } from './filter-criteria.ts';

/** Writes User-Data, once per record and IMPI. */
export class Profiles {
  readonly #config: HssConfig;
  readonly #written = new WeakMap<Entry, Map<string, string>>();

  constructor(config: HssConfig) {
    this.#config = config;
  }

  /** The implicit registration set of a subscriber, for one of his IMPIs. */
  userData(entry: Entry, impi: string): string {
    const written = this.#written.get(entry) ?? new Map<string, string>();
    this.#written.set(entry, written);
    let xml = written.get(impi);
    if (xml === undefined) {
      xml = userDataXml(this.#subscription(entry, impi));
      written.set(impi, xml);
    }
    return xml;
  }

  /** What an S-CSCF needs for a PSI: every request goes to its server. TS 23.228 §5.4.12 */
  psiUserData(psi: Psi): string {
    return userDataXml({
      impi: psi.impi,
      serviceProfiles: [
        {
          publicIdentities: [{ identity: psi.identity, barred: false, kind: 'PSI' }],
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

  /** Whether anything is done for this subscriber's calls while he is not registered. */
  servesUnregistered(entry: Entry): boolean {
    return this.#criteria(entry).some(servesUnregistered);
  }

  #subscription(entry: Entry, impi: string): ImsSubscription {
    const publicIdentities = entry.identities.impus.map(
      ({ impu, barred }): PublicIdentityProfile => ({ identity: impu, barred, kind: 'IMPU' }),
    );
    const profile = {
      publicIdentities,
      filterCriteria: this.#criteria(entry),
      sharedFilterCriteria: [],
    };
    return { impi, serviceProfiles: [profile] };
  }

  #criteria(entry: Entry) {
    const { services } = entry.subscriber;
    return this.#config.filterCriteria
      .filter(({ service }) => service === undefined || services.includes(service))
      .map(({ criterion }) => criterion);
  }
}
