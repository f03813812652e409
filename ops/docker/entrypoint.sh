#!/bin/sh
# Sets the node up the first time, by the variables below, then does what it is told (default: service run).
#   DATAMESH_INIT       further words for `datamesh init --yes`, e.g. "--quota 50GiB --zone fra"
#   DATAMESH_WORDS_FILE file with the 24 words of the owner; without it a new owner is made, whose words `datamesh keys export` shows
#   DATAMESH_MEET       file in which the first node (DATAMESH_FIRST=yes) writes its address, and from which the others read it (compose.yaml)
#   DATAMESH_NET, DATAMESH_LISTEN  network preset (custom) and port (40871)
set -eu
umask 077
if [ ! -e "$DATAMESH_CONFIG" ]; then
  set_up="--data-dir $DATAMESH_NODE_DATA_DIR --network ${DATAMESH_NET:-custom} --listen ${DATAMESH_LISTEN:-40871} ${DATAMESH_INIT:-}"
  [ -z "${DATAMESH_WORDS_FILE:-}" ] || set_up="$set_up --identity phrase --phrase-file $DATAMESH_WORDS_FILE"
  if [ -n "${DATAMESH_MEET:-}" ] && [ "${DATAMESH_FIRST:-}" != yes ]; then
    until [ -s "$DATAMESH_MEET" ]; do sleep 1; done
    set_up="$set_up --bootstrap $(cat "$DATAMESH_MEET")"
  fi
  # Words of variables, to be split.
  # shellcheck disable=SC2086
  datamesh init --yes $set_up
fi

# Addresses as the running node tells them, those for others before the one that only this container knows.
addresses() {
  datamesh status --json=addresses 2>/dev/null | grep -o '/ip4/[0-9.]*/tcp/[0-9]*/p2p/[A-Za-z0-9]*' | sort -t/ -k3,3 >"$DATAMESH_MEET.all" || return 1
  grep -v '^/ip4/127\.' "$DATAMESH_MEET.all" || cat "$DATAMESH_MEET.all"
}

if [ -n "${DATAMESH_MEET:-}" ] && [ "${DATAMESH_FIRST:-}" = yes ]; then
  (
    # Before that `status` would open the data folder itself, and the service find it in use.
    until datamesh service status --quiet >/dev/null 2>&1; do sleep 1; done
    umask 022
    # A node that has just begun may have no address yet; the others wait for one as long as it takes.
    until addresses | head -n 1 >"$DATAMESH_MEET.new" && [ -s "$DATAMESH_MEET.new" ]; do sleep 1; done
    mv "$DATAMESH_MEET.new" "$DATAMESH_MEET"
    rm -f "$DATAMESH_MEET.all"
  ) &
fi
exec datamesh "$@"
