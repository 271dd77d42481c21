// Every flow there is, by name.

import { call } from './call.ts';
import type { Flow } from './flow.ts';
import { registration } from './registration.ts';

export const FLOWS: readonly Flow[] = [registration, call];
