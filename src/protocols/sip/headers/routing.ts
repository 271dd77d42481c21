// The way requests go. RFC 3261 §20.22, §20.30, §20.34; RFC 3327; RFC 3608; RFC 5393.

import { nameAddrValue, numberValue } from '../grammar.ts';
import { listHeader, singleHeader } from '../header.ts';

export const Route = listHeader({ name: 'Route', spec: 'RFC 3261 §20.34', value: nameAddrValue });

export const RecordRoute = listHeader({
  name: 'Record-Route',
  spec: 'RFC 3261 §20.30',
  value: nameAddrValue,
});

export const Path = listHeader({ name: 'Path', spec: 'RFC 3327 §4', value: nameAddrValue });

export const ServiceRoute = listHeader({
  name: 'Service-Route',
  spec: 'RFC 3608 §5',
  value: nameAddrValue,
});

export const MaxForwards = singleHeader({
  name: 'Max-Forwards',
  spec: 'RFC 3261 §20.22',
  value: numberValue(255),
});

export const MaxBreadth = singleHeader({
  name: 'Max-Breadth',
  spec: 'RFC 5393',
  value: numberValue(4_294_967_295),
});
