# The far side of ssh: starts the worker, or finds one that was started, and sends its output and its end back.
# POSIX sh, read from standard input, where after `main` one more line comes: "kept", when the end is on the near disk.
# Set before: mode token key limit most keep offset worker script, and the environment of the script.
# Speaks lines on standard output; what a login shell says before the first of them is no part of it:
#   halfstep TOKEN ID      begun; ID changes when this host forgot what ran (a reboot empties /tmp)
#   data BYTES OFFSET      output follows, which ends at OFFSET of the log        cut BYTES   left out
#   exit STATUS [WHY] | lost STATUS | never | bad REASON
dir=/tmp/halfstep-$(id -u) base='' over=''

started() {
    { read -r stat <"/proc/$1/stat" && stat=${stat##*) } && set -- $stat && echo "${20}" || echo -; } 2>/dev/null
}
own_session() {
    if command -v setsid >/dev/null 2>&1; then
        exec setsid "$@"
    elif command -v perl >/dev/null 2>&1; then
        exec perl -e 'use POSIX; POSIX::setsid(); exec @ARGV; exit 127' "$@"
    else
        exec "$@"
    fi
}
# /tmp is everybody's: a directory that is not ours alone is not used.
prepare() {
    mkdir -m 700 "$dir" 2>/dev/null
    set -- $(ls -ldn "$dir" 2>/dev/null)
    case "$1 $3" in
    "drwx------"*" $(id -u)") ;;
    *) printf '%s\n' "halfstep $token -" "bad $dir cannot be used: it must be a directory with mode 0700 of this account" && exit 1 ;;
    esac
    base=$dir/$key
    [ -s "$dir/id" ] || (set -C && echo "$$-$(date +%s)" >"$dir/id") 2>/dev/null
    echo "halfstep $token $(cat "$dir/id")"
}
is_running() {
    owner='' began=''
    read -r owner began rest 2>/dev/null <"$base.pid" || [ -e "$base.pid" ] || return 1
    [ "$owner" != never ] || return 1
    [ -n "$began" ] || return 0
    kill -0 "$owner" 2>/dev/null && [ "$(started "$owner")" = "$began" ]
}
# The log may shrink meanwhile (the worker trims it), so what is missing of a promised length is filled up.
send() {
    size=$(($(wc -c <"$base.log")))
    [ "$size" -ge "$offset" ] || offset=$((keep * 1024))
    [ "$size" -ge "$offset" ] || offset=$size
    more=$((size - offset))
    if [ "$more" -gt 8388608 ]; then
        echo "cut $((more - 8388608))"
        more=8388608 offset=$((size - more))
    fi
    [ "$more" -gt 0 ] || return
    echo "data $more $((offset + more))"
    { tail -c "+$((offset + 1))" "$base.log"; cat /dev/zero; } 2>/dev/null | head -c "$more"
    offset=$((offset + more))
}
follow() {
    trap 'over=1' USR1
    while :; do
        last=$over
        [ ! -e "$base.exit" ] || last=1
        [ -n "$last" ] || [ "$mode" != find ] || is_running || last=1
        send
        [ -z "$last" ] || return 0
        sleep 0.2 2>/dev/null &
        wait "$!"
    done
}
finish() {
    [ -e "$base.exit" ] || sleep 0.1
    if read -r end <"$base.exit"; then echo "exit $end"; else echo "lost $1"; fi 2>/dev/null
    read -r answer && [ "$answer" = kept ] && rm -f "$base.exit" "$base.pid" "$base.log"
}
main() {
    prepare
    case $mode in
    open)
        find "$dir" -type f -mtime +7 ! -name id -exec rm -f {} + 2>/dev/null
        ;;
    start)
        rm -f "$base.exit" "$base.pid"
        : >"$base.log" || { echo "bad $base.log cannot be written" && exit 1; }
        own_session sh -c "$worker" halfstep "$base" "$limit" "$script" "$most" "$keep" </dev/null >/dev/null 2>&1 &
        own=$!
        follow </dev/null &
        follower=$!
        wait "$own"
        status=$?
        kill -USR1 "$follower" 2>/dev/null
        # Killed before it could listen: it has sent nothing yet.
        wait "$follower" || send
        finish "$status"
        ;;
    find)
        if [ -e "$base.exit" ] || is_running; then
            follow </dev/null
            finish '?'
        elif (set -C && echo never >"$base.pid") 2>/dev/null; then
            echo never
        elif read -r owner rest <"$base.pid" && [ "$owner" = never ]; then
            echo never
        else
            [ ! -e "$base.log" ] || send
            finish '?'
        fi
        ;;
    cancel)
        (set -C && echo never >"$base.pid") 2>/dev/null || { is_running && kill -USR1 "$owner"; }
        ;;
    esac
}
main
exit 0
