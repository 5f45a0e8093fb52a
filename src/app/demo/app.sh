# One practice server: stop SERVER, update SERVER RELEASE, start SERVER PORT.
# Before this line the demo has set: program, owner, next; and where servers have a database: database, before, after
# (how a column is called before and after).
set -eu
cd "$(dirname "$0")"
order=$1
server=$2

# A process that has ended and is waited for by nobody still has its number.
is_alive() {
    [ -r "/proc/$1/status" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

case $order in
stop)
    [ -f "$server.pid" ] || exit 0
    pid=$(cat "$server.pid")
    kill "$pid" 2>/dev/null || :
    turns=0
    while is_alive "$pid"; do
        turns=$((turns + 1))
        [ "$turns" -lt 300 ] || kill -9 "$pid" 2>/dev/null || :
        sleep 0.05
    done
    rm -f "$server.pid"
    echo "$server is stopped"
    ;;
update)
    echo "$3" >"$server.release"
    echo "$server has $3"
    ;;
start)
    version=$server.release
    if [ "$(cat "$server.release")" = "$next" ] && [ -f "$server.stale" ]; then
        # The first start with the new release brings up the old one once more, as a stuck deploy does.
        mv "$server.stale" "$server.old"
        version=$server.old
    fi
    set -- --name "$server" --version-file "$version" --listen "127.0.0.1:$3" --with "$owner" --held-by held
    if [ -n "${database:-}" ]; then
        column=$before
        [ "$(cat "$version")" != "$next" ] || column=$after
        set -- "$@" --database "$database" --column "$column"
    fi
    if [ "$(cat "$server.release")" = "$next" ] && [ -f "$server.fault" ]; then
        set -- "$@" --fault "$(cat "$server.fault")"
    fi
    "$program" lab-app "$@" </dev/null >"$server.log" 2>&1 &
    pid=$!
    echo "$pid" >"$server.pid"
    until grep -q '^listening on' "$server.log"; do
        if ! is_alive "$pid"; then
            cat "$server.log"
            exit 1
        fi
        sleep 0.02
    done
    echo "$server listens"
    ;;
*)
    echo "unknown order $order"
    exit 2
    ;;
esac
