# Process 1 of a shell pod: becomes the supervisor that the image has an interpreter for. Where it has none, the program
# runs bare: both its streams are one, and nothing else is reported of it.
here=${0%/*}
main=$1
if command -v python3 >/dev/null 2>&1; then
  export PYTHONPATH="$here"
  exec python3 -u "$main"
fi
command -v node >/dev/null 2>&1 && exec node "$here/supervisor.mjs" "$main"

exec 2>&1
read -r boot </proc/cmdline
read -r kernel </proc/sys/kernel/osrelease
case $boot in *gvisor*) kernel="gVisor $kernel" ;; esac
printf '\001r%s\n' "$kernel"
cd "${main%/*}" || exit 125

# Bytes of the bundle: where they begin, counted from 1, and how many.
part() { tail -c "+$1" "$here/bundle" | head -c "$2"; }
place() { mkdir -p "${value%/*}"; part "$1" "$2" >"$value"; }
# In $value, with the line feeds at its end, which a substitution would drop.
value() { value=$(part "$1" "$2"; printf x); value=${value%x}; }

# Ends this where the kernel is another, places the files, sets $limit, and makes the command line with its environment the arguments of this script.
set --
. "$here/bare.sh"

# From here on this shell says nothing of its own, such as who was killed.
exec 2>/dev/null
began=$(date +%s)
if command -v timeout >/dev/null 2>&1; then
  timeout -k 1 "$limit" env "$@" <.stdin 2>&1
else
  env "$@" <.stdin 2>&1
fi
code=$?
# It did not heed the first signal, or `timeout` is BusyBox's, which says what signal it died of.
case $code in
  137 | 143) [ $(($(date +%s) - began)) -ge "$limit" ] && code=124 ;;
esac
exit "$code"
