// Every header this library knows, by the specification's names. Any other passes through by name.

export { type MediaType, type NameAddr, nameAddr } from './grammar.ts';
export * from './headers/access.ts';
export * from './headers/addressing.ts';
export * from './headers/authentication.ts';
export * from './headers/capabilities.ts';
export * from './headers/charging.ts';
export * from './headers/content.ts';
export * from './headers/date.ts';
export * from './headers/dialog.ts';
export * from './headers/events.ts';
export * from './headers/identity.ts';
export * from './headers/information.ts';
export * from './headers/refer.ts';
export * from './headers/routing.ts';
export * from './headers/security-agreement.ts';
export * from './headers/stir.ts';
export * from './headers/timers.ts';
export * from './headers/via.ts';
