#!/bin/sh
# Starts Carillon for the load driver, which starts it anew for every run that wants a fresh core:
# `start-core.sh [words of carillon up]`. BENCH_DIR holds what the benchmark made: `data`, a data
# directory with the subscribers, and `subscribers.csv`, the same for a core that keeps all in memory.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
carillon=$here/../../carillon

rm -rf "$BENCH_DIR/running" "$BENCH_DIR/subscribed"
if [ "${BENCH_IMPORT-}" = yes ]; then
  # Once the API answers, and only while this process, which becomes the core, lives.
  (
    while kill -0 $$ 2>/dev/null && ! "$carillon" subscriber import "$BENCH_DIR/subscribers.csv" \
      --api http://127.0.0.1:8099 --data "$BENCH_DIR/none" >/dev/null 2>&1; do
      sleep 1
    done
    touch "$BENCH_DIR/subscribed"
  ) &
  mkdir "$BENCH_DIR/running"
else
  cp -r "$BENCH_DIR/data" "$BENCH_DIR/running"
fi
exec "$carillon" up "$here/carillon.yaml" --quiet --data "$BENCH_DIR/running" "$@"
