# The worker: runs one command in its own session and writes down how it ended. It outlives whoever started it.
# POSIX sh, the same on this machine and behind ssh. It decides nothing but: when the limit is over, and how a group is ended.
#   $1 base of the files   $2 limit, seconds   $3 the script   $4 most bytes of output   $5 KiB of its beginning to keep
# BASE.pid  "worker started group started", there before the script begins    BASE.log  what it prints
# BASE.exit "status" or "status timeout" or "status cancelled", complete as soon as it is there
# USR1 cancels: TERM to the command's group, five seconds, KILL. USR2 is the same from the own timer.
base=$1 limit=$2 script=$3 most=$4 keep=$5 tick=0.5
why='' signalled='' ender='' leader='' own=''

# When a process began, so that a recycled id is noticed; "-" where /proc does not tell.
started() {
    { read -r stat <"/proc/$1/stat" && stat=${stat##*) } && set -- $stat && echo "${20}" || echo -; } 2>/dev/null
}
end_group() {
    kill -TERM "-$leader" 2>/dev/null || kill -TERM "$leader" 2>/dev/null
    tries=50
    while [ "$tries" -gt 0 ] && kill -0 "-$leader" 2>/dev/null; do
        sleep 0.1 2>/dev/null || { sleep 1; tries=$((tries - 9)); }
        tries=$((tries - 1))
    done
    kill -KILL "-$leader" 2>/dev/null
}
stop() {
    signalled=1
    [ -z "$why" ] || return
    why=$1
    [ -n "$leader" ] || return
    end_group &
    ender=$!
}
trap 'stop cancelled' USR1
trap 'stop timeout' USR2

own_session() {
    if command -v setsid >/dev/null 2>&1; then
        exec setsid "$@"
    elif command -v perl >/dev/null 2>&1; then
        exec perl -e 'use POSIX; POSIX::setsid(); exec @ARGV; exit 127' "$@"
    else
        exec "$@"
    fi
}
# KILL ends a sleep whose shell has not become it yet too; a TERM that early would be lost.
timer() {
    before=$!
    trap '[ "$!" = "$before" ] || kill -KILL "$!" 2>/dev/null; exit' TERM
    sleep "$limit" &
    wait "$!"
    if [ "$(started $$)" = "$own" ]; then kill -USR2 $$; else end_group; fi
}
# Past the most, the beginning and the last lines are kept. The command appends, so nothing waits and nothing fails.
trim() {
    size=$(wc -c <"$base.log") && [ "$size" -gt "$most" ] || return
    last=$(tail -c 4096 "$base.log")
    dd if=/dev/null of="$base.log" bs=1024 seek="$keep" 2>/dev/null
    printf '\n[halfstep: about %s bytes of output were cut here]\n%s\n' "$((size - keep * 1024))" "$last" >>"$base.log"
}
trimmer() {
    before=$!
    trap '[ "$!" = "$before" ] || kill -KILL "$!" 2>/dev/null; exit' TERM
    while [ "$(started $$)" = "$own" ]; do
        trim
        sleep "$tick" &
        wait "$!"
    done
}

sleep 0.0 2>/dev/null || { limit=$((${limit%.*} + 1)) tick=1; }
own=$(started $$)
own_session sh -c '
    base=$1 worker=$2 script=$3
    { read -r stat <"/proc/$$/stat" && stat=${stat##*) } && set -- $stat; } 2>/dev/null || set --
    ( set -C; printf "%s %s %s\n" "$worker" "$$" "${20:--}" >"$base.pid" ) 2>/dev/null || exit 125
    exec >>"$base.log" 2>&1 </dev/null
    exec sh -c "$script"
' halfstep "$base" "$$ $own" "$script" </dev/null >/dev/null 2>&1 &
leader=$!
if [ -n "$why" ]; then end_group & ender=$!; fi
timer &
timer=$!
trimmer &
trimmer=$!
wait "$leader"
status=$?
while [ -n "$signalled" ]; do
    signalled=''
    wait "$leader"
    status=$?
done
while [ -n "$ender" ] && kill -0 "$ender" 2>/dev/null; do wait "$ender"; done
kill -TERM "$timer" "$trimmer" 2>/dev/null
owner=''
read -r owner rest 2>/dev/null <"$base.pid"
# Somebody else has the name, or declared that this never began.
[ "$owner" = $$ ] || exit 125
trim
printf '%s %s\n' "$status" "$why" >"$base.exit.new" && mv -f "$base.exit.new" "$base.exit"
exit "$status"
