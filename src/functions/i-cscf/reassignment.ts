// Sends a request to the first S-CSCF that answers for itself: one that stays silent, cannot be
// reached or hands a registration back is passed over for the next. TS 24.229 §5.3.1.3, §5.3.2.2

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import { response, type SipRequest, type SipResponse } from '#sip/message';
import { type Branch, forward } from '#sip/proxy';
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
  /** Whether an S-CSCF that answers so wants another to be asked. */
  readonly handsBack?: (status: number) => boolean;
}

/** Answers the request once, whatever the S-CSCFs do: 504 where none could take it. */
export async function forwardToFirstAble(
  icscf: ICscf,
  tx: ServerTransaction,
  attempt: Attempt,
): Promise<void> {
  const { clock } = icscf.host;
  const { sCscfTimeout } = icscf.config;
  /** Each S-CSCF chosen, and what came of it where it failed. */
  const failed = new Map<string, string>();
  let able = false;
  let chosenAt = clock.now();

  const choose = ({ uri, because }: Selected): readonly Branch[] => {
    const before = [...failed].map(([other, why]) => `${other} ${why}`).join(', ');
    icscf.decide(attempt.decision, tx.request, {
      chose: uri,
      because: before === '' ? because : `${before}; ${because}`,
      clause: attempt.clause,
    });
    failed.set(uri, 'said nothing'); // unless it answers, in which case nobody asks again
    chosenAt = clock.now();
    return [
      {
        request: attempt.towards(uri),
        target: { uri: parseUri(uri), point: 'Mw' },
        unheard: sCscfTimeout,
      },
    ];
  };

  async function* oneAfterAnother(): AsyncGenerator<readonly Branch[]> {
    for (const selected of attempt.first) {
      yield choose(selected);
      if (able) return;
    }
    for (const selected of await attempt.others(new Set(failed.keys()))) {
      yield choose(selected);
      if (able) return;
    }
  }

  /** One heard of at all that fails later has had the request: another must not get it as well. */
  const isUnable = (received: SipResponse): boolean =>
    isGenerated(received)
      ? clock.now() - chosenAt <= sCscfTimeout
      : (attempt.handsBack?.(received.status) ?? false);

  await forward(icscf.sip, tx, oneAfterAnother(), {
    onResponse(received) {
      if (!isUnable(received)) able = true;
      else if (!isGenerated(received)) {
        const [last] = [...failed.keys()].slice(-1);
        if (last !== undefined) failed.set(last, `answered ${received.status}`);
      }
      return undefined;
    },
    onFinal() {
      if (able || tx.cancelled !== undefined) return undefined;
      icscf.decide(attempt.decision, tx.request, {
        chose: '504',
        because:
          failed.size === 0
            ? 'no S-CSCF has the capabilities this user needs'
            : `${[...failed].map(([uri, why]) => `${uri} ${why}`).join(', ')}, and there is no other`,
        clause: attempt.clause,
      });
      return response(tx.request, 504);
    },
  });
}
