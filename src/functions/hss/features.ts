// Which optional features HSS and CSCF agree on. TS 29.229 §7.1.1, §7.2.1

import type { RequestOf } from '#diameter/application';
import { FEATURES, SupportedFeatures, type UserAuthorization, VENDOR_3GPP } from '#diameter/cx';
import type { DiameterMessage } from '#diameter/message';

type Features = RequestOf<typeof UserAuthorization>['features'];

/** Of Feature-List 1. */
export const OURS = FEATURES.SiFC | FEATURES.AliasInd | FEATURES.IMSRestorationInd;

const LIST = 1;

/** What the answer to a request that tells features tells: all that we have. */
export const ourFeatures: Features = [{ vendor: VENDOR_3GPP, listId: LIST, list: OURS }];

/** The bits of Feature-List 1 that the sender told. */
export function featuresIn(features: Features): number {
  const list = features.find(({ vendor, listId }) => vendor === VENDOR_3GPP && listId === LIST);
  return list?.list ?? 0;
}

/** Whether the sender cannot do without a feature that we have not: it marks such lists with M. */
export function lacksRequired(message: DiameterMessage): boolean {
  return message.avps.some(avp => {
    if (!avp.mandatory || !avp.is(SupportedFeatures)) return false;
    const { vendor, listId, list } = avp.as(SupportedFeatures);
    const ours = vendor === VENDOR_3GPP && listId === LIST ? OURS : 0;
    return (list & ~ours) !== 0;
  });
}
