// The keys of EPS authentication, TS 29.272: declared ahead of S6a itself, so that no trace shows
// them in a message that merely passes.

import { application } from './application.ts';
import { many } from './definition.ts';
import { grouped, octetString, unsigned32 } from './types.ts';

const S6a = application({ name: 'S6a', id: 16777251, vendor: 10415, spec: 'TS 29.272' });

const secret = { secret: true };

export const ItemNumber = S6a.avp('Item-Number', 1419, unsigned32, '§7.3.23');
export const Rand = S6a.avp('RAND', 1447, octetString, '§7.3.53');
export const Xres = S6a.avp('XRES', 1448, octetString, '§7.3.54', secret);
export const Autn = S6a.avp('AUTN', 1449, octetString, '§7.3.55');
export const Kasme = S6a.avp('KASME', 1450, octetString, '§7.3.56', secret);
export const Kc = S6a.avp('Kc', 1453, octetString, '§7.3.59', secret);
export const Sres = S6a.avp('SRES', 1454, octetString, '§7.3.60', secret);

export const EUtranVector = S6a.avp(
  'E-UTRAN-Vector',
  1414,
  grouped({ item: many(ItemNumber), rand: Rand, xres: Xres, autn: Autn, kasme: Kasme }),
  '§7.3.18',
);
export const UtranVector = S6a.avp(
  'UTRAN-Vector',
  1415,
  // Confidentiality-Key and Integrity-Key are those of Cx
  grouped({ item: many(ItemNumber), rand: Rand, xres: Xres, autn: Autn }),
  '§7.3.19',
);
export const GeranVector = S6a.avp(
  'GERAN-Vector',
  1416,
  grouped({ item: many(ItemNumber), rand: Rand, sres: Sres, kc: Kc }),
  '§7.3.20',
);
export const AuthenticationInfo = S6a.avp(
  'Authentication-Info',
  1413,
  grouped({ eUtran: many(EUtranVector), utran: many(UtranVector), geran: many(GeranVector) }),
  '§7.3.17',
);
