#!/usr/bin/env bash
# Starts a node on embedded defaults, reads the sample documents, prints their
# fields and leaves the UI up. Stop it with: make demo-stop
set -euo pipefail
bin=$1
home=${RECTO_DEMO_DIR:-.cache/demo}
addr=${RECTO_DEMO_ADDR:-127.0.0.1:8420}
mkdir -p "$home"
log=$home/node.log

if [ -f "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; then
  echo "The demo node is up already."
else
  setsid nohup "$bin" up --data "$home/data" --listen "$addr" >"$log" 2>&1 </dev/null &
  echo $! >"$home/pid"
fi

for _ in $(seq 1 150); do
  if "$bin" status --data "$home/data" 2>/dev/null | grep -q ', ready$'; then break; fi
  if ! kill -0 "$(cat "$home/pid")" 2>/dev/null; then
    echo "The node did not start; it said:"; cat "$log"; exit 1
  fi
  sleep 0.2
done

"$bin" submit --data "$home/data" --wait packaging/samples/*.pdf packaging/samples/*.jpg

echo
"$bin" ls --data "$home/data"
echo
echo "The UI is up at http://$addr (process $(cat "$home/pid"), data in $home/data)."
grep -ho 'http[^ ]*/setup?token=[^ ]*' "$log" | tail -1 | sed 's/^/Make your account with this one-time link: /' || true
echo "Stop it with: make demo-stop"
