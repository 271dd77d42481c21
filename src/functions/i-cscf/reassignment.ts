// Sends a request to the first S-CSCF that answers for itself: one that stays silent, cannot be
// reached or says 480 to a registration is passed over for the next. TS 24.229 §5.3.1.3, §5.3.2.2

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import type { SipRequest } from '#sip/message';
import { forward } from '#sip/proxy';
import { parseUri } from '#sip/uri';
import type { ICscf } from './i-cscf.ts';
import type { Selected } from './selection.ts';

export interface Attempt {
  /** The decision's name in the trace, and its clause. */
  readonly decision: string;
  readonly clause: string;
  /** Best first. */
  readonly first: readonly Selected[];
  /** Asked once when all of `first` failed. */
  readonly others: (failed: ReadonlySet<string>) => Promise<readonly Selected[]>;
  /** The request as it goes to this S-CSCF. */
  readonly towards: (uri: string) => SipRequest;
}

export async function forwardToFirstAble(
  icscf: ICscf,
  tx: ServerTransaction,
  attempt: Attempt,
): Promise<void> {
  const failed = new Set<string>();
  let silent = true;
  const choose = (selected: Selected) => {
    icscf.decide(attempt.decision, tx.request, {
      chose: selected.uri,
      because:
        failed.size === 0
          ? selected.because
          : `${[...failed].join(', ')} failed; ${selected.because}`,
      clause: attempt.clause,
    });
    failed.add(selected.uri); // unless it answers, in which case nobody asks again
    return {
      request: attempt.towards(selected.uri),
      target: { uri: parseUri(selected.uri), point: 'Mw' },
    };
  };

  // Only an S-CSCF that gave no answer of its own is passed over (§5.3.1.3).
  async function* oneAfterAnother() {
    for (const selected of attempt.first) {
      if (silent) yield [choose(selected)];
    }
    if (!silent) return;
    const others = await attempt.others(failed);
    if (failed.size + others.length === 0) {
      icscf.decide(attempt.decision, tx.request, {
        chose: '504',
        because: 'no S-CSCF has the capabilities this user needs',
        clause: attempt.clause,
      });
      tx.reply(504);
    }
    for (const selected of others) {
      if (silent) yield [choose(selected)];
    }
  }
  await forward(icscf.sip, tx, oneAfterAnother(), {
    onResponse: response => {
      silent = isGenerated(response);
      return undefined;
    },
  });
}
