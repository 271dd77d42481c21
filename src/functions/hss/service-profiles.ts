// Service profiles by name and shared sets of filter criteria by number, as a network file writes them.
// TS 29.228 §6.6, annexes B and D

import { UsageError } from '#kernel/errors';
import {
  type FilterCriterion,
  type FilterCriterionSettings,
  filterCriteria,
} from './filter-criteria.ts';

/** Criteria that S-CSCFs know by a number, so that the number alone need travel. */
export interface SharedSetSettings {
  /** SharedIFCSetID, 0 or more. */
  readonly id: number;
  readonly filterCriteria: readonly FilterCriterionSettings[];
}

export interface ServiceProfileSettings {
  /** Default: those of the subscriber's record. */
  readonly services?: readonly string[];
  /** In the place of the network's. Default the network's. */
  readonly filterCriteria?: readonly FilterCriterionSettings[];
  /** Numbers of shared sets. Default none. */
  readonly sharedFilterCriteria?: readonly number[];
  /** Subscribed Media Profile Identifier, 0 or more. TS 29.228 annex B.2.1 */
  readonly mediaProfile?: number;
  /** IMS communication services that may be used; without it any. */
  readonly icsis?: readonly string[];
}

export interface SharedSet {
  readonly id: number;
  readonly criteria: readonly FilterCriterion['criterion'][];
}

export interface ServiceProfileConfig {
  readonly services: readonly string[] | undefined;
  readonly filterCriteria: readonly FilterCriterion[] | undefined;
  readonly sharedFilterCriteria: readonly SharedSet[];
  readonly mediaProfile: number | undefined;
  readonly icsis: readonly string[] | undefined;
}

/** By number. Throws a UsageError that names the set and what is wrong. */
export function sharedSets(settings: readonly SharedSetSettings[]): ReadonlyMap<number, SharedSet> {
  const sets = new Map<number, SharedSet>();
  for (const [at, { id, filterCriteria: criteria }] of settings.entries()) {
    const where = `hss.sharedFilterCriteria[${at}]`;
    if (!Number.isInteger(id) || id < 0) {
      throw new UsageError(`${where}.id: ${id} is not a whole number from 0`);
    }
    if (sets.has(id)) throw new UsageError(`${where}.id: ${id} stands there twice`);
    const read = filterCriteria(criteria, `${where}.filterCriteria`);
    const service = read.find(one => one.service !== undefined)?.service;
    if (service !== undefined) {
      throw new UsageError(
        `${where}: a shared set is for whoever has it, and so not for the service "${service}" alone`,
      );
    }
    sets.set(id, { id, criteria: read.map(({ criterion }) => criterion) });
  }
  return sets;
}

/** By name. Throws a UsageError that names the profile and what is wrong. */
export function serviceProfiles(
  settings: Readonly<Record<string, ServiceProfileSettings>>,
  sets: ReadonlyMap<number, SharedSet>,
): ReadonlyMap<string, ServiceProfileConfig> {
  return new Map(
    Object.entries(settings).map(([name, profile]) => {
      const where = `hss.profiles.${name}`;
      if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) {
        throw new UsageError(`${where}: a name has up to 32 of a to z, 0 to 9, _ and -`);
      }
      const shared = (profile.sharedFilterCriteria ?? []).map(id => {
        const set = sets.get(id);
        if (set !== undefined) return set;
        const known = [...sets.keys()].join(', ') || 'none';
        throw new UsageError(
          `${where}.sharedFilterCriteria: ${id} is no set of hss.sharedFilterCriteria; there are ${known}`,
        );
      });
      const own = profile.filterCriteria;
      const config: ServiceProfileConfig = {
        services: profile.services,
        filterCriteria:
          own === undefined ? undefined : filterCriteria(own, `${where}.filterCriteria`),
        sharedFilterCriteria: shared,
        mediaProfile: profile.mediaProfile,
        icsis: profile.icsis,
      };
      return [name, config] as const;
    }),
  );
}
