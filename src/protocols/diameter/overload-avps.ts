// What nodes tell each other of how busy they are. RFC 7683 (overload), RFC 8583 (load). None of it is
// mandatory: who does not know it leaves it alone.

import { Base } from './base.ts';
import { optional } from './definition.ts';
import { diameterIdentity, enumerated, grouped, unsigned32, unsigned64 } from './types.ts';

const mayIgnore = { mandatory: false } as const;

/** Bits: 1 the loss algorithm, which is meant where there is none. RFC 7683 §7.2 */
export const OcFeatureVector = Base.avp(
  'OC-Feature-Vector',
  622,
  unsigned64,
  'RFC 7683 §7.2',
  mayIgnore,
);
export const OcSupportedFeatures = Base.avp(
  'OC-Supported-Features',
  621,
  grouped({ features: optional(OcFeatureVector) }),
  'RFC 7683 §7.1',
  mayIgnore,
);
export const OcSequenceNumber = Base.avp(
  'OC-Sequence-Number',
  624,
  unsigned64,
  'RFC 7683 §7.4',
  mayIgnore,
);
/** Seconds; 30 where it is absent, a day at most. */
export const OcValidityDuration = Base.avp(
  'OC-Validity-Duration',
  625,
  unsigned32,
  'RFC 7683 §7.5',
  mayIgnore,
);
export const OcReportType = Base.avp(
  'OC-Report-Type',
  626,
  enumerated({ HOST_REPORT: 0, REALM_REPORT: 1 }),
  'RFC 7683 §7.6',
  mayIgnore,
);
/** 0 to 100. */
export const OcReductionPercentage = Base.avp(
  'OC-Reduction-Percentage',
  627,
  unsigned32,
  'RFC 7683 §7.7',
  mayIgnore,
);
export const OcOlr = Base.avp(
  'OC-OLR',
  623,
  grouped({
    sequence: OcSequenceNumber,
    type: OcReportType,
    reduction: optional(OcReductionPercentage),
    validity: optional(OcValidityDuration),
  }),
  'RFC 7683 §7.3',
  mayIgnore,
);

export const SourceId = Base.avp(
  'SourceID',
  649,
  diameterIdentity,
  'RFC 8581 §7.3, RFC 8583 §7',
  mayIgnore,
);
export const LoadType = Base.avp(
  'Load-Type',
  651,
  enumerated({ HOST: 1, PEER: 2 }),
  'RFC 8583 §7.2',
  mayIgnore,
);
/** 0 idle to 65535. */
export const LoadValue = Base.avp('Load-Value', 652, unsigned64, 'RFC 8583 §7.3', mayIgnore);
export const Load = Base.avp(
  'Load',
  650,
  grouped({
    type: optional(LoadType),
    value: optional(LoadValue),
    source: optional(SourceId),
  }),
  'RFC 8583 §7.1',
  mayIgnore,
);
